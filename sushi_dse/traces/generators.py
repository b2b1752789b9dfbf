"""Synthetic traces, seeded: how the demands move, and when the queries arrive.

A query's accuracy and latency demand are two independent runs of the same process: which of the two
is the hard one changes from query to query, and no pair of them is left out.  They could be drawn
together only by a rule (strict about one, lax about the other) for which no measurement is at
hand.  Demands and arrivals have streams of random numbers of their own, so changing one leaves the
others as they were; and a longer trace begins with the shorter one of the same seed.

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
from sushi_dse.traces.names import INDEPENDENT, PHASES, RANDOM_WALK
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
CLOSED_LOOP = "closed-loop"  # the arrivals that have no rate
HALVINGS = 48  # of the day, to find when a query of diurnal arrives
MAX_SWITCHES = 1e7  # of an mmpp between its two rates, expected over a trace


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSpec:
    """All that a synthetic trace depends on.

    The two ranges, (low, high), are those that the workload's SubNets span.  Raises `ValueError`
    where a name is unknown or a value out of range.
    """

    accuracy_percent: tuple[float, float]
    latency_ms: tuple[float, float]
    demands: str = "random-walk"  # a name in DEMANDS
    arrivals: str = CLOSED_LOOP  # a name in ARRIVALS
    queries: int = 2000
    seed: int = 0
    locality: float = 0.9  # of random-walk: 0 forgets the demand before, 1 never leaves it
    phases: int = 4  # of phases: how many there are
    mean_phase_queries: float = 100.0  # of phases: queries until the next one, on average
    rate_per_s: float = 20.0  # of all but closed-loop: queries per second, on average
    interarrival_cv: float = 4.0  # of gamma: standard deviation of a gap over its mean
    burst_rate_factor: float = 10.0  # of mmpp: the rate in a burst over that between bursts
    mean_burst_s: float = 1.0  # of mmpp: length of a burst, on average
    mean_calm_s: float = 9.0  # of mmpp: from a burst to the next, on average
    amplitude: float = 0.8  # of diurnal: swing of the rate over its mean, 0 none, 1 down to none
    period_s: float = 60.0  # of diurnal: length of its day

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
"""The place of each query's demand in its range, 0 to 1: [query]."""

Arrival: TypeAlias = Callable[[TraceSpec, np.random.Generator], FloatArray]
"""When each query arrives, in ms, never backwards: [query]."""


def independent(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Demands that forget the one before, each place as likely as the next."""
    return rng.random(spec.queries)


def random_walk(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Demands that move by at most `1 - locality` of the range, up or down, and turn at its ends.

    A step is uniform in +-(1 - locality).  So every place stays as likely as the next whatever the
    locality: a reflected walk with symmetric steps keeps the uniform distribution.  At locality 0 a
    step covers the range and its mirror image once, and the demands are independent.
    """
    draws = 2.0 * rng.random(spec.queries) - 1.0
    start = abs(draws[:1])
    unfolded = start + np.concatenate(([0.0], (1.0 - spec.locality) * draws[1:].cumsum()))
    return np.asarray(1.0 - abs(unfolded % 2.0 - 1.0))  # mirrors lie at 0 and 1, period 2


def phases(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Demands of a Markov chain whose states are equal parts of the range.

    In a phase demands are uniform over its part.  After each query it ends with probability
    1 / `mean_phase_queries`; the next is any other one, with equal chances.
    """
    places, turns, jumps = rng.random((spec.queries, 3)).T
    ends = turns < 1.0 / spec.mean_phase_queries
    moves = np.where(ends, 1.0 + np.floor(jumps * (spec.phases - 1)), 0.0)
    moves[0] = np.floor(jumps[0] * spec.phases)  # the first phase: any one, with equal chances
    return np.asarray((moves.cumsum() % spec.phases + places) / spec.phases)


def closed_loop(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Zeros: each query is sent when the one before is answered."""
    del rng
    return np.zeros(spec.queries)


def poisson(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals that do not know of each other: gaps are exponential, `rate_per_s` on average."""
    return rng.exponential(1e3 / spec.rate_per_s, spec.queries).cumsum()


def gamma(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals whose gaps forget each other and are gamma-distributed, with `interarrival_cv`.

    At a variation of 1 they are a Poisson process; below they are more even, above in clumps.
    """
    shape = spec.interarrival_cv**-2
    return rng.gamma(shape, 1e3 / spec.rate_per_s / shape, spec.queries).cumsum()


def mmpp(spec: TraceSpec, rng: np.random.Generator) -> FloatArray:
    """Arrivals of a two-state Markov-modulated Poisson process: calm, and bursts.

    A state lasts exponentially long; the first is a burst with the chance that any moment lies in
    one.  A query arrives where the integral of the rate reaches the next arrival of a Poisson
    process of rate 1.  Raises `ValueError` where more than `MAX_SWITCHES` changes of state are
    expected.
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
    at = np.searchsorted(reached, due, side="right")  # the stay in a state that the query falls in
    begun_ms, begun = (np.append(0.0, sums)[at] for sums in (lengths_ms.cumsum(), reached))
    # Rounding may step over the end of a stay.
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
    """Arrivals of a Poisson process whose rate is a sine: a day of `period_s`, swing `amplitude`.

    The trace begins at a random time of the day.  A query arrives where the integral of the rate
    reaches the next arrival of a Poisson process of the mean rate; halving finds the place.
    """
    start = rng.random()
    at_mean_ms = rng.exponential(1e3 / spec.rate_per_s, spec.queries).cumsum()
    day_ms = 1e3 * spec.period_s
    # A trace refuses what comes after MAX_MS, and infinity has no cosine.
    wanted = np.minimum(at_mean_ms, 3.0 * MAX_MS) / day_ms
    swing = spec.amplitude / (2.0 * np.pi)
    early, late = wanted - 2.0 * swing, wanted + 2.0 * swing
    for _ in range(HALVINGS):
        middle = 0.5 * (early + late)
        turned = np.cos(2.0 * np.pi * start) - np.cos(2.0 * np.pi * (start + middle))
        before = middle + swing * turned < wanted
        early, late = np.where(before, middle, early), np.where(before, late, middle)
    return np.maximum.accumulate(np.maximum(late, 0.0) * day_ms)  # rounding may step back


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
    """The trace of a specification: the same bits for the same one.

    Raises `ValueError` where the rate is so small that an arrival passes `MAX_MS`.
    """
    accuracy_rng, latency_rng, arrival_rng = np.random.default_rng(spec.seed).spawn(3)
    demand = DEMANDS[spec.demands]
    return Trace(
        arrived_ms=ARRIVALS[spec.arrivals](spec, arrival_rng),
        min_accuracy_percent=spread(demand(spec, accuracy_rng), spec.accuracy_percent),
        max_latency_ms=spread(demand(spec, latency_rng), spec.latency_ms),
    )


def spread(places: FloatArray, span: tuple[float, float]) -> FloatArray:
    """The demands at those places, 0 to 1, of the range `span`."""
    low, high = span
    return np.clip(low + (high - low) * places, low, high)  # rounding may step over an end
