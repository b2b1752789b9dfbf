"""Serving in batches, one after the other, by one of the rules of `batch_rules`."""

from collections.abc import Sequence

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.batch_rules import (
    LOOKED_AT,
    BatchArrays,
    Rule,
    Waiting,
    clippers_batch,
    fitting_slack,
    mates,
)
from sushi_dse.serving.by_queue import BY_MODE, FIXED
from sushi_dse.serving.recaching import nearest_subgraph
from sushi_dse.serving.selection import kept_demands
from sushi_dse.serving.served import Served, Tally, count_run, empty_tally
from sushi_dse.serving.streams import StreamArrays, Streams, queries_of
from sushi_dse.traces.trace import Trace


@kernel_part
def join_queue(
    waiting: Waiting,
    held: int,
    ahead: int,
    wait_ms: float,
    arrived_ms: np.ndarray,
    closed_loop: bool,
) -> tuple[int, int]:
    """The number of queries looked at when a batch begins, and the first that is not among them.

    Those that have arrived join the `held` ones; the oldest has waited for `wait_ms`.
    """
    start_ms = arrived_ms[waiting.query[0]] + wait_ms
    while held < len(waiting.query) and ahead < len(arrived_ms) and not closed_loop:
        if arrived_ms[ahead] > start_ms:
            break
        waiting.query[held] = ahead
        held, ahead = held + 1, ahead + 1
    waiting.waited_ms[0] = wait_ms
    for place in range(1, held):
        waiting.waited_ms[place] = start_ms - arrived_ms[waiting.query[place]]
    return held, ahead


@kernel_part
def leave_queue(waiting: Waiting, held: int, places: np.ndarray) -> int:
    """The number of queries that are left when those of a batch, in rising places, are gone."""
    left, member = 0, 0
    for place in range(held):
        if member < len(places) and places[member] == place:
            member += 1
        else:
            waiting.query[left] = waiting.query[place]
            left += 1
    return left


@compiled
def serve_batches(
    rule: Rule,
    queries: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    table: BatchArrays,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row of the table, service and response time, SubGraph before and after: [query] each.

    The last array are the queries in the order in which they were served.  A query's service time
    is its even share of that of its batch, whose last query brings in the SubGraph.  queries: the
    columns of a `Trace` and its slowdown.  In a closed loop no query waits, and none is batched.
    """
    arrived_ms, min_accuracy_percent, max_latency_ms, slowdown = queries
    count, (limit, subnets, _) = len(arrived_ms), table.batch_ms.shape
    row, order = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    cached, kept = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    service_ms, response_ms = np.empty(count), np.empty(count)
    demand = kept_demands(rule.mode, min_accuracy_percent, max_latency_ms, slowdown)
    looked_at = np.empty(max(LOOKED_AT, limit), dtype=np.int64)
    times_ms = np.empty((2, len(looked_at)))
    waiting = Waiting(looked_at, times_ms[0], times_ms[1], demand, slowdown)
    places, alone_ms = np.arange(limit), np.empty(subnets)
    closed_loop = arrived_ms[-1] == 0
    held, ahead, done, before = 0, 0, 0, 0  # `before`: the oldest query of the last batch
    subgraph, since, served, most = 0, 0, np.zeros(subnets), 1.0
    while done < count:
        if held == 0:
            waiting.query[0] = ahead
            held, ahead = 1, ahead + 1
        head, wait_ms = waiting.query[0], 0.0
        if done > 0 and not closed_loop:
            gap_ms = arrived_ms[head] - arrived_ms[before]
            wait_ms = max(response_ms[before] - gap_ms, 0.0)
        held, ahead = join_queue(waiting, held, ahead, wait_ms, arrived_ms, closed_loop)
        for place in range(held):
            waiting.left_ms[place] = max_latency_ms[waiting.query[place]] - waiting.waited_ms[place]
        target = subgraph
        if rule.every > 0 and since >= rule.every:
            target = nearest_subgraph(served, table.encoding_dot, table.encoding_norm)
            served[:] = 0.0
            since = 0
        for each in range(subnets):
            changing_ms = table.switch_ms[subgraph, target, each]
            alone_ms[each] = table.batch_ms[0, each, subgraph] + changing_ms
        if rule.selection == BY_MODE:
            changed = (subgraph, target)
            chosen, size = mates(rule, table, waiting, held, alone_ms, changed, places)
        elif rule.selection == FIXED:
            chosen, size = rule.fixed, min(held, int(most))
        else:
            chosen, size = fitting_slack(table, waiting, held, limit, subgraph)
        slow, strictest_ms = 1.0, np.inf
        for member in range(size):
            query = waiting.query[places[member]]
            slow = max(slow, slowdown[query])
            strictest_ms = min(strictest_ms, max_latency_ms[query])
        changing_ms = table.switch_ms[subgraph, target, chosen]
        takes_ms = (table.batch_ms[size - 1, chosen, subgraph] + changing_ms) * slow
        most = clippers_batch(most, size, takes_ms, strictest_ms, limit)
        for member in range(size):
            query = waiting.query[places[member]]
            row[query], service_ms[query] = (size - 1) * subnets + chosen, takes_ms / size
            response_ms[query] = waiting.waited_ms[places[member]] + takes_ms
            cached[query], kept[query] = subgraph, subgraph
            order[done + member] = query
        kept[order[done + size - 1]] = target
        done, since, before, subgraph = done + size, since + size, head, target
        served[chosen] += size
        held = leave_queue(waiting, held, places[:size])
    return row, service_ms, response_ms, cached, kept, order


def batch_arrays(table: LatencyTable) -> BatchArrays:
    """What of a table of batches the kernel reads."""
    subnets, sizes = table.subnets, np.arange(1, table.batch_limit + 1)
    by_size = table.latency_ms.reshape(table.batch_limit, subnets, -1)
    return BatchArrays(
        accuracy_percent=table.accuracy_percent[:subnets].copy(),
        batch_ms=by_size * sizes[:, None, None],
        switch_ms=table.switch_ms[:, :, :subnets].copy(),
        encoding_dot=table.encoding_dot[:subnets].copy(),
        encoding_norm=table.encoding_norm.copy(),
    )


def serve_in_batches(trace: Trace, table: LatencyTable, rule: Rule) -> Served:
    """The queries of `trace` in batches under a rule; table: of batches."""
    queries = (*trace.columns, trace.slowdown)
    row, service_ms, response_ms, cached, kept, order = serve_batches(
        rule, queries, batch_arrays(table)
    )
    return Served(
        subnet=row,
        cached=cached,
        kept=kept,
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=table.accuracy_percent[row],
        accelerator=np.zeros(len(row), dtype=np.int64),
        order=order,
    )


@compiled
def tally_batches(
    rules: tuple[int, np.ndarray, int, int],
    streams: StreamArrays,
    table: BatchArrays,
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of streams that `serve_batches` serves.

    rules: the fields of a `Rule`, with the fixed SubNet of each stream: [stream].
    """
    tally = empty_tally(len(streams.arrived_ms), switch_bytes.shape[2], switch_bytes.shape[0])
    for run in range(len(streams.arrived_ms)):
        queries = queries_of(streams, run)
        arrived_ms, min_accuracy_percent, max_latency_ms, _ = queries
        rule = Rule(rules[0], rules[1][run], rules[2], rules[3])
        row, service_ms, response_ms, _, kept, order = serve_batches(rule, queries, table)
        accuracy_percent = table.accuracy_percent[row % len(table.accuracy_percent)]
        served = row[order], service_ms[order], response_ms[order], accuracy_percent[order]
        wanted = min_accuracy_percent[order], max_latency_ms[order]
        subgraphs = 0, 1, kept[order]
        count_run(tally, run, subgraphs, served, wanted, switch_bytes, fetched_bytes)
        tally.last_ms[run] += arrived_ms[order[-1]] - arrived_ms[-1]
    return tally


def tally_in_batches(streams: Streams, table: LatencyTable, rules: Sequence[Rule]) -> Tally:
    """The sums over each of `streams` in batches, as `serve_in_batches` serves them.

    rules: of each stream; they differ in the SubNet that is fixed alone.
    """
    selection, _, mode, every = rules[0]
    fixed = np.array([rule.fixed for rule in rules])
    bytes_of = table.switch_bytes, table.fetched_bytes
    of_all = selection, fixed, mode, every
    return Tally(*tally_batches(of_all, streams.arrays, batch_arrays(table), *bytes_of))
