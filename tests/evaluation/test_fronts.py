import time
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.evaluation import fronts
from sushi_dse.evaluation.fronts import (
    cost_matrix,
    feasible_rows,
    front,
    has_exact_hypervolume,
    hypervolume,
    non_dominated,
    reference_point,
)
from sushi_dse.evaluation.metrics import METRICS, Metric

LATENCY, ACCURACY = METRICS["mean_latency_ms"], METRICS["mean_accuracy_percent"]
ENERGY = METRICS["energy_mj_per_query"]
Row = tuple[Any, ...]  # design, policy, latency or None, accuracy, reason


def small_costs(largest: int, max_rows: int) -> st.SearchStrategy[np.ndarray]:
    """[row, objective] of small integers, so that ties and equal rows are common."""
    return st.integers(1, 4).flatmap(
        lambda objectives: st.lists(
            st.tuples(*[st.integers(0, largest)] * objectives), min_size=1, max_size=max_rows
        ).map(np.array)
    )


def brute_force(costs: np.ndarray) -> np.ndarray:
    """The definition: no other row is no worse anywhere and better somewhere."""
    no_worse = (costs[:, None] <= costs).all(axis=2)
    better = (costs[:, None] < costs).any(axis=2)
    return np.asarray(~(no_worse & better).any(axis=0))


def unit_cells(costs: np.ndarray, reference: Sequence[int]) -> int:
    """The cells of an integer grid that lie above a row in all objectives and below `reference`."""
    cells = np.array(list(product(*(range(bound) for bound in reference)))).reshape(
        -1, len(reference)
    )
    return int((costs[:, None] <= cells).all(axis=2).any(axis=0).sum())


@given(small_costs(largest=3, max_rows=30))
def test_the_front_is_what_nothing_beats(costs: np.ndarray) -> None:
    assert non_dominated(costs).tolist() == brute_force(costs).tolist()


@pytest.mark.parametrize("objectives", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("levels", [3, 10, 1000])
def test_the_front_of_many_rows_is_what_nothing_beats(objectives: int, levels: int) -> None:
    costs = np.random.default_rng(objectives).integers(0, levels, (1100, objectives))
    assert non_dominated(costs).tolist() == brute_force(costs).tolist()


@given(small_costs(largest=3, max_rows=12))
def test_equal_rows_stay_or_go_together(costs: np.ndarray) -> None:
    mask = non_dominated(np.concatenate([costs, costs]))
    assert mask[: len(costs)].tolist() == mask[len(costs) :].tolist()


@given(small_costs(largest=3, max_rows=12))
def test_the_order_of_rows_does_not_matter(costs: np.ndarray) -> None:
    order = np.random.default_rng(len(costs)).permutation(len(costs))
    assert non_dominated(costs[order]).tolist() == non_dominated(costs)[order].tolist()


def test_of_no_rows_none_is_on_the_front() -> None:
    assert non_dominated(np.empty((0, 3))).tolist() == []


@given(small_costs(largest=3, max_rows=8))
def test_the_hypervolume_is_the_count_of_the_cells_that_a_row_beats(costs: np.ndarray) -> None:
    reference = [3] * costs.shape[1]  # rows on the reference, and beyond it in one objective
    assert hypervolume(costs, np.array(reference)) == unit_cells(costs, reference)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4, 5, 6])
def test_the_hypervolume_of_many_rows_is_the_same_count(objectives: int) -> None:
    costs = np.random.default_rng(objectives).integers(0, 4, (40, objectives))
    assert hypervolume(costs, np.full(objectives, 4)) == unit_cells(costs, [4] * objectives)


@given(small_costs(largest=3, max_rows=8))
def test_what_is_beaten_adds_no_hypervolume(costs: np.ndarray) -> None:
    reference = np.full(costs.shape[1], 4)
    kept = costs[non_dominated(costs)]
    assert hypervolume(kept, reference) == hypervolume(costs, reference)


@given(small_costs(largest=3, max_rows=8), small_costs(largest=3, max_rows=1))
def test_a_further_row_never_takes_hypervolume(costs: np.ndarray, row: np.ndarray) -> None:
    row = np.resize(row, (1, costs.shape[1]))
    reference = np.full(costs.shape[1], 4)
    together = hypervolume(np.concatenate([costs, row]), reference)
    assert together >= max(hypervolume(costs, reference), hypervolume(row, reference))


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_the_hypervolume_of_one_row_is_that_of_its_box(objectives: int) -> None:
    sides = np.arange(1, objectives + 1)
    assert hypervolume(-sides[None], np.zeros(objectives)) == np.prod(sides)


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_the_hypervolume_of_a_simplex_is_known(objectives: int) -> None:
    steps = 5  # rows with sum `steps`: a cell counts if its lower corner sums to `steps` or more
    costs = np.array(
        [row for row in product(range(steps + 1), repeat=objectives) if sum(row) == steps]
    )
    above = sum(sum(cell) >= steps for cell in product(range(steps + 1), repeat=objectives))
    assert hypervolume(costs, np.full(objectives, steps + 1)) == above


@pytest.mark.parametrize(("rows", "objectives"), [(8064, 7), (3000, 9), (400, 16), (100_001, 4)])
def test_no_number_of_rows_and_objectives_takes_long(rows: int, objectives: int) -> None:
    costs = on_a_sphere(rows, objectives)
    started = time.perf_counter()
    volume = hypervolume(costs, np.full(objectives, 1.1))
    assert time.perf_counter() - started < 40  # on a machine that does other work as well
    assert not has_exact_hypervolume(costs, np.full(objectives, 1.1))
    assert 0 < volume < 1.1**objectives


@pytest.mark.parametrize("objectives", [4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
def test_an_approximated_hypervolume_is_near_the_exact_one(
    objectives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = np.full(objectives, 1.1)
    costs = on_a_sphere(16, objectives)
    exact = hypervolume(costs, reference)
    assert has_exact_hypervolume(costs, reference)
    monkeypatch.setattr(fronts, "MOST_EXACT", dict.fromkeys(range(4, 14), 1))
    monkeypatch.setattr(fronts, "MOST_EXACT_IN_MORE", 1)
    assert not has_exact_hypervolume(costs, reference)
    assert hypervolume(costs, reference) == pytest.approx(exact, rel=5e-3)


def on_a_sphere(rows: int, objectives: int) -> np.ndarray:
    """Costs of which none dominates another: [row, objective]."""
    costs = np.abs(np.random.default_rng(0).normal(size=(rows, objectives)))
    return np.asarray(costs / np.linalg.norm(costs, axis=1)[:, None])


def test_no_rows_have_no_hypervolume() -> None:
    assert hypervolume(np.empty((0, 2)), np.array([1, 1])) == 0
    assert hypervolume(np.array([[2, 0], [1, 0]]), np.array([1, 1])) == 0


@given(small_costs(largest=3, max_rows=12))
def test_every_row_lies_within_the_reference_point_and_has_volume(costs: np.ndarray) -> None:
    reference = reference_point(costs)
    assert (costs < reference).all()
    for row in costs:
        assert hypervolume(row[None], reference) > 0


def test_the_reference_point_is_a_tenth_of_the_range_beyond_the_worst() -> None:
    costs = np.array([[10.0, -80.0, 7.0], [20.0, -75.0, 7.0]])
    np.testing.assert_allclose(reference_point(costs), [21, -74.5, 8])


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ([[1.0, np.nan]], "must not be NaN, got 1 rows"),
        ([1.0, 2.0], "row, objective"),
        ([[]], "one objective at least"),
    ],
)
def test_what_cannot_be_compared_is_refused(costs: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        non_dominated(np.array(costs))
    with pytest.raises(ValueError, match=message):
        hypervolume(np.array(costs), np.array([3.0, 3.0]))
    with pytest.raises(ValueError, match=message):
        reference_point(np.array(costs))


def test_a_hypervolume_needs_finite_costs_and_one_reference_per_objective() -> None:
    with pytest.raises(ValueError, match="finite"):
        hypervolume(np.array([[-np.inf, 0]]), np.array([1, 1]))
    with pytest.raises(ValueError, match="finite"):
        hypervolume(np.array([[0, 0]]), np.array([1, np.nan]))
    with pytest.raises(ValueError, match="one reference per objective"):
        hypervolume(np.array([[0, 0]]), np.array([1]))
    for costs in (np.empty((0, 2)), np.array([[0, np.inf]])):
        with pytest.raises(ValueError, match="at least one row, and finite"):
            reference_point(costs)


def results(rows: Sequence[Row]) -> pd.DataFrame:
    columns = ["design", "policy", LATENCY.name, ACCURACY.name, "infeasible_reason"]
    return pd.DataFrame(rows, columns=columns).astype({LATENCY.name: float, ACCURACY.name: float})


@settings(deadline=None)  # the first frame pays for what pandas imports late
@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["sushi", "no-sgs"]),
            st.one_of(st.none(), st.integers(0, 3)),
            st.integers(0, 3),
            st.sampled_from(["", "", "dsp: needs 9, tiny has 8"]),
        )
    )
)
def test_the_front_of_a_frame_is_that_of_its_feasible_rows_best_first(
    rows: list[Row],
) -> None:
    good = [row for row in rows if row[2] is not None and not row[4]]

    def beaten(row: Row) -> bool:
        return any(o[2:4] != row[2:4] and o[2] <= row[2] and o[3] >= row[3] for o in good)

    wanted = sorted(
        (row for row in good if not beaten(row)), key=lambda r: (r[2], -r[3], r[0], r[1])
    )
    found = front(results(rows), [LATENCY, ACCURACY])
    assert list(found.itertuples(index=False, name=None)) == wanted
    assert found.index.tolist() == list(range(len(wanted)))


def test_the_first_metric_sorts_the_front() -> None:
    frame = results([(0, "sushi", 1, 75, ""), (1, "sushi", 2, 80, "")])
    assert front(frame, [LATENCY, ACCURACY])["design"].tolist() == [0, 1]
    assert front(frame, [ACCURACY, LATENCY])["design"].tolist() == [1, 0]
    assert front(frame, [ACCURACY])["design"].tolist() == [1]


def test_the_front_leaves_the_frame_as_it_was() -> None:
    frame = results([(0, "sushi", None, 75, ""), (1, "sushi", 2, 80, "")])
    before = frame.copy()
    front(frame, [LATENCY, ACCURACY])
    pd.testing.assert_frame_equal(frame, before)


def test_a_metric_the_results_lack_is_refused_with_the_near_one() -> None:
    frame = results([(0, "sushi", 1, 75, "")])
    with pytest.raises(UserError, match="no column 'energy_mj_per_query'"):
        front(frame, [LATENCY, ENERGY])
    near = Metric("mean_latency_us", "Not there.")
    with pytest.raises(UserError, match="did you mean 'mean_latency_ms'"):
        feasible_rows(frame, [near])
    with pytest.raises(ValueError, match="at least one metric"):
        front(frame, [])


def test_costs_have_a_column_per_metric() -> None:
    frame = results([(0, "sushi", 1, 75, ""), (1, "sushi", 2, 80, "")])
    np.testing.assert_array_equal(cost_matrix(frame, [LATENCY, ACCURACY]), [[1, -75], [2, -80]])
