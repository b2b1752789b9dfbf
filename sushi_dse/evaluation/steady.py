"""Metrics and rows without a trace, in which each SubNet is in its steady state."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.columns import column, repeated
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import non_dominated
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import Resources, infeasible_reasons, resources
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.energy import buffer_pj, energy_of, power
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import STEADY_METRICS, one_of_each, steady_cost
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
    differ from these in no time, where that is at hand.  Accelerators that share a device all serve
    the SubNet.
    """
    if counted is None:
        distinct, group = one_of_each(designs)
        cold, warm = steady_cost(network, distinct)
    else:
        distinct, group, (cold, warm) = designs, np.arange(len(designs)), counted
    cost = warm
    if policy != STATIC_SUBGRAPH:
        cost = cold
        distinct = distinct.changed(persistent_buffer_kib=0.0)
        designs = designs.changed(persistent_buffer_kib=0.0)

    def of_each(values: Any) -> Any:
        """The values of each design: one, or those of the distinct designs, in the last axis."""
        shape = (*np.shape(values)[:-1], len(distinct))
        return np.asarray(np.broadcast_to(values, shape)[..., group])

    count = designs.device.accelerators
    launches_us = np.diff(network.starts)[:, None] * designs.column("launch_us")
    cold_us = launches_us + of_each(cold.cycles) / designs.clock_mhz
    latency_us = launches_us + of_each(cost.cycles) / designs.clock_mhz
    taken = resources(distinct).by_name
    blocks = Resources(**{name: of_each(count) for name, count in taken.items()})
    macs, offchip_bytes = network.macs[:, None], of_each(cost.offchip_bytes)
    used = energy_of(
        designs,
        offchip_bytes=offchip_bytes,
        buffer_pj=of_each(buffer_pj(distinct, cost)),
        macs=macs,
        latency_us=latency_us,
        drawn=power(designs, blocks),
    )
    total_mj = used.total_mj
    hit_share = cost.cached_weight_bytes / network.weight_bytes[:, None]
    latency_ms = latency_us * 1e-3
    return {
        name: np.broadcast_to(np.asarray(value, dtype=float), latency_ms.shape)
        for name, value in {
            "mean_latency_ms": latency_ms,
            "mean_accuracy_percent": network.accuracy_percent[:, None],
            "offchip_bytes_per_query": offchip_bytes,
            "energy_mj_per_query": total_mj,
            "offchip_energy_mj_per_query": used.offchip_mj,
            "buffer_energy_mj_per_query": used.buffer_mj,
            "mac_energy_mj_per_query": used.mac_mj,
            "clock_energy_mj_per_query": used.clock_mj,
            "static_energy_mj_per_query": used.static_mj,
            "mean_power_w": count * total_mj / latency_ms,
            "persistent_buffer_hit_share": of_each(hit_share),
            "throughput_queries_per_s": count * 1e3 / latency_ms,
            "array_utilisation": macs
            / (designs.macs_per_cycle * designs.clock_mhz * 1e3 * latency_ms),
            **blocks.by_name,
            "gain_over_no_sgs_percent": 100 * (1 - latency_us / cold_us),
        }.items()
    }


def steady_objectives(
    experiment: Experiment, designs: Designs, metrics: Sequence[Metric]
) -> np.ndarray:
    """The costs of designs in `metrics`: [objective, candidate, design].

    A candidate is a policy and a SubNet, in the order of the rows.
    """
    network, policies = experiment.network, experiment.policies
    costs = np.empty((len(metrics), len(policies), len(network.macs), len(designs)))
    for number, policy in enumerate(policies):
        values = steady_metrics(network, designs, policy)
        for metric, own in zip(metrics, costs, strict=True):
            np.multiply(metric.sign, values[metric.name], out=own[number])
    return costs.reshape(len(metrics), -1, len(designs))


def designs_on_front(
    experiment: Experiment, numbers: np.ndarray, metrics: Sequence[Metric]
) -> np.ndarray:
    """Of the designs of those numbers, which fit, those that have a row on the front of all rows.

    numbers: [design], one at least.
    """
    costs = steady_objectives(experiment, experiment.space.designs(numbers), metrics)
    on_front = non_dominated(costs.reshape(len(metrics), -1).T).reshape(costs.shape[1:])
    return np.asarray(numbers[on_front.any(axis=0)])


def steady_rows(experiment: Experiment, designs: Sequence[int] | np.ndarray) -> pa.Table:
    """The rows of a block of designs without a trace: one for each policy, SubNet and design.

    Designs that do not fit come last, with one row for each policy and no SubNet.
    """
    network, numbers = experiment.network, np.asarray(designs, dtype=np.int64)
    block = experiment.space.designs(numbers)
    reasons = np.array(infeasible_reasons(block), dtype=object)
    feasible = reasons == ""
    axes = {axis.name: block.column(axis.name).astype(float) for axis in experiment.space.axes}
    names = [subnet.name for subnet in network.supernet.subnets]

    def rows(chosen: np.ndarray, policy: str, subnets: Sequence[str],
             metrics: Mapping[str, np.ndarray]) -> pa.Table:  # fmt: skip
        count, each = int(chosen.sum()), max(len(subnets), 1)
        who = repeated(subnets, count) if subnets else pa.nulls(count, pa.string())
        columns = {
            "design": column(np.tile(numbers[chosen], each)),
            **{name: column(np.tile(values[chosen], each)) for name, values in axes.items()},
            "policy": repeated([policy], count * each),
            "subnet": who,
            **{name: column(metrics[name].ravel()) if metrics else pa.nulls(count, pa.float64())
               for name in STEADY_METRICS},
            "infeasible_reason": repeated([""], count * each) if metrics
            else pa.array(reasons[chosen], pa.string()),
        }  # fmt: skip
        return pa.table(columns)

    tables = []
    if feasible.any():
        own = block.only(feasible)
        for policy in experiment.policies:
            tables.append(rows(feasible, policy, names, steady_metrics(network, own, policy)))
    if not feasible.all():
        tables += [rows(~feasible, policy, [], {}) for policy in experiment.policies]
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()
