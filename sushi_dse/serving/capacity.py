"""Capacity: the highest rate of arrivals at which a stream is served within its promise.

A rate is reached by the stream's own arrivals, so many times as fast: bursts stay bursts.  The
share of queries that are served as promised usually falls with the rate, but need not at every
step, as a faster stream may lead a policy to another SubGraph.  So the capacity is found from
below: rates double until the promise is first broken, and between the last rate that keeps it and
that one it is found by bisection.  A higher rate that would keep the promise again does not count.
"""

from collections.abc import Callable

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import FloatArray, Trace

RESOLUTION = 1.01  # ratio of the rate that breaks the promise to the capacity
FIRST_SHARE = 2.0**-6  # of the greatest rate: where the search begins
LEAST_SHARE = 2.0**-14  # of the greatest rate: what misses there has no capacity

Attainment = Callable[[Streams], FloatArray]
"""A function of streams to the share of the queries of each that are served as promised."""


def own_rate_per_s(trace: Trace) -> float:
    """The mean rate of arrivals; `UserError` where a trace has none that could be scaled."""
    if trace.closed_loop:
        raise UserError(
            "the stream is a closed loop, where a query is sent when the one before is answered: "
            "it has neither load nor capacity; give arrivals: --arrivals poisson, or a trace with "
            "arrived_ms"
        )
    span_ms = float(trace.arrived_ms[-1] - trace.arrived_ms[0])
    if span_ms <= 0:
        raise UserError(
            f"no time passes between the {len(trace)} arrivals of the stream, so there is no rate "
            "to scale, no load and no capacity; give queries that arrive one after the other"
        )
    return 1e3 * (len(trace) - 1) / span_ms


def capacities_per_s(
    streams: Streams, attainment: Attainment, *, target: float, greatest_per_s: float
) -> FloatArray:
    """The capacity of each stream in queries per second, within 1 %: [stream].

    It is 0 where even the slowest arrivals miss the `target`, and no more than `greatest_per_s`,
    the rate at which the fastest SubNet alone would keep the accelerator busy: what is kept beyond
    is owed to the end of the trace.  `UserError` where the arrivals cannot be scaled.
    """
    own_per_s = np.array([own_rate_per_s(trace) for trace in streams.traces])

    def keeps(rates_per_s: FloatArray) -> np.ndarray:
        return np.asarray(attainment(streams.faster(rates_per_s / own_per_s)) >= target)

    least_per_s = LEAST_SHARE * greatest_per_s
    none = ~keeps(np.full(len(streams), least_per_s))
    if none.all():
        return np.zeros(len(streams))
    kept = np.full(len(streams), FIRST_SHARE * greatest_per_s)
    missed = np.full(len(streams), np.inf)
    while True:  # A stream that misses at the first rate is tried at lower ones.
        low = ~none & (kept > least_per_s) & ~keeps(kept)
        if not low.any():
            break
        missed[low], kept[low] = kept[low], kept[low] / 2
    while (missed > RESOLUTION * kept)[~none].any():
        middle = np.where(
            np.isinf(missed), np.minimum(2 * kept, greatest_per_s), np.sqrt(kept * missed)
        )
        keeping = keeps(middle)
        at_end = keeping & (middle >= greatest_per_s)
        kept = np.where(keeping, middle, kept)
        missed = np.where(keeping, missed, middle)
        missed[at_end] = greatest_per_s  # Nothing is looked for beyond.
    return np.where(none, 0.0, kept)
