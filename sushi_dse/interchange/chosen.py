"""The design that is chosen from a folder of results or from a hardware file."""

from dataclasses import dataclass
from pathlib import Path

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.shipped import is_path
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.store.run import RUN_FILE, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A design that was chosen for an export."""

    accelerator: Accelerator
    origin: str  # one line that says which design it is
    assumptions: tuple[str, ...]  # assumptions of its hardware file; a folder of results has none


def chosen_design(source: str, number: int | None) -> Chosen:
    """Design `number` of a folder of results, or of a hardware file by name or path.

    UserError where there is none of that number, or several and none is named.
    """
    folder, assumptions = Path(source), tuple[str, ...]()
    if folder.is_dir() and (is_path(source) or (folder / RUN_FILE).exists()):
        space = Run.read(folder).space(folder)
    else:
        hardware = load_hardware(source)
        space, assumptions = hardware.space, hardware.assumptions
    if number is None and space.size > 1:
        last = space.size - 1
        raise UserError(f"{source}: has {space.size} designs; name one, --design 0 to {last}")
    try:
        accelerator = space.design(number or 0)
    except IndexError:
        raise UserError(
            f"{source}: has no design {number}; they are 0 to {space.size - 1}"
        ) from None
    named = f"Design {number or 0} of {source}" if space.size > 1 else f"The design of {source}"
    line = "".join(c if c.isprintable() else "?" for c in named)
    return Chosen(accelerator=accelerator, origin=line, assumptions=assumptions)
