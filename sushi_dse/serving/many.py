"""The kernel that serves a trace on several accelerators behind one queue, as `kernel` does on one.

Each keeps a SubGraph of its own, counts the queries that it served up to its recache points, and
chooses its next SubGraph by them.  One query starts after the other, as they came; `queue.Pool`
says on which accelerator.
"""

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.kernel import TableArrays, columns_of
from sushi_dse.serving.queue import FREE, Pool, Queries, wait_for_first
from sushi_dse.serving.recaching import (
    EXPECTED,
    NEAREST,
    SCHEDULED,
    Rivals,
    cheapest_subgraph,
    even,
    first_chain,
    learn,
    nearest_subgraph,
    no_rivals,
)
from sushi_dse.serving.selection import (
    all_steps,
    kept_demands,
    score,
    select_subnet,
    steps_reached,
)
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace


@kernel_part
def next_subgraph(
    recaching: int,
    scheduled: int,
    cached: int,
    history: tuple[int, np.ndarray, np.ndarray],
    every: int,
    table: TableArrays,
    rivals: Rivals,
    expected: np.ndarray,
) -> int:
    """The SubGraph that an accelerator keeps in its next window, by a code of `recaching`.

    history: its last SubNet, or -1; how often it served each in its last window; and its weights of
    `first_chain`.  rivals, expected: as `cheapest_subgraph` wants them.
    """
    last, served, followed = history
    target = cached
    if recaching == SCHEDULED:
        target = scheduled
    elif recaching == EXPECTED:
        target = cheapest_subgraph(
            followed, last, every, table.latency_ms, table.switch_ms, cached, rivals, expected
        )
    elif last >= 0 and recaching == NEAREST:
        target = nearest_subgraph(served, table.encoding_dot, table.encoding_norm)
    elif last >= 0:
        target = table.own_subgraph[last]
    return target


@compiled
def serve_on_many(
    recaching: int,
    mode: int,
    every: int,
    scheduled: int,
    queries: Queries,
    table: TableArrays,
    pool: Pool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SubNet, service time and response time, SubGraphs before and after, and accelerator.

    Each is [query].  The arguments are those of `kernel.serve_queries`, but for the SubGraph that
    every accelerator keeps under a SCHEDULED rule, and the pool.
    """
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    accelerators = pool.accelerators
    demand = kept_demands(mode, min_accuracy_percent, max_latency_ms, slowdown)
    count, subnets = len(arrived_ms), len(table.accuracy_percent)
    closed_loop = arrived_ms[-1] == 0
    subnet, accelerator = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    before, after = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    service_ms, response_ms = np.empty(count), np.empty(count)
    thresholds, choices = all_steps(mode, table.accuracy_percent, table.latency_ms)
    latency, expected = np.empty(subnets), np.empty((5, even(subnets)))
    rivals = no_rivals(table.latency_ms.shape[1] if recaching == EXPECTED else 0)
    # Of each accelerator: for how long it is busy, the SubGraph that it keeps and the one that its
    # next query brings, and its history, in all and within its window.
    left_ms = np.zeros(accelerators)
    cached, target = np.zeros(accelerators, np.int64), np.zeros(accelerators, np.int64)
    last, in_window = np.full(accelerators, -1), np.zeros(accelerators, np.int64)
    served = np.zeros((accelerators, subnets))
    followed = np.empty((accelerators, subnets, even(subnets)))
    for each in range(accelerators):
        followed[each] = first_chain(subnets)
        history = last[each], served[each], followed[each]
        target[each] = next_subgraph(
            recaching, scheduled, 0, history, every, table, rivals, expected
        )
    for query in range(count):
        wait_ms = wait_for_first(query, arrived_ms, left_ms, closed_loop)
        best, best_subnet, best_ms, best_score = -1, 0, 0.0, np.inf
        for each in range(accelerators):
            if left_ms[each] > wait_ms or (best >= 0 and pool.routing == FREE):
                continue
            old, new = cached[each], target[each]
            if old != new:
                for one in range(subnets):
                    latency[one] = table.latency_ms[one, old] + table.switch_ms[old, new, one]
                chosen = select_subnet(
                    mode, table.accuracy_percent, latency, demand[query], demand[query]
                )
                own_ms = latency[chosen]
            else:
                chosen = choices[old, steps_reached(thresholds, old, demand[query])]
                own_ms = table.latency_ms[chosen, old]
            own_ms = own_ms * slowdown[query]
            own_score = score(mode, table.accuracy_percent[chosen], own_ms)
            if best < 0 or own_score < best_score:
                best, best_subnet, best_ms, best_score = each, chosen, own_ms, own_score
        accelerator[query], subnet[query], service_ms[query] = best, best_subnet, best_ms
        response_ms[query] = wait_ms + best_ms
        before[query], after[query] = cached[best], target[best]
        left_ms[best], cached[best] = response_ms[query], target[best]
        if recaching == EXPECTED and last[best] >= 0:
            learn(followed[best], last[best], best_subnet)
        last[best] = best_subnet
        served[best, best_subnet] += 1.0
        in_window[best] += 1
        if in_window[best] == every:
            history = last[best], served[best], followed[best]
            target[best] = next_subgraph(
                recaching, scheduled, cached[best], history, every, table, rivals, expected
            )
            in_window[best] = 0
            served[best] = 0.0
    return subnet, service_ms, response_ms, before, after, accelerator


def serve_with_many(
    trace: Trace,
    table: LatencyTable,
    recaching: int,
    scheduled: int,
    *,
    mode: int,
    every: int,
    pool: Pool,
) -> Served:
    """The queries of `trace` on a pool, each of whose SubGraphs may change every `every` queries.

    scheduled: the SubGraph that every accelerator keeps under a SCHEDULED rule.
    """
    queries, columns = (*trace.columns, trace.slowdown), columns_of(table)
    subnet, service_ms, response_ms, before, after, accelerator = serve_on_many(
        recaching, mode, every, scheduled, queries, columns, pool
    )
    return Served(
        subnet=subnet,
        cached=before,
        kept=after,
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=table.accuracy_percent[subnet],
        accelerator=accelerator,
    )
