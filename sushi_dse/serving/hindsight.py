"""The best static SubGraph, and the best fixed SubNet, of a trace that is known as a whole.

The SubGraph is a bound for a causal policy that selects SubNets by the same rule and never changes
the SubGraph; `optimum` has the one for those that do.
"""

from functools import lru_cache

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.selection import all_steps, kept_demands, score, select_subnet
from sushi_dse.serving.streams import STACKED, StreamArrays, Streams
from sushi_dse.traces.trace import Trace


@compiled
def first_score(
    mode: int,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
    min_accuracy_percent: float,
    max_latency_ms: float,
    slow: float,
    old: int,
    new: int,
) -> float:
    """The score of a query that is served while SubGraph `old` is replaced by `new`."""
    latency = latency_ms[:, old] + switch_ms[old, new]
    subnet = select_subnet(
        mode, accuracy_percent, latency, min_accuracy_percent, max_latency_ms / slow
    )
    return score(mode, accuracy_percent[subnet], latency[subnet] * slow)


def nothing_cached(streams: Streams, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The empty SubGraph in each window: [stream, window]."""
    return np.zeros((len(streams), streams.windows(every)), dtype=np.int64)


def sorted_demands(streams: Streams, mode: int) -> tuple[np.ndarray, np.ndarray]:
    """The demands that the mode keeps, of all queries but the first, sorted; and sums of slowdown.

    Both serve for sums over queries by their demand, are [stream, query] and cannot be written to.
    Sum i is that of the slowdown of the first i sorted queries.
    """
    demands, slowdown_before = _sorted_demands(streams.given, mode)
    return demands, slowdown_before


@lru_cache(maxsize=STACKED)
def _sorted_demands(traces: tuple[Trace, ...], mode: int) -> tuple[np.ndarray, np.ndarray]:
    """The `sorted_demands` of traces, whose arrivals do not matter."""
    demands, slowdown_before = [], []
    for trace in traces:
        given = trace.min_accuracy_percent, trace.max_latency_ms, trace.slowdown
        kept = kept_demands(mode, *given)[1:]
        order = np.argsort(kept, kind="stable")
        demands.append(kept[order])
        slowdown_before.append(np.concatenate([[0.0], np.cumsum(trace.slowdown[1:][order])]))
    stacked = np.stack(demands), np.stack(slowdown_before)
    for array in stacked:
        array.setflags(write=False)
    return stacked


@kernel_part
def first_reaching(demands: np.ndarray, threshold: float) -> int:
    """The index of the first of sorted demands that reaches a threshold; their number without one.

    It is that of `np.searchsorted`, which takes Numba long to compile and to load.
    """
    first, end = 0, len(demands)
    while first < end:
        middle = (first + end) // 2
        if demands[middle] >= threshold:  # NaN is reached by none.
            end = middle
        else:
            first = middle + 1
    return first


@compiled
def static_subgraphs(
    mode: int,
    demands: np.ndarray,
    slowdown_before: np.ndarray,
    streams: StreamArrays,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
) -> np.ndarray:
    """The SubGraph that serves each stream best if kept throughout, its load included: [stream].

    A SubNet serves the demands between two thresholds, so a sum over queries is one over SubNets.
    The first query loads the SubGraph; demands, slowdown_before: `sorted_demands` of the others.
    """
    thresholds, choices = all_steps(mode, accuracy_percent, latency_ms)
    found = np.zeros(len(demands), dtype=np.int64)
    for stream in range(len(demands)):
        best_score = np.inf
        for subgraph in range(len(thresholds)):
            total = first_score(
                mode,
                accuracy_percent,
                latency_ms,
                switch_ms,
                streams.min_accuracy_percent[stream, 0],
                streams.max_latency_ms[stream, 0],
                streams.slowdown[stream, 0],
                0,
                subgraph,
            )
            start = 0
            for step in range(choices.shape[1]):
                end = demands.shape[1]
                if step + 1 < choices.shape[1]:
                    end = first_reaching(demands[stream], thresholds[subgraph, step])
                subnet = choices[subgraph, step]
                slowdown = slowdown_before[stream, end] - slowdown_before[stream, start]
                total += score(
                    mode,
                    (end - start) * accuracy_percent[subnet],
                    slowdown * latency_ms[subnet, subgraph],
                )
                start = end
            if total < best_score:
                found[stream], best_score = subgraph, total
    return found


def best_static(streams: Streams, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The one SubGraph that serves each stream best: [stream, window]."""
    columns = table.accuracy_percent, table.latency_ms, table.switch_ms
    best = static_subgraphs(mode, *sorted_demands(streams, mode), streams.arrays, *columns)
    return np.repeat(best[:, None], streams.windows(every), axis=1)


@compiled
def queries_met(
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    slowdown: np.ndarray,
) -> np.ndarray:
    """The number of queries whose two demands each SubNet meets with that latency: [subnet]."""
    met = np.zeros(len(accuracy_percent), dtype=np.int64)
    for subnet in range(len(met)):
        accuracy, latency, count = accuracy_percent[subnet], latency_ms[subnet], 0
        for query in range(len(slowdown)):
            is_accurate = accuracy >= min_accuracy_percent[query]
            count += is_accurate & (latency * slowdown[query] <= max_latency_ms[query])
        met[subnet] = count
    return met


def fixed_subnet(trace: Trace, table: LatencyTable) -> int:
    """The index of the SubNet that meets both demands of most queries, of equals the fastest one.

    Nothing is cached, and waiting time is left out; of a table of batches single queries count.
    """
    latency_ms = np.ascontiguousarray(table.latency_ms[: table.subnets, 0])
    demands = trace.min_accuracy_percent, trace.max_latency_ms
    met = queries_met(table.accuracy_percent[: table.subnets], latency_ms, *demands, trace.slowdown)
    return max(range(len(met)), key=lambda subnet: (met[subnet], -latency_ms[subnet]))
