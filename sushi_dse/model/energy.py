"""The energy of a cost, by cause."""

from bisect import bisect_right
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np

from sushi_dse.bits import INT8_BITS
from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import Resources, flip_flops, resources
from sushi_dse.model.cost import LayerCost

# Read and write energy by capacity: CACTI 7, 22 nm, itrs-hp cells, 64-bit port, 350 K.  An FPGA's
# block memory has no public figure; that an array of blocks costs what one SRAM of its size does
# is an assumption.
SRAM_BYTES = (4096, 8192, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304)
SRAM_READ_PJ_PER_BYTE = (0.157, 0.216, 0.500, 0.666, 1.071, 1.409, 1.935, 2.636, 3.668, 5.279)
SRAM_WRITE_PJ_PER_BYTE = (0.168, 0.241, 0.405, 0.571, 0.734, 1.072, 1.599, 2.286, 3.327, 4.603)


def sram_pj_per_byte(capacity_bytes: Any, pj_per_byte: tuple[float, ...]) -> Any:
    """Energy of an access to one byte of a memory of that capacity, in pJ.

    It is interpolated on logarithmic axes in `pj_per_byte`, which is `SRAM_READ_PJ_PER_BYTE` or
    `SRAM_WRITE_PJ_PER_BYTE`; past the ends of the table the nearest segment is extended
    (assumption).  The result has the shape of `capacity_bytes`.

    >>> sram_pj_per_byte(32768, SRAM_READ_PJ_PER_BYTE)
    0.5
    """
    if isinstance(capacity_bytes, np.ndarray):
        capacities, index = np.unique(capacity_bytes, return_inverse=True)
        each = [sram_pj_per_byte(capacity, pj_per_byte) for capacity in capacities.tolist()]
        return np.array(each)[index]
    if capacity_bytes <= 0:
        return 0.0
    upper = min(max(bisect_right(SRAM_BYTES, capacity_bytes), 1), len(SRAM_BYTES) - 1)
    (x0, x1), (y0, y1) = SRAM_BYTES[upper - 1 : upper + 1], pj_per_byte[upper - 1 : upper + 1]
    share = log(capacity_bytes / x0) / log(x1 / x0)
    return y0 if share == 0 else exp(log(y0) + share * log(y1 / y0))


@dataclass(frozen=True, slots=True, eq=False)
class Energy:
    """Energy by cause in mJ; the fields are numbers, or arrays of one shape."""

    offchip_mj: np.ndarray | float
    buffer_mj: np.ndarray | float
    mac_mj: np.ndarray | float
    clock_mj: np.ndarray | float
    static_mj: np.ndarray | float

    @property
    def total_mj(self) -> np.ndarray | float:
        """The sum of all causes."""
        return self.offchip_mj + self.buffer_mj + self.mac_mj + self.clock_mj + self.static_mj


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """Power that a design draws whether it works or not, over that of the board without it, in W.

    Of accelerators that share a device each draws an equal part of what all of them draw.
    The fields are numbers, or arrays of one shape.
    """

    static_w: np.ndarray | float  # device, memory without traffic, and the blocks that are used
    clock_w: np.ndarray | float  # clock tree and flip-flops

    @property
    def idle_w(self) -> np.ndarray | float:
        """The sum of both."""
        return self.static_w + self.clock_w


def power(accelerator: Accelerator | Designs, blocks: Resources | None = None) -> Power:
    """The power of a design, or of each of many, that does nothing.

    `blocks` are those that it takes, where they are known already.
    """
    blocks = blocks or resources(accelerator)
    return power_of(
        accelerator,
        bram36=blocks.bram36,
        uram288=blocks.uram288,
        toggling=flip_flops(accelerator.macs_per_cycle) * accelerator.clock_mhz,
    )


def power_of(
    accelerator: Accelerator | Designs, *, bram36: Any, uram288: Any, toggling: Any
) -> Power:
    """The power of so many blocks, by the constants of a design; others are gated (AMD UG440).

    They are the blocks of all accelerators that share the device.
    toggling: flip-flops times their clock in MHz.
    """
    of_blocks = accelerator.bram36_mw * bram36 + accelerator.uram288_mw * uram288
    static_w = accelerator.static_w + accelerator.memory_w + of_blocks * 1e-3
    return Power(
        static_w=static_w / accelerator.device.accelerators,
        clock_w=accelerator.clock_pj_per_ff * toggling * 1e-6,
    )


def energy(
    accelerator: Accelerator | Designs,
    cost: LayerCost,
    macs: np.ndarray | float,
    latency_us: np.ndarray | float,
) -> Energy:
    """The energy of a cost, whose fields are numbers or arrays of one shape.

    With `Designs`, the last axis of those arrays is the design.
    """
    return energy_of(
        accelerator,
        offchip_bytes=cost.offchip_bytes,
        buffer_pj=buffer_pj(accelerator, cost),
        macs=macs,
        latency_us=latency_us,
        drawn=power(accelerator),
    )


def energy_of(
    accelerator: Accelerator | Designs,
    *,
    offchip_bytes: Any,
    buffer_pj: Any,
    macs: Any,
    latency_us: Any,
    drawn: Power,
) -> Energy:
    """The energy of so much traffic, accesses, work and time.

    The line buffer's energy is in that of a MAC (assumption).
    """
    offchip, buffer, mac = work_mj(
        accelerator, offchip_bytes=offchip_bytes, buffer_pj=buffer_pj, macs=macs
    )
    return Energy(
        offchip_mj=offchip,
        buffer_mj=buffer,
        mac_mj=mac,
        clock_mj=latency_us * (drawn.clock_w * 1e-3),
        static_mj=latency_us * (drawn.static_w * 1e-3),
    )


def work_mj(
    accelerator: Accelerator | Designs, *, offchip_bytes: Any, buffer_pj: Any, macs: Any
) -> tuple[Any, Any, Any]:
    """The energy of so much traffic, accesses and work, however long they take: one of each."""
    return (
        offchip_mj(accelerator, offchip_bytes),
        buffer_pj * 1e-9,
        macs * (own_mac_pj(accelerator) * 1e-9),
    )


def own_mac_pj(accelerator: Accelerator | Designs) -> Any:
    """The energy of a multiplication of the array's own bits and of its addition, in pJ.

    A DSP takes the same whatever it multiplies, so that it is in proportion to the bits
    (assumption; plausible are 0.35 to 1 times that of int8 for 4 bits, and 1.3 to 4 for 16).
    """
    return accelerator.mac_pj * (accelerator.multiplier_bits / INT8_BITS)


def buffer_pj(accelerator: Accelerator | Designs, cost: LayerCost) -> Any:
    """The energy of a cost's accesses to buffers, in pJ.

    Each weight passes one buffer on its way to the array: the Dynamic Buffer, written and then read
    as often as the dataflow wants it, or the Persistent Buffer, read.
    """

    def read(capacity_bytes: Any) -> Any:
        return sram_pj_per_byte(capacity_bytes, SRAM_READ_PJ_PER_BYTE)

    def write(capacity_bytes: Any) -> Any:
        return sram_pj_per_byte(capacity_bytes, SRAM_WRITE_PJ_PER_BYTE)

    dynamic, persistent = accelerator.dynamic_buffer_bytes, accelerator.persistent_buffer_bytes
    streaming = accelerator.streaming_buffer_kib * KIB
    output = accelerator.output_buffer_kib * KIB
    return (
        cost.weight_bytes * write(dynamic)
        + cost.dynamic_buffer_read_bytes * read(dynamic)
        + cost.persistent_buffer_read_bytes * read(persistent)
        + cost.streaming_buffer_read_bytes * read(streaming)
        + cost.streaming_buffer_write_bytes * write(streaming)
        + cost.output_buffer_bytes * (write(output) + read(output))
    )


def switch_buffer_mj(accelerator: Accelerator | Designs, fetched_bytes: Any) -> Any:
    """The energy of writing so many bytes into the Persistent Buffer.

    With `Designs`, the last axis of `fetched_bytes` is the design.
    """
    persistent = sram_pj_per_byte(accelerator.persistent_buffer_bytes, SRAM_WRITE_PJ_PER_BYTE)
    return fetched_bytes * persistent * 1e-9


def offchip_mj(accelerator: Accelerator | Designs, offchip_bytes: Any) -> Any:
    """The energy of so many bytes over the off-chip bus."""
    return offchip_bytes * (accelerator.dram_pj_per_bit * 8 * 1e-9)
