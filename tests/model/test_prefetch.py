from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.model.candidate import NOTHING, own_by_value
from sushi_dse.model.cost import Array, LayerCost
from sushi_dse.model.energy import power
from sushi_dse.model.kernels import layer_costs, subnet_costs
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.layer import array_of, layer_cost
from sushi_dse.model.network import NEVER_HELD, Network
from sushi_dse.model.prefetch import (
    LayerCycles,
    layer_waits,
    output_stationary_waits,
    prefetch_waits,
    prefetched,
)
from sushi_dse.model.subgraphs import SubGraphs, candidates, no_subgraph
from sushi_dse.workload.layers import Layer, PlainLayer, SuperNet, around
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.strategies import layers, output_stationary, supernets, weight_stationary, zcu104
from tests.tables import cell

SOME = own_by_value("some")
ROUNDING = 1 + 1e-9
ENDLESS = 10**9
depths = st.integers(2, 12) | st.sampled_from([30, ENDLESS])


@st.composite
def rectangles(draw: st.DrawFn, network: Network) -> SubGraphs:
    """Nothing, and a SubGraph of any rectangles, larger than the layers too."""
    layers_of_both = len(network.pair_bits)
    drawn = draw(st.binary(min_size=2 * layers_of_both, max_size=2 * layers_of_both))
    sizes = np.zeros((2, 2 * layers_of_both), dtype=np.int64)
    sizes[1] = np.frombuffer(drawn, np.uint8) % 30
    return SubGraphs(
        candidates=(NOTHING, SOME),
        kernels=sizes[:, :layers_of_both].copy(),
        channels=sizes[:, layers_of_both:].copy(),
    )


def closed_form(network: Network, accelerator: Accelerator, subgraphs: SubGraphs) -> LayerCost:
    """What each SubNet costs under each SubGraph with two tiles."""
    return LayerCost(
        *subnet_costs(
            network.shapes,
            network.supernet_layer,
            network.starts,
            array_of(accelerator),
            subgraphs.kernels,
            subgraphs.channels,
        )
    )


def recurrence(
    network: Network, accelerator: Accelerator, subgraphs: SubGraphs, depth: int
) -> LayerCost:
    """What each SubNet costs under each SubGraph with a buffer of `depth` tiles."""
    return prefetched(
        closed_form(network, accelerator, subgraphs),
        network,
        replace(accelerator, dynamic_buffer_tiles=depth),
        subgraphs.kernels,
        subgraphs.channels,
    )


def network_of(*sequence: Layer) -> Network:
    """A network of one SubNet."""
    shared = ("kernels", "channels", "kernel_height", "kernel_width", "height", "width",
              "stride", "padding", "groups", "fully_connected", "weight_bits")  # fmt: skip
    plain = [
        PlainLayer(name=f"layer{i}", **{name: getattr(layer, name) for name in shared})
        for i, layer in enumerate(sequence)
    ]
    only = PlainSubNet(name="A", accuracy_percent=70.0, layers=tuple(plain))
    return Network.of(plain_supernet("plain", [only], accuracy_of="top-1"))


def tile_loads(layer: Layer, accelerator: Accelerator, kernels: int, channels: int) -> list[float]:
    """Cycles to load each tile, counted weight by weight; for one group, and depthwise layers."""
    depthwise = layer.groups > 1
    tile_kernels, tile_channels = accelerator.pe_kernels, accelerator.pe_channels
    if depthwise:
        tile_kernels = min(tile_kernels, tile_channels)
    if (layer.kernel_height, layer.kernel_width) == (1, 1):
        tile_channels *= 9
    passes = -(-layer.kernel_height // 3) * -(-layer.kernel_width // 3)
    taps = layer.kernel_height * layer.kernel_width
    loads = []
    for first_kernel in range(0, layer.kernels, tile_kernels):
        for first_channel in range(0, layer.channels_per_group, tile_channels):
            pairs = sum(
                kernel >= kernels or channel >= channels
                for kernel in range(first_kernel, min(first_kernel + tile_kernels, layer.kernels))
                for channel in range(
                    first_channel, min(first_channel + tile_channels, layer.channels_per_group)
                )
            )
            load_bytes = pairs * taps * layer.weight_bits / 8 / passes
            loads += [load_bytes / accelerator.bytes_per_cycle] * passes
    return loads


@dataclass(kw_only=True)
class Job:
    """A layer as the hardware sees it, in whole cycles; a tile that is cached loads for none."""

    launch: int
    read_input: int
    write_output: int
    stream: int
    loads: list[int]


def simulated(jobs: Sequence[Job], depth: int) -> int:
    """The cycles of a SubNet, one after the other: in each, one thing on the bus, one on the array.

    Written from the documentation.
    """
    queue = [(layer, load) for layer, job in enumerate(jobs) for load in job.loads if load]
    now, loaded, on_bus, slots = 0, 0, 0, depth  # on_bus: cycles spent on the load that has begun
    computed_loads = 0
    for layer, job in enumerate(jobs):
        launch, reading, writing = job.launch, job.read_input, job.write_output
        tiles, computing = list(job.loads), 0
        while launch or reading or writing or tiles:
            waiting = not launch and not reading and not computing and bool(tiles)
            if waiting and (not tiles[0] or computed_loads < loaded):
                computing = job.stream
            may_load = loaded < len(queue) and (on_bus > 0 or slots > 0)
            for_this_layer = may_load and queue[loaded][0] == layer
            loads_now = False
            if launch:
                launch -= 1
                loads_now = may_load and layer > 0
            elif reading:
                reading -= 1
            elif writing and not for_this_layer:
                writing -= 1
            else:
                loads_now = may_load
            if loads_now:
                slots -= on_bus == 0
                on_bus += 1
                if on_bus == queue[loaded][1]:
                    loaded, on_bus = loaded + 1, 0
            if computing:
                computing -= 1
                if not computing and tiles.pop(0):
                    slots += 1
                    computed_loads += 1
            now += 1
    return now


@st.composite
def whole_cycle_networks(draw: st.DrawFn) -> Network:
    """Up to four layers whose tiles load and compute in whole cycles at four cycles a byte."""
    sequence = []
    for _ in range(draw(st.integers(1, 4))):
        size, kernel_size = draw(st.integers(1, 5)), draw(st.sampled_from([1, 3, 5]))
        depthwise, channels = draw(st.booleans()), draw(st.integers(1, 6))
        conv = Layer(
            name="",
            supernet_layer=0,
            kernels=channels if depthwise else draw(st.integers(1, 8)),
            channels=channels,
            groups=channels if depthwise else 1,
            kernel_height=kernel_size,
            kernel_width=kernel_size,
            height=size,
            width=size,
            padding=around(kernel_size // 2),
        )
        sequence.append(conv)
    return network_of(*sequence)


@st.composite
def whole_cycle_accelerators(draw: st.DrawFn) -> Accelerator:
    """Small arrays at a quarter of a byte a cycle; some maps stay on chip, some do not."""
    return zcu104(
        pe_kernels=draw(st.integers(1, 4)),
        pe_channels=draw(st.integers(1, 3)),
        clock_mhz=1.0,
        dram_gb_per_s=0.25e-3,
        dram_efficiency=1.0,
        streaming_buffer_kib=draw(st.sampled_from([0.0, 0.05, 1.0])),
        output_buffer_kib=1.0,
        layer_by_layer=draw(st.booleans()),
        launch_us=float(draw(st.sampled_from([0, 1, 40, 300]))),
        fill_cycles=float(draw(st.sampled_from([0, 1, 20, 200]))),
        drain_cycles=float(draw(st.sampled_from([0, 3, 30]))),
    )


def whole(cycles: float) -> int:
    assert cycles == int(cycles)
    return int(cycles)


def jobs_of(network: Network, accelerator: Accelerator, subgraphs: SubGraphs) -> list[Job]:
    """The layers of the one SubNet of `network`, with the last of `subgraphs` cached."""
    cold = LayerCost(*layer_costs(network.shapes, array_of(accelerator), False))
    jobs = []
    for i, layer in enumerate(network.supernet.subnets[0].layers):
        loads = tile_loads(
            layer,
            accelerator,
            int(subgraphs.kernels[-1, layer.supernet_layer]),
            int(subgraphs.channels[-1, layer.supernet_layer]),
        )
        jobs.append(
            Job(
                launch=whole(accelerator.launch_us * accelerator.clock_mhz),
                read_input=whole(cell(cold.input_cycles, i)),
                write_output=whole(cell(cold.output_bytes, i) / accelerator.bytes_per_cycle),
                stream=whole(cell(cold.compute_cycles, i) / len(loads)),
                loads=[whole(load) for load in loads],
            )
        )
    return jobs


@given(whole_cycle_networks(), whole_cycle_accelerators(), depths, st.data())
def test_a_subnet_takes_the_cycles_that_a_simulation_counts_one_by_one(
    network: Network, accelerator: Accelerator, depth: int, drawn: st.DataObject
) -> None:
    subgraphs = drawn.draw(rectangles(network))
    jobs = jobs_of(network, accelerator, subgraphs)
    expected = simulated(jobs, depth)
    cycles = cell(recurrence(network, accelerator, subgraphs, depth).cycles, 0, 1)
    assert cycles + sum(job.launch for job in jobs) == pytest.approx(expected, rel=1e-12)


@given(layers(), weight_stationary(), st.integers(0, 40), st.integers(0, 40), depths)
def test_a_layer_alone_never_costs_more_than_the_closed_form_says(
    layer: Layer, accelerator: Accelerator, kernels: int, channels: int, depth: int
) -> None:
    network = network_of(layer)
    both = SubGraphs(
        candidates=(NOTHING, SOME),
        kernels=np.array([[0], [kernels]]),
        channels=np.array([[0], [channels]]),
    )
    closed = closed_form(network, accelerator, both)
    double = recurrence(network, accelerator, both, 2)
    deeper = recurrence(network, accelerator, both, depth)
    # Tiles of the first kernels do not wait for each other's loads, and one that is wholly cached
    # takes no slot.
    assert np.all(double.cycles <= closed.cycles * ROUNDING)
    assert np.all(deeper.cycles <= double.cycles * ROUNDING)


@given(supernets(), weight_stationary(), st.data())
def test_a_deeper_buffer_is_never_slower(
    supernet: SuperNet, accelerator: Accelerator, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    subgraphs = drawn.draw(rectangles(network))
    cycles = [closed_form(network, accelerator, subgraphs).cycles] + [
        recurrence(network, accelerator, subgraphs, depth).cycles
        for depth in (2, 3, 4, 5, 8, 30, ENDLESS)
    ]
    for shallow, deep in pairwise(cycles):
        assert np.all(deep <= shallow * ROUNDING)


@given(supernets(), weight_stationary(), depths, st.data())
def test_more_cached_weights_never_slow_a_subnet(
    supernet: SuperNet, accelerator: Accelerator, depth: int, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    less = drawn.draw(rectangles(network))
    more = SubGraphs(less.candidates, kernels=less.kernels + 3, channels=less.channels + 2)
    few, many = (recurrence(network, accelerator, cached, depth) for cached in (less, more))
    assert np.all(many.cycles <= few.cycles * ROUNDING)


@given(supernets(), weight_stationary(), depths, st.floats(1.0, 10.0), st.data())
def test_more_bandwidth_never_slows_a_subnet(
    supernet: SuperNet, accelerator: Accelerator, depth: int, factor: float, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    subgraphs = drawn.draw(rectangles(network))
    wider = replace(accelerator, dram_gb_per_s=accelerator.dram_gb_per_s * factor)
    narrow, wide = (recurrence(network, a, subgraphs, depth) for a in (accelerator, wider))
    assert np.all(wide.cycles <= narrow.cycles * ROUNDING)


@given(supernets(), weight_stationary(), depths, st.data())
def test_no_subnet_beats_its_computation_or_its_bytes(
    supernet: SuperNet, accelerator: Accelerator, depth: int, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    cost = recurrence(network, accelerator, drawn.draw(rectangles(network)), depth)
    bus = np.asarray(cost.offchip_bytes) / accelerator.bytes_per_cycle
    launches = np.diff(network.starts)[:, None] * accelerator.launch_us * accelerator.clock_mhz
    assert np.all(bus <= (cost.cycles + launches) * ROUNDING)
    assert np.all(np.asarray(cost.exposed_load_cycles) >= 0)
    assert np.all(np.asarray(cost.output_stall_cycles) >= 0)


@given(supernets(), weight_stationary(layer_by_layer=False), st.data())
def test_an_endless_buffer_takes_the_longest_path_of_loads_and_then_computation(
    supernet: SuperNet, accelerator: Accelerator, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    on_chip = replace(accelerator, streaming_buffer_kib=1e4, output_buffer_kib=1e4)
    subgraphs = drawn.draw(rectangles(network))
    cost = recurrence(network, on_chip, subgraphs, ENDLESS)
    launch = on_chip.launch_us * on_chip.clock_mhz
    for s, subnet in enumerate(supernet.subnets):
        own_layers = slice(network.starts[s], network.starts[s + 1] - 1)
        if (network.shapes["output_holds"][own_layers] == NEVER_HELD).any():
            continue  # A map that no layer reads leaves for DRAM, and takes the bus from the loads.
        loads, compute, input_cycles = [0.0], [0.0], cell(cost.input_cycles, s, 1)
        for i, layer in enumerate(subnet.layers):
            own = tile_loads(
                layer,
                on_chip,
                int(subgraphs.kernels[1, layer.supernet_layer]),
                int(subgraphs.channels[1, layer.supernet_layer]),
            )
            stream = layer_cost(layer, on_chip).compute_cycles / len(own)
            # The launch of a later layer comes before its first tile, and after the first load.
            loads += [0.0] * (i > 0) + own
            compute += [launch] * (i > 0) + [stream] * len(own)
        path = max(sum(loads[: first + 1]) + sum(compute[first:]) for first in range(len(loads)))
        computed = cell(cost.cycles, s, 1) - cell(cost.output_stall_cycles, s, 1)
        launches = launch * (len(subnet.layers) - 1)
        assert computed + launches == pytest.approx(input_cycles + path, rel=1e-9)


@pytest.mark.parametrize(
    ("depth", "waits"),
    [
        # The convolution waits for its own load of 9 cycles. As it ends, D - 1 tiles of the next
        # layer lie in the buffer, and the others come every 9 cycles, a last cycle before the end.
        (2, 9 + 7 * 9 + 1 - 8),
        (3, 9 + 6 * 9 + 1 - 8),
        (5, 9 + 4 * 9 + 1 - 8),
        (8, 9 + 1 * 9 + 1 - 8),
        (9, 9),
        (ENDLESS, 9),
    ],
)
def test_loads_hide_behind_the_layer_before_as_far_as_the_buffer_is_deep(
    depth: int, waits: float
) -> None:
    pixels = Layer(name="", supernet_layer=0, kernels=1, channels=1, kernel_height=3,
                   kernel_width=3, height=10, width=10, padding=around(1))  # fmt: skip
    weights = Layer(name="", supernet_layer=0, kernels=8, channels=9, kernel_height=1,
                    kernel_width=1, height=1, width=1)  # fmt: skip
    network = network_of(pixels, weights)
    byte_a_cycle = {"clock_mhz": 1.0, "dram_gb_per_s": 1e-3, "dram_efficiency": 1.0}
    no_overhead = {"fill_cycles": 0.0, "drain_cycles": 0.0, "launch_us": 0.0}
    design = zcu104(pe_kernels=1, pe_channels=1, **byte_a_cycle, **no_overhead)
    nothing = no_subgraph(network)
    cost = recurrence(network, design, nothing, depth)
    assert cell(cost.compute_cycles, 0, 0) == 12 * 12 + 8 * 1
    assert cell(cost.exposed_load_cycles, 0, 0) == waits
    closed = closed_form(network, design, nothing)
    assert cell(closed.exposed_load_cycles, 0, 0) == 9 + 8 * 9 + 1 - 8  # no load ahead of its layer


def fixed_cycles(network: Network, array: Array) -> LayerCycles:
    """The cycles of each layer that prefetching does not change."""
    cold = LayerCost(*layer_costs(network.shapes, array, False))
    return LayerCycles(
        compute=np.asarray(cold.compute_cycles),
        read_input=np.asarray(cold.input_cycles),
        write_output=np.asarray(cold.output_bytes * array.cycles_per_byte),
    )


@given(supernets(), weight_stationary(), depths, st.data())
def test_the_compiled_recurrence_equals_the_interpreted_one_bit_for_bit(
    supernet: SuperNet, accelerator: Accelerator, depth: int, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    subgraphs = drawn.draw(rectangles(network))
    design = replace(accelerator, dynamic_buffer_tiles=depth)
    array = array_of(design)
    interpreted = layer_waits.plain(
        network.shapes.view(np.recarray),
        network.supernet_layer,
        network.starts,
        array,
        fixed_cycles(network, array),
        design.launch_us * design.clock_mhz,
        depth,
        subgraphs.kernels,
        subgraphs.channels,
    )
    compiled = prefetch_waits(network, design, subgraphs.kernels, subgraphs.channels)
    assert np.array_equal(compiled, interpreted)


ROOMS = (0.0, 0.01, 0.1, 1.0, 1e6)  # KiB for the weights of layers to come


@given(supernets(), output_stationary(), st.data())
def test_a_larger_prefetch_buffer_is_never_slower_and_none_changes_nothing(
    supernet: SuperNet, accelerator: Accelerator, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    cached = drawn.draw(rectangles(network))
    closed = closed_form(network, accelerator, cached)
    cycles = [
        prefetched(
            closed,
            network,
            replace(accelerator, prefetch_buffer_kib=room),
            cached.kernels,
            cached.channels,
        ).cycles
        for room in ROOMS
    ]
    assert np.allclose(cycles[0], closed.cycles, rtol=1e-12, atol=0)
    for smaller, larger in pairwise(cycles):
        assert np.all(larger <= smaller * ROUNDING)


@given(supernets(), output_stationary(), st.sampled_from(ROOMS), st.floats(1.0, 10.0), st.data())
def test_neither_bytes_nor_bandwidth_slow_a_subnet_that_prefetches_weights(
    supernet: SuperNet, accelerator: Accelerator, room: float, factor: float, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    less = drawn.draw(rectangles(network))
    more = SubGraphs(less.candidates, kernels=less.kernels + 3, channels=less.channels + 2)
    design = replace(accelerator, prefetch_buffer_kib=room)
    wider = replace(design, dram_gb_per_s=accelerator.dram_gb_per_s * factor)
    base, kept, wide = (
        prefetched(closed_form(network, a, cached), network, a, cached.kernels, cached.channels)
        for a, cached in ((design, less), (design, more), (wider, less))
    )
    assert np.all(kept.cycles <= base.cycles * ROUNDING)
    assert np.all(wide.cycles <= base.cycles * ROUNDING)
    bus = np.asarray(base.offchip_bytes) / design.bytes_per_cycle
    launches = np.diff(network.starts)[:, None] * design.launch_us * design.clock_mhz
    assert np.all(bus <= (base.cycles + launches) * ROUNDING)


@given(supernets(), output_stationary(), st.sampled_from(ROOMS), st.data())
def test_the_compiled_waits_equal_the_interpreted_ones_bit_for_bit(
    supernet: SuperNet, accelerator: Accelerator, room: float, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    subgraphs = drawn.draw(rectangles(network))
    design = replace(accelerator, prefetch_buffer_kib=room)
    array = array_of(design)
    interpreted = output_stationary_waits.plain(
        network.shapes.view(np.recarray),
        network.supernet_layer,
        network.starts,
        array,
        fixed_cycles(network, array),
        design.launch_us * design.clock_mhz,
        room * KIB,
        subgraphs.kernels,
        subgraphs.channels,
    )
    compiled = prefetch_waits(network, design, subgraphs.kernels, subgraphs.channels)
    assert np.array_equal(compiled, interpreted)


@given(supernets(), weight_stationary(), st.integers(3, 30))
def test_a_latency_table_differs_by_the_waits_and_what_they_cost_alone(
    supernet: SuperNet, accelerator: Accelerator, depth: int
) -> None:
    network = Network.of(supernet)
    deeper = replace(accelerator, dynamic_buffer_tiles=depth)
    subgraphs = candidates(network, accelerator)
    shallow, deep = (latency_table(network, a, subgraphs) for a in (accelerator, deeper))
    waits = {"exposed_load_cycles", "output_stall_cycles"}
    for name, before, after in zip(LayerCost._fields, shallow.cost, deep.cost, strict=True):
        assert name in waits or np.array_equal(before, after)
    launches = np.diff(network.starts)[:, None] * deeper.launch_us
    latency_us = launches + deep.cost.cycles / deeper.clock_mhz
    assert deep.latency_ms == pytest.approx(latency_us * 1e-3, rel=1e-12)
    assert np.all(deep.latency_ms <= shallow.latency_ms * ROUNDING)
    of_deep, of_shallow = deep.energy_on(deeper), shallow.energy_on(accelerator)
    assert np.array_equal(of_deep.offchip_mj, of_shallow.offchip_mj)
    assert np.array_equal(of_deep.mac_mj, of_shallow.mac_mj)
    static_mj = deep.latency_ms * power(deeper).static_w
    assert of_deep.static_mj == pytest.approx(static_mj, rel=1e-12)
