"""The speed-ups of SLO-NN and GATI over the whole network, beside the published ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.network import Network
from sushi_dse.policies.gati.parameters import PUBLISHED_BLOCKS, Gati
from sushi_dse.policies.gati.system import DEFAULTS as GATI_DEFAULTS
from sushi_dse.policies.gati.system import GatiTable, gati_system
from sushi_dse.policies.slo_nn.parameters import FREE, SloNn
from sushi_dse.policies.slo_nn.stream import serve_slo_nn
from sushi_dse.policies.slo_nn.system import DEFAULTS as SLO_NN_DEFAULTS
from sushi_dse.policies.slo_nn.system import slo_nn_system
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.traces.trace import MAX_MS, FloatArray, Trace

# Average speed-ups of SLO-NN, least and greatest over its networks (abstract of the paper).
PUBLISHED_SPEEDUPS = (1.3, 56.7)
PUBLISHED_LOSS_PERCENT = 0.3  # largest loss of accuracy of SLO-NN (abstract of the paper)
TARGETS_BELOW_WHOLE_PERCENT = (0.0, 0.1, 0.3, 1.0, 3.0)
PUBLISHED_SPEEDUP = 7.69  # largest speed-up of GATI (Balasubramanian et al., 2021)
LOCALITIES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpeedup:
    """A closed loop of queries that all demand `target_percent`, against the whole network."""

    target_percent: float
    mean_fraction: float
    speedup: float  # the whole network's latency over the mean latency
    accuracy_percent: float  # mean
    loss_percent: float  # the whole network's accuracy less that mean


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalitySpeedup:
    """The expected speed-up at one locality with fresh caches, a closed loop and no demands."""

    locality: float
    hit_share: float  # share of queries that end at a cache
    latency_ms: float
    speedup: float  # speed-up over the whole network without caches but with its SubGraph
    accuracy_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BestSpeedup:
    """The speed-up by locality, and its ceiling, where every query ends at the first cache."""

    whole_network_ms: float  # latency without caches, with layers by value in the Persistent Buffer
    by_locality: tuple[LocalitySpeedup, ...]
    ceiling: float
    published: float = PUBLISHED_SPEEDUP

    @property
    def best(self) -> LocalitySpeedup:
        """The greatest speed-up of those localities."""
        return max(self.by_locality, key=lambda at: at.speedup)


def stream_of(demand_percent: float, queries: int) -> Trace:
    """A closed loop of queries that all demand that accuracy, and have all the time."""
    return Trace(
        arrived_ms=np.zeros(queries),
        min_accuracy_percent=np.full(queries, demand_percent),
        max_latency_ms=np.full(queries, MAX_MS),
    )


def speedup_range(
    network: Network,
    accelerator: Accelerator,
    targets_percent: Sequence[float] | None = None,
    *,
    parameters: SloNn = SLO_NN_DEFAULTS,
    queries: int = 10_000,
    seed: int = 0,
) -> tuple[TargetSpeedup, ...]:
    """The average speed-up at each accuracy target over the whole network with nothing cached.

    The targets are by default 0 to 3 points below the network's accuracy.  Beside them stand
    `PUBLISHED_SPEEDUPS` and `PUBLISHED_LOSS_PERCENT`.
    """
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    alone, _ = slo_nn_system(network, accelerator, parameters=replace(parameters, activator=FREE))
    whole_ms, whole_percent = float(alone.latency_ms[-1, 0]), float(table.accuracy_percent[-1])
    if targets_percent is None:
        targets_percent = [whole_percent - below for below in TARGETS_BELOW_WHOLE_PERCENT]
    fractions, speedups = np.array(parameters.fractions), []
    for target_percent in targets_percent:
        stream = stream_of(target_percent, queries)
        done = serve_slo_nn(stream, table, STRICT_ACCURACY, 1, parameters=parameters, seed=seed)
        accuracy_percent = float(done.accuracy_percent.mean())
        speedups.append(
            TargetSpeedup(
                target_percent=target_percent,
                mean_fraction=float(fractions[done.subnet].mean()),
                speedup=whole_ms / float(done.response_ms.mean()),
                accuracy_percent=accuracy_percent,
                loss_percent=whole_percent - accuracy_percent,
            )
        )
    return tuple(speedups)


def expected_exits(table: GatiTable) -> tuple[FloatArray, FloatArray]:
    """Share of queries that end in each row, and its accuracy in percent, caches fresh: [row]."""
    parameters = table.parameters
    accepted = parameters.acceptance(parameters.agreement_now(table.agreement, 1.0))
    ended = np.maximum.accumulate(np.concatenate(([0.0], accepted, [1.0])))
    return np.diff(ended), np.asarray(table.accuracy_percent)


def best_speedup(
    network: Network,
    accelerator: Accelerator,
    *,
    parameters: Gati = GATI_DEFAULTS,
    localities: Sequence[float] = LOCALITIES,
) -> BestSpeedup:
    """The expected speed-up at each locality, with the caches that are best for it.

    The whole network that it is set against has the Persistent Buffer to itself.  At the ceiling
    every query ends at the first place, whose predictor is then the fastest one.
    """
    alone, _ = gati_system(network, accelerator, parameters=parameters, keep={})
    whole_ms = float(alone.latency_ms[-1, -1])
    certain = {name: (100.0,) * PUBLISHED_BLOCKS for name in parameters.agreement_percent}
    first, _ = gati_system(
        network, accelerator, parameters=replace(parameters, agreement_percent=certain)
    )
    speedups = []
    for locality in localities:
        table, _ = gati_system(
            network, accelerator, parameters=replace(parameters, locality=locality)
        )
        share, accuracy_percent = expected_exits(table)
        latency_ms = float(share @ table.latency_ms[:, -1])
        speedups.append(
            LocalitySpeedup(
                locality=locality,
                hit_share=float(share[:-1].sum()),
                latency_ms=latency_ms,
                speedup=whole_ms / latency_ms,
                accuracy_percent=float(share @ accuracy_percent),
            )
        )
    return BestSpeedup(
        whole_network_ms=whole_ms,
        by_locality=tuple(speedups),
        ceiling=whole_ms / float(first.latency_ms[0, -1]),
    )
