"""The tables of the pages on SLO-NN and GATI."""

from bisect import bisect_left
from itertools import pairwise

import numpy as np

from docs.build.figures import SLO_NN_WORKLOADS, metric_of, network_of, zcu104
from docs.build.reference import table
from docs.build.speedups import (
    PUBLISHED_LOSS_PERCENT,
    best_speedup,
    speedup_range,
    stream_of,
)
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.evaluation.tallied import serving_metrics
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.network import Network
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.policies.gati.stream import serve_gati
from sushi_dse.policies.gati.system import GatiTable, gati_system
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.policies.slo_nn.parameters import FREE, SloNn
from sushi_dse.policies.slo_nn.system import slo_nn_system
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.traces.trace import Trace
from sushi_dse.units import label
from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet

EXPONENTS = (0.25, 1, 2, 4, 16, 64)  # of the difficulty: from mostly hard inputs to mostly easy
CONNECTED = (784, 4096, 4096, 4096, 10)  # nodes of a network of fully connected layers
QUERIES = 10_000


def connected() -> Network:
    """A network of fully connected layers."""
    layers = tuple(
        PlainLayer(name=f"fc{i}", kernels=outputs, channels=inputs, kernel_height=1,
                   kernel_width=1, height=1, width=1, fully_connected=True)
        for i, (inputs, outputs) in enumerate(pairwise(CONNECTED))
    )  # fmt: skip
    subnet = PlainSubNet(name="whole", accuracy_percent=80.0, layers=layers)
    return Network.of(plain_supernet("connected", [subnet], accuracy_of="top-1"))


def slo_nn_speedups() -> str:
    """What a stream gains by SLO-NN, by how far its demands lie below the network's accuracy."""
    rows = []
    networks = {name: network_of(name) for name in SLO_NN_WORKLOADS}
    for name, network in networks.items():
        for target in speedup_range(network, zcu104()):
            below = network.accuracy_percent.max() - target.target_percent
            rows.append(
                (f"`{name}`", f"{below:.1f}", f"{target.mean_fraction:.3f}",
                 f"{target.speedup:.2f}x", f"{target.loss_percent:.3f}")
            )  # fmt: skip
    header = (
        "workload",
        f"demand, points under the full {metric_of(networks)}",
        "mean fraction",
        "speed-up",
        "points lost",
    )
    return table(header, rows)


def easiest(network: Network, accelerator: Accelerator) -> float:
    """The speed-up if all inputs were as easy as can be."""
    free, _ = slo_nn_system(network, accelerator, parameters=SloNn(activator=FREE))
    activated, _ = slo_nn_system(network, accelerator)
    return float(free.latency_ms[-1, 0] / activated.latency_ms[0, 0])


def slo_nn_difficulty() -> str:
    """What a stream gains by SLO-NN, by how many of its inputs are easy."""
    networks = {f"`{name}`": network_of(name) for name in SLO_NN_WORKLOADS}
    networks["three layers of 4096 nodes"] = connected()
    rows = []
    for name, network in networks.items():
        free, _ = slo_nn_system(network, zcu104(), parameters=SloNn(activator=FREE))
        cells = [name, f"{free.macs[-1] / free.macs[0]:.0f}x", f"{easiest(network, zcu104()):.1f}x"]
        target_percent = float(network.accuracy_percent.max()) - PUBLISHED_LOSS_PERCENT
        for exponent in EXPONENTS:
            parameters = SloNn(difficulty_exponent=exponent)
            (target,) = speedup_range(network, zcu104(), [target_percent], parameters=parameters)
            cells.append(f"{target.speedup:.1f}x")
        rows.append(cells)
    header = ("workload", "work, whole over least", "limit: all inputs easy",
              *(f"{exponent:g}" for exponent in EXPONENTS))  # fmt: skip
    return table(header, rows)


def slo_nn_boards() -> str:
    """The speed-up if all inputs were as easy as can be, on several accelerators."""
    base = zcu104()
    boards = {
        "ZCU104": base,
        "an array 64 kernels wide": zcu104(pe_kernels=64),
        "a quarter of the bandwidth": zcu104(port_bytes_per_cycle=base.port_bytes_per_cycle / 4),
        "each layer launched from the host, as measured": load_hardware(
            "zcu104_measured"
        ).space.base,
    }
    rows = [
        (name, *(f"{easiest(network_of(workload), own):.1f}x" for workload in SLO_NN_WORKLOADS))
        for name, own in boards.items()
    ]
    return table(("accelerator", *(f"`{name}`" for name in SLO_NN_WORKLOADS)), rows)


def gati_speedups() -> str:
    """The speed-up of GATI by the locality of the stream, its ceiling, and other networks'."""
    network, accelerator = network_of("resnet18_cifar10"), zcu104()
    found = best_speedup(network, accelerator)
    rows = [
        (f"{at.locality:g}", f"{100 * at.hit_share:.2f}", f"{at.latency_ms:.2f}",
         f"{at.speedup:.2f}", f"{at.accuracy_percent:.2f}")
        for at in found.by_locality
    ]  # fmt: skip
    accuracy = label("accuracy_percent", network.supernet.accuracy_of)
    header = ("locality", "hits (%)", "latency (ms)", "speed-up", accuracy)
    hundredths = range(100)  # the speed-up rises with locality, so that halving finds the first
    first = bisect_left(
        hundredths, found.published,
        key=lambda i: best_speedup(network, accelerator, localities=[i / 100]).best.speedup,
    )  # fmt: skip
    reached = "not reached"
    if first < len(hundredths):
        reached = f"reached at a locality of {first / 100:.2f}"
    ceilings = " and ".join(
        f"{best_speedup(network_of(name), accelerator, localities=()).ceiling:.1f}x on `{name}`"
        for name in SLO_NN_WORKLOADS
    )
    return (
        f"{table(header, rows)}\n\n"
        f"The whole ResNet-18 takes {found.whole_network_ms:.2f} ms, with the Persistent Buffer to "
        f"itself. **Published: up to {found.published:g}x. Here: up to {found.best.speedup:.2f}x, "
        f"with a ceiling of {found.ceiling:.2f}x; {found.published:g}x is {reached}.** "
        f"On the same terms the ceiling is {ceilings}."
    )


def gati_streams() -> str:
    """What a stream of queries gains by GATI, without demands and with them."""
    network, accelerator = network_of("resnet18_cifar10"), zcu104()
    accuracy_percent = float(network.accuracy_percent.max())
    alone, _ = gati_system(network, accelerator, keep={})
    cached, _ = gati_system(network, accelerator)
    still = Gati(mean_queries_between_shifts=np.inf)
    cases = [
        ("no demands, the stream never shifts", 0.0, still),
        ("no demands", 0.0, Gati()),
        *(
            (f"{below:g} points under the full accuracy", accuracy_percent - below, Gati())
            for below in (1.5, 0.5, 0.0)
        ),
    ]
    stream = stream_of(0.0, QUERIES)
    rows = [_gati_row("the whole network, no caches", alone, accelerator, stream, Gati())]
    for name, demand_percent, parameters in cases:
        own = stream_of(demand_percent, QUERIES)
        rows.append(_gati_row(name, cached, accelerator, own, parameters))
    whole_ms = float(rows[0][1])
    accuracy = label("accuracy_percent", network.supernet.accuracy_of)
    header = ("stream of 10,000 queries", "mean latency (ms)", "speed-up", accuracy,
              "energy (mJ)", "traffic (MB)")  # fmt: skip
    return table(
        header,
        [(name, ms, f"{whole_ms / float(ms):.2f}", *others) for name, ms, *others in rows],
    )


def _gati_row(
    name: str, table: GatiTable, accelerator: Accelerator, stream: Trace, parameters: Gati
) -> list[str]:
    served = serve_gati(stream, table, STRICT_ACCURACY, 1, parameters=parameters)
    run = PolicyRun(served=served, table=table, accelerator=accelerator)
    metrics = serving_metrics(run, stream)
    return [
        name,
        f"{metrics['mean_latency_ms']:.2f}",
        f"{metrics['mean_accuracy_percent']:.2f}",
        f"{metrics['energy_mj_per_query']:.2f}",
        f"{metrics['offchip_bytes_per_query'] * 1e-6:.2f}",
    ]
