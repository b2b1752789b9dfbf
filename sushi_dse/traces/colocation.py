"""The slowdown of queries by other processes that are colocated on the machine."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.traces.trace import FloatArray, Trace

COLOCATIONS = ("none", "diurnal", "bursts")
CLOSED_LOOP_GAP_MS = 50.0  # time between two queries of a trace without arrival times (assumption)
# Slowdown by the share of the machine that others use: an assumption, as SLO-NN's paper profiles
# its own machine.
COLOCATION_PROFILE = ((0.0, 1.0), (0.25, 1.1), (0.5, 1.3), (0.75, 1.7), (1.0, 2.5))

Profile = Sequence[tuple[float, float]]


def slowdown_at(utilisation: FloatArray, profile: Profile = COLOCATION_PROFILE) -> FloatArray:
    """The factor on the service time where others use a share of the machine, 0 to 1: [query].

    It is interpolated linearly between the points of the profile.  `ValueError` where a utilisation
    is out of range, or the profile does not go from utilisation 0 to 1 with factors from 1 that
    never fall.

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
    """The trace with the slowdown of each query by colocated processes; unchanged for "none".

    Their use of the machine is an assumption: "diurnal" is a sine from none to all, with a day of
    `period_s` that begins at a random time; "bursts" is all in a burst and none in a calm, both
    exponentially long.  In a closed loop a query counts as sent every `CLOSED_LOOP_GAP_MS`.
    `UserError` where the name is unknown.
    """
    if colocation not in COLOCATIONS:
        raise UserError(f"unknown colocation {colocation!r}; {near_names(colocation, COLOCATIONS)}")
    if colocation == "none":
        return trace
    rng = np.random.default_rng(seed).spawn(4)[3]  # A generated trace draws from the first three.
    time_ms = trace.arrived_ms
    if trace.closed_loop:
        time_ms = np.asarray(CLOSED_LOOP_GAP_MS * np.arange(len(trace)), dtype=np.float64)
    if colocation == "diurnal":
        days = rng.random() + time_ms / (1e3 * period_s)
        utilisation = 0.5 - 0.5 * np.cos(2.0 * np.pi * days)
    else:
        utilisation = _bursts(time_ms, 1e3 * mean_burst_s, 1e3 * mean_calm_s, rng)
    return replace(trace, colocation_slowdown=slowdown_at(utilisation, profile))


def _bursts(
    time_ms: FloatArray, burst_ms: float, calm_ms: float, rng: np.random.Generator
) -> FloatArray:
    """1 in a burst, 0 in a calm: [query], a Markov chain of two states at those times.

    At time t + d the state of time t is kept with probability exp(-d (1/burst + 1/calm)); otherwise
    it is drawn anew from the stationary distribution.
    """
    draws = rng.random((len(time_ms), 2))
    forgotten = -np.expm1(-np.diff(time_ms) * (1.0 / burst_ms + 1.0 / calm_ms))
    drawn = np.append(True, draws[1:, 0] < forgotten)
    last = np.maximum.accumulate(np.where(drawn, np.arange(len(time_ms)), 0))
    in_burst = draws[:, 1] < burst_ms / (burst_ms + calm_ms)
    return np.asarray(in_burst[last], dtype=np.float64)
