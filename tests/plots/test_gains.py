"""The figure of a comparison: gains with their intervals, and few policies over time."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sushi_dse.analysis.compare import Comparison, compared
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import GAIN
from sushi_dse.plots.gains import gain_panel
from sushi_dse.plots.lines import best_panel
from sushi_dse.plots.streams import MOST_SERVED, comparison_panels
from sushi_dse.store.parts import read_results
from tests.commands import Run

FEW = ["no-sgs", "sushi", "static-subgraph"]


def comparison(policies: list[str], repeats: int) -> Comparison:
    return compared(partial(load_experiment, policies=policies, queries=20), range(repeats))


def test_each_policy_has_its_gain_and_its_interval_the_most_on_top() -> None:
    found = comparison(FEW, 3)
    panel = gain_panel(found.rows, found.repeats)
    zero, whiskers, points = panel.series
    assert (zero.x == 0).all()
    assert (np.diff(points.x) <= 0).all()
    ends = whiskers.x.reshape(-1, 3)
    by_place = {name.split(":")[0]: i for i, name in enumerate(panel.y_names)}
    for row in found.rows:
        i = by_place[str(row["policy"])]
        assert (points.x[i], points.y[i]) == (row[GAIN], i)
        assert ends[i, :2].tolist() == [row[f"{GAIN}_low"], row[f"{GAIN}_high"]]
    assert "95 % interval of Student's t" in panel.title


def test_one_seed_has_no_interval_and_says_so() -> None:
    panel = gain_panel(comparison(FEW, 1).rows, 1)
    assert [series.kind for series in panel.series] == ["line", "points"]
    assert "--repeats" in panel.title


@pytest.mark.parametrize("count", [MOST_SERVED, MOST_SERVED + 1])
def test_only_few_policies_are_drawn_over_time(count: int) -> None:
    names = ["no-sgs", "sushi", "static-subgraph", "latency-aware", "last-subnet", "infaas"]
    panels = comparison_panels(comparison(names[:count], 1))
    assert (len(panels) > 1) == (count <= MOST_SERVED)


def test_a_line_holds_the_best_row_at_each_value(run: Run, tmp_path: Path) -> None:
    from sushi_dse import Sweep
    from sushi_dse.evaluation.metrics import find_metric
    from tests import paths

    Sweep(load_experiment(paths.TINY, queries=20, repeats=1), out=tmp_path / "swept").run()
    rows = read_results(tmp_path / "swept")
    good = rows[rows["infeasible_reason"] == ""]
    panel = best_panel(rows, "pe_kernels", find_metric("throughput_queries_per_s"))
    for series in panel.series:
        own = good[good["policy"] == series.name]
        best = own.groupby("pe_kernels")["throughput_queries_per_s"].max()
        assert series.y.tolist() == best.tolist()
    panel = best_panel(rows, "dsp", find_metric("mean_latency_ms"))
    for series in panel.series:
        assert (np.diff(series.x) > 0).all()
        assert (np.diff(series.y) < 0).all()
