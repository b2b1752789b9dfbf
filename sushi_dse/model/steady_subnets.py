"""The kernel for the cost of each SubNet with its own SubGraph on chip, from its layers' cycles.

Layers are not sorted by value: only the layer at which the buffer is full is searched, from the one
of a similar design on.  Sums run over the layers in their running order, as in `layer`, so the
figures are the same bits.
"""

from typing import Any, NamedTuple

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.model.cost import FIELDS, Array, LayerCost, bytes_of, maps_of, moved_bytes
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
    for i in layers.shape_of[layers.starts[subnet] : layers.starts[subnet + 1]]:
        shape = in_registers(layers.shapes[i])
        maps = maps_of(shape, word)
        for d in range(len(per_byte)):
            sums[FIELD.compute_cycles, d] += cycles[COMPUTE, i, d]
            sums[FIELD.exposed_load_cycles, d] += cycles[EXPOSED, i, d]
        if moved_bytes(shape, maps, smallest_map) == (0.0, 0.0):  # on every design
            continue
        for d in range(len(per_byte)):
            sums[FIELD.output_stall_cycles, d] += cycles[COLD_STALL, i, d]
        for d in range(len(per_byte)):
            read_bytes, written_bytes = moved_bytes(shape, maps, resident[d])
            sums[FIELD.input_cycles, d] += read_bytes * per_byte[d]
            sums[FIELD.input_bytes, d] += read_bytes
            sums[FIELD.output_bytes, d] += written_bytes


@compiled
def saved_per_byte(shapes: np.ndarray, cycles: np.ndarray, saved: np.ndarray) -> None:
    """Write the cycles that a cached byte of each layer saves into saved: [shape, design]."""
    for i in range(len(shapes)):
        pairs = shapes[i].kernels * shapes[i].channels_per_group
        weight_bytes = bytes_of(pairs, shapes[i].pair_bits)
        for d in range(saved.shape[1]):
            stalls = cycles[EXPOSED, i, d] + cycles[COLD_STALL, i, d] - cycles[WARM_STALL, i, d]
            saved[i, d] = stalls / weight_bytes


class Weights(NamedTuple):
    """The weights of the layers of a SubNet, and what a cached byte of them saves."""

    saved: np.ndarray  # [shape, design] cycles
    shape_of: np.ndarray  # [layer]: number of the layer's shape
    key: np.ndarray  # [layer]: of layers of equal value that of the least key is kept first
    size: np.ndarray  # [layer] bytes, 0 where the weights are of the request


@kernel_part
def comes_before(value: float, key: int, other_value: float, other_key: int) -> bool:
    """Whether a layer is kept before another: by falling value, equal ones by rising key."""
    return value > other_value or (value == other_value and key < other_key)


@compiled
def bytes_before(weights: Weights, layer: int, first: int, end: int, before: np.ndarray) -> None:
    """Write the bytes of the layers that are kept before `layer` into before: [design].

    That is done for the designs from `first` on, up to `end`.
    """
    saved, shape, key = weights.saved, weights.shape_of[layer], weights.key[layer]
    before[first:end] = 0.0
    for i in range(len(weights.key)):
        own, own_key, size = weights.shape_of[i], weights.key[i], float(weights.size[i])
        for d in range(first, end):
            is_kept = comes_before(saved[own, d], own_key, saved[shape, d], key)
            before[d] += size if is_kept else 0.0


@compiled
def last_kept(
    weights: Weights, capacity: float, d: int, layer: int, before: float
) -> tuple[int, float]:
    """The layer at which the Persistent Buffer of design `d` is full, and the bytes before it.

    The layer is kept in part at most.  All layers together must exceed `capacity`.  The search goes
    from `layer` on, which has so many bytes `before` it, one step in the order by value at a time,
    as the layer of a similar design is near.
    """
    saved, shape_of, key, size = weights
    while not before <= capacity < before + size[layer]:
        earlier = before > capacity
        value, own_key = saved[shape_of[layer], d], key[layer]
        place = -1  # the next layer in the order by value, in the direction of the search
        for i in range(len(key)):
            if i == layer or earlier != comes_before(saved[shape_of[i], d], key[i], value, own_key):
                continue
            if place < 0 or earlier != comes_before(
                saved[shape_of[i], d], key[i], saved[shape_of[place], d], key[place]
            ):
                place = i
        before += -size[place] if earlier else size[layer]
        layer = place
    return layer, before


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
    saved: np.ndarray,
    guess: int,
    cycles: np.ndarray,
    sums: np.ndarray,
) -> int:
    """Change sums [field, design] to those of a SubNet whose own SubGraph is on chip.

    saved: as of `Weights`; guess: the layer at which many of the buffers are full.  The result is
    the guess for the next designs.
    """
    own = slice(layers.starts[subnet], layers.starts[subnet + 1])
    shape_of, key, channels = layers.shape_of[own], layers.supernet_layer[own], layers.channels[own]
    kernel_bits = layers.kernel_bits[own]
    weights = Weights(saved, shape_of, key, layers.weight_bytes[own])
    designs, all_bytes, before = len(capacity), weights.size.sum(), np.empty(len(capacity))
    bytes_before(weights, guess, 0, designs, before)
    last, last_value = np.full(designs, -1), np.full(designs, -np.inf)  # where all layers fit
    last_key, last_waits = np.zeros(designs, dtype=np.int64), np.empty((2, designs))
    full_at = guess
    for d in by_bandwidth:  # Designs of similar bandwidth have a similar order of layers.
        cached_bytes = float(all_bytes)
        if all_bytes > capacity[d]:
            if full_at != guess:
                bytes_before(weights, full_at, d, d + 1, before)
            full_at, cached_bytes = last_kept(weights, capacity[d], d, full_at, before[d])
            shape = shape_of[full_at]
            last[d], last_value[d], last_key[d] = full_at, saved[shape, d], key[full_at]
            left_bits = int((capacity[d] - cached_bytes) * BYTE_BITS)
            kernels = left_bits // kernel_bits[full_at]
            cost = layer_cost_of(
                layers.shapes[shape], array_at(common, arrays, d), kernels, channels[full_at]
            )
            last_waits[0, d], last_waits[1, d] = cost.exposed_load_cycles, cost.output_stall_cycles
            cached_bytes += kernels * kernel_bits[full_at] / BYTE_BITS
            sums[FIELD.weight_bytes, d] += cost.weight_bytes - use.loads[shape]
            sums[FIELD.dynamic_buffer_read_bytes, d] -= cost.persistent_buffer_read_bytes
            sums[FIELD.persistent_buffer_read_bytes, d] += cost.persistent_buffer_read_bytes
        sums[FIELD.cached_weight_bytes, d] += cached_bytes
        sums[FIELD.exposed_load_cycles, d] = sums[FIELD.output_stall_cycles, d] = 0.0
    kept = np.empty(designs, dtype=np.bool_)
    for i in range(len(key)):
        shape = shape_of[i]
        loads, reads, has_weights = use.loads[shape], use.reads[shape], weights.size[i] > 0
        for d in range(designs):
            is_before = comes_before(saved[shape, d], key[i], last_value[d], last_key[d])
            kept[d] = has_weights and is_before
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
    return full_at


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
    sums, saved = np.empty((FIELDS, CHUNK)), np.empty((len(layers.shapes), CHUNK))
    full_at = np.zeros(len(fixed), dtype=np.int64)  # at the designs before
    for start in range(0, len(capacity), CHUNK):
        own, chunk = slice(start, start + CHUNK), chunk_of(arrays, start)
        designs = len(chunk.cycles_per_byte)
        place = slice(first + start, first + start + designs)
        layer_cycles(layers.shapes, tiles, common, chunk, cycles)
        saved_per_byte(layers.shapes, cycles, saved)
        by_bandwidth = np.argsort(chunk.cycles_per_byte)
        for s in range(len(fixed)):
            for field in range(FIELDS):
                sums[field] = fixed[s, field]
            add_cold(layers, s, common, chunk, cycles, sums)
            costs[0, :, s, place] = sums[:, :designs]
            full_at[s] = cache_weights(
                layers, s, use, common, chunk, capacity[own], by_bandwidth, saved, full_at[s],
                cycles, sums,
            )  # fmt: skip
            costs[1, :, s, place] = sums[:, :designs]
