"""A trace on one accelerator: the kernel and its source, the queue, and what a change costs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.policy import Policy
from sushi_dse.serving.by_queue import BY_MODE, serve_by_queue
from sushi_dse.serving.kernel import columns_of, serve_queries
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import MAX_MS, Trace
from tests.tables import cases, table_of, tables, traces

KERNEL_POLICIES = {name: policy for name, policy in POLICIES.items() if policy.service is None}
every_policy = pytest.mark.parametrize("policy", KERNEL_POLICIES.values(), ids=KERNEL_POLICIES)
modes = pytest.mark.parametrize("mode", MODES)
intervals = st.integers(1, 5)
policies = st.sampled_from(list(KERNEL_POLICIES.values()))


@every_policy
@modes
@settings(max_examples=25)
@given(case=cases(), every=intervals)
def test_the_kernel_computes_what_its_source_says(
    policy: Policy, mode: str, case: tuple[Trace, LatencyTable], every: int
) -> None:
    trace, table = case
    queries, code = (*trace.columns, trace.slowdown), MODES[mode]
    both: tuple[tuple[np.ndarray, ...], ...]
    if policy.selection == BY_MODE:
        (schedule,) = policy.plan(Streams([trace]), table, code, every)
        ruled = (policy.recaching, code, every, schedule, queries, columns_of(table))
        both = serve_queries(*ruled), serve_queries.plain(*ruled)
    else:
        latency_ms = np.stack([table.latency_ms[:, 0]] * 2)
        seen = (policy.selection, 0, table.accuracy_percent, latency_ms, queries, 1)
        both = serve_by_queue(*seen), serve_by_queue.plain(*seen)
    for fast, plain in zip(*both, strict=True):
        assert fast.tobytes() == plain.tobytes()


@modes
@given(traces(max_queries=20), tables(), policies, intervals)
def test_queries_are_served_one_after_the_other_as_they_came(
    mode: str, trace: Trace, table: LatencyTable, policy: Policy, every: int
) -> None:
    served = policy.served(trace, table, mode=mode, every=every)
    free_ms, response_ms = 0.0, []
    for arrived_ms, service_ms in zip(trace.arrived_ms, served.service_ms, strict=True):
        free_ms = max(free_ms, arrived_ms) + service_ms
        response_ms.append(free_ms - arrived_ms)
    if trace.closed_loop:
        response_ms = served.service_ms.tolist()
    assert served.response_ms.tolist() == response_ms


@given(traces(max_queries=20), tables(), policies, intervals)
def test_when_a_trace_begins_changes_nothing(
    trace: Trace, table: LatencyTable, policy: Policy, every: int
) -> None:
    later = [replace(trace, arrived_ms=trace.arrived_ms + start) for start in (1.0, MAX_MS / 1e3)]
    first, second = (policy.served(t, table, mode="strict-accuracy", every=every) for t in later)
    assert np.array_equal(first.response_ms, second.response_ms)


def test_a_response_is_no_shorter_than_its_service_however_late_it_arrives() -> None:
    table = table_of(latency_ms=np.array([[0.01]]), switch_ms=np.zeros((1, 1, 1)))
    trace = Trace(
        arrived_ms=np.array([MAX_MS, MAX_MS]),
        min_accuracy_percent=np.zeros(2),
        max_latency_ms=np.ones(2),
    )
    served = POLICIES["no-sgs"].served(trace, table, mode="strict-accuracy", every=1)
    assert served.response_ms.tolist() == [0.01, 0.02]


def halving_table() -> LatencyTable:
    """SubGraph 1 halves the time of the only SubNet; bringing it in takes 5 ms."""
    return table_of(
        latency_ms=np.array([[4.0, 2.0]]),
        switch_ms=np.array([[[0.0], [5.0]], [[7.0], [0.0]]]),
    )


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_switch_is_charged_once_to_the_query_that_follows(every: int) -> None:
    table = halving_table()
    trace = Trace(
        arrived_ms=np.zeros(6), min_accuracy_percent=np.zeros(6), max_latency_ms=np.ones(6)
    )
    served = POLICIES["sushi"].served(trace, table, mode="strict-accuracy", every=every)
    assert served.service_ms.tolist() == [4.0] * every + [9.0] + [2.0] * (5 - every)
    assert served.cached.tolist() == [0] * (every + 1) + [1] * (5 - every)
    assert served.kept.tolist() == [0] * every + [1] * (6 - every)


@modes
@given(cases(), policies, intervals)
def test_the_time_of_a_trace_is_its_queries_and_its_switches(
    mode: str, case: tuple[Trace, LatencyTable], policy: Policy, every: int
) -> None:
    trace, table = case
    served = policy.served(trace, table, mode=mode, every=every)
    queries_ms = table.latency_ms[served.subnet, served.cached].sum()
    switches_ms = sum(
        table.switch_ms[old, new, subnet]
        for old, new, subnet in zip(served.cached, served.kept, served.subnet, strict=True)
        if old != new
    )
    assert served.service_ms.sum() == pytest.approx(queries_ms + switches_ms, rel=1e-12)


@every_policy
@modes
def test_a_trace_of_one_query_is_served(policy: Policy, mode: str) -> None:
    table = halving_table()
    for arrived_ms in (0.0, 3.0):
        trace = Trace(
            arrived_ms=np.array([arrived_ms]),
            min_accuracy_percent=np.zeros(1),
            max_latency_ms=np.ones(1),
        )
        served = policy.served(trace, table, mode=mode, every=8)
        assert served.response_ms.tolist() == served.service_ms.tolist()


@modes
@settings(max_examples=40)
@given(traces(max_queries=12), tables(), policies, intervals, st.sampled_from([1.0, 2.0, 4.0]))
def test_a_machine_half_as_fast_is_one_whose_table_takes_twice_as_long(
    mode: str, trace: Trace, table: LatencyTable, policy: Policy, every: int, factor: float
) -> None:
    slowed = replace(trace, colocation_slowdown=np.full(len(trace), factor))
    slower = replace(
        table, latency_ms=table.latency_ms * factor, switch_ms=table.switch_ms * factor
    )
    served = policy.served(slowed, table, mode=mode, every=every)
    expected = policy.served(trace, slower, mode=mode, every=every)
    assert served.subnet.tolist() == expected.subnet.tolist()
    assert served.service_ms.tolist() == expected.service_ms.tolist()
    assert served.response_ms.tolist() == expected.response_ms.tolist()
