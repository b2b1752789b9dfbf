from typing import Any

import numpy as np
import pytest

from sushi_dse.errors import UserError
from sushi_dse.traces.colocation import colocated, slowdown_at
from sushi_dse.traces.trace import Trace


def arriving(queries: int, gap_ms: float) -> Trace:
    return Trace(
        arrived_ms=gap_ms * np.arange(float(queries)),
        min_accuracy_percent=np.zeros(queries),
        max_latency_ms=np.ones(queries),
    )


def slowdown_of(trace: Trace, colocation: str, **changes: Any) -> np.ndarray:
    slowdown = colocated(trace, colocation, **changes).colocation_slowdown
    assert slowdown is not None
    return slowdown


@pytest.mark.parametrize("colocation", ["diurnal", "bursts"])
def test_colocation_is_seeded_and_a_longer_trace_begins_with_a_shorter_one(colocation: str) -> None:
    for gap_ms in (0.0, 90.0):
        short, long = arriving(500, gap_ms), arriving(800, gap_ms)
        slowdown = slowdown_of(short, colocation, seed=5)
        assert (slowdown == slowdown_of(long, colocation, seed=5)[:500]).all()
        assert (slowdown != slowdown_of(short, colocation, seed=6)).any()
    assert len(slowdown_of(arriving(1, 0.0), colocation)) == 1
    # A closed loop counts as a query every 50 ms.
    assert (
        slowdown_of(arriving(90, 0), colocation) == slowdown_of(arriving(90, 50), colocation)
    ).all()


def test_a_day_of_colocation_runs_through_the_whole_profile_and_repeats() -> None:
    slowdown = slowdown_of(arriving(2000, 10.0), "diurnal", period_s=10)
    np.testing.assert_allclose(slowdown[:1000], slowdown[1000:], rtol=1e-9)
    assert (slowdown.min(), slowdown.max()) == (pytest.approx(1), pytest.approx(2.5, rel=1e-4))


def test_bursts_of_colocation_last_and_recur_as_long_as_asked() -> None:
    busy = slowdown_of(arriving(400_000, 20.0), "bursts", mean_burst_s=2, mean_calm_s=6)
    assert set(busy) == {1.0, 2.5}
    burst = busy > 1
    assert burst.mean() == pytest.approx(0.25, abs=0.02)
    begun = np.count_nonzero(~burst[:-1] & burst[1:])
    assert 20e-3 * np.count_nonzero(burst) / begun == pytest.approx(2, rel=0.1)


def test_no_colocation_leaves_a_trace_as_it_is_and_an_unknown_one_is_refused() -> None:
    trace = arriving(4, 1.0)
    assert colocated(trace, "none") is trace
    with pytest.raises(UserError, match="unknown colocation 'burst'; did you mean 'bursts'"):
        colocated(trace, "burst")


def test_the_profile_is_followed_between_its_points() -> None:
    profile = ((0.0, 1.0), (0.5, 2.0), (1.0, 4.0))
    utilisation = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    assert slowdown_at(utilisation, profile).tolist() == [1, 1.5, 2, 3, 4]


@pytest.mark.parametrize(
    "profile",
    [
        ((0.0, 1.0), (0.9, 2.0)),
        ((0.0, 1.0), (0.5, 2.0), (1.0, 1.5)),
        ((0.0, 0.9), (1.0, 2.0)),
        ((0.0, 1.0), (0.5, 1.0), (0.5, 2.0), (1.0, 2.0)),
        ((0.0, 1.0), (1.0, float("inf"))),
    ],
)
def test_a_profile_that_falls_or_ends_early_is_refused(profile: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="from utilisation 0 to 1, with factors from 1"):
        slowdown_at(np.array([0.5]), profile)


def test_a_utilisation_beyond_the_whole_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="0 <= utilisation <= 1"):
        slowdown_at(np.array([1.5]))
