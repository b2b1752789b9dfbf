"""Once-for-all MobileNetV3: inverted bottlenecks of elastic depth and expand ratio.

A block is a 1x1 convolution to more channels, a depthwise one (which strides in a stage's first
block), a squeeze-excite in some stages (two 1x1 convolutions on the pooled 1x1 map, which scale the
map of the depthwise one) and a 1x1 convolution back, which adds the input of the block where that
has the same size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sushi_dse.workload.blocks import (
    IMAGE_CHANNELS,
    inverted_bottleneck,
    linear,
    square_conv,
    squeezed_channels,
)
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.stages import (
    StagedChoice,
    StagedFamily,
    cut_supernet,
    ratios_by_stage,
)

FIRST_BLOCK = "block0"


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileNetV3Family(StagedFamily):
    """The choices that a MobileNetV3 SuperNet offers to its SubNets.

    `expand_ratios` are the inner channels of a block over its input channels.  `ValueError` where
    the kernel size is even, or as of `StagedFamily`.
    """

    first_conv_width: int  # output channels of the first convolution
    first_block_width: int  # output channels of the first block, which has no expansion
    stage_squeeze_excite: tuple[bool, ...]
    last_widths: tuple[int, int]  # output channels of the two layers before the classifier
    kernel_size: int  # height and width of the depthwise kernels in the stages

    def __post_init__(self) -> None:
        StagedFamily.__post_init__(self)  # super() does not know the class that `slots` makes.
        if self.kernel_size % 2 == 0:
            raise ValueError(f"{self.name}: kernel_size must be odd, got {self.kernel_size}")

    def _by_stage(self) -> tuple[str, ...]:
        return (*StagedFamily._by_stage(self), "stage_squeeze_excite")


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileNetV3Choice(StagedChoice):
    """One SubNet's choices within a `MobileNetV3Family`."""


def mobilenet_v3_supernet(
    family: MobileNetV3Family, choices: Sequence[MobileNetV3Choice]
) -> SuperNet:
    """The SuperNet of `family` with a SubNet for each choice.

    A choice that the family does not have raises a `ValueError` that says what is allowed.
    """
    return cut_supernet(
        family,
        _layers(family, _largest(family)),
        [(choice, _layers(family, choice)) for choice in choices],
    )


def _largest(family: MobileNetV3Family) -> MobileNetV3Choice:
    return MobileNetV3Choice(
        name=family.name,
        accuracy_percent=None,
        resolution=1,  # Weights depend on neither accuracy nor resolution.
        blocks_per_stage=family.max_blocks_per_stage,
        block_expand_ratios=(max(family.expand_ratios),) * sum(family.max_blocks_per_stage),
    )


def _layers(family: MobileNetV3Family, choice: MobileNetV3Choice) -> list[PlainLayer]:
    ratios = ratios_by_stage(family, choice)
    layers = _stem(family, choice.resolution)
    for stage, of_stage in enumerate(ratios):
        for block, ratio in enumerate(of_stage):
            layers += _block(family, stage, block, ratio, before=layers[-1])
    (expanded, mixed), last = family.last_widths, layers[-1]
    return [
        *layers,
        square_conv(
            "final_expand", kernels=expanded, channels=last.kernels, size=last.output_height
        ),
        square_conv("feature_mix", kernels=mixed, channels=expanded, size=1),  # on the pooled map
        linear("classifier", inputs=mixed, outputs=family.classes),
    ]


def _stem(family: MobileNetV3Family, resolution: int) -> list[PlainLayer]:
    width = family.first_conv_width
    first = square_conv(
        "first_conv",
        kernels=width,
        channels=IMAGE_CHANNELS,
        size=resolution,
        kernel_size=3,
        stride=2,
    )
    return [
        first,
        *inverted_bottleneck(
            FIRST_BLOCK,
            channels=width,
            inner=None,
            width=family.first_block_width,
            size=first.output_height,
            adds=(first.name,) if family.first_block_width == width else (),
        ),
    ]


def _block(
    family: MobileNetV3Family, stage: int, block: int, ratio: float, *, before: PlainLayer
) -> list[PlainLayer]:
    channels, width = before.kernels, family.stage_widths[stage]
    stride = family.stage_strides[stage] if block == 0 else 1
    inner = family.inner_channels(channels, ratio)
    has_squeeze = family.stage_squeeze_excite[stage]
    return inverted_bottleneck(
        f"s{stage + 1}.b{block}",
        channels=channels,
        inner=inner,
        width=width,
        size=before.output_height,
        stride=stride,
        kernel_size=family.kernel_size,
        squeezed=squeezed_channels(inner, family.channel_divisor) if has_squeeze else None,
        adds=(before.name,) if stride == 1 and width == channels else (),
    )
