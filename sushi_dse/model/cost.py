"""The cost of one pass over a layer, and what of it every dataflow has in common."""

from typing import NamedTuple

from sushi_dse.bits import BYTE_BITS
from sushi_dse.model.jit import kernel_part
from sushi_dse.model.network import LayerShape


class Array(NamedTuple):
    """What of an accelerator enters the equations; fields of the other dataflow are 0.

    Cycles are those of the array's clock, but for the last four: of the port's.
    """

    is_output_stationary: int
    pe_kernels: int
    pe_channels: int
    pe_pixels: int
    output_buffer_bytes: int
    dynamic_buffer_bytes: int  # for the weights of the layer that runs, if output-stationary
    cycles_per_byte: float  # off-chip
    resident_map_bytes: float
    fill_cycles: float
    drain_cycles: float
    pointwise_drain_cycles: float
    port_cycle: float  # cycles of the array in one of the port
    pixel_fill_cycles: float
    weight_delay_cycles: float
    read_ahead_cycles: float
    tile_read_cycles: float


class LayerCost(NamedTuple):
    """One pass over a layer: cycles by cause, off-chip bytes by kind, buffer accesses in bytes."""

    compute_cycles: float
    exposed_load_cycles: float  # waiting for weights
    input_cycles: float  # reading the input map, and maps to add, from DRAM
    output_stall_cycles: float  # waiting for the output map to leave
    weight_bytes: float  # from DRAM, each load counted; those of a request, such as keys, too
    cached_weight_bytes: float  # in the Persistent Buffer, each weight once
    input_bytes: float  # from DRAM
    output_bytes: float  # to DRAM
    dynamic_buffer_read_bytes: float
    persistent_buffer_read_bytes: float
    streaming_buffer_read_bytes: float
    streaming_buffer_write_bytes: float
    output_buffer_bytes: float  # partial sums written, and as many read

    @property
    def cycles(self) -> float:
        """All cycles but those of the launch."""
        return (
            self.compute_cycles
            + self.exposed_load_cycles
            + self.input_cycles
            + self.output_stall_cycles
        )

    @property
    def offchip_bytes(self) -> float:
        """Bytes over the off-chip bus."""
        return self.weight_bytes + self.input_bytes + self.output_bytes

    @property
    def bound_by(self) -> str:
        """What takes the most cycles: `compute`, `weights` or `activations`."""
        causes = {
            "compute": self.compute_cycles,
            "weights": self.exposed_load_cycles,
            "activations": self.input_cycles + self.output_stall_cycles,
        }
        return max(causes, key=causes.__getitem__)


FIELDS = len(LayerCost._fields)


@kernel_part
def cached_part(shape: LayerShape, cached_kernels: int, cached_channels: int) -> tuple[int, int]:
    """Kernels and channels of the layer that lie in a cached rectangle, both 0 where none do."""
    kernels = min(cached_kernels, shape.kernels)
    channels = min(cached_channels, shape.channels_per_group)
    if kernels == 0 or channels == 0:
        return 0, 0
    return kernels, channels


@kernel_part
def bytes_of(pairs: int, pair_bits: int) -> float:
    """Bytes of the weights of so many pairs of a kernel and a channel, packed without gaps.

    Only weights of four bits, and an odd number of them, make half a byte.
    """
    return pairs * pair_bits / BYTE_BITS


class Maps(NamedTuple):
    """Bytes of the maps of a layer where they lie in DRAM."""

    input_bytes: float
    shortcut_bytes: float  # of maps that are added
    output_bytes: float


@kernel_part
def maps_of(shape: LayerShape, word_channels: int) -> Maps:
    """The maps of a layer in DRAM.

    An input map lies in words of `word_channels` channels where it is read; a map that is added is
    read in whole bytes, as maps are written.
    """
    words = -(-shape.channels // word_channels)
    input_bytes = float(words * word_channels * shape.height * shape.width)
    return Maps(input_bytes, float(shape.shortcut_bytes), float(shape.output_bytes))


@kernel_part
def moved_bytes(shape: LayerShape, maps: Maps, resident_map_bytes: float) -> tuple[float, float]:
    """Bytes of maps read from DRAM, and of the output map written to it."""
    read = maps.input_bytes if shape.input_holds > resident_map_bytes else 0.0
    read += maps.shortcut_bytes if shape.shortcut_holds > resident_map_bytes else 0.0
    return read, maps.output_bytes if shape.output_holds > resident_map_bytes else 0.0


@kernel_part
def map_bytes(
    shape: LayerShape, word_channels: int, resident_map_bytes: float
) -> tuple[float, float]:
    """Bytes as of `moved_bytes`, of the `maps_of` a layer."""
    return moved_bytes(shape, maps_of(shape, word_channels), resident_map_bytes)


@kernel_part
def output_stall(
    weight_bytes: float, output_bytes: float, cycles_per_byte: float, busy_cycles: float
) -> float:
    """Cycles until the output map has left: it hides behind the tiles, but shares their bus."""
    stall = max((weight_bytes + output_bytes) * cycles_per_byte - busy_cycles, 0.0)
    return stall if output_bytes > 0 else 0.0
