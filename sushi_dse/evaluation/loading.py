"""What a command is asked about: hardware, workload and trace, loaded by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sushi_dse.config.hardware_file import HardwareFile, load_hardware
from sushi_dse.config.measurements import read_measurements
from sushi_dse.config.workload_file import WorkloadFile, load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.subnets import served_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import find_policy
from sushi_dse.policies.names import STEADY_POLICIES
from sushi_dse.traces.files import read_trace
from sushi_dse.traces.generators import CLOSED_LOOP, DEMANDS, TraceSpec, generate
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import MeasuredLayer

NO_TRACE = "none"  # in place of a trace's name: each SubNet in its steady state


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Setting:
    """Hardware, workload and trace, and the names they were asked for by."""

    hardware: HardwareFile
    workload: WorkloadFile
    network: Network
    trace: Trace | None  # None: each SubNet is served again and again
    trace_name: str

    @property
    def traced(self) -> Trace:
        """The trace; `UserError` where there is none."""
        if self.trace is None:
            raise UserError(f"--trace {NO_TRACE}: this command serves queries; name a trace")
        return self.trace

    @property
    def reference_fault(self) -> str:
        """Why the design that the trace was made for does not fit its device; empty where it does.

        It is the reference design of a search space; a trace from a file was made for another.
        """
        made = self.trace is not None and self.trace_name in DEMANDS
        space = self.hardware.space
        return infeasible_reason(space.reference) if made and space.size > 1 else ""

    def evaluation(self, policies: Sequence[str], mode: str) -> Evaluation:
        """The setting under policies and a mode, ready for blocks of designs."""
        for policy in policies:
            find_policy(policy)
            if self.trace is None and policy not in STEADY_POLICIES:
                raise UserError(
                    f"--policy {policy} chooses by the queries of a trace; without one take "
                    f"{' or '.join(STEADY_POLICIES)}"
                )
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
            "trace": {
                "name": self.trace_name,
                "sha256": self.trace.content_hash() if self.trace else "",
            },
            "policies": list(policies),
            "mode": mode,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the SubNets of a workload offer on an accelerator with nothing cached."""

    accuracy_percent: tuple[float, float]  # the least and the most accurate
    latency_ms: tuple[float, float]  # the fastest and the slowest
    capacity_per_s: float  # queries, back to back, of which each SubNet serves an equal share

    def rate_per_s(self, load: float | None, rate_per_s: float | None) -> float | None:
        """The rate that is asked for, as it stands or as a share of the capacity; None for neither.

        Raises `UserError` where both are given, or the share is none.
        """
        if load is None:
            return rate_per_s
        if rate_per_s is not None:
            raise UserError(f"trace: load {load:g} and rate_per_s {rate_per_s:g}; give one of them")
        if not 0 < load <= 1000:
            raise UserError(f"trace: 0 < load <= 1000 must hold, got {load}")
        return load * self.capacity_per_s


def cold_offer(network: Network, accelerator: Accelerator) -> Offer:
    """What the SubNets of `network` offer on `accelerator` with nothing cached."""
    table = candidate_table(network, accelerator)
    cold_ms, top1_percent = table.latency_ms[:, 0], network.top1_percent
    return Offer(
        accuracy_percent=(float(top1_percent.min()), float(top1_percent.max())),
        latency_ms=(float(cold_ms.min()), float(cold_ms.max())),
        capacity_per_s=1e3 / float(cold_ms.mean()),
    )


def spanned_trace(
    network: Network,
    accelerator: Accelerator,
    *,
    load: float | None = None,
    rate_per_s: float | None = None,
    **fields: object,
) -> Trace:
    """A trace whose demands span the SubNets of `network`, on `accelerator` with nothing cached.

    `load` is the rate as a share of the capacity that `cold_offer` finds; `fields` are those of a
    `TraceSpec` that the two ranges leave open.  `UserError` where one is out of range.
    """
    offer = cold_offer(network, accelerator)
    rate = offer.rate_per_s(load, rate_per_s)
    if rate is not None:
        fields["rate_per_s"] = rate
    try:
        spec = TraceSpec(
            accuracy_percent=offer.accuracy_percent,
            latency_ms=offer.latency_ms,
            **fields,  # type: ignore[arg-type] # checked by TraceSpec, whose error names the field
        )
        if rate is not None and spec.arrivals == CLOSED_LOOP:
            raise ValueError("closed-loop arrivals have no load and no rate_per_s; name others")
        return generate(spec)
    except ValueError as error:
        raise UserError(f"trace: {error}") from None


def seeds(trace_name: str, seed: int, repeats: int) -> range:
    """The seeds of repeated runs; `UserError` where the trace is a file, which has none."""
    if repeats > 1 and trace_name not in DEMANDS:
        raise UserError(f"--repeats: the trace {trace_name} is a file without a seed; leave it out")
    return range(seed, seed + repeats)


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
    hardware_name: str,
    workload_name: str,
    trace_name: str,
    *,
    queries: int,
    seed: int,
    subnets: int | None = None,
) -> Setting:
    """The setting of those names; a trace is a kind of synthetic demand, a file, or "none".

    A synthetic trace is made for the reference design of a search space, so that all designs of the
    space serve the same one.  For it too are chosen that many `subnets`, in place of those that the
    workload lists.  `UserError` where a name is unknown or a file has a mistake.
    """
    hardware, workload = load_hardware(hardware_name), load_workload(workload_name)
    reference = hardware.space.reference
    if subnets is not None:
        workload = served_workload(workload, reference, subnets)
    network = Network.of(workload.supernet)
    trace: Trace | None = None
    if trace_name == NO_TRACE:
        space = hardware.space.without("recache_every_queries")  # it would change nothing
        hardware = replace(hardware, space=space)
    elif trace_name in DEMANDS:
        trace = spanned_trace(network, reference, demands=trace_name, queries=queries, seed=seed)
    elif Path(trace_name).suffix or "/" in trace_name:
        trace = read_trace(Path(trace_name))
    else:
        raise UserError(
            f"unknown trace {trace_name!r}; known: {', '.join(sorted(DEMANDS))}, {NO_TRACE}, or a "
            ".csv or .parquet file"
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
