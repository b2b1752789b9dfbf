"""What SubNets share, and what SGS can gain at most, for each SuperNet that is shipped.

    python -m benchmarks.supernets

All tables stand in `docs/supernets.md`.  The second one is of the ZCU104 and of two designs around
it; all gains are in percent of the mean latency of the SubNets with nothing cached.  The last two
are of the smallest SubNet of a decoder, on a board for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.rivals import around, static_ms, whole
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload, workload_names
from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.model.latency_table import candidate_table, cold_latency_ms, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.workload.layers import SuperNet
from sushi_dse.workload.weights import shared_weight_bytes, with_weight_bits

MIB, MB = 2**20, 10**6
BASE = "zcu104"
DESIGNS = ((16, 1.6875, 20.26), (16, 1.6875, 5.0), (64, 8.0, 5.0))  # PE kernels, MiB, bytes a cycle
SHARED_HEADER = ("workload", "SubNets", "accuracy (%)", "accuracy of", "million MACs",
                 "weights (MiB)", "shared by all (MiB)", "of the smallest (%)",
                 "of the largest (%)")  # fmt: skip
BOUND_HEADER = ("workload", "PE kernels", "MiB", "B/cycle", "load share", "by bytes",
                "by load share", "all on chip", "SGS")  # fmt: skip

DECODER, DECODER_BOARD = "gemma_3n", "v80"
ON_CHIP_MB = (16, 64, 200)  # the last is more than any board has
BATCHES = (1, 2, 4, 8, 16, 32, 64)
DECODE_HEADER = ("bits of a weight", "MB on chip", "by bytes alone", "SGS", "prefetching",
                 "ms a token, nothing kept")  # fmt: skip
BATCH_HEADER = ("queries at once", "ms a token", "MB a token", "by weights", "by computation",
                "SGS saves")  # fmt: skip


def supernets() -> dict[str, SuperNet]:
    """The shipped workloads of several SubNets, by name."""
    every = {name: load_workload(name).supernet for name in workload_names()}
    return {name: supernet for name, supernet in every.items() if len(supernet.subnets) > 1}


def shared_row(supernet: SuperNet) -> tuple[str, ...]:
    """What the SubNets of a SuperNet span and what all of them share, classifier included."""
    subnets = supernet.subnets
    accuracy_percent = [subnet.accuracy_percent or 0.0 for subnet in subnets]
    macs, weights = [x.macs / 1e6 for x in subnets], [x.weight_bytes / MIB for x in subnets]
    shared = shared_weight_bytes(supernet, convolutions_only=False) / MIB
    return (
        supernet.name,
        f"{len(subnets)}",
        f"{min(accuracy_percent):g} to {max(accuracy_percent):g}",
        supernet.accuracy_of,
        f"{min(macs):.0f} to {max(macs):.0f}",
        f"{min(weights):.2f} to {max(weights):.2f}",
        f"{shared:.2f}",
        f"{100 * shared / min(weights):.0f}",
        f"{100 * shared / max(weights):.0f}",
    )


def bounds(network: Network, design: Accelerator) -> dict[str, float]:
    """The load share, what bounds the gain of SGS, and its gain; gains in percent.

    `by_bytes` is the time of the bus for as many weights as the buffer holds, `by_load_share` that
    of all loads if none hid behind computation and nothing else took time, `all_on_chip` a buffer
    that holds the SuperNet, and `sgs` the best SubGraph for all SubNets together.
    """
    table = latency_table(network, design, candidates(network, design))
    resident = latency_table(network, design, whole(network))
    none_ms = float(table.latency_ms[:, 0].mean())
    load_cycles = network.weight_bytes / design.bytes_per_cycle
    compute_cycles = np.asarray(resident.cost.compute_cycles)[:, 0]
    share = float(load_cycles.sum() / compute_cycles.sum())
    held = np.minimum(network.weight_bytes, design.persistent_buffer_bytes)
    held_ms = float(held.mean()) / (design.bytes_per_cycle * design.clock_mhz * 1e3)
    return {
        "load_share": share,
        "by_bytes": 100 * held_ms / none_ms,
        "by_load_share": 100 * share / (1 + share),
        "all_on_chip": 100 * (1 - float(resident.latency_ms[:, 1].mean()) / none_ms),
        "sgs": 100 * (1 - static_ms(table) / none_ms),
    }


def bound_rows() -> Iterator[tuple[str, ...]]:
    """A row for each SuperNet on each of `DESIGNS`."""
    base = load_hardware(BASE).space.base
    for name, supernet in supernets().items():
        network = Network.of(supernet)
        for kernels, mib, rate in DESIGNS:
            found = bounds(network, around(base, kernels, mib, rate))
            gains = (f"{found[x]:.1f}" for x in list(found)[1:])
            cells = (f"{kernels}", f"{mib:.4g}", f"{rate:g}", f"{found['load_share']:.2f}")
            yield name, *cells, *gains


def smallest() -> SuperNet:
    """The SuperNet of the decoder with its smallest SubNet alone."""
    supernet = load_workload(DECODER).supernet
    subnet = min(supernet.subnets, key=lambda each: each.weight_bytes)
    return replace(supernet, subnets=(subnet,))


def decode_rows() -> Iterator[tuple[str, ...]]:
    """A row for each size of weights and of a buffer: what of a token's latency may be saved.

    By bytes alone it is the buffer over all weights, each of which is read once a token.
    """
    base = load_hardware(DECODER_BOARD).space.base
    for bits in (4, 8):
        supernet = with_weight_bits(smallest(), bits)
        network = Network.of(supernet)
        for size in ON_CHIP_MB:
            design = replace(base, persistent_buffer_kib=size * MB / KIB)
            tiles = size * MB // design.macs_per_cycle
            deeper = replace(
                base, persistent_buffer_kib=0.0, dynamic_buffer_tiles=2 + tiles * 8 // bits
            )
            none_ms, *kept_ms = candidate_table(network, design).latency_ms[0].tolist()
            ahead_ms = float(cold_latency_ms(network, deeper)[0])
            yield (
                f"{bits}",
                f"{size}",
                f"{100 * size * MB / supernet.subnets[0].weight_bytes:.1f}",
                f"{100 * (1 - min(kept_ms) / none_ms):.1f}",
                f"{100 * (1 - ahead_ms / none_ms):.1f}",
                f"{none_ms:.3f}",
            )


def batch_rows() -> Iterator[tuple[str, ...]]:
    """A row for each size of a batch: what one of its queries, a token, takes and what SGS saves.

    By weights and by computation a token takes its share of the loads, and of what the array does.
    """
    design = load_hardware(DECODER_BOARD).space.base
    for queries in BATCHES:
        network = Network.of(smallest(), queries)
        table = candidate_table(network, design)
        cost, none_ms = table.cost, float(table.latency_ms[0, 0])
        loads_ms = float(np.asarray(cost.weight_bytes)[0, 0]) / (design.offchip_gb_per_s * MB)
        compute_ms = float(np.asarray(cost.compute_cycles)[0, 0]) / (design.clock_mhz * 1e3)
        offchip_mb = float(np.asarray(cost.offchip_bytes)[0, 0]) / MB
        each = (f"{value / queries:.4g}" for value in (none_ms, offchip_mb, loads_ms, compute_ms))
        yield f"{queries}", *each, f"{100 * (1 - float(table.latency_ms[0].min()) / none_ms):.1f}"


def markdown(header: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


TABLES: dict[str, Callable[[], str]] = {
    "supernets-shared": lambda: markdown(SHARED_HEADER, map(shared_row, supernets().values())),
    "supernets-bound": lambda: markdown(BOUND_HEADER, bound_rows()),
    "supernets-decode": lambda: markdown(DECODE_HEADER, decode_rows()),
    "supernets-batches": lambda: markdown(BATCH_HEADER, batch_rows()),
}


def main() -> None:
    """Print all tables."""
    for made in TABLES.values():
        print(made(), end="\n\n")


if __name__ == "__main__":
    main()
