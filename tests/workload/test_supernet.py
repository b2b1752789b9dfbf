"""Layers, SubNets and SuperNets against the published ones, and the laws of their generators."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.workload.layers import (
    Layer,
    PlainLayer,
    SubNet,
    SuperNet,
    SuperNetLayer,
    shared_weight_bytes,
)
from sushi_dse.workload.mobilenet_v3 import (
    MobileNetV3Choice,
    MobileNetV3Family,
    mobilenet_v3_supernet,
)
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from sushi_dse.workload.resnet import ResNetChoice, ResNetFamily, resnet_supernet
from sushi_dse.workload.stages import StagedFamily, rounded_channels
from tests import paths

generates_supernets = settings(max_examples=40, deadline=None)  # each takes milliseconds
WORKLOADS = paths.ROOT / "workloads"

# MACs and convolution weight bytes by SubNet: computed from the layers that the FEATHER artifact
# (ISCA 2024) ran, within 0.9 % of the MACs in the Once-for-all README.
RESNET50_MACS = {
    "A": 599_924_800,
    "B": 897_352_000,
    "C": 1_795_186_688,
    "D": 2_380_782_848,
    "E": 3_667_881_152,
    "F": 4_065_015_104,
}
RESNET50_PUBLISHED_MACS = {"A": 6e8, "B": 9e8, "C": 1.8e9, "D": 2.4e9, "E": 3.7e9, "F": 4.1e9}
RESNET50_CONV_WEIGHT_BYTES = {
    "A": 7_950_536,
    "B": 12_807_560,
    "C": 18_638_664,
    "D": 26_866_760,
    "E": 24_806_088,
    "F": 28_803_720,
}
RESNET50_SHARED_BYTES = 7_916_296  # the overlap of those layers: 7.55 MiB
# As the generator of Georgia Tech's once-for-all repository, checked against its parameter count.
MBV3_MACS = {
    "A": 359_064_896,
    "B": 407_314_496,
    "C": 380_971_264,
    "D": 383_369_344,
    "E": 347_359_520,
    "F": 405_026_656,
    "G": 398_958_816,
}
MBV3_SHARED_BYTES = 2_674_656


def tuples(document: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in document.items()}


def load(name: str) -> tuple[Any, list[Any], Callable[..., SuperNet]]:
    """The family, the choices and the generator of a workload file."""
    document = yaml.safe_load((WORKLOADS / f"{name}.yaml").read_text(encoding="utf-8"))
    for beside_the_family in ("description", "accuracy_model"):
        document.pop(beside_the_family, None)
    family_type, choice_type, build = {
        "resnet": (ResNetFamily, ResNetChoice, resnet_supernet),
        "mobilenet_v3": (MobileNetV3Family, MobileNetV3Choice, mobilenet_v3_supernet),
    }[document.pop("family")]
    choices = [choice_type(**tuples(entry)) for entry in document.pop("subnets")]
    return family_type(**tuples(document)), choices, build  # type: ignore[return-value] # by family


RESNET, RESNET_CHOICES, _ = load("ofa_resnet50")
MBV3, MBV3_CHOICES, _ = load("ofa_mbv3")
SUPERNETS = {
    "ofa_resnet50": resnet_supernet(RESNET, RESNET_CHOICES),
    "ofa_mbv3": mobilenet_v3_supernet(MBV3, MBV3_CHOICES),
}


def conv(**changes: Any) -> PlainLayer:
    sizes = {"name": "conv", "kernels": 32, "channels": 16, "kernel_height": 3, "kernel_width": 3,
             "height": 10, "width": 12, "padding": 1}  # fmt: skip
    return PlainLayer(**{**sizes, **changes})


def cut(number: int = 0, **changes: Any) -> Layer:
    sizes = {"name": "cut", "kernels": 4, "channels": 4, "kernel_height": 1, "kernel_width": 1,
             "height": 1, "width": 1}  # fmt: skip
    return Layer(**{**sizes, **changes}, supernet_layer=number)


def subnet_of(*layers: Layer, name: str = "A", top1_percent: float = 50) -> SubNet:
    return SubNet(name=name, top1_percent=top1_percent, layers=layers)


def whole(**changes: Any) -> SuperNetLayer:
    sizes = {"name": "whole", "kernels": 8, "channels_per_group": 8, "kernel_height": 1,
             "kernel_width": 1}  # fmt: skip
    return SuperNetLayer(**{**sizes, **changes})


# Layers


def test_the_output_is_counted_as_the_definition_slides_the_kernel() -> None:
    for size in range(1, 9):
        for window in (1, 3, 5):
            for stride in (1, 2, 3):
                for padding in (0, 1, 2):
                    starts = range(-padding, size + padding - window + 1, stride)
                    if len(starts) == 0:
                        continue
                    layer = conv(
                        kernel_height=window, kernel_width=window, height=size, width=size + 1,
                        stride=stride, padding=padding,
                    )  # fmt: skip
                    assert layer.output_height == len(starts)
                    wider = range(-padding, size + 1 + padding - window + 1, stride)
                    assert layer.output_width == len(wider)


def test_bytes_and_macs_follow_from_the_sizes() -> None:
    layer = conv(groups=4, stride=2)
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
        ({"stride": 0}, "stride > 0"),
        ({"groups": 0}, "groups > 0"),
        ({"padding": -1}, "padding >= 0"),
        ({"groups": 3}, "3 groups of 32 kernels and 16 channels"),
        ({"kernels": 24, "groups": 16}, "groups must divide"),
        ({"kernels": 16, "channels": 24, "groups": 16}, "groups must divide"),
        ({"kernel_height": 13}, "a 13x3 kernel is larger than its 10x12 input with padding 1"),
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


@pytest.mark.parametrize("top1_percent", [-0.1, 100.1, float("nan")])
def test_an_accuracy_that_is_no_percentage_is_refused(top1_percent: float) -> None:
    with pytest.raises(ValueError, match="0 <= top1_percent <= 100"):
        subnet_of(cut(), top1_percent=top1_percent)


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
        (cut(kernel_height=3, padding=1), "has kernel_height 3, SuperNet layer 'whole' has 1"),
        (cut(kernel_width=3, padding=1), "has kernel_width 3"),
    ],
)
def test_a_layer_outside_its_supernet_layer_is_refused(layer: Layer, message: str) -> None:
    with pytest.raises(ValueError, match=f"layer 'cut' of SubNet 'A' .*{message}"):
        SuperNet(name="net", layers=(whole(),), subnets=(subnet_of(layer),))


def test_channels_are_compared_by_group() -> None:
    depthwise = cut(kernels=8, channels=8, groups=8)
    SuperNet(name="net", layers=(whole(channels_per_group=1),), subnets=(subnet_of(depthwise),))


@pytest.mark.parametrize("size", ["kernels", "channels_per_group", "kernel_height", "kernel_width"])
def test_a_supernet_layer_has_positive_sizes(size: str) -> None:
    with pytest.raises(ValueError, match=f"{size} > 0 must hold, got 0"):
        whole(**{size: 0})


def test_a_supernet_has_subnets_of_different_names() -> None:
    with pytest.raises(ValueError, match="'net' has no SubNet"):
        SuperNet(name="net", layers=(whole(),), subnets=())
    with pytest.raises(ValueError, match="two SubNets named 'A'"):
        SuperNet(name="net", layers=(whole(),), subnets=(subnet_of(cut()), subnet_of(cut())))


def test_a_subnet_is_found_by_name_or_the_near_ones_are_named() -> None:
    supernet = SUPERNETS["ofa_resnet50"]
    assert supernet.subnet("C").name == "C"
    with pytest.raises(UserError, match="ofa_resnet50 has no SubNet 'H'; known: A, B, C, D, E, F"):
        supernet.subnet("H")
    net = SuperNet(name="net", layers=(whole(),), subnets=(subnet_of(cut(), name="small"),))
    with pytest.raises(UserError, match="did you mean 'small'"):
        net.subnet("smal")


def test_what_is_shared_is_the_overlap_of_all() -> None:
    layers = (whole(), whole(), whole(), whole(kernel_height=3, kernel_width=3))
    window = {"kernel_height": 3, "kernel_width": 3, "padding": 1}
    a = subnet_of(
        cut(0, kernels=2), cut(1), cut(2, fully_connected=True), cut(3, **window), name="a"
    )
    b = subnet_of(
        cut(0, channels=3), cut(2, fully_connected=True), cut(3, channels=1, **window), name="b"
    )
    supernet = SuperNet(name="net", layers=layers, subnets=(a, b))
    assert shared_weight_bytes(supernet) == 2 * 3 + 4 * 1 * 9
    assert shared_weight_bytes(supernet, convolutions_only=False) == 2 * 3 + 4 * 4 + 4 * 1 * 9


# The two workloads


@pytest.mark.parametrize("name", SUPERNETS)
def test_generated_layers_equal_the_published_ones_one_by_one(name: str, shared_data: Path) -> None:
    with (shared_data / f"{name}_layers.csv").open(newline="", encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    generated = [
        (subnet.name, i, layer)
        for subnet in SUPERNETS[name].subnets
        for i, layer in enumerate(subnet.layers)
    ]
    assert len(generated) == len(published) > 300
    for (subnet, i, layer), row in zip(generated, published, strict=True):
        assert {
            "subnet": subnet, "index": str(i), "layer": layer.name,
            "supernet_layer": str(layer.supernet_layer), "type": layer.kind,
            "K": str(layer.kernels), "C": str(layer.channels),
            "R": str(layer.kernel_height), "S": str(layer.kernel_width),
            "H": str(layer.height), "W": str(layer.width),
            "P": str(layer.output_height), "Q": str(layer.output_width),
            "stride": str(layer.stride), "pad": str(layer.padding), "groups": str(layer.groups),
        } == row  # fmt: skip


@pytest.mark.parametrize("name", SUPERNETS)
def test_totals_and_choices_equal_the_published_ones(name: str, shared_data: Path) -> None:
    supernet = SUPERNETS[name]
    facts = json.loads((shared_data / f"{name}_subnets.json").read_text(encoding="utf-8"))
    assert supernet.name == facts["supernet"]["name"]
    assert shared_weight_bytes(supernet) == facts["conv_weight_bytes_shared_by_all"]
    for subnet, fact in zip(supernet.subnets, facts["subnets"], strict=True):
        conv_bytes = fact.get(
            "conv_weight_bytes_int8", fact.get("weight_bytes_int8_without_classifier")
        )
        assert subnet.name == fact["subnet"]
        assert subnet.top1_percent == fact["top1_percent"]
        assert subnet.macs == fact["macs"]
        assert subnet.macs - subnet.layers[-1].macs == fact["macs_without_classifier"]
        assert subnet.weight_bytes == fact["weight_bytes_int8"]
        assert subnet.conv_weight_bytes == conv_bytes


def test_mobilenet_v3_equals_its_800_measured_subnets(shared_data: Path) -> None:
    with (shared_data / "ofa_mbv3_accuracy.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    choices = [
        MobileNetV3Choice(
            name=str(i),
            top1_percent=float(row["top1_percent"]),
            resolution=224,
            blocks_per_stage=tuple(map(int, row["blocks_per_stage"].split())),
            block_expand_ratios=tuple(map(int, row["expand_ratios"].split())),
        )
        for i, row in enumerate(rows)
    ]
    subnets = mobilenet_v3_supernet(MBV3, choices).subnets
    for subnet, row in zip(subnets, rows, strict=True):
        assert subnet.macs == int(row["macs"])
        assert subnet.conv_weight_bytes == int(row["weight_bytes_int8_without_classifier"])


def test_resnet50_has_its_published_totals() -> None:
    supernet = SUPERNETS["ofa_resnet50"]
    assert {s.name: s.macs for s in supernet.subnets} == RESNET50_MACS
    assert {s.name: s.conv_weight_bytes for s in supernet.subnets} == RESNET50_CONV_WEIGHT_BYTES
    assert shared_weight_bytes(supernet) == RESNET50_SHARED_BYTES
    for subnet in supernet.subnets:
        assert subnet.macs == pytest.approx(RESNET50_PUBLISHED_MACS[subnet.name], rel=0.009)


def test_mobilenet_v3_has_its_published_totals() -> None:
    supernet = SUPERNETS["ofa_mbv3"]
    assert {s.name: s.macs for s in supernet.subnets} == MBV3_MACS
    assert shared_weight_bytes(supernet) == MBV3_SHARED_BYTES


# Laws of the generators


@st.composite
def depths_and_ratios(
    draw: st.DrawFn, family: StagedFamily
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    bounds = zip(family.min_blocks_per_stage, family.max_blocks_per_stage, strict=True)
    blocks = tuple(draw(st.integers(least, most)) for least, most in bounds)
    length = draw(st.sampled_from([sum(blocks), sum(family.max_blocks_per_stage)]))
    ratio = st.sampled_from(family.expand_ratios)
    return blocks, tuple(draw(st.lists(ratio, min_size=length, max_size=length)))


@st.composite
def resnet_choices(draw: st.DrawFn) -> ResNetChoice:
    blocks, ratios = draw(depths_and_ratios(RESNET))
    multiplier = st.sampled_from(RESNET.width_multipliers)
    stem_widths = [draw(st.sampled_from(RESNET.stem_width_choices(i))) for i in (0, 1)]
    return ResNetChoice(
        name="random",
        top1_percent=draw(st.floats(0, 100)),
        resolution=draw(st.integers(1, 300)),
        stem_residual_conv=draw(st.booleans()),
        stem_widths=(stem_widths[0], stem_widths[1]),
        stage_width_multipliers=tuple(draw(multiplier) for _ in blocks),
        blocks_per_stage=blocks,
        block_expand_ratios=ratios,
    )


@st.composite
def mobilenet_v3_choices(draw: st.DrawFn) -> MobileNetV3Choice:
    blocks, ratios = draw(depths_and_ratios(MBV3))
    return MobileNetV3Choice(
        name="random",
        top1_percent=draw(st.floats(0, 100)),
        resolution=draw(st.integers(1, 300)),
        blocks_per_stage=blocks,
        block_expand_ratios=ratios,
    )


def random_supernets() -> st.SearchStrategy[SuperNet]:
    return st.one_of(
        resnet_choices().map(lambda choice: resnet_supernet(RESNET, [choice])),
        mobilenet_v3_choices().map(lambda choice: mobilenet_v3_supernet(MBV3, [choice])),
    )


@generates_supernets
@given(random_supernets())
def test_a_valid_choice_is_cut_from_the_same_supernet(supernet: SuperNet) -> None:
    published = SUPERNETS[supernet.name]
    assert supernet.layers == published.layers
    (subnet,) = supernet.subnets
    for layer in subnet.layers:
        of_supernet = supernet.layers[layer.supernet_layer]
        assert layer.name == of_supernet.name
        assert layer.kernels <= of_supernet.kernels
        assert layer.channels_per_group <= of_supernet.channels_per_group
    replace(published, subnets=(*published.subnets, subnet))  # checks itself


@generates_supernets
@given(random_supernets())
def test_what_one_subnet_shares_with_itself_is_all_of_it(supernet: SuperNet) -> None:
    (subnet,) = supernet.subnets
    assert shared_weight_bytes(supernet) == subnet.conv_weight_bytes
    assert shared_weight_bytes(supernet, convolutions_only=False) == subnet.weight_bytes


@generates_supernets
@given(random_supernets())
def test_widths_are_multiples_of_the_divisor(supernet: SuperNet) -> None:
    (subnet,) = supernet.subnets
    assert all(layer.kernels % 8 == 0 for layer in subnet.layers)
    assert all(layer.channels % 8 == 0 for layer in subnet.layers[1:])


def feeds(before: PlainLayer, after: PlainLayer, *, pooled: bool = False) -> bool:
    same_size = (before.output_height, before.output_width) == (after.height, after.width)
    return before.kernels == after.channels and (same_size or pooled)


@generates_supernets
@given(resnet_choices())
def test_channels_and_sizes_chain_through_a_resnet(choice: ResNetChoice) -> None:
    (subnet,) = resnet_supernet(RESNET, [choice]).subnets
    trunk = [layer for layer in subnet.layers if not layer.name.endswith(".downsample")]
    for before, after in pairwise(trunk):
        pooled = before.name == "stem2" or after.name == "classifier"
        assert feeds(before, after, pooled=pooled), (before, after)
    for i, layer in enumerate(subnet.layers):
        if layer.name.endswith(".downsample"):  # beside the three before it
            first, _, last = subnet.layers[i - 3 : i]
            assert layer.channels == first.channels
            assert (layer.kernels, layer.output_bytes) == (last.kernels, last.output_bytes)


@generates_supernets
@given(mobilenet_v3_choices())
def test_channels_and_sizes_chain_through_a_mobilenet_v3(choice: MobileNetV3Choice) -> None:
    (subnet,) = mobilenet_v3_supernet(MBV3, [choice]).subnets
    trunk = [layer for layer in subnet.layers if ".se_" not in layer.name]
    for before, after in pairwise(trunk):
        assert feeds(before, after, pooled=after.name == "feature_mix"), (before, after)
    for before, after in pairwise(subnet.layers):
        assert before.kernels == after.channels


@generates_supernets
@given(depths_and_ratios(MBV3), st.data())
def test_ratios_of_blocks_that_do_not_exist_are_ignored(
    drawn: tuple[tuple[int, ...], tuple[float, ...]], data: st.DataObject
) -> None:
    blocks = drawn[0]
    per_block = tuple(data.draw(st.sampled_from(MBV3.expand_ratios)) for _ in range(sum(blocks)))
    left, possible = list(per_block), []
    for count, most in zip(blocks, MBV3.max_blocks_per_stage, strict=True):
        possible += [left.pop(0) for _ in range(count)] + [99] * (most - count)
    choice = replace(MBV3_CHOICES[0], blocks_per_stage=blocks, block_expand_ratios=per_block)
    spelled_out = replace(choice, block_expand_ratios=tuple(possible))
    assert mobilenet_v3_supernet(MBV3, [choice]) == mobilenet_v3_supernet(MBV3, [spelled_out])


def test_a_squeeze_excite_has_a_quarter_of_the_channels_on_one_pixel() -> None:
    layers = {layer.name: layer for layer in SUPERNETS["ofa_mbv3"].subnet("A").layers}
    reduce, expand = layers["s4.b1.se_reduce"], layers["s4.b1.se_expand"]
    assert (reduce.channels, reduce.kernels, expand.channels, expand.kernels) == (
        448,
        112,
        112,
        448,
    )
    assert reduce.macs == reduce.weight_bytes
    assert not any(".se_" in name for name in layers if name.startswith(("s1", "s3")))


@given(st.integers(1, 4000), st.integers(1, 32))
def test_rounding_keeps_nine_tenths_of_the_channels(channels: int, divisor: int) -> None:
    rounded = rounded_channels(channels, divisor)
    assert rounded % divisor == 0
    assert 0.9 * channels <= rounded < channels + divisor


# Wrong choices


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resolution": 0}, "resolution > 0 must hold, got 0"),
        (
            {"stem_widths": (24, 50)},
            "stem width number 2, 50 is not a choice; allowed: 40, 48, 64",
        ),
        ({"stem_widths": (20, 40)}, "stem width number 1, 20 is not a choice; allowed: 24, 32"),
        ({"stem_widths": (24,)}, "stem_widths needs 2 entries, got 1"),
        (
            {"stage_width_multipliers": (0.65, 0.65, 0.7, 0.8)},
            "width multiplier of stage 3 0.7 is not a choice; allowed: 0.65, 0.8, 1.0",
        ),
        (
            {"stage_width_multipliers": (0.65,)},
            "stage_width_multipliers needs one entry for each of the 4 stages, got 1",
        ),
        (
            {"blocks_per_stage": (2, 2, 5)},
            "blocks_per_stage needs one entry for each of the 4 stages, got 3",
        ),
        ({"blocks_per_stage": (2, 2, 7, 2)}, "stage 3 has 4 to 6 blocks, got 7"),
        ({"blocks_per_stage": (1, 2, 5, 2)}, "stage 1 has 2 to 4 blocks, got 1"),
        (
            {"block_expand_ratios": (0.2,) * 12},
            "needs 11 entries, one for each block, or 18, one for each block of the largest "
            "SubNet; got 12",
        ),
        (
            {"block_expand_ratios": (0.2,) * 3 + (0.3,) * 8},
            "expand ratio of block s2.b1 0.3 is not a choice; allowed: 0.2, 0.25, 0.35",
        ),
    ],
)
def test_a_choice_the_family_does_not_have_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"SubNet 'A': .*{message}"):
        resnet_supernet(RESNET, [replace(RESNET_CHOICES[0], **changes)])


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        (RESNET, {"stage_widths": ()}, "stage_strides needs one entry for each of the 0"),
        (RESNET, {"stage_strides": (1, 2)}, "stage_strides needs one entry for each of the 4"),
        (RESNET, {"width_multipliers": ()}, "width_multipliers is empty"),
        (RESNET, {"expand_ratios": ()}, "expand_ratios is empty"),
        (RESNET, {"expand_ratios": (0.2, -1)}, "expand_ratios > 0 must hold"),
        (RESNET, {"expand_ratios": (float("nan"),)}, "expand_ratios > 0 must hold"),
        (RESNET, {"channel_divisor": 0}, "channel_divisor > 0 must hold, got 0"),
        (RESNET, {"classes": 0}, "classes > 0"),
        (RESNET, {"min_blocks_per_stage": (2, 5, 4, 2)}, "must hold, got 5 and 4"),
        (MBV3, {"stage_squeeze_excite": (True,)}, "stage_squeeze_excite needs one entry"),
        (MBV3, {"kernel_size": 4}, "kernel_size must be odd, got 4"),
    ],
)
def test_a_family_checks_itself(family: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"{family.name}: .*{message}"):
        replace(family, **changes)


# Networks that are in no SuperNet


def plain(name: str, *layers: PlainLayer) -> PlainSubNet:
    return PlainSubNet(name=name, top1_percent=50, layers=layers)


def test_layer_i_of_a_plain_network_is_supernet_layer_i() -> None:
    small = plain("small", conv(name="first", kernels=8), conv(name="last"))
    large = plain("large", conv(channels=24), conv(kernels=16), conv(groups=16))
    supernet = plain_supernet("mine", [small, large])
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
        plain_supernet("mine", [plain("a", conv()), plain("b", narrow)])


@pytest.mark.parametrize("subnets", [[], [plain("empty")]])
def test_a_plain_network_needs_layers(subnets: Sequence[PlainSubNet]) -> None:
    with pytest.raises(ValueError, match="has no"):
        plain_supernet("mine", subnets)


@pytest.mark.parametrize("name", SUPERNETS)
def test_a_listed_network_equals_the_generated_one(name: str) -> None:
    subnet = SUPERNETS[name].subnets[0]
    listed = PlainSubNet(name="A", top1_percent=subnet.top1_percent, layers=subnet.layers)
    again = plain_supernet("mine", [listed]).subnet("A")
    assert (again.macs, again.weight_bytes) == (subnet.macs, subnet.weight_bytes)
    assert [layer.kind for layer in again.layers] == [layer.kind for layer in subnet.layers]
