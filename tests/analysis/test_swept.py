"""What `explain` makes of a folder of results, and what `recommend` says to ask it."""

import shlex
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis.swept import explained_design, options_of
from sushi_dse.errors import UserError
from sushi_dse.explore.survey import objectives
from sushi_dse.store.parts import read_results
from tests import paths
from tests.commands import Run

TINY = str(paths.TINY)
FEW = ("--samples", "4", "--format", "json")


@pytest.fixture
def folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    options = ("--queries=20", "--seed", "3", "--recache-every", "4", "--recache-every", "16")
    words = ("sweep", "--hw", TINY, *options, "--out", "swept", "--mode", "strict-accuracy")
    monkeypatch.setattr("sys.argv", ["sushi-dse", *words])  # what the folder keeps as its command
    assert run(*words).code == 0
    return Path("swept")


def test_the_design_that_is_recommended_is_explained_under_its_policy(
    run: Run, folder: Path
) -> None:
    document = run("recommend", folder, "--max-latency-ms", "30", "--format", "json").document
    row, words = document["recommended"], shlex.split(document["explained_by"])
    assert words[:2] == ["sushi-dse", "explain"]
    found = run(*words[1:], *FEW).document
    assert (found["design"]["design"], found["policy"]) == (row["design"], row["policy"])
    assert found["design"]["service_level"] == row["service_level"]
    assert found["design"]["mean_latency_ms"] == row["mean_latency_ms"]
    assert found["design"]["energy_mj_per_query"] == row["energy_mj_per_query"]
    anyway = run("recommend", folder, "--format", "json").document["recommended"]
    alone = run("explain", "--results", folder, *FEW).document
    assert (alone["design"]["design"], alone["policy"]) == (anyway["design"], anyway["policy"])


@pytest.mark.parametrize("design", [1, 7])
def test_a_design_of_a_folder_is_explained_as_its_best_row(folder: Path, design: int) -> None:
    metrics = objectives(["p99_latency_ms", "energy_mj_per_query"])
    experiment, number = explained_design(
        str(design), folder, metrics, policy=None, recache_every=None, given={}
    )
    rows: pd.DataFrame = read_results(folder)
    rows = rows[(rows["design"] == design) & (rows["infeasible_reason"] == "")]
    best = rows.sort_values([metric.name for metric in metrics], kind="stable").iloc[0]
    assert (number, experiment.policies) == (design, (best["policy"],))
    assert experiment.service_levels == (best["service_level"],)
    if pd.notna(best["recache_every_queries"]):
        assert experiment.recache_every_queries == (best["recache_every_queries"],)


def test_what_is_asked_for_of_a_row_stands_before_what_the_best_row_has(folder: Path) -> None:
    rows: pd.DataFrame = read_results(folder)
    levels = sorted(set(rows["service_level"]))
    assert len(levels) > 1
    for level in (*levels, 0.123):  # the last is no row's, and is explained all the same
        experiment, _ = explained_design(
            "1", folder, objectives(None),
            policy="sushi", recache_every=16, service_level=level, given={},
        )  # fmt: skip
        assert experiment.policies == ("sushi",)
        assert experiment.recache_every_queries == (16,)
        assert experiment.service_levels == (level,)


def test_a_folder_of_other_inputs_is_refused_in_one_line(run: Run, folder: Path) -> None:
    for other in (("--queries", "21"), ("--mode", "strict-latency"), ("--workload", "ofa_mbv3")):
        done = run("explain", "1", "--results", folder, *other)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert "its rows are of another" in done.err
    with pytest.raises(UserError, match="sushy"):
        explained_design(
            "1", folder, objectives(None), policy="sushy", recache_every=None, given={}
        )


@given(st.text())
def test_a_command_that_no_shell_wrote_names_nothing_that_is_not_text_or_number(text: str) -> None:
    assert all(isinstance(value, str | int) for value in options_of(text).values())
