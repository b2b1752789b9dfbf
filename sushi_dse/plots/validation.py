"""The model against measured layers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sushi_dse.plots.panels import FloatArray, Panel, Series, floats
from sushi_dse.plots.style import LOG_FROM_RATIO

if TYPE_CHECKING:  # its kernels take a second to import
    from sushi_dse.model.validation import LayerError, Validation


def validation_panels(errors: "Validation") -> tuple[Panel, ...]:
    """Predicted against measured latency, the error with its band, and the gain of residency.

    The band is the mean absolute error, the lines about it the worst one.  The gain is drawn where
    layers were measured with their weights resident too.
    """
    measured = floats([row.measured_us for row in errors.rows])
    ends = floats([measured.min(), measured.max()])
    log = bool(ends[1] >= LOG_FROM_RATIO * ends[0])
    streamed = ", weights streamed" if errors.has_gain else ""
    panels = [
        Panel(
            title=f"Predicted against measured latency of each layer{streamed}",
            x_label="measured (us)",
            y_label="predicted (us)",
            log_x=log,
            log_y=log,
            height_inches=4.0,
            series=(
                Series(name="predicted as measured", kind="line", x=ends, y=ends, look=-1),
                *_points(errors, lambda row: row.predicted_us),
            ),
        ),
        _error_panel(errors, ends, log=log, streamed=streamed),
    ]
    if errors.has_gain:
        panels += [
            Panel(
                title="Gain of residency of each layer: what its weights on chip save",
                x_label="measured gain (% of the latency with weights streamed)",
                y_label="predicted gain (%)",
                height_inches=4.6,
                series=(_diagonal(errors), *_gains(errors)),
            ),
            _network_panel(errors),
        ]
    return tuple(panels)


def power_panel(rows: Sequence[Mapping[str, Any]]) -> Panel:
    """Predicted against measured watts of boards: rows of `measured_watts`."""
    ends = floats([0.0, 1.1 * max(row["measured_w"] for row in rows)])
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        state = "idle" if row["state"] == "idle" else "busy"
        groups.setdefault(f"{row['board']}, {state}", []).append(row)
    return Panel(
        title="Power over that of the board without a design",
        x_label="measured (W)",
        y_label="predicted (W)",
        height_inches=4.6,
        series=(
            Series(name="within 30 %", kind="band", look=-1, x=ends, y=1.3 * ends, base=0.7 * ends),
            Series(name="predicted as measured", kind="line", x=ends, y=ends, look=-1),
            *(
                Series(
                    name=name,
                    kind="points",
                    x=floats([row["measured_w"] for row in own]),
                    y=floats([row["predicted_w"] for row in own]),
                    look=look,
                    emphasis="strong",
                )
                for look, (name, own) in enumerate(groups.items())
            ),
        ),
    )


def _error_panel(errors: "Validation", ends: FloatArray, *, log: bool, streamed: str) -> Panel:
    """The error of each layer over its measured latency, between `ends`."""
    mean, worst = errors.mape_percent, errors.max_error_percent

    def level(name: str, height: float, look: int, *, in_legend: bool = True) -> Series:
        return Series(
            name=name, kind="line", x=ends, y=np.full(2, height), look=look, in_legend=in_legend
        )

    return Panel(
        title=f"How far the prediction lies above the measurement{streamed}",
        x_label="measured (us)",
        y_label="error (%)",
        log_x=log,
        series=(
            Series(name=f"mean error {mean:.2f} %", kind="band", look=-1, x=ends,
                   y=np.full(2, mean), base=np.full(2, -mean)),
            level("no error", 0.0, -1),
            level(f"worst error {worst:.2f} %", worst, -3),
            level("worst", -worst, -3, in_legend=False),
            *_points(errors, lambda row: row.error_percent),
        ),
    )  # fmt: skip


def _network_panel(errors: "Validation") -> Panel:
    """Measured and predicted gain of each network as a whole, one beside the other."""
    places = np.arange(len(errors.subnets), dtype=np.float64)
    totals = [errors.of(subnet).total for subnet in errors.subnets]
    both = {
        "measured": floats([total.measured_gain_percent for total in totals]),
        "predicted": floats([total.predicted_gain_percent for total in totals]),
    }
    return Panel(
        title="Gain of residency of each network, all of its layers together",
        x_label="network",
        y_label="gain (% of the latency)",
        x_names=errors.subnets,
        y_range=(0.0, 1.1 * float(np.nanmax([*both.values()]))),
        series=tuple(
            Series(
                name=name, kind="points", x=places + shift, y=both[name], look=look,
                emphasis="strong",
            )
            for name, shift, look in (("measured", -0.12, 0), ("predicted", 0.12, 1))
        ),
    )  # fmt: skip


def _diagonal(errors: "Validation") -> Series:
    gains = [row.measured_gain_percent for row in errors.rows]
    ends = floats([0.0, max(gain for gain in gains if gain is not None)])
    return Series(name="predicted as measured", kind="line", x=ends, y=ends, look=-1)


def _gains(errors: "Validation") -> Iterator[Series]:
    """The layers of each network by their measured and predicted gain."""
    for i, subnet in enumerate(errors.subnets):
        rows = [row for row in errors.of(subnet).rows if row.measured_gain_percent is not None]
        yield Series(
            name=subnet,
            kind="points",
            x=floats([row.measured_gain_percent for row in rows]),
            y=floats([row.predicted_gain_percent for row in rows]),
            look=i,
            hover=tuple(f"{row.subnet} {row.layer}" for row in rows),
        )


def _points(errors: "Validation", height: "Callable[[LayerError], float]") -> Iterator[Series]:
    """The layers of each SubNet or network as points over their measured latency."""
    for i, subnet in enumerate(errors.subnets):
        rows = errors.of(subnet).rows
        is_named = all(row.index is None for row in rows)
        yield Series(
            name=f"SubNet {subnet}" if is_named else subnet,
            kind="points",
            x=floats([row.measured_us for row in rows]),
            y=floats([height(row) for row in rows]),
            look=i,
            hover=tuple(f"{row.subnet} {row.layer}: {row.error_percent:+.2f} %" for row in rows),
        )
