"""Queries and traces as values, and the figures of a trace."""

import re
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sushi_dse.traces.describe import describe_trace
from sushi_dse.traces.trace import Query, Trace
from tests.traces.trace_cases import bits, trace_of, traces

# A query and a trace


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"arrived_ms": -1.0}, "0 <= arrived_ms <= 1e+15 must hold, got -1.0"),
        ({"arrived_ms": np.inf}, "0 <= arrived_ms <= 1e+15 must hold, got inf"),
        ({"min_accuracy_percent": 100.5}, "0 <= min_accuracy_percent <= 100 must hold, got 100.5"),
        ({"min_accuracy_percent": np.nan}, "0 <= min_accuracy_percent <= 100 must hold, got nan"),
        ({"max_latency_ms": 0.0}, "0 < max_latency_ms <= 1e+15 must hold, got 0.0"),
    ],
)
def test_a_query_is_in_range_or_is_not_made(change: dict[str, float], law: str) -> None:
    good = {"arrived_ms": 0.0, "min_accuracy_percent": 78.0, "max_latency_ms": 5.0}
    Query(**good)
    with pytest.raises(ValueError, match=f"^{re.escape(law)}$"):
        Query(**(good | change))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, 78, 5), (1, -1, 5)], "query 2: 0 <= min_accuracy_percent <= 100 must hold, got -1.0"),
        ([(np.nan, 78, 5)], "query 1: 0 <= arrived_ms <= 1e+15 must hold, got nan"),
        ([(1, 78, 5), (2, 78, np.inf)], "query 2: 0 < max_latency_ms <= 1e+15 must hold, got inf"),
        (
            [(1, 78, 5), (3, 78, 5), (2, 78, 5)],
            "query 3: arrived_ms runs backwards, from 3.0 to 2.0; sort the queries by arrived_ms",
        ),
        ([(2, 78, 5), (1, 78, 5), (1, 78, np.nan)], "query 2: arrived_ms runs backwards"),
        ([], "a trace has at least one query, got none"),
    ],
)
def test_a_trace_names_its_first_wrong_query(
    rows: list[tuple[float, float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        trace_of(*rows)


@pytest.mark.parametrize("accuracy", [[78.0, 78.0], [[78.0]], 78.0])
def test_the_columns_of_a_trace_have_one_axis_and_one_length(accuracy: Any) -> None:
    with pytest.raises(ValueError, match=r"one axis and one length, got shapes \(1,\), "):
        Trace(
            arrived_ms=np.array([0.0]),
            min_accuracy_percent=np.array(accuracy),
            max_latency_ms=np.array([5.0]),
        )
    with pytest.raises(ValueError, match="one axis and one length"):
        Trace(
            arrived_ms=np.array(0.0),
            min_accuracy_percent=np.array(78.0),
            max_latency_ms=np.array(5.0),
        )


def test_a_trace_cannot_be_changed_and_is_a_copy() -> None:
    arrived_ms = np.array([0.0, 1.0])
    trace = Trace(
        arrived_ms=arrived_ms,
        min_accuracy_percent=np.array([70.0, 80.0]),
        max_latency_ms=np.array([5.0, 6.0]),
    )
    arrived_ms[0] = 0.5
    assert trace.arrived_ms[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        trace.max_latency_ms[0] = 1
    with pytest.raises(FrozenInstanceError):
        trace.max_latency_ms = arrived_ms  # type: ignore[misc]  # the mistake under test


@given(traces())
def test_a_trace_is_the_sequence_of_its_queries(trace: Trace) -> None:
    queries = list(trace)
    assert len(queries) == len(trace)
    rows = [(q.arrived_ms, q.min_accuracy_percent, q.max_latency_ms) for q in queries]
    assert bits(trace_of(*rows)) == bits(trace)


def test_a_trace_is_closed_loop_where_nothing_arrives_after_zero() -> None:
    assert trace_of((0, 78, 5), (0, 78, 5)).closed_loop
    assert not trace_of((0, 78, 5), (1, 78, 5)).closed_loop


def test_the_hash_tells_contents_apart_and_nothing_else() -> None:
    trace = trace_of((0, 78, 5), (1, 79, 6))
    assert trace.content_hash() == trace_of((0, 78, 5), (1, 79, 6)).content_hash()
    assert len(trace.content_hash()) == 64
    for other in (
        trace_of((0, 78, 5)),
        trace_of((0, 78, 5), (1, 79, np.nextafter(6, 7))),
        trace_of((0, 78, 6), (1, 79, 5)),
    ):
        assert other.content_hash() != trace.content_hash()


# Figures


def test_the_figures_of_a_trace_are_what_their_names_say() -> None:
    trace = trace_of((10, 70, 5), (20, 72, 7), (40, 71, 9), (70, 75, 3))
    assert describe_trace(trace) == {
        "queries": 4,
        "duration_ms": 60.0,
        "closed_loop": False,
        "rate_per_s": pytest.approx(50.0),
        "peak_rate_per_s": None,
        "peak_to_mean_rate": None,
        "interarrival_cv": pytest.approx(np.std([10, 20, 30]) / 20),
        "min_accuracy_demand_percent": 70.0,
        "mean_accuracy_demand_percent": 72.0,
        "max_accuracy_demand_percent": 75.0,
        "min_latency_demand_ms": 3.0,
        "mean_latency_demand_ms": 6.0,
        "max_latency_demand_ms": 9.0,
        "accuracy_demand_autocorrelation": pytest.approx((-2 * 0 + 0 * -1 + -1 * 3) / 14),
    }


def test_a_closed_loop_has_no_rate_and_a_constant_demand_no_autocorrelation() -> None:
    figures = describe_trace(trace_of((0, 70.1, 5), (0, 70.1, 5), (0, 70.1, 5)))
    assert figures["closed_loop"] is True
    for name in ("rate_per_s", "interarrival_cv", "accuracy_demand_autocorrelation"):
        assert figures[name] is None


def test_the_peak_is_the_most_queries_in_any_second() -> None:
    arrivals_ms = (0, 900, 1500, 1800, 1899.9, 1900, 2500, 4000)
    figures = describe_trace(trace_of(*((ms, 78, 5) for ms in arrivals_ms)))
    assert figures["peak_rate_per_s"] == 4  # from 900 up to 1900, and from 1500 up to 2500
    assert figures["peak_to_mean_rate"] == pytest.approx(4 / (7 / 4))


@given(traces(), st.floats(0, 1e6))
def test_the_peak_is_no_less_than_in_any_second_that_is_tried(trace: Trace, start: float) -> None:
    peak = describe_trace(trace)["peak_rate_per_s"]
    if peak is not None:
        within = (trace.arrived_ms >= start) & (trace.arrived_ms < start + 1e3)
        assert 1 <= np.count_nonzero(within) <= peak or not within.any()


def test_two_queries_have_a_rate_and_no_variation() -> None:
    figures = describe_trace(trace_of((0, 70, 5), (100, 71, 5)))
    assert figures["rate_per_s"] == 10
    assert figures["interarrival_cv"] is None


@given(traces())
@example(trace_of((0, 0, 1), (5e-324, 5e-324, 1), (5e-324, 0, 1)))
def test_a_figure_is_finite_or_none(trace: Trace) -> None:
    assert all(value is None or np.isfinite(value) for value in describe_trace(trace).values())


# What a query meets


def test_the_hash_counts_an_optional_column_only_where_there_is_one() -> None:
    trace = trace_of((0, 78, 5), (1, 79, 6))
    assert trace.content_hash() == (
        "6ed9eed5ded33edf14a977b366cb3cc8d5fc1620fa81c446c58c98d11110ee54"
    )
    ones, half = [1.0, 1.0], [1.0, 0.5]
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"colocation_slowdown": ones},
        {"input_difficulty": ones},
        {"input_difficulty": half},
        {"colocation_slowdown": ones, "input_difficulty": ones},
    )
    assert len({replace(trace, **change).content_hash() for change in changes}) == len(changes)


def test_optional_columns_are_described_where_a_trace_has_them() -> None:
    trace = trace_of((0, 78, 5), (1, 79, 6))
    slowed = describe_trace(replace(trace, colocation_slowdown=np.array([1.0, 2.0])))
    assert slowed == describe_trace(trace) | {
        "min_colocation_slowdown": 1.0,
        "mean_colocation_slowdown": 1.5,
        "max_colocation_slowdown": 2.0,
    }
    hard = describe_trace(replace(trace, input_difficulty=np.array([0.0, 0.5])))
    assert [hard[f"{part}_input_difficulty"] for part in ("min", "mean", "max")] == [0, 0.25, 0.5]
