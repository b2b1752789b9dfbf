"""A sweep over seeds: its rows are those of single sweeps, and their means are exact."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sushi_dse import Sweep, load_experiment
from sushi_dse.errors import UserError
from sushi_dse.evaluation.fronts import front
from sushi_dse.evaluation.metrics import find_metric, traced_metric_names
from sushi_dse.store.parts import read_results, rows_of
from sushi_dse.store.seeds import LEAST, MOST, mean_parts
from tests import paths
from tests.commands import Run

SEEDS = (3, 4, 5)
POLICIES = ["no-sgs", "sushi"]
KEYS = ["design", "policy"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("seeds") / "swept"
    experiment = load_experiment(
        paths.TINY, queries=20, policies=POLICIES, seed=SEEDS[0], repeats=len(SEEDS)
    )
    Sweep(experiment, out=out).run()
    return out


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> dict[int, pd.DataFrame]:
    """The rows of a sweep of each seed alone."""
    found = {}
    for seed in SEEDS:
        out = tmp_path_factory.mktemp("single")
        experiment = load_experiment(paths.TINY, queries=20, policies=POLICIES, seed=seed)
        Sweep(experiment, out=out).run()
        found[seed] = read_results(out)
    return found


def test_the_rows_of_a_seed_are_those_of_a_sweep_of_that_seed(
    folder: Path, single: dict[int, pd.DataFrame]
) -> None:
    rows = read_results(folder)
    assert sorted(set(rows["seed"])) == list(SEEDS)
    for seed, alone in single.items():
        own = rows[rows["seed"] == seed].drop(columns="seed").reset_index(drop=True)
        pd.testing.assert_frame_equal(own, alone)


def test_the_means_are_those_of_single_runs_between_their_ends(
    folder: Path, single: dict[int, pd.DataFrame]
) -> None:
    means = rows_of(mean_parts(folder))
    first = single[SEEDS[0]]
    assert means[KEYS].to_numpy().tolist() == first[KEYS].to_numpy().tolist()
    for name in traced_metric_names(capacity=False):
        values = np.array([single[seed][name].to_numpy() for seed in SEEDS])
        np.testing.assert_allclose(means[name], values.mean(axis=0), rtol=1e-12)
        np.testing.assert_array_equal(means[f"{LEAST}{name}"], values.min(axis=0))
        np.testing.assert_array_equal(means[f"{MOST}{name}"], values.max(axis=0))


def test_the_front_is_that_of_the_means(run: Run, folder: Path) -> None:
    names = ["mean_latency_ms", "energy_mj_per_query"]
    objectives = [word for name in names for word in ("--objective", name)]
    shown = run("pareto", "show", folder, *objectives, "--format", "json").document["front"]
    best = front(rows_of(mean_parts(folder)), [find_metric(name) for name in names])
    assert [[row[k] for k in KEYS] for row in shown] == best[KEYS].to_numpy().tolist()
    assert all(row["least_mean_latency_ms"] <= row["mean_latency_ms"] for row in shown)
    named = run("recommend", folder, "--format", "json").document["recommended"]
    means = rows_of(mean_parts(folder)).set_index(KEYS)
    mean = means.loc[(named["design"], named["policy"]), "mean_latency_ms"]
    assert named["mean_latency_ms"] == mean
    few = ("--seed", "3", "--queries", "20", "--hw", str(paths.TINY), "--samples", "4")
    assert run("explain", "--results", folder, *few, "--format", "json").code == 0


def test_some_columns_alone_are_those_of_all(folder: Path) -> None:
    whole = rows_of(mean_parts(folder))
    for names in (["energy_mj_per_query"], ["policy", "least_dsp"], ["clock_mhz", "design"]):
        pd.testing.assert_frame_equal(rows_of(mean_parts(folder), names), whole[names])


def test_a_front_of_each_block_has_no_seeds() -> None:
    experiment = load_experiment(paths.TINY, queries=20, repeats=2)
    with pytest.raises(UserError, match="--keep front"):
        Sweep(experiment, how="front")


@pytest.mark.parametrize("trace", ["none", "demands.csv"])
def test_what_has_no_seed_is_not_repeated(run: Run, trace: str) -> None:
    done = run("sweep", "--trace", trace, "--repeats", "2")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "has no seed" in done.err


def test_lines_are_drawn_over_an_axis_and_over_a_metric(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    for x in ("pe_kernels", "energy_mj_per_query"):
        out = tmp_path / f"{x}.svg"
        assert run("pareto", "plot", folder, "--x", x, "--out", out).code == 0
        assert "least to most over seeds" in out.read_text()
    for wrong, told in (
        (("--x", "pe_kernel"), "did you mean 'pe_kernels'"),
        (("--x", "dsp", "--by", "dsp"), "tells no rows apart"),
        (("--y", "dsp"), "give --x too"),
        (("--x", "dsp", "--colour", "dsp"), "leave --objective"),
        (("--colour", "pe_kernel"), "unknown metric or axis"),
    ):
        done = run("pareto", "plot", folder, *wrong)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert told in done.err
    assert run("pareto", "plot", folder, "--colour", "pe_kernels", "--out", out).code == 0
