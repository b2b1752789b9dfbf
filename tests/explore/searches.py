"""Searches of a small space, and the rows that a sweep of it has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest
from optuna.trial import FrozenTrial, TrialState

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.search.batches import SearchBatch, searched
from sushi_dse.explore.search.plan import SAMPLERS, Search
from sushi_dse.explore.search.storage import open_study
from tests import paths

TINY = str(paths.TINY)
POLICIES = ("no-sgs", "sushi")
OBJECTIVES = ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query")
TRIALS, BATCH = 24, 6
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS)


def experiment_of(policies: Sequence[str]) -> Experiment:
    return load_experiment(TINY, policies=policies, queries=40)


EXPERIMENT = experiment_of(POLICIES)
SWEPT = evaluate(EXPERIMENT, range(EXPERIMENT.space.size))


def rows_of(designs: Sequence[int]) -> pa.Table:
    """What `evaluate` gives, looked up."""
    per_design = [SWEPT.filter(pa.compute.field("design") == design) for design in designs]
    whole = evaluate(EXPERIMENT, designs).schema.metadata
    return pa.concat_tables(per_design).combine_chunks().replace_schema_metadata(whole)


def plan_of(sampler: str = "nsga2", *, seed: int = 0, names: Sequence[str] = OBJECTIVES) -> Search:
    return Search(EXPERIMENT, names, sampler=sampler, seed=seed, batch=BATCH)


class Recorded:
    """An evaluation that remembers what it was asked."""

    def __init__(self) -> None:
        self.designs: list[int] = []

    def __call__(self, designs: Sequence[int]) -> pa.Table:
        self.designs += designs
        return evaluate(EXPERIMENT, designs)


def run(
    folder: Path,
    plan: Search,
    trials: int = TRIALS,
    made_by: Callable[[Sequence[int]], pa.Table] = rows_of,
    url: str | None = None,
) -> tuple[list[SearchBatch], list[FrozenTrial]]:
    """The steps of a search, and the trials that were not given up."""
    plan = replace(plan, out=folder)
    with plan.opened() as store, open_study(plan, url) as study:
        steps = list(searched(plan, study, store, made_by, trials=trials))
        return steps, study.get_trials(states=(TrialState.COMPLETE,))


def parts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("part-*.parquet")}


@dataclass(frozen=True)
class Result:
    """What a search comes to: its parts, and what was asked."""

    parts: dict[str, bytes]
    asked: list[dict[str, object]]


def result(
    folder: Path,
    plan: Search,
    made_by: Callable[[Sequence[int]], pa.Table] = rows_of,
    url: str | None = None,
) -> Result:
    """What a search comes to, once it has gone on to its end."""
    _, trials = run(folder, plan, made_by=made_by, url=url)
    return Result(parts(folder), [trial.params for trial in trials])
