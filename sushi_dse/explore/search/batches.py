"""Batches of trials: asked, answered from the store or evaluated, and told."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count

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
from sushi_dse.explore.workers.places import place_for
from sushi_dse.explore.workers.work import GO_ON, TRIES, Failure, Place, results
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes

DEVICE = "device"  # the constraint
QUICK_QUERIES = 4e8  # designs x policies x queries: a minute on two cores


Evaluate = Callable[[Sequence[int]], pa.Table]  # of designs in rising order


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a batch came to; what was done in an earlier run of the search is not counted."""

    asked: int  # trials
    evaluated: int  # designs
    infeasible: int  # designs met for the first time that do not fit
    repeated: int  # trials that were answered from the store
    answers: Answers  # so far

    def __len__(self) -> int:
        return self.asked


def search(
    plan: Search, store: Store, *, trials: int, workers: int = 1, storage: str | None = None
) -> Iterator[Step]:
    """Go on to so many trials in an open store; yield what each batch came to, once it is on disk.

    The study is in the database at `storage`, or in a journal beside the rows, which are made here
    or by so many `workers`.
    """
    with open_study(plan, storage) as study, evaluator(plan.experiment, workers=workers) as rows_of:
        yield from searched(plan, study, store, rows_of, trials=trials)


def is_quick_to_sweep(plan: Search, trials: int) -> bool:
    """Whether a sweep of the whole space is no more work than a search, or of about a minute."""
    experiment = plan.experiment
    work = experiment.space.size * len(experiment.runs) * len(experiment.traced)
    return experiment.space.size <= trials or work <= QUICK_QUERIES


def search_summary(plan: Search, steps: Sequence[Step], *, since: float) -> dict[str, object]:
    """What a search came to, when those steps were done since that `time.perf_counter`."""
    return {
        **plan.survey().summary(plan.experiment),
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
) -> Iterator[Step]:
    """Go on to so many trials; yield what each batch came to once its rows are on disk.

    What `study` and `store` hold is not done again; errors are those of `rows_of`, `Store.write`
    and the study's storage.
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
        yield Step(
            asked=len(batch),
            evaluated=fitting,
            infeasible=len(missing) - fitting,
            repeated=len(running) - len(new),
            answers=answers,
        )


def _ask(plan: Search, study: Study, stop: int) -> None:
    """Ask up to so many trials; a batch that was cut is given up, and asked again."""
    for cut in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        _tell(study, cut.number, None)
    told = len(_live_trials(study))
    # NSGA-III warns that it is experimental, and where no design fits yet.
    with warnings.catch_warnings(action="ignore"):
        selector = plan.sampler_after(told)
        if isinstance(selector, BaseGASampler):
            # The study keeps the parents of a generation, once they are drawn.  They are drawn by a
            # sampler of their own, so that the next draws the same whether a cut left them there.
            selector.get_parent_population(study, told // plan.batch)
        study.sampler = plan.sampler_after(told)
        for _ in range(told, stop):
            trial = study.ask(plan.distributions)
            design, _ = plan.row(trial.params)
            trial.set_constraint(DEVICE, plan.overrun(design))


def _tell(study: Study, number: int, values: list[float] | None) -> None:
    """Tell what came of a trial, or that it is given up; `UserError` where that was told before."""
    try:
        study.tell(number, values, state=None if values else TrialState.FAIL)
    except ValueError:
        raise UserError(
            "another search uses this study; wait for its end, and run the same command again"
        ) from None


def _live_trials(study: Study) -> list[FrozenTrial]:
    """The trials that are told, or asked whole: a trial's constraint is set last."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.RUNNING))
    return [trial for trial in trials if trial.state.is_finished() or trial.constraints]


@contextmanager
def evaluator(experiment: Experiment, *, workers: int) -> Iterator[Evaluate]:
    """What makes rows: this process, or so many workers; the rows are the same."""
    if workers == 1:
        yield partial(evaluate, experiment)
        return
    with closing(place_for(partial(_encoded_rows, experiment), workers=workers)) as place:
        yield partial(_gathered, place)


def runs(designs: Sequence[int]) -> list[range]:
    """The designs, which rise, as ranges: neighbours share latency tables.

    >>> runs([3, 4, 5, 9])
    [range(3, 6), range(9, 10)]
    """
    starts = [i for i, design in enumerate(designs) if i == 0 or design > designs[i - 1] + 1]
    stops = [*starts[1:], len(designs)]
    return [
        range(designs[start], designs[stop - 1] + 1)
        for start, stop in zip(starts, stops, strict=True)
    ]


def _gathered(place: Place, designs: Sequence[int]) -> pa.Table:
    """The rows that workers make; `IncompleteError` where they fail."""
    by_run: dict[int, pa.Table] = {}
    for run, outcome in results(place, runs(designs)):
        if isinstance(outcome, Failure):
            raise IncompleteError(
                f"designs {run[0]} to {run[-1]} given up after {TRIES} tries ({outcome.reason}); "
                f"{GO_ON}"
            )
        by_run[run.start] = pa.ipc.open_stream(outcome).read_all()
    return joined(table for _, table in sorted(by_run.items()))


def _encoded_rows(experiment: Experiment, designs: range) -> bytes:
    """The rows of a run of designs, as Arrow's stream."""
    table = evaluate(experiment, designs)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded
