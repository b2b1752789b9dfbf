"""SubGraphs chosen in hindsight against every schedule there is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.serving import hindsight, optimum
from sushi_dse.serving.by_queue import BY_MODE
from sushi_dse.serving.hindsight import (
    best_static,
    first_reaching,
    nothing_cached,
    sorted_demands,
)
from sushi_dse.serving.optimum import offline_optimum, reached_by, steps_of, write_scores
from sushi_dse.serving.selection import MODES, STRICT_ACCURACY, score, select_subnet
from sushi_dse.serving.served import Served
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import FloatArray, Trace
from tests.tables import cases, tables, traces

Objective = tuple[float, float]
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
NAME_OF = {code: name for name, code in MODES.items()}
intervals = st.integers(1, 4)


def lost(mode: int, accuracy_percent: np.ndarray, service_ms: np.ndarray) -> Objective:
    """What a mode minimises: latency; or lost accuracy, then latency."""
    if mode == STRICT_ACCURACY:
        return float(service_ms.sum()), 0.0
    return float((100 - accuracy_percent).sum()), float(service_ms.sum())


def lost_by(schedule: Sequence[int], trace: Trace, table: LatencyTable, mode: int) -> Objective:
    """What the trace loses when SubGraph `schedule[i]` is kept from query i on."""
    cached, accuracy_percent, service_ms = 0, [], []
    for query, kept in zip(trace, schedule, strict=True):
        latency_ms = table.latency_ms[:, cached] + table.switch_ms[cached, kept]
        subnet = select_subnet(
            mode,
            table.accuracy_percent,
            latency_ms,
            query.min_accuracy_percent,
            query.max_latency_ms,
        )
        accuracy_percent.append(table.accuracy_percent[subnet])
        service_ms.append(latency_ms[subnet])
        cached = kept
    return lost(mode, np.array(accuracy_percent), np.array(service_ms))


def per_query(schedule: Sequence[int] | np.ndarray, trace: Trace, every: int) -> list[int]:
    return [int(schedule[i // every]) for i in range(len(trace))]


def all_schedules(trace: Trace, table: LatencyTable, every: int) -> Iterator[list[int]]:
    windows = -(-len(trace) // every)
    subgraphs = range(table.latency_ms.shape[1])
    for schedule in product(subgraphs, repeat=windows):
        yield per_query(schedule, trace, every)


def lost_by_serving(served: Served, table: LatencyTable, mode: int) -> Objective:
    return lost(mode, table.accuracy_percent[served.subnet], served.service_ms)


@modes
@settings(max_examples=50)
@given(traces(max_queries=6), tables(), st.integers(2, 4))
def test_no_schedule_is_better_than_the_offline_optimum(
    mode: int, trace: Trace, table: LatencyTable, every: int
) -> None:
    least = min(lost_by(s, trace, table, mode) for s in all_schedules(trace, table, every))
    (schedule,) = offline_optimum(Streams([trace]), table, mode, every)
    assert lost_by(per_query(schedule, trace, every), trace, table, mode) == least
    served = POLICIES["offline-optimum"].served(trace, table, mode=NAME_OF[mode], every=every)
    assert lost_by_serving(served, table, mode) == least


@modes
@given(traces(), tables(), intervals)
def test_no_single_subgraph_is_better_than_the_best_static_one(
    mode: int, trace: Trace, table: LatencyTable, every: int
) -> None:
    subgraphs = range(table.latency_ms.shape[1])
    least = min(lost_by([subgraph] * len(trace), trace, table, mode) for subgraph in subgraphs)
    (schedule,) = best_static(Streams([trace]), table, mode, every)
    assert len(schedule) == -(-len(trace) // every)
    assert len(set(schedule.tolist())) == 1
    assert lost_by(per_query(schedule, trace, every), trace, table, mode) == least


@modes
@given(cases(), intervals)
def test_no_policy_serves_a_trace_better_than_the_offline_optimum(
    mode: int, case: tuple[Trace, LatencyTable], every: int
) -> None:
    trace, table = case
    best = POLICIES["offline-optimum"].served(trace, table, mode=NAME_OF[mode], every=every)
    bound = lost_by_serving(best, table, mode)[0]
    for policy in POLICIES.values():
        if policy.selection != BY_MODE or policy.system is not None:
            continue  # its SubNets are selected by another rule
        served = policy.served(trace, table, mode=NAME_OF[mode], every=every)
        assert bound <= lost_by_serving(served, table, mode)[0] * (1 + 1e-12)


@given(traces(), tables(), intervals)
def test_nothing_cached_is_the_empty_subgraph_throughout(
    trace: Trace, table: LatencyTable, every: int
) -> None:
    (schedule,) = nothing_cached(Streams([trace]), table, STRICT_ACCURACY, every)
    assert schedule.tolist() == [0] * -(-len(trace) // every)


@modes
@given(tables(max_subgraphs=5), st.integers(0, 10), st.sampled_from([1.0, 1.5, 3.0]))
def test_a_query_is_scored_by_the_subnet_that_its_demand_selects_under_each_column(
    mode: int, table: LatencyTable, wanted: int, slow: float
) -> None:
    accuracy_percent, latency_ms = table.accuracy_percent, table.latency_ms
    demand = 68.0 + wanted if mode == STRICT_ACCURACY else wanted / slow
    scores = np.empty(latency_ms.shape[1])
    steps = steps_of(mode, accuracy_percent, latency_ms)
    reached = by_all, by_some = reached_by(steps, demand)
    write_scores(mode, steps, reached, demand, slow, scores)
    if slow == 1.0 and by_all == by_some:
        assert np.array_equal(steps.scores[by_all], scores)
    for subgraph, own_ms in enumerate(latency_ms.T):
        subnet = select_subnet(mode, accuracy_percent, own_ms, demand, demand)
        assert scores[subgraph] == score(mode, accuracy_percent[subnet], own_ms[subnet] * slow)


@modes
@settings(max_examples=30)
@given(traces(), tables(), intervals)
def test_the_kernels_compute_what_their_source_says(
    mode: int, trace: Trace, table: LatencyTable, every: int
) -> None:
    slowdown: FloatArray = np.where(np.arange(len(trace)) % 2, 2.0, 1.0)
    demands = trace.min_accuracy_percent, trace.max_latency_ms, slowdown
    latencies = table.accuracy_percent, table.latency_ms, table.switch_ms
    planned = (mode, every, *demands, *latencies)
    schedule = optimum.optimal_schedule(*planned)
    assert np.array_equal(schedule, optimum.optimal_schedule.plain(*planned))
    streams = Streams([trace, replace(trace, colocation_slowdown=slowdown)])
    static = (mode, *sorted_demands(streams, mode), streams.arrays, *latencies)
    best = hindsight.static_subgraphs(*static)
    assert np.array_equal(best, hindsight.static_subgraphs.plain(*static))
    last = table.latency_ms.shape[1] - 1
    first = (mode, *latencies, *(column[0] for column in demands), 0, last)
    assert hindsight.first_score(*first) == hindsight.first_score.plain(*first)


@given(st.lists(st.floats(0, 4), max_size=8), st.floats(-1, 5) | st.just(np.nan))
def test_the_first_demand_that_reaches_a_threshold_is_found(
    demands: list[float], threshold: float
) -> None:
    found = first_reaching(np.array(sorted(demands)), threshold)
    assert found == np.searchsorted(sorted(demands), threshold)
