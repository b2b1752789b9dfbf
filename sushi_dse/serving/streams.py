"""Streams: traces that are served on one table one after the other, and the sums over each.

The service levels of a trace are such streams.  No Python stands between a stream and its sums.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.by_queue import serve_by_queue
from sushi_dse.serving.kernel import TableArrays, columns_of, nothing_known, serve_knowing
from sushi_dse.serving.many import serve_on_many
from sushi_dse.serving.queue import ONE, Pool, Queries, one_subgraph_ms
from sushi_dse.serving.served import Tally, count_each, count_run, empty_tally, until_last_answer
from sushi_dse.traces.trace import FloatArray, Trace

STACKED = 8  # sets of traces whose columns are kept


class StreamArrays(NamedTuple):
    """The columns of several traces of one length; each array is [stream, query]."""

    arrived_ms: np.ndarray
    min_accuracy_percent: np.ndarray
    max_latency_ms: np.ndarray
    slowdown: np.ndarray


class Streams:
    """Traces of one length, in an order, or the same queries arriving faster."""

    def __init__(self, traces: Sequence[Trace], speeds: FloatArray | None = None) -> None:
        """Make the streams of `traces`, each arriving so many times as fast: [stream].

        The traces as they are given remain at hand as `given`.
        """
        self.given = tuple(traces)
        self._speeds = speeds

    def __len__(self) -> int:
        return len(self.given)

    def windows(self, every: int) -> int:
        """The number of windows of `every` queries in each stream."""
        return -(-len(self.given[0]) // every)

    def faster(self, speeds: FloatArray) -> "Streams":
        """The streams with their arrivals, and nothing else, so many times as fast: [stream]."""
        return Streams(self.given, speeds if self._speeds is None else self._speeds * speeds)

    @cached_property
    def traces(self) -> tuple[Trace, ...]:
        """The traces, each with its arrivals at its speed."""
        if self._speeds is None:
            return self.given
        arrived_ms = self.arrays.arrived_ms
        return tuple(
            replace(trace, arrived_ms=own)
            for trace, own in zip(self.given, arrived_ms, strict=True)
        )

    @cached_property
    def arrays(self) -> StreamArrays:
        """The columns of the traces, which cannot be written to."""
        stacked = _stacked(self.given)
        if self._speeds is None:
            return stacked
        arrived_ms = stacked.arrived_ms / self._speeds[:, None]
        arrived_ms.setflags(write=False)
        return stacked._replace(arrived_ms=arrived_ms)


@lru_cache(maxsize=STACKED)
def _stacked(traces: tuple[Trace, ...]) -> StreamArrays:
    """The columns of traces of one length, which cannot be written to."""
    of_each = [(*trace.columns, trace.slowdown) for trace in traces]
    columns = [np.stack(column) for column in zip(*of_each, strict=True)]
    for array in columns:
        array.setflags(write=False)
    return StreamArrays(*columns)


@kernel_part
def queries_of(streams: StreamArrays, run: int) -> Queries:
    """The columns of one stream: arrivals, accuracy and latency demands, slowdown, [query] each."""
    return (
        streams.arrived_ms[run],
        streams.min_accuracy_percent[run],
        streams.max_latency_ms[run],
        streams.slowdown[run],
    )


@kernel_part
def of_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The value of the row of each query: `values[rows]`, which takes Numba long to compile."""
    found = np.empty(len(rows), dtype=values.dtype)
    for query in range(len(rows)):
        found[query] = values[rows[query]]
    return found


@compiled
def tally_by_rules(
    recaching: int,
    mode: int,
    every: int,
    schedules: np.ndarray,
    streams: StreamArrays,
    table: TableArrays,
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of streams that `serve_queries` serves; schedules: [stream, window]."""
    tally = empty_tally(len(streams.arrived_ms), switch_bytes.shape[2], switch_bytes.shape[0])
    known = nothing_known(recaching, every, table)
    for run in range(len(streams.arrived_ms)):
        queries = queries_of(streams, run)
        subnet, service_ms, response_ms, kept = serve_knowing(
            known, recaching, mode, every, schedules[run], queries, table
        )
        served = subnet, service_ms, response_ms, of_rows(table.accuracy_percent, subnet)
        count_run(tally, run, (0, every, kept), served, queries[1:3], switch_bytes, fetched_bytes)
    return tally


@compiled
def tally_by_many(
    recaching: int,
    mode: int,
    every: int,
    scheduled: np.ndarray,
    streams: StreamArrays,
    table: TableArrays,
    pool: Pool,
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of streams that `serve_on_many` serves; scheduled: [stream]."""
    tally = empty_tally(len(streams.arrived_ms), switch_bytes.shape[2], switch_bytes.shape[0])
    for run in range(len(streams.arrived_ms)):
        queries = queries_of(streams, run)
        subnet, service_ms, response_ms, before, after, _ = serve_on_many(
            recaching, mode, every, scheduled[run], queries, table, pool
        )
        served = subnet, service_ms, response_ms, of_rows(table.accuracy_percent, subnet)
        count_each(tally, run, (before, after), served, queries[1:3], switch_bytes, fetched_bytes)
        tally.last_ms[run] = until_last_answer(queries[0], response_ms)
    return tally


@compiled
def tally_by_queue(
    rule: int,
    fixed: np.ndarray,
    kept: int,
    streams: StreamArrays,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    accelerators: int,
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of streams that `serve_by_queue` serves with SubGraph `kept`; fixed: [stream]."""
    tally = empty_tally(len(streams.arrived_ms), switch_bytes.shape[2], switch_bytes.shape[0])
    throughout = np.array([kept])
    for run in range(len(streams.arrived_ms)):
        queries = queries_of(streams, run)
        subnet, service_ms, response_ms, _ = serve_by_queue(
            rule, fixed[run], accuracy_percent, latency_ms, queries, accelerators
        )
        served = subnet, service_ms, response_ms, of_rows(accuracy_percent, subnet)
        subgraphs = 0, len(subnet), throughout
        count_run(tally, run, subgraphs, served, queries[1:3], switch_bytes, fetched_bytes)
        if accelerators > 1:
            tally.last_ms[run] = until_last_answer(queries[0], response_ms)
    return tally


def tally_with_rules(
    streams: Streams,
    table: LatencyTable,
    recaching: int,
    schedules: np.ndarray,
    *,
    mode: int,
    every: int,
    pool: Pool = ONE,
) -> Tally:
    """The sums over each of `streams` under a rule of recaching, as `serve_by_rules` serves it.

    schedules: [stream, window], the SubGraphs of a SCHEDULED rule; several accelerators keep the
    first one throughout, as `serve_with_many` does.
    """
    columns, bytes_of = columns_of(table), (table.switch_bytes, table.fetched_bytes)
    if pool.accelerators > 1:
        arrays, rest = streams.arrays, (pool, *bytes_of)
        first = np.ascontiguousarray(schedules[:, 0])
        return Tally(*tally_by_many(recaching, mode, every, first, arrays, columns, *rest))
    return Tally(
        *tally_by_rules(recaching, mode, every, schedules, streams.arrays, columns, *bytes_of)
    )


def tally_with_rule(
    streams: Streams,
    table: LatencyTable,
    rule: int,
    *,
    fixed: np.ndarray,
    kept: int = 0,
    pool: Pool = ONE,
) -> Tally:
    """The sums over each of `streams` under a rule that sees the queue, as `serve_with_rule` does.

    fixed: [stream], the SubNet that rule FIXED serves.
    """
    latency_ms, bytes_of = one_subgraph_ms(table, kept), (table.switch_bytes, table.fetched_bytes)
    of_table = table.accuracy_percent, latency_ms
    return Tally(
        *tally_by_queue(rule, fixed, kept, streams.arrays, *of_table, pool.accelerators, *bytes_of)
    )
