"""Recaching: the rules by which policies choose the next SubGraph from the SubNets served.

The functions run under the interpreter as they stand, and Numba compiles the same source into the
kernel of `serving`.
"""

import numpy as np

from sushi_dse.model.jit import kernel_part

SCHEDULED, NEAREST, EXPECTED, LAST = 0, 1, 2, 3  # rules of recaching

MEMORY = 0.95  # factor on the counts of a SubNet's followers, each time it is left (assumption)
# Counts below that are none: they are lost in the rounding of any latency, and much smaller numbers
# would take a processor a hundred times as long.
FORGOTTEN = 1e-30
LANES = 8  # numbers that vector code takes at a time
UNSEEN = 0.01  # initial count of each SubNet that may follow another (assumption)


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
    distance = served.sum() * encoding_norm
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


@kernel_part
def padded(count: int) -> int:
    """So many SubNets or SubGraphs in whole lanes, so that loops over them are vector code."""
    return -(-count // LANES) * LANES


@kernel_part
def expected_demand(
    followed: np.ndarray, left: np.ndarray, last: int, queries: int, expected: np.ndarray
) -> None:
    """Write the expected count of each SubNet in the next query, and in the next `queries`.

    followed: [subnet, next subnet], weights of a Markov chain, and left: [subnet], their sums over
    the next SubNet; last: the SubNet served last, or -1 where none was, for which all SubNets are
    equally likely.  expected: [2, subnet], the next query and all of them; two more rows are room.
    Next SubNets and the columns of `expected` and `left` are `padded`: by 0, and `left` by 1.
    """
    subnets = len(followed)
    if last < 0:
        for subnet in range(subnets):
            expected[0, subnet] = 1.0 / subnets
            expected[1, subnet] = queries * expected[0, subnet]
        return
    expected[1:] = 0.0
    expected[2, last] = 1.0
    for query in range(queries):
        for lanes in range(0, expected.shape[1], LANES):
            for subnet in range(lanes, lanes + LANES):
                expected[3, subnet] = expected[2, subnet] / left[subnet]
                expected[2, subnet] = 0.0
        for subnet in range(subnets):
            weight = expected[3, subnet]
            for lanes in range(0, expected.shape[1], LANES):
                for follower in range(lanes, lanes + LANES):
                    expected[2, follower] += weight * followed[subnet, follower]
        for lanes in range(0, expected.shape[1], LANES):
            for subnet in range(lanes, lanes + LANES):
                expected[1, subnet] += expected[2, subnet]
        if query == 0:
            expected[0] = expected[2]


@kernel_part
def cheapest_subgraph(
    expected: np.ndarray,
    latency_ms: np.ndarray,
    change_ms: np.ndarray,
    subgraphs: int,
    cached: int,
    costs: np.ndarray,
) -> int:
    """The index of the SubGraph of least expected latency, the switch to it included.

    expected: [2, subnet] of `expected_demand`; change_ms: [subnet, subgraph], the time of changing
    from the cached SubGraph, which the next query pays for; costs: [subgraph], room.  SubGraphs are
    `padded` in the three arrays; there are `subgraphs`.
    """
    costs[:] = 0.0
    for subnet in range(len(latency_ms)):
        first, total = expected[0, subnet], expected[1, subnet]
        for lanes in range(0, len(costs), LANES):
            for subgraph in range(lanes, lanes + LANES):
                costs[subgraph] += total * latency_ms[subnet, subgraph]
                costs[subgraph] += first * change_ms[subnet, subgraph]
    best = cached
    for subgraph in range(cached + 1, subgraphs):  # The cached one wins ties, and then those
        if costs[subgraph] < costs[best]:  # that follow it, and those from the first on.
            best = subgraph
    for subgraph in range(cached):
        if costs[subgraph] < costs[best]:
            best = subgraph
    return best
