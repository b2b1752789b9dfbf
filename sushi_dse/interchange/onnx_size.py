"""The operators within those of an ONNX network, and the number that all of them come to.

onnx follows every call of a function, so that a few KB of functions which call each other twice
would take for ever.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from onnx import GraphProto, ModelProto, NodeProto

from sushi_dse.config.document import placed

MOST_OPERATORS = 200_000  # onnx infers the shapes of so many in about a second
MOST_DEPTH = 64  # functions that call each other, one within the other

Key = tuple[str, str]  # domain and name of a function


def check_size(path: Path, model: ModelProto) -> None:
    """Raise `UserError` where a network holds or calls too many operators, or calls in a circle."""
    bodies = {(each.domain, each.name): each.node for each in model.functions}
    calls = {key: list(_calls(nodes)) for key, nodes in bodies.items()}
    known: dict[Key, tuple[int, int]] = {}  # operators and depth of each function

    def measured(asked: Iterable[Key], within: tuple[Key, ...] = ()) -> tuple[int, int]:
        operators, depth = 0, 0
        for key in asked:
            operators += 1
            if key in calls:
                if key in within:
                    raise placed(path, "has functions that call themselves; export it without")
                if len(within) < MOST_DEPTH and key not in known:
                    known[key] = measured(calls[key], (*within, key))
                own, deep = known.get(key, (0, MOST_DEPTH))
                operators, depth = operators + own, max(depth, deep + 1)
            if depth > MOST_DEPTH:
                raise placed(path, f"nests over {MOST_DEPTH} functions; export it without")
            if operators > MOST_OPERATORS:
                raise placed(
                    path,
                    f"comes to over {MOST_OPERATORS} operators, with its functions written out; "
                    "import a part of it",
                )
        return operators, depth

    for key in calls:
        measured([key])
    measured(_calls(model.graph.node))


def _calls(nodes: Iterable[NodeProto]) -> Iterator[Key]:
    """Domain and kind of each operator, those in graphs within it included."""
    return ((node.domain, node.op_type) for node in with_nested(nodes))


def with_nested(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """The operators, and those within their branches and loops."""
    for node in nodes:
        yield node
        for graph in branches(node):
            yield from with_nested(graph.node)


def branches(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs within an operator: its branches, or the body of a loop."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
