"""SubGraphs chosen with the whole trace known: the best static one, and the offline optimum.

Both are bounds for a causal policy that selects SubNets by the same rule and may change the
SubGraph at the same points.  A window is a recache interval of the trace, within which the SubGraph
stays the same.
"""

from functools import lru_cache

import numpy as np

from sushi_dse.model.jit import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.selection import all_steps, kept_demands, score, select_subnet, steps_reached
from sushi_dse.serving.streams import StreamArrays, Streams
from sushi_dse.traces.trace import Trace

STREAMS = 64  # of which the sorted demands are kept


@compiled
def window_scores(
    mode: int,
    every: int,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    slowdown: np.ndarray,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
) -> np.ndarray:
    """The score of each window of `every` queries, without its first query, under each SubGraph.

    latency_ms: [subnet, subgraph]; the result: [window, subgraph].
    """
    demand = kept_demands(mode, min_accuracy_percent, max_latency_ms, slowdown)
    queries, subgraphs = len(demand), latency_ms.shape[1]
    scores = np.zeros(((queries + every - 1) // every, subgraphs))
    thresholds, choices = all_steps(mode, top1_percent, latency_ms)
    for subgraph in range(subgraphs):
        latency = latency_ms[:, subgraph].copy()
        for query in range(queries):
            if query % every:
                subnet = choices[subgraph, steps_reached(thresholds, subgraph, demand[query])]
                scores[query // every, subgraph] += score(
                    mode, top1_percent[subnet], latency[subnet] * slowdown[query]
                )
    return scores


@compiled
def first_score(
    mode: int,
    top1_percent: np.ndarray,
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
    subnet = select_subnet(mode, top1_percent, latency, min_accuracy_percent, max_latency_ms / slow)
    return score(mode, top1_percent[subnet], latency[subnet] * slow)


@compiled
def optimal_schedule(
    mode: int,
    every: int,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    slowdown: np.ndarray,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
) -> np.ndarray:
    """The SubGraph of each window that minimises the score of the trace: [window].

    Dynamic programming over recache points, from an empty buffer, with the cost of switches.
    """
    rest = window_scores(
        mode, every, min_accuracy_percent, max_latency_ms, slowdown, top1_percent, latency_ms
    )
    windows, subgraphs = rest.shape
    total = np.full(subgraphs, np.inf)
    came_from = np.zeros((windows, subgraphs), dtype=np.int64)
    for window in range(windows):
        before = total.copy()
        if window == 0:
            before[:] = np.inf
            before[0] = 0.0
        query = window * every
        for new in range(subgraphs):
            total[new] = np.inf
            for old in range(subgraphs):
                if before[old] == np.inf:
                    continue
                value = before[old] + first_score(
                    mode,
                    top1_percent,
                    latency_ms,
                    switch_ms,
                    min_accuracy_percent[query],
                    max_latency_ms[query],
                    slowdown[query],
                    old,
                    new,
                )
                if value < total[new]:
                    total[new] = value
                    came_from[window, new] = old
            total[new] += rest[window, new]
    schedule = np.zeros(windows, dtype=np.int64)
    subgraph = np.argmin(total)
    for window in range(windows - 1, -1, -1):
        schedule[window] = subgraph
        subgraph = came_from[window, subgraph]
    return schedule


def nothing_cached(streams: Streams, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The empty SubGraph in each window: [stream, window]."""
    return np.zeros((len(streams), streams.windows(every)), dtype=np.int64)


def offline_optimum(streams: Streams, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The SubGraph of each window that serves each stream best, switching cost included.

    The result is [stream, window].
    """
    columns = table.top1_percent, table.latency_ms, table.switch_ms
    return np.stack(
        [
            optimal_schedule(
                mode,
                every,
                trace.min_accuracy_percent,
                trace.max_latency_ms,
                trace.slowdown,
                *columns,
            )
            for trace in streams.traces
        ]
    )


@lru_cache(maxsize=STREAMS)
def sorted_demands(streams: Streams, mode: int) -> tuple[np.ndarray, np.ndarray]:
    """The demands that the mode keeps, of all queries but the first, sorted; and sums of slowdown.

    Both serve for sums over queries by their demand, and are [stream, query].  Sum i is that of the
    slowdown of the first i sorted queries.
    """
    of_all = streams.arrays
    kept = kept_demands(mode, of_all.min_accuracy_percent, of_all.max_latency_ms, of_all.slowdown)
    order = np.argsort(kept[:, 1:], axis=1, kind="stable")
    slowdown = np.take_along_axis(of_all.slowdown[:, 1:], order, axis=1)
    before = np.cumsum(np.insert(slowdown, 0, 0.0, axis=1), axis=1)
    return np.take_along_axis(kept[:, 1:], order, axis=1), before


@compiled
def static_subgraphs(
    mode: int,
    demands: np.ndarray,
    slowdown_before: np.ndarray,
    streams: StreamArrays,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
) -> np.ndarray:
    """The SubGraph that serves each stream best if kept throughout, its load included: [stream].

    A SubNet serves the demands between two thresholds, so a sum over queries is one over SubNets.
    The first query loads the SubGraph; demands, slowdown_before: `sorted_demands` of the others.
    """
    thresholds, choices = all_steps(mode, top1_percent, latency_ms)
    found = np.zeros(len(demands), dtype=np.int64)
    for stream in range(len(demands)):
        best_score = np.inf
        for subgraph in range(len(thresholds)):
            total = first_score(
                mode,
                top1_percent,
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
                    end = np.searchsorted(demands[stream], thresholds[subgraph, step])
                subnet = choices[subgraph, step]
                slowdown = slowdown_before[stream, end] - slowdown_before[stream, start]
                total += score(
                    mode,
                    (end - start) * top1_percent[subnet],
                    slowdown * latency_ms[subnet, subgraph],
                )
                start = end
            if total < best_score:
                found[stream], best_score = subgraph, total
    return found


def best_static(streams: Streams, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The one SubGraph that serves each stream best: [stream, window]."""
    columns = table.top1_percent, table.latency_ms, table.switch_ms
    best = static_subgraphs(mode, *sorted_demands(streams, mode), streams.arrays, *columns)
    return np.repeat(best[:, None], streams.windows(every), axis=1)


def fixed_subnet(trace: Trace, table: LatencyTable) -> int:
    """The index of the SubNet that meets both demands of most queries, of equals the fastest one.

    Nothing is cached, and waiting time is left out.
    """
    latency_ms = table.latency_ms[:, 0]
    met = [
        int(
            (
                (top1 >= trace.min_accuracy_percent)
                & (latency * trace.slowdown <= trace.max_latency_ms)
            ).sum()
        )
        for top1, latency in zip(table.top1_percent, latency_ms, strict=True)
    ]
    return max(range(len(met)), key=lambda subnet: (met[subnet], -latency_ms[subnet]))
