"""A trace served by SLO-NN, and what it gains over the whole network.

Strict accuracy (ACLO in the paper): the least fraction whose confidence meets the demand.
Strict latency (LCAO): the largest fraction that answers in time at the slowdown of the moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.kernel_cache import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.model.network import Network
from sushi_dse.policies.slo_nn.parameters import FREE, SloNn
from sushi_dse.policies.slo_nn.system import DEFAULTS, slo_nn_system
from sushi_dse.serving.queue import wait_before
from sushi_dse.serving.selection import STRICT_ACCURACY, STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import MAX_MS, FloatArray, Trace

PUBLISHED_SPEEDUPS = (1.3, 56.7)  # averages: least and greatest over its networks (abstract)
PUBLISHED_LOSS_PERCENT = 0.3  # of accuracy, at most (abstract)
TARGETS_BELOW_TOP1_PERCENT = (0.0, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speedup:
    """A closed loop of queries that all demand `target_percent`, against the whole network."""

    target_percent: float
    mean_fraction: float
    speedup: float  # the whole network's latency over the mean latency
    accuracy_percent: float  # mean
    loss_percent: float  # the whole network's top-1 less that mean


def difficulties(queries: int, seed: int) -> FloatArray:
    """The difficulty of each input, 0 to 1: [query]; a longer stream begins with a shorter one."""
    return np.random.default_rng(seed).random(queries)


@compiled
def serve_fractions(
    mode: int,
    confident: np.ndarray,
    slowdown: np.ndarray,
    arrived_ms: np.ndarray,
    max_latency_ms: np.ndarray,
    latency_ms: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, service and response time of each query: [query].

    confident: [query] least row whose confidence meets the demand; latency_ms: [2, row], of the
    first query and of those after it.
    """
    queries, rows = len(arrived_ms), latency_ms.shape[1]
    row = np.empty(queries, dtype=np.int64)
    service_ms, response_ms = np.empty(queries), np.empty(queries)
    closed_loop = arrived_ms[-1] == 0
    for query in range(queries):
        wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
        taken_ms = slowdown[query] * latency_ms[min(query, 1)]
        chosen = confident[query]
        if mode == STRICT_LATENCY:
            chosen = rows - 1
            while chosen > 0 and wait_ms + taken_ms[chosen] > max_latency_ms[query]:
                chosen -= 1
        row[query] = chosen
        service_ms[query] = taken_ms[chosen]
        response_ms[query] = wait_ms + taken_ms[chosen]
    return row, service_ms, response_ms


def column_of(
    name: str, values: FloatArray | None, default: FloatArray, least: float, most: float
) -> FloatArray:
    """`values`, or `default`; a `ValueError` where it is not one number in range for each query."""
    column = default if values is None else np.asarray(values, dtype=np.float64)
    if column.shape != default.shape:
        raise ValueError(f"{name} needs one value for each of {len(default)} queries")
    if not ((column >= least) & (column <= most)).all():
        raise ValueError(f"{least:g} <= {name} <= {most:g} must hold for every query")
    return column


def serve_slo_nn(
    trace: Trace,
    table: LatencyTable,
    mode: int,
    every: int,
    *,
    parameters: SloNn = DEFAULTS,
    difficulty: FloatArray | None = None,
    slowdown: FloatArray | None = None,
    seed: int = 0,
) -> Served:
    """What SLO-NN does with `trace` on a table that `slo_nn_system` made with the same parameters.

    The accuracy of a query is that expected of an input of its difficulty at its fraction.

    difficulty: [query], 0 to 1, by default the trace's `input_difficulty`, or drawn from `seed`
    where it has none; slowdown: [query] of co-location, at least 1, on the service time, by default
    the trace's `colocation_slowdown`, or none.  Deadlines count from arrival, so strict latency
    sees the queue.  The common part comes in with the first query, at its cost, and stays: `every`
    is not read.
    """
    if table.subnet_names != tuple(map(str, parameters.fractions)):
        raise ValueError("the rows of the table must be the fractions of the parameters")
    queries = len(trace)
    difficulty = trace.input_difficulty if difficulty is None else difficulty
    slowdown = trace.colocation_slowdown if slowdown is None else slowdown
    hard = column_of("difficulty", difficulty, difficulties(queries, seed), 0, 1)
    slow = column_of("slowdown", slowdown, np.ones(queries), 1, MAX_MS)
    fractions, top1_percent = np.array(parameters.fractions), float(table.top1_percent[-1])
    confidence = top1_percent * parameters.agreement(fractions, hard[:, None])  # [query, row]
    meets = confidence >= trace.min_accuracy_percent[:, None]
    confident = np.where(meets.any(axis=1), meets.argmax(axis=1), len(fractions) - 1)
    kept = int(table.subgraphs.kernels[-1].any())
    first_ms = table.latency_ms[:, 0] + table.switch_ms[0, kept]
    row, service_ms, response_ms = serve_fractions(
        mode,
        confident,
        slow,
        trace.arrived_ms,
        trace.max_latency_ms,
        np.stack([first_ms, table.latency_ms[:, kept]]),
    )
    cached = np.full(queries, kept)
    cached[0] = 0
    return Served(
        subnet=row,
        cached=cached,
        kept=np.full(queries, kept),
        service_ms=service_ms,
        response_ms=response_ms,
        accuracy_percent=confidence[np.arange(queries), row],
    )


def speedup_range(
    network: Network,
    accelerator: Accelerator,
    targets_percent: Sequence[float] | None = None,
    *,
    parameters: SloNn = DEFAULTS,
    queries: int = 10_000,
    seed: int = 0,
) -> tuple[Speedup, ...]:
    """The average speed-up at each accuracy target over the whole network with nothing cached.

    The targets are by default 0 to 3 points below the network's top-1.  Beside them stand
    `PUBLISHED_SPEEDUPS` and `PUBLISHED_LOSS_PERCENT`.
    """
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    alone, _ = slo_nn_system(network, accelerator, parameters=replace(parameters, activator=FREE))
    whole_ms, top1_percent = float(alone.latency_ms[-1, 0]), float(table.top1_percent[-1])
    if targets_percent is None:
        targets_percent = [top1_percent - below for below in TARGETS_BELOW_TOP1_PERCENT]
    fractions, speedups = np.array(parameters.fractions), []
    for target_percent in targets_percent:
        stream = Trace(
            arrived_ms=np.zeros(queries),
            min_accuracy_percent=np.full(queries, target_percent),
            max_latency_ms=np.full(queries, MAX_MS),
        )
        done = serve_slo_nn(stream, table, STRICT_ACCURACY, 1, parameters=parameters, seed=seed)
        accuracy_percent = float(done.accuracy_percent.mean())
        speedups.append(
            Speedup(
                target_percent=target_percent,
                mean_fraction=float(fractions[done.subnet].mean()),
                speedup=whole_ms / float(done.response_ms.mean()),
                accuracy_percent=accuracy_percent,
                loss_percent=top1_percent - accuracy_percent,
            )
        )
    return tuple(speedups)
