"""The kernel for the cost of each SubNet with its own SubGraph on chip, from its layers' cycles.

Layers are not sorted by value: only the layer at which the buffer is full is searched, from the one
of a similar design on.  Sums run over the layers in their running order, as in `layer`, so the
figures are the same bits.
"""

from typing import Any, NamedTuple

import numpy as np

from sushi_dse.model.cost import FIELDS, Array, LayerCost, map_bytes
from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.layer import layer_cost_of
from sushi_dse.model.output_stationary import WORD_CHANNELS
from sushi_dse.model.steady_layers import (
    CAUSES,
    CHUNK,
    COLD_STALL,
    COMPUTE,
    EXPOSED,
    WARM_STALL,
    Arrays,
    Layers,
    array_at,
    chunk_of,
    in_registers,
    layer_cycles,
    tiles_of,
)

FIELD: Any = LayerCost(*range(FIELDS))  # indices of the fields of a cost


@compiled
def add_cold(
    layers: Layers,
    subnet: int,
    common: Array,
    arrays: Arrays,
    cycles: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add the costs of a SubNet's layers with nothing on chip to sums: [field, design]."""
    per_byte, resident = arrays.cycles_per_byte, arrays.resident_map_bytes
    word = WORD_CHANNELS if common.is_output_stationary else common.pe_channels
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
        if map_bytes(shape, word, smallest_map) != (0.0, 0.0):
            own_stall = cycles[COLD_STALL, i]
            for d in range(len(per_byte)):
                input_bytes, output_bytes = map_bytes(shape, word, resident[d])
                stall[d] += own_stall[d]
                reading[d] += input_bytes * per_byte[d]
                read[d] += input_bytes
                written[d] += output_bytes


@compiled
def saved_per_byte(layers: Layers, subnet: int, cycles: np.ndarray, saved: np.ndarray) -> None:
    """Write the cycles that a cached byte of each layer of a SubNet saves into saved.

    saved: [layer, design].
    """
    first = layers.starts[subnet]
    for i in range(first, layers.starts[subnet + 1]):
        shape = layers.shape_of[i]
        exposed, worth = cycles[EXPOSED, shape], saved[i - first]
        cold, warm = cycles[COLD_STALL, shape], cycles[WARM_STALL, shape]
        weight_bytes = float(layers.kernels[i] * layers.channels[i] * layers.taps[i])
        for d in range(len(worth)):
            worth[d] = (exposed[d] + cold[d] - warm[d]) / weight_bytes


@kernel_part
def comes_before(value: float, key: int, other_value: float, other_key: int) -> bool:
    """Whether a layer is kept before another: by falling value, equal ones by rising key."""
    return value > other_value or (value == other_value and key < other_key)


@compiled
def last_kept(
    saved: np.ndarray, key: np.ndarray, weight_bytes: np.ndarray, capacity: int, d: int, guess: int
) -> tuple[int, int]:
    """The layer at which the Persistent Buffer of design `d` is full, and the bytes before it.

    The layer is kept in part at most.  saved: [layer, design].  All layers together must exceed
    `capacity`.  The search goes from layer `guess` on, one step in the order by value at a time, as
    the layer of a similar design is near.
    """
    layer = guess
    while True:
        value, own_key, before = saved[layer, d], key[layer], 0
        for i in range(len(key)):
            before += weight_bytes[i] * comes_before(saved[i, d], key[i], value, own_key)
        earlier = before > capacity
        if not earlier and before + weight_bytes[layer] > capacity:
            return layer, before
        place = -1  # the next layer in the order by value, in the direction of the search
        for i in range(len(key)):
            if i == layer or earlier != comes_before(saved[i, d], key[i], value, own_key):
                continue
            if place < 0 or earlier != comes_before(
                saved[i, d], key[i], saved[place, d], key[place]
            ):
                place = i
        layer = place


class WeightUse(NamedTuple):
    """What the weights of layers cost with nothing on chip: [shape] bytes each."""

    loads: np.ndarray  # over the bus
    reads: np.ndarray  # out of a buffer


@compiled
def cache_weights(
    layers: Layers,
    subnet: int,
    use: WeightUse,
    common: Array,
    arrays: Arrays,
    capacity: np.ndarray,
    by_bandwidth: np.ndarray,
    cycles: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Change sums [field, design] to those of a SubNet whose own SubGraph is on chip."""
    own = slice(layers.starts[subnet], layers.starts[subnet + 1])
    shape_of, key, channels = layers.shape_of[own], layers.supernet_layer[own], layers.channels[own]
    kernel_bytes = channels * layers.taps[own]
    weight_bytes, designs = layers.kernels[own] * kernel_bytes, len(capacity)
    saved = np.empty((len(key), designs))
    saved_per_byte(layers, subnet, cycles, saved)
    last, last_value = np.full(designs, -1), np.full(designs, -np.inf)  # where all layers fit
    last_key, last_waits = np.zeros(designs, dtype=np.int64), np.empty((2, designs))
    guess, all_bytes, kept = 0, weight_bytes.sum(), np.empty(designs, dtype=np.bool_)
    for d in by_bandwidth:  # Designs of similar bandwidth have a similar order of layers.
        cached_bytes = all_bytes
        if all_bytes > capacity[d]:
            guess, cached_bytes = last_kept(saved, key, weight_bytes, capacity[d], d, guess)
            last[d], last_value[d], last_key[d] = guess, saved[guess, d], key[guess]
            kernels = (capacity[d] - cached_bytes) // kernel_bytes[guess]
            shape = shape_of[guess]
            cost = layer_cost_of(
                layers.shapes[shape], array_at(common, arrays, d), kernels, channels[guess]
            )
            last_waits[0, d], last_waits[1, d] = cost.exposed_load_cycles, cost.output_stall_cycles
            cached_bytes += kernels * kernel_bytes[guess]
            sums[FIELD.weight_bytes, d] += cost.weight_bytes - use.loads[shape]
            sums[FIELD.dynamic_buffer_read_bytes, d] -= cost.persistent_buffer_read_bytes
            sums[FIELD.persistent_buffer_read_bytes, d] += cost.persistent_buffer_read_bytes
        sums[FIELD.cached_weight_bytes, d] += cached_bytes
        sums[FIELD.exposed_load_cycles, d] = sums[FIELD.output_stall_cycles, d] = 0.0
    for i in range(len(key)):
        shape = shape_of[i]
        loads, reads = use.loads[shape], use.reads[shape]
        for d in range(designs):
            kept[d] = comes_before(saved[i, d], key[i], last_value[d], last_key[d])
        for d in range(designs):
            wait = 0.0 if kept[d] else cycles[EXPOSED, shape, d]
            sums[FIELD.exposed_load_cycles, d] += last_waits[0, d] if last[d] == i else wait
        for d in range(designs):
            wait = cycles[WARM_STALL, shape, d] if kept[d] else cycles[COLD_STALL, shape, d]
            sums[FIELD.output_stall_cycles, d] += last_waits[1, d] if last[d] == i else wait
        for d in range(designs):
            sums[FIELD.weight_bytes, d] -= loads if kept[d] else 0.0
            sums[FIELD.dynamic_buffer_read_bytes, d] -= reads if kept[d] else 0.0
            sums[FIELD.persistent_buffer_read_bytes, d] += reads if kept[d] else 0.0


@compiled
def fixed_bytes(layers: Layers, common: Array) -> tuple[np.ndarray, WeightUse]:
    """What of the costs depends on counts of tiles alone: [subnet, field], and of the weights."""
    fixed = np.zeros((len(layers.starts) - 1, FIELDS))
    loads, reads = np.empty(len(layers.shapes)), np.empty(len(layers.shapes))
    for s in range(len(fixed)):
        for shape in layers.shape_of[layers.starts[s] : layers.starts[s + 1]]:
            cost = layer_cost_of(layers.shapes[shape], common, 0, 0)
            loads[shape], reads[shape] = cost.weight_bytes, cost.dynamic_buffer_read_bytes
            fixed[s, FIELD.weight_bytes] += cost.weight_bytes
            fixed[s, FIELD.dynamic_buffer_read_bytes] += cost.dynamic_buffer_read_bytes
            fixed[s, FIELD.streaming_buffer_read_bytes] += cost.streaming_buffer_read_bytes
            fixed[s, FIELD.streaming_buffer_write_bytes] += cost.streaming_buffer_write_bytes
            fixed[s, FIELD.output_buffer_bytes] += cost.output_buffer_bytes
    return fixed, WeightUse(loads, reads)


@compiled
def steady_costs(
    layers: Layers,
    common: Array,
    arrays: Arrays,
    capacity: np.ndarray,
    costs: np.ndarray,
    first: int,
) -> None:
    """Write the cost of each SubNet on each design into costs, from design `first` on.

    common: the counts that all designs share; capacity: [design], bytes of the Persistent Buffer;
    costs: [nothing on chip or own SubGraph, field of LayerCost, subnet, design].
    """
    tiles = tiles_of(layers.shapes, common)
    fixed, use = fixed_bytes(layers, common)
    cycles = np.empty((CAUSES, len(layers.shapes), CHUNK))
    sums = np.empty((FIELDS, CHUNK))
    for start in range(0, len(capacity), CHUNK):
        own, chunk = slice(start, start + CHUNK), chunk_of(arrays, start)
        designs = len(chunk.cycles_per_byte)
        place = slice(first + start, first + start + designs)
        layer_cycles(layers.shapes, tiles, common, chunk, cycles)
        by_bandwidth = np.argsort(chunk.cycles_per_byte)
        for s in range(len(fixed)):
            for field in range(FIELDS):
                sums[field] = fixed[s, field]
            add_cold(layers, s, common, chunk, cycles, sums)
            costs[0, :, s, place] = sums[:, :designs]
            cache_weights(layers, s, use, common, chunk, capacity[own], by_bandwidth, cycles, sums)
            costs[1, :, s, place] = sums[:, :designs]
