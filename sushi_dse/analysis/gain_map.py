"""Where a gain is reached: the latency that SGS saves over buffers, off-chip rates and arrays.

Each SubNet is in its steady state with its own SubGraph on chip, the most valuable bytes first, as
in `sushi-dse sweep --trace none`.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.hardware.resources import fits, resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.network import Network
from sushi_dse.policies.equal_area import equal_area_system
from sushi_dse.policies.names import STATIC_SUBGRAPH

# The grid around a board's own design, whose values it has, too; its bounds are an assumption.
CAPACITIES_MIB = (0.5, 1.0, 1.6875, 4.0, 8.0, 11.25, 16.0, 32.0)
PE_KERNELS = (8, 16, 32, 64, 128, 256)
PE_CHANNELS = (9, 18, 36)
PORT_BYTES_PER_CYCLE = tuple(2.0**exponent for exponent in range(-1, 10))
BUFFER_SHARES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)  # of a design's own buffer
RATE_FACTORS = (
    0.25,
    0.5,
    1.0,
    2.0,
)  # readings of an off-chip rate that nobody measured: assumption

REMARKS = (
    "best: over all arrays and off-chip rates of the map; the SubNet and the design follow it.",
    "fitting: over those designs of them that fit the board; empty where none does.",
    "own rate: over all arrays, at the off-chip rate of the board's own design.",
    "subnets mean: the mean over the SubNets, at the design where that is largest.",
    "reached: the fastest off-chip rate at which a SubNet saves as much as was published.",
)


def gain_space(base: Accelerator) -> SearchSpace:
    """The grid around `base`; the off-chip rate is never above what its memory gives."""
    grid = {
        "pe_kernels": PE_KERNELS,
        "pe_channels": PE_CHANNELS,
        "persistent_buffer_kib": [KIB * mib for mib in CAPACITIES_MIB],
        "port_bytes_per_cycle": PORT_BYTES_PER_CYCLE,
    }
    return SearchSpace.of(
        base, {name: sorted({*values, getattr(base, name)}) for name, values in grid.items()}
    )


def gain_map(
    network: Network, base: Accelerator, reached_percent: float
) -> list[dict[str, object]]:
    """A row for each capacity of the Persistent Buffer: what a single SubNet saves at best.

    `REMARKS` say what the columns are.  `reached_percent` is the gain that is looked for.
    """
    space = gain_space(base)
    designs = space.designs(np.arange(space.size))
    metrics = steady_metrics(network, designs, STATIC_SUBGRAPH)
    gain = metrics["gain_over_no_sgs_percent"]  # [subnet, design]
    best, fitting = gain.max(axis=0), fits(designs)
    own_rate = designs.column("port_bytes_per_cycle") == base.port_bytes_per_cycle
    rates = designs.column("offchip_gb_per_s")
    capacity_kib = designs.column("persistent_buffer_kib")
    rows: list[dict[str, object]] = []
    for kib in np.unique(capacity_kib):
        of_capacity = capacity_kib == kib
        numbers = np.flatnonzero(of_capacity)
        number = int(numbers[best[numbers].argmax()])
        design, subnet = designs.design(number), int(gain[:, number].argmax())
        reached = of_capacity & (best >= reached_percent)
        rows.append(
            {
                "persistent_buffer_mib": float(kib) / KIB,
                "best_percent": float(best[number]),
                "subnet": network.supernet.subnets[subnet].name,
                "pe_kernels": design.pe_kernels,
                "pe_channels": design.pe_channels,
                "offchip_gb_per_s": design.offchip_gb_per_s,
                "fitting_percent": _greatest(best[of_capacity & fitting]),
                "own_rate_percent": _greatest(best[of_capacity & own_rate]),
                "subnets_mean_percent": float(gain.mean(axis=0)[of_capacity].max()),
                "is_reached": bool(reached.any()),
                "reached_gb_per_s": _greatest(rates[reached]),
            }
        )
    return rows


def _greatest(values: np.ndarray) -> float | None:
    return float(values.max()) if len(values) else None


def gain_maps(
    boards: tuple[str, ...], workloads: tuple[str, ...], reached_percent: float
) -> list[dict[str, object]]:
    """The rows of `gain_map` for each shipped board and workload of those names."""
    return [
        {"hw": board, "workload": workload, **row}
        for board, workload in product(boards, workloads)
        for row in gain_map(
            Network.of(load_workload(workload).supernet),
            load_hardware(board).space.base,
            reached_percent,
        )
    ]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GainCurve:
    """What SGS saves at one off-chip rate, and how much more than prefetching, over the buffer."""

    offchip_gb_per_s: float
    buffer_mib: np.ndarray  # [buffer]
    saved_percent: np.ndarray  # [buffer]: latency that the best static SubGraph saves
    more_points: np.ndarray  # [buffer]: by how much that is more than the same blocks prefetch
    is_own: bool  # whether the rate is that of the design itself
    own_mib: float  # Persistent Buffer of the design itself


def at_rate(design: Accelerator, factor: float) -> Accelerator:
    """The design with so many times its off-chip rate: that of its port and of its memory."""
    return replace(
        design,
        port_bytes_per_cycle=factor * design.port_bytes_per_cycle,
        dram_gb_per_s=factor * design.dram_gb_per_s,
    )


def _has_room(design: Accelerator, kib: float) -> bool:
    """Whether a Persistent Buffer of that size is no larger than that of `design`, or fits."""
    larger = kib > design.persistent_buffer_kib
    return not larger or resources(replace(design, persistent_buffer_kib=kib)).device_share <= 1


def gain_curves(network: Network, design: Accelerator) -> list[GainCurve]:
    """The curves of a design for a quarter of its off-chip rate to twice of it.

    Latencies are means over the SubNets; SGS keeps the one SubGraph that is best for all of them.
    Buffers are parts and multiples of the design's own, as far as their blocks are there.
    """
    own_mib = design.persistent_buffer_kib / KIB
    sizes = [share * design.persistent_buffer_kib for share in BUFFER_SHARES]
    buffers = np.array([kib / KIB for kib in sizes if _has_room(design, kib)])
    curves = []
    for factor in RATE_FACTORS:
        read = at_rate(design, factor)
        saved, more = [], []
        for mib in buffers:
            sized = replace(read, persistent_buffer_kib=float(mib) * KIB)
            table = candidate_table(network, sized)
            cold_ms = float(table.latency_ms[:, 0].mean())
            sgs_ms = float(table.latency_ms.mean(axis=0).min())
            rival_ms = float(equal_area_system(network, sized)[0].latency_ms.mean())
            saved.append(100 * (1 - sgs_ms / cold_ms))
            more.append(100 * (rival_ms - sgs_ms) / cold_ms)
        curves.append(
            GainCurve(
                offchip_gb_per_s=read.offchip_gb_per_s,
                buffer_mib=buffers,
                saved_percent=np.array(saved),
                more_points=np.array(more),
                is_own=factor == 1,
                own_mib=own_mib,
            )
        )
    return curves
