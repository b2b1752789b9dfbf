"""Designs to rows: cost model, latency table, the trace under each policy, metrics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sushi_dse.energy import switch_energy
from sushi_dse.hardware import Accelerator, infeasible_reason, resources
from sushi_dse.latency_table import SUMS, LatencyTable, candidate_table
from sushi_dse.metrics import METRICS
from sushi_dse.network import Network
from sushi_dse.policies import Policy, find_policy, serve
from sushi_dse.queries import Trace
from sushi_dse.selection import MODES
from sushi_dse.serving import Served
from sushi_dse.space import SearchSpace

Row = dict[str, float | int | str | None]
REFERENCE_POLICY = "no-sgs"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation:
    """What a block of designs is evaluated on."""

    space: SearchSpace
    network: Network
    trace: Trace
    policies: tuple[str, ...]
    mode: str


def serving_metrics(
    served: Served, trace: Trace, table: LatencyTable, accelerator: Accelerator
) -> dict[str, float]:
    """The metrics of one run but for resources and gain; their meaning stands in `METRICS`."""
    queries = len(trace)
    pairs = served.subnet * table.latency_ms.shape[1] + served.cached
    counts = np.bincount(pairs, minlength=table.latency_ms.size).reshape(table.latency_ms.shape)
    total = dict(zip(SUMS, (table.sums * counts).sum(axis=(1, 2)).tolist(), strict=True))
    switched = np.flatnonzero(served.kept != served.cached)
    old, new = served.cached[switched], served.kept[switched]
    # SubGraphs of two names may hold the same weights: no change.
    changed = table.fetched_bytes[old, new] + table.fetched_bytes[new, old] > 0
    switch_bytes = float(table.switch_bytes[old, new, served.subnet[switched]].sum())
    switching = switch_energy(
        accelerator,
        switch_bytes=switch_bytes,
        fetched_bytes=float(table.fetched_bytes[old, new].sum()),
        switch_ms=float(table.switch_ms[old, new, served.subnet[switched]].sum()),
    )
    offchip_mj = (total["offchip_mj"] + switching.offchip_mj) / queries
    buffer_mj = (total["buffer_mj"] + switching.buffer_mj) / queries
    mac_mj = total["mac_mj"] / queries
    static_mj = (total["static_mj"] + switching.static_mj) / queries
    accurate = served.accuracy_percent >= trace.min_accuracy_percent
    in_time = served.response_ms <= trace.max_latency_ms
    within = [-(-queries * percent // 100) - 1 for percent in (50, 95, 99)]
    p50, p95, p99 = np.partition(served.response_ms, within)[within]
    busy_ms = float(served.service_ms.sum())
    span_ms = busy_ms
    if not trace.closed_loop:
        span_ms = float(trace.arrived_ms[-1] - trace.arrived_ms[0] + served.response_ms[-1])
    return {
        "mean_latency_ms": float(served.response_ms.mean()),
        "p50_latency_ms": float(p50),
        "p95_latency_ms": float(p95),
        "p99_latency_ms": float(p99),
        "mean_accuracy_percent": float(served.accuracy_percent.mean()),
        "accuracy_attainment": float(accurate.mean()),
        "latency_attainment": float(in_time.mean()),
        "slo_attainment": float((accurate & in_time).mean()),
        "offchip_bytes_per_query": (total["offchip_bytes"] + switch_bytes) / queries,
        "energy_mj_per_query": float(offchip_mj + buffer_mj + mac_mj + static_mj),
        "offchip_energy_mj_per_query": float(offchip_mj),
        "buffer_energy_mj_per_query": float(buffer_mj),
        "mac_energy_mj_per_query": float(mac_mj),
        "static_energy_mj_per_query": float(static_mj),
        "persistent_buffer_hit_share": total["cached_weight_bytes"] / total["weight_bytes"],
        "subgraph_switches": float(changed.sum()),
        "throughput_queries_per_s": 1e3 * queries / span_ms,
        "array_utilisation": total["macs"]
        / (accelerator.macs_per_cycle * accelerator.clock_mhz * 1e3 * busy_ms),
    }


def resource_metrics(accelerator: Accelerator, policy: Policy) -> dict[str, float]:
    """Blocks that the design takes under `policy`, without the Persistent Buffer if unused."""
    if not policy.has_persistent_buffer:
        accelerator = replace(accelerator, persistent_buffer_kib=0)
    used = resources(accelerator)
    return {
        "dsp": float(used.dsp),
        "bram36": float(used.bram36),
        "uram288": float(used.uram288),
        "device_share": used.device_share,
    }


def policy_rows(
    evaluation: Evaluation, accelerator: Accelerator, table: LatencyTable
) -> Iterator[Row]:
    """The metrics of each policy of `evaluation` on one design, whose latency table is `table`."""

    def run(policy: Policy) -> dict[str, float]:
        own_table, own_accelerator = table, accelerator
        if policy.system is not None:
            own_table, own_accelerator = policy.system(evaluation.network, accelerator)
        served = serve(
            evaluation.trace,
            own_table,
            policy,
            mode=MODES[evaluation.mode],
            every=accelerator.recache_every_queries,
        )
        return {
            **serving_metrics(served, evaluation.trace, own_table, own_accelerator),
            **resource_metrics(own_accelerator, policy),
        }

    reference = run(find_policy(REFERENCE_POLICY))
    for name in evaluation.policies:
        metrics = reference if name == REFERENCE_POLICY else run(find_policy(name))
        gain = 100 * (1 - metrics["mean_latency_ms"] / reference["mean_latency_ms"])
        yield {"policy": name, **metrics, "gain_over_no_sgs_percent": gain}


def design_rows(evaluation: Evaluation, designs: Iterable[int]) -> Iterator[Row]:
    """A row for each design and policy; a design that does not fit has a reason and no metrics."""
    hardware: Accelerator | None = None
    for design in designs:
        accelerator = evaluation.space.design(design)
        point: Row = {"design": design, **evaluation.space.values(design)}
        reason = infeasible_reason(accelerator)
        if reason:
            empty = dict.fromkeys(METRICS)
            for policy in evaluation.policies:
                yield {**point, "policy": policy, **empty, "infeasible_reason": reason}
            continue
        # Neighbours differ in the recache interval alone, which the table does not depend on.
        same_hardware = replace(accelerator, recache_every_queries=1)
        if same_hardware != hardware:
            hardware = same_hardware
            table = candidate_table(evaluation.network, accelerator)
        for row in policy_rows(evaluation, accelerator, table):
            yield {**point, **row, "infeasible_reason": ""}


def evaluate_block(evaluation: Evaluation, designs: range) -> pa.Table:
    """The rows of a block of designs, columns in a fixed order and type."""
    axes = [(axis.name, pa.float64()) for axis in evaluation.space.axes]
    schema = pa.schema(
        [
            ("design", pa.int64()),
            *axes,
            ("policy", pa.string()),
            *((name, pa.float64()) for name in METRICS),
            ("infeasible_reason", pa.string()),
        ]
    )
    return pa.Table.from_pylist(list(design_rows(evaluation, designs)), schema=schema)
