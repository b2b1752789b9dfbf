"""Which SubGraph to keep: the rule of each policy, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba.extending import register_jitable

from sushi_dse.errors import UserError, near_names
from sushi_dse.hindsight import best_static, nothing_cached, offline_optimum
from sushi_dse.latency_table import LatencyTable
from sushi_dse.queries import Trace

Plan = Callable[[Trace, LatencyTable, int, int], np.ndarray]

SCHEDULED, NEAREST, EXPECTED = 0, 1, 2  # rules of the kernel in `serving`

MEMORY = 0.9  # weight of the past after each recache interval (assumption)
HORIZON_INTERVALS = 8  # intervals over which a change of the SubGraph must pay (assumption)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A way to choose the SubGraph; the SubNet of a query is chosen by the mode of the comparison.

    `rule` is what the kernel does at each recache point; a scheduled policy follows `plan`, which
    gives the SubGraph of each interval from (trace, table, mode, recache interval).
    """

    summary: str
    rule: int = SCHEDULED
    plan: Plan = nothing_cached
    has_persistent_buffer: bool = True


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


POLICIES: dict[str, Policy] = {
    "no-sgs": Policy(
        summary="The same array without a Persistent Buffer: every weight is loaded for every "
        "query. What the other policies gain is counted from here.",
        has_persistent_buffer=False,
    ),
    "sushi": Policy(
        summary="SushiSched: after every recache interval it averages the encodings of the SubNets "
        "that it served, and keeps the candidate SubGraph nearest to that average. The first "
        "interval starts with an empty buffer.",
        rule=NEAREST,
    ),
    "static-subgraph": Policy(
        summary="One SubGraph for the whole trace, the best in hindsight; loading it is charged to "
        "the first query. It knows the trace: a bound for every policy that never changes the "
        "SubGraph.",
        plan=best_static,
    ),
    "latency-aware": Policy(
        summary="After every recache interval it takes the SubGraph with the least expected "
        "latency: recent demand times the latency table's column, plus the cost of the change. "
        f"Demand fades by a factor of {MEMORY} an interval, and a change must pay within "
        f"{HORIZON_INTERVALS} intervals (assumptions). At first all SubNets are in equal demand.",
        rule=EXPECTED,
    ),
    "offline-optimum": Policy(
        summary="The best SubGraph of every interval with the whole trace known, by dynamic "
        "programming over recache points, the cost of changes included. A bound: no policy that "
        "selects SubNets by the same rule serves the trace in less time (strict accuracy), or more "
        "accurately (strict latency).",
        plan=offline_optimum,
    ),
}
DEFAULT_POLICIES = ("no-sgs", "sushi", "static-subgraph", "latency-aware")


def find_policy(name: str) -> Policy:
    """The policy of that name, or an error that names the near ones."""
    if name not in POLICIES:
        raise UserError(f"unknown policy {name!r}; {near_names(name, POLICIES)}")
    return POLICIES[name]
