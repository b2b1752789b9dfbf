"""Waits against the recurrence tile by tile, and its short cuts, bit for bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.cost import cached_part
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import Network
from sushi_dse.model.prefetch import LayerCycles, prefetch_waits
from sushi_dse.model.tile_runs import WALKED, tile_count, write_runs
from sushi_dse.model.tile_times import add_steps, after_pauses, run_tiles
from sushi_dse.workload.layers import Layer, around
from tests.model.test_prefetch import fixed_cycles, network_of
from tests.strategies import zcu104

ODD = 2**53 - 1  # the greatest odd float: from the next power of two on, odd steps end between two


@given(
    st.floats(0.0, 1e6) | st.integers(ODD - 300, ODD + 300).map(float),
    st.floats(1e-3, 1e6) | st.integers(1, 99).map(float),
    st.integers(0, 400),
    st.integers(0, 60),
)
def test_steps_end_where_adding_them_one_by_one_does(
    time: float, step: float, steps: int, kept: int
) -> None:
    sums = [time]
    for _ in range(steps):
        sums.append(sums[-1] + step)
    times = np.full(steps + 3, -1.0)
    kept = min(kept, steps)
    assert add_steps(time, step, steps, times, steps, kept) == sums[-1]
    assert times.tolist() == [-1.0] * (steps - kept) + sums[steps + 1 - kept :] + [-1.0] * 3


def plain_run_tiles(
    runs: Sequence[tuple[int, float]],
    stream: float,
    ready: float,
    freed: list[float],
    bus: float,
    pauses: np.ndarray,
    pause: int,
) -> tuple[float, float, float, int]:
    """The recurrence tile by tile; freed: a slot for each load, `depth` ahead, and appended to.

    It returns the times of array and bus, the cycles of loading, and the number of the next pause.
    """
    computed, late, load = ready, 0.0, 0
    for tiles, cycles in runs:
        if cycles == 0:
            computed += tiles * stream
            continue
        for tile in range(tiles):
            passed = pause
            bus, pause = after_pauses(max(bus, freed[load]), cycles, pauses, pause)
            if pause > passed:
                late = min(cycles, bus - ready) - (tile + 1) * cycles
            computed = max(computed, bus) + stream
            freed.append(computed)
            load += 1
        late += tiles * cycles
    return computed, bus, late, pause


def leaves(bus: float, late: float, ready: float, pause: int, writes: float) -> float:
    """The time at which an output map of so many cycles has left, if a load passed the pause."""
    return bus + max(writes - (bus - ready - late), 0.0) if pause else 0.0


@settings(max_examples=300)
@given(st.data())
def test_a_layer_runs_as_tile_by_tile_bit_for_bit(drawn: st.DataObject) -> None:
    draw = drawn.draw
    # Where floats are two apart, or one, each sum is rounded: odd cycles end between two floats.
    base = draw(st.sampled_from([0.0, 1000.0, ODD - 5000.0, ODD - 500.0, ODD + 1.0]))
    cycles = st.sampled_from([1.0, 3.0, 5.0, 17.0]) | st.floats(0.5, 40.0)
    run = st.tuples(st.integers(1, 5), cycles | (st.just(0.0) if draw(st.booleans()) else cycles))
    row, rows = draw(st.lists(run, min_size=1, max_size=3)), draw(st.integers(1, 25))
    before, after = (draw(st.lists(run, max_size=2)) for _ in range(2))
    runs = before + row * rows + after
    depth, stream, writes = (
        draw(st.integers(2, 30)),
        draw(cycles),
        draw(st.sampled_from([0.0, 9.0])),
    )
    steps = draw(cycles) * draw(st.sampled_from([1.0, 4.0]))
    free = [base + slot * steps + draw(st.sampled_from([0.0, 0.0, 0.5])) for slot in range(depth)]
    launch = free[-1] + 0.5 + draw(st.sampled_from([0.0, 9.0, 300.0]))
    ready = launch + draw(st.sampled_from([0.0, 30.0]))
    bus = draw(st.sampled_from([base, free[-1], launch]))
    pauses = np.array([[launch, ready], [np.inf, np.inf]])
    layer = np.zeros(1, dtype=WALKED)[0]
    layer.bus, layer.end_run = bus, len(runs)
    layer.tail = max([0, *(i + 1 for i, (_, load) in enumerate(runs) if load == 0)])
    layer.loading_tiles = loading = sum(tiles for tiles, load in runs if load > 0)
    layer.longest_load = max(load for _, load in runs)
    layer.rows, layer.first_row, layer.row_runs = rows, len(before), len(row)
    lengths, loads = np.array([tiles for tiles, _ in runs]), np.array([load for _, load in runs])
    freed = np.concatenate([free, np.full(loading, np.nan)])
    computed, bus_end, late, load, pause = run_tiles(
        layer, lengths, loads, stream, ready, freed, depth, pauses, writes > 0
    )
    found = plain_run_tiles(runs, stream, ready, free, bus, pauses, 0)
    assert (computed, bus_end, load, pause) == (found[0], found[1], loading, found[3])
    assert freed[loading:].tolist() == free[loading:]
    assert leaves(bus_end, late, ready, pause, writes) == leaves(
        bus_end, found[2], ready, pause, writes
    )


@st.composite
def networks_of_many_tiles(draw: st.DrawFn) -> Network:
    """Three layers with up to a thousand tiles; their maps are small, or large."""
    sequence = []
    for _ in range(3):
        kernel_size, size = draw(st.sampled_from([1, 3])), draw(st.sampled_from([1, 2, 3, 7, 20]))
        sequence.append(
            Layer(
                name="",
                supernet_layer=0,
                kernels=draw(st.sampled_from([1, 6, 30, 50, 70])),
                channels=draw(st.sampled_from([1, 2, 3, 10, 32, 45])),
                kernel_height=kernel_size,
                kernel_width=kernel_size,
                height=size,
                width=size,
                padding=around(kernel_size // 2),
            )
        )
    return network_of(*sequence)


@st.composite
def small_arrays(draw: st.DrawFn) -> Accelerator:
    """Designs on which layers of those networks have many tiles, and wait for either side."""
    return zcu104(
        pe_kernels=draw(st.sampled_from([1, 4])),
        pe_channels=draw(st.sampled_from([1, 2, 4])),
        clock_mhz=1.0,
        port_bytes_per_cycle=100.0,
        dram_gb_per_s=draw(st.sampled_from([3e-4, 1e-3, 3e-3, 7e-3])),
        dram_efficiency=1.0,
        dynamic_buffer_tiles=draw(st.sampled_from([3, 5, 8, 64])),
        streaming_buffer_kib=draw(st.sampled_from([0.0, 1.0])),
        output_buffer_kib=draw(st.sampled_from([0.02, 1.0])),
        launch_us=draw(st.sampled_from([0.0, 1.0, 8.3, 67.139])),
        fill_cycles=draw(st.sampled_from([0.0, 5.88107])),
        drain_cycles=draw(st.sampled_from([0.0, 42.1491])),
    )


def runs_of(shape: Any, design: Accelerator, part: tuple[int, int]) -> list[tuple[int, float]]:
    """The tiles and the load of each run of a layer."""
    array = array_of(design)
    layer = np.zeros(1, dtype=WALKED)[0]
    layer.kernels, layer.channels = part
    lengths = np.empty(tile_count(shape, array), dtype=np.int64)
    loads = np.empty(len(lengths))
    write_runs(shape, array, layer, lengths, loads)
    end = layer.end_run
    return list(zip(lengths[:end].tolist(), loads[:end].tolist(), strict=True))


def plain_waits(
    network: Network, design: Accelerator, kernels: np.ndarray, channels: np.ndarray
) -> np.ndarray:
    """The waits of the layers of the one SubNet under one SubGraph: [cause, layer]."""
    array, depth = array_of(design), design.dynamic_buffer_tiles
    cycles: LayerCycles = fixed_cycles(network, array)
    waits = np.empty((2, len(network.shapes)))
    freed, pauses = [0.0] * depth, np.full((len(network.shapes) + 1, 2), np.inf)
    ended = bus = 0.0
    pause = 0
    for i, shape in enumerate(network.shapes.view(np.recarray)):
        stream = cycles.compute[i] / tile_count(shape, array)
        pauses[i, 0] = ended + design.launch_us * design.clock_mhz
        ready = pauses[i, 1] = pauses[i, 0] + cycles.read_input[i]
        bus = ready if i == 0 else bus
        runs = runs_of(shape, design, cached_part(shape, kernels[i], channels[i]))
        computed, bus, late, pause = plain_run_tiles(runs, stream, ready, freed, bus, pauses, pause)
        del freed[:-depth]
        if pause > i:
            bus += max(cycles.write_output[i] - (bus - ready - late), 0.0)
            ended = max(computed, bus)
        else:
            pauses[i, 1] += cycles.write_output[i]
            ended = max(computed, pauses[i, 1])
        waits[:, i] = max(computed - ready - cycles.compute[i], 0.0), ended - computed
    return waits


sizes = st.sampled_from([0, 1, 5, 20, 1000])


@given(
    networks_of_many_tiles(),
    small_arrays(),
    st.lists(st.lists(sizes, min_size=6, max_size=6), min_size=1, max_size=4),
)
def test_waits_are_those_of_each_subgraph_tile_by_tile_bit_for_bit(
    network: Network, design: Accelerator, rectangles: list[list[int]]
) -> None:
    drawn = np.array(rectangles)
    kernels = np.vstack([drawn[:, :3], drawn[:1, :3]])  # The first SubGraph comes twice,
    channels = np.vstack([drawn[:, 3:], drawn[:1, 3:]])
    kernels[-1, -1] = 0  # and then without its last layer.
    waits = prefetch_waits(network, design, kernels, channels)
    for g in range(len(kernels)):
        assert np.array_equal(waits[:, :, g], plain_waits(network, design, kernels[g], channels[g]))
