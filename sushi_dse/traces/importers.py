"""Published request logs as traces: the log's arrivals, and demands made of its columns.

A request's size is no demand.  It is mapped to one *by rank*, over the range that the workload's
SubNets span: sizes are spread over several orders of magnitude, so that in proportion nearly all
requests would demand the least, whereas ranks make the demands uniform over the range, as the
synthetic ones are.  Equal sizes share their mean rank, so that a demand depends on the size alone
and not on its row in the log.

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
from sushi_dse.traces.log_columns import TIME_UNITS, LogColumns, TimeArray
from sushi_dse.traces.logs import read_log
from sushi_dse.traces.trace import FloatArray, Trace

AZURE_LLM = LogColumns(
    arrived="TIMESTAMP", accuracy="GeneratedTokens", latency="ContextTokens", rank=True
)
"""The Azure LLM inference traces of 2023 and 2024 (CC-BY 4.0; Patel et al., Splitwise, 2024)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A trace made of a log."""

    trace: Trace
    warnings: tuple[str, ...]  # one line for each irregularity of the log


def rank_fractions(values: FloatArray) -> FloatArray:
    """The rank of each value as a fraction, 0 for the least to 1 for the greatest: [value].

    Equal values share their mean rank; where all are equal, it is 0.5.

    >>> rank_fractions(np.array([30.0, 10.0, 500.0, 30.0])).tolist()
    [0.5, 0.0, 1.0, 0.5]
    """
    encoded = pa.array(values + 0.0).dictionary_encode()  # Adding 0.0 turns -0.0 into 0.0.
    distinct = encoded.indices.to_numpy()
    order = np.argsort(encoded.dictionary.to_numpy())
    if len(order) == 1:
        return np.full(len(values), 0.5)
    counts = np.bincount(distinct)[order]
    mean_ranks = counts.cumsum() - 0.5 * counts
    fractions = np.empty(len(order))
    fractions[order] = (mean_ranks - mean_ranks[0]) / (mean_ranks[-1] - mean_ranks[0])
    return np.asarray(fractions[distinct])


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

    Time 0 is the first arrival.  Without a rate the times of the log are kept; with one, all of
    them are scaled to that mean rate.  Ranks are spread over the two ranges, (low, high); a demand
    that no column stands for is the laxest of its range.  `UserError` where the log cannot be read,
    or makes no trace.
    """
    log = read_log(path, columns)
    order, warnings = _by_arrival(path, log.arrived, columns.arrived)
    taken = order[:limit]

    def demand(column: str | None, span: tuple[float, float], laxest: float) -> FloatArray:
        if column is None:
            return np.full(len(taken), laxest)
        values = log.demands[column][taken]
        return spread(rank_fractions(values), span) if columns.rank else values

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
    """The numbers of the rows by arrival, stable, and a warning where that is not their order."""
    backwards = np.flatnonzero(arrived[1:] < arrived[:-1])
    if not len(backwards):
        return np.arange(len(arrived)), ()
    warning = (
        f"{path}: {len(backwards)} rows run backwards, the first is row {backwards[0] + 2} below "
        f"the header; sorted by {name}"
    )
    return np.argsort(arrived, kind="stable"), (warning,)


def _elapsed_ms(arrived: TimeArray, time_unit: str) -> FloatArray:
    """The time of each row since the first one, in ms; `ValueError` where all are equal."""
    if not len(arrived) or arrived[0] == arrived[-1]:
        raise ValueError("all requests arrive at one time; a trace needs two times or more")
    multiplied, divided = TIME_UNITS[time_unit]
    return np.asarray((arrived - arrived[0]) * multiplied / divided)


def _rescaled(arrived_ms: FloatArray, rate_per_s: float | None) -> FloatArray:
    """The times scaled to a mean rate, which is one over the mean gap; unchanged without a rate."""
    if rate_per_s is None:
        return arrived_ms
    if not LIMITS["rate_per_s"].holds(rate_per_s):
        raise ValueError(f"{LIMITS['rate_per_s'].law('rate_per_s')} must hold, got {rate_per_s}")
    wanted_ms = 1e3 * (len(arrived_ms) - 1) / rate_per_s
    return np.asarray(arrived_ms / arrived_ms[-1] * wanted_ms)
