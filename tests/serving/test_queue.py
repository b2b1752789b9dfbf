"""Queries that each want a row of a table, in turn, on one accelerator."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.serving.queue import one_subgraph_ms, serve_rows, served_with_one, step_down
from sushi_dse.serving.selection import MODES, STRICT_ACCURACY
from sushi_dse.traces.trace import Trace
from tests.tables import integers, table_of, traces

ROWS = 4
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@st.composite
def asked(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, Trace]:
    """Rows that are wanted, latencies of whole ms and in no order, and a trace with slowdowns."""
    trace = draw(traces(max_queries=12))
    slowdown = draw(integers(1, 3, len(trace)))
    wanted = draw(integers(0, ROWS - 1, len(trace))).astype(np.int64)
    return wanted, draw(integers(1, 5, 2, ROWS)), replace(trace, colocation_slowdown=slowdown)


@modes
@given(case=asked())
def test_a_query_steps_down_to_the_largest_row_in_time_and_no_further(
    mode: int, case: tuple[np.ndarray, np.ndarray, Trace]
) -> None:
    wanted, latency_ms, trace = case
    row, service_ms, response_ms = serve_rows(wanted, latency_ms, trace, mode)
    free_ms = 0.0
    for query in range(len(trace)):
        own_ms = latency_ms[min(query, 1)] * trace.slowdown[query]
        wait_ms = 0.0 if trace.closed_loop else max(free_ms - trace.arrived_ms[query], 0.0)
        rows = range(int(wanted[query]), -1, -1)
        in_time = [r for r in rows if wait_ms + own_ms[r] <= trace.max_latency_ms[query]]
        expected = wanted[query] if mode == STRICT_ACCURACY else [*in_time, 0][0]
        assert row[query] == expected
        assert service_ms[query] == own_ms[expected]
        assert response_ms[query] == wait_ms + own_ms[expected]
        free_ms = trace.arrived_ms[query] + response_ms[query]


@modes
@given(case=asked())
def test_the_compiled_loop_computes_what_its_source_says(
    mode: int, case: tuple[np.ndarray, np.ndarray, Trace]
) -> None:
    wanted, latency_ms, trace = case
    # Thirds and sevenths do not add up exactly, so another order of the sums would show.
    queries = trace.arrived_ms / 3, trace.max_latency_ms / 7, trace.slowdown
    compiled = step_down(mode, wanted, latency_ms / 7, queries)
    interpreted = step_down.plain(mode, wanted, latency_ms / 7, queries)
    for fast, plain in zip(compiled, interpreted, strict=True):
        assert fast.tobytes() == plain.tobytes()


@modes
def test_the_subgraph_comes_in_with_the_first_query_and_stays(mode: int) -> None:
    switch_ms = np.zeros((2, 2, 2))
    switch_ms[0, 1] = [8.0, 16.0]
    table = table_of(latency_ms=np.array([[1.0, 0.5], [2.0, 1.5]]), switch_ms=switch_ms)
    trace = Trace(
        arrived_ms=np.zeros(3), min_accuracy_percent=np.zeros(3), max_latency_ms=np.full(3, 99.0)
    )
    latency_ms = one_subgraph_ms(table, 1)
    row, service_ms, response_ms = serve_rows(np.array([1, 0, 1]), latency_ms, trace, mode)
    served = served_with_one(1, row, service_ms, response_ms, np.array([40.0, 20.0, 60.0]))
    assert served.service_ms.tolist() == [18.0, 0.5, 1.5]
    assert (served.cached.tolist(), served.kept.tolist()) == ([0, 1, 1], [1, 1, 1])
    assert served.accuracy_percent.tolist() == [40.0, 20.0, 60.0]
