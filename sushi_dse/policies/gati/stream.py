"""A trace served by GATI, and what it gains over the whole network.

Each query has a difficulty, uniform from 0 to 1: a selector accepts the answer to it where the
difficulty is below the acceptance of its cache at that query.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.model.network import Network
from sushi_dse.policies.gati.parameters import PUBLISHED_BLOCKS, PUBLISHED_SPEEDUP, Gati
from sushi_dse.policies.gati.system import DEFAULTS, GatiTable, gati_system
from sushi_dse.serving.queue import wait_before
from sushi_dse.serving.selection import STRICT_ACCURACY, STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import FloatArray, Trace

LOCALITIES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speedup:
    """What is expected of fresh caches, a closed loop and no demands, at one locality."""

    locality: float
    hit_share: float  # of queries that end at a cache
    latency_ms: float
    speedup: float  # over the whole network without caches, the Persistent Buffer in use
    accuracy_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BestSpeedup:
    """The speed-up by locality, and what it comes to where every query ends at the first place."""

    whole_network_ms: float  # without caches, its layers in the Persistent Buffer by value
    by_locality: tuple[Speedup, ...]
    ceiling: float
    published: float = PUBLISHED_SPEEDUP

    @property
    def best(self) -> Speedup:
        """The greatest speed-up of those localities."""
        return max(self.by_locality, key=lambda at: at.speedup)


def serve_gati(
    trace: Trace,
    table: LatencyTable,
    mode: int,
    every: int,
    *,
    parameters: Gati | None = None,
    seed: int = 0,
) -> Served:
    """What GATI does with `trace` on a table of `gati_system`: the first accepted answer ends it.

    Strict accuracy: an exit whose expected accuracy is below the demand does not count.  Strict
    latency: where no answer was accepted in time, that of the last exit in time is taken (the
    deadline counts from arrival), and of the first exit where none is.  `parameters` are by default
    those of the table; the stream and the caches draw from `seed`.  What the Persistent Buffer
    keeps comes in with the first query, at its cost, and stays: `every` is not read.
    """
    if not isinstance(table, GatiTable):
        raise ValueError("the table must come from gati_system: a row for each exit")
    given = table.parameters if parameters is None else parameters
    queries = len(trace)
    accepted, accuracy_percent, refused_percent = _answers(table, given, queries, seed)
    if mode == STRICT_ACCURACY:
        accepted &= accuracy_percent >= trace.min_accuracy_percent
    accepted[-1] = True  # the whole network refuses no query
    wanted = accepted.argmax(axis=0)
    kept = table.latency_ms.shape[1] - 1
    row, service_ms, response_ms = _in_turn(trace, table, mode, wanted, kept)
    cached = np.full(queries, kept)
    cached[0] = 0
    percent = np.where(row < wanted, refused_percent, accuracy_percent)
    return Served(
        subnet=row,
        cached=cached,
        kept=np.full(queries, kept),
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=percent[row, np.arange(queries)],
    )


def _answers(
    table: GatiTable, parameters: Gati, queries: int, seed: int
) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Whether the answer of each row is accepted; accuracy if it is, and if not: [row, query]."""
    difficulty_rng, stream_rng = np.random.default_rng(seed).spawn(2)
    freshness = parameters.freshness(queries, stream_rng)
    over_all_classes = np.append(table.agreement, 1.0)[:, None]  # the whole network's own is 1
    agreement = parameters.agreement_now(over_all_classes, freshness)
    top1_percent = table.top1_percent[-1]
    return (
        difficulty_rng.random(queries) < parameters.acceptance(agreement),
        top1_percent * parameters.precision(agreement),
        top1_percent * parameters.refused_agreement(agreement),
    )


def _in_turn(
    trace: Trace, table: LatencyTable, mode: int, wanted: np.ndarray, kept: int
) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Row, service and response time of queries that want those rows, first come, first served."""
    first_ms = (table.latency_ms[:, 0] + table.switch_ms[0, kept]).tolist()
    then_ms = table.latency_ms[:, kept].tolist()
    rows: list[int] = wanted.tolist()
    service_ms: list[float] = []
    response_ms: list[float] = []
    arrived_ms, deadline_ms = trace.arrived_ms.tolist(), trace.max_latency_ms.tolist()
    slowdown, closed_loop = trace.slowdown.tolist(), trace.closed_loop
    for query, row in enumerate(rows):
        latency_ms = then_ms if query else first_ms
        wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
        if mode == STRICT_LATENCY:
            while row > 0 and wait_ms + latency_ms[row] * slowdown[query] > deadline_ms[query]:
                row -= 1
        rows[query] = row
        service_ms.append(latency_ms[row] * slowdown[query])
        response_ms.append(wait_ms + service_ms[-1])
    return np.array(rows), np.array(service_ms), np.array(response_ms)


def expected_exits(table: GatiTable) -> tuple[FloatArray, FloatArray]:
    """Share of queries that end in each row, and its accuracy in percent, caches fresh: [row]."""
    parameters = table.parameters
    accepted = parameters.acceptance(parameters.agreement_now(table.agreement, 1.0))
    ended = np.maximum.accumulate(np.concatenate(([0.0], accepted, [1.0])))
    return np.diff(ended), np.asarray(table.top1_percent)


def best_speedup(
    network: Network,
    accelerator: Accelerator,
    *,
    parameters: Gati = DEFAULTS,
    localities: Sequence[float] = LOCALITIES,
) -> BestSpeedup:
    """The expected speed-up at each locality, with the caches that are best for it.

    The whole network that it is set against has the Persistent Buffer to itself.  At the ceiling
    every query ends at the first place, whose predictor is then the fastest one.
    """
    alone, _ = gati_system(network, accelerator, parameters=parameters, keep={})
    whole_ms = float(alone.latency_ms[-1, -1])
    certain = {name: (100.0,) * PUBLISHED_BLOCKS for name in parameters.agreement_percent}
    first, _ = gati_system(
        network, accelerator, parameters=replace(parameters, agreement_percent=certain)
    )
    speedups = []
    for locality in localities:
        table, _ = gati_system(
            network, accelerator, parameters=replace(parameters, locality=locality)
        )
        share, accuracy_percent = expected_exits(table)
        latency_ms = float(share @ table.latency_ms[:, -1])
        speedups.append(
            Speedup(
                locality=locality,
                hit_share=float(share[:-1].sum()),
                latency_ms=latency_ms,
                speedup=whole_ms / latency_ms,
                accuracy_percent=float(share @ accuracy_percent),
            )
        )
    return BestSpeedup(
        whole_network_ms=whole_ms,
        by_locality=tuple(speedups),
        ceiling=whole_ms / float(first.latency_ms[0, -1]),
    )
