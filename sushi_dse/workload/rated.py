"""The accuracy of SubNets, which may not be known."""

from collections.abc import Iterable
from typing import Protocol

from sushi_dse.errors import UserError


class Rated(Protocol):
    """A SubNet, or the choices that make one."""

    @property
    def name(self) -> str:
        """The name of the SubNet."""

    @property
    def top1_percent(self) -> float | None:
        """The top-1 of the SubNet; None where it is not known."""


def known_top1_percent(rated: Rated) -> float:
    """The top-1 of a SubNet; `UserError` where it is not known."""
    if rated.top1_percent is None:
        raise UserError(f"the accuracy of {rated.name!r} is not known; give its top1_percent")
    return rated.top1_percent


def of_unknown_accuracy(subnets: Iterable[Rated]) -> tuple[str, ...]:
    """The names of the SubNets whose top-1 is not known."""
    return tuple(subnet.name for subnet in subnets if subnet.top1_percent is None)
