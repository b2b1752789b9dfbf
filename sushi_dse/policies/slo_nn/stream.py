"""A trace served by SLO-NN.

Strict accuracy (ACLO in the paper): the least fraction whose confidence meets the demand.
Strict latency (LCAO): the largest fraction that answers in time at the slowdown of the query.
"""

import numpy as np

from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.slo_nn.parameters import SloNn
from sushi_dse.policies.slo_nn.system import DEFAULTS
from sushi_dse.serving.queue import serve_with_one_subgraph
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import FloatArray, Trace


def difficulties(queries: int, seed: int) -> FloatArray:
    """The difficulty of each input, 0 to 1: [query]; a longer stream begins with a shorter one."""
    return np.random.default_rng(seed).random(queries)


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
    fractions, top1_percent = np.array(parameters.fractions), float(table.top1_percent[-1])
    confidence = top1_percent * parameters.agreement(fractions, hard[:, None])  # [query, row]
    wanted = np.full(len(trace), len(fractions) - 1)
    if mode == STRICT_ACCURACY:
        meets = confidence >= trace.min_accuracy_percent[:, None]
        wanted = np.where(meets.any(axis=1), meets.argmax(axis=1), wanted)
    kept = int(table.subgraphs.kernels[-1].any())
    return serve_with_one_subgraph(wanted, confidence.T, trace, table, kept, mode)
