"""The experiment or trace that names of hardware, workload and trace stand for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.accuracy import servable, unknown_accuracy
from sushi_dse.evaluation.choice import chosen_for_stream
from sushi_dse.evaluation.experiment import NO_TRACE, RECACHE_EVERY_QUERIES, Experiment
from sushi_dse.evaluation.levels import AS_GIVEN, SPAN, spanning_levels
from sushi_dse.evaluation.offers import cold_offer, outside
from sushi_dse.evaluation.subnets import served_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.space import shared
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import shareable
from sushi_dse.policies.names import DEFAULT_POLICIES, STATIC_SUBGRAPH
from sushi_dse.serving.batch_rules import BATCH_LIMIT
from sushi_dse.serving.queue import SUITED_ROUTING
from sushi_dse.serving.selection import STRICT_ACCURACY, mode_code
from sushi_dse.traces.colocation import colocated
from sushi_dse.traces.describe import describe_trace
from sushi_dse.traces.generators import DEMANDS, TraceSpec, generate
from sushi_dse.traces.names import CLOSED_LOOP
from sushi_dse.traces.trace import Trace

DEFAULT_LOAD = 0.5  # share of the capacity that synthetic arrivals take: assumption

if TYPE_CHECKING:  # A synthetic trace needs no reader of files.
    from sushi_dse.traces.importers import Imported


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
    `TraceSpec` besides the two ranges.  `UserError` where one is out of range.
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


def made_trace(
    hw: str | Path, workload: str | Path, *, colocation: str = "none", **fields: Any
) -> Trace:
    """A synthetic trace that spans a workload on the reference design of a hardware file.

    `fields` are those of `spanned_trace`; `colocation` is one of `COLOCATIONS`, seeded as the trace
    is.  `UserError` where one is unknown or out of range.
    """
    network = Network.of(load_workload(workload).supernet)
    trace = spanned_trace(network, load_hardware(hw).space.reference, **fields)
    shared = ("seed", "period_s", "mean_burst_s", "mean_calm_s")
    return colocated(trace, colocation, **{name: fields[name] for name in shared if name in fields})


def imported_trace(
    file: Path,
    columns: Mapping[str, Any],
    *,
    hw: str | Path,
    workload: str | Path,
    load: float | None,
    rate_per_s: float | None,
    limit: int | None,
) -> tuple["Imported", list[str], str]:
    """The trace of a log whose demands span a workload on a hardware file's reference design.

    `columns` are the fields of a `LogColumns`.  With it come a line on each demand that the log
    does not have, and one on how much the trace asks of the hardware.  `UserError` where the log
    cannot be read, or an option is wrong.
    """
    from sushi_dse.traces.importers import import_log
    from sushi_dse.traces.log_columns import LogColumns

    try:
        log_columns = LogColumns(**columns)
    except ValueError as error:
        raise UserError(f"trace: {error}") from None
    network = Network.of(load_workload(workload).supernet)
    offer = cold_offer(network, load_hardware(hw).space.reference)
    imported = import_log(
        file,
        log_columns,
        accuracy_percent=offer.accuracy_percent,
        latency_ms=offer.latency_ms,
        rate_per_s=offer.rate_per_s(load, rate_per_s),
        limit=limit,
    )
    laxest = {
        "accuracy": f"demands {offer.accuracy_percent[0]:g} %",
        "latency": f"may take {offer.latency_ms[1]:.4g} ms",
    }
    notes = [
        f"no --{name}: every query {asked}, the laxest that {workload} offers on {hw}"
        for name, asked in laxest.items()
        if columns.get(name) is None
    ]
    notes += outside(imported.trace, offer)
    if reason := unknown_accuracy(network):
        notes.append(f"no query demands an accuracy: {reason}")
    mean_per_s = describe_trace(imported.trace)["rate_per_s"] or 0.0
    share = mean_per_s / offer.capacity_per_s
    served = f"{mean_per_s:.4g} a second, {share:.3g} of what {hw} serves"
    return imported, notes, f"{len(imported.trace)} queries, {served}"


def seeds(trace_name: str, seed: int, repeats: int) -> range:
    """The seeds of repeated runs; `UserError` where the trace is a file, which has none."""
    if repeats > 1 and trace_name not in DEMANDS:
        raise UserError(f"--repeats: the trace {trace_name} has no seed; leave it out")
    return range(seed, seed + repeats)


def only_design(hw: str | Path) -> Accelerator:
    """The design of a hardware file that is no search space; `UserError` where it is one."""
    hardware = load_hardware(hw)
    return hardware.space.only_design(hardware.path)


def load_experiment(
    hw: str | Path = "zcu104",
    workload: str | Path = "ofa_resnet50",
    trace: str | Path = "random-walk",
    *,
    policies: Sequence[str] | None = None,
    mode: str = "strict-latency",
    queries: int = 2000,
    seed: int = 0,
    subnets: int | None = None,
    weight_bits: int | None = None,
    recache_every_queries: Sequence[int] | None = None,
    repeats: int = 1,
    service_levels: Sequence[float] | Literal["span"] = (AS_GIVEN,),
    arrivals: str | None = None,
    load: float | None = None,
    capacity_target: float | None = None,
    accelerators: int = 1,
    routing: str = SUITED_ROUTING,
    batch_limit: int = BATCH_LIMIT,
) -> Experiment:
    """The experiment of those names, as the command line takes them.

    `trace` is a kind of synthetic demand, a file, or "none": each SubNet is served again and again.
    A synthetic trace has so many `queries` and is made for the reference design of a search space,
    so that all designs of the space serve the same one.  `subnets` asks for that many SubNets,
    chosen for the reference design: by the workload's accuracy model, or without one of those that
    it lists, for the stream, which spans all of them.  `weight_bits` are those of each weight in
    place of the workload's.  With `repeats` each design
    serves the traces of so many seeds, from `seed` on, and has a row for each.  By default
    `policies` are `DEFAULT_POLICIES`, and without a trace `static-subgraph`.  The trace is served
    at each of the `service_levels`; "span" is seven, from what the smallest SubNet keeps on the
    reference design to what the largest does.  Queries of a synthetic trace come in a closed loop,
    or by `arrivals` at a `load`, the share of what the reference design can serve (`DEFAULT_LOAD`).
    With a `capacity_target` rows have a capacity.  A policy that batches serves up to `batch_limit`
    queries at once.  So many `accelerators` of a design share its device and serve the trace from
    one queue, by a `routing`; a synthetic trace is that of one of them.  `UserError` where a name
    is unknown or a file has a mistake.
    """
    hardware, served = load_hardware(hw), load_workload(workload, weight_bits)
    reference = hardware.space.reference
    is_predicted = served.accuracy_model is not None
    if subnets is not None and is_predicted:
        served = served_workload(served, reference, subnets)
    network, name = Network.of(served.supernet), str(trace)
    traces = [
        (
            each,
            load_trace(
                name, network, reference, queries=queries, seed=each, arrivals=arrivals, load=load
            ),
        )
        for each in seeds(name, seed, repeats)
    ]
    found = traces[0][1]
    if subnets is not None and not is_predicted:
        network = chosen_for_stream(network, reference, found, str(mode), subnets)
    asked = tuple(policies or (DEFAULT_POLICIES if found else (STATIC_SUBGRAPH,)))
    served_by, remarks = servable(asked, network)
    served_by, of_one = shareable(served_by, accelerators)
    if found is not None and name not in DEMANDS:
        remarks = (*remarks, *outside(found, cold_offer(network, reference)))
    if service_levels == SPAN:
        if found is None:
            raise UserError("--service-level: scales the demands of a trace, and there is none")
        offer = cold_offer(network, reference)
        service_levels = spanning_levels(found, offer.latency_ms, str(mode))
        if unknown_accuracy(network) and mode_code(str(mode)) == STRICT_ACCURACY:
            service_levels = (AS_GIVEN,)
    return Experiment(
        space=shared(hardware.space, accelerators),
        network=network,
        trace=found,
        policies=served_by,
        remarks=(*remarks, *of_one),
        mode=str(mode),
        recache_every_queries=tuple(recache_every_queries or (RECACHE_EVERY_QUERIES,)),
        service_levels=tuple(map(float, service_levels)),
        capacity_target=capacity_target,
        routing=str(routing),
        batch_limit=batch_limit,
        is_trace_made=name in DEMANDS,
        seeded=tuple((each, own) for each, own in traces if own and repeats > 1),
    )


def load_trace(
    name: str,
    network: Network,
    accelerator: Accelerator,
    *,
    queries: int,
    seed: int,
    arrivals: str | None = None,
    load: float | None = None,
) -> Trace | None:
    """The trace of that name, None for "none"; a synthetic trace spans the SubNets.

    `UserError` where the name is unknown, the file has a mistake, or arrivals are given for what is
    no synthetic trace.
    """
    if name not in DEMANDS and (arrivals is not None or load is not None):
        raise UserError(f"--arrivals, --load: are of a synthetic trace, and {name} is none")
    if load is not None and arrivals in (None, CLOSED_LOOP):
        raise UserError("--load: a closed loop has none; name --arrivals, such as poisson")
    if name == NO_TRACE:
        return None
    if name in DEMANDS:
        kind = arrivals or CLOSED_LOOP
        if kind != CLOSED_LOOP and load is None:
            load = DEFAULT_LOAD
        return spanned_trace(
            network, accelerator, demands=name, arrivals=kind, load=load, queries=queries, seed=seed
        )
    if Path(name).suffix or "/" in name:
        from sushi_dse.traces.files import read_trace

        return read_trace(Path(name))
    raise UserError(
        f"unknown trace {name!r}; known: {', '.join(sorted(DEMANDS))}, {NO_TRACE}, or a "
        ".csv or .parquet file"
    )
