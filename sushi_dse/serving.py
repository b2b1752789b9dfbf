"""A trace served by one accelerator under one policy, first come, first served."""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numba.extending import register_jitable

from sushi_dse.latency_table import LatencyTable
from sushi_dse.queries import Trace
from sushi_dse.recaching import (
    EXPECTED,
    LAST,
    MEMORY,
    NEAREST,
    UNSEEN,
    cheapest_subgraph,
    expected_demand,
    nearest_subgraph,
)
from sushi_dse.selection import (
    cheapest_meeting_both,
    most_accurate_within,
    select_subnet,
    selection_steps,
    steps_passed,
)

BY_MODE, FIXED, BY_LOAD, BY_COST, BY_SLACK = 0, 1, 2, 3, 4  # how the SubNet is selected

LOAD_QUERIES = 16  # arrivals over which load is measured (assumption)
MAX_UTILISATION = 0.8  # of the accelerator, that model switching stays under (assumption)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Served:
    """What happened to each query: [query]."""

    subnet: np.ndarray  # the row of the latency table that served it
    cached: np.ndarray  # the SubGraph that was on chip when the query came
    kept: np.ndarray  # the SubGraph that stayed: another one where the query brought it in
    service_ms: np.ndarray
    response_ms: np.ndarray  # wait and service
    accuracy_percent: np.ndarray  # expected of its answer


class Rules(NamedTuple):
    """How a policy chooses: codes of this module and of `recaching`."""

    recaching: int
    selection: int = BY_MODE
    fixed: int = 0  # the SubNet of FIXED


class Columns(NamedTuple):
    """The arrays of a `LatencyTable` that the kernel reads."""

    top1_percent: np.ndarray
    latency_ms: np.ndarray
    switch_ms: np.ndarray
    encoding_dot: np.ndarray
    encoding_norm: np.ndarray
    own_subgraph: np.ndarray


@register_jitable
def select_by_rule(
    rules: Rules,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    query: int,
    wait_ms: float,
) -> int:
    """The SubNet of a query under a rule other than BY_MODE, which sees the queue: an index."""
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
    gap_ms = np.inf  # a closed loop has no load of its own
    if not closed_loop and last > first:
        gap_ms = (start_ms - arrived_ms[first]) / (last - first)
    return most_accurate_within(top1_percent, latency_ms, MAX_UTILISATION * gap_ms)


@numba.njit(cache=True)
def serve_queries(
    rules: Rules,
    mode: int,
    every: int,
    schedule: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    table: Columns,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `Served` but the last; `queries` are a `Trace`'s columns and its slowdown.

    A query that the machine slows down takes so many times longer, and selection knows it.
    schedule: [window], read where the rule is SCHEDULED.
    """
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    count, subnets = len(arrived_ms), len(table.top1_percent)
    subnet = np.empty(count, dtype=np.int64)
    cached = np.empty(count, dtype=np.int64)
    kept = np.empty(count, dtype=np.int64)
    service_ms, response_ms = np.empty(count), np.empty(count)
    served = np.zeros(subnets, dtype=np.int64)  # since the last recache point
    followed = np.full((subnets, subnets), UNSEEN)  # a SubNet is expected to be followed by itself
    for each in range(subnets):
        followed[each, each] += 1.0
    closed_loop = arrived_ms[-1] == 0
    subgraph = 0
    column = table.latency_ms[:, subgraph].copy()
    thresholds, choices = selection_steps(mode, table.top1_percent, column)
    for query in range(count):
        target = subgraph
        if query % every == 0:
            if rules.recaching == NEAREST:
                target = nearest_subgraph(served, table.encoding_dot, table.encoding_norm, subgraph)
            elif rules.recaching == EXPECTED:
                last = subnet[query - 1] if query else -1
                first, total = expected_demand(followed, last, every)
                target = cheapest_subgraph(
                    first, total, table.latency_ms, table.switch_ms, subgraph
                )
            elif rules.recaching == LAST:
                if query > 0:
                    target = table.own_subgraph[subnet[query - 1]]
            else:
                target = schedule[query // every]
            served[:] = 0
        wait_ms = 0.0
        if query > 0 and not closed_loop:
            gap_ms = arrived_ms[query] - arrived_ms[query - 1]
            wait_ms = max(response_ms[query - 1] - gap_ms, 0.0)
        slow = slowdown[query]
        accuracy, latency_demand = min_accuracy_percent[query], max_latency_ms[query] / slow
        if target == subgraph and rules.selection == BY_MODE:
            chosen = choices[steps_passed(mode, thresholds, accuracy, latency_demand)]
            taken_ms = column[chosen]
        else:
            latency = column
            if target != subgraph:
                latency = column + table.switch_ms[subgraph, target]
            if rules.selection == BY_MODE:
                chosen = select_subnet(mode, table.top1_percent, latency, accuracy, latency_demand)
            else:
                chosen = select_by_rule(
                    rules, table.top1_percent, latency * slow, queries, query, wait_ms
                )
            taken_ms = latency[chosen]
        taken_ms *= slow
        subnet[query], cached[query], kept[query] = chosen, subgraph, target
        service_ms[query] = taken_ms
        response_ms[query] = wait_ms + taken_ms
        served[chosen] += 1
        if query:
            followed[subnet[query - 1]] *= MEMORY
            followed[subnet[query - 1], chosen] += 1.0
        if target != subgraph:
            subgraph = target
            column = table.latency_ms[:, subgraph].copy()
            thresholds, choices = selection_steps(mode, table.top1_percent, column)
    return subnet, cached, kept, service_ms, response_ms


def columns_of(table: LatencyTable) -> Columns:
    """The arrays of `table` that the kernel reads."""
    return Columns(*(getattr(table, name) for name in Columns._fields))


def serve_by_rules(
    trace: Trace, table: LatencyTable, rules: Rules, schedule: np.ndarray, *, mode: int, every: int
) -> Served:
    """What the rules do with `trace`, the SubGraph open to change `every` so many queries."""
    subnet, cached, kept, service_ms, response_ms = serve_queries(
        rules, mode, every, schedule, (*trace.columns, trace.slowdown), columns_of(table)
    )
    return Served(
        subnet=subnet,
        cached=cached,
        kept=kept,
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=table.top1_percent[subnet],
    )
