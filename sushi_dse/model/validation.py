"""The cost model against measured layers: its error, and the gain of residency that it predicts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.kernels import layer_costs
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import SHAPE, layer_shape
from sushi_dse.workload.layers import Layer
from sushi_dse.workload.measured import MeasuredLayer


def error_percent(predicted: float, measured: float) -> float:
    """How far a prediction lies above a measurement."""
    return 100 * (predicted / measured - 1)


def gain_percent(resident: float, streamed: float) -> float:
    """What of the time with weights streamed is saved where they are resident on chip."""
    return 100 * (1 - resident / streamed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Latency with weights streamed, measured and predicted, and with weights resident."""

    measured_us: float
    predicted_us: float
    resident_measured_us: float | None = None  # None where only one latency was measured
    resident_predicted_us: float | None = None

    @property
    def error_percent(self) -> float:
        """How far the prediction lies above the measurement."""
        return error_percent(self.predicted_us, self.measured_us)

    @property
    def resident_error_percent(self) -> float | None:
        """How far the prediction lies above the measurement, weights resident."""
        if self.resident_measured_us is None or self.resident_predicted_us is None:
            return None
        return error_percent(self.resident_predicted_us, self.resident_measured_us)

    @property
    def measured_gain_percent(self) -> float | None:
        """What residency saves of the latency, as measured."""
        if self.resident_measured_us is None:
            return None
        return gain_percent(self.resident_measured_us, self.measured_us)

    @property
    def predicted_gain_percent(self) -> float | None:
        """What residency saves of the latency, as predicted."""
        if self.resident_predicted_us is None:
            return None
        return gain_percent(self.resident_predicted_us, self.predicted_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError(Latencies):
    """One layer measured and predicted."""

    subnet: str  # name of the SubNet or network
    layer: str
    index: int | None = None  # number of the layer, where it has no name


@dataclass(frozen=True, slots=True)
class Validation:
    """The errors of a model over measured layers."""

    rows: tuple[LayerError, ...]

    @property
    def has_gain(self) -> bool:
        """Whether the layers were also measured with their weights resident."""
        return any(row.resident_measured_us is not None for row in self.rows)

    @property
    def mape_percent(self) -> float:
        """Mean absolute error over the layers."""
        return float(_absolute(self.rows).mean())

    @property
    def max_error_percent(self) -> float:
        """Absolute error of the worst layer."""
        return float(_absolute(self.rows).max())

    @property
    def p99_error_percent(self) -> float:
        """Absolute error that 99 of 100 layers stay below."""
        return float(np.percentile(_absolute(self.rows), 99))

    @property
    def resident_mape_percent(self) -> float:
        """Mean absolute error over the layers with their weights resident."""
        return float(_resident(self.rows).mean())

    @property
    def resident_max_error_percent(self) -> float:
        """Absolute error of the worst layer with its weights resident."""
        return float(_resident(self.rows).max())

    @property
    def resident_p99_error_percent(self) -> float:
        """Absolute error that 99 of 100 layers stay below with their weights resident."""
        return float(np.percentile(_resident(self.rows), 99))

    @property
    def gain_error_points(self) -> float:
        """Mean distance of the predicted from the measured gain of residency, in points."""
        gains = [
            (row.predicted_gain_percent, row.measured_gain_percent)
            for row in self.rows
            if row.measured_gain_percent is not None
        ]
        return float(np.mean(np.abs(np.subtract(*np.array(gains, dtype=float).T))))

    @property
    def subnets(self) -> tuple[str, ...]:
        """The SubNets or networks that the layers are from, in the order of the rows."""
        return tuple(dict.fromkeys(row.subnet for row in self.rows))

    def of(self, subnet: str) -> "Validation":
        """The errors of the layers of one SubNet or network."""
        return Validation(tuple(row for row in self.rows if row.subnet == subnet))

    @property
    def total(self) -> Latencies:
        """The latencies of all layers together; with residency those of layers that have both."""
        both = [row for row in self.rows if row.resident_measured_us is not None]
        if len(both) < len(self.rows):
            return Latencies(
                measured_us=sum(row.measured_us for row in self.rows),
                predicted_us=sum(row.predicted_us for row in self.rows),
            )
        return Latencies(
            measured_us=sum(row.measured_us for row in both),
            predicted_us=sum(row.predicted_us for row in both),
            resident_measured_us=sum(row.resident_measured_us or 0.0 for row in both),
            resident_predicted_us=sum(row.resident_predicted_us or 0.0 for row in both),
        )


def _absolute(rows: Sequence[Latencies]) -> np.ndarray:
    return np.abs([row.error_percent for row in rows])


def _resident(rows: Sequence[Latencies]) -> np.ndarray:
    errors = [row.resident_error_percent for row in rows]
    return np.abs([error for error in errors if error is not None])


def predicted_us(
    shapes: np.ndarray, accelerator: Accelerator, *, resident: bool = False
) -> np.ndarray:
    """Latency of each layer, its launch included, with its weights on chip or not: [layer]."""
    cost = LayerCost(*layer_costs(shapes, array_of(accelerator), resident))
    return np.asarray(accelerator.launch_us + cost.cycles / accelerator.clock_mhz)


def measured_shapes(layers: Iterable[Layer], accelerator: Accelerator) -> np.ndarray:
    """The counts of layers that are measured one by one: [layer] records.

    Where layers are launched one by one their maps lie in DRAM, elsewhere on chip if they fit.
    """
    alone = accelerator.layer_by_layer
    shapes = [layer_shape(layer, is_first=alone, is_last=alone) for layer in layers]
    return np.array(shapes, dtype=SHAPE)


def validate(measured: Sequence[MeasuredLayer], accelerator: Accelerator) -> Validation:
    """The error of the model of `accelerator` on each measured layer."""
    shapes = measured_shapes((row.layer for row in measured), accelerator)
    streamed = predicted_us(shapes, accelerator).tolist()
    resident = predicted_us(shapes, accelerator, resident=True).tolist()
    return Validation(
        tuple(
            LayerError(
                subnet=row.subnet,
                layer=row.layer.name,
                index=row.index,
                measured_us=row.latency_us,
                predicted_us=streamed[i],
                resident_measured_us=row.resident_latency_us,
                resident_predicted_us=None if row.resident_latency_us is None else resident[i],
            )
            for i, row in enumerate(measured)
        )
    )
