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

from sushi_dse.model.jit import kernel_part
from sushi_dse.serving.selection import most_accurate_within, select_subnet

BATCH_LIMIT = 8  # queries of a batch at most, by default: assumption; plausible from 1 to 64
LOOKED_AT = 64  # oldest queries to choose from, or the limit: assumption; plausible from 8 to 1024
GROWTH = 1.0  # queries by which Clipper's batch grows: assumption; plausible from 1 to 4
BACK_OFF = 0.9  # factor by which it shrinks (Clipper, NSDI 2017)
BUCKETS = 16  # of SlackFit's latencies: assumption; plausible from 4 to 64


class BatchArrays(NamedTuple):
    """What of a table of batches the kernel reads; times are in ms."""

    accuracy_percent: np.ndarray  # [subnet]
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


class Waiting(NamedTuple):
    """The oldest queries that wait when a batch begins, and what each may still take."""

    query: np.ndarray  # [place]
    waited_ms: np.ndarray  # [place]
    left_ms: np.ndarray  # [place]: until its deadline
    demand: np.ndarray  # [query], as of `kept_demands`
    slowdown: np.ndarray  # [query]


@kernel_part
def mates(
    rule: Rule,
    table: BatchArrays,
    waiting: Waiting,
    held: int,
    alone_ms: np.ndarray,
    subgraphs: tuple[int, int],
    places: np.ndarray,
) -> tuple[int, int]:
    """The SubNet of the oldest query of those `held`, and how many queries get it in one batch.

    alone_ms: [subnet], of a query alone now; subgraphs: that on chip, and that of later queries.
    The places of the members are written into `places`, the oldest first.
    """
    old, new = subgraphs
    accuracy_percent, head = table.accuracy_percent, waiting.query[0]
    wanted = waiting.demand[head]
    chosen = select_subnet(rule.mode, accuracy_percent, alone_ms, wanted, wanted)
    places[0], size, slow = 0, 1, waiting.slowdown[head]
    takes_ms = alone_ms[chosen] * slow
    least_ms = waiting.left_ms[0] if takes_ms <= waiting.left_ms[0] else np.inf
    for place in range(1, held):
        if size == len(places):
            break
        query = waiting.query[place]
        longer_ms = table.batch_ms[size, chosen, old] + table.switch_ms[old, new, chosen]
        if longer_ms * slow > least_ms:
            break
        own_slow, wanted = waiting.slowdown[query], waiting.demand[query]
        slower = max(slow, own_slow)
        longer_ms *= slower
        is_in_time = alone_ms[chosen] * own_slow <= waiting.left_ms[place]
        own_ms = waiting.left_ms[place] if is_in_time else np.inf
        pays = longer_ms - takes_ms <= table.batch_ms[0, chosen, new] * own_slow
        if not pays or longer_ms > min(least_ms, own_ms):
            continue
        if select_subnet(rule.mode, accuracy_percent, alone_ms, wanted, wanted) == chosen:
            places[size] = place
            size, slow, takes_ms = size + 1, slower, longer_ms
            least_ms = min(least_ms, own_ms)
    return chosen, size


@kernel_part
def fitting_slack(
    table: BatchArrays, waiting: Waiting, held: int, limit: int, subgraph: int
) -> tuple[int, int]:
    """The SubNet and the size of SlackFit's batch of the oldest queries."""
    slack_ms = waiting.left_ms[:held].min()
    sizes, subnets = min(held, limit), len(table.accuracy_percent)
    if sizes == 1:
        own_ms = table.batch_ms[0, :, subgraph] * waiting.slowdown[waiting.query[0]]
        return most_accurate_within(table.accuracy_percent, own_ms, slack_ms), 1
    least_ms = table.batch_ms[0, :, subgraph].min()
    width_ms = max((table.batch_ms[:, :, subgraph].max() - least_ms) / BUCKETS, 1e-300)
    nearest, slow = -1.0, 1.0
    for size in range(1, sizes + 1):
        slow = max(slow, waiting.slowdown[waiting.query[size - 1]])
        for subnet in range(subnets):
            own_ms = table.batch_ms[size - 1, subnet, subgraph]
            if own_ms * slow <= slack_ms:
                nearest = max(nearest, own_ms)
    bucket = np.floor((max(nearest, least_ms) - least_ms) / width_ms)
    chosen, best, slow = 0, 0, 1.0
    for size in range(1, sizes + 1):
        slow = max(slow, waiting.slowdown[waiting.query[size - 1]])
        for subnet in range(subnets):
            own_ms = table.batch_ms[size - 1, subnet, subgraph]
            if nearest >= 0 and own_ms * slow > slack_ms:
                continue
            if np.floor((own_ms - least_ms) / width_ms) != bucket:
                continue
            better = table.accuracy_percent[subnet] - table.accuracy_percent[chosen]
            faster = own_ms < table.batch_ms[size - 1, chosen, subgraph]
            if size > best or better > 0 or (better == 0 and faster):
                chosen, best = subnet, size
    return chosen, best


@kernel_part
def clippers_batch(most: float, size: int, takes_ms: float, within_ms: float, limit: int) -> float:
    """Clipper's largest batch after one of that size that took so long; it counts in whole queries.

    within_ms: the latency objective of the batch.
    """
    if takes_ms > within_ms:
        return max(most * BACK_OFF, 1.0)
    return min(most + GROWTH, float(limit)) if size == int(most) else most
