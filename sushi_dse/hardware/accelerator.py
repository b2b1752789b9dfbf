"""The accelerator, the device that must hold it, and the blocks of it that a design takes.

SushiAccel: "Subgraph Stationary Hardware-Software Inference Co-Design" (MLSys 2023).
"""

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

import numpy as np

TAPS_PER_ENGINE = 9  # multipliers of one dot-product engine: one 3x3 window (SUSHI, section 4)
MACS_PER_DSP = 2  # two int8 products share a DSP48E2 that has a common operand (AMD WP486)
BRAM36_BYTES = 4096  # 36 Kib without its parity bits (AMD UG573)
URAM288_BYTES = 32768  # 288 Kib without its parity bits (AMD UG573)
KIB = 1024
RESOURCE_KINDS = ("dsp", "bram36", "uram288")  # blocks that a design takes of its device
# Bounds that no hardware comes near, so that all counts stay within 64 bits.
MOST, LEAST = 1e15, 1e-9  # the latter of what must be above 0
MOST_OF_A_KIND = 1_000_000
OF_A_KIND = ("pe_kernels", "pe_channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An FPGA: how many blocks of each kind it holds."""

    name: str
    lut: int
    bram36: int
    uram288: int
    dsp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """A weight-stationary array of dot-product engines behind one off-chip channel.

    `pe_kernels` x `pe_channels` engines of nine int8 multipliers each; GB is 1e9 bytes, KiB 1024.
    `ValueError` naming the field that is out of range.  The array is SushiAccel's (MLSys 2023); a
    board's constants are in its hardware file, each with its source or the word assumption.
    """

    name: str
    device: Device
    pe_kernels: int
    pe_channels: int
    clock_mhz: float
    dram_gb_per_s: float  # peak of the off-chip memory
    dram_efficiency: float  # share of the peak that the accelerator's port gets, 0 to 1
    persistent_buffer_kib: float
    dynamic_buffer_tiles: int  # of weights: one computes while the next ones load
    streaming_buffer_kib: float  # input feature map
    output_buffer_kib: float  # output feature map
    layer_by_layer: bool  # each layer is launched alone: its maps come from and go to DRAM
    launch_us: float  # fixed time before a layer starts; scales with neither clock nor bandwidth
    fill_cycles: float  # to fill and drain the pipeline, per tile
    row_cycles: float  # least time of one padded row through the line buffer
    dram_pj_per_bit: float
    mac_pj: float  # an int8 multiplication and its 32-bit addition
    static_w: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not (isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} >= 0 must hold, got {value}")
            most = MOST_OF_A_KIND if field.name in OF_A_KIND else MOST
            if isinstance(value, int | float) and value > most:
                raise ValueError(f"{field.name} <= {most:g} must hold, got {value:g}")
        for name in (*OF_A_KIND, "clock_mhz", "dram_gb_per_s", "dram_efficiency"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} > 0 must hold, got {getattr(self, name)}")
            if getattr(self, name) < LEAST:
                raise ValueError(f"{name} >= {LEAST:g} must hold, got {getattr(self, name)}")
        if self.dram_efficiency > 1:
            raise ValueError(f"dram_efficiency <= 1 must hold, got {self.dram_efficiency}")
        if self.dynamic_buffer_tiles < 2:
            raise ValueError(
                f"dynamic_buffer_tiles >= 2 must hold, got {self.dynamic_buffer_tiles}: "
                "one tile computes while the next loads"
            )

    @property
    def macs_per_cycle(self) -> int:
        """Multiplications that the whole array does in a cycle."""
        return self.pe_kernels * self.pe_channels * TAPS_PER_ENGINE

    @property
    def bytes_per_cycle(self) -> float:
        """Off-chip bytes that arrive in a cycle of the array."""
        return self.dram_gb_per_s * 1e3 * self.dram_efficiency / self.clock_mhz

    @property
    def persistent_buffer_bytes(self) -> int:
        """Capacity of the Persistent Buffer."""
        whole: int = _whole(self.persistent_buffer_kib * KIB)
        return whole

    @property
    def dynamic_buffer_bytes(self) -> int:
        """Capacity of the Dynamic Buffer: its tiles of int8 weights."""
        return self.dynamic_buffer_tiles * self.macs_per_cycle

    @property
    def resident_map_bytes(self) -> int:
        """The largest feature map that stays on chip between two layers, 0 where none may.

        A map is written to the Output Buffer and read from the Streaming Buffer: it must fit both.
        """
        if self.layer_by_layer:
            return 0
        whole: int = _whole(np.minimum(self.streaming_buffer_kib, self.output_buffer_kib) * KIB)
        return whole


def _whole(amount: Any) -> Any:
    """An amount without its fraction; of an array, an array."""
    return amount.astype(np.int64) if isinstance(amount, np.ndarray) else int(amount)
