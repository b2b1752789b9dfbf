"""Selection of the SubNet that serves a query, given its latency with the cached SubGraph.

The functions run under the interpreter as they stand, and Numba compiles the same source into the
kernels of `serving`.
"""

import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.model.jit import kernel_part

STRICT_ACCURACY, STRICT_LATENCY = 0, 1
MODES = {"strict-accuracy": STRICT_ACCURACY, "strict-latency": STRICT_LATENCY}


def mode_code(name: str) -> int:
    """The code of the mode of that name; `UserError` with the near ones where there is none."""
    if name not in MODES:
        raise UserError(f"unknown mode {name!r}; {near_names(name, MODES)}")
    return MODES[name]


@kernel_part
def unsigned(index: int) -> np.uint64:
    """An index as an unsigned integer, which compiled code need not test for being negative."""
    return np.uint64(index)


@kernel_part
def select_subnet(
    mode: int,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    min_accuracy_percent: float,
    max_latency_ms: float,
) -> int:
    """The index of the SubNet for a query with those demands.

    Strict accuracy: the fastest that is accurate enough, or the most accurate where none is.
    Strict latency: the most accurate that is fast enough, or the fastest where none is.
    Ties go to the SubNet that is better in the other respect.
    """
    best, best_meets = -1, False
    for subnet in range(len(accuracy_percent)):
        if mode == STRICT_ACCURACY:
            meets = accuracy_percent[subnet] >= min_accuracy_percent
        else:
            meets = latency_ms[subnet] <= max_latency_ms
        wants_speed = meets == (mode == STRICT_ACCURACY)
        if best < 0 or (meets and not best_meets):
            best, best_meets = subnet, meets
        elif meets == best_meets:
            faster = latency_ms[subnet] - latency_ms[best]
            better = accuracy_percent[best] - accuracy_percent[subnet]
            if not wants_speed:
                faster, better = better, faster
            if faster < 0 or (faster == 0 and better < 0):
                best = subnet
    return best


@kernel_part
def kept_demands(
    mode: int,
    min_accuracy_percent: np.ndarray,
    max_latency_ms: np.ndarray,
    slowdown: np.ndarray,
) -> np.ndarray:
    """The demand of each query that the mode keeps: [query], accuracy or latency.

    The latency demand is divided by the slowdown of the query.
    """
    demands: np.ndarray = min_accuracy_percent
    if mode != STRICT_ACCURACY:
        demands = max_latency_ms / slowdown
    return demands


@kernel_part
def no_steps(subnets: int, subgraphs: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for the thresholds and choices of `find_steps`."""
    thresholds = np.full((subgraphs, subnets + subnets % 2), np.nan)
    return thresholds, np.empty((subgraphs, subnets + 1), dtype=np.int64)


@kernel_part
def find_steps(
    mode: int,
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    subgraph: int,
    thresholds: np.ndarray,
    choices: np.ndarray,
) -> None:
    """Write `select_subnet` under a SubGraph as steps over the demand that the mode keeps.

    With n the count of thresholds that a demand reaches under a SubGraph (`steps_reached`),
    choices[subgraph, n] is selected.  latency_ms: [subnet, subgraph].  The thresholds of a SubGraph
    are an even number: an odd one is followed by NaN, which no demand reaches.
    """
    subnets, own_ms = len(accuracy_percent), latency_ms[:, subgraph]
    for subnet in range(subnets):  # Insertion sort is the fastest for so few.
        kept = accuracy_percent[subnet] if mode == STRICT_ACCURACY else own_ms[subnet]
        place = subnet
        while place > 0 and thresholds[subgraph, place - 1] > kept:
            thresholds[subgraph, place] = thresholds[subgraph, place - 1]
            place -= 1
        thresholds[subgraph, place] = kept
    for n in range(subnets + 1):
        if mode == STRICT_ACCURACY:
            demand = thresholds[subgraph, n] if n < subnets else np.inf
        else:
            demand = thresholds[subgraph, n - 1] if n > 0 else -np.inf
        choices[subgraph, n] = select_subnet(mode, accuracy_percent, own_ms, demand, demand)
    if mode == STRICT_ACCURACY:  # A SubNet meets the demand for exactly its own accuracy.
        for subnet in range(subnets):
            thresholds[subgraph, subnet] = np.nextafter(thresholds[subgraph, subnet], np.inf)


@kernel_part
def all_steps(
    mode: int, accuracy_percent: np.ndarray, latency_ms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The thresholds and choices of `find_steps` under each SubGraph."""
    thresholds, choices = no_steps(*latency_ms.shape)
    for subgraph in range(len(choices)):
        find_steps(mode, accuracy_percent, latency_ms, subgraph, thresholds, choices)
    return thresholds, choices


@kernel_part
def reached_of(
    thresholds: np.ndarray, row: int | np.uint64, count: int, demand: float
) -> np.uint64:
    """How many of the first `count` thresholds of a row a demand reaches; count: even.

    Thresholds are compared in pairs: scalar code counts so few faster than vector code.
    """
    reached, step = unsigned(0), unsigned(0)
    while step < unsigned(count):
        reached += unsigned(thresholds[row, step] <= demand)
        reached += unsigned(thresholds[row, step + unsigned(1)] <= demand)
        step += unsigned(2)
    return reached


@kernel_part
def steps_reached(thresholds: np.ndarray, subgraph: int | np.uint64, demand: float) -> np.uint64:
    """The number of thresholds of a SubGraph that a demand reaches: the index into `choices`."""
    return reached_of(thresholds, subgraph, thresholds.shape[1], demand)


@kernel_part
def score(mode: int, accuracy_percent: float, latency_ms: float) -> float:
    """The objective that a mode minimises over a trace: latency, or lost accuracy, then latency."""
    if mode == STRICT_ACCURACY or np.isnan(accuracy_percent):  # The only SubNet loses none.
        return latency_ms
    return 1e-9 * latency_ms - accuracy_percent


@kernel_part
def most_accurate_within(
    accuracy_percent: np.ndarray, latency_ms: np.ndarray, budget_ms: float
) -> int:
    """The index of the most accurate SubNet within `budget_ms`, or of the fastest without one."""
    return select_subnet(STRICT_LATENCY, accuracy_percent, latency_ms, 0.0, budget_ms)


@kernel_part
def cheapest_meeting_both(
    accuracy_percent: np.ndarray,
    latency_ms: np.ndarray,
    min_accuracy_percent: float,
    budget_ms: float,
) -> int:
    """The index of the fastest SubNet that meets both demands, or of the fastest without one."""
    best, fastest = -1, 0
    for subnet in range(len(accuracy_percent)):
        faster = latency_ms[subnet] < latency_ms[fastest]
        same = latency_ms[subnet] == latency_ms[fastest]
        if faster or (same and accuracy_percent[subnet] > accuracy_percent[fastest]):
            fastest = subnet
        if accuracy_percent[subnet] < min_accuracy_percent or latency_ms[subnet] > budget_ms:
            continue
        if best < 0 or latency_ms[subnet] < latency_ms[best] or (
            latency_ms[subnet] == latency_ms[best]
            and accuracy_percent[subnet] > accuracy_percent[best]
        ):  # fmt: skip
            best = subnet
    return best if best >= 0 else fastest
