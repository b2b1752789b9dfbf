"""What a command is asked about: hardware, workload and trace, loaded by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sushi_dse.calibration import MeasuredLayer
from sushi_dse.config import HardwareFile, WorkloadFile, load_hardware, load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluate import Evaluation
from sushi_dse.hardware import Accelerator
from sushi_dse.latency_table import latency_table
from sushi_dse.measurements import read_measurements
from sushi_dse.network import Network
from sushi_dse.policies import find_policy
from sushi_dse.queries import DEMANDS, Trace, TraceSpec, generate, read_trace
from sushi_dse.subgraphs import candidates


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Setting:
    """Hardware, workload and trace, and the names they were asked for by."""

    hardware: HardwareFile
    workload: WorkloadFile
    network: Network
    trace: Trace
    trace_name: str

    def evaluation(self, policies: Sequence[str], mode: str) -> Evaluation:
        """The setting under policies and a mode, ready for blocks of designs."""
        for policy in policies:
            find_policy(policy)
        if len(set(policies)) < len(policies):
            raise UserError(f"a policy is named twice: {', '.join(policies)}; name each once")
        return Evaluation(
            space=self.hardware.space,
            network=self.network,
            trace=self.trace,
            policies=tuple(policies),
            mode=mode,
        )

    def inputs(self, policies: Sequence[str], mode: str) -> dict[str, object]:
        """All that results depend on, to tell one run from another."""
        space = self.hardware.space
        return {
            "hardware": {
                "base": asdict(space.base),
                "axes": {axis.name: list(axis.values) for axis in space.axes},
            },
            "workload": {
                "name": self.workload.name,
                "sha256": hashlib.sha256(repr(self.workload.supernet).encode()).hexdigest(),
            },
            "trace": {"name": self.trace_name, "sha256": self.trace.content_hash()},
            "policies": list(policies),
            "mode": mode,
        }


def spanned_trace(network: Network, accelerator: Accelerator, **fields: object) -> Trace:
    """A trace whose demands span the SubNets of `network`, on `accelerator` with nothing cached.

    `fields` are those of a `TraceSpec` that the two ranges leave open.
    """
    table = latency_table(network, accelerator, candidates(network, accelerator))
    cold_ms, top1_percent = table.latency_ms[:, 0], network.top1_percent
    try:
        spec = TraceSpec(
            accuracy_percent=(float(top1_percent.min()), float(top1_percent.max())),
            latency_ms=(float(cold_ms.min()), float(cold_ms.max())),
            **fields,  # type: ignore[arg-type] # checked by TraceSpec, whose error names the field
        )
        return generate(spec)
    except ValueError as error:
        raise UserError(f"trace: {error}") from None


def only_design(hardware: HardwareFile) -> Accelerator:
    """The design of a hardware file that is no search space; `UserError` where it is one."""
    if hardware.space.size > 1:
        axes = ", ".join(axis.name for axis in hardware.space.axes)
        raise UserError(
            f"{hardware.path}: a search space of {hardware.space.size} designs ({axes}) where one "
            "design is wanted; give each a single value, or run `sushi-dse sweep`"
        )
    return hardware.space.base


def load_setting(
    hardware_name: str, workload_name: str, trace_name: str, *, queries: int, seed: int
) -> Setting:
    """The setting of those names; a trace is a kind of synthetic demand, or a file.

    A synthetic trace is made for the reference design of a search space, so that all designs of the
    space serve the same one.
    """
    hardware, workload = load_hardware(hardware_name), load_workload(workload_name)
    network = Network.of(workload.supernet)
    if trace_name in DEMANDS:
        reference = hardware.space.reference
        trace = spanned_trace(network, reference, demands=trace_name, queries=queries, seed=seed)
    elif Path(trace_name).suffix or "/" in trace_name:
        trace = read_trace(Path(trace_name))
    else:
        raise UserError(
            f"unknown trace {trace_name!r}; known: {', '.join(sorted(DEMANDS))}, or a .csv or "
            ".parquet file"
        )
    return Setting(
        hardware=hardware,
        workload=workload,
        network=network,
        trace=trace,
        trace_name=trace_name,
    )


def load_measured(
    hardware_name: str, workload_name: str, measured: Path | None, subnets: Sequence[str]
) -> tuple[Accelerator, list[MeasuredLayer], str]:
    """A design, measured layers, and where they are from: a file, or one beside the hardware's."""
    hardware = load_hardware(hardware_name)
    path = measured or hardware.path.with_suffix(".csv")
    if measured is None and not path.is_file():
        raise UserError(f"{hardware.name} ships no measured layers; give some with --measured")
    rows = read_measurements(path, load_workload(workload_name).supernet, subnets)
    return only_design(hardware), rows, path.name
