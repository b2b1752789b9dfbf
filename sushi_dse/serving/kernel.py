"""The kernel that serves a trace under a rule of recaching, first come, first served."""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.queue import response_times
from sushi_dse.serving.recaching import (
    EXPECTED,
    FORGOTTEN,
    LANES,
    LAST,
    MEMORY,
    NEAREST,
    UNSEEN,
    cheapest_subgraph,
    expected_demand,
    nearest_subgraph,
    padded,
)
from sushi_dse.serving.selection import (
    all_steps,
    kept_demands,
    select_subnet,
    steps_reached,
    unsigned,
)
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace

MEMO = 1024  # slots of the memo of windows that served the same SubNets


class TableArrays(NamedTuple):
    """The arrays of a `LatencyTable` that the kernel reads."""

    top1_percent: np.ndarray
    latency_ms: np.ndarray
    switch_ms: np.ndarray
    encoding_dot: np.ndarray
    encoding_norm: np.ndarray
    own_subgraph: np.ndarray


@compiled
def serve_queries(
    recaching: int,
    mode: int,
    every: int,
    schedule: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    table: TableArrays,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SubNet, service time and response time, [query] each, and the SubGraph of each window.

    recaching: a code of `recaching`.  queries: the columns of a `Trace` and its slowdown, by which
    the service time of a query grows, which selection knows.  schedule: [window], the SubGraphs of
    a SCHEDULED rule.
    """
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    demand = kept_demands(mode, min_accuracy_percent, max_latency_ms, slowdown)
    count, subnets = len(arrived_ms), len(table.top1_percent)
    subnet = np.empty(count, dtype=np.int64)
    service_ms = np.empty(count)
    kept = np.empty(-(-count // every), dtype=np.int64)
    # The number of a window has as digits, to base every + 1, how often it served each SubNet.
    has_number = (every + 1.0) ** subnets < 2.0**62
    digits = np.zeros(subnets, dtype=np.int64)
    for each in range(subnets):
        digits[each] = (every + 1) ** each if has_number else 0
    numbers, nearest = np.zeros(MEMO, dtype=np.int64), np.zeros(MEMO, dtype=np.int64)
    number, served = 0, np.zeros(subnets)
    # At first each SubNet is expected to be followed by itself.
    followed = np.zeros((subnets, padded(subnets)))
    left, expected = np.ones(padded(subnets)), np.empty((4, padded(subnets)))
    for each in range(subnets):
        followed[each, :subnets] = UNSEEN
        followed[each, each] += 1.0
        left[each] = followed[each].sum()
    thresholds, choices = all_steps(mode, table.top1_percent, table.latency_ms)
    step_ms, step_number = np.empty(choices.shape), np.empty(choices.shape, dtype=np.int64)
    for subgraph, step in np.ndindex(choices.shape):
        step_ms[subgraph, step] = table.latency_ms[choices[subgraph, step], subgraph]
        step_number[subgraph, step] = digits[choices[subgraph, step]]
    subgraph, latency = 0, np.empty(subnets)
    subgraphs = table.latency_ms.shape[1]
    costs = np.zeros(padded(subgraphs))
    kept_ms = np.zeros((subnets, len(costs)))
    change_ms = np.zeros((0, subnets, len(costs)))  # [old, subnet, new]
    if recaching == EXPECTED:
        kept_ms[:, :subgraphs] = table.latency_ms
        change_ms = np.zeros((subgraphs, subnets, len(costs)))
        change_ms[:, :, :subgraphs] = table.switch_ms.transpose(0, 2, 1)
    for window in range(len(kept)):
        start, end = window * every, min((window + 1) * every, count)
        target = subgraph
        if recaching == NEAREST:
            if window:
                slot = number % MEMO
                if not has_number or numbers[slot] != number:  # Most windows are in the memo.
                    served[:] = 0.0
                    for query in range(start - every, start):
                        served[subnet[query]] += 1.0
                    numbers[slot] = number
                    nearest[slot] = nearest_subgraph(
                        served, table.encoding_dot, table.encoding_norm
                    )
                target = nearest[slot]
                number = 0
        elif recaching == EXPECTED:
            last = subnet[start - 1] if window else -1
            expected_demand(followed, left, last, every, expected)
            change = change_ms[subgraph]
            target = cheapest_subgraph(expected, kept_ms, change, subgraphs, subgraph, costs)
        elif recaching == LAST:
            if window:
                target = table.own_subgraph[subnet[start - 1]]
        else:
            target = schedule[window]
        kept[window] = target
        by_steps = start  # first query from which the SubNet depends on the demand alone
        if target != subgraph:
            for each in range(subnets):
                changing_ms = table.switch_ms[subgraph, target, each]
                latency[each] = table.latency_ms[each, subgraph] + changing_ms
            chosen = select_subnet(mode, table.top1_percent, latency, demand[start], demand[start])
            subnet[start] = chosen
            number += digits[chosen]
            service_ms[start] = latency[chosen] * slowdown[start]
            subgraph, by_steps = target, start + 1
        own = unsigned(target)
        for query in range(unsigned(by_steps), unsigned(end)):
            step = steps_reached(thresholds, own, demand[query])
            subnet[query] = choices[own, step]
            number += step_number[own, step]
            service_ms[query] = step_ms[own, step] * slowdown[query]
        if recaching == EXPECTED:
            for query in range(max(start, 1), end):
                own = unsigned(subnet[query - 1])
                for lanes in range(0, len(left), LANES):
                    for each in range(lanes, lanes + LANES):
                        faded = followed[own, each] * MEMORY
                        followed[own, each] = faded if faded > FORGOTTEN else 0.0
                followed[own, subnet[query]] += 1.0
            for each in range(subnets):
                left[each] = 0.0
                for follower in range(subnets):
                    left[each] += followed[each, follower]
    return subnet, service_ms, response_times(arrived_ms, service_ms), kept


def columns_of(table: LatencyTable) -> TableArrays:
    """The arrays of `table` that the kernel reads."""
    return TableArrays(*(getattr(table, name) for name in TableArrays._fields))


def serve_by_rules(
    trace: Trace,
    table: LatencyTable,
    recaching: int,
    schedule: np.ndarray,
    *,
    mode: int,
    every: int,
) -> Served:
    """The queries of `trace` under a rule of recaching; the SubGraph may change every `every`."""
    subnet, service_ms, response_ms, kept = serve_queries(
        recaching, mode, every, schedule, (*trace.columns, trace.slowdown), columns_of(table)
    )
    kept = np.repeat(kept, every)[: len(trace)]
    return Served(
        subnet=subnet,
        cached=np.concatenate([[0], kept[:-1]]),  # At first nothing is cached.
        kept=kept,
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=table.top1_percent[subnet],
    )
