"""The equations of one pass over a layer.

They stand here once.  A function marked `register_jitable` runs as it stands under the interpreter,
and is the same source that Numba compiles into the kernels here, in `prefetch` and in `steady`.

A layer is cut into tiles of kernels x channels x nine taps.  A tile takes
    max(stream, load)    stream = max(pixels + fill_cycles, rows * row_cycles)
while the weights of the next one load into the other half of the Dynamic Buffer; the first load
is exposed, and a weight in the Persistent Buffer needs none.  In `docs/model.md` stands what of
this is measured and what is assumed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from numba.extending import register_jitable

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.network import LayerShape, layer_shape
from sushi_dse.workload.layers import Layer

PARTIAL_SUM_BYTES = 4  # 32-bit accumulators


class Array(NamedTuple):
    """What of an accelerator enters the equations."""

    pe_kernels: int
    pe_channels: int
    cycles_per_byte: float  # off-chip
    fill_cycles: float
    row_cycles: float
    resident_map_bytes: float


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
BLOCK_KINDS = 4  # of blocks of kernels, and of channels, by what of them is cached


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
    if index < 2 and cached == 0:
        return 0, block, 0
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
def tiles_of_kind(
    rows: tuple[int, int, int], columns: tuple[int, int, int], shape: LayerShape
) -> tuple[int, float]:
    """Tiles of a kind of kernel blocks x a kind of channel blocks, and the bytes that each loads.

    rows, columns: of `blocks_of`.  The first kinds of which there is a tile are those of the
    layer's first tile.
    """
    pairs = rows[1] * columns[1] - rows[2] * columns[2]
    return rows[0] * columns[0] * shape.passes, pairs * (shape.taps / shape.passes)


@register_jitable
def stream_cycles(pixels: int, rows: int, fill_cycles: float, row_cycles: float) -> float:
    """Cycles in which a tile's input, so many pixels and padded rows, passes the array."""
    return max(pixels + fill_cycles, rows * row_cycles)


@register_jitable
def tile_wait(load_bytes: float, cycles_per_byte: float, stream: float) -> float:
    """Cycles that a tile waits for the weights of the next one."""
    return max(load_bytes * cycles_per_byte - stream, 0.0)


@register_jitable
def first_wait(load_bytes: float, cycles_per_byte: float, stream: float) -> float:
    """What of the first load is exposed besides `tile_wait`: no tile computes meanwhile."""
    return min(load_bytes * cycles_per_byte, stream)


@register_jitable
def map_bytes(shape: LayerShape, resident_map_bytes: float) -> tuple[float, float]:
    """Bytes of the input map read from DRAM, and of the output map written to it."""
    from_dram = shape.is_first or shape.input_bytes > resident_map_bytes
    to_dram = shape.is_last or shape.output_bytes > resident_map_bytes
    return (
        float(shape.input_word_bytes) if from_dram else 0.0,
        float(shape.output_bytes) if to_dram else 0.0,
    )


@register_jitable
def output_stall(
    weight_bytes: float, output_bytes: float, cycles_per_byte: float, busy_cycles: float
) -> float:
    """Cycles until the output map has left: it hides behind the tiles, but shares their bus."""
    stall = max((weight_bytes + output_bytes) * cycles_per_byte - busy_cycles, 0.0)
    return stall if output_bytes > 0 else 0.0


@register_jitable
def layer_cost_of(
    shape: LayerShape, array: Array, cached_kernels: int, cached_channels: int
) -> LayerCost:
    """Cost of a layer whose first `cached_kernels` x `cached_channels` weights are on chip."""
    kernels, channels = cached_part(shape, cached_kernels, cached_channels)
    cycles_per_byte = array.cycles_per_byte
    stream = stream_cycles(
        shape.streamed_pixels, shape.streamed_rows, array.fill_cycles, array.row_cycles
    )
    kernel_block, channel_block = blocks(shape, array)
    tiles, wait = 0, 0.0
    for i in range(BLOCK_KINDS):
        rows = blocks_of(i, shape.kernels, kernel_block, kernels)
        if rows[0] == 0:
            continue
        for j in range(BLOCK_KINDS):
            columns = blocks_of(j, shape.channels_per_group, channel_block, channels)
            count, load_bytes = tiles_of_kind(rows, columns, shape)
            if count > 0:
                if tiles == 0:
                    wait = first_wait(load_bytes, cycles_per_byte, stream)
                tiles += count
                wait += count * tile_wait(load_bytes, cycles_per_byte, stream)
    compute = tiles * stream
    cached_bytes = kernels * channels * shape.taps
    weight_bytes = shape.kernels * shape.channels_per_group * shape.taps - cached_bytes
    input_bytes, output_bytes = map_bytes(shape, array.resident_map_bytes)
    kernel_tiles = -(-shape.kernels // kernel_block)
    group_reads = max(kernel_tiles, shape.groups)  # a group's channels, once a tile of its kernels
    channel_tiles = -(-shape.channels_per_group // channel_block)
    return LayerCost(
        compute_cycles=compute,
        exposed_load_cycles=wait,
        input_cycles=input_bytes * cycles_per_byte,
        output_stall_cycles=output_stall(
            weight_bytes, output_bytes, cycles_per_byte, compute + wait
        ),
        weight_bytes=float(weight_bytes),
        cached_weight_bytes=float(cached_bytes),
        input_bytes=input_bytes,
        output_bytes=output_bytes,
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
        cycles_per_byte=1 / accelerator.bytes_per_cycle,
        fill_cycles=accelerator.fill_cycles,
        row_cycles=accelerator.row_cycles,
        resident_map_bytes=float(accelerator.resident_map_bytes),
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
