from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis.repeats import bootstrap_interval, summarise_repeats, verdict

values = st.lists(st.floats(-100, 100), min_size=1, max_size=12)


@given(values)
def test_an_interval_holds_the_mean_and_lies_within_the_values(sample: list[float]) -> None:
    low, high = bootstrap_interval(sample)
    slack = 1e-9 * (1 + max(map(abs, sample)))
    assert min(sample) - slack <= low <= high <= max(sample) + slack
    assert low - slack <= high + slack


def test_an_interval_is_about_as_wide_as_theory_says() -> None:
    sample = np.random.default_rng(1).normal(0, 1, 100)
    low, high = bootstrap_interval(sample.tolist())
    standard_error = sample.std() / 10
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.05)


def test_the_same_runs_give_the_same_interval() -> None:
    assert bootstrap_interval([1.0, 2.0, 4.0]) == bootstrap_interval([1.0, 2.0, 4.0])


def run(policy: str, gain: float) -> dict[str, Any]:
    return {"policy": policy, "mean_latency_ms": 10 - gain, "gain_over_no_sgs_percent": gain}


def test_a_gain_that_its_interval_does_not_carry_is_no_win() -> None:
    repeats = [[run("sure", 1 + seed / 10), run("chance", (-1) ** seed * 1.0)] for seed in range(8)]
    found: list[dict[str, Any]] = summarise_repeats(repeats)
    sure, chance = found
    assert sure["verdict"] == "faster"
    assert chance["verdict"] == "no difference"
    assert verdict(-2, -1) == "slower"
    assert sure["gain_over_no_sgs_percent"] == pytest.approx(1.35)
    assert sure["mean_latency_ms_low"] <= sure["mean_latency_ms"] <= sure["mean_latency_ms_high"]
