"""Layers, the SubNets made of them and the SuperNet that holds the SubNets' weights.

Maps are int8.  Weights are packed without gaps, each of as many bits as its layer's have.
"""

from dataclasses import dataclass, fields
from itertools import pairwise

from sushi_dse.bits import INT8_BITS, check_bits, whole_bytes
from sushi_dse.errors import UserError, near_names
from sushi_dse.workload.edges import reads_of

POSITIVE_SIZES = ("kernels", "channels", "kernel_height", "kernel_width", "height", "width",
                  "groups")  # fmt: skip
SUPERNET_LAYER_SIZES = ("kernels", "channels_per_group", "kernel_height", "kernel_width")

Stride = tuple[int, int]
"""Steps of a window down the rows and along the columns."""

Padding = tuple[int, int, int, int]
"""Pixels at the top, the bottom, the left and the right of a map."""


def around(pixels: int) -> Padding:
    """The padding of as many pixels on each side."""
    return pixels, pixels, pixels, pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLayer:
    """A convolution; a fully connected layer is a 1x1 convolution on a 1x1 map.

    `ValueError` where a size or a stride is not above 0, a padding is below 0, the groups do not
    divide kernels and channels, the kernel is larger than the padded input, or weights have other
    bits than one of `BITS`.
    """

    name: str
    kernels: int  # K, the output channels
    channels: int  # C, the input channels of all groups
    kernel_height: int  # R
    kernel_width: int  # S
    height: int  # H, the rows of the input without padding
    width: int  # W, the columns of the input without padding
    stride: Stride = (1, 1)  # rows, columns
    padding: Padding = (0, 0, 0, 0)  # top, bottom, left, right
    groups: int = 1
    fully_connected: bool = False
    of_request: bool = False  # its weights are data of the request, such as keys: none is kept
    block: str = ""  # label that neighbouring layers of one block share; empty for a layer alone
    input_from: tuple[str, ...] = ()  # layers whose maps it reads together; empty: the one before
    adds: tuple[str, ...] = ()  # layers whose output maps are added to its own
    weight_bits: int = INT8_BITS  # of each weight

    def __post_init__(self) -> None:
        for size in POSITIVE_SIZES:
            if not (value := getattr(self, size)) > 0:
                raise ValueError(f"layer {self.name!r}: {size} > 0 must hold, got {value}")
        for sides, count, least in (("stride", 2, 1), ("padding", 4, 0)):
            given = getattr(self, sides)
            if not isinstance(given, tuple) or len(given) != count or min(given) < least:
                raise ValueError(
                    f"layer {self.name!r}: {sides} must be {count} numbers from {least}, "
                    f"got {given}"
                )
        check_bits(f"layer {self.name!r}: weight_bits", self.weight_bits)
        if self.kernels % self.groups or self.channels % self.groups:
            raise ValueError(
                f"layer {self.name!r}: groups must divide kernels and channels, "
                f"got {self.groups} groups of {self.kernels} kernels and {self.channels} channels"
            )
        if self.output_height < 1 or self.output_width < 1:
            raise ValueError(
                f"layer {self.name!r}: a {self.kernel_height}x{self.kernel_width} kernel is larger "
                f"than its {self.height}x{self.width} input with padding "
                + " ".join(map(str, self.padding))
            )
        if self.fully_connected and not self._is_pointwise_on_one_pixel:
            raise ValueError(
                f"layer {self.name!r}: a fully connected layer has a 1x1 kernel, a 1x1 input, "
                "no padding and one group; put all inputs into channels"
            )

    @property
    def _is_pointwise_on_one_pixel(self) -> bool:
        sizes = (self.kernel_height, self.kernel_width, self.height, self.width, self.groups)
        return all(size == 1 for size in sizes) and not any(self.padding)

    @property
    def kind(self) -> str:
        """The kind of the layer: `fc`, `attention`, `dwconv` or `conv`.

        In `attention` the weights are the request's; in `dwconv` each channel is its own group.
        """
        if self.of_request:
            return "attention"
        if self.fully_connected:
            return "fc"
        return "dwconv" if self.groups == self.channels > 1 else "conv"

    @property
    def operators(self) -> tuple[str, ...]:
        """The operator with the size of its kernel and without: `conv3x3` and `conv`.

        A convolution in groups that are no single channels is `grouped`.
        """
        if self.kind in ("fc", "attention"):
            return (self.kind,)
        name = "grouped" if self.kind == "conv" and self.groups > 1 else self.kind
        return f"{name}{self.kernel_height}x{self.kernel_width}", name

    @property
    def channels_per_group(self) -> int:
        """Input channels that one kernel sums over."""
        return self.channels // self.groups

    @property
    def padded_height(self) -> int:
        """Rows of the input with its padding."""
        return self.height + self.padding[0] + self.padding[1]

    @property
    def padded_width(self) -> int:
        """Columns of the input with its padding."""
        return self.width + self.padding[2] + self.padding[3]

    @property
    def output_height(self) -> int:
        """P, the rows of the output."""
        return (self.padded_height - self.kernel_height) // self.stride[0] + 1

    @property
    def output_width(self) -> int:
        """Q, the columns of the output."""
        return (self.padded_width - self.kernel_width) // self.stride[1] + 1

    @property
    def weights(self) -> int:
        """The number of weights, or of those of the request: K * C/groups * R * S."""
        return self.kernels * self.channels_per_group * self.kernel_height * self.kernel_width

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights, rounded up to whole ones; none of a request's count."""
        return 0 if self.of_request else whole_bytes(self.weights * self.weight_bits)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of the layer: each weight once per output pixel."""
        return self.weights * self.output_height * self.output_width

    @property
    def input_bytes(self) -> int:
        """Bytes of the int8 input map, without padding: C * H * W."""
        return self.channels * self.height * self.width

    @property
    def output_bytes(self) -> int:
        """Bytes of the int8 output map: K * P * Q."""
        return self.kernels * self.output_height * self.output_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer(PlainLayer):
    """A layer of a SubNet: the first kernels and channels of one layer of its SuperNet."""

    supernet_layer: int  # number of the SuperNet layer, from 0

    def __post_init__(self) -> None:
        PlainLayer.__post_init__(self)  # super() does not know the class that `slots` makes.
        if self.supernet_layer < 0:
            raise ValueError(
                f"layer {self.name!r}: supernet_layer >= 0 must hold, got {self.supernet_layer}"
            )


def placed(layer: PlainLayer, supernet_layer: int) -> Layer:
    """`layer` as cut from the SuperNet layer of that number."""
    sizes = {field.name: getattr(layer, field.name) for field in fields(PlainLayer)}
    return Layer(supernet_layer=supernet_layer, **sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubNet:
    """A network cut from a SuperNet, with its layers in the order of the SuperNet's.

    `ValueError` without layers or weights, where layers are out of order, where one reads what is
    no map of an earlier one, or where accuracy is not 0 to 100.
    """

    name: str
    accuracy_percent: float | None = None  # None where it is not known
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError(f"SubNet {self.name!r} has no layer")
        if not self.weight_bytes:
            raise ValueError(f"SubNet {self.name!r}: a layer that is not of_request must be there")
        if self.accuracy_percent is not None and not 0 <= self.accuracy_percent <= 100:
            broken = f"0 <= accuracy_percent <= 100 must hold, got {self.accuracy_percent}"
            raise ValueError(f"SubNet {self.name!r}: {broken}")
        for before, after in pairwise(self.layers):
            if after.supernet_layer <= before.supernet_layer:
                raise ValueError(
                    f"SubNet {self.name!r}: supernet_layer must grow from layer to layer, got "
                    f"{after.supernet_layer} ({after.name!r}) after {before.supernet_layer}"
                )
        try:
            list(reads_of(self.layers))
        except ValueError as error:
            raise ValueError(f"SubNet {self.name!r}: {error}") from None

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights, those of each layer rounded up."""
        return sum(layer.weight_bytes for layer in self.layers)

    @property
    def conv_weight_bytes(self) -> int:
        """Bytes of the weights without the fully connected layers."""
        return sum(layer.weight_bytes for layer in self.layers if not layer.fully_connected)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperNetLayer:
    """A layer of a SuperNet, as large as the largest cut from it.

    Its first k kernels x first c channels, which a SubGraph may hold, are k * c * R * S weights.
    `ValueError` where a size is not above 0, or weights have other bits than `BITS`.
    """

    name: str
    kernels: int  # K
    channels_per_group: int  # C / groups
    kernel_height: int  # R
    kernel_width: int  # S
    weight_bits: int = INT8_BITS  # of each weight, in all SubNets

    def __post_init__(self) -> None:
        check_bits(f"SuperNet layer {self.name!r}: weight_bits", self.weight_bits)
        for size in SUPERNET_LAYER_SIZES:
            if not (value := getattr(self, size)) > 0:
                raise ValueError(f"SuperNet layer {self.name!r}: {size} > 0 must hold, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperNet:
    """All layers that SubNets are cut from, and the SubNets that are served.

    `ValueError` without a SubNet, where two have one name, or where one exceeds the layers.
    """

    name: str
    accuracy_of: str  # metric that the accuracies of its SubNets are of: "ImageNet top-1"
    layers: tuple[SuperNetLayer, ...]
    subnets: tuple[SubNet, ...]
    caveats: tuple[str, ...] = ()  # sentences on what was presumed or left out of it

    def __post_init__(self) -> None:
        names = [subnet.name for subnet in self.subnets]
        if not names:
            raise ValueError(f"SuperNet {self.name!r} has no SubNet")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"SuperNet {self.name!r} has two SubNets named {name!r}")
        for subnet in self.subnets:
            for layer in subnet.layers:
                self._check_within(subnet, layer)

    def _check_within(self, subnet: SubNet, layer: Layer) -> None:
        where = f"layer {layer.name!r} of SubNet {subnet.name!r}"
        if layer.supernet_layer >= len(self.layers):
            raise ValueError(
                f"{where} is cut from SuperNet layer {layer.supernet_layer}, "
                f"but {self.name!r} has {len(self.layers)}, counted from 0"
            )
        whole = self.layers[layer.supernet_layer]
        for size in ("kernels", "channels_per_group"):
            if getattr(layer, size) > getattr(whole, size):
                raise ValueError(
                    f"{where} has {getattr(layer, size)} {size}, "
                    f"SuperNet layer {whole.name!r} has {getattr(whole, size)}"
                )
        for size in ("kernel_height", "kernel_width", "weight_bits"):
            if getattr(layer, size) != getattr(whole, size):
                raise ValueError(
                    f"{where} has {size} {getattr(layer, size)}, "
                    f"SuperNet layer {whole.name!r} has {getattr(whole, size)}"
                )

    def subnet(self, name: str) -> SubNet:
        """The SubNet of that name; a `UserError` that names the near ones where there is none."""
        for subnet in self.subnets:
            if subnet.name == name:
                return subnet
        known = [subnet.name for subnet in self.subnets]
        raise UserError(f"{self.name} has no SubNet {name!r}; {near_names(name, known)}")
