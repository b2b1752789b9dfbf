"""The cost of SubNets in their steady state on many designs, and the metrics without a trace."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.hardware.accelerator import KIB, Accelerator, Dataflow
from sushi_dse.hardware.designs import Designs
from sushi_dse.model.cost import FIELDS, Array, LayerCost
from sushi_dse.model.latency_table import latency_table
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
    "clock_energy_mj_per_query",
    "static_energy_mj_per_query",
    "mean_power_w",
    "persistent_buffer_hit_share",
    "throughput_queries_per_s",
    "array_utilisation",
    "dsp",
    "lut",
    "ff",
    "bram36",
    "uram288",
    "device_share",
    "gain_over_no_sgs_percent",
)

# What decides a layer's counts of tiles.
COUNTED = ("pe_kernels", "pe_channels", "pe_pixels", "output_buffer_bytes", "dynamic_buffer_kib")

# What decides the costs of a design, the energy of its buffers' accesses and the blocks it takes.
# Designs of similar bandwidth have a similar order of layers by value: it comes last.
ENTERING = (
    *COUNTED,
    "multiplier_bits",
    "dynamic_buffer_tiles",
    "prefetch_buffer_kib",
    "streaming_buffer_kib",
    "output_buffer_kib",
    "persistent_buffer_kib",
    *reversed(Arrays._fields),
)
OF_LAUNCHES = ("launch_us", "clock_mhz")  # what decides how much is prefetched during a launch


@lru_cache(maxsize=8)
def layers_of(network: Network) -> Layers:
    """The layers of `network` for the kernels, made once for a whole sweep."""
    shapes, shape_of = np.unique(network.shapes, return_inverse=True)
    channels = np.ascontiguousarray(network.shapes["channels_per_group"])
    kernel_bits = channels * network.shapes["pair_bits"]
    kernels = np.where(network.of_request, 0, network.shapes["kernels"])
    return Layers(
        shapes=shapes,
        shape_of=shape_of,
        starts=network.starts,
        supernet_layer=network.supernet_layer,
        channels=channels,
        kernel_bits=kernel_bits,
        weight_bytes=kernels * kernel_bits / BYTE_BITS,
    )


def by_counts(designs: Designs) -> Iterator[tuple[slice, Array, Arrays, np.ndarray]]:
    """The runs of successive designs with equal counts of tiles, as arguments of the kernels.

    Each is the slice of the designs, the `Array` of which they share the counts (its other fields
    are 1), their `Arrays`, and the capacity of the Persistent Buffer in bytes: [design].
    """
    columns = {name: designs.column(name) for name in COUNTED}
    arrays = Arrays(*(designs.column(name).astype(float) for name in Arrays._fields))
    capacity = np.ascontiguousarray(designs.column("persistent_buffer_bytes"))
    differ = [np.diff(column) != 0 for column in columns.values()]
    changes = np.flatnonzero(np.logical_or.reduce(differ)) + 1
    for start, end in pairwise([0, *changes.tolist(), len(designs)]):
        own = slice(start, end)
        counts = {name: column[start] for name, column in columns.items()}
        common = Array(
            is_output_stationary=int(designs.dataflow == Dataflow.OUTPUT_STATIONARY),
            pe_kernels=int(counts["pe_kernels"]),
            pe_channels=int(counts["pe_channels"]),
            pe_pixels=int(counts["pe_pixels"]),
            output_buffer_bytes=int(counts["output_buffer_bytes"]),
            dynamic_buffer_bytes=int(counts["dynamic_buffer_kib"] * KIB),
            **dict.fromkeys(Arrays._fields, 1.0),
        )
        yield own, common, Arrays(*(column[own] for column in arrays)), capacity[own]


def one_of_each(designs: Designs) -> tuple[Designs, np.ndarray]:
    """One of each group of designs that differ in nothing of `ENTERING`, and the group of each.

    Groups stand in the order of `ENTERING`, so that similar ones are neighbours; the second result
    is [design].  Many axes enter no cost in cycles and bytes, such as the clock where the port is
    slower than the memory: what such designs have in common is computed once.
    """
    names = ENTERING + (OF_LAUNCHES if np.any(designs.prefetches) else ())
    columns = [designs.column(name) for name in names if np.ndim(getattr(designs, name))]
    if not columns:
        return designs, np.arange(len(designs))
    order = np.lexsort(columns[::-1])
    differ = [np.diff(column[order]) != 0 for column in columns]
    is_first = np.concatenate([[True], np.logical_or.reduce(differ)])
    group = np.empty(len(designs), dtype=np.int64)
    group[order] = np.cumsum(is_first) - 1
    return designs.only(order[is_first]), group


def steady_cost(network: Network, designs: Designs) -> tuple[LayerCost, LayerCost]:
    """The costs of SubNets with nothing on chip, and with their own SubGraph: [subnet, design]."""
    costs = np.empty((2, FIELDS, len(network.starts) - 1, len(designs)))
    for own, common, arrays, capacity in by_counts(designs):
        steady_costs(layers_of(network), common, arrays, capacity, costs, own.start)
    for d in np.flatnonzero(designs.column("prefetches")).tolist():
        costs[..., d] = _prefetched(network, designs.design(d))
    cold, warm = costs
    return LayerCost(*cold), LayerCost(*warm)


def _prefetched(network: Network, design: Accelerator) -> np.ndarray:
    """The costs of `steady_cost` on one design that prefetches.

    The result is [nothing or the own SubGraph, field, subnet].
    """
    subgraphs = candidates(network, design)
    own = [subgraphs.own(subnet.name) for subnet in network.supernet.subnets]
    table = latency_table(network, design, subgraphs.only([0, *own]))
    cost = np.stack(np.broadcast_arrays(*table.cost))
    return np.stack([cost[:, :, 0], np.diagonal(cost[:, :, 1:], axis1=1, axis2=2)])
