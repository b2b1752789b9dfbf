"""Standard error: how far a command is, what it did, what it warns of."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sushi_dse.errors import message_line
from sushi_dse.evaluation.loading import Setting
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason

Step = TypeVar("Step", bound=Sized)  # as long as what it did


def with_progress(
    steps: Iterable[Step], total: int, *, what: str, status: Callable[[Step], str] = lambda _: ""
) -> Iterator[Step]:
    """`steps` handed through, with a bar on a terminal's standard error: each counts its length.

    `status` is what a step has to say beside the bar; it is not asked where there is none.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[status]}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with progress:
        task = progress.add_task(what, total=total, rate="", status="")
        for step in steps:
            progress.advance(task, len(step))
            if not progress.disable:
                speed = progress.tasks[task].speed
                rate = f"{speed:.0f} {what}/s" if speed else ""
                progress.update(task, rate=rate, status=status(step))
            yield step


def warn(text: str) -> None:
    """A line of warning on standard error."""
    print(f"warning: {message_line(text)}", file=sys.stderr)


def warn_if_infeasible(accelerator: Accelerator) -> None:
    """A warning about a design that its device cannot hold."""
    reason = infeasible_reason(accelerator)
    if reason:
        warn(f"the design does not fit its device: {reason}")


def warn_if_reference_infeasible(setting: Setting) -> None:
    """A warning about a trace that was made for a design that its device cannot hold."""
    if setting.reference_fault:
        warn(
            "the trace is made for the middle of each axis, which does not fit its device "
            f"({setting.reference_fault}): it may be too hard or too easy for designs that do; "
            "`sushi-dse trace generate --hw` makes one for a design of yours"
        )


def note(text: str) -> None:
    """A line on standard error about what was done."""
    print(message_line(text), file=sys.stderr)
