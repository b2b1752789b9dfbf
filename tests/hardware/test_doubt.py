"""Draws of constants in doubt: they stay in their range, and are spread as it says."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.doubt import CUT, OF_DEVICE, WITHOUT_TIME, Doubt, drawn, with_constants
from tests.strategies import zcu104

SHARES = np.linspace(0, 1, 2001)[1:-1]


@given(st.lists(st.integers(0, 40), min_size=3, max_size=3).map(sorted), st.booleans())
def test_draws_rise_from_the_least_plausible_value_to_the_most(
    ends: list[int], is_whole: bool
) -> None:
    low, value, high = ends if is_whole else map(float, ends)
    values = Doubt(value=value, low=low, high=high).at(SHARES)
    assert (np.diff(values) >= 0).all()
    assert low <= values[0] <= values[-1] <= high
    assert all(type(one) is type(value) for one in values.tolist())
    if not is_whole:  # the mean of a triangle is that of its corners
        assert values.mean() == pytest.approx((low + value + high) / 3, abs=0.02)


@given(st.floats(1, 50), st.floats(0.01, 20))
def test_draws_of_a_fitted_constant_are_normal_about_it(value: float, error: float) -> None:
    doubt = Doubt.fitted(value, error)
    values = doubt.at(SHARES)
    assert np.median(values) == pytest.approx(value)
    assert (values >= doubt.low).all()
    assert (values <= value + CUT * error).all()
    assert (values > 0).all()
    if value > CUT * error:
        assert values.std() == pytest.approx(error, rel=0.03)


def test_a_range_of_no_width_draws_its_value_alone() -> None:
    for doubt in (Doubt(value=0.7, low=0.7, high=0.7), Doubt.fitted(0.7, 0.0)):
        assert set(doubt.at(SHARES).tolist()) == {0.7}
    assert not Doubt(value=False, low=False, high=False).at(SHARES).any()


def test_a_range_that_does_not_hold_its_value_is_refused() -> None:
    with pytest.raises(ValueError, match="must hold"):
        Doubt(value=5, low=6, high=7)


def test_either_reading_has_half_of_the_draws() -> None:
    reading = {"pointwise_drain": Doubt(value=True, low=False, high=True)}
    assert drawn(reading, 64, seed=3).values["pointwise_drain"].sum() == 32


def test_draws_are_sobol_points_of_a_seed() -> None:
    doubts = {name: Doubt(value=0.5, low=0.0, high=1.0) for name in ("mac_pj", "launch_us")}
    first, again, other = (drawn(doubts, 64, seed=seed) for seed in (1, 1, 2))
    assert (first.shares == again.shares).all()
    assert (first.shares != other.shares).any()
    cells = np.floor(first.shares * 8).astype(int)  # a net: a point in each of 8 x 8 cells
    assert len({tuple(cell) for cell in cells.tolist()}) == 64
    with pytest.raises(ValueError, match="power of two"):
        drawn(doubts, 48, seed=1)


def test_draws_that_differ_in_energy_alone_are_one_group() -> None:
    energy = Doubt(value=2.0, low=1.0, high=3.0)
    assert len(drawn({"mac_pj": energy, "logic_mhz": energy}, 16, seed=0).groups()) == 1
    both = {"mac_pj": energy, "pointwise_drain": Doubt(value=True, low=False, high=True)}
    assert sorted(map(len, drawn(both, 16, seed=0).groups())) == [8, 8]
    assert len(drawn({"launch_us": energy}, 16, seed=0).groups()) == 16


def test_a_draw_replaces_constants_of_the_design_and_of_its_device() -> None:
    changed = with_constants(zcu104(), {"mac_pj": 7.0, "shell_share": 0.25})
    assert (changed.mac_pj, changed.device.shell_share) == (7.0, 0.25)
    names = {field.name for field in fields(Accelerator)}
    assert set(WITHOUT_TIME) - names == set(OF_DEVICE)
