"""What others on the machine cost a query."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.traces.trace import FloatArray, Trace

COLOCATIONS = ("none", "diurnal", "bursts")
CLOSED_LOOP_GAP_MS = 50.0  # from a query to the next, for a moment where a trace states none
# Slowdown by the share of the machine that others use, an assumption: the paper profiles its own.
COLOCATION_PROFILE = ((0.0, 1.0), (0.25, 1.1), (0.5, 1.3), (0.75, 1.7), (1.0, 2.5))

Profile = Sequence[tuple[float, float]]


def slowdown_at(utilisation: FloatArray, profile: Profile = COLOCATION_PROFILE) -> FloatArray:
    """Factor on the service time where others use that share of the machine, 0 to 1: [query].

    Straight lines between the points of the profile.  `ValueError` where a utilisation is out of
    range, or the profile does not go from utilisation 0 to 1 with factors from 1 that never fall.

    >>> slowdown_at(np.array([0.0, 0.875, 1.0])).tolist()
    [1.0, 2.1, 2.5]
    """
    used, factors = np.array(profile, dtype=np.float64).T
    rising = (np.diff(used) > 0).all() and (np.diff(factors, prepend=1.0) >= 0).all()
    if not (rising and used[0] == 0 and used[-1] == 1 and np.isfinite(factors).all()):
        raise ValueError(
            "the profile must go from utilisation 0 to 1, with factors from 1 that never fall, "
            f"got {profile}"
        )
    if not ((utilisation >= 0) & (utilisation <= 1)).all():
        raise ValueError("0 <= utilisation <= 1 must hold for every query")
    return np.asarray(np.interp(utilisation, used, factors))


def colocated(
    trace: Trace,
    colocation: str,
    *,
    seed: int = 0,
    period_s: float = 60.0,
    mean_burst_s: float = 1.0,
    mean_calm_s: float = 9.0,
    profile: Profile = COLOCATION_PROFILE,
) -> Trace:
    """The trace with what others on the machine cost each query; unchanged for "none".

    What they use of the machine (an assumption): "diurnal", a sine from none to all, a day of
    `period_s`, begun at a random time; "bursts", all of it in a burst, else none, both lasting
    exponentially long.  A closed loop counts as a query every `CLOSED_LOOP_GAP_MS`.  Raises
    `UserError` where the name is unknown.
    """
    if colocation not in COLOCATIONS:
        raise UserError(f"unknown colocation {colocation!r}; {near_names(colocation, COLOCATIONS)}")
    if colocation == "none":
        return trace
    rng = np.random.default_rng(seed).spawn(4)[3]  # the three before are those of the trace
    moment_ms = trace.arrived_ms
    if trace.closed_loop:
        moment_ms = np.asarray(CLOSED_LOOP_GAP_MS * np.arange(len(trace)), dtype=np.float64)
    if colocation == "diurnal":
        days = rng.random() + moment_ms / (1e3 * period_s)
        utilisation = 0.5 - 0.5 * np.cos(2.0 * np.pi * days)
    else:
        utilisation = _bursts(moment_ms, 1e3 * mean_burst_s, 1e3 * mean_calm_s, rng)
    return replace(trace, colocation_slowdown=slowdown_at(utilisation, profile))


def _bursts(
    moment_ms: FloatArray, burst_ms: float, calm_ms: float, rng: np.random.Generator
) -> FloatArray:
    """1 in a burst, 0 in a calm: [query], a Markov chain of two states seen at those moments.

    It is at time t+d in the state of time t with chance exp(-d (1/burst + 1/calm)), and else in a
    burst with the chance that any moment is.
    """
    draws = rng.random((len(moment_ms), 2))
    forgotten = -np.expm1(-np.diff(moment_ms) * (1.0 / burst_ms + 1.0 / calm_ms))
    drawn = np.append(True, draws[1:, 0] < forgotten)
    last = np.maximum.accumulate(np.where(drawn, np.arange(len(moment_ms)), 0))
    in_burst = draws[:, 1] < burst_ms / (burst_ms + calm_ms)
    return np.asarray(in_burst[last], dtype=np.float64)
