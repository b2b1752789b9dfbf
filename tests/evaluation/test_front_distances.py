"""What a front dominates, what a row lacks to be on it, and what half of the fronts attain."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.evaluation.fronts import (
    dominated_by,
    median_attainment,
    non_dominated,
    rounded,
    shortfall,
)

Rows = list[tuple[int, ...]]
THREE = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=9)
TWO = st.lists(st.tuples(*[st.integers(0, 3)] * 2), min_size=1, max_size=5)


def front_of(rows: Rows) -> np.ndarray:
    costs = np.array(rows, dtype=float)
    return np.asarray(costs[non_dominated(costs)])


@given(THREE, THREE)
def test_a_row_is_dominated_where_one_of_the_front_is_no_worse_and_somewhere_better(
    rows: Rows, others: Rows
) -> None:
    front = front_of(others)
    for found, row in zip(dominated_by(np.array(rows, dtype=float), front), rows, strict=True):
        assert found == any((other <= row).all() and (other < row).any() for other in front)


@given(THREE, THREE)
def test_a_row_that_is_better_by_its_shortfall_is_beaten_by_none(rows: Rows, others: Rows) -> None:
    front, costs = front_of(others), np.array(rows, dtype=float)
    extent = np.ptp(front, axis=0)
    scale = np.where(extent > 0, extent, 1.0)
    lacks = shortfall(costs, front)
    assert (lacks >= 0).all()
    for row, lack in zip(costs, lacks, strict=True):
        margin = 1e-9
        assert not (front < row - (lack + margin) * scale).all(axis=1).any()
        if lack > 0:  # and by less it is still beaten
            assert (front <= row - (lack - margin) * scale).all(axis=1).any()


@given(st.lists(TWO, min_size=1, max_size=4), st.integers(0, 2))
def test_half_of_the_fronts_attain_what_lies_above_the_median_surface(
    sets: list[Rows], empty: int
) -> None:
    fronts = [front_of(rows) for rows in sets] + [np.empty((0, 2))] * empty
    surface = median_attainment(fronts)
    for point in product(range(-1, 5), repeat=2):
        attained = sum(bool((own <= point).all(axis=1).any()) for own in fronts)
        above = bool((surface <= point).all(axis=1).any())
        assert above == (2 * attained >= len(fronts))


def test_sums_in_another_order_are_rounded_alike() -> None:
    parts = np.random.default_rng(0).random((500, 40)) * 1e3
    one, other = parts.sum(axis=1), parts[:, ::-1].cumsum(axis=1)[:, -1]
    assert (one != other).any()
    assert (rounded(one) == rounded(other)).mean() > 0.999
    assert (np.abs(rounded(one) / one - 1) < 1e-10).all()
    assert np.array_equal(rounded(np.array([0.0, -2.5, 1e9])), [0.0, -2.5, 1e9])
