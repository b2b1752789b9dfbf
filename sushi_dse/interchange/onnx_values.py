"""Folding of operators on small tensors whose values follow from shapes and constants.

Exporters compute the target of a `Reshape` or the widths of a `Pad` from the shape of another
tensor, with operators through which onnx's inference follows no value.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from math import prod

import numpy as np
from onnx import ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto, helper, numpy_helper

from sushi_dse.interchange.shapes import Shape

MAX_ELEMENTS = 256  # most elements of a folded value, far more than a shape has
OF_SHAPES = ("Shape", "Size")  # operators that need only the shape of their input
ON_NUMBERS = """
    Abs Add And Cast Ceil Concat Constant ConstantOfShape Div Equal Floor Gather Greater Identity
    Less Max Min Mod Mul Neg Not Or ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round Slice Sub
    Squeeze Transpose Unsqueeze Where
"""
ARITHMETIC = frozenset(ON_NUMBERS.split())


def fold_values(model: ModelProto, shapes: Mapping[str, Shape]) -> bool:
    """Replace the operators whose values `shapes` settle by constants; whether there was one.

    The initializers of `model` must be small.
    """
    graph = model.graph
    values: dict[str, np.ndarray] = {}
    for tensor in graph.initializer:
        with suppress(ValueError, TypeError, KeyError):  # A torn tensor has no value.
            values[tensor.name] = numpy_helper.to_array(tensor)
    left = []
    for node in graph.node:
        value = _value(node, values, shapes, model.opset_import)
        if value is None:
            left.append(node)
        else:
            values[node.output[0]] = value
            graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    found = len(left) < len(graph.node)
    del graph.node[:]
    graph.node.extend(left)
    return found


def _value(
    node: NodeProto,
    values: Mapping[str, np.ndarray],
    shapes: Mapping[str, Shape],
    opsets: Sequence[OperatorSetIdProto],
) -> np.ndarray | None:
    """The value of an operator's output; None where it depends on the input, or is not small."""
    names = [name for name in node.input if name]
    of_shape = node.op_type in OF_SHAPES and all(name in shapes for name in names)
    if not of_shape and not (node.op_type in ARITHMETIC and all(name in values for name in names)):
        return None
    if node.op_type == "ConstantOfShape" and names:
        made = prod(values[names[0]].ravel().tolist())
        if not 0 <= made <= MAX_ELEMENTS:
            return None
    from onnx.reference import ReferenceEvaluator  # It takes a while to import.

    def untyped(names: Iterable[str]) -> list[ValueInfoProto]:
        return [helper.make_empty_tensor_value_info(name) for name in names]

    try:
        inputs = {
            name: np.broadcast_to(np.float32(0), shapes[name]) if of_shape else values[name]
            for name in names
        }
        graph = helper.make_graph([node], "alone", untyped(inputs), untyped(node.output))
        model = helper.make_model(graph, opset_imports=opsets)
        with np.errstate(all="ignore"):
            (found,) = ReferenceEvaluator(model).run(None, inputs)
    except Exception:  # A wrong operator may raise anything; the reader of its layer refuses it.
        return None
    value = np.asarray(found)
    return value if value.size <= MAX_ELEMENTS and value.dtype.kind in "biuf" else None
