"""Small and well-known networks as ONNX models, and what onnx itself counts in them."""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

FLOAT = TensorProto.FLOAT
IMAGE = ("N", 3, 224, 224)


class Net:
    """A graph under construction; weights are zeros."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []

    def weight(self, *sides: int) -> str:
        """A constant of that shape."""
        name = f"w{len(self.weights)}"
        tensor = TensorProto(
            name=name, data_type=FLOAT, dims=sides, raw_data=bytes(4 * prod(sides))
        )
        self.weights.append(tensor)
        return name

    def number(self, value: Any) -> str:
        """A constant of that value: whole numbers, or fractions."""
        name = f"w{len(self.weights)}"
        array = np.array(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """An operator; its output's name."""
        output = f"t{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output], name=name, **attributes)
        self.nodes.append(node)
        return output

    def conv(
        self, source: str, channels: int, kernels: int, size: int, *, stride: int = 1,
        groups: int = 1, **attributes: Any,
    ) -> str:  # fmt: skip
        """A square convolution, padded to keep its map."""
        weight = self.weight(kernels, channels // groups, size, size)
        given: dict[str, Any] = {
            "pads": [size // 2] * 4,
            "strides": [stride] * 2,
            "group": groups,
        } | attributes
        return self.op("Conv", source, weight, **given)

    def model(
        self, output: str, shape: tuple[str | int | None, ...] = IMAGE, *, opset: int = 17
    ) -> onnx.ModelProto:
        """The model with the input `x` of that shape."""
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", FLOAT, shape)],
            [helper.make_empty_tensor_value_info(output)],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])

    def save(self, path: Path, output: str, shape: tuple[str | int | None, ...] = IMAGE) -> Path:
        """The model in a file."""
        path.write_bytes(self.model(output, shape).SerializeToString())
        return path


def resnet18() -> tuple[Net, str]:
    """ResNet-18 for ImageNet (He et al., CVPR 2016): 1,814,073,344 MACs."""
    net = Net()
    x = net.op("Relu", net.conv("x", 3, 64, 7, stride=2, name="/conv1/Conv"))
    x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for stage, width in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = net.op("Relu", net.conv(x, channels, width, 3, stride=stride))
            y = net.conv(y, width, width, 3)
            if channels != width:
                x = net.conv(x, channels, width, 1, stride=stride)
            x, channels = net.op("Relu", net.op("Add", x, y)), width
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    return net, net.op("Gemm", x, net.weight(1000, 512), net.weight(1000), transB=1, name="/fc")


def mobilenet_v1() -> tuple[Net, str]:
    """MobileNet 1.0 at 224 (Howard et al., 2017): 568,740,352 MACs."""
    net = Net()
    x, channels = net.conv("x", 3, 32, 3, stride=2), 32
    steps = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5,
             (1024, 2), (1024, 1)]  # fmt: skip
    for width, stride in steps:
        x = net.conv(x, channels, channels, 3, stride=stride, groups=channels)
        x, channels = net.op("Clip", net.conv(x, channels, width, 1)), width
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    return net, net.op("MatMul", x, net.weight(1024, 1000))


def counted_by_onnx(model: onnx.ModelProto) -> list[tuple[int, int]]:
    """MACs and weights of each convolution and product, by the shapes that onnx infers."""
    graph = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    outputs = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    counts = []
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            shape = weights[node.input[1]]
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            sums = prod(shape[1:]) if node.op_type == "Conv" or transposed else shape[0]
            counts.append((prod(outputs[node.output[0]]) * sums, prod(shape)))
    return counts
