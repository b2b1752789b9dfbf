"""The layers of a SuperNet's SubNets as counts and arrays for the equations of `layer`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sushi_dse.hardware.accelerator import TAPS_PER_ENGINE
from sushi_dse.workload.layers import Layer, SuperNet

WINDOW = 3  # side of an engine's window; a larger kernel takes several passes
INPUT_WORD_CHANNELS = 8  # channels in a word of a map in DRAM: measured on the 3-channel stems


class LayerShape(NamedTuple):
    """The counts of a layer that enter the equations."""

    kernels: int
    channels_per_group: int
    groups: int
    taps: int
    passes: int  # passes of a 3x3 window over a larger kernel
    fold: int  # channels that share an engine: nine where the kernel is 1x1
    streamed_pixels: int  # cycles of input per tile
    streamed_rows: int  # padded rows through the line buffer; 0 where it is not used
    output_pixels: int
    input_bytes: int
    input_word_bytes: int  # bytes of the input in DRAM, in whole words
    output_bytes: int
    is_first: int
    is_last: int


# The type of a LayerShape as a record, whose fields are attributes for the interpreter too.
SHAPE = np.dtype((np.record, [(name, np.int64) for name in LayerShape._fields]))


def layer_shape(layer: Layer, *, is_first: bool = False, is_last: bool = False) -> LayerShape:
    """The counts of `layer`; the first layer reads its map from DRAM, the last writes it there."""
    pointwise = layer.kernel_height == layer.kernel_width == 1
    rows, columns = layer.height + 2 * layer.padding, layer.width + 2 * layer.padding
    output_pixels = layer.output_height * layer.output_width
    words = -(-layer.channels // INPUT_WORD_CHANNELS)
    return LayerShape(
        kernels=layer.kernels,
        channels_per_group=layer.channels_per_group,
        groups=layer.groups,
        taps=layer.kernel_height * layer.kernel_width,
        passes=-(-layer.kernel_height // WINDOW) * -(-layer.kernel_width // WINDOW),
        fold=TAPS_PER_ENGINE if pointwise else 1,
        streamed_pixels=output_pixels if pointwise else rows * columns,
        streamed_rows=0 if pointwise else rows,
        output_pixels=output_pixels,
        input_bytes=layer.input_bytes,
        input_word_bytes=words * INPUT_WORD_CHANNELS * layer.height * layer.width,
        output_bytes=layer.output_bytes,
        is_first=int(is_first),
        is_last=int(is_last),
    )


def layer_shapes(layers: Sequence[Layer], *, alone: bool = False) -> np.ndarray:
    """The counts of the layers of a network, or of layers that run `alone`: [layer] records."""
    last = len(layers) - 1
    rows = [
        layer_shape(layer, is_first=alone or i == 0, is_last=alone or i == last)
        for i, layer in enumerate(layers)
    ]
    return np.array(rows, dtype=SHAPE)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The SubNets of a SuperNet as arrays, with the layers of all SubNets one after the other.

    `Network.of(supernet)` makes one; its arrays are read-only.  Weights are int8, a byte each.
    `docs/model.md` explains the cost model of a layer.
    """

    supernet: SuperNet
    shapes: np.ndarray  # [layer] records with the fields of LayerShape
    supernet_layer: np.ndarray  # [layer]
    starts: np.ndarray  # [subnet + 1]: the layers of SubNet s are starts[s]:starts[s + 1]
    top1_percent: np.ndarray  # [subnet]
    macs: np.ndarray  # [subnet]
    weight_bytes: np.ndarray  # [subnet]
    kernels: np.ndarray  # [subnet, supernet_layer], 0 where the SubNet lacks the layer
    channels: np.ndarray  # [subnet, supernet_layer], per group
    taps: np.ndarray  # [supernet_layer]

    @classmethod
    def of(cls, supernet: SuperNet) -> "Network":
        """The arrays of `supernet`, made once for a whole sweep."""
        subnets = supernet.subnets
        kernels = np.zeros((len(subnets), len(supernet.layers)), dtype=np.int64)
        channels = np.zeros_like(kernels)
        for s, subnet in enumerate(subnets):
            for layer in subnet.layers:
                kernels[s, layer.supernet_layer] = layer.kernels
                channels[s, layer.supernet_layer] = layer.channels_per_group
        return cls(
            supernet=supernet,
            shapes=np.concatenate([layer_shapes(subnet.layers) for subnet in subnets], dtype=SHAPE),
            supernet_layer=np.array([x.supernet_layer for s in subnets for x in s.layers]),
            starts=np.cumsum([0] + [len(subnet.layers) for subnet in subnets]),
            top1_percent=np.array([subnet.top1_percent for subnet in subnets], dtype=float),
            macs=np.array([subnet.macs for subnet in subnets], dtype=float),
            weight_bytes=np.array([subnet.weight_bytes for subnet in subnets], dtype=float),
            kernels=kernels,
            channels=channels,
            taps=np.array([x.kernel_height * x.kernel_width for x in supernet.layers]),
        )

    def __post_init__(self) -> None:
        for name in self.__slots__[1:]:
            getattr(self, name).setflags(write=False)

    def __reduce__(self) -> tuple[object, ...]:
        # Pickled arrays forget that they are read-only, and kernels would be compiled again.
        return Network.of, (self.supernet,)
