"""Capacity against closed forms of queues, and against a scan over rates."""

from math import exp, factorial, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.serving.capacity import RESOLUTION, capacities_per_s, own_rate_per_s
from sushi_dse.serving.queue import response_times
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import FloatArray, Trace
from tests.tables import cases

QUERIES = 200_000
GENERAL = [name for name, policy in POLICIES.items() if policy.system is None]


def stream(arrived_ms: FloatArray, deadline_ms: float) -> Trace:
    """Queries that want nothing but an answer in time."""
    return Trace(
        arrived_ms=arrived_ms,
        min_accuracy_percent=np.zeros(len(arrived_ms)),
        max_latency_ms=np.full(len(arrived_ms), deadline_ms),
    )


def capacity_of(service_ms: FloatArray, deadline_ms: float, target: float) -> float:
    """The capacity of a server of those service times under Poisson arrivals."""
    gaps_ms = np.random.default_rng(5).exponential(37.0, len(service_ms))
    trace = stream(gaps_ms.cumsum(), deadline_ms)

    def attainment(streams: Streams) -> FloatArray:
        (arrived_ms,) = streams.arrays.arrived_ms
        return np.array([(response_times(arrived_ms, service_ms) <= deadline_ms).mean()])

    (found,) = capacities_per_s(
        Streams([trace]), attainment, target=target, greatest_per_s=1e3 / service_ms.mean()
    )
    return float(found)


@pytest.mark.parametrize(("deadline_ms", "target"), [(6.0, 0.9), (12.0, 0.99), (3.0, 0.8)])
def test_the_capacity_of_m_m_1_is_that_of_its_closed_form(
    deadline_ms: float, target: float
) -> None:
    service_ms = np.random.default_rng(3).exponential(1.0, QUERIES)
    # A response time is exponential with rate mu - lambda.
    per_ms = 1 - log(1 / (1 - target)) / deadline_ms
    assert capacity_of(service_ms, deadline_ms, target) == pytest.approx(1e3 * per_ms, rel=0.02)


def waits_within(wait: float, load: float) -> float:
    """The share of queries of M/D/1 that wait no longer, in service times (Erlang, 1909)."""
    terms = [
        (-load * (wait - k)) ** k / factorial(k) * exp(load * (wait - k))
        for k in range(int(wait) + 1)
    ]
    return (1 - load) * sum(terms)


@pytest.mark.parametrize(("deadline_ms", "target"), [(4.0, 0.9), (7.0, 0.99)])
def test_the_capacity_of_m_d_1_is_that_of_its_closed_form(
    deadline_ms: float, target: float
) -> None:
    loads = np.linspace(0.001, 0.999, 999)
    kept = [load for load in loads if waits_within(deadline_ms - 1, load) >= target]
    found = capacity_of(np.ones(QUERIES), deadline_ms, target)
    assert found == pytest.approx(1e3 * max(kept), rel=0.02)


@settings(max_examples=30)
@given(
    cases(),
    st.sampled_from(GENERAL),
    st.sampled_from(sorted(MODES)),
    st.floats(0.05, 1),
    st.integers(1, 9),
)
def test_the_target_is_kept_at_the_capacity_and_missed_just_above_it(
    case: tuple[Trace, LatencyTable], name: str, mode: str, target: float, every: int
) -> None:
    trace, table = case
    if trace.arrived_ms[0] == trace.arrived_ms[-1]:
        return
    greatest_per_s = 1e3 / float(table.latency_ms.min())
    missed: list[float] = []

    def attainment(streams: Streams) -> FloatArray:
        met = POLICIES[name].tallied(streams, table, mode=mode, every=every).both
        if met[0] / len(trace) < target:
            missed.append(own_rate_per_s(streams.traces[0]))
        return np.asarray(met / len(trace))

    streams = Streams([trace])
    (found,) = capacities_per_s(streams, attainment, target=target, greatest_per_s=greatest_per_s)
    assert 0 <= found <= greatest_per_s * (1 + 1e-9)
    if not found:
        assert min(missed) < greatest_per_s * 2.0**-13
        return
    if found < greatest_per_s:
        assert found < min(missed) <= found * RESOLUTION * (1 + 1e-9)
    faster = streams.faster(np.array([found / own_rate_per_s(trace)]))
    assert attainment(faster)[0] >= target


def test_faster_streams_are_their_traces_with_scaled_arrivals() -> None:
    traces = [stream(np.array([1.0, 3.0, 8.0]), 2.0), stream(np.array([2.0, 2.5, 9.0]), 1.0)]
    faster = Streams(traces).faster(np.array([2.0, 4.0])).faster(np.array([1.0, 0.5]))
    assert [one.arrived_ms.tolist() for one in faster.traces] == [[0.5, 1.5, 4], [1, 1.25, 4.5]]
    for trace, arrived_ms in zip(faster.traces, faster.arrays.arrived_ms, strict=True):
        assert np.array_equal(trace.arrived_ms, arrived_ms)


@pytest.mark.parametrize(
    ("arrived_ms", "why"),
    [
        ([0.0, 0.0], "closed loop"),
        ([5.0, 5.0], "between the 2 arrivals"),
        ([5.0], "between the 1 arrivals"),
    ],
)
def test_a_stream_that_cannot_be_scaled_says_why(arrived_ms: list[float], why: str) -> None:
    with pytest.raises(UserError, match=why):
        own_rate_per_s(stream(np.array(arrived_ms), 1.0))
