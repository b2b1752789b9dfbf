"""The metrics of a policy's run of a trace, and the rows of a design under each policy."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, product
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

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
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.model.energy import Power, offchip_mj, power, switch_buffer_mj
from sushi_dse.model.latency_table import SUMS, LatencyTable, candidate_table
from sushi_dse.policies.catalogue import PolicyRun
from sushi_dse.serving.served import tally
from sushi_dse.traces.trace import Trace

Row = dict[str, float | int | str | None]


REFERENCE_POLICY = "no-sgs"


def serving_metrics(run: PolicyRun, trace: Trace) -> dict[str, float]:
    """The metrics of a run by name, without resources and gain; `METRICS` defines them."""
    served, table, accelerator = run.served, run.table, run.accelerator
    queries, sums = len(trace), tally(served, trace, table)
    total = dict(zip(SUMS, (table.sums * sums.served).sum(axis=(1, 2)).tolist(), strict=True))
    drawn = _power(accelerator)
    causes_mj = {
        "offchip": total["offchip_mj"] + offchip_mj(accelerator, sums.switch_bytes),
        "buffer": total["buffer_mj"] + switch_buffer_mj(accelerator, sums.fetched_bytes),
        "mac": total["mac_mj"],
        "clock": sums.service_ms * drawn.clock_w,
        "static": sums.service_ms * drawn.static_w,
    }
    served_mj = float(sum(causes_mj.values()))
    within = [-(-queries * percent // 100) - 1 for percent in (50, 95, 99)]
    p50, p95, p99 = np.partition(served.response_ms, within)[within]
    span_ms = sums.service_ms
    if not trace.closed_loop:
        span_ms = float(trace.arrived_ms[-1] - trace.arrived_ms[0] + served.response_ms[-1])
    whole_mj = served_mj + float(max(span_ms - sums.service_ms, 0.0) * drawn.idle_w)
    accurate, both = sums.accurate / queries, sums.both / queries
    if np.isnan(sums.accuracy_percent) and trace.min_accuracy_percent.any():
        accurate = both = np.nan  # Whether a demand is met is as unknown as the accuracy.
    return {
        "mean_latency_ms": sums.response_ms / queries,
        "p50_latency_ms": float(p50),
        "p95_latency_ms": float(p95),
        "p99_latency_ms": float(p99),
        "mean_accuracy_percent": sums.accuracy_percent / queries,
        "accuracy_attainment": accurate,
        "latency_attainment": sums.in_time / queries,
        "slo_attainment": both,
        "offchip_bytes_per_query": (total["offchip_bytes"] + sums.switch_bytes) / queries,
        "energy_mj_per_query": served_mj / queries,
        **{f"{cause}_energy_mj_per_query": float(mj) / queries for cause, mj in causes_mj.items()},
        "energy_with_idle_mj_per_query": whole_mj / queries,
        "mean_power_w": whole_mj / span_ms,
        "persistent_buffer_hit_share": total["cached_weight_bytes"] / total["weight_bytes"],
        "subgraph_switches": float(sums.switches),
        "throughput_queries_per_s": 1e3 * queries / span_ms,
        "array_utilisation": total["macs"]
        / (accelerator.macs_per_cycle * accelerator.clock_mhz * 1e3 * sums.service_ms),
    }


@lru_cache(maxsize=8)  # The runs of one design follow each other.
def _power(accelerator: Accelerator) -> Power:
    return power(accelerator)


def resource_metrics(accelerator: Accelerator) -> dict[str, float]:
    """What a design takes of its device by kind, and its device share."""
    return {name: float(value) for name, value in resources(accelerator).by_name.items()}


def policy_rows(
    experiment: Experiment, accelerator: Accelerator, table: LatencyTable
) -> Iterator[Row]:
    """The metrics of each policy, interval and service level on a design of that latency table."""
    reference = _rows_of(experiment, REFERENCE_POLICY, [None], accelerator, table)
    of_level = {row[LEVEL]: row for row in reference}
    for name, runs in groupby(experiment.runs, key=itemgetter(0)):
        rows = reference
        if name != REFERENCE_POLICY:
            intervals = [interval for _, interval in runs]
            rows = _rows_of(experiment, name, intervals, accelerator, table)
        for row in rows:
            other = of_level[row[LEVEL]]
            gain = 100 * (1 - row[LATENCY] / other[LATENCY])
            yield {**row, GAIN: gain, ACCURACY_GAIN: row[ACCURACY] - other[ACCURACY]}


def _rows_of(
    experiment: Experiment,
    name: str,
    intervals: Iterable[int | None],
    accelerator: Accelerator,
    table: LatencyTable,
) -> list[dict[str, Any]]:
    """The rows of a policy on a design at each interval and service level, without the gain."""
    policy = experiment.policy(name)
    table, accelerator = policy.system_of(experiment.network, accelerator, table)
    blocks = resource_metrics(accelerator)
    rows = []
    for interval, (level, trace) in product(intervals, experiment.streams):
        every = interval or len(trace)
        served = policy.served(trace, table, mode=experiment.mode, every=every)
        run = PolicyRun(served=served, table=table, accelerator=accelerator)
        who = {"policy": name, INTERVAL: interval, LEVEL: level}
        rows.append({**who, **serving_metrics(run, trace), **blocks})
    return rows


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


def design_rows(experiment: Experiment, designs: Iterable[int]) -> Iterator[Row]:
    """A row for each design, seed, policy, interval, level; an infeasible one has no metrics."""
    empty, of_each_seed = dict.fromkeys(METRICS), experiment.of_each_seed
    for design in designs:
        accelerator = experiment.space.design(design)
        point: Row = {"design": design, **experiment.space.values(design)}
        reason = infeasible_reason(accelerator)
        table = None if reason else candidate_table(experiment.network, accelerator)
        for seed, one in of_each_seed:
            repeated: Row = {} if seed is None else {SEED: seed}
            if table is None:
                for (name, interval), level in product(one.runs, one.service_levels):
                    served: Row = {"policy": name, INTERVAL: interval, LEVEL: level}
                    yield {**point, **served, **repeated, **empty, "infeasible_reason": reason}
            else:
                for row in policy_rows(one, accelerator, table):
                    known = {name: None if value != value else value for name, value in row.items()}
                    yield {**point, **repeated, **known, "infeasible_reason": ""}


def traced_rows(experiment: Experiment, designs: Iterable[int]) -> pa.Table:
    """The rows of a block of designs on the trace: of each seed, policy, interval and level."""
    schema = pa.schema(
        [
            ("design", pa.int64()),
            *((axis.name, pa.float64()) for axis in experiment.space.axes),
            ("policy", pa.string()),
            (INTERVAL, pa.int64()),
            (LEVEL, pa.float64()),
            *([(SEED, pa.int64())] if experiment.seeded else []),
            *((name, pa.float64()) for name in METRICS),
            ("infeasible_reason", pa.string()),
        ]
    )
    return pa.Table.from_pylist(list(design_rows(experiment, designs)), schema=schema)
