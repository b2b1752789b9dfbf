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
    def accuracy_percent(self) -> float | None:
        """The accuracy of the SubNet; None where it is not known."""


def known_accuracy_percent(rated: Rated) -> float:
    """The accuracy of a SubNet; `UserError` where it is not known."""
    if rated.accuracy_percent is None:
        raise UserError(f"the accuracy of {rated.name!r} is not known; give its accuracy_percent")
    return rated.accuracy_percent


def of_unknown_accuracy(subnets: Iterable[Rated]) -> tuple[str, ...]:
    """The names of the SubNets whose accuracy is not known."""
    return tuple(subnet.name for subnet in subnets if subnet.accuracy_percent is None)
