"""Candidate SubGraphs as values: the weights that they are cut from, and the order of the cut."""

from dataclasses import dataclass
from enum import StrEnum


class Combination(StrEnum):
    """How the weights of the SubNets of a target are combined."""

    ONE = "one"  # weights of one SubNet
    PAIR = "pair"  # weights that two SubNets have in common
    SHARED = "shared"  # weights that all SubNets have in common
    UNION = "union"  # weights of all SubNets


class Order(StrEnum):
    """The order in which layers are taken until the Persistent Buffer is full."""

    LAYERS = "layers"  # in running order
    VALUE = "value"  # by falling number of saved cycles per byte


@dataclass(frozen=True, slots=True)
class Target:
    """The weights that a candidate is cut from."""

    combination: Combination
    subnets: tuple[str, ...]  # names of the SubNets that are combined

    def __str__(self) -> str:
        """The target in print: `A`, `A&B`, `shared` or `union`; odd names can make two alike."""
        if self.combination in (Combination.ONE, Combination.PAIR):
            return "&".join(self.subnets)
        return str(self.combination)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target cut in an order; `Candidate()` keeps no weight.

    `ValueError` where only one of the two is given.
    """

    target: Target | None = None
    order: Order | None = None

    def __post_init__(self) -> None:
        if (self.target is None) != (self.order is None):
            raise ValueError(f"a target and its order must come together, got {self!r}")

    def __str__(self) -> str:
        """The candidate in print: `A/value`, `shared/layers` or `nothing`; two can be alike."""
        return "nothing" if self.target is None else f"{self.target}/{self.order}"


NOTHING = Candidate()


def own_by_value(subnet: str) -> Candidate:
    """The candidate that holds the weights of the SubNet of that name, the most valuable first."""
    return Candidate(Target(Combination.ONE, (subnet,)), Order.VALUE)
