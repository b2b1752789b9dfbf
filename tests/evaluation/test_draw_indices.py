"""Indices from draws against functions whose Sobol' indices are known."""

import numpy as np
import pytest
from scipy.stats import qmc

from sushi_dse.evaluation.draw_indices import draw_indices

SHARES = qmc.Sobol(6, rng=5).random(256)
NONE = np.zeros(6, dtype=bool)


def indices(values: np.ndarray, readings: np.ndarray = NONE) -> tuple[np.ndarray, np.ndarray]:
    first, total = draw_indices(SHARES, np.asarray(values, dtype=float)[:, None], readings)
    return first[:, 0], total[:, 0]


def test_of_a_sum_each_constant_explains_its_part_of_the_variance() -> None:
    first, total = indices(3 * SHARES[:, 0] + 4 * SHARES[:, 4])
    assert first == pytest.approx([0.36, 0, 0, 0, 0.64, 0], abs=0.02)
    assert total == pytest.approx(first, abs=0.02)


def test_of_a_product_two_constants_explain_nothing_alone_and_all_together() -> None:
    first, total = indices((SHARES[:, 1] - 0.5) * (SHARES[:, 2] - 0.5))
    assert first == pytest.approx(np.zeros(6), abs=0.02)
    assert total == pytest.approx([0, 1, 1, 0, 0, 0], abs=0.05)


def test_a_threshold_and_a_reading_are_found_among_constants_without_effect() -> None:
    first, total = indices(SHARES[:, 3] > 0.7)
    assert first[3] > 0.7
    assert np.delete(total, 3).max() < 0.05
    readings = np.arange(6) == 2
    first, total = indices(SHARES[:, 2] < 0.5, readings)
    assert first[2] == pytest.approx(1)
    assert np.delete(total, 2).max() < 0.05
    both = (SHARES[:, 2] < 0.5) & (SHARES[:, 5] < 0.5)  # 1/3 each alone, 1/3 together
    first, total = indices(both, np.isin(np.arange(6), (2, 5)))
    assert first[[2, 5]] == pytest.approx([1 / 3, 1 / 3], abs=0.04)
    assert total[[2, 5]] == pytest.approx([2 / 3, 2 / 3], abs=0.04)


def test_noise_and_what_never_changes_turn_on_no_constant() -> None:
    noise = np.random.default_rng(0).normal(size=256)
    assert indices(noise)[1].max() < 0.15
    for first_or_total in indices(np.full(256, 0.3)):
        assert not first_or_total.any()
    first, total = draw_indices(np.empty((8, 0)), np.ones((8, 2)), np.empty(0, dtype=bool))
    assert first.shape == total.shape == (0, 2)
