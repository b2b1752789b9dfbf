"""The accelerator, the device that must hold it, and the blocks of it that a design takes.

SushiAccel: "Subgraph Stationary Hardware-Software Inference Co-Design" (MLSys 2023).
"""

from dataclasses import dataclass, fields
from math import ceil, isfinite

TAPS_PER_ENGINE = 9  # multipliers of one dot-product engine: one 3x3 window (SUSHI, section 4)
MACS_PER_DSP = 2  # two int8 products share a DSP48E2 that has a common operand (AMD WP486)
BRAM36_BYTES = 4096  # 36 Kib without its parity bits (AMD UG573)
URAM288_BYTES = 32768  # 288 Kib without its parity bits (AMD UG573)
KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An FPGA: how many blocks of each kind it holds."""

    name: str
    lut: int
    bram36: int
    uram288: int
    dsp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Blocks a design takes, and the largest share of one kind on its device (1 is all of it)."""

    dsp: int
    bram36: int
    uram288: int
    device_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """A weight-stationary array of dot-product engines behind one off-chip channel.

    `pe_kernels` x `pe_channels` engines of nine int8 multipliers each; GB is 1e9 bytes.
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
    recache_every_queries: int  # how often the scheduler may change the SubGraph

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not (isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} >= 0 must hold, got {value}")
        for name in ("pe_kernels", "pe_channels", "clock_mhz", "dram_gb_per_s", "dram_efficiency",
                     "recache_every_queries"):  # fmt: skip
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} > 0 must hold, got {getattr(self, name)}")
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
        return int(self.persistent_buffer_kib * KIB)

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
        return int(min(self.streaming_buffer_kib, self.output_buffer_kib) * KIB)


def resources(accelerator: Accelerator) -> Resources:
    """Blocks of a design; the Persistent Buffer takes URAM first, the other buffers BRAM first.

    What one kind cannot hold spills into the other, as a designer would place it (assumption).
    The line buffer's two rows lie in LUT RAM (assumption).
    """
    device = accelerator.device
    dsp = ceil(accelerator.macs_per_cycle / MACS_PER_DSP)
    uram = min(ceil(accelerator.persistent_buffer_bytes / URAM288_BYTES), device.uram288)
    left_bytes = max(accelerator.persistent_buffer_bytes - uram * URAM288_BYTES, 0)
    bram = ceil(left_bytes / BRAM36_BYTES) + sum(
        ceil(buffer_bytes / BRAM36_BYTES)
        for buffer_bytes in (
            accelerator.dynamic_buffer_bytes,
            accelerator.streaming_buffer_kib * KIB,
            accelerator.output_buffer_kib * KIB,
        )
    )
    spilled_bytes = max(bram - device.bram36, 0) * BRAM36_BYTES
    spilled = min(ceil(spilled_bytes / URAM288_BYTES), device.uram288 - uram)
    bram -= min(spilled * (URAM288_BYTES // BRAM36_BYTES), max(bram - device.bram36, 0))
    uram += spilled
    shares = [
        used / available if available else (1e9 if used else 0.0)
        for used, available in (
            (dsp, device.dsp),
            (bram, device.bram36),
            (uram, device.uram288),
        )
    ]
    return Resources(dsp=dsp, bram36=bram, uram288=uram, device_share=max(shares))


def infeasible_reason(accelerator: Accelerator) -> str:
    """Why the design does not fit its device; empty where it fits."""
    used, device = resources(accelerator), accelerator.device
    return "; ".join(
        f"{kind}: needs {need}, {device.name} has {have}"
        for kind, need, have in (
            ("dsp", used.dsp, device.dsp),
            ("bram36", used.bram36, device.bram36),
            ("uram288", used.uram288, device.uram288),
        )
        if need > have
    )
