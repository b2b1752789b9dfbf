"""The front under draws, against the definition: every row evaluated anew in every draw."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sushi_dse.evaluation import doubtful
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import feasible_rows, non_dominated, rounded
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import Metric, find_metric
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore import reach
from sushi_dse.explore.decision import ROBUST, Setting, decision
from sushi_dse.explore.robust import Robustness, robustness
from sushi_dse.explore.survey import survey
from sushi_dse.hardware.doubt import WITHOUT_TIME, Doubt, drawn
from sushi_dse.model.steady_cost import steady_cost
from tests.commands import Run
from tests.tables import part_of

METRICS = [find_metric(n) for n in ("mean_latency_ms", "mean_accuracy_percent",
                                    "energy_mj_per_query")]  # fmt: skip
TINY = """extends: zcu104
pe_kernels: [8, 16, 128]
persistent_buffer: [512 KiB, 1 MiB]
clock: [100 MHz, 200 MHz]
"""
DRAWS = 8


@pytest.fixture(scope="module")
def hardware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hardware") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module", params=["none", "random-walk"])
def experiment(request: pytest.FixtureRequest, hardware: Path) -> Experiment:
    if request.param == "none":
        return load_experiment(hardware, trace="none", policies=["no-sgs", "static-subgraph"])
    served = ["no-sgs", "sushi", "equal-area"]
    return load_experiment(hardware, queries=60, policies=served, service_levels=(0.6, 1.5))


def robust(experiment: Experiment, draws: int = DRAWS, **options: Any) -> Robustness:
    part = part_of(evaluate(experiment, range(experiment.space.size)))
    return robustness(experiment, [part], METRICS, draws=draws, **options)


def on_front(rows: pd.DataFrame, metrics: list[Metric]) -> set[int]:
    known = feasible_rows(rows, metrics)
    costs = np.column_stack([metric.cost(known) for metric in metrics])
    return set(known.loc[non_dominated(rounded(costs)), "design"]) if len(known) else set()


def by_brute_force(experiment: Experiment, draws: int = DRAWS) -> dict[int, float]:
    """The share of draws in which each design is on the front of all rows."""
    points, often = drawn(experiment.space.doubts, draws, seed=0), Counter[int]()
    for draw in range(draws):
        other = replace(experiment, space=experiment.space.under(points.of(draw)))
        rows = evaluate(other, range(other.space.size)).to_pandas()
        often.update(on_front(rows, METRICS))
    return {design: count / draws for design, count in often.items()}


def shares(found: Robustness) -> dict[int, float]:
    return {d: row["front_share"] for d, row in found.by_design.items() if row["front_share"]}


def with_doubts(experiment: Experiment, doubts: Mapping[str, Doubt]) -> Experiment:
    return replace(experiment, space=replace(experiment.space, doubts=doubts))


@pytest.fixture(scope="module")
def often(experiment: Experiment) -> dict[int, float]:
    return by_brute_force(experiment)


def test_shares_are_those_of_all_rows_evaluated_in_all_draws(
    experiment: Experiment, often: dict[int, float]
) -> None:
    found = robust(experiment)
    assert shares(found) == often
    assert found.evaluated == found.fitting
    for row in found.rows:
        assert row["front_share"] <= row["fitting_share"]
        assert (row["regret_percent"] or 0) >= 0
    never = set(range(experiment.space.size)) - set(often)
    assert never  # what is beaten in every draw has no share
    assert all(found.by_design.get(d, {"front_share": 0.0})["front_share"] == 0 for d in never)


def test_rows_that_are_predicted_to_be_out_of_reach_are_on_no_front(
    experiment: Experiment, often: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "FEW_ROWS", 0)
    found = robust(experiment)
    assert shares(found) == often
    assert (found.evaluated < found.fitting) == (experiment.trace is not None)


def test_with_ranges_of_no_width_the_robust_front_is_the_front(experiment: Experiment) -> None:
    front = on_front(evaluate(experiment, range(experiment.space.size)).to_pandas(), METRICS)
    base = experiment.space.base
    fixed = {
        name: Doubt(value=(own := getattr(base, name)), low=own, high=own)
        for name in ("mac_pj", "launch_us")
    }
    for doubts in ({}, fixed):
        found = robust(with_doubts(experiment, doubts), 4)
        assert shares(found) == dict.fromkeys(front, 1.0)
        assert all(row["on_nominal_front"] and not row["thrown_off_by"] for row in found.rows)
        for row in found.nominal:
            for metric in METRICS:
                ends = [row[f"{end}_{metric.name}"] for end in ("low", "high")]
                assert ends == pytest.approx([row[metric.name]] * 2, rel=1e-9)


def test_shares_do_not_depend_on_the_number_of_workers(hardware: Path) -> None:
    one = load_experiment(hardware, queries=40, policies=["sushi"], service_levels=(1.0,))
    assert robust(one, 4, workers=2).document == robust(one, 4).document


def test_draws_that_change_only_energy_serve_the_trace_once(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubts = {k: v for k, v in experiment.space.doubts.items() if k in WITHOUT_TIME}
    energy = with_doubts(experiment, doubts)
    assert len(doubts) == 8
    counted: list[int] = []

    def counting(*arguments: Any) -> Any:
        counted.append(1)
        return steady_cost(*arguments)

    monkeypatch.setattr(doubtful, "steady_cost", counting)
    points = drawn(doubts, 8, seed=0)
    rows = [(3, [doubtful.ServedBy("no-sgs", subnet="A")])]
    if experiment.trace is None:
        doubtful.objectives_under(energy, rows, METRICS, points)
        assert len(counted) == 1
    assert shares(robust(energy)) == by_brute_force(energy)


def test_the_decision_names_a_robust_design_and_how_often_each_is_on_the_front(
    experiment: Experiment,
) -> None:
    part = part_of(evaluate(experiment, range(experiment.space.size)))
    found, stored = robust(experiment), survey([part], METRICS)
    named = decision(stored, Setting.of(experiment), found)
    (own,) = [entry for entry in named if ROBUST in entry["role"]]
    assert own["front_share"] >= 0.9 * max(shares(found).values())
    assert all(entry["front_share"] == shares(found).get(entry["design"], 0) for entry in named)
    assert not any(ROBUST in e["role"] for e in decision(stored, Setting.of(experiment)))


def test_a_stored_sweep_is_drawn_by_the_ranges_of_its_hardware(
    run: Run, hardware: Path, tmp_path: Path
) -> None:
    out, swept_by = tmp_path / "results", ("--hw", hardware, "--trace", "none")
    swept = run("sweep", *swept_by, "--workers", 1, "--out", out, "--doubt", 8,
                "--format", "json").document  # fmt: skip
    again = run("pareto", "robust", out, *swept_by, "--draws", 8, "--workers", 1,
                "--format", "json", "--plot", tmp_path / "robust.svg").document  # fmt: skip
    assert swept["robust"]["designs"] == again["designs"]
    assert swept["decision"] == again["decision"]
    assert set(again["constants"]) >= {"launch_us", "fill_cycles", "logic_mhz", "mac_pj"}
    assert (tmp_path / "robust.svg").stat().st_size > 10_000
    table = run("pareto", "robust", out, *swept_by, "--draws", 8, "--where", "clock_mhz = 100").out
    assert "most robust" in table
    refused = run("pareto", "robust", out, *swept_by, "--draws", 12)
    assert (refused.code, refused.err) == (2, "error: --draws 12: give a power of two, as 16\n")
    hardware.write_text(TINY.replace("8, 16", "8, 14"))
    refused = run("pareto", "robust", out, *swept_by, "--draws", 8)
    hardware.write_text(TINY)
    assert refused.code == 2
    assert "its rows are of another hardware" in refused.err
