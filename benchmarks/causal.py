"""How much of the offline optimum's gain causal rules recover: the one in use beside known answers.

    python -m benchmarks.causal

A line a rule: the least and the mean share of the gain over no SGS, strict accuracy, over both
workloads, three accelerators, the kinds of synthetic demand and SEEDS.  The rules that lost stay
here, written as a user's policy would be; `latency-aware`, of `sushi_dse.serving.recaching`, won.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.loading import spanned_trace
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.user_file import serve_by
from sushi_dse.serving.selection import STRICT_ACCURACY, select_subnet
from sushi_dse.traces.generators import DEMANDS
from sushi_dse.traces.trace import Query, Trace

EVERY = 8  # queries between two recache points
QUERIES = 2000
SEEDS = range(4)


class Rule:
    """A user's policy that keeps the SubGraph of least expected cost over some queries."""

    def __init__(self) -> None:
        self.demand: np.ndarray | None = None

    def select(self, query: Query, table: LatencyTable, latency_ms: np.ndarray) -> int:
        """The fastest SubNet that is accurate enough."""
        return select_subnet(
            STRICT_ACCURACY, table.accuracy_percent, latency_ms, query.min_accuracy_percent, 0.0
        )

    def cheapest(self, table: LatencyTable, cached: int, share: np.ndarray, queries: float) -> int:
        """The SubGraph of least cost for that demand, [subnet]; of equals the cached one stays."""
        cost = queries * share @ table.latency_ms + table.switch_ms[cached] @ share
        return int(cost.argmin()) if cost.min() < cost[cached] else cached


class FollowTheLeader(Rule):
    """A rule that keeps what would have been best over the last interval."""

    def recache(self, served: np.ndarray, table: LatencyTable, cached: int) -> int:
        """The SubGraph that would have been best for the SubNets served."""
        share = served / served.sum() if served.sum() else np.full(len(served), 1 / len(served))
        return self.cheapest(table, cached, share, EVERY)


class DiscountedDemand(Rule):
    """A rule that keeps what is best for a discounted past, looking eight intervals ahead."""

    def recache(self, served: np.ndarray, table: LatencyTable, cached: int) -> int:
        """The SubGraph of least cost for the discounted demand."""
        self.demand = served + 0.9 * (np.ones(len(served)) if self.demand is None else self.demand)
        return self.cheapest(table, cached, self.demand / self.demand.sum(), 8 * EVERY)


class WorkFunction(Rule):
    """The work function algorithm for metrical task systems (Borodin, Linial and Saks, 1992)."""

    def recache(self, served: np.ndarray, table: LatencyTable, cached: int) -> int:
        """The state from which the past could have been ended cheapest, the move to it included."""
        move = table.switch_ms.mean(axis=2)
        if self.demand is None:
            self.demand = move[0].copy()
        self.demand = (self.demand[:, None] + move).min(axis=0) + served @ table.latency_ms
        cost = self.demand + move[cached]
        return int(cost.argmin()) if cost.min() < cost[cached] else cached


RULES: dict[str, Callable[[], Rule]] = {
    "follow the leader": FollowTheLeader,
    "discounted demand": DiscountedDemand,
    "work function": WorkFunction,
}
NAMED = ("sushi", "static-subgraph", "latency-aware")


def cases() -> Iterator[tuple[str, LatencyTable, Trace]]:
    """Every workload, accelerator, kind of demand and seed."""
    base = load_hardware("zcu104").space.base
    accelerators = {
        "zcu104": base,
        "64 kernels, 4 MiB": replace(base, pe_kernels=64, persistent_buffer_kib=4096),
        "a quarter of the bandwidth": replace(
            base, port_bytes_per_cycle=base.port_bytes_per_cycle / 4
        ),
    }
    for workload in ("ofa_resnet50", "ofa_mbv3"):
        network = Network.of(load_workload(workload).supernet)
        for name, accelerator in accelerators.items():
            table = latency_table(network, accelerator, candidates(network, accelerator))
            for kind in DEMANDS:
                for seed in SEEDS:
                    trace = spanned_trace(
                        network, accelerator, demands=kind, queries=QUERIES, seed=seed
                    )
                    yield f"{workload}, {name}, {kind}, seed {seed}", table, trace


def shares(table: LatencyTable, trace: Trace) -> dict[str, float]:
    """The share of the offline optimum's gain over no SGS that each rule recovers."""

    def named(policy: str) -> float:
        served = POLICIES[policy].served(trace, table, mode="strict-accuracy", every=EVERY)
        return float(served.service_ms.sum())

    cold, best = named("no-sgs"), named("offline-optimum")
    totals = {name: named(name) for name in NAMED}
    for name, rule in RULES.items():
        totals[name] = float(serve_by(rule(), name, trace, table, EVERY).service_ms.sum())
    return {name: (cold - total) / (cold - best) for name, total in totals.items()}


def main() -> None:
    """Print a line for each rule."""
    found = {name: shares(table, trace) for name, table, trace in cases()}
    for rule in (*NAMED, *RULES):
        worst = min(found, key=lambda name: found[name][rule])
        own = [row[rule] for row in found.values()]
        reached = sum(share >= 0.99 for share in own)
        print(
            f"{rule:18} mean {np.mean(own):.4f}, least {min(own):.4f} ({worst}), "
            f"99 % in {reached} of {len(own)}"
        )


if __name__ == "__main__":
    main()
