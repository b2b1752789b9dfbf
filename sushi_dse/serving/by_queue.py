"""Serving by rules that see the queue, with one SubGraph: Clipper, INFaaS and their kin."""

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.queue import (
    ONE,
    Pool,
    lowest_free,
    one_subgraph_ms,
    response_times,
    served_with_one,
    wait_before,
    wait_for_first,
)
from sushi_dse.serving.selection import (
    STRICT_ACCURACY,
    STRICT_LATENCY,
    all_steps,
    cheapest_meeting_both,
    most_accurate_within,
    steps_reached,
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


@compiled
def serve_by_queue(
    rule: int,
    fixed: int,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    accelerators: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SubNet, service time, response time and accelerator of each query: [query] each.

    latency_ms: [2, subnet], of the first query and of those after it; queries: the columns of a
    `Trace` and its slowdown, by which latencies grow, as the rules know.  Where a query is not
    slowed down, a rule is a step function of a demand, as in `selection.all_steps`.  Of
    accelerators that are free the lowest serves a query: they are alike.
    """
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    count, subnets = len(arrived_ms), len(accuracy_percent)
    subnet = np.empty(count, dtype=np.int64)
    service_ms, closed_loop = np.empty(count), arrived_ms[-1] == 0
    response_ms = service_ms if closed_loop else np.empty(count)  # No query waits in such a loop.
    left_ms, accelerator = np.zeros(accelerators), np.zeros(count, dtype=np.int64)
    is_one = accelerators == 1
    if rule == FIXED and is_one:
        for query in range(count):
            subnet[query] = fixed
            service_ms[query] = latency_ms[min(query, 1), fixed] * slowdown[query]
        return subnet, service_ms, response_times(arrived_ms, service_ms), accelerator
    by_column = np.ascontiguousarray(latency_ms.T)  # [subnet, first or later]
    accuracies, for_accuracy = all_steps(STRICT_ACCURACY, accuracy_percent, by_column)
    latencies, for_budget = all_steps(STRICT_LATENCY, accuracy_percent, by_column)
    most_accurate = accuracy_percent.max()
    slowed_ms = np.empty(subnets)
    last, ahead = 0, 0
    urgent = np.empty(count if rule == BY_SLACK and not closed_loop else 0, dtype=np.int64)
    head, tail = 0, 0
    for own in range(2):  # of the first query, and of those after it
        for query in range(own, count if own else 1):
            if is_one:
                wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
            else:
                wait_ms = wait_for_first(query, arrived_ms, left_ms, closed_loop)
            start_ms = arrived_ms[query] + wait_ms
            slow = slowdown[query]
            if slow != 1.0:
                for each in range(subnets):
                    slowed_ms[each] = latency_ms[own, each] * slow
            if rule == FIXED:
                chosen = fixed
            elif rule == BY_COST:
                least_percent, budget_ms = (
                    min_accuracy_percent[query],
                    max_latency_ms[query] - wait_ms,
                )
                if slow != 1.0:
                    chosen = cheapest_meeting_both(
                        accuracy_percent, slowed_ms, least_percent, budget_ms
                    )
                else:
                    chosen = for_accuracy[own, steps_reached(accuracies, own, least_percent)]
                    if most_accurate < least_percent or latency_ms[own, chosen] > budget_ms:
                        chosen = for_budget[own, 0]  # the fastest
            else:
                budget_ms = np.inf
                if rule == BY_LOAD and not closed_loop:
                    last = last_waiting(arrived_ms, query, start_ms, last)
                    gap_ms = offered_gap_ms(arrived_ms, last, start_ms) * accelerators  # for each
                    budget_ms = MAX_UTILISATION * gap_ms
                elif rule == BY_SLACK and closed_loop:
                    budget_ms = arrived_ms[query] + max_latency_ms[query] - start_ms
                elif rule == BY_SLACK:
                    last = last_waiting(arrived_ms, query, start_ms, last)
                    first, head, tail, ahead = most_urgent(
                        arrived_ms, max_latency_ms, query, last, urgent, (head, tail, ahead)
                    )
                    budget_ms = arrived_ms[first] + max_latency_ms[first] - start_ms
                if slow != 1.0:
                    chosen = most_accurate_within(accuracy_percent, slowed_ms, budget_ms)
                else:
                    chosen = for_budget[own, steps_reached(latencies, own, budget_ms)]
            subnet[query] = chosen
            service_ms[query] = latency_ms[own, chosen] * slow
            response_ms[query] = wait_ms + service_ms[query]
            if not is_one:
                accelerator[query] = lowest_free(left_ms, wait_ms)
                left_ms[accelerator[query]] = response_ms[query]
    return subnet, service_ms, response_ms, accelerator


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
