"""Once-for-all ResNet50D: bottleneck blocks of elastic depth, width and expand ratio.

A block is a 1x1 convolution to fewer channels, a 3x3 one (which strides in a stage's first block)
and a 1x1 one back; a stage's first block has a 1x1 downsample convolution beside them.  The layer
of a block that runs last adds the shortcut: the input of the block, or the map of the 1x1 one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sushi_dse.workload.blocks import IMAGE_CHANNELS, bottleneck, linear, square_conv
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.stages import (
    StagedChoice,
    StagedFamily,
    check_allowed,
    check_by_stage,
    cut_supernet,
    ratios_by_stage,
    rounded_channels,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetFamily(StagedFamily):
    """The choices that a ResNet50D SuperNet offers to its SubNets; widths before multipliers.

    `expand_ratios` are the inner channels of a block over its output channels.
    """

    stem_widths: tuple[int, int]  # output channels of the first and of the last stem convolution
    width_multipliers: tuple[float, ...]

    def width(self, channels: int, multiplier: float) -> int:
        """`channels` times `multiplier`, rounded as the family rounds."""
        return rounded_channels(channels * multiplier, self.channel_divisor)

    def stem_width_choices(self, convolution: int) -> tuple[int, ...]:
        """The widths that the first (0) or last (1) stem convolution may have, ascending."""
        base = self.stem_widths[convolution]
        return tuple(sorted({self.width(base, m) for m in self.width_multipliers}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetChoice(StagedChoice):
    """One SubNet's choices within a `ResNetFamily`."""

    stem_residual_conv: bool  # whether the stem has its middle convolution
    stem_widths: tuple[int, int]  # output channels of the stem, after the width multipliers
    stage_width_multipliers: tuple[float, ...]


def resnet_supernet(family: ResNetFamily, choices: Sequence[ResNetChoice]) -> SuperNet:
    """The SuperNet of `family` with a SubNet for each choice.

    A choice that the family does not have raises a `ValueError` that says what is allowed.
    """
    return cut_supernet(
        family,
        _layers(family, _largest(family)),
        [(choice, _layers(family, choice)) for choice in choices],
    )


def _largest(family: ResNetFamily) -> ResNetChoice:
    stages = len(family.stage_widths)
    return ResNetChoice(
        name=family.name,
        accuracy_percent=None,
        resolution=1,  # Weights depend on neither accuracy nor resolution.
        stem_residual_conv=True,
        stem_widths=(family.stem_width_choices(0)[-1], family.stem_width_choices(1)[-1]),
        stage_width_multipliers=(max(family.width_multipliers),) * stages,
        blocks_per_stage=family.max_blocks_per_stage,
        block_expand_ratios=(max(family.expand_ratios),) * sum(family.max_blocks_per_stage),
    )


def _check_widths(family: ResNetFamily, choice: ResNetChoice) -> None:
    subnet, multipliers = f"SubNet {choice.name!r}", choice.stage_width_multipliers
    check_by_stage(subnet, "stage_width_multipliers", multipliers, family)
    for stage, multiplier in enumerate(multipliers, start=1):
        what = f"{subnet}: width multiplier of stage {stage}"
        check_allowed(what, multiplier, family.width_multipliers)
    if len(choice.stem_widths) != 2:
        raise ValueError(f"{subnet}: stem_widths needs 2 entries, got {len(choice.stem_widths)}")
    for convolution, width in enumerate(choice.stem_widths):
        what = f"{subnet}: stem width number {convolution + 1},"
        check_allowed(what, width, family.stem_width_choices(convolution))


def _layers(family: ResNetFamily, choice: ResNetChoice) -> list[PlainLayer]:
    _check_widths(family, choice)
    ratios = ratios_by_stage(family, choice)
    layers = _stem(choice)
    channels = layers[-1].kernels
    size = (layers[-1].output_height - 1) // 2 + 1  # side after a padded 3x3 max pool of stride 2
    for stage, of_stage in enumerate(ratios):
        width = family.width(family.stage_widths[stage], choice.stage_width_multipliers[stage])
        for block, ratio in enumerate(of_stage):
            layers += bottleneck(
                f"s{stage + 1}.b{block}",
                source=layers[-1].name,
                channels=channels,
                inner=family.inner_channels(width, ratio),
                width=width,
                size=size,
                stride=family.stage_strides[stage] if block == 0 else 1,
                shortcut="pooled" if block == 0 else "same",
            )
            channels, size = width, layers[-1].output_height
    return [*layers, linear("classifier", inputs=channels, outputs=family.classes)]


def _stem(choice: ResNetChoice) -> list[PlainLayer]:
    first, last = choice.stem_widths
    stem = [
        square_conv(
            "stem0",
            kernels=first,
            channels=IMAGE_CHANNELS,
            size=choice.resolution,
            kernel_size=3,
            stride=2,
        )
    ]
    size = stem[0].output_height
    if choice.stem_residual_conv:
        stem.append(
            square_conv(
                "stem1",
                kernels=first,
                channels=first,
                size=size,
                kernel_size=3,
                adds=(stem[0].name,),
            )
        )
    stem.append(square_conv("stem2", kernels=last, channels=first, size=size, kernel_size=3))
    return stem
