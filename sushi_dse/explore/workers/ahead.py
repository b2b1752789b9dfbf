"""Kernels of serving, compiled in a process of their own while those of the model are compiled.

Nobody can serve before there is a latency table, so one process would compile them one after the
other.  Serving needs of a table, though, no more than its kinds of arrays, and so it is compiled on
a table of zeros.
"""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.explore.workers.processes import Worker
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.latency_table import SUMS, LatencyTable
from sushi_dse.model.subgraphs import SubGraphs
from sushi_dse.policies.policy import Policy
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace

SUBNETS, SUBGRAPHS, QUERIES, EVERY = 2, 2, 2, 1  # of the table of zeros and its trace
NONE_OF = range(1)  # stands for a block, as a worker is given one


@contextmanager
def compiling_ahead(experiment: Experiment) -> Iterator[None]:
    """The context in which the kernels that serve the policies are compiled, if not before.

    They are those of policies that are served query by query on one accelerator, and the slowest to
    compile.  Compiling is ended with the context, as whoever needs a kernel waits for it or
    compiles it.
    """
    policies = [experiment.policy(name) for name in experiment.policies]
    waiting = [one for one in policies if one.kernel is not None and not one.kernel.is_compiled]
    is_one = experiment.trace is not None and experiment.pool.accelerators == 1
    if not (waiting and is_one):
        yield
        return
    worker = Worker(pickle.dumps(partial(compile_serving, waiting, experiment.mode)))
    worker.start(NONE_OF)
    worker.begin()
    try:
        yield
    finally:
        worker.end()


def compile_serving(policies: list[Policy], mode: str, _block: range) -> bytes:
    """Compile what the policies need to serve on the table of a design; there is no result."""
    table, ones = table_of_zeros(), np.ones(QUERIES)
    trace = Trace(arrived_ms=0 * ones, min_accuracy_percent=0 * ones, max_latency_ms=ones)
    for policy in policies:
        policy.tallied(Streams([trace]), table, mode=mode, every=EVERY)
    return b""


def table_of_zeros() -> LatencyTable:
    """A latency table of the kinds of arrays that the table of a design has."""
    square, cube = (SUBGRAPHS, SUBGRAPHS), (SUBGRAPHS, SUBGRAPHS, SUBNETS)
    of_both = np.zeros((SUBNETS, SUBGRAPHS))
    of_layer = np.zeros((SUBGRAPHS, 1), dtype=np.int64)
    return LatencyTable(
        subnet_names=tuple(map(str, range(SUBNETS))),
        subgraphs=SubGraphs((), kernels=of_layer, channels=of_layer),
        accuracy_percent=_read_only(np.zeros(SUBNETS)),
        macs=np.zeros(SUBNETS),
        weight_bytes=np.zeros(SUBNETS),
        latency_ms=of_both.copy(),
        cost=LayerCost._make(of_both for _ in LayerCost._fields),
        sums=np.zeros((len(SUMS), SUBNETS, SUBGRAPHS)),
        switch_bytes=np.zeros(cube, dtype=np.int64),
        switch_ms=np.zeros(cube),
        fetched_bytes=np.zeros(square, dtype=np.int64),
        encoding_dot=np.zeros((SUBNETS, SUBGRAPHS)),
        encoding_norm=np.zeros(SUBGRAPHS),
        own_subgraph=np.zeros(SUBNETS, dtype=np.int64),
    )


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
