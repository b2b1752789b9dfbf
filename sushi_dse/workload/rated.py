"""The accuracy of SubNets, which may not be known."""

from collections.abc import Iterable, Mapping
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


def common_metric(accuracy_of: Mapping[str, str]) -> str:
    """The metric that all the accuracies are of; `UserError` where they do not compare.

    accuracy_of: the metric by the name of the workload or of the results, one at least.
    """
    (first, own), *others = accuracy_of.items()
    for name, other in others:
        if other != own:
            raise UserError(
                f"{first}: its accuracy is {own!r} and that of {name} is {other!r}, which do not "
                "compare; take those of one metric"
            )
    return own
