"""Which SubGraph to keep next, from what was served: the rules of the policies.

The functions run under the interpreter as they stand, and Numba compiles the same source into the
kernel of `serving`.
"""

import numpy as np
from numba.extending import register_jitable

SCHEDULED, NEAREST, EXPECTED, LAST = 0, 1, 2, 3

MEMORY = 0.9  # weight of the past after each recache interval (assumption)
HORIZON_INTERVALS = 8  # intervals over which a change of the SubGraph must pay (assumption)


@register_jitable
def nearest_subgraph(
    served: np.ndarray, encoding_dot: np.ndarray, encoding_norm: np.ndarray, cached: int
) -> int:
    """The SubGraph nearest to the mean encoding of the SubNets served: an index, never 0.

    served: [subnet] counts since the last recache point.  With n queries and mean encoding m,
    n |e - m|^2 = n |e|^2 - 2 sum(served * dot) + a constant, all of it in integers.
    """
    queries = served.sum()
    if queries == 0 or len(encoding_norm) == 1:
        return cached
    best, best_distance = 0, 0
    for subgraph in range(1, len(encoding_norm)):
        distance = queries * encoding_norm[subgraph]
        for subnet in range(len(served)):
            distance -= 2 * served[subnet] * encoding_dot[subnet, subgraph]
        if best == 0 or distance < best_distance:
            best, best_distance = subgraph, distance
    return best


@register_jitable
def cheapest_subgraph(
    demand: np.ndarray,
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
    cached: int,
    horizon_queries: int,
) -> int:
    """The SubGraph of least expected latency over the horizon, the change to it included: an index.

    demand: [subnet] weights of the SubNets that recent queries were served by.
    """
    total = demand.sum()
    best, best_cost = cached, np.inf
    for offset in range(latency_ms.shape[1]):
        subgraph = (cached + offset) % latency_ms.shape[1]  # of equals the cached one stays
        cost = 0.0
        for subnet in range(len(demand)):
            cost += (demand[subnet] / total) * (
                horizon_queries * latency_ms[subnet, subgraph] + switch_ms[cached, subgraph, subnet]
            )
        if cost < best_cost:
            best, best_cost = subgraph, cost
    return best
