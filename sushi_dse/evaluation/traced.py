"""The metrics of policies' runs of a trace, and the rows of designs under each policy."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.columns import column
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import (
    ACCURACY,
    ACCURACY_GAIN,
    GAIN,
    INTERVAL,
    LATENCY,
    LEVEL,
    METRICS,
    SEED,
)
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import infeasible_reasons, resources
from sushi_dse.model.energy import offchip_mj, power, switch_buffer_mj
from sushi_dse.model.latency_table import SUMS, LatencyTable, candidate_table
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.serving.percentiles import PERCENTILES
from sushi_dse.serving.served import Tally, tally
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace

Row = dict[str, float | int | str | None]


REFERENCE_POLICY = "no-sgs"


@dataclass(frozen=True, slots=True, eq=False)
class Tallied:
    """The sums over streams that a policy served on a design."""

    tally: Tally  # a run for each stream
    totals: np.ndarray  # [stream, quantity of SUMS]: the sums over all queries

    @classmethod
    def of(cls, tally: Tally, table: LatencyTable) -> "Tallied":
        """The sums of the runs of `tally` on `table`."""
        return cls(tally, (table.sums * tally.served[:, None]).sum(axis=(2, 3)))


def serving_metrics(run: PolicyRun, trace: Trace) -> dict[str, float]:
    """The metrics of a run by name, without resources and gain; `METRICS` defines them."""
    tallied = Tallied.of(tally(run.served, trace, run.table), run.table)
    found = metrics_of([tallied], Streams([trace]), Designs(run.accelerator, {}, 1))
    return {name: float(values[0, 0]) for name, values in found.items()}


def metrics_of(
    tallied: Sequence[Tallied], streams: Streams, designs: Designs
) -> dict[str, np.ndarray]:
    """The metrics of runs by name, [stream, design] each, without resources and gain.

    tallied: of each of the `designs`, as they were served.
    """

    def over(of_design: Iterable[Any]) -> Any:  # [stream, design]
        return np.stack(list(of_design), axis=1)

    def summed(name: str) -> Any:
        return over(getattr(one.tally, name) for one in tallied)

    queries = len(streams.traces[0])
    total = {name: over(one.totals[:, i] for one in tallied) for i, name in enumerate(SUMS)}
    service_ms, switch_bytes = summed("service_ms"), summed("switch_bytes")
    drawn = power(designs)
    causes_mj = {
        "offchip": total["offchip_mj"] + offchip_mj(designs, switch_bytes),
        "buffer": total["buffer_mj"] + switch_buffer_mj(designs, summed("fetched_bytes")),
        "mac": total["mac_mj"],
        "clock": service_ms * drawn.clock_w,
        "static": service_ms * drawn.static_w,
    }
    served_mj = sum(causes_mj.values())
    arrivals = [(trace.closed_loop, trace.arrived_ms[[0, -1]]) for trace in streams.traces]
    span_ms = service_ms.copy()
    for stream, (closed_loop, (first_ms, last_ms)) in enumerate(arrivals):
        if not closed_loop:
            span_ms[stream] = last_ms - first_ms + summed("last_ms")[stream]
    whole_mj = served_mj + np.maximum(span_ms - service_ms, 0.0) * drawn.idle_w
    accuracy = summed("accuracy_percent")
    # Whether a demand is met is as unknown as the accuracy.
    demanded = [bool(trace.min_accuracy_percent.any()) for trace in streams.traces]
    unknown = np.isnan(accuracy) & np.array(demanded)[:, None]
    macs_per_ms = designs.macs_per_cycle * designs.clock_mhz * 1e3
    return {
        "mean_latency_ms": summed("response_ms") / queries,
        **{
            f"p{percent}_latency_ms": over(one.tally.percentile_ms[:, i] for one in tallied)
            for i, percent in enumerate(PERCENTILES)
        },
        "mean_accuracy_percent": accuracy / queries,
        "accuracy_attainment": np.where(unknown, np.nan, summed("accurate") / queries),
        "latency_attainment": summed("in_time") / queries,
        "slo_attainment": np.where(unknown, np.nan, summed("both") / queries),
        "offchip_bytes_per_query": (total["offchip_bytes"] + switch_bytes) / queries,
        "energy_mj_per_query": served_mj / queries,
        **{f"{cause}_energy_mj_per_query": mj / queries for cause, mj in causes_mj.items()},
        "energy_with_idle_mj_per_query": whole_mj / queries,
        "mean_power_w": whole_mj / span_ms,
        "persistent_buffer_hit_share": total["cached_weight_bytes"] / total["weight_bytes"],
        "subgraph_switches": summed("switches").astype(float),
        "throughput_queries_per_s": 1e3 * queries / span_ms,
        "array_utilisation": total["macs"] / (macs_per_ms * service_ms),
    }


def resource_metrics(designs: Accelerator | Designs) -> dict[str, Any]:
    """What a design takes of its device by kind, and its device share; of `Designs` each [design].

    Where all designs agree it is one number.
    """
    return resources(designs).by_name


def policy_rows(
    experiment: Experiment, accelerator: Accelerator, table: LatencyTable
) -> Iterator[Row]:
    """The metrics of each policy, interval and service level on a design of that latency table."""
    found = traced_metrics([experiment], Designs(accelerator, {}, 1), [(accelerator, table)])
    values = {name: array.ravel().tolist() for name, array in found.items()}
    rows = product(experiment.runs, experiment.service_levels)
    for row, ((policy, interval), level) in enumerate(rows):
        yield {
            **{"policy": policy, INTERVAL: interval, LEVEL: level},
            **{name: of_each[row] for name, of_each in values.items()},
        }


def traced_metrics(
    experiments: Sequence[Experiment],
    designs: Designs,
    tables: Iterable[tuple[Accelerator, LatencyTable]],
) -> dict[str, np.ndarray]:
    """`METRICS` of designs, whether or not they fit: [design, experiment, run, level] each.

    The experiments differ in their traces alone.  tables: each of the designs with its latency
    table, of which one at a time is in memory.
    """
    one, reference = experiments[0], (REFERENCE_POLICY, None)
    runs = one.runs if reference in one.runs else (*one.runs, reference)
    tallied, own = _tallied(experiments, runs, tables)
    policies = {name: one.policy(name) for name, _ in runs}
    held = {
        name: Designs.of(own[name]) if policy.system else policy.held(designs)
        for name, policy in policies.items()
    }
    found = []
    for experiment, of_runs in zip(experiments, tallied, strict=True):
        metrics = [
            _with_resources(metrics_of(of_designs, experiment.streams, held[name]), held[name])
            for of_designs, (name, _) in zip(of_runs, runs, strict=True)
        ]
        base = metrics[runs.index(reference)]
        found.append([_with_gains(each, base) for each in metrics[: len(one.runs)]])
    return {
        name: np.array([[each[name] for each in metrics] for metrics in found]).transpose(
            3, 0, 1, 2
        )
        for name in METRICS
    }


def _tallied(
    experiments: Sequence[Experiment],
    runs: Sequence[tuple[str, int | None]],
    tables: Iterable[tuple[Accelerator, LatencyTable]],
) -> tuple[list[list[list[Tallied]]], dict[str, list[Accelerator]]]:
    """The sums of each experiment, run and design, and the designs that systems make, by policy."""
    one = experiments[0]
    policies = {name: one.policy(name) for name, _ in runs}
    tallied: list[list[list[Tallied]]] = [[[] for _ in runs] for _ in experiments]
    own: dict[str, list[Accelerator]] = {name: [] for name, p in policies.items() if p.system}
    for given, table in tables:
        served_on = dict.fromkeys(policies, table)
        for name, accelerators in own.items():
            served_on[name], accelerator = policies[name].system_of(one.network, given, table)
            accelerators.append(accelerator)
        for experiment, of_runs in zip(experiments, tallied, strict=True):
            for (name, interval), of_designs in zip(runs, of_runs, strict=True):
                streams, every = experiment.streams, interval or len(experiment.traced)
                tally = policies[name].tallied(streams, served_on[name], mode=one.mode, every=every)
                of_designs.append(Tallied.of(tally, served_on[name]))
    return tallied, own


def _with_resources(metrics: dict[str, np.ndarray], designs: Designs) -> dict[str, np.ndarray]:
    """Metrics of `metrics_of`, and beside them what the designs take of their device."""
    shape = metrics[LATENCY].shape
    blocks = {
        name: np.broadcast_to(np.asarray(value, dtype=float), shape)
        for name, value in resource_metrics(designs).items()
    }
    return {**metrics, **blocks}


def _with_gains(
    metrics: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Metrics, and beside them what they gain on those of the reference policy."""
    return {
        **metrics,
        GAIN: 100 * (1 - metrics[LATENCY] / reference[LATENCY]),
        ACCURACY_GAIN: metrics[ACCURACY] - reference[ACCURACY],
    }


def replay(experiment: Experiment) -> dict[str, PolicyRun]:
    """The run of each policy over the trace, by its name, on one design at one recache interval.

    `UserError` where the space has several designs, or there is no trace.
    """
    accelerator = experiment.design
    table = candidate_table(experiment.network, accelerator)
    (every,) = experiment.recache_every_queries
    return {
        name: experiment.policy(name).run(
            experiment.network,
            experiment.traced,
            accelerator,
            table,
            mode=experiment.mode,
            every=every,
        )
        for name in experiment.policies
    }


def traced_rows(experiment: Experiment, designs: Sequence[int] | np.ndarray) -> pa.Table:
    """The rows of a block of designs on the trace: of each seed, policy, interval and level.

    An infeasible design has rows without metrics.
    """
    numbers = np.asarray(designs, dtype=np.int64)
    block, seeds = experiment.space.designs(numbers), experiment.of_each_seed
    experiments = [one for _, one in seeds]
    reasons = infeasible_reasons(block)
    fits = np.array([not reason for reason in reasons], dtype=bool)
    shape = (len(numbers), len(seeds), len(experiment.runs), len(experiment.service_levels))
    metrics = {name: np.full(shape, np.nan) for name in METRICS}
    if fits.any():
        feasible = block.only(fits)
        accelerators = map(feasible.design, range(len(feasible)))
        tables = ((one, candidate_table(experiment.network, one)) for one in accelerators)
        for name, values in traced_metrics(experiments, feasible, tables).items():
            metrics[name][fits] = values
    served = product(seeds, experiment.runs, experiment.service_levels)
    each = [(seed, policy, interval, level) for (seed, _), (policy, interval), level in served]
    of_seed, policies, intervals, levels = zip(*each, strict=True)
    times = len(numbers)
    columns = {
        "design": column(np.repeat(numbers, len(each))),
        **{
            axis.name: column(np.repeat(block.column(axis.name).astype(float), len(each)))
            for axis in experiment.space.axes
        },
        "policy": pa.array(policies * times, pa.string()),
        INTERVAL: pa.array(intervals * times, pa.int64()),
        LEVEL: pa.array(levels * times, pa.float64()),
        **({SEED: pa.array(of_seed * times, pa.int64())} if experiment.seeded else {}),
        **{name: column(values.ravel()) for name, values in metrics.items()},
        "infeasible_reason": pa.array([reason for reason in reasons for _ in each], pa.string()),
    }
    return pa.table(columns)
