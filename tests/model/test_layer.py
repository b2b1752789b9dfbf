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
from tests.kernels import source_of
from tests.strategies import (
    accelerators,
    depthwise_layers,
    fully_connected_layers,
    layers,
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


def bytes_per_cycle_of(accelerator: Accelerator) -> float:
    """Off-chip bytes in a cycle of the array: the lesser of what port and memory have."""
    is_weight_stationary = accelerator.dataflow == Dataflow.WEIGHT_STATIONARY
    port_mhz = accelerator.clock_mhz if is_weight_stationary else accelerator.port_clock_mhz
    port_bytes_per_us = accelerator.port_bytes_per_cycle * port_mhz
    memory_bytes_per_us = accelerator.dram_gb_per_s * 1e3 * accelerator.dram_efficiency
    return min(port_bytes_per_us, memory_bytes_per_us) / accelerator.clock_mhz


def maps_over_the_bus(
    layer: Layer, accelerator: Accelerator, word_channels: int, is_first: bool, is_last: bool
) -> tuple[int, int]:
    """Bytes of the input map from DRAM and of the output map to it, of a layer by itself."""
    on_chip = min(accelerator.streaming_buffer_kib, accelerator.output_buffer_kib) * 1024
    if accelerator.layer_by_layer:
        on_chip = 0
    input_bytes = output_bytes = 0
    if is_first or layer.channels * layer.height * layer.width > on_chip:
        words = (layer.channels + word_channels - 1) // word_channels
        input_bytes = words * word_channels * layer.height * layer.width
    made_bytes = layer.kernels * layer.output_height * layer.output_width
    if is_last or made_bytes > on_chip:
        output_bytes = made_bytes
    return input_bytes, output_bytes


def simulated_weight_stationary(
    layer: Layer,
    accelerator: Accelerator,
    cached_kernels: int,
    cached_channels: int,
    is_first: bool,
    is_last: bool,
) -> LayerCost:
    """The cost of a layer by making every tile of it, in order, and waiting for every load.

    Written from the documentation; for layers of one group and for depthwise ones.
    """
    bytes_per_cycle = bytes_per_cycle_of(accelerator)
    taps = layer.kernel_height * layer.kernel_width
    outputs = layer.output_height * layer.output_width
    depthwise = layer.groups > 1
    channels_of_a_kernel = 1 if depthwise else layer.channels

    tile_kernels = accelerator.pe_kernels
    if depthwise:  # each kernel of a tile takes a column with its own channel
        tile_kernels = min(tile_kernels, accelerator.pe_channels)
    tile_channels = accelerator.pe_channels * (9 if taps == 1 else 1)
    windows = [
        (top, left)
        for top in range(0, layer.kernel_height, 3)
        for left in range(0, layer.kernel_width, 3)
    ]

    strips = (1, 1)  # in rows and in columns
    if channels_of_a_kernel > tile_channels or len(windows) > 1:
        sums = int(accelerator.output_buffer_kib * 1024) // (4 * min(tile_kernels, layer.kernels))
        for rows in range(layer.output_height, 0, -1):
            if rows * layer.output_width <= sums:
                strips = (-(-layer.output_height // rows), 1)
                break
        else:
            strips = (layer.output_height, -(-layer.output_width // max(sums, 1)))
    count = strips[0] * strips[1]
    if taps == 1:
        pixels = outputs
    else:
        seams = [
            max(size - stride, 0)  # what two strips both read
            for size, stride in zip(
                (layer.kernel_height, layer.kernel_width), layer.stride, strict=True
            )
        ]
        pixels = (layer.padded_height + (strips[0] - 1) * seams[0]) * (
            layer.padded_width + (strips[1] - 1) * seams[1]
        )
    drain = accelerator.drain_cycles if taps > 1 or accelerator.pointwise_drain else 0.0
    stream = max(pixels / count + accelerator.fill_cycles, outputs / count + drain)

    loads, cached_bytes, read_bytes, partial_sum_bytes, of_first_kernels = [], 0.0, 0, 0, 0
    for first_kernel in range(0, layer.kernels, tile_kernels):
        kernels = range(first_kernel, min(first_kernel + tile_kernels, layer.kernels))
        for first_channel in range(0, channels_of_a_kernel, tile_channels):
            channels = range(
                first_channel, min(first_channel + tile_channels, channels_of_a_kernel)
            )
            cached = sum(
                k < cached_kernels and c < cached_channels for k in kernels for c in channels
            )
            uncached = len(kernels) * len(channels) - cached
            for _ in windows:
                loads.append(uncached * taps / len(windows))
                of_first_kernels += first_kernel == 0
                cached_bytes += cached * taps / len(windows)
                read_bytes += pixels * len(kernels if depthwise else channels)
                partial_sum_bytes += len(kernels) * outputs * 4

    # The first kernels' weights load while nothing computes; then each tile computes while the one
    # loads that stands as far behind it as the first kernels have tiles.
    every = loads * count
    now = sum(every[:of_first_kernels]) / bytes_per_cycle
    compute = len(every) * stream
    for later in [*every[of_first_kernels:], *[0.0] * of_first_kernels]:
        now += max(stream, later / bytes_per_cycle)

    input_bytes, output_bytes = maps_over_the_bus(
        layer, accelerator, accelerator.pe_channels, is_first, is_last
    )
    return LayerCost(
        compute_cycles=compute,
        exposed_load_cycles=now - compute,
        input_cycles=input_bytes / bytes_per_cycle,
        output_stall_cycles=max(0.0, (sum(every) + output_bytes) / bytes_per_cycle - now)
        if output_bytes
        else 0.0,
        weight_bytes=sum(every),
        cached_weight_bytes=cached_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        dynamic_buffer_read_bytes=sum(every),
        persistent_buffer_read_bytes=cached_bytes * count,
        streaming_buffer_read_bytes=read_bytes,
        streaming_buffer_write_bytes=layer.channels * layer.height * layer.width,
        output_buffer_bytes=partial_sum_bytes,
    )


def simulated_output_stationary(
    layer: Layer,
    accelerator: Accelerator,
    cached_kernels: int,
    cached_channels: int,
    is_first: bool,
    is_last: bool,
) -> LayerCost:
    """The cost of a layer group by group, pass by pass and tile by tile.

    Written from the documentation.  Times are cycles of the port until the last lines.
    """
    slower = accelerator.clock_mhz / accelerator.port_clock_mhz  # array cycles in one of the port
    bytes_per_cycle = bytes_per_cycle_of(accelerator) * slower
    pixels, q = accelerator.pe_pixels, layer.output_width
    outputs = layer.output_height * q
    taps = layer.kernel_height * layer.kernel_width
    kernels, channels = layer.kernels // layer.groups, layer.channels_per_group
    words = (channels + 7) // 8  # of eight channels
    in_a_pass = 2 * accelerator.pe_kernels
    compute = 2 * 8 * words * taps / slower
    one_pass = max(compute, in_a_pass * max(0.5, pixels / 128))
    passes = list(range(0, kernels, in_a_pass))
    tiles = [range(first, min(first + pixels, outputs)) for first in range(0, outputs, pixels)]

    def last_pixel(output: int) -> tuple[int, int]:
        """Row and column of the last pixel, without padding, that an output reads."""
        return (
            output // q * layer.stride[0] + layer.kernel_height - 1 - layer.padding[0],
            output % q * layer.stride[1] + layer.kernel_width - 1 - layer.padding[2],
        )

    def span(column: int, count: int) -> int:
        """Pixels from the first to the last one of outputs that begin in a column."""
        rows, last = divmod(column + count - 1, q)
        if rows == 0 and column > 0:
            last = count - 1  # as if it began at the left
        else:
            last -= column
        return (
            (rows * layer.stride[0] + layer.kernel_height - 1) * layer.width
            + last * layer.stride[1]
            + layer.kernel_width
        )

    power = 1  # tiles begin at multiples of it in a row
    while pixels % (2 * power) == 0 and q % (2 * power) == 0:
        power *= 2
    aligned = 16
    if taps == 1 and layer.stride == (1, 1):
        while pixels % aligned:
            aligned //= 2
        slack = 16 - aligned
    elif taps == 1:
        while (layer.stride[1] * power) % aligned or (layer.stride[0] * layer.width) % aligned:
            aligned //= 2
        slack = 15 + layer.stride[1] - aligned
    else:
        slack = 15

    def read(pixel_count: float) -> float:
        return words * pixel_count / 16 + accelerator.tile_read_cycles

    spans = [span(column, pixels) for column in range(0, q, power)]
    middle = sum(spans) / len(spans) + slack
    last = span(0, len(tiles[-1])) + slack
    row, column = last_pixel(tiles[0][-1])
    row, column = min(row, layer.height - 1), min(column, layer.width - 1)
    first_words = max(-(-(row * layer.width + column + 1) // 16), 0)
    first = max(compute, read(16 * first_words) - accelerator.read_ahead_cycles)
    first += (len(passes) - 1) * one_pass
    others = [max(len(passes) * one_pass, read(middle))] * (len(tiles) - 2)
    if len(tiles) > 1:
        others.append(max(len(passes) * one_pass, read(last)))

    resident, loaded, reads, cached_reads, total = 0.0, 0.0, 0, 0, 0.0
    for group in range(layer.groups):
        kept = min(max(cached_kernels - group * kernels, 0), kernels)
        kept_channels = min(cached_channels, channels) if kept else 0
        if kept_channels == 0:
            kept = 0
        missing = [  # bytes that each pass of the first tile wants from DRAM
            sum(
                channels - (kept_channels if kernel < kept else 0)
                for kernel in range(of_pass, min(of_pass + in_a_pass, kernels))
            )
            * taps
            for of_pass in passes
        ]
        reads += sum(missing) * len(tiles)
        cached_reads += kept * kept_channels * taps * len(tiles)
        again = max(sum(missing) - int(accelerator.dynamic_buffer_kib * 1024), 0)
        reload = again * (len(tiles) - 1) / bytes_per_cycle
        resident += first + sum(others)
        in_time = first + max(sum(others), reload)
        if sum(missing):
            lead = pixels - accelerator.weight_delay_cycles
            arrives = [sum(missing[: p + 1]) / bytes_per_cycle - lead for p in range(len(passes))]
            done = max(at + (len(passes) - 1 - p) * one_pass for p, at in enumerate(arrives))
            passes_left = (len(tiles) - 1) * len(passes) * one_pass
            in_time = max(in_time, done + max(passes_left, reload))
        total += in_time
        loaded += sum(missing) + again * (len(tiles) - 1)

    fill = accelerator.pixel_fill_cycles * pixels + in_a_pass / slower
    cycles, exposed = slower * (fill + resident), slower * (total - resident)
    input_bytes, output_bytes = maps_over_the_bus(layer, accelerator, 8, is_first, is_last)
    bus = (loaded + output_bytes) / bytes_per_cycle * slower
    return LayerCost(
        compute_cycles=cycles,
        exposed_load_cycles=exposed,
        input_cycles=input_bytes / bytes_per_cycle * slower,
        output_stall_cycles=max(0.0, bus - cycles - exposed) if output_bytes else 0.0,
        weight_bytes=loaded,
        cached_weight_bytes=cached_reads / len(tiles),
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        dynamic_buffer_read_bytes=reads,
        persistent_buffer_read_bytes=cached_reads,
        streaming_buffer_read_bytes=layer.groups * len(tiles) * words * middle * 8,
        streaming_buffer_write_bytes=layer.channels * layer.height * layer.width,
        output_buffer_bytes=layer.kernels * outputs,
    )


SIMULATED = {
    Dataflow.WEIGHT_STATIONARY: simulated_weight_stationary,
    Dataflow.OUTPUT_STATIONARY: simulated_output_stationary,
}


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
    assert cold.weight_bytes >= layer.weight_bytes
    assert cold.cached_weight_bytes == 0
    assert cold.weight_bytes - warm.weight_bytes >= warm.cached_weight_bytes == cached
    assert (warm.weight_bytes == 0) == (cached == layer.weight_bytes)
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
    assert once.weight_bytes == layer.weight_bytes
    assert again.weight_bytes % layer.weight_bytes == 0 or again.weight_bytes > layer.weight_bytes
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
    assert cost.weight_bytes + cost.cached_weight_bytes >= layer.weight_bytes
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
    assert np.array_equal(compiled, source_of(layer_costs)(by_name, array, all_cached))


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
    interpreted = source_of(subnet_costs)(
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
