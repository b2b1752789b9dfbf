"""Traces and specifications of traces, and their bits."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from sushi_dse.traces.generators import TraceSpec
from sushi_dse.traces.trace import COLUMNS, MAX_MS, Trace

SPEC = TraceSpec(accuracy_percent=(76.0, 80.0), latency_ms=(10.0, 50.0))


def trace_of(*rows: Sequence[float]) -> Trace:
    return Trace(**dict(zip(COLUMNS, np.array(rows, dtype=float).reshape(-1, 3).T, strict=True)))


def bits(trace: Trace) -> list[bytes]:
    return [column.tobytes() for column in trace.columns]


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    times = st.floats(-0.0, MAX_MS)
    row = st.tuples(times, st.floats(-0.0, 100), st.floats(0, MAX_MS, exclude_min=True))
    rows = draw(st.lists(row, min_size=1, max_size=20))
    arrivals = sorted(arrived_ms for arrived_ms, _, _ in rows)
    return trace_of(*((a, *rest) for a, (_, *rest) in zip(arrivals, rows, strict=True)))
