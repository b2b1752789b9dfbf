"""The model against measured layers."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.plots.panels import Panel, Series, floats
from sushi_dse.plots.style import LOG_FROM_RATIO

if TYPE_CHECKING:  # its kernels take a second to import
    from sushi_dse.model.calibration import LayerError, Validation


def validation_panels(errors: "Validation") -> tuple[Panel, Panel]:
    """Predicted against measured latency with the identity, and the error with its band.

    The band is the mean absolute error, the lines about it the worst one.
    """
    measured = floats([row.measured_us for row in errors.rows])
    ends = floats([measured.min(), measured.max()])
    log = bool(ends[1] >= LOG_FROM_RATIO * ends[0])
    mean, worst = errors.mape_percent, errors.max_error_percent

    def level(name: str, height: float, look: int, *, in_legend: bool = True) -> Series:
        return Series(
            name=name, kind="line", x=ends, y=np.full(2, height), look=look, in_legend=in_legend
        )

    return (
        Panel(
            title="Predicted against measured latency of each layer",
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
        Panel(
            title="How far the prediction lies above the measurement",
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
        ),
    )  # fmt: skip


def _points(errors: "Validation", height: "Callable[[LayerError], float]") -> Iterator[Series]:
    """The layers of each SubNet as points over their measured latency."""
    for i, subnet in enumerate(errors.subnets):
        rows = errors.of(subnet).rows
        yield Series(
            name=f"SubNet {subnet}",
            kind="points",
            x=floats([row.measured_us for row in rows]),
            y=floats([height(row) for row in rows]),
            look=i,
            hover=tuple(f"{row.subnet} {row.layer}: {row.error_percent:+.2f} %" for row in rows),
        )
