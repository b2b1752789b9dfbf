"""The kernel for the cycles of each layer on many designs with the same counts of tiles.

Quantities that designs share are computed once: the tiles of a layer with their loads, and equal
layers.  The equations are those of one design in the same order, so the figures are the same bits.
"""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.cost import Array, bytes_of, map_bytes, output_stall
from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.layer import layer_cost_of
from sushi_dse.model.network import LayerShape
from sushi_dse.model.weight_stationary import (
    BLOCK_KINDS,
    blocks,
    blocks_of,
    first_wait,
    stream_cycles,
    streamed_pixels,
    strips_of,
    tile_wait,
    tiles_of_kind,
)

CHUNK = 72  # designs that are handled at a time, so that the cycles of all layers stay in the cache

COLD_KINDS = 4  # kinds of tiles: whole or shorter blocks of kernels x whole or shorter of channels
COMPUTE, EXPOSED, COLD_STALL, WARM_STALL, CAUSES = range(5)  # causes of cycles, and their number


class Layers(NamedTuple):
    """The layers of a `Network`, with the shapes of equal layers only once."""

    shapes: np.ndarray  # [shape] records with the fields of LayerShape
    shape_of: np.ndarray  # [layer]: number of the layer's shape
    starts: np.ndarray  # [subnet + 1]: the layers of SubNet s are starts[s]:starts[s + 1]
    supernet_layer: np.ndarray  # [layer]
    channels: np.ndarray  # [layer], per group
    kernel_bits: np.ndarray  # [layer], of the weights of one kernel
    weight_bytes: np.ndarray  # [layer], 0 where the weights are of the request


class Arrays(NamedTuple):
    """The fields of `Array` in which designs with equal counts of tiles differ: [design] each."""

    cycles_per_byte: np.ndarray
    resident_map_bytes: np.ndarray
    fill_cycles: np.ndarray
    drain_cycles: np.ndarray
    pointwise_drain_cycles: np.ndarray
    port_cycle: np.ndarray
    pixel_fill_cycles: np.ndarray
    weight_delay_cycles: np.ndarray
    read_ahead_cycles: np.ndarray
    tile_read_cycles: np.ndarray


class Tiles(NamedTuple):
    """The tiles of layers of which nothing is on chip, all strips of a map together."""

    kinds: np.ndarray  # [shape]: number of kinds of tiles
    counts: np.ndarray  # [shape, kind]: number of tiles
    first_counts: np.ndarray  # [shape, kind]: those of the first block of kernels, in one strip
    load_bytes: np.ndarray  # [shape, kind]: bytes of one tile
    total: np.ndarray  # [shape]: number of tiles of all kinds
    weight_bytes: np.ndarray  # [shape]: bytes that all tiles load
    pixels: np.ndarray  # [shape]: pixels that stream while a tile computes
    outputs: np.ndarray  # [shape]: outputs of a kernel that leave meanwhile


@kernel_part
def array_at(common: Array, arrays: Arrays, d: int) -> Array:
    """The array of design `d`; `common` has the counts that all designs share."""
    return Array(
        common.is_output_stationary, common.pe_kernels, common.pe_channels, common.pe_pixels,
        common.output_buffer_bytes, common.dynamic_buffer_bytes,
        arrays.cycles_per_byte[d], arrays.resident_map_bytes[d], arrays.fill_cycles[d],
        arrays.drain_cycles[d], arrays.pointwise_drain_cycles[d], arrays.port_cycle[d],
        arrays.pixel_fill_cycles[d], arrays.weight_delay_cycles[d], arrays.read_ahead_cycles[d],
        arrays.tile_read_cycles[d],
    )  # fmt: skip


@compiled
def tiles_of(shapes: np.ndarray, common: Array) -> Tiles:
    """The tiles of each layer on a weight-stationary array with those sides and buffers."""
    size = (len(shapes), COLD_KINDS)
    kinds, total = np.zeros(len(shapes), dtype=np.int64), np.zeros(len(shapes))
    counts, first_counts, load_bytes = np.zeros(size), np.zeros(size), np.zeros(size)
    pixels, outputs, weight_bytes = np.zeros((3, len(shapes)))
    for s in range(0 if common.is_output_stationary else len(shapes)):
        shape = shapes[s]
        kernel_block, channel_block = blocks(shape, common)
        strips = strips_of(shape, kernel_block, channel_block, common.output_buffer_bytes)
        every = strips[0] * strips[1]
        pixels[s] = streamed_pixels(shape, strips[0], strips[1]) / every
        outputs[s] = shape.output_height * shape.output_width / every
        pairs = shape.kernels * shape.channels_per_group
        weight_bytes[s] = bytes_of(pairs * every, shape.pair_bits)
        is_first = True
        for i in range(2, BLOCK_KINDS):
            rows = blocks_of(i, shape.kernels, kernel_block, 0)
            if rows[0] == 0:
                continue
            for j in range(2, BLOCK_KINDS):
                columns = blocks_of(j, shape.channels_per_group, channel_block, 0)
                count, load = tiles_of_kind(rows, columns, shape)
                if count > 0:
                    counts[s, kinds[s]], load_bytes[s, kinds[s]] = count * every, load
                    first_counts[s, kinds[s]] = count // rows[0] if is_first else 0
                    kinds[s] += 1
                    total[s] += count * every
            is_first = False
    return Tiles(kinds, counts, first_counts, load_bytes, total, weight_bytes, pixels, outputs)


@kernel_part
def in_registers(shape: LayerShape) -> LayerShape:
    """The counts as values, for a compiler must assume that any store changes those of a record."""
    return LayerShape(
        shape.kernels, shape.channels, shape.channels_per_group, shape.groups, shape.kernel_height,
        shape.kernel_width, shape.taps, shape.pair_bits, shape.passes, shape.is_pointwise,
        shape.height, shape.width, shape.padded_height, shape.padded_width, shape.pad_top,
        shape.pad_left, shape.stride_height, shape.stride_width, shape.output_height,
        shape.output_width, shape.input_bytes, shape.output_bytes, shape.shortcut_bytes,
        shape.input_holds, shape.output_holds, shape.shortcut_holds, shape.maps,
    )  # fmt: skip


@compiled
def layer_cycles(
    shapes: np.ndarray, tiles: Tiles, common: Array, arrays: Arrays, cycles: np.ndarray
) -> None:
    """Write the cycles of each layer on each design into cycles: [cause, shape, design].

    EXPOSED and COLD_STALL hold with nothing on chip.  With the layer on chip COMPUTE is the same,
    EXPOSED is 0, and the stall is WARM_STALL.
    """
    if common.is_output_stationary:
        for i in range(len(shapes)):
            for d in range(len(arrays.cycles_per_byte)):
                shape, array = shapes[i], array_at(common, arrays, d)
                cold = layer_cost_of(shape, array, 0, 0)
                warm = layer_cost_of(shape, array, shape.kernels, shape.channels_per_group)
                cycles[COMPUTE, i, d] = cold.compute_cycles
                cycles[EXPOSED, i, d] = cold.exposed_load_cycles
                cycles[COLD_STALL, i, d] = cold.output_stall_cycles
                cycles[WARM_STALL, i, d] = warm.output_stall_cycles
    elif len(arrays.cycles_per_byte) == CHUNK:  # Loops of known length are a tenth faster.
        weight_stationary_cycles(shapes, tiles, common.pe_channels, arrays, CHUNK, cycles)
    else:
        designs = len(arrays.cycles_per_byte)
        weight_stationary_cycles(shapes, tiles, common.pe_channels, arrays, designs, cycles)


@kernel_part
def weight_stationary_cycles(
    shapes: np.ndarray,
    tiles: Tiles,
    pe_channels: int,
    arrays: Arrays,
    designs: int,
    cycles: np.ndarray,
) -> None:
    """Write cycles as `layer_cycles` does.

    The loops over designs are short, have no branch and name each element by all of its indices (a
    view of a row costs more than the row), so that they become vector code.
    """
    per_byte, resident, fill = arrays.cycles_per_byte, arrays.resident_map_bytes, arrays.fill_cycles
    stream = np.empty(designs)
    slowest_bus, smallest_map, least_fill = per_byte.max(), resident.min(), fill.min()
    # A minimum is a chain of dependent steps, which takes as long as a few of the loops below.
    least_drain, least_pointwise = arrays.drain_cycles.min(), arrays.pointwise_drain_cycles.min()
    for i in range(len(shapes)):
        shape = in_registers(shapes[i])
        drain = arrays.pointwise_drain_cycles if shape.is_pointwise else arrays.drain_cycles
        pixels, outputs, total = tiles.pixels[i], tiles.outputs[i], tiles.total[i]
        for d in range(designs):
            stream[d] = stream_cycles(pixels, outputs, fill[d], drain[d])
            cycles[COMPUTE, i, d] = total * stream[d]
            cycles[EXPOSED, i, d] = 0.0
        own_least_drain = least_pointwise if shape.is_pointwise else least_drain
        shortest = stream_cycles(pixels, outputs, least_fill, own_least_drain)
        for kind in range(tiles.kinds[i]):
            count, load_bytes = tiles.counts[i, kind], tiles.load_bytes[i, kind]
            first = tiles.first_counts[i, kind]
            if first > 0:
                for d in range(designs):
                    cycles[EXPOSED, i, d] += first * first_wait(load_bytes, per_byte[d], stream[d])
            if tile_wait(load_bytes, slowest_bus, shortest) == 0:  # No design waits.
                continue
            for d in range(designs):
                cycles[EXPOSED, i, d] += count * tile_wait(load_bytes, per_byte[d], stream[d])
        if shape.output_holds <= smallest_map:  # The map stays on chip on every design.
            for d in range(designs):
                cycles[COLD_STALL, i, d] = cycles[WARM_STALL, i, d] = 0.0
            continue
        weight_bytes = tiles.weight_bytes[i]
        for d in range(designs):
            output_bytes = map_bytes(shape, pe_channels, resident[d])[1]
            compute = cycles[COMPUTE, i, d]
            busy = compute + cycles[EXPOSED, i, d]
            cycles[COLD_STALL, i, d] = output_stall(weight_bytes, output_bytes, per_byte[d], busy)
            cycles[WARM_STALL, i, d] = output_stall(0.0, output_bytes, per_byte[d], compute)


@compiled
def chunk_of(arrays: Arrays, start: int) -> Arrays:
    """The `CHUNK` designs from `start` on."""
    own = slice(start, start + CHUNK)
    return Arrays(
        arrays.cycles_per_byte[own],
        arrays.resident_map_bytes[own],
        arrays.fill_cycles[own],
        arrays.drain_cycles[own],
        arrays.pointwise_drain_cycles[own],
        arrays.port_cycle[own],
        arrays.pixel_fill_cycles[own],
        arrays.weight_delay_cycles[own],
        arrays.read_ahead_cycles[own],
        arrays.tile_read_cycles[own],
    )
