"""Recaching: the rules by which policies choose the next SubGraph from the SubNets served.

The functions run under the interpreter as they stand, and Numba compiles the same source into the
kernel of `serving`.
"""

from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import kernel_part
from sushi_dse.serving.selection import unsigned

SCHEDULED, NEAREST, EXPECTED, LAST = 0, 1, 2, 3  # rules of recaching

MEMORY = 0.95  # factor on the counts of a SubNet's followers, each time it is left (assumption)
# Counts below that are none: they are lost in the rounding of any latency, and much smaller numbers
# would take a processor a hundred times as long.
FORGOTTEN = 1e-30
UNSEEN = 0.01  # initial count of each SubNet that may follow another (assumption)
# Rows of expected counts of SubNets: in the next query, and in all queries up to the next recache
# point; and how often each SubNet was left.  Two more rows are room.
FIRST, TOTAL, LEFT = 0, 1, 2
MEMO = 1021  # slots of the memo of windows: a prime, so that every digit of a number tells
# Share of a cost that is more than what the rounding of one of its products and sums moves it by.
ROUNDING = 1e-14


class Rivals(NamedTuple):
    """By each cached SubGraph those that may be cheaper, as far as they have been asked for."""

    counts: np.ndarray  # [cached]: number of its rivals, or -1 where they are not known yet
    subgraph: np.ndarray  # [cached, rival]: SubGraphs, in the order in which they win ties
    # [cached, rival]: the most that the rival can save with all queries but the next one, and more
    # than what rounding moves the difference of two costs by
    most_saved_ms: np.ndarray


@kernel_part
def nearest_subgraph(
    served: np.ndarray, encoding_dot: np.ndarray, encoding_norm: np.ndarray
) -> int:
    """The index of the SubGraph nearest to the mean encoding of the SubNets served.

    It is 0 only where there is no other.  served: [subnet], counts since the last recache point.
    With n queries and mean encoding m, n |e - m|^2 = n |e|^2 - 2 sum(served * dot) + a constant,
    all of it in whole numbers, which floats hold exactly up to 2^53.
    """
    if len(encoding_norm) == 1:
        return 0
    queries = 0.0
    for count in served:
        queries += count
    distance = queries * encoding_norm
    for subnet in range(len(served)):
        weight = 2 * served[subnet]
        if weight > 0:
            for subgraph in range(len(distance)):
                distance[subgraph] -= weight * encoding_dot[subnet, subgraph]
    best, least = 1, distance[1]
    for subgraph in range(2, len(distance)):
        if distance[subgraph] < least:
            best, least = subgraph, distance[subgraph]
    return best


class Windows(NamedTuple):
    """The SubGraphs nearest to windows, as far as they have been asked for.

    The number of a window has as digits, to a base above its queries, how often it served each
    SubNet; it is 0, and nothing is known, where it would be too great.
    """

    digits: np.ndarray  # [subnet]: what a query adds to the number
    numbers: np.ndarray  # [slot]: number of the window that lies there, or 0
    nearest: np.ndarray  # [slot]


@kernel_part
def no_windows(subnets: int, most: int) -> Windows:
    """`Windows` of at most so many queries of which none is known yet."""
    digits = np.zeros(subnets, dtype=np.int64)
    if (most + 1.0) ** subnets < 2.0**62:
        for each in range(subnets):
            digits[each] = (most + 1) ** each
    return Windows(digits, np.zeros(MEMO, dtype=np.int64), np.zeros(MEMO, dtype=np.int64))


@kernel_part
def nearest_known(
    windows: Windows,
    number: int,
    served: np.ndarray,
    encoding_dot: np.ndarray,
    encoding_norm: np.ndarray,
) -> int:
    """The result of `nearest_subgraph` for the window of that number, which is made known."""
    slot = number % MEMO
    if number == 0 or windows.numbers[slot] != number:
        windows.numbers[slot] = number
        windows.nearest[slot] = nearest_subgraph(served, encoding_dot, encoding_norm)
    return int(windows.nearest[slot])


@kernel_part
def no_rivals(subgraphs: int) -> Rivals:
    """`Rivals` of so many SubGraphs of which none is known yet."""
    square = (subgraphs, subgraphs)
    return Rivals(np.full(subgraphs, -1), np.empty(square, dtype=np.int64), np.empty(square))


@kernel_part
def find_rivals(
    rivals: Rivals, cached: int, queries: int, latency_ms: np.ndarray, switch_ms: np.ndarray
) -> None:
    """Find the rivals of a cached SubGraph over so many queries.

    A SubGraph is none where one that wins ties against it is nowhere worse: rounded sums of no
    smaller numbers are no smaller.  The cached one wins ties, then those that follow it, and then
    those from the first on.
    """
    subnets, subgraphs = latency_ms.shape
    count = 0
    for place in range(1, subgraphs):
        new = (cached + place) % subgraphs
        for before in range(-1, count):
            other, is_worse = rivals.subgraph[cached, before] if before >= 0 else cached, False
            for subnet in range(subnets):
                is_worse |= latency_ms[subnet, other] > latency_ms[subnet, new]
                is_worse |= switch_ms[cached, other, subnet] > switch_ms[cached, new, subnet]
            if not is_worse:
                break
        else:
            saved_ms, most_ms = -np.inf, 0.0
            for subnet in range(subnets):
                here_ms, there_ms = latency_ms[subnet, cached], latency_ms[subnet, new]
                saved_ms = max(saved_ms, here_ms - there_ms)
                change_ms = switch_ms[cached, new, subnet]
                most_ms = max(most_ms, queries * max(here_ms, there_ms) + change_ms)
            rivals.subgraph[cached, count] = new
            doubt_ms = ROUNDING * queries * (subnets + 1) * most_ms
            rivals.most_saved_ms[cached, count] = (queries - 1) * saved_ms + doubt_ms
            count += 1
    rivals.counts[cached] = count


@kernel_part
def even(count: int) -> int:
    """So many SubNets, and one more where that makes pairs of them."""
    return count + count % 2


@kernel_part
def first_chain(subnets: int) -> np.ndarray:
    """Weights of a Markov chain in which each SubNet is expected to be followed by itself.

    The result is [subnet, next subnet], with a next SubNet of no weight where that makes pairs.
    """
    followed = np.zeros((subnets, even(subnets)))
    for subnet in range(subnets):
        followed[subnet, :subnets] = UNSEEN
        followed[subnet, subnet] += 1.0
    return followed


@kernel_part
def learn(followed: np.ndarray, before: int, after: int) -> None:
    """Count one SubNet as served after another, in the weights of `first_chain`."""
    for follower in range(followed.shape[1]):
        faded = followed[before, follower] * MEMORY
        kept = faded if faded > FORGOTTEN else 0.0
        followed[before, follower] = kept + (1.0 if follower == after else 0.0)


@kernel_part
def times_left(followed: np.ndarray, subnet: int | np.uint64) -> float:
    """How often a SubNet was followed by any, by the weights of `first_chain`."""
    left = 0.0
    for follower in range(unsigned(followed.shape[1])):
        left += followed[subnet, follower]
    return left


@kernel_part
def expect_next(followed: np.ndarray, last: np.uint64, demand: np.ndarray) -> None:
    """Write row FIRST of `demand`, by what followed the SubNet `last`."""
    weight = 1.0 / times_left(followed, last)
    for subnet in range(unsigned(demand.shape[1])):
        demand[FIRST, subnet] = weight * followed[last, subnet]


@kernel_part
def expect_all(followed: np.ndarray, queries: int, demand: np.ndarray) -> None:
    """Write row TOTAL of `demand`, whose row FIRST is known; the other rows are overwritten."""
    share, next_share = unsigned(3), unsigned(4)
    for subnet in range(unsigned(demand.shape[1])):
        left = times_left(followed, subnet) if subnet < len(followed) else 1.0
        demand[LEFT, subnet] = left
        demand[TOTAL, subnet] = demand[FIRST, subnet]
        demand[share, subnet] = demand[FIRST, subnet] / left
    for _ in range(1, queries):
        for one in range(unsigned(0), unsigned(demand.shape[1]), unsigned(2)):
            two, of_one, of_two = one + unsigned(1), 0.0, 0.0
            for subnet in range(unsigned(len(followed))):
                of_one += demand[share, subnet] * followed[subnet, one]
                of_two += demand[share, subnet] * followed[subnet, two]
            demand[TOTAL, one] += of_one
            demand[TOTAL, two] += of_two
            demand[next_share, one] = of_one / demand[LEFT, one]
            demand[next_share, two] = of_two / demand[LEFT, two]
        share, next_share = next_share, share


@kernel_part
def expected_ms(
    demand: np.ndarray, latency_ms: np.ndarray, switch_ms: np.ndarray, cached: int, new: int
) -> float:
    """The expected latency of all queries, if the next one pays for the change to a SubGraph."""
    cost_ms = 0.0
    for subnet in range(len(latency_ms)):
        cost_ms += demand[TOTAL, subnet] * latency_ms[subnet, new]
        cost_ms += demand[FIRST, subnet] * switch_ms[cached, new, subnet]
    return cost_ms


@kernel_part
def may_be_left(
    demand: np.ndarray, latency_ms: np.ndarray, switch_ms: np.ndarray, cached: int, rivals: Rivals
) -> bool:
    """Whether a rival would win if it saved the most with each query after the next one."""
    may_win = False
    for place in range(rivals.counts[cached]):
        new, lost_ms = rivals.subgraph[cached, place], 0.0
        for subnet in range(len(latency_ms)):
            more_ms = latency_ms[subnet, new] - latency_ms[subnet, cached]
            lost_ms += demand[FIRST, subnet] * (more_ms + switch_ms[cached, new, subnet])
        may_win |= lost_ms <= rivals.most_saved_ms[cached, place]
    return may_win


@kernel_part
def cheapest_subgraph(
    followed: np.ndarray,
    last: int,
    queries: int,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
    cached: int,
    rivals: Rivals,
    demand: np.ndarray,
) -> int:
    """The index of the SubGraph of least expected latency, the switch to it included.

    SubNets are expected by the Markov chain `followed` from the SubNet `last`, or are all alike
    where that is -1.  latency_ms and switch_ms: of a `LatencyTable`; demand: room for the expected
    counts of SubNets, [5, even subnet], which all are needed only where the cached SubGraph may be
    left.
    """
    if rivals.counts[cached] < 0:
        find_rivals(rivals, cached, queries, latency_ms, switch_ms)
    if last < 0:
        demand[FIRST] = 1.0 / len(followed)
        demand[TOTAL] = queries * (1.0 / len(followed))
    else:
        expect_next(followed, unsigned(last), demand)
        if not may_be_left(demand, latency_ms, switch_ms, cached, rivals):
            return cached
        expect_all(followed, queries, demand)
    best, least_ms = cached, expected_ms(demand, latency_ms, switch_ms, cached, cached)
    for place in range(rivals.counts[cached]):
        new = rivals.subgraph[cached, place]
        cost_ms = expected_ms(demand, latency_ms, switch_ms, cached, new)
        if cost_ms < least_ms:
            best, least_ms = new, cost_ms
    return best
