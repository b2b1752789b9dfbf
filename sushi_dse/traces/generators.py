"""Synthetic traces, seeded: processes of demands and of arrivals.

The accuracy and the latency demand of a query are two independent runs of the same process, so that
every pair of demands occurs (an assumption: no measurement of how they correlate is known).
Demands and arrivals draw from separate streams of random numbers, so changing one leaves the others
as they were; and a longer trace begins with the shorter one of the same seed.

Every arrival process that has a rate keeps `rate_per_s` as its mean exactly: a mean gap of
1 / `rate_per_s` (poisson, gamma), or, where the rate itself moves (mmpp, diurnal), on average
`rate_per_s` queries in every second, because the process starts in its steady state.  A finite
trace of a slow or bursty one still lies off it, by chance.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sushi_dse.errors import near_names
from sushi_dse.traces.names import CLOSED_LOOP, INDEPENDENT, PHASES, RANDOM_WALK
from sushi_dse.traces.trace import MAX_MS, RANGES, FloatArray, Range, Trace

LIMITS = {
    "queries": Range(1, 1e8),
    "seed": Range(0, 2**63 - 1),
    "locality": Range(0, 1),
    "phases": Range(2, 1000),
    "mean_phase_queries": Range(1, 1e15),
    "rate_per_s": Range(0, 1e9, low_included=False),
    "interarrival_cv": Range(1e-3, 100),
    "burst_rate_factor": Range(1, 1e6),
    "mean_burst_s": Range(1e-6, 1e12),
    "mean_calm_s": Range(1e-6, 1e12),
    "amplitude": Range(0, 1),
    "period_s": Range(1e-6, 1e12),
}
HALVINGS = 48  # steps of the bisection that finds when a query of diurnal arrives
MAX_SWITCHES = 1e7  # most changes of the rate of an mmpp that are expected over a trace


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSpec:
    """The parameters of a synthetic trace.

    The two ranges, (low, high), are those that the workload's SubNets span.  `ValueError` where a
    name is unknown or a value out of range.
    """

    accuracy_percent: tuple[float, float]
    latency_ms: tuple[float, float]
    demands: str = "random-walk"  # a name in DEMANDS
    arrivals: str = CLOSED_LOOP  # a name in ARRIVALS
    queries: int = 2000
    seed: int = 0
    locality: float = 0.9  # random-walk: 0 makes demands independent, 1 makes them all equal
    phases: int = 4  # phases: number of parts of the range
    mean_phase_queries: float = 100.0  # phases: mean number of queries in a phase
    rate_per_s: float = 20.0  # all arrivals but closed-loop: mean number of queries per second
    interarrival_cv: float = 4.0  # gamma: standard deviation of a gap over its mean
    burst_rate_factor: float = 10.0  # mmpp: rate in a burst over the rate between bursts
    mean_burst_s: float = 1.0  # mmpp: mean length of a burst
    mean_calm_s: float = 9.0  # mmpp: mean time from the end of a burst to the next burst
    amplitude: float = 0.8  # diurnal: swing of the rate over its mean, from 0 (constant) to 1
    period_s: float = 60.0  # diurnal: length of a day

    def __post_init__(self) -> None:
        _check_known("demands", self.demands, DEMANDS)
        _check_known("arrivals", self.arrivals, ARRIVALS)
        _check_span("accuracy_percent", self.accuracy_percent, RANGES["min_accuracy_percent"])
        _check_span("latency_ms", self.latency_ms, RANGES["max_latency_ms"])
        for name, limits in LIMITS.items():
            if not limits.holds(getattr(self, name)):
                raise ValueError(f"{limits.law(name)} must hold, got {getattr(self, name)}")


def _check_known(field: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise ValueError(f"unknown {field} {name!r}; {near_names(name, known)}")


def _check_span(field: str, span: tuple[float, float], limits: Range) -> None:
    low, high = span
    if not (limits.holds(low) and limits.holds(high)):
        raise ValueError(f"{limits.law(field)} must hold, got {low} to {high}")
    if not low <= high:
        raise ValueError(f"{field}: low <= high must hold, got {low} to {high}")


Demand: TypeAlias = Callable[[TraceSpec, np.random.Generator], FloatArray]
"""A process that draws the demand of each query as a fraction of its range, 0 to 1: [query]."""

Arrival: TypeAlias = Callable[[TraceSpec, np.random.Generator], FloatArray]
"""A process that draws the time at which each query arrives, in ms, never falling: [query]."""


def independent(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Independent demands, uniform over the range: [query]."""
    return rng.random(spec.queries)


def random_walk(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Demands that move by at most `1 - locality` of the range and are reflected at its ends.

    A step is uniform in +-(1 - locality).  A reflected walk with symmetric steps keeps the uniform
    distribution, whatever the locality.  At locality 0 a step covers the range and its mirror image
    once, and the demands are independent.
    """
    draws = 2.0 * rng.random(spec.queries) - 1.0
    start = abs(draws[:1])
    unfolded = start + np.concatenate(([0.0], (1.0 - spec.locality) * draws[1:].cumsum()))
    return np.asarray(1.0 - abs(unfolded % 2.0 - 1.0))  # reflected at 0 and 1: a period of 2


def phases(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Demands of a Markov chain whose states, the phases, are equal parts of the range.

    In a phase demands are uniform over its part.  After each query a phase ends with probability
    1 / `mean_phase_queries`; the next phase is uniform over all others.
    """
    within, turns, jumps = rng.random((spec.queries, 3)).T
    ends = turns < 1.0 / spec.mean_phase_queries
    moves = np.where(ends, 1.0 + np.floor(jumps * (spec.phases - 1)), 0.0)
    moves[0] = np.floor(jumps[0] * spec.phases)  # The first phase is uniform over all.
    return np.asarray((moves.cumsum() % spec.phases + within) / spec.phases)


def closed_loop(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Zeros, which mark a closed loop: each query is sent when the one before is answered."""
    del rng
    return np.zeros(spec.queries)


def poisson(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals of a Poisson process of rate `rate_per_s`: gaps are exponential."""
    return rng.exponential(1e3 / spec.rate_per_s, spec.queries).cumsum()


def gamma(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals with independent, gamma-distributed gaps.

    At an `interarrival_cv` of 1 they are a Poisson process; below it they are more regular, above
    it more bursty.
    """
    shape = spec.interarrival_cv**-2
    return rng.gamma(shape, 1e3 / spec.rate_per_s / shape, spec.queries).cumsum()


def mmpp(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals of a two-state Markov-modulated Poisson process: calm, and bursts.

    A state lasts exponentially long; the first one is drawn from the stationary distribution.  A
    query arrives where the integral of the rate reaches the next arrival of a Poisson process of
    rate 1.  `ValueError` where more than `MAX_SWITCHES` changes of state are expected.
    """
    switches = _expected_switches(spec)
    burst_share = spec.mean_burst_s / (spec.mean_burst_s + spec.mean_calm_s)
    calm_per_ms = 1e-3 * spec.rate_per_s / (1.0 + burst_share * (spec.burst_rate_factor - 1.0))
    rates_per_ms = calm_per_ms * np.array([1.0, spec.burst_rate_factor])
    means_ms = 1e3 * np.array([spec.mean_calm_s, spec.mean_burst_s])
    first_rng, length_rng, query_rng = rng.spawn(3)
    first = int(first_rng.random() < burst_share)
    due = query_rng.standard_exponential(spec.queries).cumsum()
    lengths, reached = np.empty(0), np.zeros(1)
    while reached[-1] <= due[-1]:
        more = length_rng.standard_exponential(int(switches) + 1000)
        lengths = np.concatenate((lengths, more))
        states = (first + np.arange(len(lengths))) % 2
        lengths_ms = lengths * means_ms[states]
        reached = (lengths_ms * rates_per_ms[states]).cumsum()
    at = np.searchsorted(reached, due, side="right")  # number of the stay that each query falls in
    begun_ms, begun = (np.append(0.0, sums)[at] for sums in (lengths_ms.cumsum(), reached))
    # Rounding may put a query after the first one of the next stay.
    return np.maximum.accumulate(begun_ms + (due - begun) / rates_per_ms[states[at]])


def _expected_switches(spec: TraceSpec) -> float:
    switches = 2 * spec.queries / (spec.rate_per_s * (spec.mean_burst_s + spec.mean_calm_s))
    if not switches <= MAX_SWITCHES:
        raise ValueError(
            f"at most {MAX_SWITCHES:g} changes of rate must be expected, got {switches:.3g}; "
            "raise mean_calm_s or rate_per_s"
        )
    return switches


def diurnal(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals of a Poisson process whose rate is a sine of period `period_s`.

    The trace begins at a random phase.  A query arrives where the integral of the rate reaches the
    next arrival of a Poisson process of the mean rate, found by bisection.
    """
    start = rng.random()
    at_mean_ms = rng.exponential(1e3 / spec.rate_per_s, spec.queries).cumsum()
    day_ms = 1e3 * spec.period_s
    # A trace refuses times after MAX_MS; the bound keeps infinity out of the cosine.
    wanted = np.minimum(at_mean_ms, 3.0 * MAX_MS) / day_ms
    swing = spec.amplitude / (2.0 * np.pi)
    early, late = wanted - 2.0 * swing, wanted + 2.0 * swing
    for _ in range(HALVINGS):
        middle = 0.5 * (early + late)
        turned = np.cos(2.0 * np.pi * start) - np.cos(2.0 * np.pi * (start + middle))
        before = middle + swing * turned < wanted
        early, late = np.where(before, middle, early), np.where(before, late, middle)
    return np.maximum.accumulate(np.maximum(late, 0.0) * day_ms)  # Rounding may put one too early.


DEMANDS: dict[str, Demand] = {
    INDEPENDENT: independent,
    RANDOM_WALK: random_walk,
    PHASES: phases,
}
ARRIVALS: dict[str, Arrival] = {
    CLOSED_LOOP: closed_loop,
    "poisson": poisson,
    "gamma": gamma,
    "mmpp": mmpp,
    "diurnal": diurnal,
}


def generate(spec: TraceSpec) -> Trace:
    """The trace of a specification; equal specifications give equal bits.

    `ValueError` where the rate is so small that an arrival passes `MAX_MS`.
    """
    accuracy_rng, latency_rng, arrival_rng = np.random.default_rng(spec.seed).spawn(3)
    demand = DEMANDS[spec.demands]
    return Trace(
        arrived_ms=ARRIVALS[spec.arrivals](spec, arrival_rng),
        min_accuracy_percent=spread(demand(spec, accuracy_rng), spec.accuracy_percent),
        max_latency_ms=spread(demand(spec, latency_rng), spec.latency_ms),
    )


def spread(fractions: FloatArray, span: tuple[float, float]) -> FloatArray:
    """The demands at those fractions, 0 to 1, of the range `span`, (low, high): [query]."""
    low, high = span
    return np.clip(low + (high - low) * fractions, low, high)  # Rounding may pass an end.
