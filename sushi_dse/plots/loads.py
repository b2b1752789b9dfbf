"""Load curves: each policy over the load of one stream, with knees, capacities and hidden peaks."""

from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.plots.lines import MOST_LINES
from sushi_dse.plots.panels import FloatArray, Panel, Series, floats
from sushi_dse.plots.style import LOG_FROM_RATIO
from sushi_dse.policies.names import policy_label
from sushi_dse.units import label

if TYPE_CHECKING:  # its kernels take a second to import
    from sushi_dse.analysis.loads import LoadCurves

DRAWN = (
    "mean_latency_ms",
    "p50_latency_ms",
    "p99_latency_ms",
    "slo_attainment",
    "mean_accuracy_percent",
    "mean_power_w",
)
KNEE, CAPACITY = "knee", "capacity"


def check_curves(policies: int) -> None:
    """Raise `UserError` where there are more policies than a figure tells apart."""
    if policies > MOST_LINES:
        raise UserError(
            f"--plot: {policies} policies, and {MOST_LINES} curves are told apart at most; name "
            "those to draw by --policy"
        )


def load_panels(found: "LoadCurves") -> tuple[Panel, ...]:
    """The metrics over the load, a curve for each policy, and a panel of their marks alone."""
    check_curves(len(found.curves))
    known = [name for name in DRAWN if np.isfinite(found.curves[0].over(name)).any()]
    return *(_metric_panel(found, name) for name in known), _marks_panel(found)


def _metric_panel(found: "LoadCurves", metric: str) -> Panel:
    loads, values = floats(found.loads), [curve.over(metric) for curve in found.curves]
    low, high = np.nanmin(values), np.nanmax(values)
    is_log = bool(low > 0 and high >= LOG_FROM_RATIO * low)

    def on_curves(places: FloatArray) -> FloatArray:  # [policy]
        return floats(
            [
                _between(place, loads, of, is_log=is_log)
                for place, of in zip(places, values, strict=True)
            ]
        )

    knees, capacities = _knees(found), _capacities(found)
    return Panel(
        title="",
        x_label="",
        y_label=label(metric, found.experiment.network.supernet.accuracy_of),
        log_y=is_log,
        x_range=_x_range(found),
        height_inches=2.2,
        series=(
            *(
                Series(name=policy_label(curve.policy), kind="line", x=loads, y=floats(of), look=i)
                for i, (curve, of) in enumerate(zip(found.curves, values, strict=True))
            ),
            Series(name=KNEE, kind="rings", x=knees, y=on_curves(knees)),
            Series(name=CAPACITY, kind="stars", x=capacities, y=on_curves(capacities)),
        ),
    )


def _marks_panel(found: "LoadCurves") -> Panel:
    """Each policy's knee, capacity, and the loads below it at which peaks exceed it."""
    rows = np.arange(len(found.curves), dtype=float)
    capacity = floats([curve.capacity_load for curve in found.curves])
    end = np.minimum(capacity, found.loads[-1])
    begin = np.minimum(capacity / found.peak_to_mean, end)
    empty = np.full(len(rows), np.nan)
    return Panel(
        title=f"What a mean load hides: the busiest {found.peak_queries} successive arrivals come "
        f"{found.peak_to_mean:.3g} times as fast",
        x_label="load: rate of arrivals over what is served back to back",
        y_label="",
        y_names=tuple(policy_label(curve.policy) for curve in found.curves),
        x_range=_x_range(found),
        height_inches=0.8 + 0.22 * len(rows),
        series=(
            Series(
                name="only peaks over capacity",
                kind="line",
                x=np.column_stack([begin, end, empty]).ravel(),
                y=np.repeat(rows, 3),
                look=-1,
            ),
            Series(name=KNEE, kind="rings", x=_knees(found), y=rows.copy()),
            Series(name=CAPACITY, kind="stars", x=_capacities(found), y=rows.copy()),
        ),
    )


def _x_range(found: "LoadCurves") -> tuple[float, float]:
    return 0.0, 1.02 * found.loads[-1]


def _knees(found: "LoadCurves") -> FloatArray:
    """The load of each policy's knee: [policy], NaN for none."""
    return floats([curve.knee_load or np.nan for curve in found.curves])


def _capacities(found: "LoadCurves") -> FloatArray:
    """The load of each policy's capacity: [policy], NaN where it lies outside the loads."""
    loads = [curve.capacity_load for curve in found.curves]
    return floats([x if found.loads[0] <= x <= found.loads[-1] else np.nan for x in loads])


def _between(place: float, loads: FloatArray, values: FloatArray, *, is_log: bool) -> float:
    """Where a curve is drawn at a load between its points; NaN of no load."""
    if np.isnan(place):
        return np.nan
    if is_log:
        return float(np.exp(np.interp(place, loads, np.log(values))))
    return float(np.interp(place, loads, values))
