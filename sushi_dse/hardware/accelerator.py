"""The accelerator, the device that must hold it, and the blocks of it that a design takes.

SushiAccel: "Subgraph Stationary Hardware-Software Inference Co-Design" (MLSys 2023).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from math import floor, isfinite
from typing import Any

import numpy as np

from sushi_dse.bits import BYTE_BITS, INT8_BITS, check_bits

TAPS_PER_ENGINE = 9  # multipliers of one dot-product engine: one 3x3 window (SUSHI, section 4)
TILES_TO_RUN = 2  # of weights: one computes while the next loads
WORD_BYTES = 8  # of a word whose parity bits are left out; with them nine
KERNELS_PER_MULTIPLIER = 2  # output-stationary: kernels that share a multiplier, one cycle each
WORD_PIXELS = 16  # output-stationary: pixels of a word of a map, with eight channels each
KIB = 1024
RESOURCE_KINDS = ("dsp", "lut", "ff", "bram36", "uram288")  # what a design takes of its device
# Bounds that no hardware comes near, so that all counts stay within 64 bits.
MOST, LEAST = 1e15, 1e-9  # the latter of what must be above 0
MOST_OF_A_KIND = 1_000_000
OF_A_KIND = ("pe_kernels", "pe_channels", "pe_pixels")
KINDS = {"name": str, "device": dict, "dataflow": str}  # in JSON, of fields that are no numbers


class Dataflow(StrEnum):
    """What stays in the array while a layer runs."""

    WEIGHT_STATIONARY = "weight-stationary"  # engines hold weights: kernels x channels (SUSHI)
    OUTPUT_STATIONARY = "output-stationary"  # engines hold sums: kernels x pixels


# The fields that only the designs of one dataflow have; in those of the other they are 0.
OWN_FIELDS = {
    Dataflow.WEIGHT_STATIONARY: (
        "pe_channels",
        "dynamic_buffer_tiles",
        "fill_cycles",
        "drain_cycles",
        "pointwise_drain",
    ),
    Dataflow.OUTPUT_STATIONARY: (
        "pe_pixels",
        "dynamic_buffer_kib",
        "prefetch_buffer_kib",
        "port_clock_mhz",
        "pixel_fill_cycles",
        "weight_delay_cycles",
        "read_ahead_cycles",
        "tile_read_cycles",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An FPGA: how many blocks of each kind it holds, and what of them is left for a design."""

    name: str
    lut: int
    ff: int
    bram36: int
    uram288: int
    dsp: int
    shell_share: float = 0.0  # of each kind, that the shell of its platform takes
    speed_grade: int = 2  # a key of `timing.DSP_MHZ`
    # That share it; each has a port, and at all times an equal part of the rate (assumption).
    accelerators: int = 1

    def __post_init__(self) -> None:
        if not self.accelerators >= 1:
            raise ValueError(f"accelerators >= 1 must hold, got {self.accelerators}")

    def left(self, kind: str) -> int:
        """The blocks of a kind, one of `RESOURCE_KINDS`, that the shell leaves."""
        blocks: int = getattr(self, kind)
        return floor(blocks * (1 - self.shell_share) + 1e-6)  # (1 - 0.9) * 10 is below 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """An array of multipliers behind one off-chip channel; GB is 1e9 bytes, KiB 1024.

    Weight-stationary it is SushiAccel (MLSys 2023): `pe_kernels` x `pe_channels` dot-product
    engines of nine multipliers each.  Output-stationary it has `pe_kernels` x `pe_pixels`
    multipliers, each with its sum.  `docs/model.md` tells what each constant stands for, and a
    board's constants are in its hardware file, each with its source or the word assumption.
    `ValueError` naming the field that is out of range, or that the dataflow does not have.
    """

    name: str
    device: Device
    dataflow: Dataflow
    logic_mhz: float  # that logic attains on a half-empty device of speed grade 2
    pe_kernels: int
    pe_channels: int = 0
    pe_pixels: int = 0
    multiplier_bits: int = INT8_BITS  # of the widest weights that a multiplier takes
    clock_mhz: float  # of the array
    port_clock_mhz: float = 0.0  # of the port and the buffers, where it is not the array's
    port_bytes_per_cycle: float  # that the port takes from the off-chip memory
    dram_gb_per_s: float  # peak of the off-chip memory
    dram_efficiency: float  # share of the peak that the memory gives, 0 to 1
    persistent_buffer_kib: float
    dynamic_buffer_tiles: int = 0  # of weights: one computes while the next ones load
    dynamic_buffer_kib: float = 0.0  # weights of the layer that runs
    prefetch_buffer_kib: float = 0.0  # weights of layers to come
    streaming_buffer_kib: float  # input feature map
    output_buffer_kib: float  # output feature map, and partial sums
    layer_by_layer: bool  # each layer is launched alone: its maps come from and go to DRAM
    launch_us: float  # fixed time before a layer starts; scales with neither clock nor bandwidth
    fill_cycles: float = 0.0  # to fill the pipeline with a tile's input
    drain_cycles: float = 0.0  # until the last outputs of a tile have left
    pointwise_drain: bool = False  # whether tiles of 1x1 layers drain as others do
    pixel_fill_cycles: float = 0.0  # a layer and pixel of the array, of the port's clock
    weight_delay_cycles: float = 0.0  # of a weight's way from DRAM, of the port's clock
    read_ahead_cycles: float = 0.0  # by which the first input is read ahead, of the port's clock
    tile_read_cycles: float = 0.0  # to start the read of a tile's input, of the port's clock
    dram_pj_per_bit: float
    mac_pj: float  # an int8 multiplication and its 32-bit addition
    static_w: float  # of the configured device and the processor beside it
    memory_w: float  # of the off-chip memory and its controller, without traffic
    bram36_mw: float  # static, of each block RAM that the design takes
    uram288_mw: float  # static, of each UltraRAM that the design takes
    clock_pj_per_ff: float  # of a flip-flop and its share of the clock tree, in a cycle

    def __post_init__(self) -> None:
        for name, most in self._most():
            value = getattr(self, name)
            if 0 <= value <= most:
                continue
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} >= 0 must hold, got {value}")
            raise ValueError(f"{name} <= {most:g} must hold, got {value:g}")
        for name in self._above_zero():
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} > 0 must hold, got {getattr(self, name)}")
            if getattr(self, name) < LEAST:
                raise ValueError(f"{name} >= {LEAST:g} must hold, got {getattr(self, name)}")
        check_bits("multiplier_bits", self.multiplier_bits)
        if self.dram_efficiency > 1:
            raise ValueError(f"dram_efficiency <= 1 must hold, got {self.dram_efficiency}")
        for other in set(Dataflow) - {self.dataflow}:
            for name in OWN_FIELDS[other]:
                if getattr(self, name) != 0:
                    raise ValueError(f"{name} is of {other} designs; this one is {self.dataflow}")
        is_weight_stationary = self.dataflow == Dataflow.WEIGHT_STATIONARY
        if is_weight_stationary and self.dynamic_buffer_tiles < TILES_TO_RUN:
            raise ValueError(
                f"dynamic_buffer_tiles >= {TILES_TO_RUN} must hold, "
                f"got {self.dynamic_buffer_tiles}: "
                "one tile computes while the next loads"
            )
        if self.dataflow == Dataflow.OUTPUT_STATIONARY and self.pixel_fill_cycles < 1:
            raise ValueError(
                f"pixel_fill_cycles >= 1 must hold, got {self.pixel_fill_cycles}: "
                "the first pixels enter the array one a cycle"
            )

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "Accelerator":
        """The accelerator whose fields are given as values of JSON, as `asdict` makes them.

        KeyError, TypeError or ValueError where there is no such accelerator.
        """
        _check_kinds(facts)
        _check_kinds(facts["device"])
        device = Device(**facts["device"])
        return cls(**{**facts, "device": device, "dataflow": Dataflow(facts["dataflow"])})

    @classmethod
    @cache
    def _most(cls) -> tuple[tuple[str, float], ...]:
        """The fields that are numbers, and the most that each may be."""
        names = [field.name for field in fields(cls) if field.name not in KINDS]
        return tuple((name, MOST_OF_A_KIND if name in OF_A_KIND else MOST) for name in names)

    def _above_zero(self) -> tuple[str, ...]:
        both = ("logic_mhz", "pe_kernels", "clock_mhz", "port_bytes_per_cycle", "dram_gb_per_s",
                "dram_efficiency")  # fmt: skip
        if self.dataflow == Dataflow.WEIGHT_STATIONARY:
            return (*both, "pe_channels")
        return (*both, "pe_pixels", "port_clock_mhz")

    @property
    def macs_per_cycle(self) -> int:
        """Multiplications that the whole array does in a cycle."""
        if self.dataflow == Dataflow.WEIGHT_STATIONARY:
            return self.pe_kernels * self.pe_channels * TAPS_PER_ENGINE
        return self.pe_kernels * self.pe_pixels

    @property
    def tile_bytes(self) -> int:
        """Bytes of a weight for each multiplier, as wide as it takes: of a tile, in whole ones."""
        return -(-self.macs_per_cycle * self.multiplier_bits // BYTE_BITS)

    @property
    def port_gb_per_s(self) -> float:
        """Off-chip rate that the port can take."""
        is_weight_stationary = self.dataflow == Dataflow.WEIGHT_STATIONARY
        clock_mhz = self.clock_mhz if is_weight_stationary else self.port_clock_mhz
        return self.port_bytes_per_cycle * clock_mhz * 1e-3

    @property
    def offchip_gb_per_s(self) -> float:
        """Off-chip rate: the lesser of what the port takes and what the memory gives each."""
        memory_gb_per_s = self.dram_gb_per_s * self.dram_efficiency / self.device.accelerators
        rate: float = _lesser(self.port_gb_per_s, memory_gb_per_s)
        return rate

    @property
    def bytes_per_cycle(self) -> float:
        """Off-chip bytes that arrive in a cycle of the array."""
        return self.offchip_gb_per_s * 1e3 / self.clock_mhz

    @property
    def cycles_per_byte(self) -> float:
        """Cycles of the array in which an off-chip byte arrives."""
        return 1 / self.bytes_per_cycle

    @property
    def port_cycle(self) -> float:
        """Cycles of the array in one of the port."""
        is_weight_stationary = self.dataflow == Dataflow.WEIGHT_STATIONARY
        return self.clock_mhz / (self.clock_mhz if is_weight_stationary else self.port_clock_mhz)

    @property
    def pointwise_drain_cycles(self) -> float:
        """Cycles until the last outputs of a tile of a 1x1 layer have left."""
        return self.drain_cycles if self.pointwise_drain else 0.0

    @property
    def persistent_buffer_bytes(self) -> int:
        """Capacity of the Persistent Buffer."""
        whole: int = whole_number(self.persistent_buffer_kib * KIB)
        return whole

    @property
    def dynamic_buffer_bytes(self) -> int:
        """Capacity of the Dynamic Buffer: its tiles, or both of its parts."""
        if self.dataflow == Dataflow.WEIGHT_STATIONARY:
            return self.dynamic_buffer_tiles * self.tile_bytes
        whole: int = whole_number((self.dynamic_buffer_kib + self.prefetch_buffer_kib) * KIB)
        return whole

    @property
    def prefetch_bytes(self) -> int:
        """Part of the Dynamic Buffer that is there to prefetch: what layers run without."""
        if self.dataflow == Dataflow.WEIGHT_STATIONARY:
            return (self.dynamic_buffer_tiles - TILES_TO_RUN) * self.tile_bytes
        whole: int = whole_number(self.prefetch_buffer_kib * KIB)
        return whole

    @property
    def prefetches(self) -> bool:
        """Whether weights of a layer may load while the layers before it compute."""
        if self.dataflow == Dataflow.WEIGHT_STATIONARY:
            return self.dynamic_buffer_tiles > TILES_TO_RUN
        return self.prefetch_buffer_kib > 0

    @property
    def output_buffer_bytes(self) -> int:
        """Capacity of the Output Buffer."""
        whole: int = whole_number(self.output_buffer_kib * KIB)
        return whole

    @property
    def resident_map_bytes(self) -> int:
        """The largest feature map that stays on chip between two layers, 0 where none may.

        A map is written to the Output Buffer and read from the Streaming Buffer: it must fit both.
        """
        if self.layer_by_layer:
            return 0
        whole: int = whole_number(_lesser(self.streaming_buffer_kib, self.output_buffer_kib) * KIB)
        return whole


# The fields that designs of each dataflow have.
FIELDS_OF = {
    dataflow: tuple(f.name for f in fields(Accelerator) if f.name not in OWN_FIELDS[other])
    for dataflow, other in zip(Dataflow, reversed(Dataflow), strict=True)
}


def _check_kinds(values: Mapping[str, Any]) -> None:
    """Raise `TypeError` where a value has another type than the field of its name."""
    for name, value in values.items():
        if not isinstance(value, KINDS.get(name, int | float)):
            raise TypeError(name)


def whole_number(amount: Any) -> Any:
    """An amount without its fraction; of an array, an array."""
    return amount.astype(np.int64) if isinstance(amount, np.ndarray) else int(amount)


def _lesser(one: Any, other: Any) -> Any:
    """The lesser of two amounts; of arrays, an array."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.minimum(one, other)
    return min(one, other)
