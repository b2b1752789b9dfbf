"""Standard error: how far a command is, what it did, what it warns of."""

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sushi_dse.hardware import Accelerator, infeasible_reason


def with_progress(steps: Iterable[int], total: int, *, what: str) -> Iterator[int]:
    """`steps` handed through, with a bar on a terminal's standard error: each counts so many."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with progress:
        task = progress.add_task(what, total=total, rate="")
        for step in steps:
            progress.advance(task, step)
            speed = progress.tasks[task].speed
            progress.update(task, rate=f"{speed:.0f} designs/s" if speed else "")
            yield step


def warn(text: str) -> None:
    """A line of warning on standard error."""
    print(f"warning: {text}", file=sys.stderr)


def warn_if_infeasible(accelerator: Accelerator) -> None:
    """A warning about a design that its device cannot hold."""
    reason = infeasible_reason(accelerator)
    if reason:
        warn(f"the design does not fit its device: {reason}")


def note(text: str) -> None:
    """A line on standard error about what was done."""
    print(text, file=sys.stderr)
