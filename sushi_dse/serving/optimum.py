"""The offline optimum: the SubGraph of every window, chosen with the whole trace known.

It is a bound for a causal policy that selects SubNets by the same rule and may change the SubGraph
at the same points.  A window is a recache interval of the trace, within which the SubGraph stays
the same.
"""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.selection import all_steps, kept_demands, score, unsigned
from sushi_dse.serving.streams import Streams


class Steps(NamedTuple):
    """What is selected under each of many columns of latencies, as steps over the kept demand.

    A demand that reaches n of a column's thresholds selects the SubNet of row n.
    """

    thresholds: np.ndarray  # [subnet, column]
    lowest: np.ndarray  # [subnet]: least threshold of the row
    highest: np.ndarray  # [subnet]: greatest threshold of the row
    accuracy_percent: np.ndarray  # [subnet + 1, column]: of the SubNet selected
    latency_ms: np.ndarray  # [subnet + 1, column]: of the SubNet selected
    scores: np.ndarray  # [subnet + 1, column]: of a query that is not slowed down


@kernel_part
def steps_of(mode: int, accuracy_percent: np.ndarray, latency_ms: np.ndarray) -> Steps:
    """The `Steps` under the columns of latency_ms: [subnet, column]."""
    subnets, columns = latency_ms.shape
    by_column, choices = all_steps(mode, accuracy_percent, latency_ms)
    thresholds = by_column[:, :subnets].T.copy()
    lowest, highest = np.empty(subnets), np.empty(subnets)
    for subnet in range(subnets):
        low = high = thresholds[subnet, 0]
        for value in thresholds[subnet]:
            low = value if value < low else low
            high = value if value > high else high
        lowest[subnet], highest[subnet] = low, high
    shape = subnets + 1, columns
    selected_percent, selected_ms, scores = np.empty(shape), np.empty(shape), np.empty(shape)
    for step in range(subnets + 1):
        for column in range(columns):
            subnet = choices[column, step]
            accuracy, latency = accuracy_percent[subnet], latency_ms[subnet, column]
            selected_percent[step, column], selected_ms[step, column] = accuracy, latency
            scores[step, column] = score(mode, accuracy, latency)
    return Steps(thresholds, lowest, highest, selected_percent, selected_ms, scores)


@kernel_part
def reached_by(steps: Steps, demand: float) -> tuple[np.uint64, np.uint64]:
    """How many thresholds a demand reaches under all columns, and under some of them."""
    by_all, by_some = unsigned(0), unsigned(0)
    for subnet in range(unsigned(len(steps.lowest))):
        by_all += unsigned(steps.highest[subnet] <= demand)
        by_some += unsigned(steps.lowest[subnet] <= demand)
    return by_all, by_some


@kernel_part
def write_scores(
    mode: int,
    steps: Steps,
    reached: tuple[np.uint64, np.uint64],
    demand: float,
    slow: float,
    scores: np.ndarray,
) -> None:
    """Write the score of a query that is slowed down by a factor under each column: [column].

    reached: `reached_by` of its demand, which lies between the same thresholds of all columns, but
    where rows of them spread.
    """
    by_all, by_some = reached
    for column in range(unsigned(len(scores))):
        latency_ms = steps.latency_ms[by_all, column] * slow
        scores[column] = score(mode, steps.accuracy_percent[by_all, column], latency_ms)
    for step in range(by_all, by_some):
        own = step + unsigned(1)
        for column in range(unsigned(len(scores))):
            latency_ms = steps.latency_ms[own, column] * slow
            after = score(mode, steps.accuracy_percent[own, column], latency_ms)
            is_reached = steps.thresholds[step, column] <= demand
            scores[column] = after if is_reached else scores[column]


@kernel_part
def add_least(before: np.ndarray, scores: np.ndarray, row: np.uint64, total: np.ndarray) -> None:
    """Write the least sum of scores that ends with each SubGraph: [new].

    before: [old], sums so far, taken in pairs to write half as often; scores: [row, old, new].
    """
    subgraphs, odd = unsigned(len(before)), unsigned(len(before) % 2)
    for new in range(subgraphs):
        total[new] = before[0] + scores[row, 0, new] if odd == 1 else np.inf
    for one in range(odd, subgraphs, unsigned(2)):
        two = one + unsigned(1)
        of_one, of_two = before[one], before[two]
        for new in range(subgraphs):
            value, other = of_one + scores[row, one, new], of_two + scores[row, two, new]
            total[new] = min(total[new], min(value, other))


@kernel_part
def best_before(
    mode: int, before: np.ndarray, first: Steps, demand: float, slow: float, new: int
) -> int:
    """The first SubGraph from which `add_least` reached the least sum that ends with `new`."""
    by_all, by_some = reached_by(first, demand)
    best, least = 0, np.inf
    for old in range(len(before)):
        column, own = unsigned(old * len(before) + new), by_all
        for step in range(by_all, by_some):
            own += unsigned(first.thresholds[step, column] <= demand)
        latency_ms = first.latency_ms[own, column] * slow
        value = before[old] + score(mode, first.accuracy_percent[own, column], latency_ms)
        if value < least:
            best, least = old, value
    return best


@compiled
def optimal_schedule(
    mode: int,
    every: int,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    slowdown: np.ndarray,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
) -> np.ndarray:
    """The SubGraph of each window that minimises the score of the trace: [window].

    Dynamic programming over recache points, from an empty buffer, with the cost of switches.
    """
    demand = kept_demands(mode, min_accuracy_percent, max_latency_ms, slowdown)
    queries, (subnets, subgraphs) = len(demand), latency_ms.shape
    windows = (queries + every - 1) // every
    changing_ms = np.empty((subnets, subgraphs * subgraphs))  # The last axis is [old, new].
    for subnet in range(subnets):
        for old in range(subgraphs):
            for new in range(subgraphs):
                latency = latency_ms[subnet, old] + switch_ms[old, new, subnet]
                changing_ms[subnet, old * subgraphs + new] = latency
    first = steps_of(mode, accuracy_percent, changing_ms)
    later = steps_of(mode, accuracy_percent, latency_ms)
    first_scores, scores = np.empty(subgraphs * subgraphs), np.empty(subgraphs)
    by_step = first.scores.reshape(subnets + 1, subgraphs, subgraphs)
    one_step = first_scores.reshape(1, subgraphs, subgraphs)
    total, rest, before = np.empty(subgraphs), np.empty(subgraphs), np.full(subgraphs, np.inf)
    before[0] = 0.0
    sums = np.empty((windows, subgraphs))  # `before` of each window
    for window in range(windows):
        start = window * every
        sums[window] = before
        slow, reached = slowdown[start], reached_by(first, demand[start])
        if slow == 1.0 and reached[0] == reached[1]:
            add_least(before, by_step, reached[0], total)
        else:
            write_scores(mode, first, reached, demand[start], slow, first_scores)
            add_least(before, one_step, unsigned(0), total)
        rest[:] = 0.0
        for query in range(start + 1, min(start + every, queries)):
            slow, reached = slowdown[query], reached_by(later, demand[query])
            if slow == 1.0 and reached[0] == reached[1]:
                for subgraph in range(unsigned(subgraphs)):
                    rest[subgraph] += later.scores[reached[0], subgraph]
            else:
                write_scores(mode, later, reached, demand[query], slow, scores)
                for subgraph in range(unsigned(subgraphs)):
                    rest[subgraph] += scores[subgraph]
        for subgraph in range(subgraphs):
            before[subgraph] = total[subgraph] + rest[subgraph]
    schedule = np.zeros(windows, dtype=np.int64)
    subgraph = 0
    for other in range(1, subgraphs):
        subgraph = other if before[other] < before[subgraph] else subgraph
    for window in range(windows - 1, -1, -1):
        schedule[window], start = subgraph, window * every
        subgraph = best_before(mode, sums[window], first, demand[start], slowdown[start], subgraph)
    return schedule


def offline_optimum(streams: Streams, table: LatencyTable, mode: int, every: int) -> np.ndarray:
    """The SubGraph of each window that serves each stream best, switching cost included.

    The result is [stream, window].
    """
    columns = table.accuracy_percent, table.latency_ms, table.switch_ms
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
