"""Synthetic traces, seeded: how the demands move, and when the queries arrive.

A query's accuracy and latency demand are two independent runs of the same process: which of the two
is the hard one changes from query to query, and no pair of them is left out.  They could be drawn
together only by a rule (strict about one, lax about the other) for which no measurement is at
hand.  Demands and arrivals have streams of random numbers of their own, so changing one leaves the
others as they were; and a longer trace begins with the shorter one of the same seed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sushi_dse.errors import near_names
from sushi_dse.queries.trace import RANGES, FloatArray, Range, Trace

LIMITS = {
    "queries": Range(1, 1e8),
    "seed": Range(0, 2**63 - 1),
    "locality": Range(0, 1),
    "phases": Range(2, 1000),
    "mean_phase_queries": Range(1, 1e15),
    "rate_per_s": Range(0, 1e9, low_included=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSpec:
    """All that a synthetic trace depends on.

    The two ranges, (low, high), are those that the workload's SubNets span.  Raises `ValueError`
    where a name is unknown or a value out of range.
    """

    accuracy_percent: tuple[float, float]
    latency_ms: tuple[float, float]
    demands: str = "random-walk"  # a name in DEMANDS
    arrivals: str = "closed-loop"  # a name in ARRIVALS
    queries: int = 2000
    seed: int = 0
    locality: float = 0.9  # of random-walk: 0 forgets the demand before, 1 never leaves it
    phases: int = 4  # of phases: how many there are
    mean_phase_queries: float = 100.0  # of phases: queries until the next one, on average
    rate_per_s: float = 20.0  # of poisson: queries per second, on average

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


DEMANDS: dict[str, Demand] = {
    "independent": independent,
    "random-walk": random_walk,
    "phases": phases,
}
ARRIVALS: dict[str, Arrival] = {"closed-loop": closed_loop, "poisson": poisson}


def generate(spec: TraceSpec) -> Trace:
    """The trace of a specification: the same bits for the same one.

    Raises `ValueError` where the rate is so small that an arrival passes `MAX_MS`.
    """
    accuracy_rng, latency_rng, arrival_rng = np.random.default_rng(spec.seed).spawn(3)
    demand = DEMANDS[spec.demands]
    return Trace(
        arrived_ms=ARRIVALS[spec.arrivals](spec, arrival_rng),
        min_accuracy_percent=_spread(demand(spec, accuracy_rng), spec.accuracy_percent),
        max_latency_ms=_spread(demand(spec, latency_rng), spec.latency_ms),
    )


def _spread(places: FloatArray, span: tuple[float, float]) -> FloatArray:
    """The demands at those places, 0 to 1, of the range `span`."""
    low, high = span
    return np.clip(low + (high - low) * places, low, high)  # rounding may step over an end
