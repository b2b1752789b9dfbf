"""An imported network, which every reader makes, and the layers that count for its operators."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.stages import linear

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

    @property
    def warnings(self) -> list[str]:
        """The lines about work that is missing from the count."""
        return [f"left out of the count: {', '.join(self.skipped)}"] * bool(self.skipped)


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

    A layer has one stride and one padding, and no dilation.  Where the convolution needs more, the
    layer has the same weights, outputs and MACs, with another padding if one fits, or else on the
    padded input.  `Unsupported` where the strides of both axes matter and differ; ValueError where
    there is no output.
    """
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    outputs = _outputs(size, pads, spans, stride)
    step = _one_stride(stride, outputs)

    def on(size: Pair, padding: int) -> PlainLayer | None:
        """The layer on a map of that size; None where it would have other outputs."""
        if any(side + 2 * padding < k for side, k in zip(size, window, strict=True)):
            return None
        layer = PlainLayer(
            name=name,
            kernels=kernels,
            channels=channels,
            kernel_height=window[0],
            kernel_width=window[1],
            height=size[0],
            width=size[1],
            stride=step,
            padding=padding,
            groups=groups,
        )
        return layer if [layer.output_height, layer.output_width] == outputs else None

    forms = {
        f"pads {pads[0][0]} {pads[0][1]} {pads[1][0]} {pads[1][1]}": len({*pads[0], *pads[1]}) > 1,
        f"dilation {dilation[0]} {dilation[1]}": spans != list(window),
        f"stride {stride[0]} {stride[1]}": set(stride) != {step},
    }
    reason = ", ".join(form for form, holds in forms.items() if holds)
    spare = [sum(pad) - span + k for pad, span, k in zip(pads, spans, window, strict=True)]
    for padding in sorted({half for s in spare for half in (s // 2, -(-s // 2)) if half >= 0}):
        if layer := on(size, padding):
            remark = f"{reason}: counted with padding {padding} on each side"
            return Counted(layer, remark if reason else "")
    height, width = ((output - 1) * step + k for output, k in zip(outputs, window, strict=True))
    layer = on((height, width), 0)
    assert layer is not None  # (height - k) // step + 1 is the output.
    return Counted(layer, f"{reason}: counted on a {height}x{width} input without padding")


def _outputs(size: Pair, pads: tuple[Pair, Pair], spans: Sequence[int], stride: Pair) -> list[int]:
    """The height and width of the output; ValueError where there is none."""
    outputs = [
        (side + sum(pad) - span) // step + 1
        for side, pad, span, step in zip(size, pads, spans, stride, strict=True)
    ]
    if min(outputs) < 1:
        raise ValueError(
            f"a window of {spans[0]}x{spans[1]} is larger than its {size[0]}x{size[1]} input "
            "with its padding"
        )
    return outputs


def _one_stride(stride: Pair, outputs: Sequence[int]) -> int:
    """The stride of both axes; an axis with one output takes no step, so its stride is ignored.

    `Unsupported` where the strides of both axes matter and differ.
    """
    steps = {step for step, output in zip(stride, outputs, strict=True) if output > 1}
    if len(steps) > 1:
        raise Unsupported(f"strides {stride[0]} and {stride[1]}, where a layer has one stride")
    return steps.pop() if steps else stride[0]


def matrix_product(name: str, *, inputs: int, outputs: int, rows: int = 1) -> Counted:
    """The layer of constant weights times `rows` vectors: fully connected, or 1x1 over the rows."""
    if rows == 1:
        return Counted(linear(name, inputs=inputs, outputs=outputs))
    return convolution(name, kernels=outputs, channels=inputs, window=(1, 1), size=(rows, 1))
