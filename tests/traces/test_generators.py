"""The laws of the generators of demands."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.traces.describe import describe_trace
from sushi_dse.traces.generators import ARRIVALS, DEMANDS, TraceSpec, generate
from tests.traces.trace_cases import SPEC, bits


@st.composite
def specs(draw: st.DrawFn) -> TraceSpec:
    def span(low: float, high: float) -> tuple[float, float]:
        one, other = draw(st.floats(low, high)), draw(st.floats(low, high))
        return min(one, other), max(one, other)

    return TraceSpec(
        accuracy_percent=span(0, 100),
        latency_ms=span(1e-3, 1e6),
        demands=draw(st.sampled_from(sorted(DEMANDS))),
        arrivals=draw(st.sampled_from(sorted(ARRIVALS))),
        queries=draw(st.integers(1, 50)),
        seed=draw(st.integers(0, 2**32)),
        locality=draw(st.floats(0, 1)),
        phases=draw(st.integers(2, 9)),
        mean_phase_queries=draw(st.floats(1, 100)),
        rate_per_s=draw(st.floats(1e-3, 1e6)),
        interarrival_cv=draw(st.floats(0.01, 30)),
        burst_rate_factor=draw(st.floats(1, 1000)),
        mean_burst_s=draw(st.floats(1, 1000)),
        mean_calm_s=draw(st.floats(1, 1000)),
        amplitude=draw(st.floats(0, 1)),
        period_s=draw(st.floats(1e-3, 1e6)),
    )


@given(specs())
def test_the_same_specification_gives_the_same_bits_and_another_seed_others(
    spec: TraceSpec,
) -> None:
    assert bits(generate(spec)) == bits(generate(spec))
    wide = replace(spec, accuracy_percent=(0.0, 100.0))
    assert bits(generate(wide)) != bits(generate(replace(wide, seed=spec.seed + 1)))


@given(specs())
def test_demands_stay_in_their_ranges(spec: TraceSpec) -> None:
    trace = generate(spec)
    assert len(trace) == spec.queries
    for demand, (low, high) in (
        (trace.min_accuracy_percent, spec.accuracy_percent),
        (trace.max_latency_ms, spec.latency_ms),
    ):
        assert low <= demand.min()
        assert demand.max() <= high


@given(specs(), st.integers(0, 50))
def test_a_longer_trace_begins_with_the_shorter_one(spec: TraceSpec, more: int) -> None:
    longer = generate(replace(spec, queries=spec.queries + more))
    for column, whole in zip(generate(spec).columns, longer.columns, strict=True):
        assert column.tobytes() == whole[: spec.queries].tobytes()


@given(specs())
def test_the_arrivals_leave_the_demands_as_they_are(spec: TraceSpec) -> None:
    first, *others = (bits(generate(replace(spec, arrivals=name)))[1:] for name in ARRIVALS)
    assert all(other == first for other in others)


@pytest.mark.parametrize("demands", DEMANDS)
def test_each_place_in_the_range_is_as_likely_as_the_next(demands: str) -> None:
    spec = replace(SPEC, demands=demands, queries=200_000, locality=0.5, mean_phase_queries=5)
    for column in generate(spec).columns[1:]:
        counts, _ = np.histogram(column, bins=8)
        np.testing.assert_allclose(counts / spec.queries, 1 / 8, atol=0.005)


@pytest.mark.parametrize("demands", DEMANDS)
def test_the_two_demands_of_a_query_do_not_move_together(demands: str) -> None:
    trace = generate(replace(SPEC, demands=demands, queries=200_000, locality=0.5))
    correlation = np.corrcoef(trace.min_accuracy_percent, trace.max_latency_ms)[0, 1]
    assert abs(correlation) < 0.05


def test_more_locality_means_smaller_steps() -> None:
    mean_steps = []
    for locality in (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0):
        spec = replace(SPEC, demands="random-walk", locality=locality, queries=20_000)
        steps = abs(np.diff(generate(spec).min_accuracy_percent))
        assert steps.max() <= (1 - locality) * 4 + 1e-9
        mean_steps.append(steps.mean())
    assert mean_steps == sorted(mean_steps, reverse=True)
    assert len(set(mean_steps)) == len(mean_steps)


def test_a_random_walk_without_locality_is_independent() -> None:
    spec = replace(SPEC, demands="random-walk", locality=0.0, queries=100_000)
    accuracy = generate(spec).min_accuracy_percent
    pairs, _, _ = np.histogram2d(accuracy[:-1], accuracy[1:], bins=4)
    np.testing.assert_allclose(pairs / (spec.queries - 1), 1 / 16, atol=0.004)
    assert describe_trace(generate(spec))["accuracy_demand_autocorrelation"] == pytest.approx(
        0, abs=0.01
    )


def test_a_phase_is_a_part_of_the_range_and_lasts_as_long_as_asked() -> None:
    spec = replace(SPEC, demands="phases", phases=4, mean_phase_queries=50, queries=100_000)
    phase = np.floor(generate(spec).min_accuracy_percent - 76)  # each is one percent wide
    assert set(phase) == {0, 1, 2, 3}
    changes = np.count_nonzero(np.diff(phase))
    assert spec.queries / changes == pytest.approx(50, rel=0.05)


def test_poisson_arrivals_have_their_rate_and_a_variation_of_one() -> None:
    figures = describe_trace(
        generate(replace(SPEC, arrivals="poisson", rate_per_s=40, queries=50_000, seed=7))
    )
    assert figures["rate_per_s"] == pytest.approx(40, rel=0.02)
    assert figures["interarrival_cv"] == pytest.approx(1, rel=0.02)


def test_a_specification_gives_the_trace_it_gave_before() -> None:
    spec = replace(SPEC, queries=3, arrivals="poisson", seed=1)
    made = {name: generate(replace(spec, demands=name)) for name in DEMANDS}
    golden = {
        "independent": [78.79613818974734, 76.69734208549238, 78.58047412878918],
        "random-walk": [77.59227637949469, 77.33174479659316, 77.447839622351],
        "phases": [78.69903454743684, 78.32020238659973, 78.15099954693243],
    }
    assert made.keys() == golden.keys()
    for name, trace in made.items():
        np.testing.assert_allclose(
            trace.arrived_ms,
            [13.321514075509446, 17.103270275478128, 27.824723452843507],
            rtol=1e-12,
        )
        np.testing.assert_allclose(trace.min_accuracy_percent, golden[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"demands": "random-wlk"}, "unknown demands 'random-wlk'; did you mean 'random-walk'?"),
        (
            {"arrivals": "x"},
            "unknown arrivals 'x'; known: closed-loop, diurnal, gamma, mmpp, poisson",
        ),
        ({"accuracy_percent": (80, 76)}, "accuracy_percent: low <= high must hold, got 80 to 76"),
        ({"accuracy_percent": (-1, 7)}, "0 <= accuracy_percent <= 100 must hold, got -1 to 7"),
        ({"latency_ms": (0, 5)}, "0 < latency_ms <= 1e+15 must hold, got 0 to 5"),
        ({"latency_ms": (1, np.nan)}, "0 < latency_ms <= 1e+15 must hold, got 1 to nan"),
        ({"queries": 0}, "1 <= queries <= 1e+08 must hold, got 0"),
        ({"seed": -1}, "0 <= seed <= 9.22337e+18 must hold, got -1"),
        ({"locality": 1.1}, "0 <= locality <= 1 must hold, got 1.1"),
        ({"phases": 1}, "2 <= phases <= 1000 must hold, got 1"),
        ({"mean_phase_queries": 0.5}, "1 <= mean_phase_queries <= 1e+15 must hold, got 0.5"),
        ({"rate_per_s": 0}, "0 < rate_per_s <= 1e+09 must hold, got 0"),
        ({"interarrival_cv": 0}, "0.001 <= interarrival_cv <= 100 must hold, got 0"),
        ({"burst_rate_factor": 0.5}, "1 <= burst_rate_factor <= 1e+06 must hold, got 0.5"),
        ({"mean_burst_s": 0}, "1e-06 <= mean_burst_s <= 1e+12 must hold, got 0"),
        ({"mean_calm_s": np.nan}, "1e-06 <= mean_calm_s <= 1e+12 must hold, got nan"),
        ({"amplitude": 1.1}, "0 <= amplitude <= 1 must hold, got 1.1"),
        ({"period_s": -1}, "1e-06 <= period_s <= 1e+12 must hold, got -1"),
    ],
)
def test_a_specification_is_in_range_or_is_not_made(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(SPEC, **change)


def test_a_rate_too_small_for_the_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="query 1: 0 <= arrived_ms <= 1e\\+15 must hold"):
        generate(replace(SPEC, arrivals="poisson", rate_per_s=5e-324))
