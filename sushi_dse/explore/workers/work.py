"""Handing blocks to a place, whatever that is, and the simplest place: this process."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sushi_dse.errors import UserError

TRIES = 3  # of a block that fails
GO_ON = "what is finished is kept: run the same command again to go on"


@dataclass(frozen=True, slots=True)
class Failure:
    """What came of a block that gave no result."""

    reason: str


Work = Callable[[range], bytes]
Outcome = bytes | Failure | UserError


class Place(Protocol):
    """Somewhere to do blocks."""

    @property
    def capacity(self) -> int:
        """How many blocks may be under way."""

    def start(self, block: range) -> None:
        """Have the block done, in time."""

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """Wait for news, of which there may be none; what has ended, and how."""

    def close(self) -> None:
        """Leave nothing behind."""


def results(place: Place, blocks: Iterable[range]) -> Iterator[tuple[range, bytes | Failure]]:
    """Each block with its result, or with its failure after `TRIES`, in the order they end.

    `blocks` may be endless.  `UserError` where the work raises one; `IncompleteError` where no
    worker is left.
    """
    coming, again = iter(blocks), list[range]()
    failures: Counter[range] = Counter()
    under_way = 0
    while True:
        while under_way < place.capacity:
            block = again.pop() if again else next(coming, None)
            if block is None:
                break
            place.start(block)
            under_way += 1
        if not under_way:
            return
        for block, outcome in place.finished():
            under_way -= 1
            if isinstance(outcome, UserError):
                raise outcome
            if isinstance(outcome, Failure):
                failures[block] += 1
                if failures[block] < TRIES:
                    again.append(block)
                    continue
            yield block, outcome


def attempt(work: Callable[[Any], Any], subject: Any) -> Any:
    """What `work` makes of `subject`; errors are values, so that they travel like results."""
    try:
        return work(subject)
    except UserError as error:
        return error
    except Exception as error:  # whatever it is, the other blocks go on
        return failure_of(error)


def failure_of(error: Exception) -> Failure:
    """The failure that `error` is."""
    return Failure(" ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":"))


class Here:
    """The process that asks."""

    capacity = 1

    def __init__(self, work: Work) -> None:
        self.work = work
        self.waiting: list[range] = []

    def start(self, block: range) -> None:
        """Remember the block."""
        self.waiting.append(block)

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """Do the block."""
        block = self.waiting.pop()
        return [(block, attempt(self.work, block))]

    def close(self) -> None:
        """Nothing is left behind."""
