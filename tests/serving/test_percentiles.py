"""Percentiles against sorted values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.model.jit import compiled
from sushi_dse.serving.percentiles import FEW, PERCENTILES, VALUES, percentiles

values = st.lists(st.floats(0, 1e12), min_size=1, max_size=2 * FEW)
# Steps of one unit in the last place, and times that differ by more than a bucket apart.
steps = st.lists(st.integers(0, 4), min_size=1, max_size=3 * FEW)


@compiled
def found_by_kernel(times_ms: np.ndarray, found_ms: np.ndarray) -> None:
    percentiles(times_ms, found_ms)


def check(times_ms: np.ndarray) -> None:
    ranks = [-(-len(times_ms) * percent // 100) - 1 for percent in PERCENTILES]
    for kernel in (found_by_kernel, found_by_kernel.plain):
        found_ms = np.empty(len(PERCENTILES))
        kernel(times_ms, found_ms)
        assert found_ms.tolist() == np.sort(times_ms)[ranks].tolist()


@given(values)
def test_percentiles_are_elements_of_the_sorted_times(times_ms: list[float]) -> None:
    check(np.array(times_ms))


@given(steps, st.floats(1e-300, 1e300), st.booleans())
def test_times_that_hardly_differ_are_told_apart(
    counts: list[int], start: float, far: bool
) -> None:
    near = start + np.array(counts) * np.spacing(start)
    check(np.append(near, 1e3 * start) if far else near)


@given(st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_many_times_are_ranked_as_few_are(count: int, seed: int) -> None:
    check(np.random.default_rng(seed).exponential(size=count))


@given(st.integers(1, 2 * VALUES), st.integers(0, 2**32 - 1))
def test_times_of_few_values_are_ranked_as_any(values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check(rng.choice(rng.exponential(size=values), size=500))
