"""Maps between the layers of a network, against a walk along its edges that counts their bytes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.layer import array_of, layer_cost_of
from sushi_dse.model.network import NEVER_HELD, layer_shapes
from sushi_dse.workload.layers import Layer
from tests.strategies import accelerators, layers, names_of, zcu104


@st.composite
def wired(draw: st.DrawFn) -> list[Layer]:
    """Layers of any sizes that read, and add, the maps of any earlier ones."""
    network: list[Layer] = []
    for i, layer in enumerate(draw(st.lists(layers(), min_size=1, max_size=7))):
        names = names_of(network)
        network.append(replace(layer, name=f"l{i}", input_from=draw(names), adds=draw(names)))
    return network


def costs(network: list[Layer], accelerator: Accelerator) -> list[LayerCost]:
    array = array_of(accelerator)
    return [LayerCost(*layer_cost_of(shape, array, 0, 0)) for shape in layer_shapes(network)]


def made(layer: Layer) -> int:
    return layer.kernels * layer.output_height * layer.output_width


def read(layer: Layer) -> int:
    return layer.channels * layer.height * layer.width


def walked(network: list[Layer], accelerator: Accelerator) -> list[tuple[int, int]]:
    """Bytes that each layer reads from DRAM and writes to it, edge by edge, by its definition."""
    held = min(accelerator.streaming_buffer_kib, accelerator.output_buffer_kib) * 1024
    if accelerator.layer_by_layer:
        held = 0
    is_weight_stationary = accelerator.dataflow == Dataflow.WEIGHT_STATIONARY
    word = accelerator.pe_channels if is_weight_stationary else 8
    place = {layer.name: i for i, layer in enumerate(network)}
    inputs = [
        list(layer.input_from) or [before.name for before in network[:i]][-1:]
        for i, layer in enumerate(network)
    ]

    def room(source: str, reader: Layer, least: int) -> int:
        """What must be on chip at once for a map to wait there."""
        beside = [0]
        for between in network[place[source] + 1 : place[reader.name]]:
            others = read(between)
            if source in inputs[place[between.name]]:
                others -= made(network[place[source]])
            beside += [others, made(between)]
        return max(made(network[place[source]]), least) + max(beside)

    bytes_read, sent, read_by = [], set(), set()
    for i, layer in enumerate(network):
        read_by |= {*inputs[i], *layer.adds}
        of_one = read(layer) if len(inputs[i]) == 1 else 0
        rooms = [room(source, layer, of_one) for source in inputs[i]] + [read(layer)]
        count = 0
        if i == 0 or max(rooms) > held:
            sent |= set(inputs[i])
            count += -(-layer.channels // word) * word * layer.height * layer.width
        if max([room(source, layer, 0) for source in layer.adds], default=0) > held:
            sent |= set(layer.adds)
            count += sum(min(made(network[place[x]]), made(layer)) for x in layer.adds)
        bytes_read.append(count)
    sent |= place.keys() - read_by
    return [
        (count, made(layer) if layer.name in sent else 0)
        for layer, count in zip(network, bytes_read, strict=True)
    ]


@given(wired(), accelerators())
def test_maps_cross_the_bus_as_a_walk_along_the_edges_counts(
    network: list[Layer], accelerator: Accelerator
) -> None:
    counted = [(cost.input_bytes, cost.output_bytes) for cost in costs(network, accelerator)]
    assert counted == walked(network, accelerator)


@given(wired(), accelerators(), st.floats(1, 4))
def test_a_larger_buffer_never_moves_more_bytes_of_maps(
    network: list[Layer], accelerator: Accelerator, factor: float
) -> None:
    larger = replace(
        accelerator,
        streaming_buffer_kib=accelerator.streaming_buffer_kib * factor,
        output_buffer_kib=accelerator.output_buffer_kib * factor,
    )
    before, after = costs(network, accelerator), costs(network, larger)
    for small, large in zip(before, after, strict=True):
        assert large.input_bytes <= small.input_bytes
        assert large.output_bytes <= small.output_bytes


@given(wired())
def test_a_chain_may_name_its_edges_or_not(network: list[Layer]) -> None:
    chain = [replace(layer, input_from=(), adds=()) for layer in network]
    named = [replace(layer, input_from=(f"l{i - 1}",) * (i > 0)) for i, layer in enumerate(chain)]
    shapes = layer_shapes(chain)
    assert layer_shapes(named).tolist() == shapes.tolist()
    assert not shapes["shortcut_bytes"].any()
    assert not shapes["shortcut_holds"].any()


@given(wired())
def test_layers_alone_have_no_shortcut(network: list[Layer]) -> None:
    unwired = [replace(layer, input_from=(), adds=()) for layer in network]
    assert layer_shapes(network, alone=True).tolist() == layer_shapes(unwired, alone=True).tolist()


def square(name: str, **changes: object) -> Layer:
    """A 1x1 convolution of 4 channels to 4 on 8x8: 256 bytes in, as many out."""
    sizes: dict[str, object] = {"kernels": 4, "channels": 4, "kernel_height": 1, "kernel_width": 1,
                                "height": 8, "width": 8, "supernet_layer": 0}  # fmt: skip
    return Layer(name=name, **sizes | changes)  # type: ignore[arg-type]  # of the right types


def test_a_shortcut_is_read_where_the_buffers_do_not_hold_it_with_the_maps_in_between() -> None:
    block = [square("in"), square("a", kernels=8), square("b", channels=8, adds=("in",))]
    shapes = layer_shapes([*block, square("out")])
    assert shapes["shortcut_holds"].tolist() == [0, 0, 256 + 512, 0]
    assert shapes["shortcut_bytes"].tolist() == [0, 0, 256, 0]
    assert shapes["output_holds"].tolist() == [256 + 512, 512, 256, NEVER_HELD]
    for kib, of_shortcut in ((0.75, 0), (0.7, 256)):
        design = zcu104(streaming_buffer_kib=kib, output_buffer_kib=kib)
        first, _, last, _ = costs([*block, square("out")], design)
        assert (first.output_bytes, last.input_bytes) == (of_shortcut, of_shortcut)
        assert last.input_cycles == pytest.approx(of_shortcut * design.cycles_per_byte)


def test_a_pooled_shortcut_is_written_whole_and_read_at_its_size_where_it_is_added() -> None:
    pooled = square("b", height=4, width=4, adds=("in",))
    shapes = layer_shapes([square("in"), square("a", height=4, width=4), pooled])
    assert shapes["shortcut_bytes"][2] == 64
    assert shapes["output_bytes"][0] == 256


def test_a_map_that_no_layer_reads_leaves_the_chip() -> None:
    shapes = layer_shapes([square("in"), square("a"), square("b", input_from=("in",))])
    assert (shapes["output_holds"] == NEVER_HELD).tolist() == [False, True, True]


def test_the_maps_of_a_residual_network_are_those_counted_by_hand() -> None:
    """The first block of ResNet-50: a pooled map of 56x56x64, and two of 56x56x256 to be added."""
    (subnet,) = load_workload("resnet50").supernet.subnets
    shapes = dict(zip([x.name for x in subnet.layers], layer_shapes(subnet.layers), strict=True))
    stem, narrow, wide = 64 * 112 * 112, 64 * 56 * 56, 256 * 56 * 56
    downsample, second = shapes["layer1.0.downsample.0"], shapes["layer1.1.conv3"]
    assert downsample["input_holds"] == stem + wide
    assert downsample["shortcut_holds"] == wide
    assert second["shortcut_holds"] == wide + narrow
    assert downsample["shortcut_bytes"] == second["shortcut_bytes"] == wide
    assert shapes["conv1"]["output_holds"] == stem + wide
