"""The power model against boards that were measured with a DPU, AMD's array of int8 multipliers.

Measured: QuTiBench's published experiments (Apache-2.0): watts of whole boards without a design,
with it loaded and idle, and busy.  Of each board and network these are the loads with one thread
and with eight, of 72 with one to eight.  Cores and clocks are those of AMD's board images, MACs and
weights those of the published networks; that a pruned one moves as many weights is an assumption.
What the model gives is of an array of as many multipliers
at the same clock, whose constants are those of a hardware file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import flip_flops
from sushi_dse.model.energy import offchip_mj, power_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The DPU of a board."""

    board: str
    cores: int
    macs_per_cycle: int  # of a core
    bram36: float  # of a core (AMD PG338 v1.2, table 9)
    clock_mhz: float
    base_w: float  # of the board without a design
    idle_w: float  # of the board with the design loaded


@dataclass(frozen=True, slots=True)
class Load:
    """A network that a DPU serves, and what the board draws meanwhile."""

    core: Core
    network: str
    threads: int
    queries_per_s: float  # measured, end to end
    gmacs: float  # of an inference, 1e9
    weight_mb: float  # int8
    busy_w: float  # of the board

    @property
    def said(self) -> str:
        """The network and its threads in words."""
        return f"{self.network}, {self.threads} thread{'s' if self.threads > 1 else ''}"


ULTRA96 = Core(board="Ultra96", cores=1, macs_per_cycle=800, bram36=123, clock_mhz=287,
               base_w=2.5, idle_w=6.8)  # fmt: skip
ZCU104 = Core(board="ZCU104", cores=2, macs_per_cycle=2048, bram36=249.5, clock_mhz=300,
              base_w=9.2, idle_w=15.72)  # fmt: skip
ZCU102 = Core(board="ZCU102", cores=3, macs_per_cycle=2048, bram36=249.5, clock_mhz=281,
              base_w=20.0, idle_w=29.0)  # fmt: skip
# Core, network, threads, queries/s, 1e9 MACs (half of the published operations), MB of weights, W.
LOADS = (
    Load(ULTRA96, "ResNet-50", 1, 23.6524, 3.85, 25.5, 8.25072),
    Load(ULTRA96, "ResNet-50", 8, 25.392, 3.85, 25.5, 8.36256),
    Load(ULTRA96, "ResNet-50 pruned to 80 %", 1, 22.0335, 3.25, 25.5, 8.0222),
    Load(ULTRA96, "ResNet-50 pruned to 80 %", 8, 28.1339, 3.25, 25.5, 8.33277),
    Load(ULTRA96, "ResNet-50 pruned to 50 %", 1, 28.4839, 1.9, 25.5, 8.14657),
    Load(ULTRA96, "ResNet-50 pruned to 50 %", 8, 37.2311, 1.9, 25.5, 8.29107),
    Load(ULTRA96, "GoogLeNet", 1, 50.447, 1.55, 7, 8.02899),
    Load(ULTRA96, "GoogLeNet", 8, 59.4669, 1.55, 7, 8.23202),
    Load(ULTRA96, "ResNet-50 pruned to 30 %", 1, 40.3083, 1.25, 25.5, 8.09695),
    Load(ULTRA96, "ResNet-50 pruned to 30 %", 8, 45.6856, 1.25, 25.5, 8.23289),
    Load(ZCU104, "ResNet-50", 1, 42.0869, 3.85, 25.5, 21.4111),
    Load(ZCU104, "ResNet-50", 8, 122.805, 3.85, 25.5, 26.8942),
    Load(ZCU104, "MobileNet v1", 1, 113.045, 0.55, 4.2, 17.6),
    Load(ZCU104, "MobileNet v1", 8, 210.131, 0.55, 4.2, 17.6),
    Load(ZCU102, "ResNet-50", 1, 43.7478, 3.85, 25.5, 31.8),
    Load(ZCU102, "ResNet-50", 8, 167.292, 3.85, 25.5, 40.6),
    Load(ZCU102, "GoogLeNet", 1, 103.431, 1.55, 7, 31.45),
    Load(ZCU102, "GoogLeNet", 8, 379.109, 1.55, 7, 39),
)
WITHIN_PERCENT = 30  # that the model is held to


def idle_w(core: Core, accelerator: Accelerator) -> float:
    """Power of a DPU that does nothing, over that of its board, by the constants of a design."""
    drawn = power_of(
        accelerator,
        bram36=core.bram36 * core.cores,
        uram288=0,
        toggling=core.cores * flip_flops(core.macs_per_cycle) * core.clock_mhz,
    )
    return float(drawn.idle_w)


def busy_w(load: Load, accelerator: Accelerator) -> float:
    """Power of a DPU at work, over that of its board: each weight comes once from DRAM."""
    query_mj = accelerator.mac_pj * load.gmacs + offchip_mj(accelerator, load.weight_mb * 1e6)
    return idle_w(load.core, accelerator) + float(load.queries_per_s * query_mj * 1e-3)


def measured_watts(accelerator: Accelerator) -> list[dict[str, object]]:
    """A row for each board without work, and for each load: measured and modelled watts.

    All are over the board without a design.
    """
    rows = [
        _row(core, "idle", core.idle_w - core.base_w, idle_w(core, accelerator))
        for core in (ULTRA96, ZCU104, ZCU102)
    ]
    return rows + [
        _row(load.core, load.said, load.busy_w - load.core.base_w, busy_w(load, accelerator))
        for load in LOADS
    ]


def beyond(rows: Sequence[Mapping[str, object]]) -> str:
    """How many of the rows of `measured_watts` are how near, in a line."""
    errors = [float(str(row["error_percent"])) for row in rows]
    far = [error for error in errors if abs(error) > WITHIN_PERCENT]
    said = f"{len(errors) - len(far)} of {len(errors)} are within {WITHIN_PERCENT} %"
    return f"{said}, the others {min(far):+.1f} to {max(far):+.1f} %" if far else said


def _row(core: Core, state: str, measured_w: float, model_w: float) -> dict[str, object]:
    return {
        "board": core.board,
        "state": state,
        "multipliers": core.cores * core.macs_per_cycle,
        "clock_mhz": core.clock_mhz,
        "measured_w": measured_w,
        "predicted_w": model_w,
        "error_percent": 100 * (model_w / measured_w - 1),
    }
