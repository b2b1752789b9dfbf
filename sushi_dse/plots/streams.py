"""Streams of queries: what a trace asks for, and what policies make of it, over time."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.evaluation.queries import demands_met
from sushi_dse.evaluation.traced import replay
from sushi_dse.plots.gains import gain_panel
from sushi_dse.plots.panels import FloatArray, Panel, Series, floats
from sushi_dse.plots.style import LOG_FROM_RATIO
from sushi_dse.policies.names import policy_label
from sushi_dse.traces.trace import Trace
from sushi_dse.units import label

if TYPE_CHECKING:  # its kernels take a second to import
    from sushi_dse.analysis.compare import Comparison
    from sushi_dse.policies.policy import PolicyRun

WINDOWS = 60  # of a stream, in each of which a mean is taken
MOST_SERVED = 5  # policies whose lines over time are told apart in grey
STEPS = 1000  # of a distribution: no figure shows more
BAND_PERCENT = (10, 90)
MOST_QUERIES = 4000  # of a panel of all queries: no figure tells more apart
MET_LOOK, INACCURATE_LOOK, LATE_LOOK = 4, 5, 6  # from pale to dark, since more is amiss
QUERY_AXIS = "query"
TIME_AXIS = "time (s)"


def axis_of(trace: Trace) -> tuple[str, FloatArray]:
    """The label and the place of each query along a stream: its arrival, or its number.

    In a closed loop arrivals depend on the policy, so queries are numbered, from 1.
    """
    if trace.closed_loop:
        return QUERY_AXIS, np.arange(1.0, len(trace) + 1)
    return TIME_AXIS, (trace.arrived_ms - trace.arrived_ms[0]) * 1e-3


def windows(places: FloatArray) -> tuple[FloatArray, list[slice]]:
    """Equal stretches of a stream: their edges, and the queries in each, which may be none.

    places: [query], ascending; the edges: [window + 1].  There are no more windows than queries.
    """
    edges = np.linspace(places[0], places[-1], min(WINDOWS, len(places)) + 1)
    cuts = [0, *np.searchsorted(places, edges[1:-1]).tolist(), len(places)]
    return edges, [slice(*pair) for pair in pairwise(cuts)]


def over_windows(name: str, edges: FloatArray, values: Sequence[float], number: int) -> Series:
    """A value a window as steps, the last of which reaches the end of the stream."""
    steps = floats([*values, values[-1]])
    return Series(name=name, kind="steps", x=edges.copy(), y=steps, look=number)


def distribution(name: str, values: FloatArray, number: int) -> Series:
    """The share of the values that are no larger than x, as steps from 0 to 1.

    Of many values so many are drawn that no figure tells the difference, both ends always.
    """
    ranked = np.sort(values)
    kept = np.unique(np.linspace(0, len(ranked) - 1, STEPS).astype(int))
    return Series(
        name=name,
        kind="steps",
        x=np.append(ranked[0], ranked[kept]),
        y=np.append(0.0, (kept + 1) / len(ranked)),
        look=number,
    )


def comparison_panels(found: "Comparison") -> tuple[Panel, ...]:
    """The gains of a comparison, and of few policies how they served its first seed's trace."""
    gains, experiment = gain_panel(found.rows, found.repeats), found.experiment
    if len(found.rows) > MOST_SERVED:
        return (gains,)
    runs, trace = replay(experiment), experiment.traced
    accuracy_of = experiment.network.supernet.accuracy_of
    return gains, *serving_panels(runs, trace, accuracy_of), *query_panels(runs, trace)


def serving_panels(
    runs: Mapping[str, "PolicyRun"], trace: Trace, accuracy_of: str
) -> tuple[Panel, ...]:
    """Latency distributions, accuracy over time, and when the SubGraph was switched.

    accuracy_of: the metric of the accuracies.
    """
    x_label, places = axis_of(trace)
    edges, parts = windows(places)
    latencies = np.concatenate([run.served.response_ms for run in runs.values()])
    named = {policy_label(policy): run for policy, run in runs.items()}
    switching = [(i, *item) for i, item in enumerate(named.items()) if item[1].switched.any()]
    panels = [
        Panel(
            title="Response time: wait and service",
            x_label="latency (ms)",
            y_label="share of the queries within it",
            log_x=bool(latencies.max() >= LOG_FROM_RATIO * latencies.min()),
            height_inches=3.6,
            series=tuple(
                distribution(name, run.served.response_ms, i)
                for i, (name, run) in enumerate(named.items())
            ),
        ),
        Panel(
            title=f"Accuracy over time, a mean of {len(trace) / len(parts):.3g} queries each",
            x_label="" if switching else x_label,
            y_label=label("accuracy_percent", accuracy_of),
            height_inches=3.2,
            series=(
                over_windows("demanded", edges, _means(trace.min_accuracy_percent, parts), -1),
                *(
                    over_windows(name, edges, _means(run.served.accuracy_percent, parts), i)
                    for i, (name, run) in enumerate(named.items())
                ),
            ),
        ),
    ]
    if switching:
        panels.append(
            Panel(
                title="SubGraph switches",
                x_label=x_label,
                y_label="",
                y_names=tuple(name for _, name, _ in switching),
                height_inches=0.8 + 0.2 * len(switching),
                series=tuple(
                    Series(
                        name=name,
                        kind="ticks",
                        x=places[run.switched],
                        y=np.full(int(run.switched.sum()), float(row)),
                        look=i,
                        in_legend=False,
                    )
                    for row, (i, name, run) in enumerate(switching)
                ),
            )
        )
    return tuple(panels)


def query_panels(runs: Mapping[str, "PolicyRun"], trace: Trace) -> tuple[Panel, ...]:
    """The response time of each query over the stream, a panel for each policy, misses marked.

    Of many queries so many are drawn, evenly over the stream.
    """
    x_label, places = axis_of(trace)
    drawn = np.unique(np.linspace(0, len(trace) - 1, MOST_QUERIES).astype(int))
    latencies = np.concatenate([run.served.response_ms[drawn] for run in runs.values()])
    low, high = float(latencies.min()), float(latencies.max())
    is_log = high >= LOG_FROM_RATIO * low
    panels = []
    for number, (policy, run) in enumerate(runs.items()):
        accurate, in_time = demands_met(run.served, trace)
        missed = int((~(accurate & in_time)).sum())
        kinds = {
            "both demands met": (accurate & in_time, MET_LOOK),
            "not accurate enough": (~accurate & in_time, INACCURATE_LOOK),
            "too late": (~in_time, LATE_LOOK),
        }
        panels.append(
            Panel(
                title=f"{policy_label(policy)}: {missed:,} of {len(trace):,} queries miss a demand",
                x_label=x_label if number == len(runs) - 1 else "",
                y_label="response (ms)",
                log_y=is_log,
                y_range=(0.75 * low, 1.33 * high) if is_log else (0.0, 1.05 * high),
                height_inches=1.9,
                series=tuple(
                    Series(
                        name=name,
                        kind="points",
                        x=places[drawn][of[drawn]],
                        y=run.served.response_ms[drawn][of[drawn]],
                        look=look,
                    )
                    for name, (of, look) in kinds.items()
                ),
            )
        )
    return tuple(panels)


def trace_panels(trace: Trace) -> tuple[Panel, ...]:
    """Arrivals a second over time, where there are times, and each column of demands."""
    x_label, places = axis_of(trace)
    edges, parts = windows(places)
    demands = {name: values for name, values in trace.named_columns.items() if name != "arrived_ms"}
    panels = [
        Panel(
            title=f"{label(name)}: the mean, and where {BAND_PERCENT[0]} to {BAND_PERCENT[1]} % "
            "of the queries lie",
            x_label=x_label,
            y_label=label(name),
            height_inches=2.6,
            series=_spread(edges, [values[part] for part in parts]),
        )
        for name, values in demands.items()
    ]
    seconds = np.diff(edges)
    counts = np.array([part.stop - part.start for part in parts])
    with np.errstate(all="ignore"):  # Arrivals may be closer to each other than 1 over any rate.
        rates = counts / seconds
        mean = (len(trace) - 1) / places[-1]
    if not trace.closed_loop and np.isfinite([*rates, mean]).all():
        panels.insert(
            0,
            Panel(
                title=f"Arrivals, counted over {seconds[0]:.3g} s each",
                x_label=x_label,
                y_label="queries/s",
                height_inches=2.6,
                series=(
                    over_windows("arrivals", edges, rates.tolist(), 0),
                    Series(name="on average", kind="line", look=-2,
                           x=edges[[0, -1]], y=floats([float(mean), float(mean)])),
                ),
            ),
        )  # fmt: skip
    return tuple(panels)


def _means(values: FloatArray, parts: Sequence[slice]) -> list[float]:
    """The mean of each window; NaN of one without queries."""
    return [float(values[part].mean()) if part.stop > part.start else np.nan for part in parts]


def _spread(edges: FloatArray, parts: Sequence[FloatArray]) -> tuple[Series, Series]:
    """The band that most values of each window lie in, and their mean."""
    nothing = np.full(2, np.nan)
    ends = np.array([np.percentile(p, BAND_PERCENT) if len(p) else nothing for p in parts])
    means = [float(part.mean()) if len(part) else np.nan for part in parts]
    low, high = np.repeat(ends, 2, axis=0).T
    band = Series(
        name="most queries",
        kind="band",
        x=np.repeat(edges, 2)[1:-1],  # each window's two edges
        y=high,
        base=low,
    )
    return band, over_windows("mean", edges, means, 0)
