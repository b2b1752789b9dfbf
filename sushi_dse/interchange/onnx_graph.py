"""The operators and shapes of an ONNX file; weights are reduced to their shapes.

Shapes are inferred by onnx itself, on the graph without its weights.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has none
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, shape_inference

from sushi_dse.config.document import placed
from sushi_dse.errors import UserError, near_names
from sushi_dse.files import read_file
from sushi_dse.interchange.network import plain_name
from sushi_dse.interchange.onnx_size import check_size
from sushi_dse.interchange.onnx_values import fold_values
from sushi_dse.interchange.shapes import Shape

SHAPE_ELEMENTS = 256  # most elements of a constant that may be the shape of another tensor
OWN_DOMAINS = ("", "ai.onnx")  # domains of the standard operators
REASON_CHARACTERS = 200  # most characters of onnx's error that our error quotes
LINE_ELEMENTS = 2**20  # most elements of one-dimensional tensors whose values onnx may follow
MAX_VISITS = 10**6  # operators that are visited in all rounds
MAX_ROUNDS = 200  # rounds of folding, of which each settles values that depend on the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The operators of a network in the order in which they run, and the shapes between them."""

    path: Path
    nodes: Sequence[NodeProto]
    shapes: Mapping[str, Shape]  # shapes that are fully known, by the name of the tensor
    constants: frozenset[str]  # names of the tensors that depend on no input of the network
    notes: tuple[str, ...]  # assumptions on the inputs

    def shape(self, node: NodeProto, position: int) -> Shape:
        """The shape of an input of `node`; UserError where it is not known."""
        name = node.input[position]
        if name not in self.shapes:
            raise self.error(
                node,
                f"the shape of its input {plain_name(name)!r} cannot be inferred; give the "
                "network's by --input-shape, or export it with fixed shapes",
            )
        return self.shapes[name]

    def is_constant(self, node: NodeProto, position: int) -> bool:
        """Whether an input of `node` is present and constant: a weight."""
        return position < len(node.input) and node.input[position] in self.constants

    def error(self, node: NodeProto, message: str) -> UserError:
        """The error of one line about an operator."""
        kind = plain_name(node.op_type)
        mend = "" if ";" in message else "; export the network again"
        return placed(self.path, f"node {node_name(node)!r} ({kind}): {message}{mend}")


def node_name(node: NodeProto) -> str:
    """The name of the operator, or of its first output, which no other operator has."""
    return plain_name(node.name or next(iter(node.output), "")) or "unnamed"


def is_standard(node: NodeProto) -> bool:
    """Whether the operator is a standard one of ONNX, not of an extension."""
    return node.domain in OWN_DOMAINS


def read_graph(path: Path, input_shapes: Mapping[str, Shape]) -> Graph:
    """The graph in an ONNX file; UserError where there is none.

    input_shapes: shapes by the name of the input, or under "" for the only input.
    """
    model = _read_model(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    weights |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    notes = _fix_inputs(path, model, weights, dict(input_shapes))
    _leave_only_shapes(model)
    return Graph(
        path=path,
        nodes=list(model.graph.node),
        shapes=_shapes(path, model),
        constants=_constants(model.graph.node, weights),
        notes=tuple(notes),
    )


def _read_model(path: Path) -> ModelProto:
    try:
        model = onnx.load_model_from_string(read_file(path, "name an ONNX file"))
    except DecodeError:
        raise placed(path, "is no ONNX network, or a torn one; export it again") from None
    if not model.graph.node:
        raise placed(path, "holds no operator, so it is no ONNX network; export it again")
    check_size(path, model)
    if not all(isinstance(text, str) for text in _texts(model)):  # Wrong UTF-8 is read as bytes.
        raise placed(path, "holds a name that is no text, so it is torn; export it again")
    return model


def _texts(model: ModelProto) -> Iterator[object]:
    """All names of the network that are read."""
    graph = model.graph
    yield from (opset.domain for opset in model.opset_import)
    yield from (value.name for value in (*graph.input, *graph.output, *graph.value_info))
    yield from (tensor.name for tensor in graph.initializer)
    yield from (tensor.values.name for tensor in graph.sparse_initializer)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _fix_inputs(
    path: Path, model: ModelProto, weights: set[str], given: dict[str, Shape]
) -> list[str]:
    """Set the size of every input of the network; the result says what was assumed.

    UserError where a size is unknown, or a given name is no input.
    """
    inputs = [value for value in model.graph.input if value.name not in weights]
    names = [value.name for value in inputs]
    notes, changed = [], False
    if "" in given:
        if len(inputs) != 1:
            some = ", ".join(map(plain_name, names)) or "none"
            raise placed(path, f"--input-shape: name the input, NAME=SHAPE; its inputs: {some}")
        given[names[0]] = given.pop("")
    for name in given:
        if name not in names:
            raise placed(path, f"--input-shape: no input {name!r}; {near_names(name, names)}")
    for value in inputs:
        shape = _dimensions(value)
        fixed = given.get(value.name, shape)
        if fixed is not None and fixed[:1] == (0,) and min(fixed[1:], default=1) > 0:
            fixed = (1, *fixed[1:])
            notes.append(f"batch of input {plain_name(value.name)!r} set to 1")
        if fixed is None or min(fixed, default=1) < 1:
            size = "x".join(str(side or "?") for side in shape or ()) or "not told"
            raise placed(
                path,
                f"the size of input {plain_name(value.name)!r} is {size}; give it, such as "
                "--input-shape 1x3x224x224",
            )
        if fixed != shape:
            changed = True
            dimensions = value.type.tensor_type.shape
            dimensions.Clear()
            for side in fixed:
                dimensions.dim.add().dim_value = side
    if changed:  # The shapes that the file states behind the inputs are no longer valid.
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
    return notes


def _dimensions(value: ValueInfoProto) -> Shape | None:
    """The sides of a tensor, 0 for an unknown one; None where their number is unknown."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(max(side.dim_value, 0) for side in tensor.shape.dim)


def _leave_only_shapes(model: ModelProto) -> None:
    """Turn every weight into an input of its shape; constants that may be a shape stay."""
    graph = model.graph
    inputs = {value.name for value in graph.input}
    tensors = [*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)]
    shapes = {tensor.name: list(tensor.dims) for tensor in tensors}
    shapes |= {sparse.values.name: list(sparse.dims) for sparse in graph.sparse_initializer}
    small = [tensor for tensor in graph.initializer if _may_be_a_shape(tensor)]
    kept = {tensor.name for tensor in small}
    for tensor in tensors:
        if tensor.name not in kept | inputs:
            graph.input.append(
                onnx.helper.make_tensor_value_info(
                    tensor.name, tensor.data_type, shapes[tensor.name]
                )
            )
    del graph.initializer[:]
    del graph.sparse_initializer[:]
    graph.initializer.extend(small)


def _may_be_a_shape(tensor: TensorProto) -> bool:
    elements = prod(tensor.dims) if min(tensor.dims, default=1) >= 0 else -1
    return tensor.data_location != TensorProto.EXTERNAL and 0 <= elements <= SHAPE_ELEMENTS


def _shapes(path: Path, model: ModelProto) -> dict[str, Shape]:
    known = {opset.domain for opset in model.opset_import}
    for domain in sorted({node.domain for node in model.graph.node} - known):
        model.opset_import.append(onnx.helper.make_opsetid(domain, 1))
    named = {name for node in model.graph.node for name in node.output if name}
    shapes = _inferred(path, model, values=False)
    folded = ModelProto()
    folded.CopyFrom(model)
    rounds = min(MAX_ROUNDS, MAX_VISITS // len(model.graph.node) + 1)
    for _ in range(rounds):  # A value that is settled may settle the next shape.
        # To follow values, as a Reshape to a computed shape needs, onnx stores every element of a
        # one-dimensional tensor.
        if sum(prod(shape) for shape in shapes.values() if len(shape) == 1) > LINE_ELEMENTS:
            break
        shapes |= _inferred(path, folded, values=True)
        if named <= shapes.keys() or not fold_values(folded, shapes):
            break
    return shapes


def _inferred(path: Path, model: ModelProto, *, values: bool) -> dict[str, Shape]:
    """The shapes that are fully known; with `values`, onnx follows values of small tensors too.

    UserError where onnx cannot infer them.
    """
    try:
        inferred = shape_inference.infer_shapes(model, data_prop=values).graph
    except Exception as error:  # onnx and its C++ library raise what they will for a wrong graph.
        reason = " ".join(str(error).split())[:REASON_CHARACTERS]
        raise placed(path, f"onnx cannot infer its shapes: {reason}; export it again") from None
    shapes = {tensor.name: tuple(tensor.dims) for tensor in inferred.initializer}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        shape = _dimensions(value)
        if shape is not None and min(shape, default=1) > 0:
            shapes[value.name] = shape
    return shapes


def _constants(nodes: Iterable[NodeProto], weights: set[str]) -> frozenset[str]:
    """The names of the weights, and of the tensors that are computed from them alone."""
    constants = {*weights, ""}  # An input that is left out has no name.
    for node in nodes:
        if all(name in constants for name in node.input) and not node.op_type.startswith("Random"):
            constants |= set(node.output)
    return frozenset(constants - {""})
