"""The kernel that serves a trace on one accelerator under rules, first come, first served."""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.queue import response_times, wait_before
from sushi_dse.serving.recaching import (
    EXPECTED,
    LAST,
    MEMORY,
    NEAREST,
    UNSEEN,
    cheapest_subgraph,
    expected_demand,
    nearest_subgraph,
)
from sushi_dse.serving.selection import (
    all_steps,
    cheapest_meeting_both,
    kept_demands,
    most_accurate_within,
    select_subnet,
    steps_reached,
    unsigned,
)
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace

BY_MODE, FIXED, BY_LOAD, BY_COST, BY_SLACK = 0, 1, 2, 3, 4  # rules of selecting a SubNet

LOAD_QUERIES = 16  # arrivals over which load is measured (assumption)
MEMO = 1024  # slots of the memo of windows that served the same SubNets
MAX_UTILISATION = 0.8  # utilisation that model switching keeps the accelerator under (assumption)


class Rules(NamedTuple):
    """The rules by which a policy chooses SubGraphs and SubNets."""

    recaching: int  # code of `recaching`
    selection: int = BY_MODE  # code of this module
    fixed: int = 0  # index of the SubNet that rule FIXED serves


class TableArrays(NamedTuple):
    """The arrays of a `LatencyTable` that the kernel reads."""

    top1_percent: np.ndarray
    latency_ms: np.ndarray
    switch_ms: np.ndarray
    encoding_dot: np.ndarray
    encoding_norm: np.ndarray
    own_subgraph: np.ndarray


@kernel_part
def select_by_rule(
    rules: Rules,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    query: int,
    wait_ms: float,
) -> int:
    """The index of the SubNet of a query under a rule other than BY_MODE, which sees the queue."""
    arrived_ms, min_accuracy_percent, max_latency_ms, _ = queries
    start_ms = arrived_ms[query] + wait_ms
    if rules.selection == FIXED:
        return rules.fixed
    if rules.selection == BY_COST:
        budget_ms = max_latency_ms[query] - wait_ms
        return cheapest_meeting_both(
            top1_percent, latency_ms, min_accuracy_percent[query], budget_ms
        )
    closed_loop = arrived_ms[-1] == 0
    last = query
    while not closed_loop and last + 1 < len(arrived_ms) and arrived_ms[last + 1] <= start_ms:
        last += 1
    if rules.selection == BY_SLACK:
        slack_ms = np.inf
        for waiting in range(query, last + 1):
            deadline_ms = arrived_ms[waiting] + max_latency_ms[waiting]
            slack_ms = min(slack_ms, deadline_ms - start_ms)
        return most_accurate_within(top1_percent, latency_ms, slack_ms)
    first = max(last - LOAD_QUERIES, 0)
    gap_ms = np.inf  # A closed loop has no offered load.
    if not closed_loop and last > first:
        gap_ms = (start_ms - arrived_ms[first]) / (last - first)
    return most_accurate_within(top1_percent, latency_ms, MAX_UTILISATION * gap_ms)


@compiled
def serve_queries(
    rules: Rules,
    mode: int,
    every: int,
    schedule: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    table: TableArrays,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SubNet, service time and response time, [query] each, and the SubGraph of each window.

    queries: the columns of a `Trace` and its slowdown, by which the service time of a query grows,
    which selection knows.  schedule: [window], the SubGraphs of a SCHEDULED rule.
    """
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    demand = kept_demands(mode, min_accuracy_percent, max_latency_ms, slowdown)
    count, subnets = len(arrived_ms), len(table.top1_percent)
    subnet = np.empty(count, dtype=np.int64)
    service_ms, response_ms = np.empty(count), np.empty(count)
    kept = np.empty(-(-count // every), dtype=np.int64)
    # The number of a window has as digits, to base every + 1, how often it served each SubNet.
    has_number = (every + 1.0) ** subnets < 2.0**62
    digits = np.zeros(subnets, dtype=np.int64)
    for each in range(subnets):
        digits[each] = (every + 1) ** each if has_number else 0
    numbers, nearest = np.zeros(MEMO, dtype=np.int64), np.zeros(MEMO, dtype=np.int64)
    number, served = 0, np.zeros(subnets)
    # At first each SubNet is expected to be followed by itself.
    followed = np.full((subnets, subnets), UNSEEN)
    for each in range(subnets):
        followed[each, each] += 1.0
    closed_loop = arrived_ms[-1] == 0
    thresholds, choices = all_steps(mode, table.top1_percent, table.latency_ms)
    step_ms, step_number = np.empty(choices.shape), np.empty(choices.shape, dtype=np.int64)
    for subgraph, step in np.ndindex(choices.shape):
        step_ms[subgraph, step] = table.latency_ms[choices[subgraph, step], subgraph]
        step_number[subgraph, step] = digits[choices[subgraph, step]]
    subgraph, latency = 0, np.empty(subnets)
    change_ms = np.empty((0, 0, 0))  # [old, subnet, new]
    if rules.recaching == EXPECTED:
        change_ms = np.ascontiguousarray(table.switch_ms.transpose(0, 2, 1))
    for window in range(len(kept)):
        start, end = window * every, min((window + 1) * every, count)
        target = subgraph
        if rules.recaching == NEAREST:
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
        elif rules.recaching == EXPECTED:
            last = subnet[start - 1] if window else -1
            first, total = expected_demand(followed, last, every)
            change = change_ms[subgraph]
            target = cheapest_subgraph(first, total, table.latency_ms, change, subgraph)
        elif rules.recaching == LAST:
            if window:
                target = table.own_subgraph[subnet[start - 1]]
        else:
            target = schedule[window]
        kept[window] = target
        by_steps = start  # first query from which the SubNet depends on the demand alone
        if rules.selection != BY_MODE:
            by_steps = end
        elif target != subgraph:
            by_steps = start + 1
        for query in range(start, by_steps):
            for each in range(subnets):
                changing_ms = table.switch_ms[subgraph, target, each]
                latency[each] = table.latency_ms[each, subgraph] + changing_ms
            if rules.selection == BY_MODE:
                chosen = select_subnet(
                    mode, table.top1_percent, latency, demand[query], demand[query]
                )
            else:  # All other rules see the queue.
                wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
                chosen = select_by_rule(
                    rules, table.top1_percent, latency * slowdown[query], queries, query, wait_ms
                )
                response_ms[query] = wait_ms + latency[chosen] * slowdown[query]
            subnet[query] = chosen
            number += digits[chosen]
            service_ms[query] = latency[chosen] * slowdown[query]
            subgraph = target
        own = unsigned(target)
        for query in range(unsigned(by_steps), unsigned(end)):
            step = steps_reached(thresholds, own, demand[query])
            subnet[query] = choices[own, step]
            number += step_number[own, step]
            service_ms[query] = step_ms[own, step] * slowdown[query]
        if rules.recaching == EXPECTED:
            for query in range(max(start, 1), end):
                left = unsigned(subnet[query - 1])
                for each in range(unsigned(subnets)):
                    followed[left, each] *= MEMORY
                followed[left, subnet[query]] += 1.0
    return subnet, service_ms, response_times(arrived_ms, service_ms), kept


def columns_of(table: LatencyTable) -> TableArrays:
    """The arrays of `table` that the kernel reads."""
    return TableArrays(*(getattr(table, name) for name in TableArrays._fields))


def serve_by_rules(
    trace: Trace, table: LatencyTable, rules: Rules, schedule: np.ndarray, *, mode: int, every: int
) -> Served:
    """The queries of `trace` as the rules serve them; the SubGraph may change every `every`."""
    subnet, service_ms, response_ms, kept = serve_queries(
        rules, mode, every, schedule, (*trace.columns, trace.slowdown), columns_of(table)
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
