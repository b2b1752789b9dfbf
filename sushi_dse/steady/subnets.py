"""The kernel: cost of each SubNet, its own SubGraph on chip, from the cycles of its layers.

The order of a SubNet's layers by value is nearly that of the design before, and is sorted from
there.  Sums run over the layers in their order, as in `cost_model`: the figures are the same bits.
"""

from typing import Any

import numba
import numpy as np

from sushi_dse.cost_model import FIELDS, Array, LayerCost, layer_cost_of, map_bytes
from sushi_dse.steady.layers import (
    CAUSES,
    CHUNK,
    COLD_STALL,
    COMPUTE,
    EXPOSED,
    WARM_STALL,
    Arrays,
    Layers,
    chunk_of,
    in_registers,
    layer_cycles,
    tiles_of,
)
from sushi_dse.subgraphs import cut

FIELD: Any = LayerCost(*range(FIELDS))  # places in a cost


@numba.njit(cache=True)
def add_cold(
    layers: Layers, subnet: int, arrays: Arrays, cycles: np.ndarray, sums: np.ndarray
) -> None:
    """Sum the cost of a SubNet's layers, nothing on chip: into sums [field, design]."""
    per_byte, resident = arrays.cycles_per_byte, arrays.resident_map_bytes
    smallest_map = resident.min()
    compute, exposed = sums[FIELD.compute_cycles], sums[FIELD.exposed_load_cycles]
    reading, stall = sums[FIELD.input_cycles], sums[FIELD.output_stall_cycles]
    read, written = sums[FIELD.input_bytes], sums[FIELD.output_bytes]
    for i in layers.shape_of[layers.starts[subnet] : layers.starts[subnet + 1]]:
        own_compute, own_exposed = cycles[COMPUTE, i], cycles[EXPOSED, i]
        for d in range(len(per_byte)):
            compute[d] += own_compute[d]
            exposed[d] += own_exposed[d]
        shape = in_registers(layers.shapes[i])
        if map_bytes(shape, smallest_map) != (0.0, 0.0):
            own_stall = cycles[COLD_STALL, i]
            for d in range(len(per_byte)):
                input_bytes, output_bytes = map_bytes(shape, resident[d])
                stall[d] += own_stall[d]
                reading[d] += input_bytes * per_byte[d]
                read[d] += input_bytes
                written[d] += output_bytes


@numba.njit(cache=True)
def saved_per_byte(layers: Layers, subnet: int, cycles: np.ndarray, saved: np.ndarray) -> None:
    """What a byte of each of a SubNet's layers is worth on chip, in cycles: [layer, design]."""
    first = layers.starts[subnet]
    for i in range(first, layers.starts[subnet + 1]):
        shape = layers.shape_of[i]
        exposed, worth = cycles[EXPOSED, shape], saved[i - first]
        cold, warm = cycles[COLD_STALL, shape], cycles[WARM_STALL, shape]
        weight_bytes = float(layers.kernels[i] * layers.channels[i] * layers.taps[i])
        for d in range(len(worth)):
            worth[d] = (exposed[d] + cold[d] - warm[d]) / weight_bytes


@numba.njit(cache=True)
def sort_by_value(order: np.ndarray, value: np.ndarray, key: np.ndarray) -> None:
    """Sort layers by falling value, equal ones by rising key; quick where they nearly are."""
    for end in range(1, len(order)):
        layer, place = order[end], end
        while place > 0:
            before = order[place - 1]
            if value[before] > value[layer] or (
                value[before] == value[layer] and key[before] < key[layer]
            ):
                break
            order[place] = before
            place -= 1
        order[place] = layer


@numba.njit(cache=True)
def cache_weights(
    layers: Layers,
    subnet: int,
    sides: tuple[int, int],
    arrays: Arrays,
    capacity: np.ndarray,
    by_bandwidth: np.ndarray,
    cycles: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Change sums [field, design] to those of a SubNet whose own SubGraph is on chip."""
    own = slice(layers.starts[subnet], layers.starts[subnet + 1])
    shape_of, key = layers.shape_of[own], layers.supernet_layer[own]
    kernels, channels, taps = layers.kernels[own], layers.channels[own], layers.taps[own]
    designs, kernel_bytes = len(capacity), channels * taps
    saved, waits = np.empty((len(kernels), designs)), np.empty((2, len(kernels), designs))
    saved_per_byte(layers, subnet, cycles, saved)
    for i in range(len(kernels)):
        for d in range(designs):
            waits[0, i, d] = cycles[EXPOSED, shape_of[i], d]
            waits[1, i, d] = cycles[COLD_STALL, shape_of[i], d]
    order, value = np.arange(len(kernels)), np.empty(len(kernels))
    for d in by_bandwidth:  # neighbours in bandwidth are so in order too
        if capacity[d] == 0:
            continue
        for i in range(len(value)):
            value[i] = saved[i, d]
        sort_by_value(order, value, key)
        kept = cut(kernels, channels, taps, order, capacity[d])
        for layer in order:
            if kept[layer] == 0:
                break
            if kept[layer] == kernels[layer]:
                waits[0, layer, d], waits[1, layer, d] = 0.0, cycles[WARM_STALL, shape_of[layer], d]
            else:
                array = Array(
                    sides[0], sides[1], arrays.cycles_per_byte[d], arrays.fill_cycles[d],
                    arrays.row_cycles[d], arrays.resident_map_bytes[d],
                )  # fmt: skip
                cost = layer_cost_of(
                    layers.shapes[shape_of[layer]], array, kept[layer], channels[layer]
                )
                waits[0, layer, d], waits[1, layer, d] = (
                    cost.exposed_load_cycles,
                    cost.output_stall_cycles,
                )
            sums[FIELD.weight_bytes, d] -= kept[layer] * kernel_bytes[layer]
            sums[FIELD.cached_weight_bytes, d] += kept[layer] * kernel_bytes[layer]
    exposed, stall = sums[FIELD.exposed_load_cycles], sums[FIELD.output_stall_cycles]
    exposed[:designs], stall[:designs] = 0.0, 0.0
    for i in range(len(kernels)):
        own_exposed, own_stall = waits[0, i], waits[1, i]
        for d in range(designs):
            exposed[d] += own_exposed[d]
            stall[d] += own_stall[d]


@numba.njit(cache=True)
def fixed_bytes(layers: Layers, sides: tuple[int, int]) -> np.ndarray:
    """The costs of each SubNet that the sides of the array alone decide: [subnet, field]."""
    no_design = Array(sides[0], sides[1], 0.0, 0.0, 0.0, 0.0)
    fixed = np.zeros((len(layers.starts) - 1, FIELDS))
    for s in range(len(fixed)):
        for shape in layers.shape_of[layers.starts[s] : layers.starts[s + 1]]:
            cost = layer_cost_of(layers.shapes[shape], no_design, 0, 0)
            fixed[s, FIELD.weight_bytes] += cost.weight_bytes
            fixed[s, FIELD.streaming_buffer_read_bytes] += cost.streaming_buffer_read_bytes
            fixed[s, FIELD.streaming_buffer_write_bytes] += cost.streaming_buffer_write_bytes
            fixed[s, FIELD.output_buffer_bytes] += cost.output_buffer_bytes
    return fixed


@numba.njit(cache=True)
def keep(sums: np.ndarray, costs: np.ndarray, subnet: int, start: int) -> None:
    """Copy the sums of a chunk to their place in costs [field, subnet, design]."""
    for field in range(FIELDS):
        for d in range(min(CHUNK, costs.shape[2] - start)):
            costs[field, subnet, start + d] = sums[field, d]


@numba.njit(cache=True)
def steady_costs(
    layers: Layers, sides: tuple[int, int], arrays: Arrays, capacity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cost of each SubNet on each design: nothing on chip, and its own SubGraph.

    sides: PE kernels and channels; capacity: [design] bytes of the Persistent Buffer.  Both results
    are [field of LayerCost, subnet, design].
    """
    tiles, fixed = tiles_of(layers.shapes, sides), fixed_bytes(layers, sides)
    cold = np.empty((FIELDS, len(fixed), len(capacity)))
    warm = np.empty_like(cold)
    cycles = np.empty((CAUSES, len(layers.shapes), CHUNK))
    sums = np.empty((FIELDS, CHUNK))
    for start in range(0, len(capacity), CHUNK):
        own, chunk = slice(start, start + CHUNK), chunk_of(arrays, start)
        layer_cycles(layers.shapes, tiles, chunk, cycles)
        by_bandwidth = np.arange(len(chunk.cycles_per_byte))
        sort_by_value(by_bandwidth, chunk.cycles_per_byte, by_bandwidth.copy())
        for s in range(len(fixed)):
            for field in range(FIELDS):
                sums[field] = fixed[s, field]
            add_cold(layers, s, chunk, cycles, sums)
            keep(sums, cold, s, start)
            cache_weights(layers, s, sides, chunk, capacity[own], by_bandwidth, cycles, sums)
            keep(sums, warm, s, start)
    return cold, warm
