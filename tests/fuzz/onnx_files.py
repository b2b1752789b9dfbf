"""ONNX networks whose fields are hostile, though their protocol buffer is in order."""

import random

import onnx

SIDES = (0, 1, -1, 3, 2**16, 2**31, 2**62, 2**63 - 1)
OPERATORS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Reshape", "If", "Loop", "Relu", "Add",
             "Concat", "Shape", "Constant", "LSTM", "Sushi", "", "\x1b[31m", "a\nb")  # fmt: skip


def mutated_onnx(rng: random.Random, content: bytes) -> bytes:
    """A network after a change of its shapes, weights, operators or their attributes, or a few."""
    model = onnx.load_model_from_string(content)
    for _ in range(rng.choice([1, 1, 2, 4])):
        rng.choice((_side, _weight, _operator, _attribute, _edge, _gone, _version))(
            rng, model.graph
        )
    return bytes(model.SerializeToString())


def _side(rng: random.Random, graph: onnx.GraphProto) -> None:
    values = [*graph.input, *graph.output, *graph.value_info]
    sides = [side for value in values for side in value.type.tensor_type.shape.dim]
    if sides:
        side = rng.choice(sides)
        if rng.random() < 0.2:
            side.dim_param = rng.choice(["N", "", "\x1b"])
        else:
            side.dim_value = rng.choice(SIDES)


def _weight(rng: random.Random, graph: onnx.GraphProto) -> None:
    if not graph.initializer:
        return
    tensor = rng.choice(graph.initializer)
    match rng.randrange(5):
        case 0 if tensor.dims:
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(SIDES)
        case 1:
            tensor.dims.append(rng.choice(SIDES))
        case 2:
            del tensor.dims[:]
        case 3:
            tensor.data_type = rng.choice([0, 7, 8, 99])
        case _:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", rng.choice(["../../etc/passwd", "/dev/zero"])


def _operator(rng: random.Random, graph: onnx.GraphProto) -> None:
    if graph.node:
        node = rng.choice(graph.node)
        node.op_type = rng.choice(OPERATORS)
        node.domain = rng.choice(["", "", "com.microsoft", "\x1b"])


def _attribute(rng: random.Random, graph: onnx.GraphProto) -> None:
    if not graph.node:
        return
    node = rng.choice(graph.node)
    name = rng.choice(["strides", "pads", "kernel_shape", "group", "dilations", "axis", "auto_pad"])
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    value = rng.choice(
        [0, -1, 2**62, 1.5, "SAME_UPPER", "\x1b", [0, 0], [-1], [2**62] * 2, [1] * 99]
    )
    node.attribute.append(onnx.helper.make_attribute(name, value))


def _edge(rng: random.Random, graph: onnx.GraphProto) -> None:
    if graph.node:
        node = rng.choice(graph.node)
        ends = node.input if rng.random() < 0.5 else node.output
        if ends:
            names = [end for other in graph.node for end in (*other.input, *other.output)]
            ends[rng.randrange(len(ends))] = rng.choice([*names, "", "nowhere", "\x1b[31m\n"])


def _gone(rng: random.Random, graph: onnx.GraphProto) -> None:
    part = rng.choice([graph.node, graph.input, graph.output, graph.initializer])
    if part:
        del part[rng.randrange(len(part))]


def _version(rng: random.Random, graph: onnx.GraphProto) -> None:
    if graph.node:
        graph.node.append(rng.choice(graph.node))  # its outputs are made twice
