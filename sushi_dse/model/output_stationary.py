"""The equations of an output-stationary array: kernels x pixels, each with its sum.

They stand here once.  A function marked `kernel_part` runs as it stands under the interpreter,
and is the same source that Numba compiles into the kernels of this room.

The outputs of a layer are cut into tiles of `pe_pixels`, which run one after the other; a tile runs
a pass for each 2 x `pe_kernels` kernels, as two of them share a multiplier.  A pass takes
    max(2 * channels * taps array cycles, the way of its sums out of the array)
and a tile takes the longer of its passes and of the read of the next tile's input.  Weights that
are not on chip arrive in the order in which the first tile wants them, and are kept for the tiles
after it.  In `docs/model.md` stands what of this is measured and what is assumed.

Cycles are those of the port's clock, but for the result of `output_stationary_cost`.
"""

from sushi_dse.hardware.accelerator import KERNELS_PER_MULTIPLIER, WORD_BYTES, WORD_PIXELS
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

# Found in the measurements of the VCU118 (docs/model.md); of another board's array: assumption.
WORD_CHANNELS = WORD_BYTES  # of a word of the map buffer: 16 pixels x 8 channels are 128 bytes
OUTPUT_KERNELS_PER_CYCLE = 2  # kernels whose outputs leave the array in a cycle at most
OUTPUT_BYTES_PER_CYCLE = 128


@kernel_part
def low_bit(number: int) -> int:
    """The largest power of two that divides `number`."""
    return number & -number


@kernel_part
def pass_kernels(array: Array) -> int:
    """Kernels of one pass."""
    return KERNELS_PER_MULTIPLIER * array.pe_kernels


@kernel_part
def channel_words(shape: LayerShape) -> int:
    """Words that hold one pixel's channels of a group."""
    return -(-shape.channels_per_group // WORD_CHANNELS)


@kernel_part
def compute_cycles(shape: LayerShape, array: Array) -> float:
    """Cycles in which one pass computes."""
    steps = KERNELS_PER_MULTIPLIER * channel_words(shape) * WORD_CHANNELS * shape.taps
    return steps / array.port_cycle


@kernel_part
def pass_cycles(shape: LayerShape, array: Array) -> float:
    """Cycles of one pass: its sums leave while the next one computes."""
    per_kernel = max(1 / OUTPUT_KERNELS_PER_CYCLE, array.pe_pixels / OUTPUT_BYTES_PER_CYCLE)
    return max(compute_cycles(shape, array), pass_kernels(array) * per_kernel)


@kernel_part
def read_pixels(shape: LayerShape, turns: int, outputs: int) -> int:
    """Pixels from the first to the last one that a tile reads, whose outputs turn into new rows."""
    last = (outputs - 1 - turns * shape.output_width) * shape.stride_width + shape.kernel_width
    return (turns * shape.stride_height + shape.kernel_height - 1) * shape.width + last


@kernel_part
def word_slack(shape: LayerShape, step: int, pe_pixels: int) -> int:
    """Pixels by which a read exceeds what it is for, as it begins and ends with whole words.

    step: a tile begins at a multiple of it in its row of outputs.
    """
    if shape.taps > 1:
        return WORD_PIXELS - 1  # A window begins anywhere in a word.
    if shape.stride_height == shape.stride_width == 1:  # Tiles follow each other in the map.
        return WORD_PIXELS - low_bit(WORD_PIXELS | pe_pixels)
    begins = WORD_PIXELS | shape.stride_width * step | shape.stride_height * shape.width
    return WORD_PIXELS - 1 + shape.stride_width - low_bit(begins)


@kernel_part
def read_cycles(shape: LayerShape, array: Array, pixels: float) -> float:
    """Cycles in which a tile reads so many pixels of a group's channels, a word in a cycle."""
    return channel_words(shape) * pixels / WORD_PIXELS + array.tile_read_cycles


@kernel_part
def first_read_cycles(shape: LayerShape, array: Array, outputs: int) -> float:
    """Cycles in which the first tile reads its input, which begins in the padding."""
    turns = (outputs - 1) // shape.output_width
    row = turns * shape.stride_height + shape.kernel_height - 1 - shape.pad_top
    column = (outputs - 1 - turns * shape.output_width) * shape.stride_width
    column += shape.kernel_width - 1 - shape.pad_left
    last = min(row, shape.height - 1) * shape.width + min(column, shape.width - 1)
    words = -(-(last + 1) // WORD_PIXELS)
    return read_cycles(shape, array, float(max(words, 0) * WORD_PIXELS))


@kernel_part
def mean_read_pixels(shape: LayerShape, array: Array) -> tuple[float, float]:
    """Pixels that a tile in the middle, on average, and the last one read in whole words."""
    outputs = shape.output_height * shape.output_width
    tiles = -(-outputs // array.pe_pixels)
    step = low_bit(array.pe_pixels | shape.output_width)
    slack = word_slack(shape, step, array.pe_pixels)
    turns, left = divmod(array.pe_pixels - 1, shape.output_width)
    odd = (left + 1 - step) / shape.output_width  # share of tiles that turn once more
    pixels = (1 - odd) * read_pixels(shape, turns, array.pe_pixels)
    pixels += odd * read_pixels(shape, turns + 1, array.pe_pixels)
    rest = outputs - (tiles - 1) * array.pe_pixels
    last = read_pixels(shape, (rest - 1) // shape.output_width, rest)
    return pixels + slack, float(last + slack)


@kernel_part
def tile_times(shape: LayerShape, array: Array) -> tuple[int, float, float, float]:
    """Tiles of a group, the cycles of the first, those of the others, and of one's passes."""
    outputs = shape.output_height * shape.output_width
    tiles = -(-outputs // array.pe_pixels)
    passes = -(-(shape.kernels // shape.groups) // pass_kernels(array))
    one_pass = pass_cycles(shape, array)
    tile = passes * one_pass
    read = first_read_cycles(shape, array, min(array.pe_pixels, outputs))
    read -= array.read_ahead_cycles
    first = max(compute_cycles(shape, array), read) + tile - one_pass
    others = 0.0
    if tiles > 1:
        middle, last = mean_read_pixels(shape, array)
        others = (tiles - 2) * max(tile, read_cycles(shape, array, middle))
        others += max(tile, read_cycles(shape, array, last))
    return tiles, first, others, tile


@kernel_part
def weight_wait(
    shape: LayerShape, array: Array, kernels: int, channels: int, arrived_bytes: float
) -> tuple[float, float]:
    """How much longer a group takes than with its weights on chip, and the bytes loaded for it.

    The first kernels x channels of the group are on chip, and so are the first of its other bytes,
    `arrived_bytes` in number.  The passes of the first tile wait for their weights, and as kept
    kernels come first, the wait of the first or of the last pass is the longest.  What of a layer
    of several tiles exceeds the Dynamic Buffer is loaded again for each.
    """
    own_kernels = shape.kernels // shape.groups
    tiles, first, others, tile = tile_times(shape, array)
    of_pass = min(pass_kernels(array), own_kernels)
    kept = min(kernels, of_pass)
    pairs = own_kernels * shape.channels_per_group - kernels * channels
    missing = bytes_of(pairs, shape.pair_bits)
    first_missing = bytes_of(of_pass * shape.channels_per_group - kept * channels, shape.pair_bits)
    if missing <= 0:
        return 0.0, 0.0
    cycles_per_byte = array.cycles_per_byte / array.port_cycle
    lead = array.pe_pixels - array.weight_delay_cycles
    last_arrives = max(missing - arrived_bytes, 0.0) * cycles_per_byte - lead
    first_arrives = max(first_missing - arrived_bytes, 0.0) * cycles_per_byte - lead
    wait = max(first_arrives + tile - pass_cycles(shape, array), last_arrives)
    again = max(missing - array.dynamic_buffer_bytes, 0.0) * (tiles - 1)
    reload = again * cycles_per_byte
    resident = first + others
    streamed = max(first + max(others, reload), wait + max((tiles - 1) * tile, reload))
    return streamed - resident, missing + again


@kernel_part
def layer_wait(
    shape: LayerShape, array: Array, kernels: int, channels: int, arrived_bytes: float
) -> tuple[float, float]:
    """Cycles that a layer waits for weights, and the bytes that it loads.

    The first kernels of all groups x channels of each are on chip; groups run one after the other,
    and each has an even share of the bytes that arrived before (assumptions).
    """
    own_kernels = shape.kernels // shape.groups
    kept, part = kernels // own_kernels, kernels % own_kernels
    without = shape.groups - kept - (1 if part > 0 else 0)
    loading = shape.groups - (kept if channels == shape.channels_per_group else 0)
    arrived = arrived_bytes / max(loading, 1)
    wait, loaded = 0.0, 0.0
    for groups, own_kept, own_channels in (
        (kept, own_kernels, channels),
        (1 if part > 0 else 0, part, channels),
        (without, 0, 0),
    ):
        if groups > 0:
            each, each_loaded = weight_wait(shape, array, own_kept, own_channels, arrived)
            wait += groups * each
            loaded += groups * each_loaded
    return wait, loaded


@kernel_part
def resident_cycles(shape: LayerShape, array: Array) -> float:
    """Cycles of a layer with its weights and maps on chip, but for its launch."""
    _, first, others, _ = tile_times(shape, array)
    leaving = pass_kernels(array) / array.port_cycle  # of the last pass, a kernel an array cycle
    fill = array.pixel_fill_cycles * array.pe_pixels + leaving
    return fill + shape.groups * (first + others)


@kernel_part
def output_stationary_cost(
    shape: LayerShape, array: Array, cached_kernels: int, cached_channels: int
) -> LayerCost:
    """Cost of a layer whose first `cached_kernels` x `cached_channels` weights are on chip."""
    kernels, channels = cached_part(shape, cached_kernels, cached_channels)
    tiles = -(-(shape.output_height * shape.output_width) // array.pe_pixels)
    wait, loaded = layer_wait(shape, array, kernels, channels, 0.0)
    compute = resident_cycles(shape, array) * array.port_cycle
    exposed = wait * array.port_cycle
    pairs = shape.kernels * shape.channels_per_group
    cached_bytes = bytes_of(kernels * channels, shape.pair_bits)
    missing_bytes = bytes_of(pairs - kernels * channels, shape.pair_bits)
    input_bytes, output_bytes = map_bytes(shape, WORD_CHANNELS, array.resident_map_bytes)
    words = channel_words(shape) * mean_read_pixels(shape, array)[0] / WORD_PIXELS
    return LayerCost(
        compute_cycles=compute,
        exposed_load_cycles=exposed,
        input_cycles=input_bytes * array.cycles_per_byte,
        output_stall_cycles=output_stall(
            loaded, output_bytes, array.cycles_per_byte, compute + exposed
        ),
        weight_bytes=loaded,
        cached_weight_bytes=cached_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        dynamic_buffer_read_bytes=missing_bytes * tiles,
        persistent_buffer_read_bytes=cached_bytes * tiles,
        streaming_buffer_read_bytes=shape.groups * tiles * words * WORD_PIXELS * WORD_CHANNELS,
        streaming_buffer_write_bytes=float(shape.input_bytes),
        output_buffer_bytes=float(shape.output_bytes),
    )
