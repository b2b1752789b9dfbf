"""The choice, among the SubNets that a workload lists, of those to serve for a stream.

Each query is taken by itself, with nothing cached and no wait.  Of N SubNets those are chosen that
keep the strict demand of most queries, and then, under strict latency, serve the greatest mean
accuracy, under strict accuracy the least mean latency: exactly, by dynamic programming.  The listed
accuracies stand in place of a fitted model.
"""

from dataclasses import dataclass, replace

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.evaluation.subnets import best_chain, unbeaten
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import cold_latency_ms
from sushi_dse.model.multipliers import refuse_wide_weights
from sushi_dse.model.network import Network
from sushi_dse.serving.selection import STRICT_LATENCY, mode_code
from sushi_dse.traces.trace import FloatArray, Trace
from sushi_dse.workload.rated import known_accuracy_percent


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StreamOnSubNets:
    """How the queries of a stream fall on SubNets, each query by itself and with nothing cached."""

    network: Network
    latency_ms: FloatArray  # [subnet]
    queries: np.ndarray  # [subnet]: number of queries that it serves
    slo_attainment: float  # share of the queries whose strict demand is kept

    @property
    def accuracy_of(self) -> str:
        """The metric of the accuracies."""
        return self.network.supernet.accuracy_of

    @property
    def sums(self) -> dict[str, float]:
        """The number of SubNets, and the metrics of the stream by their names."""
        count = self.queries.sum()
        return {
            "count": len(self.queries),
            "slo_attainment": self.slo_attainment,
            "mean_latency_ms": float(self.queries @ self.latency_ms / count),
            "mean_accuracy_percent": float(self.queries @ self.network.accuracy_percent / count),
        }

    def rows(self) -> list[dict[str, object]]:
        """A row for each SubNet, with the share of the queries that it serves."""
        return [
            {
                "subnet": subnet.name,
                "accuracy_percent": subnet.accuracy_percent,
                "million_macs": subnet.macs / 1e6,
                "weight_bytes": subnet.weight_bytes,
                "latency_ms": float(self.latency_ms[i]),
                "queries_percent": float(100 * self.queries[i] / self.queries.sum()),
            }
            for i, subnet in enumerate(self.network.supernet.subnets)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The SubNets of a front as steps: a query takes the last whose key is within its limit.

    The first one serves the queries whose limit is below every key.  Keys and values rise: latency
    and accuracy under strict latency, negative accuracy and negative latency under strict accuracy.
    """

    subnets: np.ndarray  # [step]: numbers of the SubNets
    keys: FloatArray  # [step]
    values: FloatArray  # [step]
    limits: FloatArray  # [query], sorted

    @classmethod
    def of(cls, network: Network, latency_ms: FloatArray, trace: Trace, mode: str) -> "_Steps":
        subnets = unbeaten(latency_ms, network.accuracy_percent)
        if mode_code(mode) == STRICT_LATENCY:
            keys, values, limits = latency_ms, network.accuracy_percent, trace.max_latency_ms
        else:
            subnets = subnets[::-1]
            keys, values = -network.accuracy_percent, -latency_ms
            limits = -trace.min_accuracy_percent
        return cls(subnets, keys[subnets], values[subnets], np.sort(limits))

    @property
    def within(self) -> np.ndarray:
        """The number of queries within whose limit a key is: [step]."""
        return np.asarray(len(self.limits) - np.searchsorted(self.limits, self.keys))

    def chosen(self, count: int) -> list[int]:
        """The numbers of the SubNets of the best `count` steps, rising."""
        within = self.within.astype(float)
        start = np.where(within == within[0], self.values * len(self.limits), -np.inf)
        gain = (self.values - self.values[:, None]) * within
        is_before = np.tri(len(within), k=-1, dtype=bool).T  # [step before, step]
        steps = best_chain(start, np.where(is_before, gain, -np.inf), count)
        return sorted(int(self.subnets[step]) for step in steps)


def stream_on(
    network: Network, accelerator: Accelerator, trace: Trace | None, mode: str
) -> StreamOnSubNets:
    """How the queries of `trace` fall on the SubNets of `network`, selected in `mode`.

    `UserError` without a trace, where the mode or the accuracy of a SubNet is unknown, or where
    weights are wider than the multipliers.
    """
    trace = _checked(network, trace)
    refuse_wide_weights(network.supernet, accelerator)
    latency_ms = cold_latency_ms(network, accelerator)
    steps = _Steps.of(network, latency_ms, trace, mode)
    queries = np.zeros(len(latency_ms), dtype=np.int64)
    # The first step serves all queries, and each later one takes its own from the one before it.
    queries[steps.subnets] = -np.diff([len(trace), *steps.within[1:], 0])
    return StreamOnSubNets(
        network=network,
        latency_ms=latency_ms,
        queries=queries,
        slo_attainment=float(steps.within[0] / len(trace)),
    )


def chosen_for_stream(
    network: Network, accelerator: Accelerator, trace: Trace | None, mode: str, count: int
) -> Network:
    """The network with the `count` of its SubNets that serve `trace` best in `mode`.

    `UserError` without a trace, where the mode or the accuracy of a SubNet is unknown, or where
    fewer SubNets are non-dominated.
    """
    name, trace = network.supernet.name, _checked(network, trace)
    steps = _Steps.of(network, cold_latency_ms(network, accelerator), trace, mode)
    if not 1 <= count <= len(steps.keys):
        raise UserError(
            f"{count} SubNets are asked for, and of the {len(network.kernels)} that {name} lists "
            f"{len(steps.keys)} are no slower on {accelerator.name} than one as accurate; ask for "
            "as many at most, and for one at least"
        )
    subnets = tuple(network.supernet.subnets[i] for i in steps.chosen(count))
    return Network.of(replace(network.supernet, subnets=subnets))


def _checked(network: Network, trace: Trace | None) -> Trace:
    """The trace; `UserError` without one, or where the accuracy of a SubNet is not known."""
    if trace is None:
        raise UserError(
            f"the SubNets that {network.supernet.name} lists are weighed by the queries of a "
            "stream; name a --trace"
        )
    for subnet in network.supernet.subnets:
        known_accuracy_percent(subnet)
    return trace
