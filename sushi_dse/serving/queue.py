"""Waiting: first come, first served, on one accelerator."""

import numpy as np
from numba.extending import register_jitable


@register_jitable
def wait_before(
    query: int,
    arrived_ms: np.ndarray | list[float],
    response_ms: np.ndarray | list[float],
    closed_loop: bool,
) -> float:
    """Time that a query waits for the one before it, first come, first served."""
    if query == 0 or closed_loop:
        return 0.0
    gap_ms = arrived_ms[query] - arrived_ms[query - 1]
    return max(float(response_ms[query - 1] - gap_ms), 0.0)


@register_jitable
def response_times(arrived_ms: np.ndarray, service_ms: np.ndarray) -> np.ndarray:
    """Wait and service of each query, first come, first served: [query].

    In a closed loop none waits, and the services themselves come back.
    """
    response_ms: np.ndarray = service_ms
    closed_loop = arrived_ms[-1] == 0
    if not closed_loop:
        response_ms = np.empty_like(service_ms)
        for query in range(len(service_ms)):
            wait_ms = wait_before(query, arrived_ms, response_ms, closed_loop)
            response_ms[query] = wait_ms + service_ms[query]
    return response_ms
