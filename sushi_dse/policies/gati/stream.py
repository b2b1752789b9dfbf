"""A trace served by GATI.

Each query has a difficulty, uniform from 0 to 1: a selector accepts an answer where the difficulty
of the query is below the acceptance of the cache.
"""

import numpy as np

from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.policies.gati.system import GatiTable
from sushi_dse.serving.queue import serve_with_one_subgraph
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import FloatArray, Trace


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
    accepted, accuracy_percent, refused_percent = _answers(table, given, len(trace), seed)
    if mode == STRICT_ACCURACY:
        accepted &= accuracy_percent >= trace.min_accuracy_percent
    accepted[-1] = True  # The whole network refuses no query.
    wanted = accepted.argmax(axis=0)
    # A query that ends before the row that it wants takes an answer that was refused.
    ends_early = np.arange(len(accepted))[:, None] < wanted
    percent = np.where(ends_early, refused_percent, accuracy_percent)
    kept = table.latency_ms.shape[1] - 1
    return serve_with_one_subgraph(wanted, percent, trace, table, kept, mode)


def _answers(
    table: GatiTable, parameters: Gati, queries: int, seed: int
) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Whether each answer is accepted, and its accuracy if it is and if not: [row, query] each."""
    difficulty_rng, stream_rng = np.random.default_rng(seed).spawn(2)
    freshness = parameters.freshness(queries, stream_rng)
    over_all_classes = np.append(table.agreement, 1.0)[:, None]  # The whole network agrees always.
    agreement = parameters.agreement_now(over_all_classes, freshness)
    top1_percent = table.top1_percent[-1]
    return (
        difficulty_rng.random(queries) < parameters.acceptance(agreement),
        top1_percent * parameters.precision(agreement),
        top1_percent * parameters.refused_agreement(agreement),
    )
