"""Where SGS wins, where a deeper Dynamic Buffer, and where both: a walk over a coarse space.

    python -m benchmarks.rivals

The same memory is a Persistent Buffer (SGS), a deeper Dynamic Buffer (prefetching), or half of each
(both).  A line a design: what each saves of the latency of the same array with neither, mean over
the SubNets of the workload.  SGS keeps one SubGraph for all SubNets, the best; in brackets stands
what it saves if every SubNet finds its own best one cached, which no policy can beat.  `all cached`
is the bound of all: a buffer that holds the SuperNet.  `load share` is the time to load all weights
of the SubNets over the time to compute them: above 1 the bus is the longer chain, which no
prefetching shortens.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import SubGraphs, candidates
from sushi_dse.policies.equal_area import equal_area, equal_area_system

WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
BASE = "zcu104"
PE_KERNELS = (8, 16, 32, 64, 128)
BUFFER_MIB = (0.5, 1.6875, 4.0, 16.0)
PORT_BYTES_PER_CYCLE = (2.5, 5.0, 10.0, 20.0, 40.0)  # the ZCU104 has 20.26
BOTH_SHARE = 0.5  # share of the memory in the Dynamic Buffer where both uses are combined
TIE_PERCENT = 0.1  # percent of the latency within which two uses tie

# The designs that docs/model.md shows: PE kernels, MiB, bytes a cycle.
SHOWN = (
    ("ofa_resnet50", 16, 1.6875, 20.0),
    ("ofa_resnet50", 16, 1.6875, 5.0),
    ("ofa_resnet50", 32, 4.0, 5.0),
    ("ofa_resnet50", 64, 4.0, 20.0),
    ("ofa_resnet50", 64, 16.0, 20.0),
    ("ofa_resnet50", 128, 16.0, 2.5),
    ("ofa_mbv3", 16, 1.6875, 20.0),
    ("ofa_mbv3", 16, 1.6875, 5.0),
    ("ofa_mbv3", 64, 4.0, 2.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The latency that each use of the memory saves on a design, in percent."""

    workload: str
    design: Accelerator
    none_ms: float
    load_share: float
    sgs: float
    sgs_bound: float
    prefetch: float
    both: float
    both_bound: float
    all_cached: float
    sgs_bytes: float  # percent of the off-chip bytes that SGS saves

    @property
    def winner(self) -> str:
        """The use that saves most, or those within a tie of it."""
        uses = {"sgs": self.sgs, "prefetch": self.prefetch, "both": self.both}
        best = max(uses.values())
        return " = ".join(name for name, saved in uses.items() if saved >= best - TIE_PERCENT)


def static_ms(table: LatencyTable) -> float:
    """Mean latency of the SubNets under the one SubGraph that makes it least."""
    return float(table.latency_ms.mean(axis=0).min())


def own_ms(table: LatencyTable) -> float:
    """Mean latency of the SubNets, each under the SubGraph that suits it."""
    return float(table.latency_ms.min(axis=1).mean())


def whole(network: Network) -> SubGraphs:
    """The empty SubGraph, and the whole SuperNet."""
    kernels, channels = network.kernels.max(axis=0), network.channels.max(axis=0)
    names = tuple(subnet.name for subnet in network.supernet.subnets)
    return SubGraphs(
        candidates=(NOTHING, Candidate(Target(Combination.UNION, names), Order.LAYERS)),
        kernels=np.stack([np.zeros_like(kernels), kernels]),
        channels=np.stack([np.zeros_like(channels), channels]),
    )


def outcome(workload: str, network: Network, design: Accelerator) -> Outcome:
    """The savings of each use of the memory of `design`."""
    sgs = latency_table(network, design, candidates(network, design))
    prefetch, _ = equal_area_system(network, design)
    half = equal_area(design, share=BOTH_SHARE)
    both = latency_table(network, half, candidates(network, half))
    none_ms = float(sgs.latency_ms[:, 0].mean())
    cached = latency_table(network, design, whole(network))
    load_cycles = network.weight_bytes.sum() / design.bytes_per_cycle
    compute_cycles = float(np.asarray(cached.cost.compute_cycles)[:, 0].sum())
    chosen = int(sgs.latency_ms.mean(axis=0).argmin())
    offchip_bytes = np.asarray(sgs.cost.offchip_bytes).mean(axis=0)

    def saved(latency_ms: float) -> float:
        return 100 * (1 - latency_ms / none_ms)

    return Outcome(
        workload=workload,
        design=design,
        none_ms=none_ms,
        load_share=float(load_cycles / compute_cycles),
        sgs=saved(static_ms(sgs)),
        sgs_bound=saved(own_ms(sgs)),
        prefetch=saved(float(prefetch.latency_ms.mean())),
        both=saved(static_ms(both)),
        both_bound=saved(own_ms(both)),
        all_cached=saved(float(cached.latency_ms[:, 1].mean())),
        sgs_bytes=float(100 * (1 - offchip_bytes[chosen] / offchip_bytes[0])),
    )


def around(
    base: Accelerator, pe_kernels: int, mib: float, port_bytes_per_cycle: float
) -> Accelerator:
    """`base` with another array, Persistent Buffer and port."""
    return replace(
        base,
        pe_kernels=pe_kernels,
        persistent_buffer_kib=mib * 1024,
        port_bytes_per_cycle=port_bytes_per_cycle,
    )


def outcomes() -> Iterator[Outcome]:
    """Every design of the walk on every workload, whether it fits the board or not."""
    base = load_hardware(BASE).space.base
    for workload in WORKLOADS:
        network = Network.of(load_workload(workload).supernet)
        for point in product(PE_KERNELS, BUFFER_MIB, PORT_BYTES_PER_CYCLE):
            yield outcome(workload, network, around(base, *point))


def markdown_row(one: Outcome) -> str:
    """The outcome as a line of the table in `docs/model.md`."""
    design = one.design
    saved = (one.sgs, one.prefetch, one.both, one.all_cached)
    cells = (
        one.workload,
        f"{design.pe_kernels}",
        f"{design.persistent_buffer_kib / 1024:.4g}",
        f"{design.port_bytes_per_cycle:g}",
        f"{one.load_share:.2f}",
        *(f"{percent:.1f}" for percent in saved),
    )
    return f"| {' | '.join(cells)} |"


def shown_table() -> str:
    """The table of the designs of `SHOWN` in `docs/model.md`."""
    base = load_hardware(BASE).space.base
    header = ("workload", "PE kernels", "MiB", "B/cycle", "load share", "SGS", "prefetching",
              "half each", "bound")  # fmt: skip
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    for workload, pe_kernels, mib, rate in SHOWN:
        network = Network.of(load_workload(workload).supernet)
        lines.append(markdown_row(outcome(workload, network, around(base, pe_kernels, mib, rate))))
    return "\n".join(lines)


def main() -> None:
    """Print the walk, and who wins how often."""
    wins: dict[str, Counter[str]] = {workload: Counter() for workload in WORKLOADS}
    print("saved of the latency with neither (%); in brackets with every SubNet's own SubGraph")
    print(
        f"{'workload':13}{'PE kernels':>11}{'MiB':>8}{'B/cycle':>9}{'none (ms)':>11}"
        f"{'load share':>12}"
        f"{'SGS':>15}{'prefetch':>10}{'both':>15}{'all cached':>12}{'SGS bytes':>11}  wins"
    )
    for one in outcomes():
        wins[one.workload][one.winner] += 1
        design = one.design
        fits = "" if not infeasible_reason(design) else " (does not fit the board)"
        print(
            f"{one.workload:13}{design.pe_kernels:11}{design.persistent_buffer_kib / 1024:8.4g}"
            f"{design.port_bytes_per_cycle:9.1f}{one.none_ms:11.2f}"
            f"{one.load_share:12.2f}"
            f"{one.sgs:7.2f} ({one.sgs_bound:5.2f}){one.prefetch:10.2f}"
            f"{one.both:7.2f} ({one.both_bound:5.2f}){one.all_cached:12.2f}{one.sgs_bytes:11.1f}"
            f"  {one.winner}{fits}"
        )
    for workload, counts in wins.items():
        print(f"{workload}: " + ", ".join(f"{name} {n}" for name, n in counts.most_common()))


if __name__ == "__main__":
    main()
