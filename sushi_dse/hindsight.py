"""SubGraphs chosen with the whole trace known: the best static one, and the offline optimum.

Both are bounds for a causal policy that selects SubNets by the same rule and may change the
SubGraph at the same points.
"""

from functools import lru_cache

import numba
import numpy as np

from sushi_dse.latency_table import LatencyTable
from sushi_dse.queries import Trace
from sushi_dse.selection import score, select_subnet, selection_steps, steps_passed


@numba.njit(cache=True)
def window_scores(
    mode: int,
    every: int,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    slowdown: np.ndarray,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
) -> np.ndarray:
    """Score of each window of `every` queries, but for its first one, under each SubGraph.

    latency_ms: [subnet, subgraph]; the result: [window, subgraph].
    """
    queries, subgraphs = len(min_accuracy_percent), latency_ms.shape[1]
    scores = np.zeros(((queries + every - 1) // every, subgraphs))
    for subgraph in range(subgraphs):
        latency = latency_ms[:, subgraph].copy()
        thresholds, choices = selection_steps(mode, top1_percent, latency)
        for query in range(queries):
            if query % every:
                slow = slowdown[query]
                passed = steps_passed(
                    mode, thresholds, min_accuracy_percent[query], max_latency_ms[query] / slow
                )
                subnet = choices[passed]
                scores[query // every, subgraph] += score(
                    mode, top1_percent[subnet], latency[subnet] * slow
                )
    return scores


@numba.njit(cache=True)
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
    """Score of the query that is served while SubGraph `old` gives way to `new`."""
    latency = latency_ms[:, old] + switch_ms[old, new]
    subnet = select_subnet(mode, top1_percent, latency, min_accuracy_percent, max_latency_ms / slow)
    return score(mode, top1_percent[subnet], latency[subnet] * slow)


@numba.njit(cache=True)
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

    Dynamic programming over recache points; from an empty buffer, switching cost included.
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


def nothing_cached(trace: Trace, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The empty SubGraph throughout: [window]."""
    return np.zeros(-(-len(trace) // every), dtype=np.int64)


def offline_optimum(trace: Trace, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The SubGraph of each window that serves the trace best, switching cost included: [window]."""
    return np.asarray(
        optimal_schedule(
            mode,
            every,
            trace.min_accuracy_percent,
            trace.max_latency_ms,
            trace.slowdown,
            table.top1_percent,
            table.latency_ms,
            table.switch_ms,
        )
    )


@lru_cache(maxsize=1)  # designs that differ in the recache interval alone share it
def best_of_all(trace: Trace, table: LatencyTable, mode: int) -> int:
    """The one SubGraph that serves the whole trace best, loading it included."""
    (subgraph,) = offline_optimum(trace, table, mode, len(trace))
    return int(subgraph)


def best_static(trace: Trace, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The one SubGraph that serves the whole trace best: [window]."""
    return np.full(-(-len(trace) // every), best_of_all(trace, table, mode), dtype=np.int64)


def fixed_subnet(trace: Trace, table: LatencyTable) -> int:
    """The SubNet that meets both demands of most queries, nothing cached and no wait; an index.

    Of equals the fastest is taken.
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
