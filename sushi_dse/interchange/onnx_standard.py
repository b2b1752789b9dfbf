"""An ONNX network in standard operators alone, without those that no output depends on.

Calls of the functions that a file defines are replaced by what they do, and quantised operators of
ONNX Runtime by the standard ones with the same shapes.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has none
from onnx import GraphProto, ModelProto, NodeProto, inliner

from sushi_dse.config.document import placed
from sushi_dse.files import read_file
from sushi_dse.interchange.network import plain_name
from sushi_dse.interchange.onnx_size import branches, check_size, with_nested

RUNTIME = "com.microsoft"  # domain of the operators of ONNX Runtime
# Standard operator for one of ONNX Runtime, and the positions of the inputs that both have.
QUANTISED = {
    "QGemm": ("Gemm", slice(0, 4, 3)),
    "QLinearAdd": ("Add", slice(0, 4, 3)),
    "QLinearMul": ("Mul", slice(0, 4, 3)),
    "QLinearAveragePool": ("AveragePool", slice(0, 1)),
    "QLinearConcat": ("Concat", slice(2, None, 3)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", slice(0, 1)),
    "QLinearLeakyRelu": ("LeakyRelu", slice(0, 1)),
    "QLinearSigmoid": ("Sigmoid", slice(0, 1)),
    "QLinearSoftmax": ("Softmax", slice(0, 1)),
}


def read_standard(path: Path) -> ModelProto:
    """The network in an ONNX file, in standard operators; UserError where there is none."""
    try:
        model = onnx.load_model_from_string(read_file(path, "name an ONNX file"))
    except DecodeError:
        raise placed(path, "is no ONNX network, or a torn one; export it again") from None
    if not model.graph.node:
        raise placed(path, "holds no operator, so it is no ONNX network; export it again")
    check_size(path, model)
    made = Counter(name for node in model.graph.node for name in node.output if name)
    twice = [name for name, times in made.items() if times > 1]
    if twice:
        raise placed(path, f"makes {plain_name(twice[0])!r} twice; export it again")
    if not all(isinstance(text, str) for text in _texts(model)):  # Wrong UTF-8 is read as bytes.
        raise placed(path, "holds a name that is no text, so it is torn; export it again")
    return _in_standard_operators(path, model)


def _texts(model: ModelProto) -> Iterator[object]:
    """All names of the network that are read."""
    graph = model.graph
    yield from (opset.domain for opset in model.opset_import)
    yield from (value.name for value in (*graph.input, *graph.output, *graph.value_info))
    yield from (tensor.name for tensor in graph.initializer)
    yield from (tensor.values.name for tensor in graph.sparse_initializer)
    inner = (node for function in model.functions for node in function.node)
    yield from (text for f in model.functions for text in (f.name, f.domain, *f.input, *f.output))
    for node in (*graph.node, *inner):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _in_standard_operators(path: Path, model: ModelProto) -> ModelProto:
    """The network in standard operators, as far as there are such; UserError where it has no end.

    A network with functions is a new one, any other is changed.
    """
    if model.functions:
        try:
            model = inliner.inline_local_functions(model)
        except Exception as error:  # onnx and its C++ library raise what they will.
            reason = " ".join(str(error).split())[:200]
            raise placed(
                path, f"onnx cannot write out its functions: {reason}; export it again"
            ) from None
    for node in model.graph.node:
        if node.domain == RUNTIME and node.op_type in QUANTISED:
            _rewrite(node)
    return model


def _rewrite(node: NodeProto) -> None:
    """Turn an operator of ONNX Runtime into the standard one, where its layout is the standard."""
    if any(a.name == "channels_last" and a.i for a in node.attribute):
        return
    standard, kept = QUANTISED[node.op_type]
    names = list(node.input)[kept]
    del node.input[:]
    node.input.extend(names)
    node.domain, node.op_type = "", standard


def drop_unread(model: ModelProto) -> list[NodeProto]:
    """Take out the operators that no output of the network depends on; those taken out.

    A network that names no output keeps all.
    """
    graph = model.graph
    wanted = {value.name for value in graph.output}
    kept, dropped = [], []
    for node in reversed(graph.node):
        if wanted and wanted.isdisjoint(node.output):
            dropped.append(node)
            continue
        kept.append(node)
        wanted |= {name for each in with_nested([node]) for name in each.input}
        wanted |= {v.name for g in _all_branches(node) for v in g.output}
    if dropped:
        del graph.node[:]
        graph.node.extend(reversed(kept))
    return dropped[::-1]


def _all_branches(node: NodeProto) -> Iterator[GraphProto]:
    for each in with_nested([node]):
        yield from branches(each)
