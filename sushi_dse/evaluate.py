"""Designs to rows: cost model, latency table, the trace under each policy, metrics.

Without a trace there is a row for each SubNet too, in its steady state: served again and again.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.energy import switch_energy
from sushi_dse.hardware import Accelerator, infeasible_reason, infeasible_reasons, resources
from sushi_dse.latency_table import SUMS, LatencyTable, candidate_table
from sushi_dse.metrics import COUNTS, METRICS, Metric
from sushi_dse.network import Network
from sushi_dse.pareto import cost_matrix, non_dominated
from sushi_dse.policies import Policy, find_policy, serve
from sushi_dse.queries import Trace
from sushi_dse.selection import MODES
from sushi_dse.serving import Served
from sushi_dse.space import SearchSpace
from sushi_dse.steady import STEADY_METRICS, steady_metrics
from sushi_dse.tally import tally

Row = dict[str, float | int | str | None]
REFERENCE_POLICY = "no-sgs"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation:
    """What a block of designs is evaluated on: a space, SubNets, a trace, and policies by name.

    `mode` is `strict-accuracy` or `strict-latency`.  `Setting.evaluation` makes one and checks it.
    """

    space: SearchSpace
    network: Network
    trace: Trace | None  # None: each SubNet in its steady state
    policies: tuple[str, ...]
    mode: str
    kept_front: tuple[Metric, ...] = ()  # of a block its front alone is kept; () keeps all rows


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


def steady_rows(evaluation: Evaluation, designs: Sequence[int] | np.ndarray) -> pa.Table:
    """The rows of a block of designs without a trace: one a SubNet; infeasible designs come last.

    A design that does not fit has one row a policy, without a SubNet.
    """
    network, numbers = evaluation.network, np.asarray(designs, dtype=np.int64)
    block = evaluation.space.designs(numbers)
    reasons = np.array(infeasible_reasons(block), dtype=object)
    fits = reasons == ""
    axes = {axis.name: block.column(axis.name).astype(float) for axis in evaluation.space.axes}
    names = [subnet.name for subnet in network.supernet.subnets]

    def rows(chosen: np.ndarray, policy: str, subnets: Sequence[str],
             metrics: Mapping[str, np.ndarray]) -> pa.Table:  # fmt: skip
        count, each = int(chosen.sum()), max(len(subnets), 1)
        who = _repeated(subnets, count) if subnets else pa.nulls(count, pa.string())
        columns = {
            "design": _column(np.tile(numbers[chosen], each)),
            **{name: _column(np.tile(values[chosen], each)) for name, values in axes.items()},
            "policy": _repeated([policy], count * each),
            "subnet": who,
            **{name: _column(metrics[name].ravel()) if metrics else pa.nulls(count, pa.float64())
               for name in STEADY_METRICS},
            "infeasible_reason": _repeated([""], count * each) if metrics
            else pa.array(reasons[chosen], pa.string()),
        }  # fmt: skip
        return pa.table(columns)

    tables = []
    if fits.any():
        feasible = block.only(fits)
        for policy in evaluation.policies:
            tables.append(rows(fits, policy, names, steady_metrics(network, feasible, policy)))
    if not fits.all():
        tables += [rows(~fits, policy, [], {}) for policy in evaluation.policies]
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()


def _column(values: np.ndarray) -> pa.Array:
    """`values` as a column; `pa.array` would import pandas, for half a second of each process."""
    kind, values = pa.from_numpy_dtype(values.dtype), np.ascontiguousarray(values)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _repeated(words: Sequence[str], times: int) -> pa.Array:
    """Each word so many times, one after the other, as a column."""
    letters = [word.encode() for word in words]
    ends = np.cumsum(np.repeat([0, *map(len, letters)], [1, *[times] * len(words)]), dtype=np.int32)
    text = b"".join(word * times for word in letters)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(text))


def only_front(table: pa.Table, metrics: Sequence[Metric]) -> pa.Table:
    """The feasible rows of `table` that no other one of them beats in `metrics`."""
    known = table.filter(pc.field("infeasible_reason") == "")
    columns = {metric.name: known[metric.name].to_numpy() for metric in metrics}
    return known.filter(non_dominated(cost_matrix(columns, metrics)))


def evaluate_block(evaluation: Evaluation, designs: Sequence[int]) -> pa.Table:
    """The rows of a block of designs, by their numbers: columns in a fixed order and type.

    They are `design`, the axes, `policy`, the metrics in the units that end their names (`METRICS`
    defines each), and `infeasible_reason`: empty where the design fits, else metrics are null.
    Without a trace a `subnet` too.  `IndexError` where the space has no design of that number.

    Its metadata, under `COUNTS`, say of how many designs, and what those lack that do not fit.
    """
    if evaluation.trace is None:
        table = steady_rows(evaluation, designs)
    else:
        table = traced_rows(evaluation, evaluation.trace, designs)
    reasons = table["infeasible_reason"].value_counts().to_pylist()
    each = len(evaluation.policies)  # a row for each, of a design that does not fit
    lacking = {entry["values"]: entry["counts"] // each for entry in reasons if entry["values"]}
    by_resource: Counter[str] = Counter()
    for reason, count in lacking.items():
        for shortage in reason.split("; "):
            by_resource[shortage.split(":")[0]] += count
    counts = {
        "designs": len(designs),
        "infeasible": sum(lacking.values()),
        "infeasible_by_resource": dict(sorted(by_resource.items())),
    }
    if evaluation.kept_front:
        table = only_front(table, evaluation.kept_front)
    return table.replace_schema_metadata({COUNTS: json.dumps(counts)})
