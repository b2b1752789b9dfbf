"""Recaching: the rules by which policies choose the next SubGraph from the SubNets served.

The functions run under the interpreter as they stand, and Numba compiles the same source into the
kernel of `serving`.
"""

import numpy as np

from sushi_dse.model.jit import kernel_part

SCHEDULED, NEAREST, EXPECTED, LAST = 0, 1, 2, 3  # rules of recaching

MEMORY = 0.95  # factor on the counts of a SubNet's followers, each time it is left (assumption)
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
def expected_demand(followed: np.ndarray, last: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """The expected count of each SubNet in the next query, and in the next `queries`: [subnet].

    followed: [subnet, next subnet], weights of a Markov chain; last: the SubNet served last, or -1
    where none was, for which all SubNets are equally likely.
    """
    subnets = len(followed)
    if last < 0:
        alike = np.full(subnets, 1.0 / subnets)
        return alike, queries * alike
    first, total, now, weight, left = np.zeros((5, subnets))
    for subnet in range(subnets):
        for follower in range(subnets):
            left[subnet] += followed[subnet, follower]
    now[last] = 1.0
    for query in range(queries):
        for subnet in range(subnets):
            weight[subnet] = now[subnet] / left[subnet]
        for follower in range(subnets):
            expected = 0.0
            for subnet in range(subnets):
                expected += weight[subnet] * followed[subnet, follower]
            now[follower] = expected
            total[follower] += expected
        if query == 0:
            first[:] = now
    return first, total


@kernel_part
def cheapest_subgraph(
    first: np.ndarray,
    total: np.ndarray,
    latency_ms: np.ndarray,
    change_ms: np.ndarray,
    cached: int,
) -> int:
    """The index of the SubGraph of least expected latency, the switch to it included.

    first, total: [subnet] of `expected_demand`; change_ms: [subnet, subgraph], the time of changing
    from the cached SubGraph, which the next query pays for.
    """
    subgraphs = latency_ms.shape[1]
    costs = np.zeros(subgraphs)
    for subnet in range(len(total)):  # The inner loop is vector code: SubGraphs lie side by side.
        for subgraph in range(subgraphs):
            costs[subgraph] += total[subnet] * latency_ms[subnet, subgraph]
            costs[subgraph] += first[subnet] * change_ms[subnet, subgraph]
    best = cached
    for offset in range(1, subgraphs):  # The cached one wins ties, and then those that follow it.
        subgraph = (cached + offset) % subgraphs
        if costs[subgraph] < costs[best]:
            best = subgraph
    return best
