"""Prefetching: weights of a layer that load while the layers before it compute.

Only the timing differs: bytes, loads and the cycles of a tile are those of a layer alone.

A weight-stationary array prefetches into a Dynamic Buffer of more than two tiles.  A SubNet runs
its layers in order, and a layer its tiles: strips of the map outermost, kernel blocks next, channel
blocks within, the passes of a larger window innermost.  With D slots,

    loaded[t] = max(loaded[t - 1], computed[t - D]) + load[t]
    computed[t] = max(loaded[t], computed[t - 1]) + stream

where t - D and t - 1 of the first line count only tiles that load something: a tile that is wholly
in the Persistent Buffer takes no slot.  Assumptions, as nothing was measured:

* The loader knows the weights of a SubNet when its first layer starts, and not before: the launch
  of that layer and the reading of its input map hide no load.
* A later layer starts when the one before has ended.  Loads go on during its launch; they stop,
  in the middle of a tile too, while its input map is read from DRAM.
* An output map leaves for DRAM while its own layer computes, whenever the bus loads no weights of
  that layer, and before those of later layers.  The layer ends when it has computed and its map
  has left.  For a layer alone that is max(tiles, bus), as in its equations.
* A tile starts when its own weights are there, also in the first block of kernels of a layer.

The bus makes one transfer at a time, so no latency lies below bytes over bandwidth.  Transfers that
a tile waits for go ahead of those that it does not wait for, so another slot never delays a tile.

An output-stationary array prefetches into a buffer of its own.  Bytes flow into it, in the order of
the layers, whenever the bus has nothing to do for the layer that runs; what of a layer has arrived
when it starts, it does not wait for (assumptions).
"""

from typing import NamedTuple

import numpy as np

from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.model.cost import Array, LayerCost, bytes_of, cached_part, output_stall
from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.kernels import layer_costs
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import Network
from sushi_dse.model.output_stationary import layer_wait
from sushi_dse.model.tile_runs import WALKED, tile_count, write_runs
from sushi_dse.model.tile_times import run_tiles


class LayerCycles(NamedTuple):
    """Cycles of each layer that the depth of the Dynamic Buffer does not change: [layer]."""

    compute: np.ndarray
    read_input: np.ndarray
    write_output: np.ndarray


@compiled
def output_stationary_waits(
    shapes: np.ndarray,
    supernet_layer: np.ndarray,
    starts: np.ndarray,
    array: Array,
    cycles: LayerCycles,
    launch_cycles: float,
    prefetch_bytes: float,
    kernels: np.ndarray,
    channels: np.ndarray,
) -> np.ndarray:
    """Cycles as of `layer_waits`, with a buffer of `prefetch_bytes` for layers to come.

    A layer of which two SubGraphs keep the same, and of which as much has arrived, is worked out
    once: that is looked up at the last SubGraph that keeps nothing of it, or the last other one.
    """
    compute, _, write_output = cycles
    waits = np.empty((2, len(shapes), len(kernels)))
    ahead = np.empty((2, len(kernels)))  # bytes that have arrived, before and after a layer
    parts = np.empty((len(kernels), 2), dtype=np.int64)
    last = np.empty(2, dtype=np.int64)
    for i in range(len(shapes)):
        shape, layer = shapes[i], supernet_layer[i]
        is_first = (starts == i).any()
        last[:] = -1
        for g in range(len(kernels)):
            part = cached_part(shape, kernels[g, layer], channels[g, layer])
            if is_first:
                ahead[0, g] = 0.0
            else:
                launched = launch_cycles / array.cycles_per_byte
                ahead[0, g] = min(ahead[1, g] + launched, prefetch_bytes)
            parts[g, 0], parts[g, 1] = part
            kind = min(part[0], 1)
            same = last[kind]
            if (
                same >= 0
                and ahead[0, same] == ahead[0, g]
                and parts[same, 0] == part[0]
                and parts[same, 1] == part[1]
            ):
                waits[0, i, g], waits[1, i, g] = waits[0, i, same], waits[1, i, same]
                ahead[1, g] = ahead[1, same]
                continue
            missing = shape.kernels * shape.channels_per_group - part[0] * part[1]
            arrived = min(ahead[0, g], bytes_of(missing, shape.pair_bits))
            wait, loaded = layer_wait(shape, array, part[0], part[1], arrived)
            wait *= array.port_cycle
            fetched, busy = loaded - arrived, compute[i] + wait
            output_bytes = write_output[i] / array.cycles_per_byte
            stall = output_stall(fetched, output_bytes, array.cycles_per_byte, busy)
            waits[0, i, g], waits[1, i, g] = wait, stall
            idle = busy + stall - (fetched + output_bytes) * array.cycles_per_byte
            gained = max(idle, 0.0) / array.cycles_per_byte - arrived
            ahead[1, g] = min(ahead[0, g] + gained, prefetch_bytes)
            last[kind] = g
    return waits


@kernel_part
def kept_parts(
    shapes: np.ndarray,
    supernet_layer: np.ndarray,
    first: int,
    end: int,
    kernels: np.ndarray,
    channels: np.ndarray,
) -> np.ndarray:
    """What each SubGraph keeps of a SubNet's layers: [subgraph, layer, kernels and channels]."""
    kept = np.empty((len(kernels), end - first, 2), dtype=np.int64)
    for g in range(len(kernels)):
        for i in range(first, end):
            layer = supernet_layer[i]
            part = cached_part(shapes[i], kernels[g, layer], channels[g, layer])
            kept[g, i - first, 0], kept[g, i - first, 1] = part
    return kept


@kernel_part
def equal_layers(kept: np.ndarray, one: int, other: int) -> int:
    """The number of layers, from the first one on, of which two SubGraphs keep the same."""
    layer, layers = 0, kept.shape[1]
    while (
        layer < layers
        and kept[one, layer, 0] == kept[other, layer, 0]
        and kept[one, layer, 1] == kept[other, layer, 1]
    ):
        layer += 1
    return layer


@kernel_part
def in_walking_order(kept: np.ndarray) -> np.ndarray:
    """The numbers of the SubGraphs; those that keep the same of the first layers are neighbours.

    kept: of `kept_parts`.
    """
    order = np.arange(len(kept))
    for g in range(len(kept)):
        place = g
        while place > 0:
            other = order[place - 1]
            layer = equal_layers(kept, g, other)
            if layer == kept.shape[1]:
                break
            own, others = kept[g, layer, 0], kept[other, layer, 0]
            if own > others or (own == others and kept[g, layer, 1] > kept[other, layer, 1]):
                break
            order[place] = other
            place -= 1
        order[place] = g
    return order


@compiled
def layer_waits(
    shapes: np.ndarray,
    supernet_layer: np.ndarray,
    starts: np.ndarray,
    array: Array,
    cycles: LayerCycles,
    launch_cycles: float,
    depth: int,
    kernels: np.ndarray,
    channels: np.ndarray,
) -> np.ndarray:
    """Cycles that a layer waits for weights and for its output map: [cause, layer, subgraph].

    The first three arguments are arrays of a `Network`; kernels, channels: [subgraph,
    supernet_layer].  A SubGraph that keeps of the first layers what the one before keeps goes on
    from where that one was after them: later layers wrote nothing that it reads.
    """
    compute, read_input, write_output = cycles
    waits = np.empty((2, len(shapes), len(kernels)))
    tiles = np.array([tile_count(shapes[i], array) for i in range(len(shapes))])
    depth = min(depth, tiles.sum())
    freed = np.zeros(depth + tiles.sum())  # The first `depth` slots are free from the start.
    for s in range(len(starts) - 1):
        first, end = starts[s], starts[s + 1]
        walk = np.zeros(end - first + 1, dtype=WALKED)
        for own in range(end - first):
            walk[own].kernels = -1  # Its runs are not known.
            walk[own + 1].first_run = walk[own].first_run + tiles[first + own]
        lengths = np.empty(walk[end - first].first_run, dtype=np.int64)
        loads, pauses = np.empty(len(lengths)), np.full((len(walk), 2), np.inf)
        kept = kept_parts(shapes, supernet_layer, first, end, kernels, channels)
        before = -1
        for g in in_walking_order(kept):
            same = equal_layers(kept, g, before) if before >= 0 else 0
            for i in range(first, first + same):
                waits[0, i, g], waits[1, i, g] = waits[0, i, before], waits[1, i, before]
            before = g
            pauses[same:] = np.inf
            for own in range(same, end - first):
                i, layer, after = first + own, walk[own], walk[own + 1]
                if layer.kernels != kept[g, own, 0] or layer.channels != kept[g, own, 1]:
                    layer.kernels, layer.channels = kept[g, own, 0], kept[g, own, 1]
                    write_runs(shapes[i], array, layer, lengths, loads)
                pauses[own, 0] = layer.ended + launch_cycles
                ready = pauses[own, 1] = layer.ended + launch_cycles + read_input[i]
                if own == 0:
                    layer.bus = ready
                computed, bus, late, after.load, after.pause = run_tiles(
                    layer, lengths, loads, compute[i] / tiles[i], ready,
                    freed, depth, pauses, write_output[i] > 0,
                )  # fmt: skip
                if after.pause > own:
                    spare = bus - ready - late
                    bus += max(write_output[i] - spare, 0.0)
                    after.ended = max(computed, bus)
                else:  # All weights were loaded before the layer, so its map leaves first.
                    pauses[own, 1] += write_output[i]
                    after.ended = max(computed, pauses[own, 1])
                after.bus = bus
                waits[0, i, g] = max(computed - ready - compute[i], 0.0)
                waits[1, i, g] = after.ended - computed
    return waits


def prefetch_waits(
    network: Network, accelerator: Accelerator, kernels: np.ndarray, channels: np.ndarray
) -> np.ndarray:
    """Cycles that each layer waits for weights and for its output map: [cause, layer, subgraph].

    kernels, channels: [subgraph, supernet_layer], the rectangles in the Persistent Buffer.
    """
    array = array_of(accelerator)
    cold = LayerCost(*layer_costs(network.shapes, array, False))
    cycles = LayerCycles(
        compute=np.asarray(cold.compute_cycles),
        read_input=np.asarray(cold.input_cycles),
        write_output=np.asarray(cold.output_bytes) * array.cycles_per_byte,
    )
    layers = network.shapes, network.supernet_layer, network.starts
    launch_cycles = accelerator.launch_us * accelerator.clock_mhz
    if array.is_output_stationary:
        room = accelerator.prefetch_buffer_kib * KIB
        waits = output_stationary_waits(
            *layers, array, cycles, launch_cycles, room, kernels, channels
        )
    else:
        tiles = accelerator.dynamic_buffer_tiles
        waits = layer_waits(*layers, array, cycles, launch_cycles, tiles, kernels, channels)
    return np.asarray(waits)


def prefetched(
    cost: LayerCost,
    network: Network,
    accelerator: Accelerator,
    kernels: np.ndarray,
    channels: np.ndarray,
) -> LayerCost:
    """The cost of each SubNet under each SubGraph, with the waits that prefetching leaves.

    cost: that of layers alone; each field is [subnet, subgraph].
    """
    waits = prefetch_waits(network, accelerator, kernels, channels)
    loads, outputs = np.add.reduceat(waits, network.starts[:-1], axis=1)
    return cost._replace(exposed_load_cycles=loads, output_stall_cycles=outputs)
