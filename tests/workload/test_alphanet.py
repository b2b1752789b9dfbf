"""AlphaNet, layer by layer against an independent count, and what its SubNets share."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.workload.alphanet import AlphaNetChoice, AlphaNetFamily, alphanet_supernet
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import SubNet
from tests.workload.supernet_cases import load

SUPERNET = load_workload("alphanet").supernet
TEXT = (shipped_folder("workloads") / "alphanet.yaml").read_text(encoding="utf-8")
FAMILY, CHOICES, _ = load("alphanet")
PUBLISHED_MILLION_MACS = {"A0": 203, "A1": 279, "A2": 317, "A3": 357, "A4": 444, "A5_small": 491,
                          "A5_base": 596, "A6": 709}  # fmt: skip
# Weights of an independent count without the convolutions of the shortcuts.
WEIGHTS = {"A0": 8841024, "A1": 9339712, "A2": 11024344, "A3": 12647984, "A4": 11681568,
           "A5_small": 12831936, "A5_base": 12272096, "A6": 15002224}  # fmt: skip

Counted = tuple[int, int, int, int]
"""Kernels, channels that a kernel sums over, side of the kernel, side of the output map."""


def divisible(channels: float) -> int:
    """`make_divisible` of the authors' code, by 8."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def alphanet(
    resolution: int,
    widths: Sequence[int],  # first convolution, seven stages, last convolution
    depths: Sequence[int],
    kernel_sizes: Sequence[int],
    expand_ratios: Sequence[int],
) -> Iterator[Counted]:
    """The layers of a row of the authors' table of architectures."""
    first, *stages, last = widths
    channels, side = first, resolution // 2
    yield first, 3, 3, side
    rows = zip(stages, depths, kernel_sizes, expand_ratios, (1, 2, 2, 2, 1, 2, 1),
               (0, 0, 1, 0, 1, 1, 1), strict=True)  # fmt: skip
    for width, depth, kernel_size, ratio, first_stride, has_squeeze in rows:
        for stride in [first_stride, *[1] * (depth - 1)]:
            inner = divisible(channels * ratio)
            if ratio > 1:
                yield inner, channels, 1, side
            side = -(-side // stride)
            yield inner, 1, kernel_size, side
            if has_squeeze:
                yield divisible(inner // 4), inner, 1, 1
                yield inner, divisible(inner // 4), 1, 1
            yield width, inner, 1, side
            if width != channels:  # the shortcut, behind an average pool
                yield width, channels, 1, side
            channels = width
    yield 6 * channels, channels, 1, side
    yield last, 6 * channels, 1, 1
    yield 1000, last, 1, 1


ROWS = {
    "A0": alphanet(192, [16, 16, 24, 32, 64, 112, 192, 216, 1792], [1, 3, 3, 3, 3, 3, 1],
                   [3] * 7, [1, 4, 4, 4, 4, 6, 6]),
    "A5_base": alphanet(288, [16, 16, 24, 32, 64, 112, 200, 216, 1984], [2, 3, 4, 3, 3, 5, 1],
                        [3, 3, 5, 5, 3, 3, 3], [1, 4, 4, 4, 5, 6, 6]),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_subnet_is_its_row_of_the_authors_table_layer_by_layer(name: str) -> None:
    assert [
        (layer.kernels, layer.channels_per_group, layer.kernel_height, layer.output_height)
        for layer in SUPERNET.subnet(name).layers
    ] == list(ROWS[name])


def shortcuts(subnet: SubNet) -> list[int]:
    return [i for i, layer in enumerate(subnet.layers) if layer.name.endswith(".shortcut")]


def test_macs_are_the_published_ones_and_shortcuts_are_what_other_counts_lack() -> None:
    assert [subnet.name for subnet in SUPERNET.subnets] == list(PUBLISHED_MILLION_MACS)
    for subnet in SUPERNET.subnets:
        published = PUBLISHED_MILLION_MACS[subnet.name]
        assert subnet.macs / 1e6 == pytest.approx(published, abs=1.3)
        assert (round(subnet.macs / 1e6) == published) == (subnet.name != "A5_base")  # 594.8
        beside = [subnet.layers[i] for i in shortcuts(subnet)]
        lacking = (subnet.macs - sum(layer.macs for layer in beside)) / 1e6
        assert 0.016 < 1 - lacking / published < 0.025
        assert subnet.weight_bytes - sum(x.weight_bytes for x in beside) == WEIGHTS[subnet.name]


def test_depthwise_layers_of_two_kernel_sizes_share_no_weight() -> None:
    sizes = {layer.name: layer.kernel_height for layer in SUPERNET.layers}
    assert sizes["s3.b0.dw3x3"] == 3
    assert sizes["s3.b0.dw5x5"] == 5
    taken = {
        subnet.name: {x.name for x in subnet.layers if x.name.startswith("s4.b0.dw")}
        for subnet in SUPERNET.subnets
    }
    assert taken["A0"] == taken["A6"] == {"s4.b0.dw3x3"}
    assert taken["A1"] == taken["A3"] == {"s4.b0.dw5x5"}


@st.composite
def alphanet_choices(draw: st.DrawFn) -> AlphaNetChoice:
    def one_each(of_stages: Sequence[Sequence[float]]) -> tuple[float, ...]:
        return tuple(draw(st.sampled_from(of_stage)) for of_stage in of_stages)

    bounds = zip(FAMILY.min_blocks_per_stage, FAMILY.max_blocks_per_stage, strict=True)
    return AlphaNetChoice(
        name="random",
        resolution=draw(st.integers(1, 300)),
        first_conv_width=draw(st.sampled_from(FAMILY.first_conv_widths)),
        stage_widths=one_each(FAMILY.stage_widths),  # type: ignore[arg-type] # they are whole
        blocks_per_stage=tuple(draw(st.integers(least, most)) for least, most in bounds),
        stage_kernel_sizes=one_each([FAMILY.kernel_sizes] * 7),  # type: ignore[arg-type] # whole
        stage_expand_ratios=one_each(FAMILY.stage_expand_ratios),
        last_width=draw(st.sampled_from(FAMILY.last_widths)),
    )


@settings(max_examples=20, deadline=None)
@given(alphanet_choices())
def test_any_choice_is_cut_from_the_same_supernet_and_its_layers_chain(
    choice: AlphaNetChoice,
) -> None:
    supernet = alphanet_supernet(FAMILY, [choice])
    assert supernet.layers == SUPERNET.layers
    layers = supernet.subnets[0].layers
    for layer, reads in zip(layers, reads_of(layers), strict=True):
        assert layer.name == supernet.layers[layer.supernet_layer].name
        if reads.inputs:
            assert layer.channels == layers[min(reads.inputs)].kernels
        assert all(layers[i].kernels == layer.kernels for i in reads.adds)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"kernel_sizes": (3, 4)}, "kernel_sizes must be odd"),
        ({"stage_widths": ((),) * 7}, "stage_widths is empty"),
        ({"stage_squeeze_excite": (True,)}, "stage_squeeze_excite needs one entry for each of the"),
        ({"min_blocks_per_stage": (9,) * 7}, "min_blocks_per_stage <= max_blocks_per_stage"),
    ],
)
def test_a_family_that_is_none_is_refused(changes: dict[str, object], wrong: str) -> None:
    fields = {name: getattr(FAMILY, name) for name in AlphaNetFamily.__slots__}
    with pytest.raises(ValueError, match=wrong):
        AlphaNetFamily(**{**fields, **changes})


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("resolution: 192", "resolution: 0", "resolution > 0 must hold, got 0"),
        ("[16, 24, 32, 64, 112, 192, 216]", "[16, 24, 36, 64, 112, 192, 216]",
         "stage_widths, of stage 3: 36 is not a choice; allowed: 32, 40"),
        ("[3, 3, 3, 3, 3, 3, 3]", "[3, 3, 7, 3, 3, 3, 3]",
         "stage_kernel_sizes, of stage 3: 7 is not a choice; allowed: 3, 5"),
        ("stage_expand_ratios: [1, 4, 4, 4, 4, 6, 6]", "stage_expand_ratios: [1, 4, 4, 4, 4, 6]",
         "stage_expand_ratios needs one entry for each of the 7 stages, got 6"),
        ("last_width: 1792", "last_width: 1800", "last_width 1800 is not a choice; allowed: 1792"),
        (" blocks_per_stage: [1, 3, 3, 3, 3, 3, 1]", " blocks_per_stage: [1, 3, 3, 3, 3, 3, 4]",
         "stage 7 has 1 to 2 blocks, got 4"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_one_line_with_its_place(
    old: str, new: str, wrong: str, tmp_path: Path
) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"my\.yaml:\d+:\d+: ") as refused:
        load_workload(tmp_path / "my.yaml")
    assert wrong in str(refused.value)
    assert "\n" not in str(refused.value)
