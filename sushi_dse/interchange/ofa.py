"""The `net.config` of a Once-for-all network, as once-for-all and ProxylessNAS write it.

Layers are named by their position in the SuperNet (stage, block, layer), so that several networks
of one SuperNet share the weights that they have in common.  The layers of an MBConvLayer and of a
ResNetBottleneckBlock are those of `ofa/utils/layers.py` (github.com/mit-han-lab/once-for-all).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sushi_dse.errors import near_names
from sushi_dse.interchange.foreign import ForeignValue
from sushi_dse.interchange.network import Counted, ImportedNetwork, convolution, matrix_product
from sushi_dse.workload.stages import rounded_channels

SQUEEZE_RATIO, CHANNEL_DIVISOR = 4, 8  # SEModule.REDUCTION, MyNetwork.CHANNEL_DIVISIBLE
POOL_STRIDE = 2  # stride of the 3x3 max pool, padded by 1, behind the stem of a ResNet
OF_SUPERNET = "OFA"  # prefix of the name of a whole SuperNet
WRAPPED = ("mobile_inverted_conv", "conv")  # older and newer key of the layer in a residual block


class Map(NamedTuple):
    """A square feature map between two layers."""

    channels: int
    size: int
    source: tuple[str, ...] = ()  # layers that make it together; none for the image


class Built:
    """A builder of successive layers, which keeps the map behind the last one."""

    def __init__(self, size: int) -> None:
        self.map = Map(3, size)
        self.layers: list[Counted] = []

    def conv(
        self, name: str, entry: ForeignValue, kernels: int, kernel_size: int = 1, stride: int = 1,
        groups: int = 1, at: Map | None = None, block: str = "", adds: tuple[str, ...] = (),
        dilation: int = 1,
    ) -> Map:  # fmt: skip
        """Append a convolution, padded to keep its map; the result is the map behind it."""
        source = at or self.map
        pad = kernel_size // 2 * dilation
        try:
            counted = convolution(
                name,
                kernels=kernels,
                channels=source.channels,
                window=(kernel_size, kernel_size),
                size=(source.size, source.size),
                pads=((pad, pad), (pad, pad)),
                stride=(stride, stride),
                dilation=(dilation, dilation),
                groups=groups,
            )
        except ValueError as error:
            raise entry.error(str(error)) from None
        layer = replace(counted.layer, block=block, adds=adds)
        self._append(counted._replace(layer=layer), source)
        return Map(kernels, layer.output_height, (name,))

    def _append(self, counted: Counted, source: Map) -> None:
        """Append a layer that reads `source`."""
        before = tuple(before.layer.name for before in self.layers[-1:])
        input_from = () if source.source == before else source.source
        layer = replace(counted.layer, input_from=input_from)
        self.layers.append(counted._replace(layer=layer))

    def listed(
        self, name: str, entry: ForeignValue, *, at: Map | None = None, adds: tuple[str, ...] = ()
    ) -> None:
        """Append the convolution of a ConvLayer, and go on behind it."""
        source, has_se = at or self.map, _is_true(entry, "use_se")
        _check_input(entry, source)
        self.map = self.conv(
            name,
            entry,
            entry["out_channels"].count(),
            _optional(entry, "kernel_size", 1),
            _optional(entry, "stride", 1),
            _optional(entry, "groups", 1),
            at=source,
            block=name if has_se else "",
            adds=adds,
            dilation=_optional(entry, "dilation", 1),
        )
        if has_se:
            self.squeeze_excite(name, entry)

    def squeeze_excite(self, block: str, entry: ForeignValue) -> None:
        """Append the two convolutions of a squeeze-excite, which scale the map by its pool."""
        channels = self.map.channels
        squeezed = rounded_channels(channels // SQUEEZE_RATIO, CHANNEL_DIVISOR)
        pooled = self.map._replace(size=1)
        behind = self.conv(f"{block}.se_reduce", entry, squeezed, at=pooled, block=block)
        scales = self.conv(f"{block}.se_expand", entry, channels, at=behind, block=block)
        self.map = self.map._replace(source=self.map.source + scales.source)

    def linear(self, name: str, entry: ForeignValue) -> None:
        """Append the classifier."""
        inputs, outputs = entry["in_features"].count(), entry["out_features"].count()
        if inputs != self.map.channels:
            raise entry["in_features"].error(
                f"in_features is {inputs}, but {self.map.channels} channels come in"
            )
        self._append(matrix_product(name, inputs=inputs, outputs=outputs), self.map)


def read_ofa(config: ForeignValue, *, resolution: int) -> ImportedNetwork:
    """The layers of a `net.config` on square images; UserError where it is none."""
    kind = config["name"]
    if kind.text() not in NETWORKS:
        raise kind.error(f"unknown network {kind.quoted}; {near_names(kind.text(), NETWORKS)}")
    built = Built(resolution)
    NETWORKS[kind.text()](built, config)
    return ImportedNetwork(
        source=config.path,
        layers=tuple(built.layers),
        supernet_kind=kind.text().removeprefix(OF_SUPERNET),
        has_input_shape=True,
    )


def _mobilenet_v3(built: Built, config: ForeignValue) -> None:
    built.listed("first_conv", config["first_conv"])
    for name, block, has_shortcut in _named_blocks(config, first_is_alone=True):
        _inverted_bottleneck(built, name, block, built.map.source if has_shortcut else ())
    built.listed("final_expand", config["final_expand_layer"])
    pooled = built.map._replace(size=1)
    built.listed("feature_mix", config["feature_mix_layer"], at=pooled)
    built.linear("classifier", config["classifier"])


def _resnet(built: Built, config: ForeignValue) -> None:
    stem = list(config["input_stem"].items())
    for i, entry in enumerate(stem):
        wrapped = next((found for key in WRAPPED if (found := entry.find(key))), entry)
        # The middle convolution may be missing, so the last one is counted from the end.
        name = "stem2" if i == len(stem) - 1 > 0 else f"stem{i}"
        built.listed(name, wrapped, adds=built.map.source if entry.find("shortcut") else ())
    built.map = built.map._replace(size=(built.map.size - 1) // POOL_STRIDE + 1)
    for name, block, _ in _named_blocks(config, first_is_alone=False):
        _bottleneck(built, name, block)
    built.linear("classifier", config["classifier"])


def _proxyless(built: Built, config: ForeignValue) -> None:
    built.listed("first_conv", config["first_conv"])
    for name, block, has_shortcut in _named_blocks(config, first_is_alone=True):
        _inverted_bottleneck(built, name, block, built.map.source if has_shortcut else ())
    if mix := config.find("feature_mix_layer"):
        built.listed("feature_mix", mix)
    built.map = built.map._replace(size=1)
    built.linear("classifier", config["classifier"])


NETWORKS = {"MobileNetV3": _mobilenet_v3, "OFAMobileNetV3": _mobilenet_v3,
            "ProxylessNASNets": _proxyless, "OFAProxylessNASNets": _proxyless,
            "ResNets": _resnet, "OFAResNets": _resnet}  # fmt: skip


def _named_blocks(
    config: ForeignValue, *, first_is_alone: bool
) -> Iterator[tuple[str, ForeignValue, bool]]:
    """The name and the layer of each block, and whether a shortcut is told beside it.

    A stage begins where channels or the map change.
    """
    stage, number = 0, 0
    for i, block in enumerate(config["blocks"].items()):
        layer = next((found for key in WRAPPED if (found := block.find(key))), block)
        if layer.find("in_channels") is None:  # A block that was taken out leaves its shortcut.
            continue
        has_shortcut = block.find("shortcut") is not None
        changes = layer["in_channels"].count() != layer["out_channels"].count()
        if i == 0 and first_is_alone:
            yield "block0", layer, has_shortcut
            continue
        if stage == 0 or changes or _optional(layer, "stride", 1) != 1:
            stage, number = stage + 1, 0
        yield f"s{stage}.b{number}", layer, has_shortcut
        number += 1


def _inverted_bottleneck(
    built: Built, name: str, entry: ForeignValue, adds: tuple[str, ...]
) -> None:
    _check_input(entry, built.map)
    channels = built.map.channels
    inner, expands = _inner(entry, channels), entry["expand_ratio"].number() != 1
    if expands:
        built.map = built.conv(f"{name}.expand", entry, inner, block=name)
    elif inner != channels:
        raise entry.error(f"expand_ratio is 1, but mid_channels {inner} are not {channels}")
    kernel_size = entry["kernel_size"].count()
    # A smaller kernel shares no weights with a larger one: Once-for-all transforms them.
    built.map = built.conv(
        f"{name}.dw{kernel_size}x{kernel_size}",
        entry,
        inner,
        kernel_size,
        _optional(entry, "stride", 1),
        _optional(entry, "groups", inner),
        block=name,
    )
    if _is_true(entry, "use_se"):
        built.squeeze_excite(name, entry)
    outputs = entry["out_channels"].count()
    built.map = built.conv(f"{name}.project", entry, outputs, block=name, adds=adds)


def _bottleneck(built: Built, name: str, entry: ForeignValue) -> None:
    _check_input(entry, built.map)
    source, outputs = built.map, entry["out_channels"].count()
    inner = rounded_channels(_inner(entry, outputs), CHANNEL_DIVISOR)
    stride = _optional(entry, "stride", 1)
    kernel_size = _optional(entry, "kernel_size", 3)
    window = "conv2" if kernel_size == 3 else f"conv2_{kernel_size}x{kernel_size}"
    built.map = built.conv(f"{name}.conv1", entry, inner, block=name)
    groups = _optional(entry, "groups", 1)
    built.map = built.conv(
        f"{name}.{window}", entry, inner, kernel_size, stride, groups, block=name
    )
    if stride == 1 and source.channels == outputs:
        built.map = built.conv(f"{name}.conv3", entry, outputs, block=name, adds=source.source)
        return
    expanded = built.conv(f"{name}.conv3", entry, outputs, block=name)
    mode, layer = entry["downsample_mode"], f"{name}.downsample"
    if mode.text() == "avgpool_conv":
        pooled = source._replace(size=expanded.size)
        built.map = built.conv(layer, entry, outputs, at=pooled, block=name, adds=expanded.source)
    elif mode.text() == "conv":
        built.map = built.conv(
            layer, entry, outputs, 1, stride, at=source, block=name, adds=expanded.source
        )
    else:
        raise mode.error(f"downsample_mode {mode.quoted} is unknown; known: avgpool_conv, conv")


def _inner(entry: ForeignValue, channels: int) -> int:
    """The channels within a block: `mid_channels`, or else `expand_ratio` times `channels`."""
    given = entry.find("mid_channels")
    if given:
        return given.count()
    return round(channels * entry["expand_ratio"].number())


def _check_input(entry: ForeignValue, source: Map) -> None:
    channels = entry["in_channels"]
    if channels.count() != source.channels:
        raise channels.error(
            f"in_channels is {channels.quoted}, but {source.channels} channels come in"
        )


def _optional(entry: ForeignValue, key: str, default: int) -> int:
    found = entry.find(key)
    return found.count() if found else default


def _is_true(entry: ForeignValue, key: str) -> bool:
    found = entry.find(key)
    return found.truth() if found else False
