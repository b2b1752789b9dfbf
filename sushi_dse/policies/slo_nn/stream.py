"""A trace served by SLO-NN.

Strict accuracy (ACLO in the paper): the least fraction whose confidence meets the demand.
Strict latency (LCAO): the largest fraction that answers in time at the slowdown of the query.
"""

from functools import lru_cache

import numpy as np

from sushi_dse.model.jit import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.slo_nn.parameters import SloNn, agreement
from sushi_dse.policies.slo_nn.system import DEFAULTS
from sushi_dse.serving.queue import one_subgraph_ms, serve_rows, served_with_one
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import FloatArray, Trace

STREAMS = 64  # streams whose difficulties are kept


@lru_cache(maxsize=STREAMS)
def difficulties(queries: int, seed: int) -> FloatArray:
    """The difficulty of each input, 0 to 1: [query]; a longer stream begins with a shorter one."""
    drawn = np.random.default_rng(seed).random(queries)
    drawn.setflags(write=False)
    return drawn


@compiled
def least_fractions(
    min_accuracy_percent: np.ndarray,
    needed: np.ndarray,
    fractions: np.ndarray,
    accuracy_percent: float,
    ranking_exponent: float,
) -> np.ndarray:
    """The first row whose confidence meets the demand, or the last where none does: [query].

    needed: [query], the fraction that answers as all nodes do; fractions: [row].
    """
    last = len(fractions) - 1
    wanted = np.empty(len(needed), dtype=np.int64)
    for query in range(len(needed)):
        first = last
        for row in range(last):  # All of them: vector code is faster than to stop at one.
            confidence = accuracy_percent * agreement(
                fractions[row], needed[query], ranking_exponent
            )
            first = min(first, row if confidence >= min_accuracy_percent[query] else last)
        wanted[query] = first
    return wanted


def serve_slo_nn(
    trace: Trace,
    table: LatencyTable,
    mode: int,
    every: int,
    *,
    parameters: SloNn = DEFAULTS,
    seed: int = 0,
) -> Served:
    """The queries of `trace` as SLO-NN serves them on a table of `slo_nn_system`.

    The table must be made with the same parameters (`ValueError` otherwise).  The accuracy of a
    query is the one expected of an input of its difficulty at its fraction.  The difficulty is the
    trace's `input_difficulty`, or drawn from `seed` where it has none.  Deadlines count from
    arrival, so strict latency sees the queue.  The common part is loaded with the first query, at
    its cost, and stays: `every` is not read.
    """
    if table.subnet_names != tuple(map(str, parameters.fractions)):
        raise ValueError("the rows of the table must be the fractions of the parameters")
    hard = trace.input_difficulty
    if hard is None:
        hard = difficulties(len(trace), seed)
    fractions, accuracy_percent = np.array(parameters.fractions), float(table.accuracy_percent[-1])
    wanted = np.full(len(trace), len(fractions) - 1)
    if mode == STRICT_ACCURACY:
        needed, exponent = parameters.needed_fraction(hard), float(parameters.ranking_exponent)
        wanted = least_fractions(
            trace.min_accuracy_percent, needed, fractions, accuracy_percent, exponent
        )
    kept = int(table.subgraphs.kernels[-1].any())
    row, service_ms, response_ms = serve_rows(wanted, one_subgraph_ms(table, kept), trace, mode)
    confidence = accuracy_percent * parameters.agreement(fractions[row], hard)
    return served_with_one(kept, row, service_ms, response_ms, confidence)
