"""Percentiles of response times: exact elements of the sorted times, without sorting them all."""

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.serving.selection import unsigned

PERCENTILES = (50, 95, 99)
BUCKETS = 1024  # into which times are counted; with fewer, near ones are counted twice
FEW = 32  # times that are sooner sorted than counted
VALUES = 64  # distinct times that are counted each by itself; where there are more, buckets are
SLOTS = 256  # of a hash table for so many, a power of two


@compiled
def percentiles(times_ms: np.ndarray, found_ms: np.ndarray) -> None:
    """Write the times that 50, 95 and 99 % of `times_ms` stay within: the least such elements.

    times_ms: [query], none of them NaN; found_ms: [percentile].
    """
    if _are_few(times_ms, found_ms):  # In a closed loop they are those of the latency table.
        return
    buckets = _counted(times_ms)
    for which in range(len(PERCENTILES)):
        rank = -(-len(times_ms) * PERCENTILES[which] // 100) - 1
        found_ms[which] = _ranked(times_ms, rank, buckets)


@kernel_part
def _are_few(times_ms: np.ndarray, found_ms: np.ndarray) -> bool:
    """Whether the times take few values; then `found_ms` is written as `percentiles` does."""
    bits = times_ms.view(np.uint64)
    keys, counts = np.zeros(SLOTS, dtype=np.uint64), np.zeros(SLOTS, dtype=np.int64)
    used, values = np.empty(VALUES, dtype=np.uint64), 0
    for query in range(len(bits)):
        own = bits[query]
        key = own + unsigned(1)  # A slot of key 0 is free.
        mixed = own ^ (own >> unsigned(18)) ^ (own >> unsigned(36)) ^ (own >> unsigned(46))
        slot = mixed & unsigned(SLOTS - 1)
        while keys[slot] != key:
            if keys[slot] == 0:
                if values == VALUES:
                    return False
                keys[slot], used[values] = key, slot
                values += 1
            else:
                slot = (slot + unsigned(1)) & unsigned(SLOTS - 1)
        counts[slot] += 1
    keys -= unsigned(1)
    few_ms = keys.view(np.float64)
    for value in range(1, values):
        slot, place = used[value], value
        while place > 0 and few_ms[used[place - 1]] > few_ms[slot]:
            used[place] = used[place - 1]
            place -= 1
        used[place] = slot
    for which in range(len(PERCENTILES)):
        rank, place = -(-len(times_ms) * PERCENTILES[which] // 100) - 1, 0
        while rank >= counts[used[place]]:
            rank -= counts[used[place]]
            place += 1
        found_ms[which] = few_ms[used[place]]
    return True


@kernel_part
def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many of `values` lie in each bucket, and the least and the greatest of them.

    A value lies in a bucket that rises with it: the least in the first one, the greatest in the
    last.
    """
    low = high = values[0]
    for value in values:
        low = value if value < low else low
        high = value if value > high else high
    counts = np.zeros(BUCKETS, dtype=np.int64)
    least, greatest = np.full(BUCKETS, np.inf), np.full(BUCKETS, -np.inf)
    for value in values:
        bucket = _bucket(value, low, high)
        counts[bucket] += 1
        least[bucket] = value if value < least[bucket] else least[bucket]
        greatest[bucket] = value if value > greatest[bucket] else greatest[bucket]
    return counts, least, greatest


@kernel_part
def _bucket(value: float, low: float, high: float) -> np.uint64:
    """The bucket of a value between `low` and `high`."""
    if value >= high:
        return np.uint64(BUCKETS - 1)
    share = (value - low) / (high - low)
    return min(np.uint64(share * BUCKETS), np.uint64(BUCKETS - 1))


@kernel_part
def _ranked(
    values: np.ndarray, rank: int, buckets: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> float:
    """The element of `values` that so many others are below or equal to; buckets: `_counted`."""
    while True:
        counts, least, greatest = buckets
        bucket = 0
        while rank >= counts[bucket]:
            rank -= counts[bucket]
            bucket += 1
        low, high = least[bucket], greatest[bucket]
        if low == high:
            return float(low)
        within, place = np.empty(counts[bucket]), 0
        for value in values:
            if low <= value <= high:  # Buckets do not overlap.
                within[place] = value
                place += 1
        if len(within) <= FEW:
            return _ranked_of_few(within, rank)
        values = within
        buckets = _counted(values)


@kernel_part
def _ranked_of_few(values: np.ndarray, rank: int) -> float:
    """The element of a few `values` that so many others are below or equal to."""
    for place in range(rank + 1):
        for other in range(place + 1, len(values)):
            if values[other] < values[place]:
                values[place], values[other] = values[other], values[place]
    return float(values[rank])
