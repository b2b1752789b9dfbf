"""The constants of a board that make the error on measured layers least.

Each is a thing of the board, and none is per SubNet.  Weight-stationary: the launch, the bytes
that the port takes in a cycle, the cycles to fill the pipeline of a tile and those to drain it.
Output-stationary: the launch, the port, and the cycles by which reads and weights come early or
late.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import MOST, Accelerator, Dataflow
from sushi_dse.model.validation import (
    LayerError,
    Validation,
    measured_shapes,
    predicted_us,
    validate,
)
from sushi_dse.workload.measured import MeasuredLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A constant that is fitted: none is negative."""

    name: str  # field of the accelerator
    starts: tuple[float, ...]  # where fits start
    least: float = 0.0
    most: float = np.inf  # the largest value that physics allows


# A constant that a start leaves without effect, as a port that no layer waits for is, stays where
# it was; so there are several starts, all combinations, and the best one counts.
FITTED = {
    Dataflow.WEIGHT_STATIONARY: (
        Constant(name="launch_us", starts=(50.0,)),
        Constant(name="port_bytes_per_cycle", starts=(5.0, 20.0, 80.0), least=1e-6),
        Constant(name="fill_cycles", starts=(5.0,)),
        Constant(name="drain_cycles", starts=(20.0, 60.0)),
    ),
    # The fill by pixel is that of the file: on one array it cannot be told from the launch.
    Dataflow.OUTPUT_STATIONARY: (
        Constant(name="launch_us", starts=(0.5,)),
        Constant(name="port_bytes_per_cycle", starts=(30.0, 60.0), least=1e-6),
        Constant(name="weight_delay_cycles", starts=(10.0,)),
        Constant(name="read_ahead_cycles", starts=(4.0,)),
        Constant(name="tile_read_cycles", starts=(1.0,)),
    ),
}
# By how much the same layer differs when it is measured again, as the two sessions on the ZCU104
# and the repeated shapes on the VCU118 show: a share, and what a launch by the host adds.
NOISE_SHARE, LAUNCH_NOISE_US = 0.003, 4.0
DIFFERENCE = 1e-3  # of a constant, by which the slope of an error is taken


def means(measured: Sequence[MeasuredLayer]) -> list[MeasuredLayer]:
    """The measured layers, those that were measured several times once with their means."""
    again: dict[tuple[object, ...], list[MeasuredLayer]] = {}
    for row in measured:
        is_resident = row.resident_latency_us is not None
        again.setdefault((row.subnet, row.layer, row.index, row.array, is_resident), []).append(row)
    return [
        replace(
            rows[0],
            latency_us=float(np.mean([row.latency_us for row in rows])),
            resident_latency_us=None
            if rows[0].resident_latency_us is None
            else float(np.mean([row.resident_latency_us or 0.0 for row in rows])),
        )
        for rows in again.values()
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The latencies that were measured on a design, beside those that the model predicts."""

    shapes: np.ndarray  # [layer]
    resident: np.ndarray  # [layer]: whether it was measured with its weights on chip, too
    measured_us: np.ndarray  # [latency]: streamed, then resident
    noise_us: np.ndarray  # [latency]

    @classmethod
    def of(cls, measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> "_Measured":
        """Those of measured layers; layers measured again count each."""
        resident = np.array([row.resident_latency_us is not None for row in measured])
        measured_us = np.array(
            [row.latency_us for row in measured]
            + [row.resident_latency_us for row in measured if row.resident_latency_us is not None]
        )
        launch_noise_us = LAUNCH_NOISE_US if accelerator.layer_by_layer else 0.0
        return cls(
            measured_shapes((row.layer for row in measured), accelerator),
            resident,
            measured_us,
            np.hypot(NOISE_SHARE * measured_us, launch_noise_us),
        )

    def errors(self, design: Accelerator) -> np.ndarray:
        """The error of each latency over its noise: [latency]."""
        streamed = predicted_us(self.shapes, design)
        kept = predicted_us(self.shapes[self.resident], design, resident=True)
        return np.asarray((np.concatenate([streamed, kept]) - self.measured_us) / self.noise_us)


def standard_errors(
    cases: Sequence[tuple[Sequence[MeasuredLayer], Accelerator]], names: Sequence[str]
) -> dict[str, float]:
    """The standard error of each constant of designs that share them, by the covariance of the fit.

    cases: the layers measured on a design that has the fitted constants, for each design.  The
    covariance is that of least squares under the loss of the fit, H^-1 G H^-1, where H is the
    curvature of the loss and G the sum of the squared pulls of the latencies (White, 1980,
    doi:10.2307/1912934), in proportion to (latencies / those left by the constants).  It is NaN for
    a constant that the latencies do not show.
    """
    sets = [(_Measured.of(means(measured), design), design) for measured, design in cases]
    values = np.array([getattr(cases[0][1], name) for name in names], dtype=float)

    def errors(at: np.ndarray) -> np.ndarray:
        changed: dict[str, Any] = dict(zip(names, at.tolist(), strict=True))
        return np.concatenate([own.errors(replace(design, **changed)) for own, design in sets])

    steps = np.maximum(values * DIFFERENCE, DIFFERENCE)
    slopes = np.column_stack(
        [(errors(values + step) - errors(values)) / size
         for step, size in zip(np.diag(steps), steps, strict=True)]
    )  # fmt: skip
    left = errors(values)
    pull = left / np.sqrt(1 + left**2)  # slope of soft_l1 in the error
    curvature = (slopes.T * (1 + left**2) ** -1.5) @ slopes
    shown = np.diag(curvature) > 0
    found = np.full(len(names), np.nan)
    if shown.any() and len(left) > len(names):
        inverse = np.linalg.pinv(curvature[np.ix_(shown, shown)])
        pulls = slopes[:, shown] * pull[:, None]
        covariance = inverse @ (pulls.T @ pulls) @ inverse * len(left) / (len(left) - len(names))
        found[shown] = np.sqrt(np.diag(covariance))
    return dict(zip(names, found.tolist(), strict=True))


def calibrate(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> Accelerator:
    """`accelerator` with the constants of its dataflow that fit the measured layers best.

    Errors count by how large they are beside the noise of a measurement, and past it by their size,
    not their square, so that no layer bends the fit.  A layer that was measured several times
    counts once, by its mean.  `ValueError` for fewer layers than constants.
    """
    constants, measured = FITTED[accelerator.dataflow], means(measured)
    if len(measured) < len(constants):
        raise ValueError(
            f"{len(constants)} constants need as many layers, got {len(measured)}; measure more"
        )

    from scipy.optimize import least_squares  # takes half a second to import

    latencies = _Measured.of(measured, accelerator)

    def with_constants(values: np.ndarray) -> Accelerator:
        found: dict[str, Any] = {
            constant.name: float(value) for constant, value in zip(constants, values, strict=True)
        }
        return replace(accelerator, **found)

    def errors(values: np.ndarray, /) -> np.ndarray:
        return latencies.errors(with_constants(values))

    fits = [
        least_squares(
            errors,
            start,
            bounds=([c.least for c in constants], [c.most for c in constants]),
            x_scale=start,
            loss="soft_l1",
        )
        for start in product(*(constant.starts for constant in constants))
    ]
    return with_constants(min(fits, key=lambda fit: fit.cost).x)


def too_fast(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> tuple[LayerError, ...]:
    """The layers measured in less time than any constants allow; the prediction is that least time.

    Some are there where the array, the clock or the memory's peak is not that of the board.
    """
    free: dict[str, Any] = {c.name: c.least for c in FITTED[accelerator.dataflow]}
    free |= {"port_bytes_per_cycle": MOST, "dram_efficiency": 1.0}
    if accelerator.dataflow == Dataflow.OUTPUT_STATIONARY:
        free |= {"pixel_fill_cycles": 0.0, "read_ahead_cycles": MOST}
    bound = replace(accelerator, **free)
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
        if len(means(others)) >= len(FITTED[accelerator.dataflow]):
            rows += validate(own, calibrate(others, accelerator)).rows
    return Validation(tuple(rows))
