"""The cost of a layer on an accelerator of either dataflow.

The equations stand in `weight_stationary` and `output_stationary`, once each.
"""

from collections.abc import Sequence

from sushi_dse.hardware.accelerator import KIB, Accelerator, Dataflow
from sushi_dse.model.cost import Array, LayerCost
from sushi_dse.model.jit import kernel_part
from sushi_dse.model.network import LayerShape, layer_shape
from sushi_dse.model.output_stationary import output_stationary_cost
from sushi_dse.model.weight_stationary import weight_stationary_cost
from sushi_dse.workload.layers import Layer


@kernel_part
def layer_cost_of(
    shape: LayerShape, array: Array, cached_kernels: int, cached_channels: int
) -> LayerCost:
    """Cost of a layer whose first `cached_kernels` x `cached_channels` weights are on chip."""
    if array.is_output_stationary:
        return output_stationary_cost(shape, array, cached_kernels, cached_channels)
    return weight_stationary_cost(shape, array, cached_kernels, cached_channels)


def array_of(accelerator: Accelerator) -> Array:
    """The constants of `accelerator` that the equations take."""
    return Array(
        is_output_stationary=int(accelerator.dataflow == Dataflow.OUTPUT_STATIONARY),
        pe_kernels=accelerator.pe_kernels,
        pe_channels=accelerator.pe_channels,
        pe_pixels=accelerator.pe_pixels,
        output_buffer_bytes=accelerator.output_buffer_bytes,
        dynamic_buffer_bytes=int(accelerator.dynamic_buffer_kib * KIB),
        cycles_per_byte=accelerator.cycles_per_byte,
        resident_map_bytes=float(accelerator.resident_map_bytes),
        fill_cycles=accelerator.fill_cycles,
        drain_cycles=accelerator.drain_cycles,
        pointwise_drain_cycles=accelerator.pointwise_drain_cycles,
        port_cycle=accelerator.port_cycle,
        pixel_fill_cycles=accelerator.pixel_fill_cycles,
        weight_delay_cycles=accelerator.weight_delay_cycles,
        read_ahead_cycles=accelerator.read_ahead_cycles,
        tile_read_cycles=accelerator.tile_read_cycles,
    )


def layer_cost(
    layer: Layer,
    accelerator: Accelerator,
    *,
    cached_kernels: int = 0,
    cached_channels: int = 0,
    is_first: bool = False,
    is_last: bool = False,
) -> LayerCost:
    """Cost of one pass over `layer`, its first kernels x channels in the Persistent Buffer."""
    shape = layer_shape(layer, is_first=is_first, is_last=is_last)
    return LayerCost(*layer_cost_of(shape, array_of(accelerator), cached_kernels, cached_channels))


def layer_latency_us(cost: LayerCost, accelerator: Accelerator) -> float:
    """Time of a layer, its launch included."""
    return accelerator.launch_us + cost.cycles / accelerator.clock_mhz


def total_cost(costs: Sequence[LayerCost]) -> LayerCost:
    """The sum of the costs of layers, field by field."""
    return LayerCost(*(sum(column) for column in zip(*costs, strict=True)))
