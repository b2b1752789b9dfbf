"""Cycles, traffic and energy of one pass over a layer of SushiAccel.

The equations stand here once.  A function marked `register_jitable` runs as it stands under the
interpreter, and is the same source that Numba compiles into the kernels at the end of the module.

A layer is cut into tiles of kernels x channels x nine taps.  A tile takes
    max(stream, load)    stream = max(pixels + fill_cycles, rows * row_cycles)
while the weights of the next one load into the other half of the Dynamic Buffer; the first load
is exposed, and a weight in the Persistent Buffer needs none.  In `docs/model.md` stands what of
this is measured and what is assumed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
from numba.extending import register_jitable

from sushi_dse.hardware import Accelerator
from sushi_dse.network import LayerShape, layer_shape
from sushi_dse.supernet import Layer

PARTIAL_SUM_BYTES = 4  # 32-bit accumulators


class Array(NamedTuple):
    """What of an accelerator enters the equations."""

    pe_kernels: int
    pe_channels: int
    bytes_per_cycle: float
    fill_cycles: float
    row_cycles: float
    resident_map_bytes: int


class LayerCost(NamedTuple):
    """One pass over a layer: cycles by cause, off-chip bytes by kind, buffer accesses in bytes."""

    compute_cycles: float
    exposed_load_cycles: float  # waiting for weights
    input_cycles: float  # reading the input map from DRAM
    output_stall_cycles: float  # waiting for the output map to leave
    weight_bytes: float  # from DRAM
    cached_weight_bytes: float  # from the Persistent Buffer
    input_bytes: float  # from DRAM
    output_bytes: float  # to DRAM
    streaming_buffer_read_bytes: float
    streaming_buffer_write_bytes: float
    output_buffer_bytes: float  # partial sums written, and as many read

    @property
    def cycles(self) -> float:
        """All cycles but those of the launch."""
        return (
            self.compute_cycles
            + self.exposed_load_cycles
            + self.input_cycles
            + self.output_stall_cycles
        )

    @property
    def offchip_bytes(self) -> float:
        """Bytes over the off-chip bus."""
        return self.weight_bytes + self.input_bytes + self.output_bytes

    @property
    def bound_by(self) -> str:
        """What takes the most cycles: `compute`, `weights` or `activations`."""
        causes = {
            "compute": self.compute_cycles,
            "weights": self.exposed_load_cycles,
            "activations": self.input_cycles + self.output_stall_cycles,
        }
        return max(causes, key=causes.__getitem__)


FIELDS = len(LayerCost._fields)


@register_jitable
def kernels_per_tile(
    kernels: int, channels_per_group: int, groups: int, pe_kernels: int, pe_channels: int
) -> int:
    """Kernels that one tile holds.

    A grouped layer has no sum over all channels to share: a tile holds as many whole groups as both
    sides of the array take, or an even share of one group (assumption).
    """
    if groups == 1:
        return pe_kernels
    per_group = kernels // groups
    if per_group > pe_kernels:
        return -(-per_group // -(-per_group // pe_kernels))
    return per_group * max(1, min(pe_kernels // per_group, pe_channels // channels_per_group))


@register_jitable
def blocks_of(index: int, size: int, block: int, cached: int) -> tuple[int, int, int]:
    """Blocks of kind `index` when an axis is cut into blocks: how many, how long, how much cached.

    The first `cached` of `size` are in the Persistent Buffer.  Kinds: 0 wholly cached, 1 the one in
    which the cached part ends, 2 whole and not cached, 3 the shorter one at the end.
    """
    whole, touched = size // block, -(-cached // block)
    if index == 0:
        return cached // block, block, block
    if index == 1:
        part = cached % block
        return min(part, 1), min(block, size - cached // block * block), part
    if index == 2:
        return max(whole - touched, 0), block, 0
    return (1 if size % block and touched <= whole else 0), size % block, 0


@register_jitable
def blocks(shape: LayerShape, array: Array) -> tuple[int, int]:
    """Kernels and channels of a whole tile."""
    kernels = kernels_per_tile(
        shape.kernels, shape.channels_per_group, shape.groups, array.pe_kernels, array.pe_channels
    )
    return kernels, shape.fold * array.pe_channels


@register_jitable
def cached_part(shape: LayerShape, cached_kernels: int, cached_channels: int) -> tuple[int, int]:
    """Kernels and channels of the layer that lie in a cached rectangle, both 0 where none do."""
    kernels = min(cached_kernels, shape.kernels)
    channels = min(cached_channels, shape.channels_per_group)
    if kernels == 0 or channels == 0:
        return 0, 0
    return kernels, channels


@register_jitable
def layer_cost_of(
    shape: LayerShape, array: Array, cached_kernels: int, cached_channels: int
) -> LayerCost:
    """Cost of a layer whose first `cached_kernels` x `cached_channels` weights are on chip."""
    kernel_block, channel_block = blocks(shape, array)
    kernels, channels = cached_part(shape, cached_kernels, cached_channels)
    bytes_per_pair = shape.taps / shape.passes  # a window's weights, spread over its passes
    stream = max(shape.streamed_pixels + array.fill_cycles, shape.streamed_rows * array.row_cycles)
    tiles, wait, first_load = 0, 0.0, -1.0
    for i in range(4):
        rows, row_length, row_cached = blocks_of(i, shape.kernels, kernel_block, kernels)
        for j in range(4):
            columns, length, column_cached = blocks_of(
                j, shape.channels_per_group, channel_block, channels
            )
            if rows * columns > 0:
                pairs = row_length * length - row_cached * column_cached
                load = pairs * bytes_per_pair / array.bytes_per_cycle
                if first_load < 0:
                    first_load = load
                tiles += rows * columns * shape.passes
                wait += rows * columns * shape.passes * max(load - stream, 0.0)
    compute = tiles * stream
    wait += min(first_load, stream)  # no tile computes meanwhile, so this part is exposed too
    cached_bytes = kernels * channels * shape.taps
    weight_bytes = shape.kernels * shape.channels_per_group * shape.taps - cached_bytes
    from_dram = shape.is_first or shape.input_bytes > array.resident_map_bytes
    to_dram = shape.is_last or shape.output_bytes > array.resident_map_bytes
    input_bytes = shape.input_word_bytes if from_dram else 0
    output_bytes = shape.output_bytes if to_dram else 0
    # Writes hide behind the computation, but weights and outputs share the bus.
    bus = (weight_bytes + output_bytes) / array.bytes_per_cycle
    kernel_tiles = -(-shape.kernels // kernel_block)
    group_reads = max(kernel_tiles, shape.groups)  # a group's channels, once a tile of its kernels
    channel_tiles = -(-shape.channels_per_group // channel_block)
    return LayerCost(
        compute_cycles=compute,
        exposed_load_cycles=wait,
        input_cycles=input_bytes / array.bytes_per_cycle,
        output_stall_cycles=max(bus - (compute + wait), 0.0),
        weight_bytes=float(weight_bytes),
        cached_weight_bytes=float(cached_bytes),
        input_bytes=float(input_bytes),
        output_bytes=float(output_bytes),
        streaming_buffer_read_bytes=float(
            group_reads * shape.channels_per_group * shape.streamed_pixels * shape.passes
        ),
        streaming_buffer_write_bytes=float(shape.input_bytes),
        output_buffer_bytes=float(
            shape.kernels * shape.output_pixels * channel_tiles * shape.passes * PARTIAL_SUM_BYTES
        ),
    )


def array_of(accelerator: Accelerator) -> Array:
    """The constants of `accelerator` that the equations take."""
    return Array(
        pe_kernels=accelerator.pe_kernels,
        pe_channels=accelerator.pe_channels,
        bytes_per_cycle=accelerator.bytes_per_cycle,
        fill_cycles=accelerator.fill_cycles,
        row_cycles=accelerator.row_cycles,
        resident_map_bytes=accelerator.resident_map_bytes,
    )


def layer_cost(
    layer: Layer,
    accelerator: Accelerator,
    *,
    cached_kernels: int = 0,
    cached_channels: int = 0,
    is_first: bool = False,
    is_last: bool = False,
) -> LayerCost:
    """Cost of one pass over `layer`, its first kernels x channels in the Persistent Buffer."""
    shape = layer_shape(layer, is_first=is_first, is_last=is_last)
    return LayerCost(*layer_cost_of(shape, array_of(accelerator), cached_kernels, cached_channels))


def layer_latency_us(cost: LayerCost, accelerator: Accelerator) -> float:
    """Time of a layer, its launch included."""
    return accelerator.launch_us + cost.cycles / accelerator.clock_mhz


def total_cost(costs: Sequence[LayerCost]) -> LayerCost:
    """The sum of the costs of layers, field by field."""
    return LayerCost(*(sum(column) for column in zip(*costs, strict=True)))


@numba.njit(cache=True)
def subnet_costs(
    shapes: np.ndarray,
    supernet_layer: np.ndarray,
    starts: np.ndarray,
    array: Array,
    kernels: np.ndarray,
    channels: np.ndarray,
) -> np.ndarray:
    """Cost of each SubNet under each SubGraph: [field of LayerCost, subnet, subgraph].

    The first three are of a `Network`; kernels, channels: [subgraph, supernet_layer].
    """
    totals = np.zeros((FIELDS, len(starts) - 1, len(kernels)))
    for s in range(len(starts) - 1):
        for i in range(starts[s], starts[s + 1]):
            layer = supernet_layer[i]
            for g in range(len(kernels)):
                cost = layer_cost_of(shapes[i], array, kernels[g, layer], channels[g, layer])
                for field in range(FIELDS):
                    totals[field, s, g] += cost[field]
    return totals


@numba.njit(cache=True)
def layer_costs(shapes: np.ndarray, array: Array, all_cached: bool) -> np.ndarray:
    """Cost of each layer, all of its weights on chip or none: [field of LayerCost, layer]."""
    costs = np.empty((FIELDS, len(shapes)))
    for i in range(len(shapes)):
        shape = shapes[i]
        kernels = shape.kernels if all_cached else 0
        cost = layer_cost_of(shape, array, kernels, shape.channels_per_group)
        for field in range(FIELDS):
            costs[field, i] = cost[field]
    return costs
