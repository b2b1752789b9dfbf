"""The tiles of a layer on a weight-stationary array, as runs of successive tiles with equal loads.

Strips of the map are outermost, rows of blocks with the same kernels next, the channels within.
"""

import numpy as np

from sushi_dse.model.cost import Array
from sushi_dse.model.jit import kernel_part
from sushi_dse.model.network import LayerShape
from sushi_dse.model.weight_stationary import (
    BLOCK_KINDS,
    blocks,
    blocks_of,
    channel_passes,
    pass_bytes,
    strips_of,
)

# What is known of a layer as its SubNet runs: a record, as arrays are slow to pass.
WALKED = np.dtype(
    (
        np.record,
        [
            ("ended", np.float64),  # time at which the layer before ended
            ("bus", np.float64),  # time at which the bus is free for loads of the layer
            ("load", np.int64),  # number of its first load
            ("pause", np.int64),  # number of the next pause in the loads
            ("kernels", np.int64),  # that are cached, as are the channels
            ("channels", np.int64),
            ("first_run", np.int64),  # of its runs, in arrays of those of all layers
            ("end_run", np.int64),
            ("tail", np.int64),  # the first run from which on all tiles load something
            ("loading_tiles", np.int64),  # that load something
            ("longest_load", np.float64),  # cycles of a tile
            ("rows", np.int64),  # of equal blocks, the most that follow each other in a strip
            ("first_row", np.int64),  # the first run of the first of them
            ("row_runs", np.int64),  # runs of each of them
        ],
    )
)


@kernel_part
def tile_count(shape: LayerShape, array: Array) -> int:
    """The number of tiles of a layer, in all strips of its map."""
    kernels, channels = blocks(shape, array)
    strips = strips_of(shape, kernels, channels, array.output_buffer_bytes)
    tiles = -(-shape.kernels // kernels) * channel_passes(shape, channels)
    return int(strips[0] * strips[1] * tiles)


@kernel_part
def write_runs(
    shape: LayerShape, array: Array, layer: np.record, lengths: np.ndarray, loads: np.ndarray
) -> None:
    """Write the runs of successive tiles with equal loads that a layer has.

    layer: of `WALKED`, with what is cached as of `cached_part`.  From its first run on it writes
    the number of tiles into lengths and the cycles to load one into loads, and then what
    describes the runs into the layer.
    """
    kernel_block, channel_block = blocks(shape, array)
    cycles_per_pair = pass_bytes(shape) * array.cycles_per_byte
    first = end = layer.first_run
    layer.rows = 0
    for i in range(BLOCK_KINDS):
        rows, row_length, row_cached = blocks_of(i, shape.kernels, kernel_block, layer.kernels)
        if rows == 0:
            continue
        row = end
        for j in range(BLOCK_KINDS):
            columns, length, column_cached = blocks_of(
                j, shape.channels_per_group, channel_block, layer.channels
            )
            if columns > 0:
                lengths[end] = columns * shape.passes
                loads[end] = (row_length * length - row_cached * column_cached) * cycles_per_pair
                end += 1
        row_runs = end - row
        end = repeat(row, end, rows, lengths, loads)
        if rows > layer.rows:
            layer.rows, layer.first_row, layer.row_runs = rows, row, row_runs
    strips = strips_of(shape, kernel_block, channel_block, array.output_buffer_bytes)
    end = repeat(first, end, strips[0] * strips[1], lengths, loads)
    tail, loading_tiles, longest_load = first, 0, 0.0
    for run in range(first, end):
        if loads[run] == 0:
            tail = run + 1
        else:
            loading_tiles += lengths[run]
            longest_load = max(longest_load, loads[run])
    layer.end_run, layer.tail = end, tail
    layer.loading_tiles, layer.longest_load = loading_tiles, longest_load


@kernel_part
def repeat(first: int, end: int, times: int, lengths: np.ndarray, loads: np.ndarray) -> int:
    """The end of so many copies in a row of the runs from `first` to `end`, which it writes."""
    period = end - first
    for run in range(end, first + times * period):
        lengths[run], loads[run] = lengths[run - period], loads[run - period]
    return first + times * period
