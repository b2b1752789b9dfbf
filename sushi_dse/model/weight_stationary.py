"""The equations of a weight-stationary array: one pass over a layer on SushiAccel.

They stand here once.  A function marked `kernel_part` runs as it stands under the interpreter,
and is the same source that Numba compiles into the kernels of this room.

A layer is cut into tiles of kernels x channels x nine taps.  A tile takes
    max(stream, load)    stream = max(pixels + fill_cycles, outputs + drain_cycles)
while the weights of a later one load into the other half of the Dynamic Buffer.  The tiles of the
first block of kernels wait for their loads, and a weight in the Persistent Buffer needs none.
Partial sums that the Output Buffer cannot hold cut the map into strips, each of which loads the
weights again.  In `docs/model.md` stands what of this is measured and what is assumed.
"""

from sushi_dse.hardware.accelerator import TAPS_PER_ENGINE
from sushi_dse.model.cost import (
    Array,
    LayerCost,
    bytes_of,
    cached_part,
    map_bytes,
    output_stall,
)
from sushi_dse.model.jit import kernel_part
from sushi_dse.model.network import LayerShape

PARTIAL_SUM_BYTES = 4  # 32-bit accumulators
BLOCK_KINDS = 4  # of blocks of kernels, and of channels, by what of them is cached


@kernel_part
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


@kernel_part
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


@kernel_part
def blocks(shape: LayerShape, array: Array) -> tuple[int, int]:
    """Kernels and channels of a whole tile; nine channels of a 1x1 layer share an engine."""
    kernels = kernels_per_tile(
        shape.kernels, shape.channels_per_group, shape.groups, array.pe_kernels, array.pe_channels
    )
    return kernels, array.pe_channels * (TAPS_PER_ENGINE if shape.is_pointwise else 1)


@kernel_part
def pass_bytes(shape: LayerShape) -> float:
    """Bytes of the weights of one kernel for one channel in one pass: the passes share them."""
    return bytes_of(1, shape.pair_bits) / shape.passes


@kernel_part
def tiles_of_kind(
    rows: tuple[int, int, int], columns: tuple[int, int, int], shape: LayerShape
) -> tuple[int, float]:
    """Tiles of a kind of kernel blocks x a kind of channel blocks, and the bytes that each loads.

    rows, columns: of `blocks_of`.  The first kind of rows of which there are any is that of the
    layer's first block of kernels.
    """
    pairs = rows[1] * columns[1] - rows[2] * columns[2]
    return rows[0] * columns[0] * shape.passes, pairs * pass_bytes(shape)


@kernel_part
def channel_passes(shape: LayerShape, channel_block: int) -> int:
    """Tiles that add to the sums of one block of kernels."""
    return -(-shape.channels_per_group // channel_block) * shape.passes


@kernel_part
def strips_of(
    shape: LayerShape, kernel_block: int, channel_block: int, output_buffer_bytes: int
) -> tuple[int, int]:
    """Strips into which the map is cut: in rows, and in columns where not even a row fits.

    The partial sums of one block of kernels must fit the Output Buffer until its last tile; sums
    that one tile completes need no room.  Of a batch a strip holds whole maps, or a part of one
    (assumption).
    """
    if channel_passes(shape, channel_block) == 1:
        return 1, 1
    sums = output_buffer_bytes // (PARTIAL_SUM_BYTES * min(kernel_block, shape.kernels))
    rows, map_rows = sums // shape.output_width, shape.output_height // shape.maps
    if rows >= map_rows:
        return -(-shape.maps // min(rows // map_rows, shape.maps)), 1
    if rows > 0:
        return shape.maps * -(-map_rows // rows), 1
    return shape.output_height, -(-shape.output_width // max(sums, 1))


@kernel_part
def streamed_pixels(shape: LayerShape, row_strips: int, column_strips: int) -> int:
    """Pixels of one channel that pass the array, those of all strips together.

    A 1x1 layer streams its outputs.  Others stream all of their padded map, whatever the stride,
    and what two strips of one map have in common twice.
    """
    if shape.is_pointwise:
        return shape.output_height * shape.output_width
    more_rows = max(row_strips - shape.maps, 0) * max(shape.kernel_height - shape.stride_height, 0)
    more_columns = (column_strips - 1) * max(shape.kernel_width - shape.stride_width, 0)
    return (shape.padded_height + more_rows) * (shape.padded_width + more_columns)


@kernel_part
def stream_cycles(pixels: float, outputs: float, fill_cycles: float, drain_cycles: float) -> float:
    """Cycles of a tile whose input has so many pixels, and whose map so many outputs a kernel."""
    return max(pixels + fill_cycles, outputs + drain_cycles)


@kernel_part
def tile_wait(load_bytes: float, cycles_per_byte: float, stream: float) -> float:
    """Cycles that a tile waits for the weights of a later one."""
    return max(load_bytes * cycles_per_byte - stream, 0.0)


@kernel_part
def first_wait(load_bytes: float, cycles_per_byte: float, stream: float) -> float:
    """What of a load for the first block of kernels is exposed besides `tile_wait`."""
    return min(load_bytes * cycles_per_byte, stream)


@kernel_part
def weight_stationary_cost(
    shape: LayerShape, array: Array, cached_kernels: int, cached_channels: int
) -> LayerCost:
    """Cost of a layer whose first `cached_kernels` x `cached_channels` weights are on chip."""
    kernels, channels = cached_part(shape, cached_kernels, cached_channels)
    cycles_per_byte = array.cycles_per_byte
    kernel_block, channel_block = blocks(shape, array)
    row_strips, column_strips = strips_of(
        shape, kernel_block, channel_block, array.output_buffer_bytes
    )
    strips = row_strips * column_strips
    pixels = streamed_pixels(shape, row_strips, column_strips)
    outputs = shape.output_height * shape.output_width
    stream = stream_cycles(
        pixels / strips,
        outputs / strips,
        array.fill_cycles,
        array.pointwise_drain_cycles if shape.is_pointwise else array.drain_cycles,
    )
    tiles, wait, is_first = 0, 0.0, True
    for i in range(BLOCK_KINDS):
        rows = blocks_of(i, shape.kernels, kernel_block, kernels)
        if rows[0] == 0:
            continue
        for j in range(BLOCK_KINDS):
            columns = blocks_of(j, shape.channels_per_group, channel_block, channels)
            count, load_bytes = tiles_of_kind(rows, columns, shape)
            if count > 0:
                if is_first:
                    wait += count // rows[0] * first_wait(load_bytes, cycles_per_byte, stream)
                tiles += count * strips
                wait += count * strips * tile_wait(load_bytes, cycles_per_byte, stream)
        is_first = False
    compute = tiles * stream
    pairs = shape.kernels * shape.channels_per_group
    cached_bytes = bytes_of(kernels * channels, shape.pair_bits)
    weight_bytes = bytes_of((pairs - kernels * channels) * strips, shape.pair_bits)
    input_bytes, output_bytes = map_bytes(shape, array.pe_channels, array.resident_map_bytes)
    kernel_tiles = -(-shape.kernels // kernel_block)
    group_reads = max(kernel_tiles, shape.groups)  # a group's channels, once a tile of its kernels
    return LayerCost(
        compute_cycles=compute,
        exposed_load_cycles=wait,
        input_cycles=input_bytes * cycles_per_byte,
        output_stall_cycles=output_stall(
            weight_bytes, output_bytes, cycles_per_byte, compute + wait
        ),
        weight_bytes=weight_bytes,
        cached_weight_bytes=cached_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        dynamic_buffer_read_bytes=weight_bytes,
        persistent_buffer_read_bytes=cached_bytes * strips,
        streaming_buffer_read_bytes=float(
            group_reads * shape.channels_per_group * pixels * shape.passes
        ),
        streaming_buffer_write_bytes=float(shape.input_bytes),
        output_buffer_bytes=float(
            shape.kernels * outputs * channel_passes(shape, channel_block) * PARTIAL_SUM_BYTES
        ),
    )
