"""The published headline figures beside the model's, on the published boards and SuperNets.

"Subgraph Stationary Hardware-Software Inference Co-Design" (MLSys 2023), abstract: for a stream of
queries up to 25 % lower latency, up to 0.98 points more served accuracy, and up to 78.7 % less
off-chip energy than without SGS, on ZCU104 and Alveo U50.  The abstract of its follow-up in IEEE
Micro (2023): up to 32 % lower latency.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from sushi_dse.analysis.baseline import metrics_by_policy
from sushi_dse.analysis.compare import compare_policies
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.evaluation.traced import REFERENCE_POLICY
from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.latency_table import LatencyTable, candidate_table
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import steady_cost
from sushi_dse.policies.catalogue import serve
from sushi_dse.policies.names import NO_SGS, STATIC_SUBGRAPH, SUSHI

BOARDS = ("zcu104", "alveo_u50")
WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
POLICY = SUSHI
TRACE, QUERIES, SEED = "random-walk", 2000, 0
MLSYS, IEEE_MICRO = "MLSys 2023, abstract", "IEEE Micro 2023, abstract of the follow-up"
LATENCY, ACCURACY, ENERGY = (
    "latency_saved_percent",
    "accuracy_gained_points",
    "offchip_energy_saved_percent",
)

MetricsByName = dict[str, float]


def saved_percent(ours: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """What is saved against a reference."""
    return np.asarray(100 * (1 - ours / reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published figure, which is the best of what its authors tried: `up_to`."""

    up_to: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What a gain is published of, and how it follows from the metrics of two runs."""

    name: str
    published: tuple[Published, ...]
    mode: str  # one of MODES
    metric: str  # one of METRICS
    gain: Callable[[np.ndarray, np.ndarray], np.ndarray]  # from the metric with and without SGS


HEADLINES = (
    Headline(
        name=LATENCY,
        published=(
            Published(up_to=25.0, source=MLSYS),
            Published(up_to=32.0, source=IEEE_MICRO),
        ),
        mode="strict-accuracy",
        metric="mean_latency_ms",
        gain=saved_percent,
    ),
    Headline(
        name=ACCURACY,
        published=(Published(up_to=0.98, source=MLSYS),),
        mode="strict-latency",
        metric="mean_accuracy_percent",
        gain=np.subtract,
    ),
    Headline(
        name=ENERGY,
        published=(Published(up_to=78.7, source=MLSYS),),
        mode="strict-accuracy",
        metric="offchip_energy_mj_per_query",
        gain=saved_percent,
    ),
)
REMARKS = (
    *(
        f"{headline.name}: published up to {figure.up_to:g} ({figure.source})."
        for headline in HEADLINES
        for figure in headline.published
    ),
    "stream mean: as the command prints it. best: of the SubNet that gains most when it is served "
    "again and again with its own SubGraph on chip. all on chip: the same with all weights on "
    "chip, a bound for any Persistent Buffer. No single SubNet gains accuracy.",
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A published board and SuperNet under the stream of queries."""

    hw: str
    workload: str

    def experiment(self, mode: str) -> Experiment:
        """The experiment with SGS and without, in that mode."""
        return load_experiment(
            self.hw,
            self.workload,
            TRACE,
            policies=(REFERENCE_POLICY, POLICY),
            mode=mode,
            queries=QUERIES,
            seed=SEED,
        )

    @cached_property
    def metrics(self) -> dict[str, dict[str, MetricsByName]]:
        """The metrics over the stream, by mode and policy."""
        modes = dict.fromkeys(headline.mode for headline in HEADLINES)
        return {mode: metrics_by_policy(compare_policies(self.experiment(mode))) for mode in modes}

    @cached_property
    def strict_accuracy(self) -> Experiment:
        """The experiment in which every policy serves queries of the same accuracy."""
        return self.experiment("strict-accuracy")

    @property
    def network(self) -> Network:
        """The SubNets."""
        return self.strict_accuracy.network

    @property
    def accelerator(self) -> Accelerator:
        """The board's design."""
        return self.strict_accuracy.design

    def subnet(self, number: int) -> str:
        """The name of a SubNet."""
        return self.network.supernet.subnets[number].name


def settings() -> list[Setting]:
    """The published boards, each with both SuperNets."""
    return [Setting(hw=hw, workload=workload) for hw, workload in product(BOARDS, WORKLOADS)]


def own_subgraph(network: Network, accelerator: Accelerator, metric: str) -> np.ndarray:
    """A steady metric of each SubNet with nothing on chip, and with its own SubGraph: [2, subnet].

    The SubGraph is cut by value, as in `sushi-dse sweep --trace none`.
    """
    design = Designs(accelerator, {}, 1)
    both = [steady_metrics(network, design, policy) for policy in (NO_SGS, STATIC_SUBGRAPH)]
    return np.stack([metrics[metric][:, 0] for metrics in both])


def all_on_chip(network: Network, accelerator: Accelerator) -> Accelerator:
    """`accelerator` with a Persistent Buffer that holds all weights of any SubNet."""
    return replace(accelerator, persistent_buffer_kib=float(network.weight_bytes.max()) / KIB)


def headlines(found: Sequence[Setting]) -> list[dict[str, object]]:
    """A row for each headline and setting: the published figures, and the model's.

    `stream_mean` is over the stream, and `best` that of the SubNet that gains most from its own
    SubGraph in the steady state; `all_on_chip` is the same with all weights on chip, a bound for
    any Persistent Buffer.  No single SubNet gains accuracy.
    """
    return [_headline_row(headline, setting) for headline in HEADLINES for setting in found]


def _headline_row(headline: Headline, setting: Setting) -> dict[str, object]:
    metrics = setting.metrics[headline.mode]
    ours, reference = (
        np.array(metrics[policy][headline.metric]) for policy in (POLICY, REFERENCE_POLICY)
    )
    best = subnet = bound = None
    if headline.name != ACCURACY:
        network, accelerator = setting.network, setting.accelerator
        nothing, own = own_subgraph(network, accelerator, headline.metric)
        gains = headline.gain(own, nothing)
        best, subnet = float(gains.max()), setting.subnet(int(gains.argmax()))
        _, whole = own_subgraph(network, all_on_chip(network, accelerator), headline.metric)
        bound = float(headline.gain(whole, nothing).max())
    return {
        "headline": headline.name,
        "published": [
            {"up_to": figure.up_to, "source": figure.source} for figure in headline.published
        ],
        "stream_mean": float(headline.gain(ours, reference)),
        "best": best,
        "best_subnet": subnet,
        "all_on_chip": bound,
        "hw": setting.hw,
        "workload": setting.workload,
        "command": f"sushi-dse compare policies --hw {setting.hw} --workload {setting.workload} "
        f"--mode {headline.mode}",
    }


def serial_ms(network: Network, accelerator: Accelerator, cost: LayerCost) -> np.ndarray:
    """Latency of SubNets if neither loads nor maps moved while a layer computes: [subnet, ...].

    cost: of whole SubNets, [subnet, ...].  Every byte that crosses the bus takes its time alone.
    """
    cycles = cost.compute_cycles + cost.offchip_bytes * accelerator.cycles_per_byte
    launches_us = np.diff(network.starts)[:, None] * accelerator.launch_us
    return np.asarray((launches_us + cycles / accelerator.clock_mhz) * 1e-3)


def without_overlap(found: Sequence[Setting]) -> list[dict[str, object]]:
    """A row for each setting: the latency saved, and what it would be without any overlap.

    Both are the mean over the stream, and the best of a single SubNet with its own SubGraph.
    """
    return [_overlap_row(setting) for setting in found]


def _overlap_row(setting: Setting) -> dict[str, object]:
    network, accelerator = setting.network, setting.accelerator
    table = candidate_table(network, accelerator)
    serial = replace(table, latency_ms=serial_ms(network, accelerator, table.cost))
    cold, warm = steady_cost(network, Designs(accelerator, {}, 1))
    alone = saved_percent(
        serial_ms(network, accelerator, warm)[:, 0], serial_ms(network, accelerator, cold)[:, 0]
    )
    overlapped = saved_percent(*own_subgraph(network, accelerator, "mean_latency_ms")[::-1])
    return {
        "hw": setting.hw,
        "workload": setting.workload,
        "stream_mean_percent": stream_saved_percent(setting.strict_accuracy, table),
        "stream_mean_without_overlap_percent": stream_saved_percent(
            setting.strict_accuracy, serial
        ),
        "best_percent": float(overlapped.max()),
        "best_without_overlap_percent": float(alone.max()),
        "best_subnet_without_overlap": setting.subnet(int(alone.argmax())),
    }


def stream_saved_percent(experiment: Experiment, table: LatencyTable) -> float:
    """The mean latency over the stream that SGS saves, with the times of `table`."""
    (every,) = experiment.recache_every_queries
    ours, reference = (
        serve(
            experiment.traced, table, policy, mode=experiment.mode, recache_every_queries=every
        ).response_ms.mean()
        for policy in (POLICY, REFERENCE_POLICY)
    )
    return float(saved_percent(ours, reference))
