"""Batches of trials: asked, answered from the store or evaluated, and told."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf

import pyarrow as pa
from optuna.samplers import BaseGASampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from sushi_dse.errors import IncompleteError, UserError, naming
from sushi_dse.evaluation.counts import joined
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.search.answers import Answers
from sushi_dse.explore.search.plan import Search
from sushi_dse.explore.search.storage import open_study
from sushi_dse.explore.survey import Survey
from sushi_dse.explore.workers.executors import executor_for
from sushi_dse.explore.workers.tasks import GO_ON, TRIES, Executor, Failure, results
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes

DEVICE = "device"  # name of the constraint that a design fits its device
QUICK_QUERIES = 4e8  # designs x policies x queries that two cores serve in a minute

Evaluate = Callable[[Sequence[int]], pa.Table]
"""A function from the numbers of designs, rising, to their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBatch:
    """A batch of trials that was asked and told; earlier runs of the search are not counted."""

    asked: int  # trials in the batch
    evaluated: int  # designs that were evaluated for the batch
    infeasible: int  # designs that occur for the first time and do not fit
    repeated: int  # trials that were answered from the store
    answers: Answers  # all answers up to this batch

    def __len__(self) -> int:
        return self.asked


def search(
    plan: Search, store: Store, *, trials: int, workers: int = 1, storage: str | None = None
) -> Iterator[SearchBatch]:
    """Go on to so many trials in an open store; yield each batch once its rows are on disk.

    The study is in the database at `storage`, or in a journal beside the rows.  Designs are
    evaluated here or in so many `workers`.  `UserError` where the study or a part cannot be stored,
    `IncompleteError` where the workers fail.
    """
    made_by = evaluator(plan.experiment, workers=workers, patience_s=plan.patience_s(plan.batch))
    with open_study(plan, storage) as study, made_by as rows_of:
        yield from searched(plan, study, store, rows_of, trials=trials)
    store.discard_damaged()


def is_quick_to_sweep(plan: Search, trials: int) -> bool:
    """Whether a sweep of the whole space takes no more than the search, or about a minute."""
    experiment = plan.experiment
    work = experiment.space.size * len(experiment.runs) * len(experiment.traced)
    return experiment.space.size <= trials or work <= QUICK_QUERIES


def search_summary(
    plan: Search, found: Survey, steps: Sequence[SearchBatch], *, since: float
) -> dict[str, object]:
    """The summary of a search of which those batches were run since a `time.perf_counter`."""
    return {
        **plan.described(found),
        "designs": sum(step.asked for step in steps),
        "evaluated": sum(step.evaluated for step in steps),
        "repeated": sum(step.repeated for step in steps),
        "space": plan.experiment.space.size,
        "sampler": plan.sampler,
        "seconds": round(time.perf_counter() - since, 3),
        "out": str(plan.folder),
    }


def searched(
    plan: Search, study: Study, store: Store, rows_of: Evaluate, *, trials: int
) -> Iterator[SearchBatch]:
    """Go on to so many trials; yield each batch once its rows are on disk.

    Trials in `study` are not asked again, designs in `store` not evaluated again; `rows_of`
    evaluates the others.  Errors are those of `search`.
    """
    with naming(store.folder):
        answers = Answers(plan.metrics, (part.read() for part in store.rows))
    free = (number for number in count() if number not in store)
    known = _live_trials(study)
    for start in range(0, trials, plan.batch):
        stop = min(start + plan.batch, trials)
        if len(known) < stop:
            _ask(plan, study, stop)
            known = _live_trials(study)
        batch = known[start:stop]
        rows = {trial.number: plan.row(trial.params) for trial in batch}
        missing = sorted({design for design, _ in rows.values()} - answers.designs)
        if missing:
            table = rows_of(missing)
            store.write(next(free), part_bytes(table))
            answers.add(table)
        running = [trial.number for trial in batch if trial.state == TrialState.RUNNING]
        for number in running:
            _tell(study, number, answers[rows[number]])
        new = {rows[number][0] for number in running}.intersection(missing)
        fitting = sum(plan.overrun(design) <= 0 for design in missing)
        yield SearchBatch(
            asked=len(batch),
            evaluated=fitting,
            infeasible=len(missing) - fitting,
            repeated=len(running) - len(new),
            answers=answers,
        )


def _ask(plan: Search, study: Study, stop: int) -> None:
    """Ask until the study has `stop` trials; a batch that was interrupted is asked anew."""
    for cut in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        _tell(study, cut.number, None)
    told = len(_live_trials(study))
    # NSGA-III warns that it is experimental, and warns again while no design fits.
    with warnings.catch_warnings(action="ignore"):
        selector = plan.sampler_after(told)
        if isinstance(selector, BaseGASampler):
            # The study stores the parents of a generation once they are drawn.  A separate sampler
            # draws them, so that the random state does not depend on whether they were stored.
            selector.get_parent_population(study, told // plan.batch)
        study.sampler = plan.sampler_after(told)
        for _ in range(told, stop):
            trial = study.ask(plan.distributions)
            design, _ = plan.row(trial.params)
            trial.set_constraint(DEVICE, plan.overrun(design))


def _tell(study: Study, number: int, values: list[float] | None) -> None:
    """Tell the objectives of a trial, or that it failed; `UserError` where it was told before."""
    try:
        study.tell(number, values, state=None if values else TrialState.FAIL)
    except ValueError:
        raise UserError(
            "another search uses this study; wait for its end, and run the same command again"
        ) from None


def _live_trials(study: Study) -> list[FrozenTrial]:
    """The trials that are told or fully asked: the constraint of a trial is set last."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.RUNNING))
    return [trial for trial in trials if trial.state.is_finished() or trial.constraints]


@contextmanager
def evaluator(
    experiment: Experiment, *, workers: int, patience_s: float = inf
) -> Iterator[Evaluate]:
    """The function that evaluates designs, in this process or in so many workers.

    Workers that end nothing for `patience_s` are given up.
    """
    if workers == 1:
        yield partial(evaluate, experiment)
        return
    with closing(executor_for(partial(_encoded_rows, experiment), workers=workers)) as executor:
        yield partial(_gathered, executor, patience_s)


def neighbour_ranges(designs: Sequence[int]) -> list[range]:
    """The designs, which must rise, as ranges of neighbours, which share latency tables.

    >>> neighbour_ranges([3, 4, 5, 9])
    [range(3, 6), range(9, 10)]
    """
    starts = [i for i, design in enumerate(designs) if i == 0 or design > designs[i - 1] + 1]
    stops = [*starts[1:], len(designs)]
    return [
        range(designs[start], designs[stop - 1] + 1)
        for start, stop in zip(starts, stops, strict=True)
    ]


def _gathered(executor: Executor, patience_s: float, designs: Sequence[int]) -> pa.Table:
    """The rows of designs, evaluated by an executor; `IncompleteError` where a range fails."""
    by_run: dict[int, pa.Table] = {}
    for run, outcome in results(executor, neighbour_ranges(designs), patience_s=patience_s):
        if isinstance(outcome, Failure):
            raise IncompleteError(
                f"designs {run[0]} to {run[-1]} given up after {TRIES} tries ({outcome.reason}); "
                f"{GO_ON}"
            )
        by_run[run.start] = pa.ipc.open_stream(outcome).read_all()
    return joined(table for _, table in sorted(by_run.items()))


def _encoded_rows(experiment: Experiment, designs: range) -> bytes:
    """The rows of a range of designs in Arrow's stream format."""
    table = evaluate(experiment, designs)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded
