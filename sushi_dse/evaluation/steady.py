"""Metrics and rows without a trace, in which each SubNet is in its steady state."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.columns import column, repeated
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import infeasible_reasons, resources
from sushi_dse.model.energy import energy
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import STEADY_METRICS, steady_cost
from sushi_dse.policies.names import STATIC_SUBGRAPH


def steady_metrics(network: Network, designs: Designs, policy: str) -> dict[str, np.ndarray]:
    """`STEADY_METRICS` of each SubNet on each design under one of `STEADY_POLICIES`.

    Each is [subnet, design]: the mean over a trace whose queries are all served by the SubNet,
    without the first query's load of the SubGraph.  Accelerators that share a device all serve it.
    """
    count = designs.device.accelerators
    launches_us = np.diff(network.starts)[:, None] * designs.column("launch_us")
    cold, warm = steady_cost(network, designs)
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
            "mean_power_w": count * used.total_mj / latency_ms,
            "persistent_buffer_hit_share": cost.cached_weight_bytes / network.weight_bytes[:, None],
            "throughput_queries_per_s": count * 1e3 / latency_ms,
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
    if fits.any():
        feasible = block.only(fits)
        for policy in experiment.policies:
            tables.append(rows(fits, policy, names, steady_metrics(network, feasible, policy)))
    if not fits.all():
        tables += [rows(~fits, policy, [], {}) for policy in experiment.policies]
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()
