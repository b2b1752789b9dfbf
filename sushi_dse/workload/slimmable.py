"""Slimmable networks: one network at several widths, of which each holds the narrower ones whole.

"Slimmable Neural Networks" (ICLR 2019) and "Universally Slimmable Networks and Improved Training
Techniques" (ICCV 2019).  At a width every layer keeps the first of its kernels and channels, but
for the channels of the image and the classes.  What is no weight of a convolution, the statistics
of batch normalisation, belongs to a width alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sushi_dse.workload.blocks import (
    IMAGE_CHANNELS,
    bottleneck,
    inverted_bottleneck,
    linear,
    square_conv,
)
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.stages import check_allowed, check_family, cut_supernet, rounded_channels

Block = Literal["separable", "inverted_bottleneck", "bottleneck"]
"""The blocks of MobileNetV1, of MobileNetV2 and of ResNet-50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlimmableFamily:
    """A network, with its sizes at width 1, and the widths that it was trained for.

    `ValueError` unless tuples by stage have one entry for each stage, numbers are above 0 and
    separable blocks have an expand ratio of 1.
    """

    name: str
    accuracy_of: str  # metric that the accuracies of its SubNets are of
    block: Block
    resolution: int  # height and width of the image
    first_conv_width: int  # output channels of the first convolution, which strides
    first_kernel_size: int  # height and width of its kernel
    first_pool: bool = False  # whether a padded 3x3 max pool of stride 2 follows it
    stage_widths: tuple[int, ...]  # [stage]: output channels
    stage_strides: tuple[int, ...]  # [stage]: stride of the first block
    blocks_per_stage: tuple[int, ...]  # [stage]
    # [stage]: inner channels of a block, over its input channels if it is inverted, else over its
    # output channels.  An inverted one of ratio 1 has no expansion.
    stage_expand_ratios: tuple[float, ...]
    last_width: int | None = None  # of a 1x1 convolution before the classifier, at every width
    width_multipliers: tuple[float, ...]  # the widths
    channel_divisor: int = 8  # every number of channels is a multiple of this one
    classes: int = 1000

    def __post_init__(self) -> None:
        by_stage = ("stage_strides", "blocks_per_stage", "stage_expand_ratios")
        check_family(self, by_stage)
        if self.block == "separable" and set(self.stage_expand_ratios) != {1}:
            raise ValueError(
                f"{self.name}: stage_expand_ratios of separable blocks must be 1, "
                f"got {self.stage_expand_ratios}"
            )

    def channels(self, channels: float, width_multiplier: float) -> int:
        """So many channels of the network at a width, rounded as the family rounds."""
        return rounded_channels(channels * width_multiplier, self.channel_divisor)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlimmableChoice:
    """One width of a `SlimmableFamily`."""

    name: str
    accuracy_percent: float | None = None  # None where it is not known
    width_multiplier: float


def slimmable_supernet(family: SlimmableFamily, choices: Sequence[SlimmableChoice]) -> SuperNet:
    """The SuperNet of `family`, which is its largest width, with a SubNet for each choice.

    `ValueError` where a width is none of the family's, or is there twice.
    """
    names: dict[float, str] = {}
    for choice in choices:
        what = f"SubNet {choice.name!r}: width_multiplier"
        check_allowed(what, choice.width_multiplier, family.width_multipliers)
        first = names.setdefault(choice.width_multiplier, choice.name)
        if first != choice.name:
            raise ValueError(
                f"{what} {choice.width_multiplier:g} is that of SubNet {first!r}, too; "
                "keep one of the two"
            )
    return cut_supernet(
        family,
        _layers(family, max(family.width_multipliers)),
        [(choice, _layers(family, choice.width_multiplier)) for choice in choices],
    )


def _layers(family: SlimmableFamily, width: float) -> list[PlainLayer]:
    layers = [
        square_conv(
            "first_conv",
            kernels=family.channels(family.first_conv_width, width),
            channels=IMAGE_CHANNELS,
            size=family.resolution,
            kernel_size=family.first_kernel_size,
            stride=2,
        )
    ]
    size = layers[0].output_height
    if family.first_pool:
        size = (size - 1) // 2 + 1
    whole = family.first_conv_width  # channels of the network at width 1
    for stage, blocks in enumerate(family.blocks_per_stage):
        for block in range(blocks):
            layers += _block(family, width, stage, block, whole=whole, before=layers[-1], size=size)
            whole, size = family.stage_widths[stage], layers[-1].output_height
    channels = layers[-1].kernels
    if family.last_width is not None:
        layers.append(
            square_conv("last_conv", kernels=family.last_width, channels=channels, size=size)
        )
        channels = family.last_width
    return [*layers, linear("classifier", inputs=channels, outputs=family.classes)]


def _block(
    family: SlimmableFamily,
    width: float,
    stage: int,
    block: int,
    *,
    whole: int,
    before: PlainLayer,
    size: int,
) -> list[PlainLayer]:
    """A block of `whole` input channels, at a width, with a shortcut where its kind has one.

    A bottleneck's inner channels are a part of its output channels; another block widens its input.
    """
    ratio, wide = family.stage_expand_ratios[stage], family.stage_widths[stage]
    stride = family.stage_strides[stage] if block == 0 else 1
    name, keeps_shape = f"s{stage + 1}.b{block}", stride == 1 and whole == wide
    if family.block == "bottleneck":
        return bottleneck(
            name,
            source=before.name,
            channels=before.kernels,
            inner=family.channels(wide * ratio, width),
            width=family.channels(wide, width),
            size=size,
            stride=stride,
            shortcut="same" if keeps_shape else "strided",
        )
    has_shortcut = keeps_shape and family.block == "inverted_bottleneck"
    return inverted_bottleneck(
        name,
        channels=before.kernels,
        inner=None if ratio == 1 else family.channels(before.kernels * ratio, 1),
        width=family.channels(wide, width),
        size=size,
        stride=stride,
        adds=(before.name,) if has_shortcut else (),
    )
