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
from sushi_dse.model.cost import Array, LayerCost, cached_part, output_stall
from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.kernels import layer_costs
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import LayerShape, Network
from sushi_dse.model.output_stationary import layer_wait
from sushi_dse.model.weight_stationary import (
    BLOCK_KINDS,
    blocks,
    blocks_of,
    channel_passes,
    strips_of,
)


class LayerCycles(NamedTuple):
    """Cycles of each layer that the depth of the Dynamic Buffer does not change: [layer]."""

    compute: np.ndarray
    read_input: np.ndarray
    write_output: np.ndarray


@kernel_part
def tile_count(shape: LayerShape, array: Array) -> int:
    """The number of tiles of a layer, in all strips of its map."""
    kernels, channels = blocks(shape, array)
    strips = strips_of(shape, kernels, channels, array.output_buffer_bytes)
    tiles = -(-shape.kernels // kernels) * channel_passes(shape, channels)
    return int(strips[0] * strips[1] * tiles)


@kernel_part
def tile_runs(
    shape: LayerShape,
    array: Array,
    cached_kernels: int,
    cached_channels: int,
    lengths: np.ndarray,
    loads: np.ndarray,
) -> int:
    """The number of runs of successive tiles with equal loads that a layer has.

    It writes for each run the number of tiles into lengths, and the cycles to load one into loads.
    """
    kernel_block, channel_block = blocks(shape, array)
    kernels, channels = cached_part(shape, cached_kernels, cached_channels)
    cycles_per_pair = shape.taps / shape.passes * array.cycles_per_byte
    runs = 0
    for i in range(BLOCK_KINDS):
        rows, row_length, row_cached = blocks_of(i, shape.kernels, kernel_block, kernels)
        if rows == 0:
            continue
        row = runs
        for j in range(BLOCK_KINDS):
            columns, length, column_cached = blocks_of(
                j, shape.channels_per_group, channel_block, channels
            )
            if columns > 0:
                lengths[runs] = columns * shape.passes
                loads[runs] = (row_length * length - row_cached * column_cached) * cycles_per_pair
                runs += 1
        period = runs - row
        runs = row + rows * period
        for run in range(row + period, runs):
            lengths[run], loads[run] = lengths[run - period], loads[run - period]
    strips = strips_of(shape, kernel_block, channel_block, array.output_buffer_bytes)
    period = runs
    runs *= strips[0] * strips[1]
    for run in range(period, runs):
        lengths[run], loads[run] = lengths[run - period], loads[run - period]
    return runs


@kernel_part
def after_pauses(start: float, load: float, pauses: np.ndarray, pause: int) -> tuple[float, int]:
    """The time at which a load from `start` on ends, and the number of the next pause then.

    pauses: [pause, start and end] of the loads on the bus, disjoint and in order.
    """
    while start + load > pauses[pause, 0]:
        load = min(load, start + load - pauses[pause, 0])
        start = max(start, pauses[pause, 1])
        pause += 1
    return start + load, pause


@kernel_part
def run_tiles(
    lengths: np.ndarray,
    loads: np.ndarray,
    stream: float,
    ready: float,
    freed: np.ndarray,
    depth: int,
    load: int,
    bus: float,
    pauses: np.ndarray,
    pause: int,
) -> tuple[float, float, float, int, int]:
    """The timing of the tiles of a layer that is ready at `ready`, with the bus free at `bus`.

    load: number of the next load; freed: [load], time at which the slot of a load is free, written
    `depth` loads ahead.  It returns the times at which the tiles are computed and loaded, the
    cycles of loading after `ready` (valid only if a load passed the layer's own pause), and the
    numbers of the next load and of the next pause.
    """
    computed, late, pause_start = ready, 0.0, pauses[pause, 0]
    for run in range(len(lengths)):
        cycles, tiles = loads[run], lengths[run]
        if cycles == 0:
            computed += tiles * stream
            continue
        for tile in range(load, load + tiles):
            start = max(bus, freed[tile])
            bus = start + cycles
            if bus > pause_start:
                bus, pause = after_pauses(start, cycles, pauses, pause)
                pause_start = pauses[pause, 0]
                late = min(cycles, bus - ready) - (tile + 1 - load) * cycles
            computed = max(computed, bus) + stream
            freed[tile + depth] = computed
        late += tiles * cycles
        load += tiles
    return computed, bus, late, load, pause


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
    """Cycles as of `layer_waits`, with a buffer of `prefetch_bytes` for layers to come."""
    waits = np.empty((2, len(shapes), len(kernels)))
    for s in range(len(starts) - 1):
        for g in range(len(kernels)):
            ahead = 0.0  # bytes of layers to come that have arrived
            for i in range(starts[s], starts[s + 1]):
                shape, layer = shapes[i], supernet_layer[i]
                part = cached_part(shape, kernels[g, layer], channels[g, layer])
                missing = shape.kernels * shape.channels_per_group - part[0] * part[1]
                if i > starts[s]:
                    ahead = min(ahead + launch_cycles / array.cycles_per_byte, prefetch_bytes)
                arrived = min(ahead, float(missing * shape.taps))
                wait, loaded = layer_wait(shape, array, part[0], part[1], arrived)
                wait *= array.port_cycle
                fetched, busy = loaded - arrived, cycles.compute[i] + wait
                output_bytes = cycles.write_output[i] / array.cycles_per_byte
                stall = output_stall(fetched, output_bytes, array.cycles_per_byte, busy)
                waits[0, i, g], waits[1, i, g] = wait, stall
                idle = busy + stall - (fetched + output_bytes) * array.cycles_per_byte
                ahead += max(idle, 0.0) / array.cycles_per_byte - arrived
                ahead = min(ahead, prefetch_bytes)
    return waits


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
    supernet_layer].  Time advances tile by tile, as a run of equal tiles, which is a row of channel
    blocks, is too short for a jump over it to pay.
    """
    waits = np.empty((2, len(shapes), len(kernels)))
    tiles = np.array([tile_count(shapes[i], array) for i in range(len(shapes))])
    depth = min(depth, tiles.sum())
    lengths, loads = np.empty(tiles.max(), dtype=np.int64), np.empty(tiles.max())
    freed = np.zeros(depth + tiles.sum())  # The first `depth` slots are free from the start.
    for s in range(len(starts) - 1):
        for g in range(len(kernels)):
            pauses = np.full((starts[s + 1] - starts[s] + 1, 2), np.inf)
            ended, bus, load, pause = 0.0, 0.0, 0, 0
            for i in range(starts[s], starts[s + 1]):
                layer, own = supernet_layer[i], i - starts[s]
                runs = tile_runs(
                    shapes[i], array, kernels[g, layer], channels[g, layer], lengths, loads
                )
                pauses[own, 0] = ended + launch_cycles
                ready = pauses[own, 1] = ended + launch_cycles + cycles.read_input[i]
                if own == 0:
                    bus = ready
                computed, bus, late, load, pause = run_tiles(
                    lengths[:runs], loads[:runs], cycles.compute[i] / tiles[i], ready,
                    freed, depth, load, bus, pauses, pause,
                )  # fmt: skip
                if pause > own:
                    spare = bus - ready - late
                    bus += max(cycles.write_output[i] - spare, 0.0)
                    ended = max(computed, bus)
                else:  # All weights were loaded before the layer, so its map leaves first.
                    pauses[own, 1] += cycles.write_output[i]
                    ended = max(computed, pauses[own, 1])
                waits[0, i, g] = max(computed - ready - cycles.compute[i], 0.0)
                waits[1, i, g] = ended - computed
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
