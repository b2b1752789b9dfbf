"""Which weights a candidate SubGraph is cut from, and in which order: a value, not a name."""

from dataclasses import dataclass
from enum import StrEnum


class Combination(StrEnum):
    """How the weights of the SubNets of a target are combined."""

    ONE = "one"  # those of one SubNet
    PAIR = "pair"  # those that two SubNets have in common
    SHARED = "shared"  # those that all SubNets have in common
    UNION = "union"  # those of all SubNets


class Order(StrEnum):
    """The order in which layers are taken until the Persistent Buffer is full."""

    LAYERS = "layers"  # as they run
    VALUE = "value"  # most saved cycles per byte first


@dataclass(frozen=True, slots=True)
class Target:
    """The weights that a candidate is cut from."""

    combination: Combination
    subnets: tuple[str, ...]  # the names of those that are combined

    def __str__(self) -> str:
        """`A`, `A&B`, `shared` or `union`, to be read only: odd names can make two alike."""
        if self.combination in (Combination.ONE, Combination.PAIR):
            return "&".join(self.subnets)
        return str(self.combination)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target cut in an order; `Candidate()` keeps no weight."""

    target: Target | None = None
    order: Order | None = None

    def __post_init__(self) -> None:
        if (self.target is None) != (self.order is None):
            raise ValueError(f"a target and its order must come together, got {self!r}")

    def __str__(self) -> str:
        """`A/value`, `shared/layers` or `nothing`, to be read only, as that of a target."""
        return "nothing" if self.target is None else f"{self.target}/{self.order}"


NOTHING = Candidate()


def own_by_value(subnet: str) -> Candidate:
    """The candidate that holds the weights of the SubNet of that name, the most valuable first."""
    return Candidate(Target(Combination.ONE, (subnet,)), Order.VALUE)
