"""The cost of SubNets in their steady state on many designs, and the metrics without a trace."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.layer import FIELDS, LayerCost
from sushi_dse.model.network import Network
from sushi_dse.model.steady_layers import Arrays, Layers
from sushi_dse.model.steady_subnets import steady_costs
from sushi_dse.model.subgraphs import candidates

STEADY_METRICS = (
    "mean_latency_ms",
    "mean_accuracy_percent",
    "offchip_bytes_per_query",
    "energy_mj_per_query",
    "offchip_energy_mj_per_query",
    "buffer_energy_mj_per_query",
    "mac_energy_mj_per_query",
    "static_energy_mj_per_query",
    "persistent_buffer_hit_share",
    "throughput_queries_per_s",
    "array_utilisation",
    "dsp",
    "bram36",
    "uram288",
    "device_share",
    "gain_over_no_sgs_percent",
)


@lru_cache(maxsize=8)
def layers_of(network: Network) -> Layers:
    """The layers of `network` for the kernels, made once for a whole sweep."""
    shapes, shape_of = np.unique(network.shapes, return_inverse=True)
    return Layers(
        shapes=shapes,
        shape_of=shape_of,
        starts=network.starts,
        supernet_layer=network.supernet_layer,
        kernels=np.ascontiguousarray(network.shapes["kernels"]),
        channels=np.ascontiguousarray(network.shapes["channels_per_group"]),
        taps=np.ascontiguousarray(network.shapes["taps"]),
    )


def by_sides(designs: Designs) -> Iterator[tuple[slice, tuple[int, int], Arrays, np.ndarray]]:
    """The runs of successive designs with equal sides of the array, as arguments of the kernels.

    Each is the slice of the designs, the sides, their `Arrays`, and the capacity of the Persistent
    Buffer in bytes: [design].
    """
    kernels, channels = designs.column("pe_kernels"), designs.column("pe_channels")
    arrays = Arrays(
        cycles_per_byte=1 / designs.column("bytes_per_cycle"),
        fill_cycles=designs.column("fill_cycles").astype(float),
        row_cycles=designs.column("row_cycles").astype(float),
        resident_map_bytes=designs.column("resident_map_bytes").astype(float),
    )
    capacity = np.ascontiguousarray(designs.column("persistent_buffer_bytes"))
    changes = np.flatnonzero((np.diff(kernels) != 0) | (np.diff(channels) != 0)) + 1
    for start, end in pairwise([0, *changes.tolist(), len(designs)]):
        own = slice(start, end)
        sides = int(kernels[start]), int(channels[start])
        yield own, sides, Arrays(*(column[own] for column in arrays)), capacity[own]


def steady_cost(network: Network, designs: Designs) -> tuple[LayerCost, LayerCost]:
    """The costs of SubNets with nothing on chip, and with their own SubGraph: [subnet, design]."""
    costs = np.empty((2, FIELDS, len(network.starts) - 1, len(designs)))
    for own, sides, arrays, capacity in by_sides(designs):
        steady_costs(layers_of(network), sides, arrays, capacity, costs, own.start)
    for d in np.flatnonzero(designs.column("dynamic_buffer_tiles") > 2).tolist():
        costs[..., d] = _prefetched(network, designs.design(d))
    cold, warm = costs
    return LayerCost(*cold), LayerCost(*warm)


def _prefetched(network: Network, design: Accelerator) -> np.ndarray:
    """The costs of `steady_cost` on one design with more than two tiles in its Dynamic Buffer.

    The result is [nothing or the own SubGraph, field, subnet].
    """
    subgraphs = candidates(network, design)
    own = [subgraphs.own(subnet.name) for subnet in network.supernet.subnets]
    table = latency_table(network, design, subgraphs.only([0, *own]))
    cost = np.stack(np.broadcast_arrays(*table.cost))
    return np.stack([cost[:, :, 0], np.diagonal(cost[:, :, 1:], axis1=1, axis2=2)])
