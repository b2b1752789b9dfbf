"""The layers and the blocks that generated networks are made of, on square maps."""

from typing import Literal

from sushi_dse.workload.layers import PlainLayer, around
from sushi_dse.workload.stages import rounded_channels

IMAGE_CHANNELS = 3
SQUEEZE_RATIO = 4  # "Searching for MobileNetV3" (ICCV 2019)

Shortcut = Literal["same", "strided", "pooled"]
"""The shortcut of a bottleneck: its input, a 1x1 convolution that strides, or one behind a pool."""


def square_conv(
    name: str,
    *,
    kernels: int,
    channels: int,
    size: int,
    kernel_size: int = 1,
    stride: int = 1,
    groups: int = 1,
    block: str = "",
    input_from: tuple[str, ...] = (),
    adds: tuple[str, ...] = (),
) -> PlainLayer:
    """A convolution with a square kernel on a square map of side `size`, padded to keep it.

    The name of a layer in a `block` begins with the block's.
    """
    return PlainLayer(
        name=f"{block}.{name}" if block else name,
        block=block,
        kernels=kernels,
        channels=channels,
        kernel_height=kernel_size,
        kernel_width=kernel_size,
        height=size,
        width=size,
        stride=(stride, stride),
        padding=around(kernel_size // 2),
        groups=groups,
        input_from=input_from,
        adds=adds,
    )


def linear(name: str, *, inputs: int, outputs: int) -> PlainLayer:
    """A fully connected layer."""
    return PlainLayer(
        name=name,
        kernels=outputs,
        channels=inputs,
        kernel_height=1,
        kernel_width=1,
        height=1,
        width=1,
        fully_connected=True,
    )


def bottleneck(
    block: str,
    *,
    source: str,
    channels: int,
    inner: int,
    width: int,
    size: int,
    stride: int,
    shortcut: Shortcut,
) -> list[PlainLayer]:
    """A 1x1 convolution to `inner` channels, a 3x3 one, which strides, and a 1x1 one to `width`.

    The layer that runs last adds the shortcut: the map of the layer `source`, which the block
    reads, or that of the convolution beside it.
    """
    reduce = square_conv("conv1", kernels=inner, channels=channels, size=size, block=block)
    window = square_conv(
        "conv2",
        kernels=inner,
        channels=inner,
        size=size,
        kernel_size=3,
        stride=stride,
        block=block,
    )
    expand = square_conv(
        "conv3",
        kernels=width,
        channels=inner,
        size=window.output_height,
        block=block,
        adds=(source,) if shortcut == "same" else (),
    )
    layers = [reduce, window, expand]
    if shortcut != "same":
        pooled = shortcut == "pooled"
        layers.append(
            square_conv(
                "downsample",
                kernels=width,
                channels=channels,
                size=window.output_height if pooled else size,
                stride=1 if pooled else stride,
                block=block,
                input_from=(source,),
                adds=(expand.name,),
            )
        )
    return layers


def squeezed_channels(inner: int, divisor: int) -> int:
    """The channels between the two layers of a squeeze-excite of `inner` channels."""
    return rounded_channels(inner // SQUEEZE_RATIO, divisor)


def inverted_bottleneck(
    block: str,
    *,
    channels: int,
    inner: int | None,
    width: int,
    size: int,
    stride: int = 1,
    kernel_size: int = 3,
    squeezed: int | None = None,
    adds: tuple[str, ...] = (),
    depthwise_name: str = "dw",
) -> list[PlainLayer]:
    """A 1x1 convolution to `inner` channels, a depthwise one, which strides, and a 1x1 one back.

    Where `inner` is None there is no expansion, and where `squeezed` is None no squeeze-excite: two
    1x1 convolutions on the pooled 1x1 map, which scale the map of the depthwise one.
    """
    expand = (
        []
        if inner is None
        else [square_conv("expand", kernels=inner, channels=channels, size=size, block=block)]
    )
    inner = inner or channels
    depthwise = square_conv(
        depthwise_name,
        kernels=inner,
        channels=inner,
        size=size,
        kernel_size=kernel_size,
        stride=stride,
        groups=inner,
        block=block,
    )
    squeeze_excite = (
        []
        if squeezed is None
        else [
            square_conv("se_reduce", kernels=squeezed, channels=inner, size=1, block=block),
            square_conv("se_expand", kernels=inner, channels=squeezed, size=1, block=block),
        ]
    )
    project = square_conv(
        "project",
        kernels=width,
        channels=inner,
        size=depthwise.output_height,
        block=block,
        input_from=(depthwise.name, squeeze_excite[-1].name) if squeeze_excite else (),
        adds=adds,
    )
    return [*expand, depthwise, *squeeze_excite, project]
