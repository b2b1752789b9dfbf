"""The layers that were measured on the design of a hardware file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.measurements import read_measurements
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.evidence import Calibration
from sushi_dse.workload.measured import MeasuredLayer


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Measurements:
    """Layers that were measured on an accelerator."""

    design: Accelerator
    calibration: Calibration | None  # what the constants of the design were fitted on before
    layers: Sequence[MeasuredLayer]
    others: int  # layers in the file that were measured on other arrays
    origin: str  # name of the file


def load_measured(
    hw: str, workload: str, measured: Path | None, subnets: Sequence[str] = ()
) -> Measurements:
    """The layers that were measured on the design of a hardware file, all or of those SubNets.

    The file is `measured`, or the one beside the hardware file.  Layers that were measured on an
    array of other sides are left out.  `UserError` where there is no file or none of its layers is
    left, it has a mistake, or the hardware file is a search space.
    """
    hardware = load_hardware(hw)
    path = measured or hardware.path.with_suffix(".csv")
    if measured is None and not path.is_file():
        raise UserError(f"{hardware.name} ships no measured layers; give some with --measured")
    design = hardware.space.only_design(hardware.path)
    rows = read_measurements(path, load_workload(workload).supernet, subnets)
    sides = design.pe_kernels, design.pe_pixels
    own = [row for row in rows if row.array in (None, sides)]
    if not own:
        raise UserError(
            f"{path}: no layer was measured on an array of {sides[0]} kernels x {sides[1]} pixels, "
            f"that of {hardware.name}; name other hardware"
        )
    return Measurements(
        design=design,
        calibration=hardware.space.calibration,
        layers=own,
        others=len(rows) - len(own),
        origin=path.name,
    )
