"""Layers, SubNets and SuperNets, and networks that are in no SuperNet."""

from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from itertools import product
from typing import Any

import pytest

from sushi_dse.errors import UserError
from sushi_dse.workload.layers import (
    Layer,
    PlainLayer,
    SubNet,
    SuperNet,
    SuperNetLayer,
    around,
)
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from sushi_dse.workload.weights import shared_weight_bytes
from tests.workload.supernet_cases import SUPERNETS


def conv(**changes: Any) -> PlainLayer:
    sizes = {"name": "conv", "kernels": 32, "channels": 16, "kernel_height": 3, "kernel_width": 3,
             "height": 10, "width": 12, "padding": around(1)}  # fmt: skip
    return PlainLayer(**{**sizes, **changes})


def cut(number: int = 0, **changes: Any) -> Layer:
    sizes = {"name": "cut", "kernels": 4, "channels": 4, "kernel_height": 1, "kernel_width": 1,
             "height": 1, "width": 1}  # fmt: skip
    return Layer(**{**sizes, **changes}, supernet_layer=number)


def subnet_of(*layers: Layer, name: str = "A", accuracy_percent: float = 50) -> SubNet:
    return SubNet(name=name, accuracy_percent=accuracy_percent, layers=layers)


def whole(**changes: Any) -> SuperNetLayer:
    sizes = {"name": "whole", "kernels": 8, "channels_per_group": 8, "kernel_height": 1,
             "kernel_width": 1}  # fmt: skip
    return SuperNetLayer(**{**sizes, **changes})


# Layers


def places(size: int, window: int, stride: int, before: int, after: int) -> list[int]:
    """Where a window stands that slides from the first padded pixel while it is within the last."""
    starts, start = [], -before
    while start + window <= size + after:
        starts.append(start)
        start += stride
    return starts


def test_the_output_is_counted_as_the_definition_slides_the_kernel() -> None:
    axes = [
        (size, window, stride, *pads)
        for size in range(1, 9)
        for window in (1, 3, 5)
        for stride in (1, 2, 3)
        for pads in ((0, 0), (1, 1), (0, 1), (2, 1))
        if places(size, window, stride, *pads)
    ]
    for i, (rows, columns) in enumerate(product(axes, axes[::7])):
        if i % 5:
            continue
        layer = conv(
            height=rows[0], width=columns[0], kernel_height=rows[1], kernel_width=columns[1],
            stride=(rows[2], columns[2]), padding=(*rows[3:], *columns[3:]),
        )  # fmt: skip
        assert layer.output_height == len(places(*rows))
        assert layer.output_width == len(places(*columns))
        assert layer.padded_height == rows[0] + rows[3] + rows[4]
        assert layer.padded_width == columns[0] + columns[3] + columns[4]


def test_bytes_and_macs_follow_from_the_sizes() -> None:
    layer = conv(groups=4, stride=(2, 2))
    assert (layer.output_height, layer.output_width) == (5, 6)
    assert layer.channels_per_group == 4
    assert layer.weight_bytes == 32 * 4 * 9
    assert layer.macs == 32 * 4 * 9 * 5 * 6
    assert layer.input_bytes == 16 * 10 * 12
    assert layer.output_bytes == 32 * 5 * 6


def test_a_layer_says_its_kind() -> None:
    assert conv().kind == "conv"
    assert conv(groups=4).kind == "conv"
    assert conv(groups=16).kind == "dwconv"
    assert conv(channels=1).kind == "conv"  # one channel is no reason to call it depthwise
    assert cut(fully_connected=True).kind == "fc"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernels": 0}, "kernels > 0 must hold, got 0"),
        ({"channels": -1}, "channels > 0"),
        ({"kernel_height": 0}, "kernel_height > 0"),
        ({"width": 0}, "width > 0"),
        ({"stride": (1, 0)}, r"stride must be 2 numbers from 1, got \(1, 0\)"),
        ({"stride": (2,)}, "stride must be 2 numbers from 1"),
        ({"stride": 2}, "stride must be 2 numbers from 1, got 2"),
        ({"groups": 0}, "groups > 0"),
        ({"padding": (0, 0, -1, 0)}, r"padding must be 4 numbers from 0, got \(0, 0, -1, 0\)"),
        ({"padding": (1, 1)}, "padding must be 4 numbers from 0"),
        ({"padding": 1}, "padding must be 4 numbers from 0, got 1"),
        ({"groups": 3}, "3 groups of 32 kernels and 16 channels"),
        ({"kernels": 24, "groups": 16}, "groups must divide"),
        ({"kernels": 16, "channels": 24, "groups": 16}, "groups must divide"),
        ({"kernel_height": 13}, "a 13x3 kernel is larger than its 10x12 input with padding 1 1 1"),
        (
            {"kernel_height": 12, "padding": (0, 1, 0, 0)},
            "12x3 kernel is larger .* padding 0 1 0 0",
        ),
        ({"kernel_width": 15}, "a 3x15 kernel is larger"),
        ({"fully_connected": True}, "put all inputs into channels"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"layer 'conv': .*{message}"):
        conv(**changes)


def test_a_layer_of_a_subnet_checks_itself_too() -> None:
    with pytest.raises(ValueError, match="kernels > 0"):
        cut(kernels=0)
    with pytest.raises(ValueError, match="supernet_layer >= 0 must hold, got -1"):
        cut(-1)


def test_a_layer_cannot_change() -> None:
    with pytest.raises(FrozenInstanceError):
        cut().kernels = 3  # type: ignore[misc]  # the mistake under test


# SubNets and SuperNets


def test_a_subnet_adds_up_its_layers() -> None:
    classifier = cut(2, fully_connected=True)
    subnet = subnet_of(cut(0), cut(1, height=3, width=3), classifier)
    assert subnet.macs == 16 + 9 * 16 + 16
    assert subnet.weight_bytes == 3 * 16
    assert subnet.conv_weight_bytes == 2 * 16


@pytest.mark.parametrize("accuracy_percent", [-0.1, 100.1, float("nan")])
def test_an_accuracy_that_is_no_percentage_is_refused(accuracy_percent: float) -> None:
    with pytest.raises(ValueError, match="0 <= accuracy_percent <= 100"):
        subnet_of(cut(), accuracy_percent=accuracy_percent)


def test_a_subnet_needs_layers_in_the_order_of_its_supernet() -> None:
    with pytest.raises(ValueError, match="SubNet 'A' has no layer"):
        subnet_of()
    with pytest.raises(ValueError, match=r"must grow from layer to layer, got 1 .* after 1"):
        subnet_of(cut(1), cut(1))
    with pytest.raises(ValueError, match=r"got 0 .* after 1"):
        subnet_of(cut(1), cut(0))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (cut(1), "SuperNet layer 1, but 'net' has 1"),
        (cut(kernels=9), "has 9 kernels, SuperNet layer 'whole' has 8"),
        (cut(channels=9), "has 9 channels_per_group, SuperNet layer 'whole' has 8"),
        (
            cut(kernel_height=3, padding=around(1)),
            "has kernel_height 3, SuperNet layer 'whole' has 1",
        ),
        (cut(kernel_width=3, padding=around(1)), "has kernel_width 3"),
    ],
)
def test_a_layer_outside_its_supernet_layer_is_refused(layer: Layer, message: str) -> None:
    with pytest.raises(ValueError, match=f"layer 'cut' of SubNet 'A' .*{message}"):
        SuperNet(name="net", layers=(whole(),), subnets=(subnet_of(layer),), accuracy_of="top-1")


def test_channels_are_compared_by_group() -> None:
    depthwise = cut(kernels=8, channels=8, groups=8)
    SuperNet(
        name="net",
        layers=(whole(channels_per_group=1),),
        subnets=(subnet_of(depthwise),),
        accuracy_of="top-1",
    )


@pytest.mark.parametrize("size", ["kernels", "channels_per_group", "kernel_height", "kernel_width"])
def test_a_supernet_layer_has_positive_sizes(size: str) -> None:
    with pytest.raises(ValueError, match=f"{size} > 0 must hold, got 0"):
        whole(**{size: 0})


def test_a_supernet_has_subnets_of_different_names() -> None:
    with pytest.raises(ValueError, match="'net' has no SubNet"):
        SuperNet(name="net", layers=(whole(),), subnets=(), accuracy_of="top-1")
    with pytest.raises(ValueError, match="two SubNets named 'A'"):
        SuperNet(
            name="net",
            layers=(whole(),),
            subnets=(subnet_of(cut()), subnet_of(cut())),
            accuracy_of="top-1",
        )


def test_a_subnet_is_found_by_name_or_the_near_ones_are_named() -> None:
    supernet = SUPERNETS["ofa_resnet50"]
    assert supernet.subnet("C").name == "C"
    with pytest.raises(UserError, match="ofa_resnet50 has no SubNet 'H'; known: A, B, C, D, E, F"):
        supernet.subnet("H")
    net = SuperNet(
        name="net",
        layers=(whole(),),
        subnets=(subnet_of(cut(), name="small"),),
        accuracy_of="top-1",
    )
    with pytest.raises(UserError, match="did you mean 'small'"):
        net.subnet("smal")


def test_what_is_shared_is_the_overlap_of_all() -> None:
    layers = (whole(), whole(), whole(), whole(kernel_height=3, kernel_width=3))
    window = {"kernel_height": 3, "kernel_width": 3, "padding": around(1)}
    a = subnet_of(
        cut(0, kernels=2), cut(1), cut(2, fully_connected=True), cut(3, **window), name="a"
    )
    b = subnet_of(
        cut(0, channels=3), cut(2, fully_connected=True), cut(3, channels=1, **window), name="b"
    )
    supernet = SuperNet(name="net", layers=layers, subnets=(a, b), accuracy_of="top-1")
    assert shared_weight_bytes(supernet) == 2 * 3 + 4 * 1 * 9
    assert shared_weight_bytes(supernet, convolutions_only=False) == 2 * 3 + 4 * 4 + 4 * 1 * 9


def plain(name: str, *layers: PlainLayer) -> PlainSubNet:
    return PlainSubNet(name=name, accuracy_percent=50, layers=layers)


# Networks that are in no SuperNet


def test_layer_i_of_a_plain_network_is_supernet_layer_i() -> None:
    small = plain("small", conv(name="first", kernels=8), conv(name="last"))
    large = plain("large", conv(channels=24), conv(kernels=16), conv(groups=16))
    supernet = plain_supernet("mine", [small, large], accuracy_of="top-1")
    assert supernet.layers == (
        whole(name="first", kernels=32, channels_per_group=24, kernel_height=3, kernel_width=3),
        whole(name="last", kernels=32, channels_per_group=16, kernel_height=3, kernel_width=3),
        whole(name="conv", kernels=32, channels_per_group=1, kernel_height=3, kernel_width=3),
    )
    assert [layer.supernet_layer for layer in supernet.subnet("large").layers] == [0, 1, 2]
    assert [layer.kernels for layer in supernet.subnet("small").layers] == [8, 32]
    assert shared_weight_bytes(supernet) == 8 * 16 * 9 + 16 * 16 * 9


def test_plain_networks_with_other_kernels_in_layer_i_are_refused() -> None:
    narrow = conv(kernel_height=1, kernel_width=1)
    with pytest.raises(ValueError, match=r"SubNet 'b' has kernel_height 1, .* has 3"):
        plain_supernet("mine", [plain("a", conv()), plain("b", narrow)], accuracy_of="top-1")


@pytest.mark.parametrize("subnets", [[], [plain("empty")]])
def test_a_plain_network_needs_layers(subnets: Sequence[PlainSubNet]) -> None:
    with pytest.raises(ValueError, match="has no"):
        plain_supernet("mine", subnets, accuracy_of="top-1")


@pytest.mark.parametrize("name", SUPERNETS)
def test_a_listed_network_equals_the_generated_one(name: str) -> None:
    subnet = SUPERNETS[name].subnets[0]
    listed = PlainSubNet(name="A", accuracy_percent=subnet.accuracy_percent, layers=subnet.layers)
    again = plain_supernet("mine", [listed], accuracy_of="top-1").subnet("A")
    assert (again.macs, again.weight_bytes) == (subnet.macs, subnet.weight_bytes)
    assert [layer.kind for layer in again.layers] == [layer.kind for layer in subnet.layers]
