"""The queue before one accelerator or several: waits and responses, first come, first served."""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.selection import STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import FloatArray, Trace

SUITED, FREE = 0, 1  # rules of routing, among the accelerators that are free first
SUITED_ROUTING = "suited"  # name of the rule that is taken where none is named
ROUTINGS = {SUITED_ROUTING: SUITED, "free": FREE}

Queries = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""The columns of a `Trace` and its slowdown: [query] each."""


class Pool(NamedTuple):
    """Accelerators of one design behind one queue, and how a query is routed among them.

    A query goes to the accelerator that is free first.  Of several it goes to the one that serves
    it best with the SubGraph that it keeps (SUITED), or to the one of the lowest number (FREE).
    """

    accelerators: int = 1
    routing: int = SUITED


ONE = Pool()


@kernel_part
def wait_after(late_ms: float, before_ms: float, came_ms: float) -> float:
    """The wait in ms of a query that came after one which responded so late."""
    return max(float(late_ms - (came_ms - before_ms)), 0.0)


@kernel_part
def wait_before(
    query: int, arrived_ms: np.ndarray, response_ms: np.ndarray, closed_loop: bool
) -> float:
    """The waiting time of a query in ms, which is 0 in a closed loop.

    response_ms: [query], known up to the query before.
    """
    if query == 0 or closed_loop:
        return 0.0
    return wait_after(response_ms[query - 1], arrived_ms[query - 1], arrived_ms[query])


@kernel_part
def wait_for_first(
    query: int, arrived_ms: np.ndarray, left_ms: np.ndarray, closed_loop: bool
) -> float:
    """The time in ms until the first of several accelerators is free for a query.

    It is 0 in a closed loop, in which all are free.  left_ms: [accelerator], how long each is busy
    yet, which is brought from the arrival before to that of the query.
    """
    if query == 0 or closed_loop:
        left_ms[:] = 0.0
        return 0.0
    gap_ms = arrived_ms[query] - arrived_ms[query - 1]
    wait_ms = left_ms[0] = max(float(left_ms[0] - gap_ms), 0.0)
    for each in range(1, len(left_ms)):
        left_ms[each] = max(float(left_ms[each] - gap_ms), 0.0)
        wait_ms = min(wait_ms, left_ms[each])
    return wait_ms


@kernel_part
def lowest_free(left_ms: np.ndarray, wait_ms: float) -> int:
    """The lowest number of an accelerator that is free after so long."""
    each = 0
    while left_ms[each] > wait_ms:
        each += 1
    return each


@kernel_part
def response_times(arrived_ms: np.ndarray, service_ms: np.ndarray) -> np.ndarray:
    """The response time of each query, which is waiting time plus service time, in ms: [query].

    In a closed loop no query waits, and the result is `service_ms` itself.
    """
    response_ms: np.ndarray = service_ms
    closed_loop = arrived_ms[-1] == 0
    if not closed_loop:
        response_ms = np.empty_like(service_ms)
        for query in range(len(service_ms)):
            wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
            response_ms[query] = wait_ms + service_ms[query]
    return response_ms


@compiled
def step_down(
    mode: int,
    wanted: np.ndarray,
    latency_ms: np.ndarray,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The result of `serve_rows`, compiled.

    queries: arrival, latency demand and slowdown of the trace, each [query].
    """
    arrived_ms, max_latency_ms, slowdown = queries
    row = wanted.copy()
    service_ms, response_ms = np.empty(len(row)), np.empty(len(row))
    closed_loop = arrived_ms[-1] == 0
    for query in range(len(row)):
        own_ms, slow, chosen = latency_ms[min(query, 1)], slowdown[query], row[query]
        wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
        if mode == STRICT_LATENCY:
            while chosen > 0 and wait_ms + own_ms[chosen] * slow > max_latency_ms[query]:
                chosen -= 1
        row[query] = chosen
        service_ms[query] = own_ms[chosen] * slow
        response_ms[query] = wait_ms + service_ms[query]
    return row, service_ms, response_ms


def serve_rows(
    wanted: np.ndarray, latency_ms: FloatArray, trace: Trace, mode: int
) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """The row, service time and response time of queries that want a row of a table: [query] each.

    Under strict latency a query steps down from the row that it wants to the largest one that still
    answers in time after its wait, and to row 0 where none does.

    wanted: [query]; latency_ms: [2, row], of the first query and of those after it, before the
    slowdown of the trace.
    """
    queries = trace.arrived_ms, trace.max_latency_ms, trace.slowdown
    row, service_ms, response_ms = step_down(mode, wanted, latency_ms, queries)
    return row, service_ms, response_ms


def one_subgraph_ms(table: LatencyTable, kept: int) -> FloatArray:
    """Latency in ms of the first query, which loads SubGraph `kept`, and of the later ones.

    The result is [2, row].
    """
    first_ms = table.latency_ms[:, 0] + table.switch_ms[0, kept]
    latency_ms: FloatArray = np.stack([first_ms, table.latency_ms[:, kept]])
    return latency_ms


def served_with_one(
    kept: int,
    row: np.ndarray,
    service_ms: FloatArray,
    response_ms: FloatArray,
    accuracy_percent: FloatArray,
    accelerator: np.ndarray | None = None,
) -> Served:
    """Queries served with SubGraph `kept`, which the first of them loads; arrays are [query].

    Where no `accelerator` is given, there is one.
    """
    cached = np.full(len(row), kept)
    cached[0] = 0
    return Served(
        subnet=row,
        cached=cached,
        kept=np.full(len(row), kept),
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=accuracy_percent,
        accelerator=np.zeros(len(row), dtype=np.int64) if accelerator is None else accelerator,
    )
