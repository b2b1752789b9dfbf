"""The edges of a network: the earlier layers whose maps a layer reads, by number."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from sushi_dse.errors import near_names


class Connected(Protocol):
    """A layer that names the layers whose maps it reads."""

    @property
    def name(self) -> str:
        """The name by which later layers refer to it."""

    @property
    def input_from(self) -> tuple[str, ...]:
        """The layers whose maps it reads; empty for the layer before it."""

    @property
    def adds(self) -> tuple[str, ...]:
        """The layers whose maps are added to its own."""


class Reads(NamedTuple):
    """The numbers of the earlier layers whose maps a layer reads, and adds to its own."""

    inputs: frozenset[int]  # empty where it reads the input of the network
    adds: frozenset[int]


def reads_of(layers: Sequence[Connected]) -> Iterator[Reads]:
    """What each layer reads; `ValueError` at the first one that names what it cannot read."""
    count = Counter(layer.name for layer in layers)
    numbers: dict[str, int] = {}
    for number, layer in enumerate(layers):
        inputs = _numbers(f"input_from of layer {layer.name!r}", layer.input_from, numbers, count)
        adds = _numbers(f"adds of layer {layer.name!r}", layer.adds, numbers, count)
        before = frozenset({number - 1} if number else ())
        yield Reads(inputs or before, adds)
        numbers[layer.name] = number


def _numbers(
    what: str, names: Sequence[str], numbers: Mapping[str, int], count: Mapping[str, int]
) -> frozenset[int]:
    """The numbers of the layers of those names; `ValueError` where one is none of `numbers`."""
    for name in names:
        if name not in count:
            raise ValueError(f"{what}: no layer is named {name!r}; {near_names(name, count)}")
        if count[name] > 1:
            raise ValueError(f"{what}: {count[name]} layers are named {name!r}; rename all but one")
        if name not in numbers:
            raise ValueError(f"{what}: {name!r} must run before it, and does not")
    if len(set(names)) < len(names):
        raise ValueError(f"{what}: names must differ, got {', '.join(names)}")
    return frozenset(numbers[name] for name in names)
