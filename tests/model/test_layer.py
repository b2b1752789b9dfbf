from dataclasses import replace
from math import isclose
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.model.cost import FIELDS, LayerCost
from sushi_dse.model.kernels import layer_costs, subnet_costs
from sushi_dse.model.layer import array_of, layer_cost, layer_cost_of, layer_latency_us, total_cost
from sushi_dse.model.network import LayerShape, Network, layer_shapes
from sushi_dse.model.weight_stationary import blocks_of, kernels_per_tile
from sushi_dse.workload.layers import Layer, SuperNet, around
from tests.model.simulated import SIMULATED
from tests.strategies import (
    accelerators,
    depthwise_layers,
    fully_connected_layers,
    layers,
    packed_bytes,
    supernets,
    ungrouped_layers,
    weight_stationary,
    zcu104,
    zcu104_measured,
)

ROUNDING = 1 + 1e-9
cuts = st.integers(0, 250)  # first kernels or channels in the Persistent Buffer; may exceed a layer
factors = st.floats(1.0, 10.0)


def conv(**changes: Any) -> Layer:
    sizes: dict[str, Any] = {"kernels": 32, "channels": 18, "kernel_height": 3, "kernel_width": 3,
             "height": 8, "width": 10, "padding": around(1)}  # fmt: skip
    return Layer(name="conv", supernet_layer=0, **sizes | changes)


def launched(layer: Layer, accelerator: Accelerator, **cached: int) -> LayerCost:
    return layer_cost(layer, accelerator, is_first=True, is_last=True, **cached)


@given(
    ungrouped_layers() | fully_connected_layers() | depthwise_layers(),
    accelerators(),
    cuts,
    cuts,
    st.booleans(),
    st.booleans(),
)
def test_a_layer_costs_what_its_tiles_cost_one_by_one(
    layer: Layer,
    accelerator: Accelerator,
    cached_kernels: int,
    cached_channels: int,
    is_first: bool,
    is_last: bool,
) -> None:
    simulated = SIMULATED[accelerator.dataflow]
    expected = simulated(layer, accelerator, cached_kernels, cached_channels, is_first, is_last)
    cost = layer_cost(
        layer,
        accelerator,
        cached_kernels=cached_kernels,
        cached_channels=cached_channels,
        is_first=is_first,
        is_last=is_last,
    )
    assert isclose(cost.cycles, expected.cycles, rel_tol=1e-9)
    for name, value, wanted in zip(LayerCost._fields, cost, expected, strict=True):
        # A wait is a difference of larger numbers.
        slack = 1e-9 * expected.cycles if name.endswith("cycles") else 0.0
        assert isclose(value, wanted, rel_tol=1e-9, abs_tol=slack), name


@given(layers(), accelerators(), cuts, cuts)
def test_a_weight_that_is_cached_is_not_fetched(
    layer: Layer, accelerator: Accelerator, kernels: int, channels: int
) -> None:
    cold = layer_cost(layer, accelerator)
    warm = layer_cost(layer, accelerator, cached_kernels=kernels, cached_channels=channels)
    taps = layer.kernel_height * layer.kernel_width
    cached = min(kernels, layer.kernels) * min(channels, layer.channels_per_group) * taps
    cached_bytes = cached * layer.weight_bits / 8
    assert cold.weight_bytes >= packed_bytes(layer)
    assert cold.cached_weight_bytes == 0
    assert cold.weight_bytes - warm.weight_bytes >= warm.cached_weight_bytes == cached_bytes
    assert (warm.weight_bytes == 0) == (cached == layer.weights)
    reads = warm.dynamic_buffer_read_bytes + warm.persistent_buffer_read_bytes
    assert reads == cold.dynamic_buffer_read_bytes
    assert cold.compute_cycles == warm.compute_cycles
    assert cold.input_bytes == warm.input_bytes
    assert cold.output_bytes == warm.output_bytes


@given(layers(), accelerators(layer_by_layer=False))
def test_a_layer_that_is_cached_whole_on_chip_waits_for_nothing(
    layer: Layer, accelerator: Accelerator
) -> None:
    on_chip = replace(accelerator, streaming_buffer_kib=1e4, output_buffer_kib=1e4)
    cost = layer_cost(layer, on_chip, cached_kernels=layer.kernels, cached_channels=layer.channels)
    assert cost.offchip_bytes == 0
    assert cost.cycles == cost.compute_cycles
    assert cost.bound_by == "compute"


@given(layers(), accelerators(), cuts, cuts, st.integers(0, 40), st.integers(0, 40))
def test_more_cached_weights_never_slow_a_layer(
    layer: Layer,
    accelerator: Accelerator,
    kernels: int,
    channels: int,
    more_kernels: int,
    more_channels: int,
) -> None:
    less = launched(layer, accelerator, cached_kernels=kernels, cached_channels=channels)
    more = launched(
        layer,
        accelerator,
        cached_kernels=kernels + more_kernels,
        cached_channels=channels + more_channels,
    )
    assert more.cycles <= less.cycles * ROUNDING


@given(layers(), accelerators())
def test_a_layer_is_loaded_once_where_buffers_hold_its_sums_or_its_weights(
    layer: Layer, accelerator: Accelerator
) -> None:
    roomy = replace(accelerator, output_buffer_kib=1e4)
    if accelerator.dataflow == Dataflow.OUTPUT_STATIONARY:
        roomy = replace(roomy, dynamic_buffer_kib=1e4)
    once, again = launched(layer, roomy), launched(layer, accelerator)
    assert once.weight_bytes == packed_bytes(layer)
    assert again.weight_bytes >= once.weight_bytes
    assert once.cycles <= again.cycles * ROUNDING


@pytest.mark.parametrize("name", ["dram_gb_per_s", "port_bytes_per_cycle"])
@given(layers(), accelerators(), cuts, cuts, factors)
def test_more_bandwidth_never_slows_a_layer(
    name: str,
    layer: Layer,
    accelerator: Accelerator,
    kernels: int,
    channels: int,
    factor: float,
) -> None:
    wider = replace(accelerator, **{name: getattr(accelerator, name) * factor})
    narrow, wide = (
        launched(layer, a, cached_kernels=kernels, cached_channels=channels)
        for a in (accelerator, wider)
    )
    assert wide.cycles <= narrow.cycles * ROUNDING
    assert wide.compute_cycles == narrow.compute_cycles
    assert wide.offchip_bytes == narrow.offchip_bytes


@pytest.mark.parametrize("name", ["clock_mhz", "port_clock_mhz"])
@given(layers(), accelerators(), cuts, cuts, factors)
def test_a_faster_clock_never_slows_a_layer(
    name: str,
    layer: Layer,
    accelerator: Accelerator,
    kernels: int,
    channels: int,
    factor: float,
) -> None:
    faster = replace(accelerator, **{name: getattr(accelerator, name) * factor})
    slow_us, fast_us = (
        layer_latency_us(launched(layer, a, cached_kernels=kernels, cached_channels=channels), a)
        for a in (accelerator, faster)
    )
    assert fast_us <= slow_us * ROUNDING


@given(layers(), accelerators(), factors)
def test_clock_and_bandwidth_together_scale_all_but_the_launch(
    layer: Layer, accelerator: Accelerator, factor: float
) -> None:
    faster = replace(
        accelerator,
        clock_mhz=accelerator.clock_mhz * factor,
        port_clock_mhz=accelerator.port_clock_mhz * factor,
        dram_gb_per_s=accelerator.dram_gb_per_s * factor,
    )
    slow_us = layer_latency_us(launched(layer, accelerator), accelerator)
    fast_us = layer_latency_us(launched(layer, faster), faster)
    launch_us = accelerator.launch_us
    assert fast_us - launch_us == pytest.approx((slow_us - launch_us) / factor, rel=1e-6)


@given(layers(), accelerators(), cuts, cuts)
def test_parts_add_up_and_none_is_negative(
    layer: Layer, accelerator: Accelerator, kernels: int, channels: int
) -> None:
    cost = launched(layer, accelerator, cached_kernels=kernels, cached_channels=channels)
    assert min(cost) >= 0
    assert cost.cycles == pytest.approx(
        cost.compute_cycles
        + cost.exposed_load_cycles
        + cost.input_cycles
        + cost.output_stall_cycles,
        rel=1e-15,
    )
    assert cost.offchip_bytes == cost.weight_bytes + cost.input_bytes + cost.output_bytes
    assert cost.weight_bytes + cost.cached_weight_bytes >= packed_bytes(layer)
    assert cost.input_bytes >= layer.input_bytes
    assert cost.output_bytes == layer.output_bytes


@given(layers(), accelerators(), cuts, cuts, st.booleans(), st.booleans())
def test_no_layer_beats_the_roofline(
    layer: Layer,
    accelerator: Accelerator,
    kernels: int,
    channels: int,
    is_first: bool,
    is_last: bool,
) -> None:
    cost = layer_cost(
        layer,
        accelerator,
        cached_kernels=kernels,
        cached_channels=channels,
        is_first=is_first,
        is_last=is_last,
    )
    assert cost.cycles * ROUNDING >= cost.offchip_bytes / accelerator.bytes_per_cycle
    assert cost.compute_cycles * ROUNDING >= layer.macs / accelerator.macs_per_cycle


@given(layers(), weight_stationary())
def test_every_input_reaches_the_array_and_every_output_leaves_it(
    layer: Layer, accelerator: Accelerator
) -> None:
    cost = launched(layer, accelerator)
    pixels = layer.output_height * layer.output_width
    if (layer.kernel_height, layer.kernel_width) != (1, 1):
        pixels = layer.padded_height * layer.padded_width
    assert cost.streaming_buffer_read_bytes >= layer.channels * pixels
    assert cost.output_buffer_bytes >= 4 * layer.output_bytes
    assert cost.streaming_buffer_write_bytes == layer.input_bytes


def test_a_layer_smaller_than_the_array_reads_its_input_once() -> None:
    cost = layer_cost(conv(kernels=2, channels=3), zcu104())
    assert cost.streaming_buffer_read_bytes == 3 * 10 * 12


def test_a_depthwise_layer_reads_each_channel_once() -> None:
    cost = layer_cost(conv(kernels=20, channels=20, groups=20), zcu104())
    assert cost.streaming_buffer_read_bytes == 20 * 10 * 12


def test_a_3x3_layer_costs_what_hand_arithmetic_says() -> None:
    accelerator = zcu104_measured(
        fill_cycles=8.0, drain_cycles=40.0, dram_gb_per_s=2.0, dram_efficiency=0.5
    )  # 10 bytes a cycle
    cost = layer_cost(conv(), accelerator, is_first=True, is_last=True)
    # 2 x 2 tiles of 10 * 12 + 8 = 128 cycles; each loads 16 * 9 * 9 = 1296 bytes in 129.6 cycles,
    # and the two tiles of the first kernels wait for their loads.
    assert cost.compute_cycles == 4 * 128
    assert cost.exposed_load_cycles == pytest.approx(2 * 129.6 + 2 * 1.6)
    assert cost.input_cycles == pytest.approx(18 * 8 * 10 / 10)  # two words of nine channels
    assert cost.output_stall_cycles == pytest.approx(
        (4 * 1296 + 32 * 8 * 10) / 10 - (2 * 129.6 + 2 * 129.6 + 2 * 128)
    )
    assert cost.weight_bytes == 4 * 1296
    assert cost.output_bytes == 32 * 8 * 10
    assert cost.bound_by == "compute"
    assert layer_latency_us(cost, accelerator) == pytest.approx(67.139 + cost.cycles / 100)


@pytest.mark.parametrize(
    ("layer", "tiles", "stream"),
    [
        (conv(), 2 * 2, 120 + 8),
        (conv(stride=(2, 2)), 2 * 2, 120 + 8),  # a strided layer pays for every input pixel
        (conv(kernel_height=1, kernel_width=1, padding=around(0)), 2 * 1, 80 + 30),
        (conv(kernel_height=1, kernel_width=1, padding=around(0), stride=(2, 2)), 2 * 1, 20 + 30),
        (conv(kernel_height=1, kernel_width=1, padding=around(0), channels=82), 2 * 2, 80 + 30),
        (conv(kernel_height=5, kernel_width=5, padding=around(2)), 4 * 2 * 2, 12 * 14 + 8),
        (conv(kernel_height=7, kernel_width=7, padding=around(3)), 9 * 2 * 2, 14 * 16 + 8),
        (conv(kernel_height=1, kernel_width=4, padding=around(2)), 2 * 2 * 2, 12 * 14 + 8),
        (conv(kernels=18, groups=18), 2, 120 + 8),  # nine depthwise kernels a tile
        (conv(kernels=33), 3 * 2, 120 + 8),
        (conv(channels=19), 2 * 3, 120 + 8),
        (conv(height=4, width=4), 2 * 2, 16 + 30.0),  # a small map waits for its outputs to drain
        (conv(kernel_height=1, kernel_width=1, padding=around(0), height=4, width=4), 2, 16 + 30.0),
    ],
)
def test_tiles_and_their_stream_are_those_of_the_documentation(
    layer: Layer, tiles: int, stream: float
) -> None:
    accelerator = zcu104(fill_cycles=8.0, drain_cycles=30.0)
    assert layer_cost(layer, accelerator).compute_cycles == tiles * stream


@pytest.mark.parametrize(
    ("kernels", "channels_per_group", "groups", "expected"),
    [
        (64, 64, 1, 16),
        (4, 64, 1, 16),
        (64, 1, 64, 9),  # depthwise: a column of the array each
        (64, 4, 16, 8),  # two groups of four kernels, four columns each
        (64, 16, 4, 16),  # a group that fills the array
        (64, 32, 2, 16),  # half a group of 32
        (36, 32, 2, 9),  # half a group of 18
        (120, 2, 3, 14),  # a third of a group of 40
    ],
)
def test_a_tile_of_a_grouped_layer_holds_whole_groups_or_an_even_share_of_one(
    kernels: int, channels_per_group: int, groups: int, expected: int
) -> None:
    assert kernels_per_tile(kernels, channels_per_group, groups, 16, 9) == expected


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_the_blocks_of_an_axis_are_those_counted_one_by_one(
    size: int, block: int, drawn: st.DataObject
) -> None:
    cached = drawn.draw(st.integers(0, size))
    counted = [
        (min(block, size - first), min(block, max(0, cached - first)))
        for first in range(0, size, block)
    ]
    made = []
    for kind in range(4):
        count, length, kept = blocks_of(kind, size, block, cached)
        made += [(length, kept)] * count
    assert made == counted


def test_maps_that_fit_stay_on_chip_but_the_first_and_the_last() -> None:
    layer = conv(kernels=16, channels=16)  # 1280 bytes in and as many out
    fitting = zcu104(streaming_buffer_kib=1.25, output_buffer_kib=1.25)
    inner = layer_cost(layer, fitting)
    assert (inner.input_bytes, inner.output_bytes) == (0, 0)
    outer = layer_cost(layer, fitting, is_first=True, is_last=True)
    assert (outer.input_bytes, outer.output_bytes) == (1440, 1280)  # read in words of nine channels
    for small in (
        replace(fitting, streaming_buffer_kib=1.2),
        replace(fitting, output_buffer_kib=1.2),
        replace(fitting, layer_by_layer=True),
    ):
        assert layer_cost(layer, small) == layer_cost(layer, small, is_first=True, is_last=True)


@given(layers(), layers(), weight_stationary())
def test_a_map_crosses_the_bus_both_ways_or_not_at_all(
    before: Layer, after: Layer, accelerator: Accelerator
) -> None:
    shapes, array = layer_shapes([before, after]), array_of(accelerator)
    made, read = (LayerCost(*layer_cost_of(shape, array, 0, 0)) for shape in shapes)
    on_chip = accelerator.resident_map_bytes >= max(before.output_bytes, after.input_bytes)
    assert (made.output_bytes == 0) == (read.input_bytes == 0) == on_chip


def test_a_map_leaves_the_chip_by_its_own_size() -> None:
    fitting_a_kib = zcu104(streaming_buffer_kib=1.0, output_buffer_kib=1.0)
    grows = layer_cost(conv(kernels=16, channels=8), fitting_a_kib)
    assert (grows.input_bytes, grows.output_bytes) == (0, 1280)
    shrinks = layer_cost(conv(kernels=8, channels=16), fitting_a_kib)
    assert (shrinks.input_bytes, shrinks.output_bytes) == (1440, 0)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [((3, 1, 1, 1), "compute"), ((3, 4, 1, 1), "weights"), ((3, 1, 2, 2), "activations")],
)
def test_a_layer_is_bound_by_what_takes_the_most_cycles(
    parts: tuple[float, ...], expected: str
) -> None:
    assert LayerCost(*parts, *[0.0] * (FIELDS - 4)).bound_by == expected


@given(st.lists(st.tuples(*[st.integers(0, 9)] * FIELDS), min_size=1, max_size=4))
def test_a_total_is_the_sum_field_by_field(rows: list[tuple[int, ...]]) -> None:
    total = total_cost([LayerCost(*row) for row in rows])
    assert list(total) == np.array(rows).sum(axis=0).tolist()
    assert total.cycles == sum(LayerCost(*row).cycles for row in rows)


@given(st.lists(layers(), min_size=1, max_size=4), accelerators(), st.booleans(), st.booleans())
def test_the_compiled_layers_equal_the_interpreted_ones_bit_for_bit(
    network: list[Layer], accelerator: Accelerator, alone: bool, all_cached: bool
) -> None:
    shapes, array = layer_shapes(network, alone=alone), array_of(accelerator)
    compiled = layer_costs(shapes, array, all_cached)
    for i, layer in enumerate(network):
        shape = LayerShape(*(int(count) for count in shapes[i]))
        kernels, channels = (layer.kernels, layer.channels_per_group) if all_cached else (0, 0)
        interpreted = layer_cost_of(shape, array, kernels, channels)
        assert compiled[:, i].tolist() == list(interpreted)
    by_name = shapes.view(np.recarray)  # the interpreter wants records with attributes
    assert np.array_equal(compiled, layer_costs.plain(by_name, array, all_cached))


@given(supernets(), accelerators(), st.integers(1, 3), st.data())
def test_the_compiled_subnets_equal_the_interpreted_ones_bit_for_bit(
    supernet: SuperNet, accelerator: Accelerator, subgraphs: int, drawn: st.DataObject
) -> None:
    network, array = Network.of(supernet), array_of(accelerator)
    shape = (subgraphs, len(supernet.layers))
    cut = st.lists(st.integers(0, 30), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])
    kernels, channels = (np.array(drawn.draw(cut), dtype=np.int64).reshape(shape) for _ in "kc")
    compiled = subnet_costs(
        network.shapes, network.supernet_layer, network.starts, array, kernels, channels
    )
    interpreted = subnet_costs.plain(
        network.shapes.view(np.recarray),
        network.supernet_layer,
        network.starts,
        array,
        kernels,
        channels,
    )
    assert np.array_equal(compiled, interpreted)
    for s, subnet in enumerate(supernet.subnets):
        for g in range(subgraphs):
            costs = [
                LayerCost(
                    *layer_cost_of(
                        shape,
                        array,
                        int(kernels[g, layer.supernet_layer]),
                        int(channels[g, layer.supernet_layer]),
                    )
                )
                for layer, shape in zip(subnet.layers, layer_shapes(subnet.layers), strict=True)
            ]
            assert compiled[:, s, g].tolist() == list(total_cost(costs))
