"""Folding is for readers: no row is hidden that differs, and what is shown stands for itself."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.evaluation.fronts import front
from sushi_dse.evaluation.metrics import LEVEL, find_metric
from sushi_dse.explore.folding import ALIKE, Folded, folded

METRICS = [find_metric(name) for name in ("mean_latency_ms", "mean_accuracy_percent")]
values = st.integers(1000, 1012).map(lambda thousandths: thousandths / 1000)
tables = st.lists(st.tuples(values, values, st.integers(0, 3)), min_size=1, max_size=30)


def of(rows: list[tuple[float, float, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["mean_latency_ms", "mean_accuracy_percent", "design"])
    return front(frame.assign(policy="sushi", pe_kernels=8.0, infeasible_reason=""), METRICS)


@given(tables, st.sampled_from([0.0, 0.1, 0.3, 100.0]))
def test_no_row_is_hidden_that_differs_by_more_than_the_tolerance(
    rows: list[tuple[float, float, int]], tolerance_percent: float
) -> None:
    whole = of(rows)
    shown = folded(whole, METRICS, tolerance_percent=tolerance_percent).rows
    names = [metric.name for metric in METRICS]
    for row in whole[names].to_dict("records"):
        assert any(
            all(
                abs(row[name] - one[name]) <= tolerance_percent / 100 * abs(one[name]) + 1e-12
                for name in names
            )
            for one in shown
        )
    assert sum(row[ALIKE] + 1 for row in shown) == len(whole)


@given(tables, st.sampled_from([0.0, 0.1, 0.3]))
def test_no_shown_row_agrees_with_one_above_it(
    rows: list[tuple[float, float, int]], tolerance_percent: float
) -> None:
    shown = folded(of(rows), METRICS, tolerance_percent=tolerance_percent).rows
    names = [metric.name for metric in METRICS]
    points = [np.array([row[name] for name in names]) for row in shown]
    for number, point in enumerate(points):
        for above in points[:number]:
            assert (abs(point - above) > tolerance_percent / 100 * above - 1e-12).any()


@given(tables)
def test_rows_of_an_accelerator_stand_together_and_none_is_lost(
    rows: list[tuple[float, float, int]],
) -> None:
    found = folded(of(rows), METRICS, tolerance_percent=0)
    designs = [row["design"] for row in found.grouped.rows]
    firsts = list(dict.fromkeys(designs))
    assert designs == sorted(designs, key=firsts.index)
    assert sorted(map(str, found.grouped.rows)) == sorted(map(str, found.rows))


@given(st.integers(0, 40), st.integers(1, 12))
def test_some_rows_are_spread_from_the_first_to_the_last(count: int, most: int) -> None:
    rows: list[dict[str, object]] = [{"design": number} for number in range(count)]
    some = Folded(rows=rows, columns=["design"], constant={}).some(most).rows
    assert len(some) == min(count, most)
    if count and most > 1:
        assert (some[0], some[-1]) == (rows[0], rows[-1])


def test_what_is_the_same_in_every_row_and_what_changes_nothing_are_left_out() -> None:
    frame = pd.DataFrame(
        {
            "design": [0, 1],
            "pe_kernels": [8.0, 8.0],
            "pe_channels": [6.0, 9.0],
            "clock_mhz": [100.0, 200.0],
            "policy": "sushi",
            LEVEL: [1.0, 1.0],
            "mean_latency_ms": [1.0, 2.0],
            "mean_accuracy_percent": [75.0, 75.0],
            "infeasible_reason": "",
        }
    )
    found = folded(frame, METRICS, idle=["clock_mhz"])
    assert found.columns == ["design", "pe_channels", "policy", "mean_latency_ms"]
    assert found.constant == {"pe_kernels": 8.0, LEVEL: 1.0, "mean_accuracy_percent": 75.0}


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(UserError, match="--tolerance-percent"):
        folded(of([(1.0, 1.0, 0)]), METRICS, tolerance_percent=-1)
