"""Where residency, prefetching and batching each save most, over the load and the off-chip rate.

Residency keeps weights on chip from query to query, prefetching loads them while others compute,
and batching loads them once for several queries.  The first two take the same blocks; batching
takes none, but queries that wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sushi_dse.analysis.gain_map import at_rate
from sushi_dse.analysis.published import saved_percent
from sushi_dse.analysis.repeats import RELEVANT_PERCENT
from sushi_dse.evaluation.experiment import RECACHE_EVERY_QUERIES
from sushi_dse.evaluation.loading import spanned_trace
from sushi_dse.evaluation.traced import REFERENCE_POLICY
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import LatencyTable, candidate_table
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.policies.names import BATCHING, EQUAL_AREA, LATENCY_AWARE, STATIC_SUBGRAPH, SUSHI
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.names import RANDOM_WALK

# The ways, and the policies of which the best counts for each.
WAYS = {
    "residency": (STATIC_SUBGRAPH, SUSHI, LATENCY_AWARE),
    "prefetching": (EQUAL_AREA,),
    "batching": (BATCHING,),
}
LOADS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # shares of time that no-sgs is busy: assumption
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the design's off-chip rate: assumption
QUERIES = 2000
MAPPED = "Which saves most of the mean latency: Poisson arrivals, random walk, strict accuracy"
MODE = "strict-accuracy"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RateLine:
    """What each way saves at one off-chip rate, over the load."""

    offchip_gb_per_s: float
    loads: np.ndarray  # [load]
    saved_percent: Mapping[str, np.ndarray]  # [load] by way: mean latency saved against no-sgs

    @property
    def best(self) -> list[str | None]:
        """The way that saves most at each load, None where none saves what counts: [load]."""
        found: list[str | None] = []
        for i in range(len(self.loads)):
            way = max(self.saved_percent, key=lambda name: self.saved_percent[name][i])
            found.append(way if self.saved_percent[way][i] >= RELEVANT_PERCENT else None)
        return found


def load_map(
    network: Network,
    design: Accelerator,
    *,
    loads: Sequence[float] = LOADS,
    factors: Sequence[float] = FACTORS,
    queries: int = QUERIES,
    seed: int = 0,
) -> list[RateLine]:
    """The lines of a design at several off-chip rates, under strict accuracy.

    Queries arrive by a Poisson process and demand by a random walk; a load is the share of the time
    that the design without a Persistent Buffer takes for them one by one, so all ways serve the
    same SubNets of the same stream.
    """
    return [
        _line(network, at_rate(design, factor), np.array(loads), queries=queries, seed=seed)
        for factor in factors
    ]


def _line(
    network: Network, design: Accelerator, loads: np.ndarray, *, queries: int, seed: int
) -> RateLine:
    table = candidate_table(network, design)
    trace = spanned_trace(
        network, design, demands=RANDOM_WALK, arrivals="poisson", rate_per_s=1.0, queries=queries,
        seed=seed,
    )  # fmt: skip
    service_ms = named_policy(REFERENCE_POLICY).served(trace, table, mode=MODE, every=1).service_ms
    busy = service_ms.sum() / (trace.arrived_ms[-1] - trace.arrived_ms[0])
    streams = Streams([trace] * len(loads), loads / busy)
    reference_ms = _response_ms(REFERENCE_POLICY, network, design, table, streams)
    saved = {
        way: np.max(
            [
                saved_percent(_response_ms(name, network, design, table, streams), reference_ms)
                for name in policies
            ],
            axis=0,
        )
        for way, policies in WAYS.items()
    }
    return RateLine(offchip_gb_per_s=design.offchip_gb_per_s, loads=loads, saved_percent=saved)


def _response_ms(
    name: str, network: Network, design: Accelerator, table: LatencyTable, streams: Streams
) -> np.ndarray:
    """The sum of the response times of each stream under a policy: [stream]."""
    policy = named_policy(name)
    own, _ = policy.system_of(network, design, table)
    return policy.tallied(streams, own, mode=MODE, every=RECACHE_EVERY_QUERIES).response_ms
