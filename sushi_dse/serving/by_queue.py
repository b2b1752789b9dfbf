"""Serving by rules that see the queue, with one SubGraph: Clipper, INFaaS and their kin."""

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.queue import (
    ONE,
    Pool,
    Queries,
    lowest_free,
    one_subgraph_ms,
    response_times,
    served_with_one,
    wait_after,
    wait_for_first,
)
from sushi_dse.serving.selection import (
    STRICT_ACCURACY,
    STRICT_LATENCY,
    all_steps,
    cheapest_meeting_both,
    most_accurate_within,
    steps_reached,
    unsigned,
)
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace

BY_MODE, FIXED, BY_LOAD, BY_COST, BY_SLACK = 0, 1, 2, 3, 4  # rules of selecting a SubNet

LOAD_QUERIES = 16  # arrivals over which load is measured (assumption)
MAX_UTILISATION = 0.8  # utilisation that model switching keeps the accelerator under (assumption)


@kernel_part
def last_waiting(arrived_ms: np.ndarray, query: int, start_ms: float, before: int) -> int:
    """The last query that has arrived when one is started; `before` is where the search begins."""
    last = max(before, query)
    while last + 1 < len(arrived_ms) and arrived_ms[last + 1] <= start_ms:
        last += 1
    while last > query and arrived_ms[last] > start_ms:
        last -= 1
    return last


@kernel_part
def offered_gap_ms(arrived_ms: np.ndarray, last: int, start_ms: float) -> float:
    """The mean time between the arrivals that load is measured over; endless without several."""
    first = max(last - LOAD_QUERIES, 0)
    if last > first:
        return float((start_ms - arrived_ms[first]) / (last - first))
    return np.inf


@kernel_part
def most_urgent(
    arrived_ms: np.ndarray,
    max_latency_ms: np.ndarray,
    query: int,
    last: int,
    urgent: np.ndarray,
    ends: tuple[int, int, int],
) -> tuple[int, int, int, int]:
    """The query of the earliest deadline from `query` to the `last` one waiting, and new `ends`.

    urgent: the queries waiting whose deadline is before those of all that came after them, from
    place `head` up to `tail`, of all queries up to `ahead`: ends are these three.
    """
    head, tail, ahead = ends
    while ahead <= last:
        deadline_ms = arrived_ms[ahead] + max_latency_ms[ahead]
        while tail > head:
            other = urgent[tail - 1]
            if arrived_ms[other] + max_latency_ms[other] < deadline_ms:
                break
            tail -= 1
        urgent[tail] = ahead
        tail, ahead = tail + 1, ahead + 1
    while urgent[head] < query:
        head += 1
    first = urgent[head]
    if first > last:  # Rounding made a query begin before one that came earlier did.
        first = query
        for other in range(query, last + 1):
            deadline_ms = arrived_ms[first] + max_latency_ms[first]
            if arrived_ms[other] + max_latency_ms[other] < deadline_ms:
                first = other
    return first, head, tail, ahead


@kernel_part
def times_of_steps(latency_ms: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """The latency of the SubNet that each step chooses; both are [first or later, ..]."""
    step_ms = np.empty(choices.shape)
    for own in range(len(choices)):
        for step in range(choices.shape[1]):
            step_ms[own, step] = latency_ms[own, choices[own, step]]
    return step_ms


@kernel_part
def slow_down(latency_ms: np.ndarray, own: np.uint64, slow: float, slowed_ms: np.ndarray) -> None:
    """Write the latencies of a query that is slowed down by a factor: [subnet]."""
    for each in range(len(slowed_ms)):
        slowed_ms[each] = latency_ms[own, each] * slow


@kernel_part
def serve_each(
    rule: int,
    fixed: int,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    queries: Queries,
    accelerators: int,
    served: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Write the result of `serve_by_queue`, `served`, one query after the other."""
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    subnet, service_ms, response_ms, accelerator = served
    count, subnets, is_one = len(arrived_ms), len(accuracy_percent), accelerators == 1
    closed_loop, left_ms = arrived_ms[-1] == 0, np.zeros(accelerators)
    by_column = np.ascontiguousarray(latency_ms.T)  # [subnet, first or later]
    accuracies, for_accuracy = all_steps(STRICT_ACCURACY, accuracy_percent, by_column)
    latencies, for_budget = all_steps(STRICT_LATENCY, accuracy_percent, by_column)
    budgeted_ms = times_of_steps(latency_ms, for_budget)
    most_accurate = accuracy_percent.max()
    slowed_ms = np.empty(subnets)
    last, ahead = 0, 0
    urgent = np.empty(count if rule == BY_SLACK and not closed_loop else 0, dtype=np.int64)
    head, tail = 0, 0
    late_ms, before_ms = 0.0, arrived_ms[0]  # response and arrival of the query before
    for first_or_later in range(2):
        own = unsigned(first_or_later)
        for place in range(first_or_later, count if first_or_later else 1):
            query, wait_ms = unsigned(place), 0.0
            if closed_loop:
                budget_ms = np.inf if rule == BY_LOAD else max_latency_ms[query]
            else:
                came_ms = arrived_ms[query]
                if is_one:
                    wait_ms = wait_after(late_ms, before_ms, came_ms)
                    before_ms = came_ms
                else:
                    wait_ms = wait_for_first(place, arrived_ms, left_ms, False)
                start_ms = came_ms + wait_ms
                if rule == BY_LOAD:
                    last = last_waiting(arrived_ms, place, start_ms, last)
                    gap_ms = offered_gap_ms(arrived_ms, last, start_ms)
                    budget_ms = MAX_UTILISATION * (gap_ms * accelerators)
                elif rule == BY_SLACK:
                    last = last_waiting(arrived_ms, place, start_ms, last)
                    first, head, tail, ahead = most_urgent(
                        arrived_ms, max_latency_ms, place, last, urgent, (head, tail, ahead)
                    )
                    budget_ms = arrived_ms[first] + max_latency_ms[first] - start_ms
                else:
                    budget_ms = max_latency_ms[query] - wait_ms
            slow = slowdown[query]
            if slow != 1.0:
                slow_down(latency_ms, own, slow, slowed_ms)
            if rule == FIXED:
                chosen = unsigned(fixed)
                own_ms = latency_ms[own, chosen] * slow
            elif rule == BY_COST:
                least_percent = min_accuracy_percent[query]
                if slow != 1.0:
                    best = cheapest_meeting_both(
                        accuracy_percent, slowed_ms, least_percent, budget_ms
                    )
                    chosen = unsigned(best)
                else:
                    step = steps_reached(accuracies, own, least_percent)
                    chosen = unsigned(for_accuracy[own, step])
                    if most_accurate < least_percent or latency_ms[own, chosen] > budget_ms:
                        chosen = unsigned(for_budget[own, 0])  # the fastest
                own_ms = latency_ms[own, chosen] * slow
            elif slow != 1.0:
                chosen = unsigned(most_accurate_within(accuracy_percent, slowed_ms, budget_ms))
                own_ms = slowed_ms[chosen]
            else:
                step = steps_reached(latencies, own, budget_ms)
                chosen, own_ms = unsigned(for_budget[own, step]), budgeted_ms[own, step]
            subnet[query] = chosen
            service_ms[query] = own_ms
            late_ms = wait_ms + own_ms
            response_ms[query] = late_ms
            if not (is_one or closed_loop):  # In a closed loop all are free.
                accelerator[query] = lowest_free(left_ms, wait_ms)
                left_ms[accelerator[query]] = late_ms


@compiled
def serve_by_queue(
    rule: int,
    fixed: int,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    queries: Queries,
    accelerators: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SubNet, service time, response time and accelerator of each query: [query] each.

    latency_ms: [2, subnet], of the first query and of those after it; queries: the columns of a
    `Trace` and its slowdown, by which latencies grow, as the rules know.  Where a query is not
    slowed down, a rule is a step function of a demand, as in `selection.all_steps`.  Of
    accelerators that are free the lowest serves a query: they are alike.
    """
    arrived_ms, _, _, slowdown = queries
    count = len(arrived_ms)
    subnet = np.empty(count, dtype=np.int64)
    service_ms, closed_loop = np.empty(count), arrived_ms[-1] == 0
    response_ms = service_ms if closed_loop else np.empty(count)  # No query waits in such a loop.
    accelerator, is_one = np.zeros(count, dtype=np.int64), accelerators == 1
    if rule == FIXED and is_one:
        for query in range(count):
            subnet[query] = fixed
            service_ms[query] = latency_ms[min(query, 1), fixed] * slowdown[query]
        return subnet, service_ms, response_times(arrived_ms, service_ms), accelerator
    served = subnet, service_ms, response_ms, accelerator
    if rule == BY_COST and is_one:  # Compiled by itself, it takes fewer registers.
        serve_each(BY_COST, 0, accuracy_percent, latency_ms, queries, 1, served)
    else:
        serve_each(rule, fixed, accuracy_percent, latency_ms, queries, accelerators, served)
    return served


def serve_with_rule(
    trace: Trace,
    table: LatencyTable,
    rule: int,
    *,
    fixed: int = 0,
    kept: int = 0,
    pool: Pool = ONE,
) -> Served:
    """The queries of `trace` under a rule, with SubGraph `kept`, which the first query loads.

    fixed: the SubNet that rule FIXED serves.
    """
    queries = (*trace.columns, trace.slowdown)
    latency_ms = one_subgraph_ms(table, kept)
    subnet, service_ms, response_ms, accelerator = serve_by_queue(
        rule, fixed, table.accuracy_percent, latency_ms, queries, pool.accelerators
    )
    accuracy_percent = table.accuracy_percent[subnet]
    return served_with_one(kept, subnet, service_ms, response_ms, accuracy_percent, accelerator)
