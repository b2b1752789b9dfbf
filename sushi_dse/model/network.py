"""The layers of a SuperNet's SubNets as counts and arrays for the equations of `layer`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.workload.edges import Reads, reads_of
from sushi_dse.workload.layers import Layer, SuperNet

WINDOW = 3  # side of an engine's window; a larger kernel takes several passes
NEVER_HELD = 2**62  # bytes that no buffer holds, of a map that comes from or goes to DRAM always


class LayerShape(NamedTuple):
    """The counts of a layer that enter the equations.

    A map crosses the off-chip bus where the buffers do not hold so many bytes as its `holds` says.
    """

    kernels: int
    channels: int
    channels_per_group: int
    groups: int
    kernel_height: int
    kernel_width: int
    taps: int
    pair_bits: int  # of the weights of one kernel for one channel: its taps
    passes: int  # passes of a 3x3 window over a larger kernel
    is_pointwise: int  # whether the kernel is 1x1
    height: int
    width: int
    padded_height: int
    padded_width: int
    pad_top: int
    pad_left: int
    stride_height: int
    stride_width: int
    output_height: int
    output_width: int
    input_bytes: int
    output_bytes: int
    shortcut_bytes: int  # of the maps that are added to the output, as they are read
    input_holds: int
    output_holds: int
    shortcut_holds: int
    maps: int  # of a batch of queries, which stand on top of each other in heights and bytes


# The type of a LayerShape as a record, whose fields are attributes for the interpreter too.
SHAPE = np.dtype((np.record, [(name, np.int64) for name in LayerShape._fields]))


def layer_shape(layer: Layer, *, is_first: bool = False, is_last: bool = False) -> LayerShape:
    """The counts of `layer` by itself, without what it adds.

    The first layer of a network reads its map from DRAM, the last writes it there.
    """
    return LayerShape(
        kernels=layer.kernels,
        channels=layer.channels,
        channels_per_group=layer.channels_per_group,
        groups=layer.groups,
        kernel_height=layer.kernel_height,
        kernel_width=layer.kernel_width,
        taps=layer.kernel_height * layer.kernel_width,
        pair_bits=layer.kernel_height * layer.kernel_width * layer.weight_bits,
        passes=-(-layer.kernel_height // WINDOW) * -(-layer.kernel_width // WINDOW),
        is_pointwise=int(layer.kernel_height == layer.kernel_width == 1),
        height=layer.height,
        width=layer.width,
        padded_height=layer.padded_height,
        padded_width=layer.padded_width,
        pad_top=layer.padding[0],
        pad_left=layer.padding[2],
        stride_height=layer.stride[0],
        stride_width=layer.stride[1],
        output_height=layer.output_height,
        output_width=layer.output_width,
        input_bytes=layer.input_bytes,
        output_bytes=layer.output_bytes,
        shortcut_bytes=0,
        input_holds=NEVER_HELD if is_first else layer.input_bytes,
        output_holds=NEVER_HELD if is_last else layer.output_bytes,
        shortcut_holds=0,
        maps=1,
    )


def layer_shapes(layers: Sequence[Layer], *, alone: bool = False) -> np.ndarray:
    """The counts of the layers of a network, or of layers that run `alone`: [layer] records.

    Within a network a map goes out if one of its readers does not find it on chip, and such a
    reader reads all of its input from there, or all that it adds.  A map that no layer reads is an
    output of the network.  `ValueError` where a layer reads what is no map of an earlier one.
    """
    shapes = [
        layer_shape(layer, is_first=alone or i == 0, is_last=alone)
        for i, layer in enumerate(layers)
    ]
    return np.array(shapes if alone else _connected(shapes, list(reads_of(layers))), dtype=SHAPE)


def _connected(shapes: Sequence[LayerShape], reads: Sequence[Reads]) -> list[LayerShape]:
    """The shapes of layers by themselves as those of a network with such edges."""
    input_holds, shortcut_holds, output_holds = _edge_holds(shapes, reads)
    return [
        shape._replace(
            shortcut_bytes=sum(
                min(shapes[i].output_bytes, shape.output_bytes) for i in reads[j].adds
            ),
            input_holds=input_holds[j],
            output_holds=output_holds[j],
            shortcut_holds=shortcut_holds[j],
        )
        for j, shape in enumerate(shapes)
    ]


def _edge_holds(
    shapes: Sequence[LayerShape], reads: Sequence[Reads]
) -> tuple[list[int], list[int], list[int]]:
    """Bytes to hold for the input of each layer, for what it adds, and for its output: [layer].

    For an edge they are those of the map, and of the largest other map that a layer in between
    reads or makes.  The one input of a layer may be pooled or resized on its way: the larger size.
    """
    input_holds, shortcut_holds = [shape.input_holds for shape in shapes], [0] * len(shapes)
    read_by: list[list[int]] = [[] for _ in shapes]
    for j, read in enumerate(reads):
        for i in read.inputs | read.adds:
            read_by[i].append(j)
    for i, readers in enumerate(read_by):
        own, beside = shapes[i].output_bytes, 0
        for j in range(i + 1, max(readers, default=i) + 1):
            shape, read = shapes[j], reads[j]
            is_input = i in read.inputs
            if is_input:
                size = max(own, shape.input_bytes) if len(read.inputs) == 1 else own
                input_holds[j] = max(input_holds[j], size + beside)
            if i in read.adds:
                shortcut_holds[j] = max(shortcut_holds[j], own + beside)
            other = shape.input_bytes - own if is_input else shape.input_bytes
            beside = max(beside, other, shape.output_bytes)
    output_holds = [NEVER_HELD if not readers else 0 for readers in read_by]
    for j, read in enumerate(reads):
        for i in read.inputs:
            output_holds[i] = max(output_holds[i], input_holds[j])
        for i in read.adds:
            output_holds[i] = max(output_holds[i], shortcut_holds[j])
    return input_holds, shortcut_holds, output_holds


# The counts that add up over the queries of a batch: where they share the weights, and where each
# has its own, so that its maps and weights are groups by themselves.
STACKED = ("height", "padded_height", "output_height", "input_bytes", "output_bytes",
           "shortcut_bytes", "maps")  # fmt: skip
GROUPED = ("groups", "kernels", "channels", "input_bytes", "output_bytes", "shortcut_bytes")


def stacked(shapes: np.ndarray, queries: int, of_request: np.ndarray | None = None) -> np.ndarray:
    """The shapes of layers that serve a batch of so many queries: [layer].

    The maps of the queries stand on top of each other, each with its own padding, and what is held
    on chip for one query is held for all.  of_request: [layer], whether its weights are each
    query's own, so that its maps stand side by side, in groups; none is without it.
    """
    of_batch = shapes.copy()
    alone = np.zeros(len(shapes), dtype=bool) if of_request is None else of_request
    for names, own in ((STACKED, ~alone), (GROUPED, alone)):
        for name in names:
            of_batch[name][own] *= queries
    for name in ("input_holds", "output_holds", "shortcut_holds"):
        is_held = shapes[name] != NEVER_HELD
        of_batch[name][is_held] *= queries
    return of_batch


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The SubNets of a SuperNet as arrays, with the layers of all SubNets one after the other.

    `Network.of(supernet)` makes one; its arrays are read-only.
    `docs/model.md` explains the cost model of a layer.
    """

    supernet: SuperNet
    batch: int  # queries that a SubNet serves at once, with one pass over its weights
    shapes: np.ndarray  # [layer] records with the fields of LayerShape
    supernet_layer: np.ndarray  # [layer]
    of_request: np.ndarray  # [layer]: whether its weights are the request's, so that none is kept
    starts: np.ndarray  # [subnet + 1]: the layers of SubNet s are starts[s]:starts[s + 1]
    accuracy_percent: np.ndarray  # [subnet], NaN where it is not known
    macs: np.ndarray  # [subnet], for the whole batch
    weight_bytes: np.ndarray  # [subnet], half a byte for an odd weight of four bits
    # [subnet, supernet_layer], 0 where the SubNet has no weights in the layer; channels per group
    kernels: np.ndarray
    channels: np.ndarray
    pair_bits: np.ndarray  # [supernet_layer], of the weights of one kernel for one channel

    @classmethod
    def of(cls, supernet: SuperNet, batch: int = 1) -> "Network":
        """The arrays of `supernet`, made once for a whole sweep, for so many queries at once."""
        subnets = supernet.subnets
        kernels = np.zeros((len(subnets), len(supernet.layers)), dtype=np.int64)
        channels = np.zeros_like(kernels)
        for s, subnet in enumerate(subnets):
            for layer in (layer for layer in subnet.layers if not layer.of_request):
                kernels[s, layer.supernet_layer] = layer.kernels
                channels[s, layer.supernet_layer] = layer.channels_per_group
        pair_bits = [x.kernel_height * x.kernel_width * x.weight_bits for x in supernet.layers]
        shapes = np.concatenate([layer_shapes(subnet.layers) for subnet in subnets], dtype=SHAPE)
        of_request = np.array([x.of_request for s in subnets for x in s.layers])
        return cls(
            supernet=supernet,
            batch=batch,
            shapes=stacked(shapes, batch, of_request),
            supernet_layer=np.array([x.supernet_layer for s in subnets for x in s.layers]),
            of_request=of_request,
            starts=np.cumsum([0] + [len(subnet.layers) for subnet in subnets]),
            accuracy_percent=np.array([subnet.accuracy_percent for subnet in subnets], dtype=float),
            macs=np.array([batch * subnet.macs for subnet in subnets], dtype=float),
            weight_bytes=(kernels * channels * pair_bits).sum(axis=1) / BYTE_BITS,
            kernels=kernels,
            channels=channels,
            pair_bits=np.array(pair_bits),
        )

    def __post_init__(self) -> None:
        for name in self.__slots__[2:]:
            getattr(self, name).setflags(write=False)

    def __reduce__(self) -> tuple[object, ...]:
        # Pickled arrays forget that they are read-only, and kernels would be compiled again.
        return Network.of, (self.supernet, self.batch)
