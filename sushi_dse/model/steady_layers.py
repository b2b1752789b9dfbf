"""The kernel for the cycles of each layer on many designs with equal sides of the array.

Quantities that designs share are computed once: the tiles of a layer with their loads, and equal
layers.  The equations are those of `layer` in the same order, so the figures are the same bits.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from sushi_dse.model.kernel_cache import compiled
from sushi_dse.model.layer import (
    BLOCK_KINDS,
    Array,
    blocks,
    blocks_of,
    first_wait,
    map_bytes,
    output_stall,
    stream_cycles,
    tile_wait,
    tiles_of_kind,
)
from sushi_dse.model.network import LayerShape

CHUNK = 72  # designs that are handled at a time, so that the cycles of all layers stay in the cache

COLD_KINDS = 4  # kinds of tiles: whole or shorter blocks of kernels x whole or shorter of channels
COMPUTE, EXPOSED, COLD_STALL, WARM_STALL, CAUSES = range(5)  # causes of cycles, and their number


class Layers(NamedTuple):
    """The layers of a `Network`, with the shapes of equal layers only once."""

    shapes: np.ndarray  # [shape] records with the fields of LayerShape
    shape_of: np.ndarray  # [layer]: number of the layer's shape
    starts: np.ndarray  # [subnet + 1]: the layers of SubNet s are starts[s]:starts[s + 1]
    supernet_layer: np.ndarray  # [layer]
    kernels: np.ndarray  # [layer]
    channels: np.ndarray  # [layer], per group
    taps: np.ndarray  # [layer]


class Arrays(NamedTuple):
    """The fields of designs that enter the equations besides the array's sides: [design] each."""

    cycles_per_byte: np.ndarray
    fill_cycles: np.ndarray
    row_cycles: np.ndarray
    resident_map_bytes: np.ndarray


class Tiles(NamedTuple):
    """The tiles of layers of which nothing is on chip."""

    kinds: np.ndarray  # [shape]: number of kinds of tiles
    counts: np.ndarray  # [shape, kind]: number of tiles
    load_bytes: np.ndarray  # [shape, kind]: bytes of one tile
    total: np.ndarray  # [shape]: number of tiles of all kinds


@compiled
def tiles_of(shapes: np.ndarray, sides: tuple[int, int]) -> Tiles:
    """The tiles of each layer on an array with those sides."""
    no_design = Array(sides[0], sides[1], 0.0, 0.0, 0.0, 0.0)
    kinds = np.zeros(len(shapes), dtype=np.int64)
    counts, load_bytes = np.zeros((len(shapes), COLD_KINDS)), np.zeros((len(shapes), COLD_KINDS))
    total = np.zeros(len(shapes))
    for shape in range(len(shapes)):
        kernel_block, channel_block = blocks(shapes[shape], no_design)
        for i in range(2, BLOCK_KINDS):
            rows = blocks_of(i, shapes[shape].kernels, kernel_block, 0)
            for j in range(2, BLOCK_KINDS):
                columns = blocks_of(j, shapes[shape].channels_per_group, channel_block, 0)
                count, load = tiles_of_kind(rows, columns, shapes[shape])
                if count > 0:
                    counts[shape, kinds[shape]], load_bytes[shape, kinds[shape]] = count, load
                    kinds[shape] += 1
                    total[shape] += count
    return Tiles(kinds, counts, load_bytes, total)


@register_jitable
def in_registers(shape: LayerShape) -> LayerShape:
    """The counts as values, for a compiler must assume that any store changes those of a record."""
    return LayerShape(
        shape.kernels, shape.channels_per_group, shape.groups, shape.taps, shape.passes,
        shape.fold, shape.streamed_pixels, shape.streamed_rows, shape.output_pixels,
        shape.input_bytes, shape.input_word_bytes, shape.output_bytes, shape.is_first,
        shape.is_last,
    )  # fmt: skip


@compiled
def layer_cycles(shapes: np.ndarray, tiles: Tiles, arrays: Arrays, cycles: np.ndarray) -> None:
    """Write the cycles of each layer on each design into cycles: [cause, shape, design].

    EXPOSED and COLD_STALL hold with nothing on chip.  With the layer on chip COMPUTE is the same,
    EXPOSED is 0, and the stall is WARM_STALL.  The loops over designs are short, have no branch and
    name each element by all of its indices (a view of a row costs more than the row), so that they
    become vector code.
    """
    per_byte, fill, row, resident = arrays
    designs, stream = len(per_byte), np.empty(len(per_byte))
    slowest_bus, smallest_map = per_byte.max(), resident.min()
    least_fill, least_row = fill.min(), row.min()
    for i in range(len(shapes)):
        shape = in_registers(shapes[i])
        pixels, rows = shape.streamed_pixels, shape.streamed_rows
        count, first_bytes = tiles.total[i], tiles.load_bytes[i, 0]
        for d in range(designs):
            stream[d] = stream_cycles(pixels, rows, fill[d], row[d])
            cycles[COMPUTE, i, d] = count * stream[d]
            cycles[EXPOSED, i, d] = first_wait(first_bytes, per_byte[d], stream[d])
        shortest = stream_cycles(pixels, rows, least_fill, least_row)
        for kind in range(tiles.kinds[i]):
            count, load_bytes = tiles.counts[i, kind], tiles.load_bytes[i, kind]
            if tile_wait(load_bytes, slowest_bus, shortest) == 0:  # No design waits.
                continue
            for d in range(designs):
                cycles[EXPOSED, i, d] += count * tile_wait(load_bytes, per_byte[d], stream[d])
        if map_bytes(shape, smallest_map)[1] == 0:  # The map stays on chip on every design.
            for d in range(designs):
                cycles[COLD_STALL, i, d] = cycles[WARM_STALL, i, d] = 0.0
            continue
        weight_bytes = float(shape.kernels * shape.channels_per_group * shape.taps)
        for d in range(designs):
            output_bytes, compute = map_bytes(shape, resident[d])[1], cycles[COMPUTE, i, d]
            busy = compute + cycles[EXPOSED, i, d]
            cycles[COLD_STALL, i, d] = output_stall(weight_bytes, output_bytes, per_byte[d], busy)
            cycles[WARM_STALL, i, d] = output_stall(0.0, output_bytes, per_byte[d], compute)


@compiled
def chunk_of(arrays: Arrays, start: int) -> Arrays:
    """The `CHUNK` designs from `start` on."""
    own = slice(start, start + CHUNK)
    return Arrays(
        arrays.cycles_per_byte[own],
        arrays.fill_cycles[own],
        arrays.row_cycles[own],
        arrays.resident_map_bytes[own],
    )
