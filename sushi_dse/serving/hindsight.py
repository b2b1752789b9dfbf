"""SubGraphs chosen with the whole trace known: the best static one, and the offline optimum.

Both are bounds for a causal policy that selects SubNets by the same rule and may change the
SubGraph at the same points.
"""

from functools import lru_cache

import numpy as np

from sushi_dse.model.kernel_cache import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.selection import all_steps, kept_demands, score, select_subnet, steps_reached
from sushi_dse.traces.trace import Trace


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
    """Score of each window of `every` queries, but for its first one, under each SubGraph.

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
    """Score of the query that is served while SubGraph `old` gives way to `new`."""
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


@lru_cache(maxsize=1)
def sorted_demands(trace: Trace, mode: int) -> tuple[np.ndarray, np.ndarray]:
    """What the mode keeps of the demands of all queries but the first, rising, for sums over them.

    With it the slowdown of as many of these queries as stand before each, added up: [query + 1].
    """
    kept = kept_demands(mode, trace.min_accuracy_percent, trace.max_latency_ms, trace.slowdown)[1:]
    order = np.argsort(kept, kind="stable")
    return kept[order], np.concatenate([[0.0], np.cumsum(trace.slowdown[1:][order])])


@compiled
def static_scores(
    mode: int,
    demands: np.ndarray,
    slowdown_before: np.ndarray,
    first: tuple[float, float, float],
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
) -> np.ndarray:
    """Score of the trace under each SubGraph kept throughout, loading it included: [subgraph].

    A SubNet serves the demands between two thresholds, so a sum over queries is one over SubNets.
    first: of the first query, which brings the SubGraph in, both demands and the slowdown.
    """
    thresholds, choices = all_steps(mode, top1_percent, latency_ms)
    scores = np.empty(len(thresholds))
    for subgraph in range(len(scores)):
        scores[subgraph] = first_score(
            mode, top1_percent, latency_ms, switch_ms, first[0], first[1], first[2], 0, subgraph
        )
        start = 0
        for step in range(choices.shape[1]):
            end = len(demands)
            if step + 1 < choices.shape[1]:
                end = np.searchsorted(demands, thresholds[subgraph, step])
            subnet, slowdown = (
                choices[subgraph, step],
                slowdown_before[end] - slowdown_before[start],
            )
            scores[subgraph] += score(
                mode, (end - start) * top1_percent[subnet], slowdown * latency_ms[subnet, subgraph]
            )
            start = end
    return scores


@lru_cache(maxsize=1)  # designs that differ in the recache interval alone share it
def best_of_all(trace: Trace, table: LatencyTable, mode: int) -> int:
    """The one SubGraph that serves the whole trace best, loading it included."""
    demands, slowdown_before = sorted_demands(trace, mode)
    first = (
        float(trace.min_accuracy_percent[0]),
        float(trace.max_latency_ms[0]),
        float(trace.slowdown[0]),
    )
    scores = static_scores(
        mode, demands, slowdown_before, first, table.top1_percent, table.latency_ms, table.switch_ms
    )
    return int(scores.argmin())


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
