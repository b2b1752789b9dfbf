"""The kernel that serves a trace under a rule of recaching, first come, first served."""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.queue import Queries, response_times
from sushi_dse.serving.recaching import (
    EXPECTED,
    LAST,
    MEMO,
    NEAREST,
    Rivals,
    Windows,
    cheapest_subgraph,
    even,
    first_chain,
    learn,
    nearest_subgraph,
    no_rivals,
    no_windows,
)
from sushi_dse.serving.selection import (
    find_steps,
    kept_demands,
    no_steps,
    select_subnet,
    steps_reached,
    unsigned,
)
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace


class TableArrays(NamedTuple):
    """The arrays of a `LatencyTable` that the kernel reads."""

    accuracy_percent: np.ndarray
    latency_ms: np.ndarray
    switch_ms: np.ndarray
    encoding_dot: np.ndarray
    encoding_norm: np.ndarray
    own_subgraph: np.ndarray


class Known(NamedTuple):
    """What was worked out of a table so far, under one rule of recaching, mode and interval.

    It is the same for every stream, so each finds what the ones before it have asked for.
    """

    windows: Windows
    has_steps: np.ndarray  # [subgraph]: whether its steps are known; few SubGraphs are ever kept
    thresholds: np.ndarray  # of `find_steps`
    choices: np.ndarray  # [subgraph, step]
    step_ms: np.ndarray  # [subgraph, step]: latency of the choice
    step_number: np.ndarray  # [subgraph, step]: digit of the choice
    rivals: Rivals


@kernel_part
def nothing_known(recaching: int, every: int, table: TableArrays) -> Known:
    """`Known` of a table of which nothing has been worked out yet."""
    subnets, subgraphs = table.latency_ms.shape
    thresholds, choices = no_steps(subnets, subgraphs)
    return Known(
        no_windows(subnets, every),
        np.zeros(subgraphs, dtype=np.bool_),
        thresholds,
        choices,
        np.empty(choices.shape),
        np.empty(choices.shape, dtype=np.int64),
        no_rivals(subgraphs if recaching == EXPECTED else 0),
    )


@compiled
def serve_queries(
    recaching: int,
    mode: int,
    every: int,
    schedule: np.ndarray,
    queries: Queries,
    table: TableArrays,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SubNet, service time and response time, [query] each, and the SubGraph of each window.

    recaching: a code of `recaching`.  queries: the columns of a `Trace` and its slowdown, by which
    the service time of a query grows, which selection knows.  schedule: [window], the SubGraphs of
    a SCHEDULED rule.
    """
    known = nothing_known(recaching, every, table)
    return serve_knowing(known, recaching, mode, every, schedule, queries, table)


@compiled
def serve_knowing(
    known: Known,
    recaching: int,
    mode: int,
    every: int,
    schedule: np.ndarray,
    queries: Queries,
    table: TableArrays,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """As `serve_queries`; what is worked out of the table is read from `known`, or added to it."""
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    demand = kept_demands(mode, min_accuracy_percent, max_latency_ms, slowdown)
    count, subnets = len(arrived_ms), len(table.accuracy_percent)
    subnet = np.empty(count, dtype=np.int64)
    service_ms = np.empty(count)
    kept = np.empty(-(-count // every), dtype=np.int64)
    (digits, numbers, nearest), thresholds, choices = known.windows, known.thresholds, known.choices
    step_ms, step_number = known.step_ms, known.step_number
    number, served = 0, np.zeros(subnets)
    followed, expected = first_chain(subnets), np.empty((5, even(subnets)))
    subgraph, latency = 0, np.empty(subnets)
    for window in range(len(kept)):
        start, end = window * every, min((window + 1) * every, count)
        target = subgraph
        if recaching == NEAREST:
            if window:
                slot = number % MEMO
                if number == 0 or numbers[slot] != number:  # Most windows are in the memo.
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
            target = cheapest_subgraph(
                followed,
                last,
                every,
                table.latency_ms,
                table.switch_ms,
                subgraph,
                known.rivals,
                expected,
            )
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
            chosen = select_subnet(
                mode, table.accuracy_percent, latency, demand[start], demand[start]
            )
            subnet[start] = chosen
            number += digits[chosen]
            service_ms[start] = latency[chosen] * slowdown[start]
            subgraph, by_steps = target, start + 1
        if not known.has_steps[target]:
            known.has_steps[target] = True
            find_steps(mode, table.accuracy_percent, table.latency_ms, target, thresholds, choices)
            for each in range(choices.shape[1]):
                step_ms[target, each] = table.latency_ms[choices[target, each], target]
                step_number[target, each] = digits[choices[target, each]]
        own = unsigned(target)
        for query in range(unsigned(by_steps), unsigned(end)):
            step = steps_reached(thresholds, own, demand[query])
            subnet[query] = choices[own, step]
            number += step_number[own, step]
            service_ms[query] = step_ms[own, step] * slowdown[query]
        if recaching == EXPECTED:
            for query in range(max(start, 1), end):
                learn(followed, subnet[query - 1], subnet[query])
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
        accuracy_percent=table.accuracy_percent[subnet],
        accelerator=np.zeros_like(subnet),
    )
