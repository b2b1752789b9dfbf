"""Serving in batches: what a policy calls, and the sums over streams."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from sushi_dse.model.jit import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.batch_kernels import serve_batches
from sushi_dse.serving.batch_rules import BatchArrays, Rule
from sushi_dse.serving.by_queue import BY_MODE
from sushi_dse.serving.served import Served, Tally, count_run, empty_tally
from sushi_dse.serving.streams import StreamArrays, Streams, of_rows, queries_of
from sushi_dse.traces.trace import Trace

TABLES = 4  # of which the arrays are kept


@lru_cache(maxsize=TABLES)
def batch_arrays(table: LatencyTable) -> BatchArrays:
    """What of a table of batches the kernel reads; the arrays cannot be written to."""
    subnets, sizes = table.subnets, np.arange(1, table.batch_limit + 1)
    by_size = table.latency_ms.reshape(table.batch_limit, subnets, -1)
    arrays = BatchArrays(
        accuracy_percent=table.accuracy_percent.copy(),
        batch_ms=by_size * sizes[:, None, None],
        switch_ms=table.switch_ms[:, :, :subnets].copy(),
        encoding_dot=table.encoding_dot[:subnets].copy(),
        encoding_norm=table.encoding_norm.copy(),
    )
    for array in arrays:
        array.setflags(write=False)
    return arrays


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
        accurate, fast = min_accuracy_percent.copy(), max_latency_ms.copy()
        if rule.selection == BY_MODE:  # The others serve the queries as they come.
            row, kept = of_rows(row, order), of_rows(kept, order)
            service_ms, response_ms = of_rows(service_ms, order), of_rows(response_ms, order)
            accurate, fast = of_rows(accurate, order), of_rows(fast, order)
        served = row, service_ms, response_ms, of_rows(table.accuracy_percent, row)
        count_run(tally, run, (0, 1, kept), served, (accurate, fast), switch_bytes, fetched_bytes)
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
