"""The layers whose maps an ONNX network brings to each layer, through operators that are free."""

from collections import defaultdict

from onnx import NodeProto

from sushi_dse.interchange.onnx_graph import Graph

SIZES = ("Shape", "Size")  # operators whose output carries no map


class Edges:
    """The edges between layers, which are numbered as they run, found operator by operator.

    Maps of one shape that meet in an elementwise operator are added to that of the layer that runs
    last, unless a layer has read that map before.  Other maps that meet are read together, as in a
    concatenation, or where one scales the channels of another.  The input of the network is no map
    of a layer.
    """

    def __init__(self, graph: Graph, elementwise: frozenset[str]) -> None:
        self.adds: defaultdict[int, list[int]] = defaultdict(list)
        self._shapes = graph.shapes
        self._elementwise = elementwise
        self._carried: dict[str, tuple[int, ...]] = {}  # numbers of layers, by tensor
        self._read: set[int] = set()

    def enter_layer(self, node: NodeProto, number: int) -> tuple[int, ...]:
        """The numbers of the layers whose maps layer `number`, which is `node`, reads."""
        reads = self._together(node)
        self._read |= set(reads)
        self._leave(node, (number,))
        return reads

    def enter_free(self, node: NodeProto) -> None:
        """Follow the maps through an operator that is no layer."""
        if node.op_type in SIZES:
            return
        maps = self._together(node)
        last = max(maps, default=-1)
        if self._can_add(node, last):
            self.adds[last] += [n for n in maps if n not in (last, *self.adds[last])]
            maps = (last,)
        self._leave(node, maps)

    def _can_add(self, node: NodeProto, last: int) -> bool:
        inputs = [name for name in node.input if name in self._carried]
        own = [name for name in inputs if last in self._carried[name]]
        return (
            node.op_type in self._elementwise
            and len(own) < len(inputs)
            and all(self._carried[name] == (last,) for name in own)
            and len({self._shapes.get(name) for name in inputs}) == 1
            and last not in self._read
        )

    def _together(self, node: NodeProto) -> tuple[int, ...]:
        """The numbers of the layers whose maps reach the operator, each once."""
        maps = (self._carried.get(name, ()) for name in node.input)
        return tuple(dict.fromkeys(number for some in maps for number in some))

    def _leave(self, node: NodeProto, maps: tuple[int, ...]) -> None:
        for name in node.output if maps else ():
            self._carried[name] = maps
