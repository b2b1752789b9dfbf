"""The layers of an ONNX network: convolutions, and activations times constant weights."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from sushi_dse.config.document import placed
from sushi_dse.interchange.network import (
    Counted,
    ImportedNetwork,
    Unsupported,
    convolution,
    interleaved,
    matrix_product,
    plain_name,
)
from sushi_dse.interchange.onnx_edges import Edges
from sushi_dse.interchange.onnx_graph import Graph, node_name, read_graph
from sushi_dse.interchange.onnx_operators import (
    CONVOLUTIONS,
    ELEMENTWISE,
    PRODUCTS,
    TRANSPOSED,
    is_free,
    is_standard,
)
from sushi_dse.interchange.onnx_weights import layer_weights
from sushi_dse.interchange.shapes import Shape

SHOWN_NODES = 3  # most operators that an error names


def read_onnx(
    path: Path, *, input_shapes: Mapping[str, Shape], skip_unsupported: bool, with_weights: bool
) -> ImportedNetwork:
    """The layers of an ONNX network; UserError for work that is no layer's, unless skipped."""
    graph = read_graph(path, input_shapes, with_weights=with_weights)
    layers: list[Counted] = []
    values: list[np.ndarray | None] = []
    uncharged: Counter[str] = Counter()
    unsupported: list[str] = []
    names: list[str] = []
    weights: Counter[str] = Counter()
    edges = Edges(graph, ELEMENTWISE)
    for node in _working(graph):
        try:
            counted = _layer(graph, node)
        except Unsupported as reason:
            unsupported.append(f"{node_name(node)!r} ({reason})")
            edges.enter_free(node)
            continue
        except ValueError as error:
            raise graph.error(node, str(error)) from None
        if counted is None:
            uncharged[plain_name(node.op_type)] += 1
            edges.enter_free(node)
            continue
        name, number = node_name(node), len(layers)
        while name in names:
            name = f"{name}_{number}"
        reads = edges.enter_layer(node, number)
        input_from = () if reads == (number - 1,) else tuple(names[read] for read in reads)
        names.append(name)
        layer = replace(counted.layer, name=name, input_from=input_from)
        layers.append(counted._replace(layer=layer))
        weights[_weight(graph, node)] += 1
        is_second = graph.is_constant(node, _sides(node)[1])
        values.append(layer_weights(graph.weights, node, is_second=is_second))
    if unsupported and not skip_unsupported:
        more = len(unsupported) - SHOWN_NODES
        raise placed(
            path,
            f"no layer can do the work of {', '.join(unsupported[:SHOWN_NODES])}"
            + (f" and {more} more" if more > 0 else "")
            + "; cut the network before it, or leave it out of the count by --skip-unsupported",
        )
    if not layers:
        raise placed(path, "has no convolution or product with constant weights; name another")
    for number, added in edges.adds.items():
        adds = tuple(names[read] for read in added)
        layer = replace(layers[number].layer, adds=adds)
        layers[number] = layers[number]._replace(layer=layer)
    shared = [plain_name(name) for name, uses in weights.items() if uses > 1]
    notes = [f"{len(shared)} weights serve several layers, and count for each"] * bool(shared)
    return ImportedNetwork(
        source=path,
        has_input_shape=True,
        layers=tuple(layers),
        uncharged=dict(uncharged.most_common()),
        skipped=tuple(unsupported),
        assumptions=(*graph.notes, *notes),
        weights=tuple(values) if with_weights else (),
    )


def _working(graph: Graph) -> Iterator[NodeProto]:
    """The operators whose outputs depend on the input of the network."""
    for node in graph.nodes:
        if not all(name in graph.constants for name in node.output):
            yield node


def _sides(node: NodeProto) -> tuple[int, int]:
    """The positions of the inputs of a layer that are activations and weights."""
    return (CONVOLUTIONS | TRANSPOSED | PRODUCTS)[node.op_type]


def _weight(graph: Graph, node: NodeProto) -> str:
    constant = [str(node.input[side]) for side in _sides(node) if graph.is_constant(node, side)]
    return constant[-1]


def _layer(graph: Graph, node: NodeProto) -> Counted | None:
    """The layer of an operator, or None where it is not charged.

    `Unsupported` where no layer can represent its work, ValueError where it cannot be run.
    """
    kind = plain_name(node.op_type)
    if not is_standard(node):
        raise Unsupported(f"{kind} of {plain_name(node.domain)}")
    if node.op_type in CONVOLUTIONS:
        if not graph.is_constant(node, CONVOLUTIONS[node.op_type][1]):
            raise Unsupported(f"{kind} with weights that are computed")
        return _convolution(graph, node)
    if node.op_type in TRANSPOSED:
        if not graph.is_constant(node, TRANSPOSED[node.op_type][1]):
            raise Unsupported(f"{kind} with weights that are computed")
        return _transposed_convolution(graph, node)
    if node.op_type in PRODUCTS:
        if not any(graph.is_constant(node, side) for side in PRODUCTS[node.op_type]):
            raise Unsupported(f"{kind} of two activations")
        return _product(graph, node)
    if is_free(node):
        return None
    raise Unsupported(kind)


def _product(graph: Graph, node: NodeProto) -> Counted:
    left, right = (graph.shape(node, side) for side in PRODUCTS[node.op_type])
    if node.op_type == "Gemm":
        left = left[::-1] if _attribute(node, "transA", 0) else left
        right = right[::-1] if _attribute(node, "transB", 0) else right
    if not graph.is_constant(node, PRODUCTS[node.op_type][1]):  # (A B)^T = B^T A^T
        left, right = _transposed(right), _transposed(left)
    *batch, inputs, outputs = right if len(right) > 1 else (*right, 1)
    if prod(batch) > 1:
        raise Unsupported(f"{node.op_type} with {prod(batch)} matrices of weights")
    if left[-1:] != (inputs,):
        raise ValueError(f"{inputs} rows of weights do not fit {'x'.join(map(str, left))} inputs")
    return matrix_product(node_name(node), inputs=inputs, outputs=outputs, rows=prod(left[:-1]))


def _transposed(shape: Shape) -> Shape:
    """The shape of a matrix, or of each of many, with rows and columns swapped."""
    return shape if len(shape) < 2 else (*shape[:-2], shape[-1], shape[-2])


def _convolution(graph: Graph, node: NodeProto) -> Counted:
    activations, weights = (graph.shape(node, side) for side in CONVOLUTIONS[node.op_type])
    axes = len(weights) - 2
    if len(activations) != len(weights) or axes < 1:
        raise ValueError(
            f"weights of {len(weights)} dimensions do not fit an input of {len(activations)}"
        )
    if axes > 2:
        raise Unsupported(f"{node.op_type} over {axes} axes")
    groups = _attribute(node, "group", 1)
    if activations[0] != 1:
        raise Unsupported(f"{node.op_type} over {activations[0]} maps at once")
    if groups < 1 or activations[1] != weights[1] * groups:
        raise ValueError(
            f"{groups} groups of {weights[1]} channels do not fit an input of {activations[1]}"
        )
    window, size = weights[2:], activations[2:]
    stride = _numbers(node, "strides", (1,) * axes, least=1)
    dilation = _numbers(node, "dilations", (1,) * axes, least=1)
    pads = _pads(node, window, size, stride, dilation)
    line = 2 - axes  # number of axes of one pixel that turn a line into a map
    return convolution(
        node_name(node),
        kernels=weights[0],
        channels=activations[1],
        window=_pair((1,) * line + window),
        size=_pair((1,) * line + size),
        pads=((0, 0), pads[0]) if line else (pads[0], pads[1]),
        stride=_pair((1,) * line + stride),
        dilation=_pair((1,) * line + dilation),
        groups=groups,
    )


def _transposed_convolution(graph: Graph, node: NodeProto) -> Counted:
    """The layer with the weights, outputs and MACs of a transposed convolution.

    With a stride that divides the window, each step of the stride is a kernel of its own on a
    smaller window, and their outputs are interleaved.  With another one, or a dilated window, only
    weights and MACs are the same: the outputs count on the map of the input.
    """
    activations, weights = (graph.shape(node, side) for side in TRANSPOSED[node.op_type])
    axes, groups = len(weights) - 2, _attribute(node, "group", 1)
    if len(activations) != len(weights) or not 1 <= axes <= 2:
        raise Unsupported(f"{node.op_type} over {axes} axes")
    if groups < 1 or (activations[0], activations[1]) != (1, weights[0]):
        raise Unsupported(f"{node.op_type} of {activations[1]} channels by {weights[0]}")
    made = graph.output_shape(node)
    stride = _numbers(node, "strides", (1,) * axes, least=1)
    dilation = _numbers(node, "dilations", (1,) * axes, least=1)
    told = f"transposed by {' '.join(map(str, stride))}: its outputs are counted"
    is_divided = not any(k % s for k, s in zip(weights[2:], stride, strict=True))
    if max(dilation) > 1 or not is_divided:
        stride, made, told = (1,) * axes, activations, f"{told} on the map of its input"
    line = (1,) * (2 - axes)
    window, size, rows = (
        _pair(line + tuple(values))
        for values in (
            [k // s for k, s in zip(weights[2:], stride, strict=True)],
            activations[2:],
            [-(-side // s) for side, s in zip(made[2:], stride, strict=True)],
        )
    )
    return interleaved(
        node_name(node),
        kernels=weights[1] * groups * prod(stride),
        channels=activations[1],
        window=window,
        size=size,
        outputs=rows,
        groups=groups,
        remark=told if prod(stride) == 1 else f"{told} as kernels",
    )


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return values[0], values[1]


def _pads(
    node: NodeProto, window: Shape, size: Shape, stride: Shape, dilation: Shape
) -> list[tuple[int, int]]:
    """The padding before and after each axis, by the rules of the ONNX standard for `auto_pad`."""
    automatic = _attribute(node, "auto_pad", b"NOTSET")
    if automatic in (b"NOTSET", b""):
        flat = _numbers(node, "pads", (0,) * 2 * len(size), least=0)
        return list(zip(flat[: len(size)], flat[len(size) :], strict=True))
    if automatic == b"VALID":
        return [(0, 0)] * len(size)
    pads = []
    for k, side, step, d in zip(window, size, stride, dilation, strict=True):
        total = max((-(-side // step) - 1) * step + (k - 1) * d + 1 - side, 0)
        less, more = total // 2, -(-total // 2)
        pads.append((more, less) if automatic == b"SAME_LOWER" else (less, more))
    return pads


def _attribute(node: NodeProto, name: str, default: Any) -> Any:
    """The attribute of that name, or its default; ValueError for another type."""
    for attribute in node.attribute:
        if attribute.name == name:
            value = helper.get_attribute_value(attribute)
            if not isinstance(value, type(default)):
                raise ValueError(f"its attribute {name} is {type(value).__name__}")
            return value
    return default


def _numbers(node: NodeProto, name: str, default: Shape, *, least: int) -> Shape:
    """An attribute with as many whole numbers as `default`, each `least` or more.

    ValueError for another attribute of that name.
    """
    numbers = tuple(_attribute(node, name, list(default)))
    whole = all(isinstance(number, int) and number >= least for number in numbers)
    if not whole or len(numbers) != len(default):
        raise ValueError(f"its {name} must be {len(default)} whole numbers from {least}")
    return numbers
