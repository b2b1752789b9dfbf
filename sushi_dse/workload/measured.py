"""Layers whose latency was measured on hardware."""

from dataclasses import dataclass

from sushi_dse.workload.layers import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLayer:
    """A layer of a SubNet or network whose latency, launch included, was measured."""

    subnet: str  # name of the SubNet or network
    layer: Layer
    latency_us: float  # with nothing on chip
    resident_latency_us: float | None = None  # with its weights on chip, where that was measured
    index: int | None = None  # number of the layer, where it has no name
    array: tuple[int, int] | None = None  # kernels x pixels of the array that it was measured on
