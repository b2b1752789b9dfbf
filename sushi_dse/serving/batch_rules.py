"""The rules by which queries that wait together share one pass over the weights of a SubNet.

A batch begins when the accelerator is free, with the oldest query that waits; nobody waits for a
batch to fill.  Who joins is up to a rule:

* by mode: each query's SubNet is selected as it is without batches, and those that get the SubNet
  of the oldest one join it, oldest first.  Nobody joins who would make a query late that would be
  in time if it were served alone now, or whom it would take longer to join than to be served alone.
* fixed, Clipper (NSDI 2017): all get one SubNet.  The largest batch grows by one query after a full
  batch within the latency objective, and shrinks by a tenth after one that exceeds it.  The
  objective is the strictest deadline in the batch (assumption).
* by slack, SlackFit (SuperServe, NSDI 2025): pairs of SubNet and batch size lie in buckets of equal
  latency; of the bucket nearest below the slack of the most urgent query the largest batch is
  taken, and of such the most accurate SubNet.

All is first come, first served otherwise, and a batch is slowed down as its slowest query is.
"""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.serving.selection import most_accurate_within

BATCH_LIMIT = 8  # queries of a batch at most, by default: assumption; plausible from 1 to 64
LOOKED_AT = 64  # oldest queries to choose from, or the limit: assumption; plausible from 8 to 1024
GROWTH = 1.0  # queries by which Clipper's batch grows: assumption; plausible from 1 to 4
BACK_OFF = 0.9  # factor by which it shrinks (Clipper, NSDI 2017)
BUCKETS = 16  # of SlackFit's latencies: assumption; plausible from 4 to 64


class BatchArrays(NamedTuple):
    """What of a table of batches the kernel reads; times are in ms."""

    accuracy_percent: np.ndarray  # [row], of all batch sizes, one after the other
    batch_ms: np.ndarray  # [batch size - 1, subnet, subgraph], of the whole batch
    switch_ms: np.ndarray  # [old, new, subnet]
    encoding_dot: np.ndarray  # [subnet, subgraph]
    encoding_norm: np.ndarray  # [subgraph]


class Rule(NamedTuple):
    """How batches are made, by codes of `by_queue` and `selection`."""

    selection: int
    fixed: int  # the SubNet that rule FIXED serves
    mode: int
    every: int  # queries after which the nearest SubGraph is kept; 0: never


@compiled
def fitting_slack(
    accuracy_percent: np.ndarray,
    batch_ms: np.ndarray,
    slowest: np.ndarray,
    sizes: int,
    slack_ms: float,
) -> tuple[int, int]:
    """The SubNet and the size of SlackFit's batch of up to `sizes` of the oldest queries.

    batch_ms: [batch size - 1, subnet]; slowest: [batch size - 1], the slowdown of a batch.
    """
    subnets = len(accuracy_percent)
    if sizes == 1:
        return most_accurate_within(accuracy_percent, batch_ms[0] * slowest[0], slack_ms), 1
    least_ms = batch_ms[0].min()
    width_ms = max((batch_ms.max() - least_ms) / BUCKETS, 1e-300)
    nearest = -1.0
    for size in range(1, sizes + 1):
        for subnet in range(subnets):
            own_ms = batch_ms[size - 1, subnet]
            if own_ms * slowest[size - 1] <= slack_ms:
                nearest = max(nearest, own_ms)
    bucket = np.floor((max(nearest, least_ms) - least_ms) / width_ms)
    chosen, best = 0, 0
    for size in range(1, sizes + 1):
        for subnet in range(subnets):
            own_ms = batch_ms[size - 1, subnet]
            if nearest >= 0 and own_ms * slowest[size - 1] > slack_ms:
                continue
            if np.floor((own_ms - least_ms) / width_ms) != bucket:
                continue
            better = accuracy_percent[subnet] - accuracy_percent[chosen]
            faster = own_ms < batch_ms[size - 1, chosen]
            if size > best or better > 0 or (better == 0 and faster):
                chosen, best = subnet, size
    return chosen, best


@compiled
def add_times(times_ms: np.ndarray, batch_ms: np.ndarray, row: int) -> None:
    """Write the ascending times of all batches of up to `row + 1` queries into a row.

    times_ms: [row, time], of which the rows before are known, and which is NaN after their times.
    """
    count, subnets = row * batch_ms.shape[1], batch_ms.shape[1]
    for place in range(count):
        times_ms[row, place] = times_ms[row - 1, place]
    for subnet in range(subnets):
        place = count + subnet
        while place > 0 and times_ms[row, place - 1] > batch_ms[row, subnet]:
            times_ms[row, place] = times_ms[row, place - 1]
            place -= 1
        times_ms[row, place] = batch_ms[row, subnet]


@kernel_part
def clippers_batch(most: float, size: int, takes_ms: float, within_ms: float, limit: int) -> float:
    """Clipper's largest batch after one of that size that took so long; it counts in whole queries.

    within_ms: the latency objective of the batch.
    """
    if takes_ms > within_ms:
        return max(most * BACK_OFF, 1.0)
    return min(most + GROWTH, float(limit)) if size == int(most) else most
