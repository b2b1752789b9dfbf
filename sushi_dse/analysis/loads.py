"""Load curves: what each policy makes of one stream that arrives slower or faster.

A load is the mean rate of arrivals as a share of the capacity that `cold_offer` finds: queries
served back to back, each SubNet as often as the next, nothing cached.  The arrivals are the
stream's own, so many times as fast: bursts stay bursts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from sushi_dse.analysis.compare import compare_policies
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import CAPACITY, LATENCY
from sushi_dse.evaluation.offers import MOST_LOAD, cold_offer
from sushi_dse.evaluation.traced import Row
from sushi_dse.policies.names import marked
from sushi_dse.serving.capacity import own_rate_per_s
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import FloatArray, Trace
from sushi_dse.units import BLANKS, parse_number

PEAK_QUERIES = 100  # successive arrivals of the busiest stretch: assumption; plausible 16 to 1000
MOST_LOADS = 1000
DIGITS = 12  # significant digits of a load between two ends, so that 0.1:0.3:3 has the load 0.2
KNEE, OVER, PEAKS_OVER = "knee", "over capacity", "peaks over capacity"  # marks of a row
ASK = "--loads: give FROM:TO:COUNT, such as 0.1:1.2:12, or loads with commas between"


def asked_loads(text: str) -> tuple[float, ...]:
    """The loads that a text asks for: FROM:TO:COUNT, in even steps, or a list with commas.

    `UserError` where it is neither, or the loads are not two at least that rise from above 0.

    >>> asked_loads("0.1:0.5:3"), asked_loads("0.2,0.9")
    ((0.1, 0.3, 0.5), (0.2, 0.9))
    """
    is_range = ":" in text
    words = text.split(":" if is_range else ",")
    try:
        values = [parse_number(word.strip(BLANKS)) for word in words]
    except ValueError as error:
        raise UserError(f"{ASK}; {error}") from None
    if not is_range:
        return checked_loads(values)
    if len(values) != 3:
        raise UserError(f"{ASK}; got {len(values)} numbers")
    low, high, count = values
    if not (count == int(count) and 2 <= count <= MOST_LOADS):
        raise UserError(f"--loads: a COUNT from 2 to {MOST_LOADS} must be given, got {count:g}")
    checked_loads([low, high])
    steps = np.linspace(low, high, int(count)).tolist()
    return checked_loads([float(f"{load:.{DIGITS}g}") for load in steps])


def checked_loads(loads: Sequence[float]) -> tuple[float, ...]:
    """The loads; `UserError` unless they are two at least that rise from above 0."""
    shown = ", ".join(f"{load:g}" for load in loads[:MOST_LOADS])
    if not 2 <= len(loads) <= MOST_LOADS:
        raise UserError(
            f"--loads: give 2 to {MOST_LOADS} loads, got {len(loads)}; one load is --load"
        )
    if not all(0 < load <= MOST_LOAD for load in loads):
        raise UserError(f"--loads: 0 < load <= {MOST_LOAD} must hold, got {shown}")
    if not all(a < b for a, b in pairwise(loads)):
        raise UserError(f"--loads: give loads that rise, each once; got {shown}")
    return tuple(map(float, loads))


def peak_rate_per_s(trace: Trace, queries: int = PEAK_QUERIES) -> float:
    """The rate of the busiest stretch of so many successive arrivals, or of all where it has less.

    It is infinite where they come at one time.  `UserError` where the arrivals have no rate.
    """
    own_rate_per_s(trace)
    gaps = min(queries, len(trace)) - 1
    span_ms = float((trace.arrived_ms[gaps:] - trace.arrived_ms[: len(trace) - gaps]).min())
    return 1e3 * gaps / span_ms if span_ms > 0 else np.inf


def knee_load(
    loads: Sequence[float], throughput_per_s: Sequence[float], mean_latency_ms: Sequence[float]
) -> float | None:
    """The knee of a curve: the load of the greatest power, throughput over mean response time.

    It is that of L. Kleinrock, "Power and deterministic rules of thumb for probabilistic problems
    in computer communications" (ICC 1979).  None where power is greatest at the first or at the
    last load, since it may be greater beyond.
    """
    best = int(np.argmax(np.divide(throughput_per_s, mean_latency_ms)))
    return float(loads[best]) if 0 < best < len(loads) - 1 else None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LoadCurve:
    """What a policy makes of the stream at each load."""

    policy: str
    rows: Sequence[Row]  # [load], the metrics
    knee_load: float | None  # as `knee_load` says
    capacity_queries_per_s: float  # as the metric of that name
    capacity_load: float  # the same as a load

    def over(self, metric: str) -> FloatArray:
        """A metric over the loads: [load], NaN where it is null."""
        return np.array([row[metric] for row in self.rows], dtype=np.float64)


@dataclass(frozen=True, eq=False, kw_only=True)
class LoadCurves:
    """The curves of policies over the loads of one stream, and how bursty it is."""

    loads: tuple[float, ...]
    experiment: Experiment
    full_load_per_s: float  # rate of arrivals at load 1
    peak_queries: int  # successive arrivals of the busiest stretch
    peak_to_mean: float  # rate of that stretch over the mean rate, the same at every load
    curves: Sequence[LoadCurve]

    @property
    def inputs(self) -> dict[str, object]:
        """The inputs of the rows by name."""
        return {**self.experiment.inputs, "loads": list(self.loads)}

    def hidden(self, curve: LoadCurve) -> list[float]:
        """The loads within a policy's capacity whose busiest stretch arrives faster than that."""
        capacity = curve.capacity_load
        return [load for load in self.loads if load <= capacity < load * self.peak_to_mean]

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        """A row for each policy and load: its metrics, and marks at the knee and over capacity."""
        return [
            marked({
                "policy": curve.policy,
                "load": load,
                "offered_queries_per_s": load * self.full_load_per_s,
                **{name: value for name, value in row.items() if name != "policy"},
                CAPACITY: curve.capacity_queries_per_s,
                "marks": ", ".join(self._marks(curve, load)),
            })
            for curve in self.curves
            for load, row in zip(self.loads, curve.rows, strict=True)
        ]  # fmt: skip

    def _marks(self, curve: LoadCurve, load: float) -> list[str]:
        marks = [KNEE] if load == curve.knee_load else []
        if load > curve.capacity_load:
            return [*marks, OVER]
        return [*marks, PEAKS_OVER] if load in self.hidden(curve) else marks

    @property
    def policies(self) -> list[dict[str, object]]:
        """A row for each policy: its knee, its capacity, and where peaks begin to exceed it."""
        return [
            {
                "policy": curve.policy,
                "knee_load": curve.knee_load,
                "capacity_load": curve.capacity_load,
                CAPACITY: curve.capacity_queries_per_s,
                "peaks_over_capacity_from_load": curve.capacity_load / self.peak_to_mean,
            }
            for curve in self.curves
        ]


def load_curves(
    experiment: Experiment, loads: Sequence[float], *, peak_queries: int = PEAK_QUERIES
) -> LoadCurves:
    """The curves of the policies of `experiment` over those loads, on its one design.

    The stream is that of the experiment, whose arrivals, and nothing else, are made as much faster
    as a load asks for.  The busiest stretch is of so many successive arrivals.  `UserError` where
    loads do not rise from above 0, the arrivals cannot be scaled, or the experiment has no
    `capacity_target`, several designs, or more than one recache interval, seed or service level.
    """
    loads = checked_loads(loads)
    _check(experiment)
    trace, full_load_per_s = experiment.traced, _full_load_per_s(experiment)
    at_capacity = compare_policies(experiment)
    traces = scaled_traces(trace, full_load_per_s * np.array(loads))
    plain = replace(experiment, capacity_target=None)
    by_load = [compare_policies(replace(plain, trace=each)) for each in traces]
    curves = []
    for base, *rows in zip(at_capacity, *by_load, strict=True):
        capacity_per_s = float(base[CAPACITY] or 0)
        throughput, mean_ms = (
            [float(row[name] or 0) for row in rows]
            for name in ("throughput_queries_per_s", LATENCY)
        )
        curves.append(
            LoadCurve(
                policy=str(base["policy"]),
                rows=rows,
                knee_load=knee_load(loads, throughput, mean_ms),
                capacity_queries_per_s=capacity_per_s,
                capacity_load=capacity_per_s / full_load_per_s,
            )
        )
    return LoadCurves(
        loads=loads,
        experiment=experiment,
        full_load_per_s=full_load_per_s,
        peak_queries=min(peak_queries, len(trace)),
        peak_to_mean=peak_rate_per_s(trace, peak_queries) / own_rate_per_s(trace),
        curves=curves,
    )


def _check(experiment: Experiment) -> None:
    if experiment.capacity_target is None:
        raise UserError("load curves mark the capacity: give a capacity_target, such as 0.99")
    for what, several in (
        ("recache interval", experiment.recache_every_queries),
        ("service level", experiment.service_levels),
        ("seed", experiment.seeded or (0,)),
    ):
        if len(several) > 1:
            raise UserError(f"load curves are of one {what}, got {len(several)}; give one")


def _full_load_per_s(experiment: Experiment) -> float:
    return cold_offer(experiment.network, experiment.design).capacity_per_s


def scaled_traces(trace: Trace, rates_per_s: FloatArray) -> tuple[Trace, ...]:
    """The trace with its arrivals at each of those mean rates; `UserError` where one is too slow.

    Arrivals must stay within what a trace can hold.
    """
    speeds = rates_per_s / own_rate_per_s(trace)
    try:
        return Streams([trace] * len(speeds)).faster(speeds).traces
    except ValueError as error:
        raise UserError(f"--loads: the stream cannot arrive so slowly: {error}") from None
