"""An imported network, which every reader makes, and the layers that count for its operators."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sushi_dse.workload.blocks import linear
from sushi_dse.workload.layers import PlainLayer

if TYPE_CHECKING:
    import numpy as np

LONGEST_NAME = 100  # most characters of a name that are kept

Pair = tuple[int, int]
"""A size, a stride or the like along height and width."""


class Unsupported(ValueError):  # noqa: N818 - it is no error where such work may be left out
    """An operator whose work no layer can represent."""


class Counted(NamedTuple):
    """A layer that counts for an operator."""

    layer: PlainLayer
    remark: str = ""  # how the layer differs from the operator; empty where it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedNetwork:
    """A network read from another tool's file."""

    source: Path  # file of the network, or the first of several
    layers: tuple[Counted, ...]
    # Layers of equal names share weights in networks of one kind; empty where they do not.
    supernet_kind: str = ""
    has_input_shape: bool = False  # whether the user chooses the size of the input
    uncharged: Mapping[str, int] = field(default_factory=dict)  # number of operators by their kind
    skipped: tuple[str, ...] = ()  # operators with real work that were left out
    assumptions: tuple[str, ...] = ()
    # The weights of each layer, [kernel, channel of a group, row, column], None for one that the
    # file does not tell; nothing where it tells none, or nobody asked.
    weights: tuple["np.ndarray | None", ...] = field(default=(), repr=False, compare=False)

    @property
    def notes(self) -> list[str]:
        """The lines that a user should know about how the network is counted."""
        uncharged = ", ".join(f"{kind} {count}" for kind, count in self.uncharged.items())
        remarks = sum(bool(counted.remark) for counted in self.layers)
        return [
            *self.assumptions,
            *[f"not charged by the cost model: {uncharged}"] * bool(uncharged),
            *[f"{remarks} layers are counted in a like form, see their comments"] * bool(remarks),
        ]


def plain_name(text: str) -> str:
    """The text without characters that have a meaning in a terminal, a table or YAML.

    >>> plain_name("/layer1/layer1.0/conv1/Conv"), plain_name("a b[31m")
    ('layer1/layer1.0/conv1/Conv', 'a_b_31m')
    """
    return re.sub(r"[^A-Za-z0-9_./:-]+", "_", text).strip("/")[:LONGEST_NAME]


def convolution(
    name: str,
    *,
    kernels: int,
    channels: int,
    window: Pair,
    size: Pair,
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0)),
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Counted:
    """The layer of a convolution on an input of `size`, with `pads` before and after each axis.

    A layer has no dilation.  Where the convolution has, the layer has the same weights, outputs and
    MACs, with less padding or, where there is none left, on a smaller input.  ValueError where
    there is no output.
    """
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    _check_output(size, pads, spans)
    remark = ""
    if spans != list(window):
        rows, columns = (
            _shortened(side, pad, span - k)
            for side, pad, span, k in zip(size, pads, spans, window, strict=True)
        )
        size, pads = (rows[0], columns[0]), (rows[1], columns[1])
        remark = (
            f"dilation {dilation[0]} {dilation[1]}: counted on a {size[0]}x{size[1]} input with "
            f"padding {' '.join(map(str, (*pads[0], *pads[1])))}"
        )
    layer = PlainLayer(
        name=name,
        kernels=kernels,
        channels=channels,
        kernel_height=window[0],
        kernel_width=window[1],
        height=size[0],
        width=size[1],
        stride=stride,
        padding=(*pads[0], *pads[1]),
        groups=groups,
    )
    return Counted(layer, remark)


def interleaved(
    name: str,
    *,
    kernels: int,
    channels: int,
    window: Pair,
    size: Pair,
    outputs: Pair,
    groups: int,
    remark: str,
) -> Counted:
    """The layer for a transposed convolution, whose kernels are those of all steps of its stride.

    `outputs` is the map of each of them; rows and columns that its windows lack are padding.
    ValueError where there is no output.
    """
    spans = [out + k - 1 for out, k in zip(outputs, window, strict=True)]
    lacking = [max(span - side, 0) for span, side in zip(spans, size, strict=True)]
    rows, columns = ((n // 2, n - n // 2) for n in lacking)
    counted = convolution(
        name,
        kernels=kernels,
        channels=channels,
        window=window,
        size=(min(size[0], spans[0]), min(size[1], spans[1])),
        pads=(rows, columns),
        groups=groups,
    )
    return counted._replace(remark=remark)


def _check_output(size: Pair, pads: tuple[Pair, Pair], spans: Sequence[int]) -> None:
    """Raise ValueError where a window of those spans has no place on the padded input."""
    padded = [side + sum(pad) for side, pad in zip(size, pads, strict=True)]
    if padded[0] < spans[0] or padded[1] < spans[1]:
        raise ValueError(
            f"a window of {spans[0]}x{spans[1]} is larger than its {size[0]}x{size[1]} input "
            "with its padding"
        )


def _shortened(side: int, pad: Pair, pixels: int) -> tuple[int, Pair]:
    """A side and its padding, so many pixels shorter together, the padding first.

    >>> _shortened(16, (2, 2), 2), _shortened(16, (1, 0), 2)
    ((16, (1, 1)), (15, (0, 0)))
    """
    if pixels == 0:
        return side, pad
    left = sum(pad) - pixels
    return side + min(left, 0), (max(left, 0) // 2, -(-max(left, 0) // 2))


def matrix_product(name: str, *, inputs: int, outputs: int, rows: int = 1) -> Counted:
    """The layer of constant weights times `rows` vectors: fully connected, or 1x1 over the rows."""
    if rows == 1:
        return Counted(linear(name, inputs=inputs, outputs=outputs))
    return convolution(name, kernels=outputs, channels=inputs, window=(1, 1), size=(rows, 1))
