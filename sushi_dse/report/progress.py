"""Progress bars, notes and warnings on standard error."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.report.printing import tell

if TYPE_CHECKING:  # A command that notes a line need not import them.
    from sushi_dse.analysis.baseline import Baseline
    from sushi_dse.analysis.compare import Comparison
    from sushi_dse.evaluation.experiment import Experiment
    from sushi_dse.explore.search.batches import SearchBatch
    from sushi_dse.explore.search.plan import Search
    from sushi_dse.explore.sweep import Sweep, SweptBlock
    from sushi_dse.hardware.accelerator import Accelerator
    from sushi_dse.model.validation import LayerError
    from sushi_dse.store.folder import Store

MOST_LACKED = 3  # metrics that a warning names
Done = TypeVar("Done", bound=Sized)  # a step whose length is the number of units that it did


def with_progress(
    steps: Iterable[Done], total: int, *, what: str, status: Callable[[Done], str] = lambda _: ""
) -> Iterator[Done]:
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


def designs_bar(blocks: Iterable[Done], designs: int) -> Iterator[Done]:
    """`blocks` handed through, with a bar that counts up to the number of all designs."""
    return with_progress(blocks, designs, what="designs")


def warn(text: str) -> None:
    """Print a warning on standard error."""
    tell(f"warning: {text}")


def warn_if_infeasible(accelerator: "Accelerator") -> None:
    """Warn of a design that does not fit its device."""
    reason = infeasible_reason(accelerator)
    if reason:
        warn(f"the design does not fit its device: {reason}")


def warn_if_reference_infeasible(experiment: "Experiment") -> None:
    """Warn of a trace that was made for a design that does not fit its device."""
    if experiment.reference_fault:
        warn(
            "the trace is made for the middle of each axis, which does not fit its device "
            f"({experiment.reference_fault}): it may be too hard or too easy for designs that do; "
            "`sushi-dse trace generate --hw` makes one for a design of yours"
        )


def warn_of_design(experiment: "Experiment", number: int) -> None:
    """A warning where a design, or the one that the trace was made for, does not fit."""
    warn_if_reference_infeasible(experiment)
    warn_if_infeasible(experiment.space.design(number))


def note(text: str) -> None:
    """Print a line on standard error."""
    tell(text)


def warn_of_damage(store: "Store") -> None:
    """Warn of each damaged part, whose designs are evaluated again."""
    for part in chain.from_iterable(store.damaged.values()):
        warn(f"{part}: is damaged; its designs are evaluated again")


def warn_of_idle(axes: Sequence[str]) -> None:
    """Warn of axes that changed no objective."""
    if axes:
        warn(f"{', '.join(axes)}: changed no objective; give one value")


def searched(
    plan: "Search", store: "Store", *, trials: int, workers: int, storage: str | None
) -> list["SearchBatch"]:
    """The batches of a search, run under a bar that shows the size of the front and hypervolume."""
    from sushi_dse.explore.search.batches import search

    warn_of_damage(store)
    steps = search(plan, store, trials=trials, workers=workers, storage=storage)
    return list(with_progress(steps, trials, what="trials", status=_front_so_far))


def _front_so_far(step: "SearchBatch") -> str:
    volume = step.answers.hypervolume
    front = f"front {step.answers.front}"
    return front if volume is None else f"{front}, hypervolume {volume:.4g}"


def swept(
    sweep: "Sweep", store: "Store", *, workers: int, cluster: str | None = None
) -> list["SweptBlock"]:
    """The blocks of a sweep, evaluated under a bar."""
    warn_of_damage(store)
    steps = sweep.steps(store, workers=workers, cluster=cluster)
    return list(with_progress(steps, sweep.missing_designs(store), what="designs"))


def note_baseline(baseline: "Baseline | None") -> None:
    """A note about the inputs in which a baseline differs from what is compared."""
    if baseline is not None and baseline.differing:
        note(f"{baseline.place}: was made with other inputs: {baseline.said}")


def warn_of_baseline(baseline: "Baseline", found: "Comparison") -> None:
    """Warn of demands that are not those of the baseline, and of metrics that it lacks."""
    differing = "\n".join(baseline.differing)
    if found.experiment.is_trace_made and "hardware" in differing and "trace" in differing:
        warn(
            f"{baseline.place}: a synthetic stream's demands follow the hardware, so these are "
            "others; keep one with `trace generate --out stream.csv`, and compare with --trace"
        )
    from sushi_dse.analysis.baseline import metrics_by_policy

    lacks = baseline.lacks(metrics_by_policy(found.rows))
    if lacks:
        more = len(lacks) - MOST_LACKED
        shown = ", ".join(lacks[:MOST_LACKED]) + (f" and {more} more" if more > 0 else "")
        warn(f"{baseline.place}: has no {shown}, which is not compared")


def note_others(others: int, hw: str) -> None:
    """A note about measured layers that were left out, as their array is not that of `hw`."""
    if others:
        note(f"{others} layers of the file were measured on other arrays than that of {hw}")


def warn_of_too_fast(layers: Sequence["LayerError"], hw: str) -> None:
    """A warning about layers that were measured in less time than any constants allow."""
    if layers:
        first = layers[0]
        warn(
            f"{len(layers)} measured layers are faster than any constants allow, as "
            f"{first.subnet} {first.layer}: {first.measured_us:.4g} us of at least "
            f"{first.predicted_us:.4g}; do clock, array and DRAM of {hw} agree with the board, "
            "and is latency_us in microseconds?"
        )
