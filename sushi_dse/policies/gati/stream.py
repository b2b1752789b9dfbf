"""A trace served by GATI.

Each query has a difficulty, uniform from 0 to 1: a selector accepts an answer where the difficulty
of the query is below the acceptance of the cache.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.gati.parameters import (
    Gati,
    acceptance,
    agreement_now,
    refused_agreement,
    rising_to_1,
)
from sushi_dse.policies.gati.system import GatiTable
from sushi_dse.serving.queue import one_subgraph_ms, serve_rows, served_with_one
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import FloatArray, Trace

STREAMS = 64  # streams that are kept


def serve_gati(
    trace: Trace,
    table: LatencyTable,
    mode: int,
    every: int,
    *,
    parameters: Gati | None = None,
    seed: int = 0,
) -> Served:
    """The queries of `trace` as GATI serves them on a table of `gati_system`.

    The first accepted answer ends a query.  Strict accuracy: an exit whose expected accuracy is
    below the demand does not count.  Strict latency: where no answer was accepted in time, the last
    exit in time answers (the deadline counts from arrival), or the first exit where none is in
    time.  `parameters` are by default those of the table; the stream and the caches draw from
    `seed`.  The SubGraph is loaded with the first query, at its cost, and stays: `every` is not
    read.  `ValueError` for a table that is not GATI's.
    """
    if not isinstance(table, GatiTable):
        raise ValueError("the table must come from gati_system: a row for each exit")
    given = table.parameters if parameters is None else parameters
    difficulty, freshness = _stream(
        len(trace),
        seed,
        given.mean_queries_between_shifts,
        given.retrain_every_queries,
        given.recovery,
    )
    agreement = np.append(table.agreement, 1.0)  # The whole network agrees always.
    shares = given.locality, given.shift_loss, given.selector_recall, given.selector_precision
    rates = Rates(agreement, float(table.accuracy_percent[-1]), *map(float, shares))
    wanted = first_accepted(mode, difficulty, freshness, trace.min_accuracy_percent, rates)
    kept = table.latency_ms.shape[1] - 1
    row, service_ms, response_ms = serve_rows(wanted, one_subgraph_ms(table, kept), trace, mode)
    percent = answer_percent(row, wanted, freshness, rates)
    return served_with_one(kept, row, service_ms, response_ms, percent)


@lru_cache(maxsize=STREAMS)
def _stream(
    queries: int,
    seed: int,
    mean_queries_between_shifts: float,
    retrain_every_queries: int,
    recovery: float,
) -> tuple[FloatArray, FloatArray]:
    """The difficulty of each query, and the freshness of the caches: [query] each."""
    difficulty_rng, stream_rng = np.random.default_rng(seed).spawn(2)
    parameters = Gati(
        mean_queries_between_shifts=mean_queries_between_shifts,
        retrain_every_queries=retrain_every_queries,
        recovery=recovery,
    )
    drawn = difficulty_rng.random(queries), parameters.freshness(queries, stream_rng)
    for array in drawn:
        array.setflags(write=False)
    return drawn


class Rates(NamedTuple):
    """What the accuracy of answers, and whether they are accepted, depend on beside the stream."""

    agreement: np.ndarray  # [row]: over all classes
    accuracy_percent: float  # of the whole network
    locality: float
    shift_loss: float
    selector_recall: float
    selector_precision: float


@kernel_part
def write_row_rates(freshness: float, rates: Rates, row_rates: np.ndarray) -> None:
    """Write what each row is at a freshness: [3, row].

    The share of its answers that is accepted, and the expected accuracy of an answer that is, and
    of one that is not.
    """
    recall, precision = rates.selector_recall, rates.selector_precision
    for row in range(len(rates.agreement)):
        now = agreement_now(rates.agreement[row], freshness, rates.locality, rates.shift_loss)
        row_rates[0, row] = acceptance(now, recall, precision)
        row_rates[1, row] = rates.accuracy_percent * rising_to_1(precision, now)
        row_rates[2, row] = rates.accuracy_percent * refused_agreement(now, recall, precision)


@compiled
def first_accepted(
    mode: int,
    difficulty: np.ndarray,
    freshness: np.ndarray,
    min_accuracy_percent: np.ndarray,
    rates: Rates,
) -> np.ndarray:
    """The first row whose answer is accepted, or that of the whole network: [query]."""
    last = len(rates.agreement) - 1  # The whole network refuses no query.
    wanted, row_rates = np.empty(len(difficulty), dtype=np.int64), np.empty((3, last + 1))
    for query in range(len(difficulty)):
        if query == 0 or freshness[query] != freshness[query - 1]:
            write_row_rates(freshness[query], rates, row_rates)
        first = last
        for row in range(last):
            accepted = difficulty[query] < row_rates[0, row]
            if mode == STRICT_ACCURACY:
                accepted &= row_rates[1, row] >= min_accuracy_percent[query]
            first = min(first, row if accepted else last)
        wanted[query] = first
    return wanted


@compiled
def answer_percent(
    row: np.ndarray, wanted: np.ndarray, freshness: np.ndarray, rates: Rates
) -> np.ndarray:
    """The expected accuracy of the answer of each query: [query].

    A query that ends before the row that it wants takes an answer that was refused.
    """
    percent, row_rates = np.empty(len(row)), np.empty((3, len(rates.agreement)))
    for query in range(len(row)):
        if query == 0 or freshness[query] != freshness[query - 1]:
            write_row_rates(freshness[query], rates, row_rates)
        is_refused = row[query] < wanted[query]
        percent[query] = row_rates[1 + is_refused, row[query]]
    return percent
