"""Intervals over seeds: what they cover, and what a verdict needs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sushi_dse.analysis.repeats import mean_interval, summarise_repeats, verdict

values = st.lists(st.floats(-100, 100), min_size=1, max_size=12)


@given(values)
def test_an_interval_lies_about_the_mean_and_is_that_of_student(sample: list[float]) -> None:
    low, high = mean_interval(sample)
    slack = 1e-9 * (1 + max(map(abs, sample)))
    assert (low + high) / 2 == pytest.approx(np.mean(sample), abs=slack)
    if len(set(sample)) > 1 and np.std(sample) > 1e-9:
        mean, error = np.mean(sample), stats.sem(sample)
        theirs = stats.t.interval(0.95, len(sample) - 1, loc=mean, scale=error)
        assert (low, high) == pytest.approx(theirs, abs=slack)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_an_interval_covers_the_mean_as_often_as_it_says(seeds: int) -> None:
    """The percentile bootstrap covers 53 % at two seeds and 84 % at five."""
    samples = np.random.default_rng(seeds).normal(3.0, 2.0, (4000, seeds))
    intervals = [mean_interval(sample.tolist()) for sample in samples]
    covered = np.mean([low <= 3.0 <= high for low, high in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)


def run(policy: str, gain: float, points: float = 0.0) -> dict[str, Any]:
    return {"policy": policy, "mean_latency_ms": 10 - gain, "gain_over_no_sgs_percent": gain,
            "accuracy_over_no_sgs_points": points, "service_level": 1.0}  # fmt: skip


def test_a_gain_that_its_interval_or_its_size_does_not_carry_is_no_win() -> None:
    repeats = [
        [
            run("no-sgs", 0.0),
            run("sure", 1 + seed / 10),
            run("small", 0.5 + seed / 100),
            run("chance", 2 + (-1) ** seed * 9.0),
            run("other", 5.0 + seed, points=-0.2),
            run("slo-nn", 5.0 + seed, points=-0.2),
        ]
        for seed in range(8)
    ]
    found: list[dict[str, Any]] = summarise_repeats(repeats)
    assert {row["policy"]: row["verdict"] for row in found} == {
        "no-sgs": None,
        "sure": "faster",
        "small": "no relevant difference",
        "chance": "no difference",
        "other": "other accuracy",
        "slo-nn": "assumed rates",
    }
    sure = found[1]
    assert sure["gain_over_no_sgs_percent"] == pytest.approx(1.35)
    assert sure["mean_latency_ms_low"] <= sure["mean_latency_ms"] <= sure["mean_latency_ms_high"]
    assert "service_level" not in sure
    assert summarise_repeats(repeats, 0.1)[2]["verdict"] == "faster"


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(0, 5))
def test_a_verdict_is_a_matter_of_sign_and_size(mean: float, half: float, least: float) -> None:
    found, mirrored = (verdict(m - half, m + half, least) for m in (mean, -mean))
    turned = {"faster": "slower", "slower": "faster"}
    assert mirrored == turned.get(found, found)
    if found == "faster":
        assert mean - half > 0
        assert mean >= least - 1e-12
