"""The families of SuperNets against the published networks, and the laws of their generators."""

import csv
import json
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import (
    PlainLayer,
    SuperNet,
)
from sushi_dse.workload.mobilenet_v3 import (
    MobileNetV3Choice,
    mobilenet_v3_supernet,
)
from sushi_dse.workload.resnet import ResNetChoice, resnet_supernet
from sushi_dse.workload.stages import StagedFamily, rounded_channels
from sushi_dse.workload.weights import shared_weight_bytes
from tests.facts import FEW
from tests.workload.supernet_cases import MBV3, MBV3_CHOICES, RESNET, RESNET_CHOICES, SUPERNETS

generates_supernets = settings(max_examples=40, deadline=None)  # each takes milliseconds

# The table of released nets in the Once-for-all README.
RESNET50_PUBLISHED_MACS = {"A": 6e8, "B": 9e8, "C": 1.8e9, "D": 2.4e9, "E": 3.7e9, "F": 4.1e9}


# The two workloads


@pytest.mark.parametrize("name", SUPERNETS)
def test_generated_layers_equal_the_published_ones_one_by_one(name: str, facts: Path) -> None:
    with (facts / f"{name}_layers.csv").open(newline="", encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    generated = {
        (subnet.name, str(i)): layer
        for subnet in SUPERNETS[name].subnets
        for i, layer in enumerate(subnet.layers)
    }
    assert len(published) == (25 if facts == FEW else len(generated))
    for row in published:
        layer = generated[row["subnet"], row["index"]]
        assert {
            "subnet": row["subnet"], "index": row["index"], "layer": layer.name,
            "supernet_layer": str(layer.supernet_layer), "type": layer.kind,
            "K": str(layer.kernels), "C": str(layer.channels),
            "R": str(layer.kernel_height), "S": str(layer.kernel_width),
            "H": str(layer.height), "W": str(layer.width),
            "P": str(layer.output_height), "Q": str(layer.output_width),
            "stride": str(layer.stride[0]), "pad": str(layer.padding[0]),
            "groups": str(layer.groups),
        } == row  # fmt: skip


@pytest.mark.parametrize("name", SUPERNETS)
def test_totals_and_choices_equal_the_published_ones(name: str, facts: Path) -> None:
    supernet = SUPERNETS[name]
    published = json.loads((facts / f"{name}_subnets.json").read_text(encoding="utf-8"))
    assert supernet.name == published["supernet"]["name"]
    assert shared_weight_bytes(supernet) == published["conv_weight_bytes_shared_by_all"]
    for subnet, fact in zip(supernet.subnets, published["subnets"], strict=True):
        conv_bytes = fact.get(
            "conv_weight_bytes_int8", fact.get("weight_bytes_int8_without_classifier")
        )
        assert subnet.name == fact["subnet"]
        assert subnet.accuracy_percent == fact["top1_percent"]
        assert subnet.macs == fact["macs"]
        assert subnet.macs - subnet.layers[-1].macs == fact["macs_without_classifier"]
        assert subnet.weight_bytes == fact["weight_bytes_int8"]
        assert subnet.conv_weight_bytes == conv_bytes


def test_mobilenet_v3_equals_its_measured_subnets(facts: Path) -> None:
    with (facts / "ofa_mbv3_accuracy.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    choices = [
        MobileNetV3Choice(
            name=str(i),
            accuracy_percent=float(row["top1_percent"]),
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


def test_resnet50_is_within_a_hundredth_of_the_macs_that_its_project_publishes() -> None:
    for subnet in SUPERNETS["ofa_resnet50"].subnets:
        assert subnet.macs == pytest.approx(RESNET50_PUBLISHED_MACS[subnet.name], rel=0.009)


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
        accuracy_percent=draw(st.floats(0, 100)),
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
        accuracy_percent=draw(st.floats(0, 100)),
        resolution=draw(st.integers(1, 300)),
        blocks_per_stage=blocks,
        block_expand_ratios=ratios,
    )


def random_supernets() -> st.SearchStrategy[SuperNet]:
    return st.one_of(
        resnet_choices().map(lambda choice: resnet_supernet(RESNET, [choice])),
        mobilenet_v3_choices().map(lambda choice: mobilenet_v3_supernet(MBV3, [choice])),
    )


# Laws of the generators


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
@given(random_supernets())
def test_what_a_layer_reads_has_its_channels_and_what_it_adds_its_size(supernet: SuperNet) -> None:
    (subnet,) = supernet.subnets
    read: set[int] = set()
    for layer, reads in zip(subnet.layers, reads_of(subnet.layers), strict=True):
        read |= reads.inputs | reads.adds
        for number in reads.inputs:
            assert subnet.layers[number].kernels == layer.channels
        for number in reads.adds:
            added = subnet.layers[number]
            assert (added.kernels, added.output_bytes) == (layer.kernels, layer.output_bytes)
    assert read == set(range(len(subnet.layers) - 1))


@generates_supernets
@given(resnet_choices())
def test_the_last_layer_of_each_resnet_block_adds_its_shortcut(choice: ResNetChoice) -> None:
    (subnet,) = resnet_supernet(RESNET, [choice]).subnets
    blocks = [list(layers) for _, layers in groupby(subnet.layers, key=lambda layer: layer.block)]
    stem, *blocks, _ = blocks
    assert [layer.adds for layer in stem[1:-1]] == [("stem0",)] * choice.stem_residual_conv
    before = stem[-1]
    for layers in blocks:
        has_downsample = layers[-1].name.endswith(".downsample")
        shortcut = layers[2] if has_downsample else before
        assert [layer.adds for layer in layers] == [()] * (len(layers) - 1) + [(shortcut.name,)]
        assert layers[-1].input_from == ((before.name,) if has_downsample else ())
        before = layers[-1]


def test_a_mobilenet_v3_block_adds_its_input_and_scales_its_depthwise_map() -> None:
    layers = {layer.name: layer for layer in SUPERNETS["ofa_mbv3"].subnet("A").layers}
    assert layers["block0.project"].adds == ("first_conv",)
    assert layers["s2.b0.project"].adds == ()  # It strides.
    assert layers["s2.b1.project"].adds == ("s2.b0.project",)
    assert layers["s2.b1.project"].input_from == ("s2.b1.dw", "s2.b1.se_expand")
    assert layers["s1.b1.project"].input_from == ()
    named = [layer.name for layer in layers.values() if layer.input_from or layer.adds]
    assert all(name.endswith(".project") for name in named)


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
