"""The cost model against measured layers: its error, and the constants that make it least.

Four constants are fitted, each a thing of the board: the launch (us), the share of the memory's
peak that the port gets, the cycles to fill the pipeline of a tile, and the least cycles of a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.kernels import layer_costs
from sushi_dse.model.layer import LayerCost, array_of
from sushi_dse.model.network import layer_shapes
from sushi_dse.workload.layers import MeasuredLayer

FITTED = {  # the largest value that physics allows; none is negative
    "launch_us": np.inf,
    "dram_efficiency": 1.0,
    "fill_cycles": np.inf,
    "row_cycles": np.inf,
}
# Where fits start, in the order of FITTED.  A constant that a start leaves without effect, as a
# row shorter than any stream is, stays where it was; so there are several, and the best one counts.
STARTS = tuple((50.0, share, 5.0, row) for share in (0.05, 0.2, 0.8) for row in (5.0, 10.0, 20.0))
# Relative errors past this count by their size, not its square: layers measured twice differ by up
# to 6 %, so a single layer must not bend the fit.
OUTLIER_SHARE = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError:
    """One layer measured and predicted."""

    subnet: str
    layer: str
    measured_us: float
    predicted_us: float

    @property
    def error_percent(self) -> float:
        """How far the prediction lies above the measurement."""
        return 100 * (self.predicted_us / self.measured_us - 1)


@dataclass(frozen=True, slots=True)
class Validation:
    """The errors of a model over measured layers."""

    rows: tuple[LayerError, ...]

    @property
    def mape_percent(self) -> float:
        """Mean absolute error over the layers."""
        return float(np.mean([abs(row.error_percent) for row in self.rows]))

    @property
    def max_error_percent(self) -> float:
        """Absolute error of the worst layer."""
        return max(abs(row.error_percent) for row in self.rows)

    @property
    def subnets(self) -> tuple[str, ...]:
        """The SubNets that the layers are from, in the order of the rows."""
        return tuple(dict.fromkeys(row.subnet for row in self.rows))

    def of(self, subnet: str) -> "Validation":
        """The errors of one SubNet's layers."""
        return Validation(tuple(row for row in self.rows if row.subnet == subnet))


def predicted_us(shapes: np.ndarray, accelerator: Accelerator) -> np.ndarray:
    """Latency of each layer launched alone, nothing cached: [layer]."""
    cost = LayerCost(*layer_costs(shapes, array_of(accelerator), False))
    return np.asarray(accelerator.launch_us + cost.cycles / accelerator.clock_mhz)


def _shapes(measured: Sequence[MeasuredLayer]) -> np.ndarray:
    return layer_shapes([row.layer for row in measured], alone=True)


def validate(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> Validation:
    """The error of the model of `accelerator` on each measured layer."""
    return Validation(
        tuple(
            LayerError(
                subnet=row.subnet,
                layer=row.layer.name,
                measured_us=row.latency_us,
                predicted_us=float(predicted),
            )
            for row, predicted in zip(
                measured, predicted_us(_shapes(measured), accelerator), strict=True
            )
        )
    )


def calibrate(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> Accelerator:
    """`accelerator` with the constants that fit the measured layers best."""
    if len(measured) < len(FITTED):
        raise ValueError(
            f"{len(FITTED)} constants need as many layers, got {len(measured)}; measure more"
        )

    from scipy.optimize import least_squares  # takes half a second to import

    shapes = _shapes(measured)
    measured_us = np.array([row.latency_us for row in measured])

    def with_constants(values: np.ndarray) -> Accelerator:
        constants: dict[str, Any] = dict(zip(FITTED, map(float, values), strict=True))
        return replace(accelerator, **constants)

    def relative_errors(values: np.ndarray, /) -> np.ndarray:
        return np.asarray(predicted_us(shapes, with_constants(values)) / measured_us - 1)

    fits = [
        least_squares(
            relative_errors,
            start,
            bounds=([0, 1e-6, 0, 0], list(FITTED.values())),
            x_scale=start,
            loss="soft_l1",
            f_scale=OUTLIER_SHARE,
        )
        for start in STARTS
    ]
    return with_constants(min(fits, key=lambda fit: fit.cost).x)


def too_fast(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> tuple[LayerError, ...]:
    """The layers measured in less time than any constants allow; the prediction is that least time.

    Some are there where the array, the clock or the memory's peak is not that of the board.
    """
    bound = replace(
        accelerator, launch_us=0.0, dram_efficiency=1.0, fill_cycles=0.0, row_cycles=0.0
    )
    return tuple(
        row for row in validate(measured, bound).rows if row.measured_us < row.predicted_us
    )


def leave_one_subnet_out(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> Validation:
    """Errors on each SubNet's layers of the model calibrated on the other SubNets.

    A SubNet without which there are too few layers to calibrate on is left out of the rows.
    """
    rows: list[LayerError] = []
    for subnet in dict.fromkeys(row.subnet for row in measured):
        others = [row for row in measured if row.subnet != subnet]
        own = [row for row in measured if row.subnet == subnet]
        if len(others) >= len(FITTED):
            rows += validate(own, calibrate(others, accelerator)).rows
    return Validation(tuple(rows))
