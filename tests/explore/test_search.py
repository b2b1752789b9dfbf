"""What a search asks and is told."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import search as benchmark
from sushi_dse.evaluation.counts import joined
from sushi_dse.evaluation.fronts import cost_matrix, feasible_rows, hypervolume, reference_point
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.search.batches import SearchBatch, neighbour_ranges, searched
from sushi_dse.explore.search.plan import POLICY, SAMPLERS
from sushi_dse.explore.search.storage import open_study
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.store.parts import read_results
from tests.explore.searches import (
    BATCH,
    EXPERIMENT,
    OBJECTIVES,
    POLICIES,
    SWEPT,
    TINY,
    TRIALS,
    Recorded,
    each_sampler,
    experiment_of,
    parts,
    plan_of,
    rows_of,
    run,
)

ROWS = {(row["design"], row["policy"]): row for row in SWEPT.to_pylist()}


@each_sampler
def test_a_design_is_evaluated_once_and_every_trial_is_counted(
    tmp_path: Path, sampler: str
) -> None:
    recorded = Recorded()
    steps, trials = run(tmp_path / "out", plan_of(sampler), made_by=recorded)
    assert len(set(recorded.designs)) == len(recorded.designs)
    asked = {plan_of().row(trial.params)[0] for trial in trials}
    assert set(recorded.designs) == asked
    counts = [(step.evaluated, step.infeasible, step.repeated) for step in steps]
    assert all(sum(count) == len(step) for count, step in zip(counts, steps, strict=True))
    evaluated, infeasible, _ = np.sum(counts, axis=0)
    assert infeasible == sum(ROWS[design, "sushi"]["infeasible_reason"] != "" for design in asked)
    assert evaluated + infeasible == len(asked)
    assert len(trials) == TRIALS


@each_sampler
def test_a_trial_is_told_the_row_that_a_sweep_has(tmp_path: Path, sampler: str) -> None:
    _, trials = run(tmp_path / "out", plan_of(sampler))
    for trial in trials:
        row = ROWS[plan_of().row(trial.params)]
        if row["infeasible_reason"]:
            assert trial.values == [inf, -inf, inf]
            assert trial.constraints["device"] > 0
        else:
            assert trial.values == [row[name] for name in OBJECTIVES]
            assert trial.constraints["device"] <= 0
    stored = read_results(tmp_path / "out").to_dict("records")
    assert {plan_of().row(trial.params)[0] for trial in trials} == {r["design"] for r in stored}
    for row in stored:
        expected = ROWS[row["design"], row["policy"]]
        assert {name: None if value != value else value for name, value in row.items()} == expected


@pytest.mark.parametrize(
    "names",
    [OBJECTIVES[:1], OBJECTIVES[:2], (*OBJECTIVES, "dsp", "p99_latency_ms", "uram288")],
    ids=len,
)
@each_sampler
def test_every_sampler_takes_any_number_of_objectives(
    tmp_path: Path, sampler: str, names: Sequence[str]
) -> None:
    steps, trials = run(tmp_path / "out", plan_of(sampler, names=names))
    assert {len(trial.values) for trial in trials} == {len(names)}
    assert (steps[-1].answers.hypervolume is None) == (len(names) > 5)


@each_sampler
def test_a_space_in_which_nothing_fits_is_searched_without_a_word(
    tmp_path: Path, sampler: str
) -> None:
    space = SearchSpace.of(EXPERIMENT.space.base, {"pe_kernels": [128, 256]})
    plan = replace(plan_of(sampler), experiment=replace(EXPERIMENT, space=space))
    steps, trials = run(tmp_path, plan, made_by=partial(evaluate, plan.experiment))
    assert len(trials) == TRIALS
    assert sum(step.evaluated for step in steps) == 0
    assert (steps[-1].answers.front, steps[-1].answers.hypervolume) == (0, 0.0)


def test_a_trial_chooses_each_design_under_each_policy_in_one_way() -> None:
    plan = plan_of()
    distributions: dict[str, Any] = dict(plan.distributions)
    choices = [
        distribution.choices if name == POLICY else range(distribution.high + 1)
        for name, distribution in distributions.items()
    ]
    names = list(plan.distributions)
    rows = [plan.row(dict(zip(names, chosen, strict=True))) for chosen in product(*choices)]
    assert sorted(rows) == sorted(product(range(EXPERIMENT.space.size), POLICIES))


def test_a_policy_alone_is_not_asked_for() -> None:
    plan = replace(plan_of(), experiment=experiment_of(("sushi",)))
    assert POLICY not in plan.distributions
    assert plan.row(dict.fromkeys(plan.distributions, 0)) == (0, "sushi")


@each_sampler
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, sampler: str
) -> None:
    asked = []
    for name, seed in (("first", 0), ("second", 0), ("other", 1)):
        _, trials = run(tmp_path / name, plan_of(sampler, seed=seed))
        asked.append([trial.params for trial in trials])
    assert asked[0] == asked[1] != asked[2]
    assert parts(tmp_path / "first") == parts(tmp_path / "second")


def test_the_hypervolume_is_that_of_all_rows_and_never_falls(tmp_path: Path) -> None:
    plan = plan_of("random")
    steps, _ = run(tmp_path / "out", plan, trials=BATCH)
    first = feasible_rows(read_results(tmp_path / "out"), plan.metrics)
    reference = reference_point(cost_matrix(first, plan.metrics))
    steps, _ = run(tmp_path / "out", plan)
    rows = feasible_rows(read_results(tmp_path / "out"), plan.metrics)
    costs = cost_matrix(rows, plan.metrics)
    assert steps[-1].answers.hypervolume == pytest.approx(hypervolume(costs, reference))
    seen: list[float] = []

    def noted(step: SearchBatch) -> SearchBatch:
        seen.append(step.answers.hypervolume or 0.0)
        return step

    again = replace(plan, out=tmp_path / "again")
    with again.opened() as store, open_study(again) as study:
        for step in searched(again, study, store, rows_of, trials=TRIALS):
            noted(step)
    assert seen == sorted(seen)
    assert seen[0] > 0


@given(st.sets(st.integers(0, 40), min_size=1))
def test_runs_hold_each_design_once_and_are_as_long_as_can_be(designs: set[int]) -> None:
    found = neighbour_ranges(sorted(designs))
    assert [design for run in found for design in run] == sorted(designs)
    assert all(a.stop < b.start for a, b in pairwise(found))


@settings(max_examples=10)
@given(st.sets(st.integers(0, EXPERIMENT.space.size - 1), min_size=1))
def test_rows_made_run_by_run_are_those_made_at_once(designs: set[int]) -> None:
    pieces = joined(evaluate(EXPERIMENT, run) for run in neighbour_ranges(sorted(designs)))
    whole = evaluate(EXPERIMENT, sorted(designs))
    assert pieces.equals(whole, check_metadata=True)


def test_optuna_says_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    run(tmp_path, plan_of("nsga3"))
    assert capfd.readouterr() == ("", "")


def test_the_benchmark_counts_the_designs_that_are_needed() -> None:
    space = benchmark.Enumeration.of(TINY, "ofa_resnet50", OBJECTIVES)
    every = np.flatnonzero(space.fits).tolist()
    assert len(every) == 8
    assert space.share(every) == 1
    assert space.share([]) == 0
    assert all(space.share(every[:n]) <= space.share(every[: n + 1]) for n in range(len(every)))
    for sampler in SAMPLERS:
        needed = benchmark.evaluations_needed(space, sampler, 0, trials=200)
        assert 0 < needed <= len(every)
    assert benchmark.evaluations_needed(space, "random", 0, batch=2, trials=2) == inf
