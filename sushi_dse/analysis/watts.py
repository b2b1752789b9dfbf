"""The power model against boards that were measured with a DPU, AMD's array of int8 multipliers.

Measured: QuTiBench's published experiments (Apache-2.0): watts of whole boards without a design,
with it loaded and idle, and busy.  Cores and clocks are those of AMD's board images, MACs and
weights those of the published networks.  What the model gives is of an array of as many multipliers
at the same clock, whose constants are those of a hardware file.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A network that a DPU serves, and what the board draws meanwhile."""

    core: Core
    network: str
    queries_per_s: float  # measured, end to end
    gmacs: float  # of an inference, 1e9
    weight_mb: float  # int8
    busy_w: float  # of the board


ULTRA96 = Core(board="Ultra96", cores=1, macs_per_cycle=800, bram36=123, clock_mhz=287,
               base_w=2.5, idle_w=6.8)  # fmt: skip
ZCU104 = Core(board="ZCU104", cores=2, macs_per_cycle=2048, bram36=249.5, clock_mhz=300,
              base_w=9.2, idle_w=15.72)  # fmt: skip
ZCU102 = Core(board="ZCU102", cores=3, macs_per_cycle=2048, bram36=249.5, clock_mhz=281,
              base_w=20.0, idle_w=29.0)  # fmt: skip
# ResNet-50 and GoogLeNet have 7.7 and 3.1, MobileNet v1 1.1 GOP in the published table.
LOADS = (
    Load(core=ULTRA96, network="ResNet-50, 1 thread", queries_per_s=23.6524, gmacs=3.85,
         weight_mb=25.5, busy_w=8.25072),
    Load(core=ULTRA96, network="ResNet-50, 8 threads", queries_per_s=25.392, gmacs=3.85,
         weight_mb=25.5, busy_w=8.36256),
    Load(core=ULTRA96, network="GoogLeNet, 8 threads", queries_per_s=59.4669, gmacs=1.55,
         weight_mb=7.0, busy_w=8.23202),
    Load(core=ZCU104, network="ResNet-50, 1 thread", queries_per_s=42.0869, gmacs=3.85,
         weight_mb=25.5, busy_w=21.4111),
    Load(core=ZCU104, network="ResNet-50, 8 threads", queries_per_s=122.805, gmacs=3.85,
         weight_mb=25.5, busy_w=26.8942),
    Load(core=ZCU104, network="MobileNet v1, 8 threads", queries_per_s=210.1307576, gmacs=0.55,
         weight_mb=4.2, busy_w=17.6),
    Load(core=ZCU102, network="ResNet-50, 1 thread", queries_per_s=43.7478, gmacs=3.85,
         weight_mb=25.5, busy_w=31.8),
    Load(core=ZCU102, network="ResNet-50, 8 threads", queries_per_s=167.292, gmacs=3.85,
         weight_mb=25.5, busy_w=40.6),
    Load(core=ZCU102, network="GoogLeNet, 8 threads", queries_per_s=379.109, gmacs=1.55,
         weight_mb=7.0, busy_w=39.0),
)  # fmt: skip


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
        _row(load.core, load.network, load.busy_w - load.core.base_w, busy_w(load, accelerator))
        for load in LOADS
    ]


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
