"""The protocol of an executor, the loop that hands it blocks, and the executor in this process."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any, Protocol

from sushi_dse.errors import IncompleteError, UserError

TRIES = 3  # attempts at a block before it is given up
GO_ON = "what is finished is kept: run the same command again to go on"


@dataclass(frozen=True, slots=True)
class Failure:
    """The outcome of a block without a result."""

    reason: str  # one line


Task = Callable[[range], bytes]
"""A function of the numbers of the designs in a block; its result can travel as bytes."""

Outcome = bytes | Failure | UserError
"""What an executor reports of a block: its result, a failure, or an error for the user."""


class Executor(Protocol):
    """Something that applies a task to blocks."""

    @property
    def capacity(self) -> int:
        """The number of blocks that may be under way at a time; it may change."""

    def start(self, block: range) -> None:
        """Queue a block."""

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """The blocks that have ended since the last call, with their outcomes.

        It waits for one to end, but may give none after a while.
        """

    def close(self) -> None:
        """End the workers and connections of the executor."""


def results(
    executor: Executor, blocks: Iterable[range], *, patience_s: float = inf
) -> Iterator[tuple[range, bytes | Failure]]:
    """Each block with its result, or its failure after `TRIES`, in the order in which they end.

    `blocks` may be endless.  `UserError` where the task raises one; `IncompleteError` where no
    worker is left, or no block has ended for `patience_s`.
    """
    coming, again = iter(blocks), list[range]()
    failures: Counter[range] = Counter()
    under_way, heard_s = 0, monotonic()
    while True:
        while under_way < executor.capacity:
            block = again.pop() if again else next(coming, None)
            if block is None:
                break
            executor.start(block)
            under_way += 1
        if not under_way:
            return
        silent = True
        for block, outcome in executor.finished():
            silent = False
            under_way -= 1
            if isinstance(outcome, UserError):
                raise outcome
            if isinstance(outcome, Failure):
                failures[block] += 1
                if failures[block] < TRIES:
                    again.append(block)
                    continue
            yield block, outcome
        if not silent:
            heard_s = monotonic()
        elif monotonic() - heard_s > patience_s:
            raise IncompleteError(
                f"no block has ended for {patience_s:.0f} s, and {under_way} are under way: a "
                f"worker hangs, or none has come; {GO_ON}"
            )


def attempt(task: Callable[[Any], Any], subject: Any) -> Any:
    """The result of `task` on `subject`, or its error as a value that can travel like a result."""
    try:
        return task(subject)
    except UserError as error:
        return error
    except Exception as error:  # Whatever a task raises, the other blocks go on.
        return failure_of(error)


def failure_of(error: Exception) -> Failure:
    """The failure with the type and message of `error` in one line."""
    return Failure(" ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":"))


class InProcess:
    """The executor that applies its task in the calling process."""

    capacity = 1

    def __init__(self, task: Task) -> None:
        self.task = task
        self.waiting: list[range] = []

    def start(self, block: range) -> None:
        """Queue a block."""
        self.waiting.append(block)

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """The block that was queued last, with its outcome."""
        block = self.waiting.pop()
        return [(block, attempt(self.task, block))]

    def close(self) -> None:
        """Nothing needs to be ended."""
