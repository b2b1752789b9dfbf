"""Batches of trials: asked, answered from the store or evaluated, and told."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from optuna.samplers import BaseGASampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from sushi_dse.errors import UserError, naming
from sushi_dse.explore.search.answers import Answers
from sushi_dse.explore.search.plan import Search
from sushi_dse.explore.search.rows import Evaluate
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes

DEVICE = "device"  # the constraint


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
    plan: Search, study: Study, store: Store, evaluate: Evaluate, *, trials: int
) -> Iterator[Step]:
    """Go on to so many trials; yield what each batch came to once its rows are on disk.

    What `study` and `store` hold is not done again; errors are those of `evaluate`, `Store.write`
    and the study's storage.
    """
    with naming(store.folder):
        answers = Answers(plan.objectives, (part.read() for part in store.rows))
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
            table = evaluate(missing)
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
