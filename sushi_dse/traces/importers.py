"""Published request logs as traces: the log's arrivals, and demands made of its columns.

A request's size is no demand.  It is mapped to one *by rank*, over the range that the workload's
SubNets span: sizes are spread over several orders of magnitude, so that in proportion nearly all
requests would demand the least, whereas ranks give every place in the range the same share of
queries, as the synthetic demands do.  Equal sizes share their mean rank, so that a demand depends
on the size alone and not on where in the log it stands.

In a log of a large language model (an assumption; the logs carry no demands of their own):

* the longer the answer, the more accurate the SubNet that the query demands: a request worth more
  computation is worth a better answer;
* the longer the prompt, the longer the query may take: its latency without any load grows with it,
  and deadlines are stated in multiples of that (Patel et al., Splitwise, ISCA 2024).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sushi_dse.errors import UserError
from sushi_dse.traces.generators import LIMITS, spread
from sushi_dse.traces.logs import TIME_UNITS, LogColumns, TimeArray, read_log
from sushi_dse.traces.trace import FloatArray, Trace

AZURE_LLM = LogColumns(
    arrived="TIMESTAMP", accuracy="GeneratedTokens", latency="ContextTokens", rank=True
)
"""The Azure LLM inference traces of 2023 and 2024 (CC-BY 4.0; Patel et al., Splitwise, 2024)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A trace made of a log, and what was not as it should be, a line each."""

    trace: Trace
    warnings: tuple[str, ...]


def rank_places(values: FloatArray) -> FloatArray:
    """The place of each value by its rank, 0 of the least to 1 of the greatest: [value].

    Equal values share their mean rank; where all are equal, they lie in the middle.

    >>> rank_places(np.array([30.0, 10.0, 500.0, 30.0])).tolist()
    [0.5, 0.0, 1.0, 0.5]
    """
    encoded = pa.array(values + 0.0).dictionary_encode()  # + 0.0: -0.0 is 0.0
    kinds = encoded.indices.to_numpy()
    order = np.argsort(encoded.dictionary.to_numpy())
    if len(order) == 1:
        return np.full(len(values), 0.5)
    counts = np.bincount(kinds)[order]
    mean_ranks = counts.cumsum() - 0.5 * counts
    places = np.empty(len(order))
    places[order] = (mean_ranks - mean_ranks[0]) / (mean_ranks[-1] - mean_ranks[0])
    return np.asarray(places[kinds])


def import_log(
    path: Path,
    columns: LogColumns,
    *,
    accuracy_percent: tuple[float, float],
    latency_ms: tuple[float, float],
    rate_per_s: float | None = None,
    limit: int | None = None,
) -> Imported:
    """The first `limit` requests of a log, in the order of their arrival, as a trace.

    It begins with the first arrival.  Without a rate it keeps the log's own times; with one, all of
    them are stretched alike.  The two ranges, (low, high), are those that ranks are spread over; a
    demand that no column stands for is the laxest of its range.  Raises `UserError` where the log,
    or a trace of it, cannot be had.
    """
    log = read_log(path, columns)
    order, warnings = _by_arrival(path, log.arrived, columns.arrived)
    taken = order[:limit]

    def demand(column: str | None, span: tuple[float, float], laxest: float) -> FloatArray:
        if column is None:
            return np.full(len(taken), laxest)
        values = log.demands[column][taken]
        return spread(rank_places(values), span) if columns.rank else values

    try:
        if limit is not None and not LIMITS["queries"].holds(limit):
            raise ValueError(f"{LIMITS['queries'].law('limit')} must hold, got {limit}")
        trace = Trace(
            arrived_ms=_rescaled(_elapsed_ms(log.arrived[taken], columns.time_unit), rate_per_s),
            min_accuracy_percent=demand(columns.accuracy, accuracy_percent, accuracy_percent[0]),
            max_latency_ms=demand(columns.latency, latency_ms, latency_ms[1]),
        )
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    return Imported(trace=trace, warnings=log.warnings + warnings)


def _by_arrival(
    path: Path, arrived: TimeArray, name: str
) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    """The rows in the order of their arrival, equal times as in the log, and a warning if moved."""
    backwards = np.flatnonzero(arrived[1:] < arrived[:-1])
    if not len(backwards):
        return np.arange(len(arrived)), ()
    warning = (
        f"{path}: {len(backwards)} rows run backwards, the first is row {backwards[0] + 2} below "
        f"the header; sorted by {name}"
    )
    return np.argsort(arrived, kind="stable"), (warning,)


def _elapsed_ms(arrived: TimeArray, time_unit: str) -> FloatArray:
    """The times since the first, in ms; raises `ValueError` where all are one."""
    if not len(arrived) or arrived[0] == arrived[-1]:
        raise ValueError("all requests arrive at one time; a trace needs two times or more")
    multiplied, divided = TIME_UNITS[time_unit]
    return np.asarray((arrived - arrived[0]) * multiplied / divided)


def _rescaled(arrived_ms: FloatArray, rate_per_s: float | None) -> FloatArray:
    """The times stretched to a mean rate, that is one over the mean gap; as they are without."""
    if rate_per_s is None:
        return arrived_ms
    if not LIMITS["rate_per_s"].holds(rate_per_s):
        raise ValueError(f"{LIMITS['rate_per_s'].law('rate_per_s')} must hold, got {rate_per_s}")
    wanted_ms = 1e3 * (len(arrived_ms) - 1) / rate_per_s
    return np.asarray(arrived_ms / arrived_ms[-1] * wanted_ms)
