"""A trace served by one accelerator under one policy, first come, first served."""

from dataclasses import dataclass

import numba
import numpy as np

from sushi_dse.latency_table import LatencyTable
from sushi_dse.policies import (
    EXPECTED,
    HORIZON_INTERVALS,
    MEMORY,
    NEAREST,
    Policy,
    cheapest_subgraph,
    nearest_subgraph,
)
from sushi_dse.queries import Trace
from sushi_dse.selection import select_subnet, selection_steps, steps_passed


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Served:
    """What happened to each query: [query]."""

    subnet: np.ndarray
    cached: np.ndarray  # the SubGraph that was on chip when the query came
    kept: np.ndarray  # the SubGraph that stayed: another one where the query brought it in
    service_ms: np.ndarray
    response_ms: np.ndarray  # wait and service


@numba.njit(cache=True)
def serve_queries(
    rule: int,
    mode: int,
    every: int,
    schedule: np.ndarray,
    arrived_ms: np.ndarray,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    top1_percent: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
    encoding_dot: np.ndarray,
    encoding_norm: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The fields of `Served`; the arrays of queries are a `Trace`'s, the rest a `LatencyTable`'s.

    schedule: [window], read where `rule` is SCHEDULED.
    """
    queries, subnets = len(arrived_ms), len(top1_percent)
    subnet = np.empty(queries, dtype=np.int64)
    cached = np.empty(queries, dtype=np.int64)
    kept = np.empty(queries, dtype=np.int64)
    service_ms, response_ms = np.empty(queries), np.empty(queries)
    served = np.zeros(subnets, dtype=np.int64)  # since the last recache point
    demand = np.ones(subnets)
    closed_loop = arrived_ms[-1] == 0
    subgraph = 0
    column = latency_ms[:, subgraph].copy()
    thresholds, choices = selection_steps(mode, top1_percent, column)
    for query in range(queries):
        target = subgraph
        if query % every == 0:
            if rule == NEAREST:
                target = nearest_subgraph(served, encoding_dot, encoding_norm, subgraph)
            elif rule == EXPECTED:
                demand = MEMORY * demand + served
                horizon = HORIZON_INTERVALS * every
                target = cheapest_subgraph(demand, latency_ms, switch_ms, subgraph, horizon)
            else:
                target = schedule[query // every]
            served[:] = 0
        if target == subgraph:
            passed = steps_passed(
                mode, thresholds, min_accuracy_percent[query], max_latency_ms[query]
            )
            chosen = choices[passed]
            taken_ms = column[chosen]
        else:
            latency = column + switch_ms[subgraph, target]
            chosen = select_subnet(
                mode, top1_percent, latency, min_accuracy_percent[query], max_latency_ms[query]
            )
            taken_ms = latency[chosen]
        wait_ms = 0.0
        if query > 0 and not closed_loop:
            gap_ms = arrived_ms[query] - arrived_ms[query - 1]
            wait_ms = max(response_ms[query - 1] - gap_ms, 0.0)
        subnet[query], cached[query], kept[query] = chosen, subgraph, target
        service_ms[query] = taken_ms
        response_ms[query] = wait_ms + taken_ms
        served[chosen] += 1
        if target != subgraph:
            subgraph = target
            column = latency_ms[:, subgraph].copy()
            thresholds, choices = selection_steps(mode, top1_percent, column)
    return subnet, cached, kept, service_ms, response_ms


def serve(trace: Trace, table: LatencyTable, policy: Policy, *, mode: int, every: int) -> Served:
    """What `policy` does with `trace`, its SubGraph open to change `every` so many queries."""
    subnet, cached, kept, service_ms, response_ms = serve_queries(
        policy.rule,
        mode,
        every,
        policy.plan(trace, table, mode, every),
        trace.arrived_ms,
        trace.min_accuracy_percent,
        trace.max_latency_ms,
        table.top1_percent,
        table.latency_ms,
        table.switch_ms,
        table.encoding_dot,
        table.encoding_norm,
    )
    return Served(
        subnet=subnet, cached=cached, kept=kept, service_ms=service_ms, response_ms=response_ms
    )
