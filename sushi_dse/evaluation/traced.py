"""Metrics of a run of a trace, and the rows of a design under each policy."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.model.energy import switch_energy
from sushi_dse.model.latency_table import SUMS, LatencyTable, candidate_table
from sushi_dse.policies.catalogue import Policy, find_policy, serve
from sushi_dse.policies.names import NO_SGS
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.served import Served, tally
from sushi_dse.traces.trace import Trace

Row = dict[str, float | int | str | None]


REFERENCE_POLICY = NO_SGS


def serving_metrics(
    served: Served, trace: Trace, table: LatencyTable, accelerator: Accelerator
) -> dict[str, float]:
    """The metrics of one run but for resources and gain; their meaning stands in `METRICS`."""
    queries, sums = len(trace), tally(served, trace, table)
    total = dict(zip(SUMS, (table.sums * sums.served).sum(axis=(1, 2)).tolist(), strict=True))
    switching = switch_energy(
        accelerator,
        switch_bytes=sums.switch_bytes,
        fetched_bytes=sums.fetched_bytes,
        switch_ms=sums.switch_ms,
    )
    offchip_mj = (total["offchip_mj"] + switching.offchip_mj) / queries
    buffer_mj = (total["buffer_mj"] + switching.buffer_mj) / queries
    mac_mj = total["mac_mj"] / queries
    static_mj = (total["static_mj"] + switching.static_mj) / queries
    within = [-(-queries * percent // 100) - 1 for percent in (50, 95, 99)]
    p50, p95, p99 = np.partition(served.response_ms, within)[within]
    span_ms = sums.service_ms
    if not trace.closed_loop:
        span_ms = float(trace.arrived_ms[-1] - trace.arrived_ms[0] + served.response_ms[-1])
    return {
        "mean_latency_ms": sums.response_ms / queries,
        "p50_latency_ms": float(p50),
        "p95_latency_ms": float(p95),
        "p99_latency_ms": float(p99),
        "mean_accuracy_percent": sums.accuracy_percent / queries,
        "accuracy_attainment": sums.accurate / queries,
        "latency_attainment": sums.in_time / queries,
        "slo_attainment": sums.both / queries,
        "offchip_bytes_per_query": (total["offchip_bytes"] + sums.switch_bytes) / queries,
        "energy_mj_per_query": float(offchip_mj + buffer_mj + mac_mj + static_mj),
        "offchip_energy_mj_per_query": float(offchip_mj),
        "buffer_energy_mj_per_query": float(buffer_mj),
        "mac_energy_mj_per_query": float(mac_mj),
        "static_energy_mj_per_query": float(static_mj),
        "persistent_buffer_hit_share": total["cached_weight_bytes"] / total["weight_bytes"],
        "subgraph_switches": float(sums.switches),
        "throughput_queries_per_s": 1e3 * queries / span_ms,
        "array_utilisation": total["macs"]
        / (accelerator.macs_per_cycle * accelerator.clock_mhz * 1e3 * sums.service_ms),
    }


def resource_metrics(accelerator: Accelerator, has_persistent_buffer: bool) -> dict[str, float]:
    """Blocks that the design takes, with its Persistent Buffer or without."""
    if not has_persistent_buffer:
        accelerator = replace(accelerator, persistent_buffer_kib=0)
    used = resources(accelerator)
    return {
        "dsp": float(used.dsp),
        "bram36": float(used.bram36),
        "uram288": float(used.uram288),
        "device_share": used.device_share,
    }


def policy_rows(
    evaluation: Evaluation, trace: Trace, accelerator: Accelerator, table: LatencyTable
) -> Iterator[Row]:
    """The metrics of each policy of `evaluation` on one design, whose latency table is `table`."""
    blocks = {held: resource_metrics(accelerator, held) for held in (True, False)}

    def run(policy: Policy) -> dict[str, float]:
        own_table, own_accelerator = table, accelerator
        own_blocks = blocks[policy.has_persistent_buffer]
        if policy.system is not None:
            own_table, own_accelerator = policy.system(evaluation.network, accelerator)
            own_blocks = resource_metrics(own_accelerator, policy.has_persistent_buffer)
        served = serve(
            trace,
            own_table,
            policy,
            mode=MODES[evaluation.mode],
            every=accelerator.recache_every_queries,
        )
        return {
            **serving_metrics(served, trace, own_table, own_accelerator),
            **own_blocks,
        }

    reference = run(find_policy(REFERENCE_POLICY))
    for name in evaluation.policies:
        metrics = reference if name == REFERENCE_POLICY else run(find_policy(name))
        gain = 100 * (1 - metrics["mean_latency_ms"] / reference["mean_latency_ms"])
        yield {"policy": name, **metrics, "gain_over_no_sgs_percent": gain}


def design_rows(evaluation: Evaluation, trace: Trace, designs: Iterable[int]) -> Iterator[Row]:
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
        for row in policy_rows(evaluation, trace, accelerator, table):
            yield {**point, **row, "infeasible_reason": ""}


def traced_rows(evaluation: Evaluation, trace: Trace, designs: Sequence[int]) -> pa.Table:
    """The rows of a block of designs on `trace`: one a policy."""
    schema = pa.schema(
        [
            ("design", pa.int64()),
            *((axis.name, pa.float64()) for axis in evaluation.space.axes),
            ("policy", pa.string()),
            *((name, pa.float64()) for name in METRICS),
            ("infeasible_reason", pa.string()),
        ]
    )
    return pa.Table.from_pylist(list(design_rows(evaluation, trace, designs)), schema=schema)
