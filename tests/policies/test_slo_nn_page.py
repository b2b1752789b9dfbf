"""The page on SLO-NN shows what the code computes."""

import numpy as np
import pytest

from sushi_dse.policies.slo_nn.parameters import Activator, SloNn
from tests import paths

PAGE = paths.ROOT / "docs" / "slo_nn.md"


def test_the_mean_of_the_needed_work_bounds_the_speed_up_as_the_page_says() -> None:
    e, k = SloNn().easiest_fraction, SloNn().difficulty_exponent
    needed = e + (1 - e) * ((np.arange(100_000) + 0.5) / 100_000) ** k
    squared = 1 / (e**2 + 2 * e * (1 - e) / (k + 1) + (1 - e) ** 2 / (2 * k + 1))
    linear = 1 / (e + (1 - e) / (k + 1))
    assert 1 / (needed**2).mean() == pytest.approx(squared, rel=1e-6)
    assert 1 / needed.mean() == pytest.approx(linear, rel=1e-6)
    page = PAGE.read_text(encoding="utf-8")
    assert f"shrink by f^2: {squared:.1f}x by default" in page
    assert f"shrink by f:   {linear:.1f}x by default" in page


def test_the_page_names_every_parameter() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in (*SloNn.__slots__, *Activator.__slots__):
        assert f"`{name}`" in page
