"""The operators and shapes of an ONNX file; weights are reduced to their shapes.

Shapes are inferred by onnx itself, on the graph without its weights.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, shape_inference

from sushi_dse.config.document import placed
from sushi_dse.errors import UserError, near_names
from sushi_dse.interchange.network import Unsupported, plain_name
from sushi_dse.interchange.onnx_operators import is_free
from sushi_dse.interchange.onnx_size import branches
from sushi_dse.interchange.onnx_standard import drop_unread, read_standard
from sushi_dse.interchange.onnx_values import fold_values
from sushi_dse.interchange.onnx_weights import Weights, weights_in
from sushi_dse.interchange.shapes import Shape

SHAPE_ELEMENTS = 256  # most elements of a constant that may be the shape of another tensor
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
    causes: Mapping[str, NodeProto]  # operator that leaves a shape open, by the name of the tensor
    weights: Weights  # values of the weights where they were asked for
    notes: tuple[str, ...]  # what was taken of the inputs, and what is not read

    def shape(self, node: NodeProto, position: int) -> Shape:
        """The shape of an input of `node`; UserError where it is not known.

        `Unsupported` where an operator that no layer represents leaves it open.
        """
        return self._shape(node, node.input[position], "input")

    def output_shape(self, node: NodeProto) -> Shape:
        """The shape of the output of `node`; UserError where it is not known."""
        return self._shape(node, node.output[0], "output")

    def _shape(self, node: NodeProto, name: str, side: str) -> Shape:
        if name in self.shapes:
            return self.shapes[name]
        cause = self.causes.get(name, node)
        if cause is not node and not is_free(cause):
            raise Unsupported(f"{plain_name(node.op_type)} behind {node_name(cause)!r}")
        behind = ""
        if cause is not node:
            behind = f" behind {node_name(cause)!r} ({plain_name(cause.op_type)})"
        raise self.error(
            node,
            f"the shape of its {side} {plain_name(name)!r} cannot be inferred"
            f"{behind}; give the network's by --input-shape, or "
            "export it with fixed shapes",
        )

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


def read_graph(
    path: Path, input_shapes: Mapping[str, Shape], *, with_weights: bool = False
) -> Graph:
    """The graph in an ONNX file, with the values of its weights or not; UserError without one.

    input_shapes: shapes by the name of the input, or under "" for the only input.
    """
    model = read_standard(path)
    unread = drop_unread(model)
    if not model.graph.node:
        raise placed(path, "no operator of it reaches an output; export it again")
    weights = {tensor.name for tensor in model.graph.initializer}
    weights |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    notes = _fix_inputs(path, model, weights, dict(input_shapes))
    values = weights_in(model.graph) if with_weights else {}
    _leave_only_shapes(model)
    if unread:
        notes.append(f"{len(unread)} operators reach no output of the network, and do not count")
    shapes = _shapes(path, model)
    notes += _check_batch(path, model, weights, shapes)
    return Graph(
        path=path,
        nodes=list(model.graph.node),
        shapes=shapes,
        constants=_constants(model.graph.node, weights),
        causes=_causes(model.graph.node, shapes),
        weights=values,
        notes=tuple(notes),
    )


def _check_batch(
    path: Path, model: ModelProto, weights: set[str], shapes: Mapping[str, Shape]
) -> list[str]:
    """Raise UserError where an input holds several images or other samples; notes on the others.

    The first side of an input is their number where it is that of an output, too, and that of an
    image with four sides always is.
    """
    batches = {shapes[o.name][0] for o in model.graph.output if shapes.get(o.name)}
    read = {name for node in model.graph.node for name in node.input}
    notes = []
    for value in model.graph.input:
        shape = shapes.get(value.name, ())
        if value.name in weights or len(shape) < 2 or shape[0] == 1:
            continue
        if len(shape) == 4 or shape[0] in batches:
            one = "x".join(map(str, (1, *shape[1:])))
            raise placed(
                path,
                f"input {plain_name(value.name)!r} has a batch of {shape[0]}; give it one query by "
                f"--input-shape {plain_name(value.name)}={one}, or export it so",
            )
        if value.name in read:
            size = "x".join(map(str, shape))
            notes.append(f"input {plain_name(value.name)!r} of {size} counts as one query")
    return notes


def _causes(nodes: Iterable[NodeProto], shapes: Mapping[str, Shape]) -> dict[str, NodeProto]:
    """The first operator that leaves the shape of a tensor open, by the name of the tensor."""
    causes: dict[str, NodeProto] = {}
    for node in nodes:
        before = [causes[name] for name in node.input if name in causes]
        for name in node.output:
            if name not in shapes:
                causes[name] = before[0] if before else node
    return causes


def _fix_inputs(
    path: Path, model: ModelProto, weights: set[str], given: dict[str, Shape]
) -> list[str]:
    """Set the size of every input of the network; the result says what was assumed.

    UserError where a size is unknown, or a given name is no input.
    """
    read = {name for node in model.graph.node for name in node.input}
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
        if value.name not in given and value.name not in read:
            continue
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
    """The names of the weights, and of the tensors that are computed from them alone.

    What a branch or a loop computes may read any tensor, and what is drawn at random is no weight.
    """
    constants = {*weights, ""}  # An input that is left out has no name.
    for node in nodes:
        is_pure = not node.op_type.startswith("Random") and not any(branches(node))
        if is_pure and all(name in constants for name in node.input):
            constants |= set(node.output)
    return frozenset(constants - {""})
