"""The figures of the pages on each system, drawn by the tool's own plots; run by `make figures`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.supernets import bounds
from benchmarks.supernets import supernets as shipped_supernets
from docs.build.speedups import best_speedup, speedup_range
from sushi_dse.analysis.load_map import load_map
from sushi_dse.analysis.loads import asked_loads, load_curves
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.plots.files import save_figure
from sushi_dse.plots.loads import load_panels
from sushi_dse.plots.panels import Panel, Series, floats
from sushi_dse.plots.pictures import panels_figure
from sushi_dse.plots.style import SIZE_INCHES
from sushi_dse.plots.worth import map_panel
from sushi_dse.policies.equal_area import equal_area, equal_area_system
from sushi_dse.units import label
from sushi_dse.workload.rated import common_metric

SPEEDUP = "speed-up (times), by assumed rates"
SLO_NN_WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
BUFFERS_OF_SUPERNETS_MIB = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256)
BUFFERS_MIB = (0.25, 0.5, 1.0, 1.6875, 3.0, 4.0, 6.0, 8.0)


def save_curves(
    path: Path,
    x_label: str,
    y_label: str,
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    log_x: bool = False,
) -> None:
    """Write curves over one axis to `path`."""
    panel = Panel(
        title="",
        x_label=x_label,
        y_label=y_label,
        series=tuple(
            Series(name=name, kind="line", x=floats(x), y=floats(y), look=i)
            for i, (name, y) in enumerate(curves.items())
        ),
        legend="above",
        width_inches=SIZE_INCHES[0],
        height_inches=SIZE_INCHES[1],
        log_x=log_x,
    )
    save_figure(panels_figure([panel], ""), path)


def zcu104(**changes: object) -> Accelerator:
    """The ZCU104 with other values of some fields."""
    return replace(load_hardware("zcu104").space.base, **changes)  # type: ignore[arg-type]


@cache
def network_of(workload: str) -> Network:
    """The arrays of a shipped workload."""
    return Network.of(load_workload(workload).supernet)


def cold_and_best(network: Network, accelerator: Accelerator) -> tuple[np.ndarray, np.ndarray]:
    """Latency of each SubNet with nothing cached, and with the static SubGraph best on average."""
    table = latency_table(network, accelerator, candidates(network, accelerator))
    return table.latency_ms[:, 0], table.latency_ms[:, table.latency_ms.mean(axis=0).argmin()]


def sushi(path: Path) -> None:
    """Draw the latency saved by the size of the Persistent Buffer, with 64 x 9 engines."""
    network = network_of("ofa_resnet50")
    saved = []
    for buffer in BUFFERS_MIB:
        cold, best = cold_and_best(
            network, zcu104(pe_kernels=64, persistent_buffer_kib=1024 * buffer)
        )
        saved.append(100 * (1 - best / cold))
    curves = {f"SubNet {s.name}": column for s, column in zip(
        network.supernet.subnets, np.transpose(saved).tolist(), strict=True)}  # fmt: skip
    x_label, y_label = label("persistent_buffer_mib"), label("latency_saved_percent")
    save_curves(path, x_label, y_label, BUFFERS_MIB, curves)


def rivals(path: Path) -> None:
    """Draw the latency saved by SGS, by prefetching, and by half of the memory for each."""
    network = network_of("ofa_resnet50")
    curves: dict[str, list[float]] = {"SGS": [], "prefetching": [], "half each": []}
    for buffer in BUFFERS_MIB:
        accelerator = zcu104(pe_kernels=64, persistent_buffer_kib=1024 * buffer)
        cold, best = cold_and_best(network, accelerator)
        rival, _ = equal_area_system(network, accelerator)
        _, both = cold_and_best(network, equal_area(accelerator, share=0.5))
        for name, latency in zip(curves, (best, rival.latency_ms[:, 0], both), strict=True):
            curves[name].append(100 * (1 - float(latency.mean() / cold.mean())))
    save_curves(path, label("buffer_mib"), label("latency_saved_percent"), BUFFERS_MIB, curves)


def supernets(path: Path) -> None:
    """Draw the latency that SGS saves of each SuperNet by the size of the Persistent Buffer."""
    curves = {}
    for name, supernet in shipped_supernets().items():
        network, saved = Network.of(supernet), []
        for buffer in BUFFERS_OF_SUPERNETS_MIB:
            accelerator = zcu104(
                pe_kernels=64, port_bytes_per_cycle=5.0, persistent_buffer_kib=1024 * buffer
            )
            saved.append(bounds(network, accelerator)["sgs"])
        curves[name] = saved
    x_label, y_label = label("persistent_buffer_mib"), label("latency_saved_percent")
    save_curves(path, x_label, y_label, BUFFERS_OF_SUPERNETS_MIB, curves, log_x=True)


def metric_of(networks: Mapping[str, Network]) -> str:
    """The metric that the accuracies of all the networks are of."""
    return common_metric({name: n.supernet.accuracy_of for name, n in networks.items()})


def slo_nn(path: Path) -> None:
    """Draw the speed-up of SLO-NN by the points that a demand lies below the network's accuracy."""
    below = [3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.25, 0.0]
    curves = {}
    networks = {workload: network_of(workload) for workload in SLO_NN_WORKLOADS}
    metric = metric_of(networks)
    for workload, network in networks.items():
        accuracy_percent = float(network.accuracy_percent.max())
        found = speedup_range(network, zcu104(), [accuracy_percent - points for points in below])
        curves[workload] = [at.speedup for at in found]
    save_curves(path, f"demand below the network's {metric} (points)", SPEEDUP, below, curves)


def gati(path: Path) -> None:
    """Draw the speed-up of GATI by the locality of the stream, and the published one."""
    found = best_speedup(network_of("resnet18_cifar10"), zcu104())
    localities = [at.locality for at in found.by_locality]
    curves = {
        "fresh caches": [at.speedup for at in found.by_locality],
        "published": [found.published] * len(localities),
        "all end at the first cache": [found.ceiling] * len(localities),
    }
    save_curves(path, "locality of the stream (share)", SPEEDUP, localities, curves)


def loads(path: Path) -> None:
    """Draw policies over the load of a stream with bursts, with knees and capacities."""
    experiment = load_experiment(
        policies=["no-sgs", "infaas", "slackfit"], arrivals="mmpp", capacity_target=0.3
    )
    found = load_curves(experiment, asked_loads("0.05:0.7:14"))
    save_figure(panels_figure(load_panels(found), ""), path)


def ways(path: Path) -> None:
    """Draw where residency, prefetching and batching each save most, on two boards."""
    panels = [
        map_panel(
            load_map(network_of("ofa_resnet50"), load_hardware(name).space.base),
            f"{name}, ofa_resnet50: which saves most of the mean latency",
        )
        for name in ("zcu104", "vcu118_64x64")
    ]
    save_figure(panels_figure(panels, ""), path)


FIGURES: dict[str, Callable[[Path], None]] = {
    "sushi.png": sushi,
    "rivals.png": rivals,
    "supernets.png": supernets,
    "slo_nn.png": slo_nn,
    "gati.png": gati,
    "loads.png": loads,
    "ways.png": ways,
}
