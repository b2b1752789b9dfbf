"""Metrics and rows without a trace, in which each SubNet is in its steady state."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import infeasible_reasons, resources
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.energy import energy
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import STEADY_METRICS, steady_cost
from sushi_dse.policies.names import STATIC_SUBGRAPH


def steady_metrics(
    network: Network,
    designs: Designs,
    policy: str,
    counted: tuple[LayerCost, LayerCost] | None = None,
) -> dict[str, np.ndarray]:
    """`STEADY_METRICS` of each SubNet on each design under one of `STEADY_POLICIES`.

    Each is [subnet, design]: the mean over a trace whose queries are all served by the SubNet,
    without the first query's load of the SubGraph.  `counted` is the `steady_cost` of designs that
    differ from these in no time, where that is at hand.
    """
    launches_us = np.diff(network.starts)[:, None] * designs.column("launch_us")
    cold, warm = counted or steady_cost(network, designs)
    cold_us = launches_us + cold.cycles / designs.clock_mhz
    cost, latency_us, held = cold, cold_us, designs.changed(persistent_buffer_kib=0.0)
    if policy == STATIC_SUBGRAPH:
        cost, held = warm, designs
        latency_us = launches_us + cost.cycles / designs.clock_mhz
    macs = network.macs[:, None]
    used, blocks = energy(held, cost, macs, latency_us), resources(held)
    latency_ms = latency_us * 1e-3
    return {
        name: np.broadcast_to(np.asarray(value, dtype=float), latency_ms.shape)
        for name, value in {
            "mean_latency_ms": latency_ms,
            "mean_accuracy_percent": network.top1_percent[:, None],
            "offchip_bytes_per_query": cost.offchip_bytes,
            "energy_mj_per_query": used.total_mj,
            "offchip_energy_mj_per_query": used.offchip_mj,
            "buffer_energy_mj_per_query": used.buffer_mj,
            "mac_energy_mj_per_query": used.mac_mj,
            "clock_energy_mj_per_query": used.clock_mj,
            "static_energy_mj_per_query": used.static_mj,
            "mean_power_w": used.total_mj / latency_ms,
            "persistent_buffer_hit_share": cost.cached_weight_bytes / network.weight_bytes[:, None],
            "throughput_queries_per_s": 1e3 / latency_ms,
            "array_utilisation": macs
            / (designs.macs_per_cycle * designs.clock_mhz * 1e3 * latency_ms),
            **blocks.by_name,
            "gain_over_no_sgs_percent": 100 * (1 - latency_us / cold_us),
        }.items()
    }


def steady_rows(experiment: Experiment, designs: Sequence[int] | np.ndarray) -> pa.Table:
    """The rows of a block of designs without a trace: one for each policy, SubNet and design.

    Designs that do not fit come last, with one row for each policy and no SubNet.
    """
    network, numbers = experiment.network, np.asarray(designs, dtype=np.int64)
    block = experiment.space.designs(numbers)
    reasons = np.array(infeasible_reasons(block), dtype=object)
    fits = reasons == ""
    axes = {axis.name: block.column(axis.name).astype(float) for axis in experiment.space.axes}
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
        for policy in experiment.policies:
            tables.append(rows(fits, policy, names, steady_metrics(network, feasible, policy)))
    if not fits.all():
        tables += [rows(~fits, policy, [], {}) for policy in experiment.policies]
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()


def _column(values: np.ndarray) -> pa.Array:
    """`values` as a column, null where one is NaN.

    `pa.array` would import pandas for half a second.
    """
    kind, values = pa.from_numpy_dtype(values.dtype), np.ascontiguousarray(values)
    column = pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
    if not np.isnan(values).any():
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)


def _repeated(words: Sequence[str], times: int) -> pa.Array:
    """A column of the words in their order, each of them so many times."""
    letters = [word.encode() for word in words]
    ends = np.cumsum(np.repeat([0, *map(len, letters)], [1, *[times] * len(words)]), dtype=np.int32)
    text = b"".join(word * times for word in letters)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(text))
