"""The values of constant weights in an ONNX network, to be compared with those of another one."""

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

from sushi_dse.interchange.onnx_operators import CONVOLUTIONS, PRODUCTS

SAME_VALUES = ("Cast", "DequantizeLinear", "Identity", "QuantizeLinear")  # up to a scale
Weights = Mapping[str, np.ndarray]
"""The values of constant tensors by name, as the file has them."""


def weights_in(graph: GraphProto) -> Weights:
    """The constants of a graph that stand in its file; torn ones and those elsewhere are left out.

    A constant that is another one in other units has the values of that one.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            given = [a.t for a in node.attribute if a.name == "value" and a.HasField("t")]
            tensors |= dict.fromkeys(node.output, given[0]) if given else {}
    values: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        if tensor.data_location != TensorProto.EXTERNAL:
            with suppress(ValueError, TypeError, KeyError):
                values[name] = numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type in SAME_VALUES and node.input and node.input[0] in values:
            values |= dict.fromkeys(node.output, values[node.input[0]])
    return values


def layer_weights(values: Weights, node: NodeProto, *, is_second: bool) -> np.ndarray | None:
    """The weights of a layer: [kernel, channel of a group, row, column].

    None where the file does not have them, or in another order.  `is_second`: whether the weights
    of a product stand on the right.
    """
    if node.op_type in CONVOLUTIONS:
        found = values.get(node.input[CONVOLUTIONS[node.op_type][1]])
        if found is None or not 3 <= found.ndim <= 4:
            return None
        return found if found.ndim == 4 else found[:, :, None, :]
    if node.op_type not in PRODUCTS:
        return None
    found = values.get(node.input[PRODUCTS[node.op_type][is_second]])
    if found is None or found.ndim == 0 or any(side != 1 for side in found.shape[:-2]):
        return None
    matrix = found.reshape(found.shape[-2:]) if found.ndim > 1 else found[:, None]
    is_turned = any(a.name == ("transB" if is_second else "transA") and a.i for a in node.attribute)
    return (matrix if is_turned != (not is_second) else matrix.T)[:, :, None, None]
