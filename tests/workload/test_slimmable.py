"""Slimmable networks, layer by layer against an independent count, and the nesting of widths."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import SubNet, SuperNet
from sushi_dse.workload.slimmable import SlimmableChoice, SlimmableFamily, slimmable_supernet
from sushi_dse.workload.weights import shared_weight_bytes

SUPERNETS = {
    name: load_workload(name).supernet
    for name in ("us_mobilenet_v1", "us_mobilenet_v2", "slimmable_resnet50")
}
TEXT = (shipped_folder("workloads") / "slimmable_resnet50.yaml").read_text(encoding="utf-8")

# Counted by the authors' code: width, top-1 in percent, MACs in millions, weights.
COUNTED = {
    "us_mobilenet_v1": [(0.25, 55.7, 41.0, 463600), (0.525, 65.0, 162.9, 1433832),
                        (1.0, 71.8, 568.7, 4209088)],
    "us_mobilenet_v2": [(0.35, 62.3, 59.3, 1662048), (0.65, 68.3, 161.9, 2322496),
                        (1.0, 71.5, 300.8, 3469760)],
    # MACs as published, rounded; weights of an independent count.
    "slimmable_resnet50": [(0.25, 65.0, 278.0, 1979696), (0.5, 72.1, 1.1e3, 6890080),
                           (0.75, 74.9, 2.3e3, 14731152), (1.0, 76.0, 4.1e3, 25502912)],
}  # fmt: skip
WIDTHS = {"us_mobilenet_v1": 31, "us_mobilenet_v2": 27, "slimmable_resnet50": 4}

Counted = tuple[int, int, int, int]
"""Kernels, channels that a kernel sums over, side of the kernel, side of the output map."""


def divisible(channels: float) -> int:
    """`make_divisible` of the authors' code, by 8."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def mobilenet_v1(width: float) -> Iterator[Counted]:
    """The layers of table 1 of "MobileNets" (arXiv:1704.04861) at a width."""
    channels, side = divisible(32 * width), 112
    yield channels, 3, 3, side
    for wide, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
                         *[(512, 1)] * 5, (1024, 2), (1024, 1)]:  # fmt: skip
        side //= stride
        yield channels, 1, 3, side
        yield divisible(wide * width), channels, 1, side
        channels = divisible(wide * width)
    yield 1000, channels, 1, 1


def mobilenet_v2(width: float) -> Iterator[Counted]:
    """The layers of table 2 of "MobileNetV2" (CVPR 2018) at a width of the features alone."""
    channels, side = divisible(32 * width), 112
    yield channels, 3, 3, side
    for expansion, wide, repeats, first_stride in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:  # fmt: skip
        for stride in [first_stride, *[1] * (repeats - 1)]:
            inner = expansion * channels
            if expansion > 1:
                yield inner, channels, 1, side
            side //= stride
            yield inner, 1, 3, side
            yield divisible(wide * width), inner, 1, side
            channels = divisible(wide * width)
    yield 1280, channels, 1, side
    yield 1000, 1280, 1, 1


def resnet50(width: float) -> Iterator[Counted]:
    """The layers of ResNet-50 with every number of channels times a width."""
    yield int(64 * width), 3, 7, 112
    channels, side = int(64 * width), 56
    for inner, repeats, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        narrow, wide = int(inner * width), int(4 * inner * width)
        yield narrow, channels, 1, side
        side //= stride
        yield narrow, narrow, 3, side
        yield wide, narrow, 1, side
        yield wide, channels, 1, side
        for _ in range(repeats - 1):
            yield narrow, wide, 1, side
            yield narrow, narrow, 3, side
            yield wide, narrow, 1, side
        channels = wide
    yield 1000, channels, 1, 1


ARCHITECTURES: dict[str, Callable[[float], Iterator[Counted]]] = {
    "us_mobilenet_v1": mobilenet_v1,
    "us_mobilenet_v2": mobilenet_v2,
    "slimmable_resnet50": resnet50,
}


def counted(subnet: SubNet) -> list[Counted]:
    return [
        (layer.kernels, layer.channels_per_group, layer.kernel_height, layer.output_height)
        for layer in subnet.layers
    ]


@pytest.mark.parametrize("name", SUPERNETS)
def test_each_width_is_the_published_architecture_layer_by_layer(name: str) -> None:
    assert len(SUPERNETS[name].subnets) == WIDTHS[name]
    for subnet in SUPERNETS[name].subnets:
        layers = list(ARCHITECTURES[name](float(subnet.name.removesuffix("x"))))
        assert counted(subnet) == layers
        assert subnet.macs == sum(k * c * r**2 * p**2 for k, c, r, p in layers)
        assert subnet.weight_bytes == sum(k * c * r**2 for k, c, r, _ in layers)


@pytest.mark.parametrize("name", SUPERNETS)
def test_macs_weights_and_accuracy_are_those_that_were_published(name: str) -> None:
    rounding = 0.05 if name == "slimmable_resnet50" else 1e-3
    for width, accuracy_percent, million_macs, weights in COUNTED[name]:
        subnet = SUPERNETS[name].subnet(f"{width}x")
        assert subnet.accuracy_percent == accuracy_percent
        assert subnet.macs == pytest.approx(million_macs * 1e6, rel=rounding)
        assert subnet.weight_bytes == weights


@pytest.mark.parametrize("name", SUPERNETS)
def test_a_wider_subnet_holds_every_narrower_one_whole(name: str) -> None:
    supernet = SUPERNETS[name]
    for narrow, wide in pairwise(supernet.subnets):
        pair = replace(supernet, subnets=(narrow, wide))
        shared = shared_weight_bytes(pair, convolutions_only=False)
        assert shared == narrow.weight_bytes < wide.weight_bytes
    assert counted(supernet.subnets[-1]) == [
        (layer.kernels, layer.channels_per_group, layer.kernel_height, size[-1])
        for layer, size in zip(supernet.layers, counted(supernet.subnets[-1]), strict=True)
    ]


def test_the_widest_slimmable_resnet50_is_resnet50() -> None:
    slimmable = SUPERNETS["slimmable_resnet50"].subnet("1.0x")
    (plain,) = load_workload("resnet50").supernet.subnets
    assert list(reads_of(slimmable.layers)) == list(reads_of(plain.layers))
    for layer, other in zip(slimmable.layers, plain.layers, strict=True):
        named = replace(other, name=layer.name, block=layer.block)
        assert layer == replace(named, input_from=layer.input_from, adds=layer.adds)


def test_a_block_has_a_shortcut_where_its_architecture_has_one() -> None:
    adding = {
        name: sum(bool(layer.adds) for layer in supernet.subnets[0].layers)
        for name, supernet in SUPERNETS.items()
    }
    assert adding == {"us_mobilenet_v1": 0, "us_mobilenet_v2": 10, "slimmable_resnet50": 16}


def small(**changes: object) -> SlimmableFamily:
    fields = {
        "name": "small", "accuracy_of": "top-1", "block": "separable", "resolution": 8,
        "first_conv_width": 8, "first_kernel_size": 3, "stage_widths": (16, 32),
        "stage_strides": (1, 2), "blocks_per_stage": (1, 2), "stage_expand_ratios": (1, 1),
        "width_multipliers": (0.5, 1.0),
    }  # fmt: skip
    return SlimmableFamily(**{**fields, **changes})  # type: ignore[arg-type] # of the test


def choices(*widths: float) -> list[SlimmableChoice]:
    return [SlimmableChoice(name=str(i), width_multiplier=width) for i, width in enumerate(widths)]


def test_a_subnet_may_be_the_only_one_and_its_supernet_stays_the_largest_width() -> None:
    both: SuperNet = slimmable_supernet(small(), choices(0.5, 1.0))
    assert slimmable_supernet(small(), choices(0.5)).layers == both.layers


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"stage_strides": (1,)}, "stage_strides needs one entry for each of the 2 stage_widths"),
        ({"blocks_per_stage": (1, 0)}, "blocks_per_stage > 0 must hold"),
        ({"width_multipliers": ()}, "width_multipliers is empty"),
        ({"stage_expand_ratios": (1, 6)}, "of separable blocks must be 1"),
    ],
)
def test_a_family_that_is_none_is_refused(changes: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        small(**changes)


@pytest.mark.parametrize(
    ("old", "new", "at", "wrong"),
    [
        ("width_multiplier: 0.5,", "width_multiplier: 0.6,", "width_multiplier: 0.6",
         "SubNet '0.5x': width_multiplier 0.6 is not a choice; allowed: 0.25, 0.5, 0.75, 1.0"),
        ("width_multiplier: 0.5,", "width_multiplier: 0.25,",
         "multiplier: 0.25, accuracy_percent: 7",
         "width_multiplier 0.25 is that of SubNet '0.25x', too; keep one of the two"),
        ("[0.25, 0.5, 0.75, 1.0]", "[0.25, 0.5, 0.5]", "0.5]\nch", "0.5 is offered twice"),
        ("[0.25, 0.5, 0.75, 1.0]", "{from: 0.25, to: 1.0}", "{from", "a range has from, to and"),
        ("[0.25, 0.5, 0.75, 1.0]", "[0.25, wide]", "wide]", "a number is wanted"),
        ("block: bottleneck", "block: bottlneck", "bottlneck",
         "block: 'separable', 'inverted_bottleneck' or 'bottleneck' is wanted, got 'bottlneck'"),
        ("first_kernel_size: 7", "first_kernel_size: 65535", "{name: 0.25x",
         "layer 'first_conv': weights x pixels <= 4503599627370496 must hold"),
        ("[3, 4, 6, 3]", "[3, 4, 600, 600]", "[3, 4, 600", "1000 blocks at most must hold"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_one_line_with_its_place(
    old: str, new: str, at: str, wrong: str, tmp_path: Path
) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    start = text.index(at, text.index("family: "))
    line = text.count("\n", 0, start) + 1
    with pytest.raises(UserError) as refused:
        load_workload(tmp_path / "my.yaml")
    assert str(refused.value).startswith(f"{tmp_path / 'my.yaml'}:{line}:")
    assert wrong in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_range_of_widths_is_its_list(tmp_path: Path) -> None:
    text = TEXT.replace("[0.25, 0.5, 0.75, 1.0]", "{from: 0.25, to: 1.0, step: 0.25}")
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    assert load_workload(tmp_path / "my.yaml").supernet == SUPERNETS["slimmable_resnet50"]
