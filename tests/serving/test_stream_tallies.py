"""Streams against each of their traces served alone."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.served import tally
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace
from tests.tables import cases

# Those without a latency table of their own; systems have tests of their own.
GENERAL = [name for name, policy in POLICIES.items() if policy.system is None]


@settings(max_examples=40)
@given(
    cases(),
    st.lists(st.floats(0.3, 3), max_size=3),
    st.sampled_from(GENERAL),
    st.sampled_from(sorted(MODES)),
    st.integers(1, 40),
)
def test_streams_are_tallied_as_each_is_served_alone(
    case: tuple[Trace, LatencyTable], factors: list[float], name: str, mode: str, every: int
) -> None:
    trace, table = case
    deadlines_ms = [trace.max_latency_ms * factor for factor in (1.0, *factors)]
    traces = [replace(trace, max_latency_ms=own_ms) for own_ms in deadlines_ms]
    found = POLICIES[name].tallied(Streams(traces), table, mode=mode, every=every)
    for run, own in enumerate(traces):
        served = POLICIES[name].served(own, table, mode=mode, every=every)
        for all_runs, one in zip(found, tally(served, own, table), strict=True):
            assert np.array_equal(all_runs[run], one[0])
