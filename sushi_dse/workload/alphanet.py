"""AlphaNet: inverted bottlenecks of elastic depth, width, kernel size and expand ratio.

"AlphaNet: Improved Training of Supernets with Alpha-Divergence" (ICML 2021), in the search space of
"AttentiveNAS" (CVPR 2021).  A stage picks one width, kernel size and expand ratio for its blocks.
A block that changes the number of channels adds a 1x1 convolution of its input, average-pooled
where the block strides; one that strides only adds the pooled input, any other the input.

A SubNet has the first kernels and channels of each layer, and the first blocks of each stage.  A
3x3 depthwise kernel is the centre of the 5x5 one times a learned matrix, so none of its weights is
a weight of the other: depthwise layers of two kernel sizes are two layers of the SuperNet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sushi_dse.workload.blocks import (
    IMAGE_CHANNELS,
    inverted_bottleneck,
    linear,
    square_conv,
    squeezed_channels,
)
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.stages import (
    check_allowed,
    check_blocks,
    check_by_stage,
    check_depths,
    check_family,
    cut_supernet,
    rounded_channels,
)

FINAL_EXPAND_RATIO = 6  # channels before the last pool over those of the last stage (AttentiveNAS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaNetFamily:
    """The choices that an AlphaNet SuperNet offers to its SubNets.

    Expand ratios are the inner channels of a block over its input channels; a block of ratio 1 has
    no expansion.  `ValueError` unless tuples by stage have one entry for each stage, numbers are
    above 0, kernel sizes are odd and stages have no more blocks at least than at most.
    """

    name: str
    accuracy_of: str  # metric that the accuracies of its SubNets are of
    first_conv_widths: tuple[int, ...]
    stage_widths: tuple[tuple[int, ...], ...]  # [stage][choice]: output channels
    stage_strides: tuple[int, ...]  # [stage]: stride of the first block
    stage_squeeze_excite: tuple[bool, ...]
    min_blocks_per_stage: tuple[int, ...]  # [stage]
    max_blocks_per_stage: tuple[int, ...]  # [stage]
    stage_expand_ratios: tuple[tuple[float, ...], ...]  # [stage][choice]
    kernel_sizes: tuple[int, ...]  # height and width of the depthwise kernels
    last_widths: tuple[int, ...]  # channels that the classifier reads
    channel_divisor: int = 8  # every number of channels is a multiple of this one
    classes: int = 1000

    def __post_init__(self) -> None:
        by_stage = ("stage_strides", "stage_squeeze_excite", "min_blocks_per_stage",
                    "max_blocks_per_stage", "stage_expand_ratios")  # fmt: skip
        check_family(self, by_stage)
        check_depths(self)
        if any(size % 2 == 0 for size in self.kernel_sizes):
            raise ValueError(f"{self.name}: kernel_sizes must be odd, got {self.kernel_sizes}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaNetChoice:
    """One SubNet's choices within an `AlphaNetFamily`; `ValueError` unless resolution > 0."""

    name: str
    accuracy_percent: float | None = None  # None where it is not known
    resolution: int  # height and width of the image
    first_conv_width: int
    stage_widths: tuple[int, ...]  # [stage]
    blocks_per_stage: tuple[int, ...]  # [stage]
    stage_kernel_sizes: tuple[int, ...]  # [stage]
    stage_expand_ratios: tuple[float, ...]  # [stage]
    last_width: int

    def __post_init__(self) -> None:
        if not self.resolution > 0:
            raise ValueError(
                f"SubNet {self.name!r}: resolution > 0 must hold, got {self.resolution}"
            )


def alphanet_supernet(family: AlphaNetFamily, choices: Sequence[AlphaNetChoice]) -> SuperNet:
    """The SuperNet of `family` with a SubNet for each choice.

    A choice that the family does not have raises a `ValueError` that says what is allowed.
    """
    for choice in choices:
        _check(family, choice)
    return cut_supernet(
        family,
        _supernet_layers(family),
        [(choice, _layers(family, choice)) for choice in choices],
    )


def _check(family: AlphaNetFamily, choice: AlphaNetChoice) -> None:
    subnet, stages = f"SubNet {choice.name!r}", len(family.stage_widths)
    check_blocks(subnet, choice.blocks_per_stage, family)
    for name, allowed in (("first_conv_width", family.first_conv_widths),
                          ("last_width", family.last_widths)):  # fmt: skip
        check_allowed(f"{subnet}: {name}", getattr(choice, name), allowed)
    for name, of_stages in (("stage_widths", family.stage_widths),
                            ("stage_kernel_sizes", (family.kernel_sizes,) * stages),
                            ("stage_expand_ratios", family.stage_expand_ratios)):  # fmt: skip
        entries = getattr(choice, name)
        check_by_stage(subnet, name, entries, family)
        for stage, (entry, of_stage) in enumerate(zip(entries, of_stages, strict=True), start=1):
            check_allowed(f"{subnet}: {name}, of stage {stage}:", entry, of_stage)


def _supernet_layers(family: AlphaNetFamily) -> list[PlainLayer]:
    """The layers of the largest SubNet, with a depthwise one of each kernel size in each block."""
    largest = AlphaNetChoice(
        name=family.name,
        resolution=1,  # Weights depend on neither accuracy nor resolution.
        first_conv_width=max(family.first_conv_widths),
        stage_widths=tuple(map(max, family.stage_widths)),
        blocks_per_stage=family.max_blocks_per_stage,
        stage_kernel_sizes=(),
        stage_expand_ratios=tuple(map(max, family.stage_expand_ratios)),
        last_width=max(family.last_widths),
    )
    stages = len(family.stage_widths)
    of_sizes = [
        _layers(family, replace(largest, stage_kernel_sizes=(size,) * stages), every_shortcut=True)
        for size in family.kernel_sizes
    ]
    alike = zip(*of_sizes, strict=True)  # layers at one place, which differ in kernel size only
    return list({layer.name: layer for layers in alike for layer in layers}.values())


def _layers(
    family: AlphaNetFamily, choice: AlphaNetChoice, *, every_shortcut: bool = False
) -> list[PlainLayer]:
    """The layers of a choice, or with `every_shortcut` also those that other choices need."""
    into = (family.first_conv_widths, *family.stage_widths)  # [stage]: widths that it may read
    layers = [
        square_conv(
            "first_conv",
            kernels=choice.first_conv_width,
            channels=IMAGE_CHANNELS,
            size=choice.resolution,
            kernel_size=3,
            stride=2,
        )
    ]
    before = layers[0]  # the layer whose map the next block reads
    for stage, blocks in enumerate(choice.blocks_per_stage):
        for block in range(blocks):
            widths = {*into[stage], *family.stage_widths[stage]} if block == 0 else set()
            layers += _block(
                family,
                choice,
                stage,
                block,
                before=before,
                has_shortcut=len(widths) > 1
                if every_shortcut
                else choice.stage_widths[stage] != before.kernels,
            )
            before = layers[-1]
    expanded = before.kernels * FINAL_EXPAND_RATIO
    return [
        *layers,
        square_conv(
            "final_expand", kernels=expanded, channels=before.kernels, size=before.output_height
        ),
        square_conv("feature_mix", kernels=choice.last_width, channels=expanded, size=1),
        linear("classifier", inputs=choice.last_width, outputs=family.classes),
    ]


def _block(
    family: AlphaNetFamily,
    choice: AlphaNetChoice,
    stage: int,
    block: int,
    *,
    before: PlainLayer,
    has_shortcut: bool,
) -> list[PlainLayer]:
    name, channels = f"s{stage + 1}.b{block}", before.kernels
    width, ratio = choice.stage_widths[stage], choice.stage_expand_ratios[stage]
    inner = rounded_channels(round(channels * ratio), family.channel_divisor)
    kernel_size, has_squeeze = choice.stage_kernel_sizes[stage], family.stage_squeeze_excite[stage]
    layers = inverted_bottleneck(
        name,
        channels=channels,
        inner=None if ratio == 1 else inner,
        width=width,
        size=before.output_height,
        stride=family.stage_strides[stage] if block == 0 else 1,
        kernel_size=kernel_size,
        squeezed=squeezed_channels(inner, family.channel_divisor) if has_squeeze else None,
        adds=() if has_shortcut else (before.name,),
        depthwise_name=f"dw{kernel_size}x{kernel_size}",
    )
    if not has_shortcut:
        return layers
    shortcut = square_conv(
        "shortcut",
        kernels=width,
        channels=channels,
        size=layers[-1].output_height,
        block=name,
        input_from=(before.name,),
        adds=(layers[-1].name,),
    )
    return [*layers, shortcut]
