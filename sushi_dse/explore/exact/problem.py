"""What an exact search is asked, and the front that it holds against it."""

from dataclasses import dataclass

import numpy as np

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import non_dominated
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.explore.exact.bounds import BOUNDED, bounds
from sushi_dse.explore.exact.boxes import Boxes
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import fits
from sushi_dse.model.kernel_cache import compiled

WALKED_AT_ONCE = 16384  # designs, so that memory stays flat


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Problem:
    """What is searched: designs x policies x SubNets, and the objectives, all without a trace.

    `ValueError` of an experiment with a trace, or of a metric that has no bound over a box.
    """

    experiment: Experiment
    metrics: tuple[Metric, ...]  # of BOUNDED

    def __post_init__(self) -> None:
        if self.experiment.trace is not None:
            raise ValueError("an exact front is without a trace; give an experiment without one")
        names = [metric.name for metric in self.metrics]
        if not set(names) <= set(BOUNDED):
            raise ValueError(f"some of {', '.join(BOUNDED)} are wanted, got {', '.join(names)}")

    @property
    def candidates(self) -> int:
        """Of each design: the policies x the SubNets."""
        return len(self.experiment.policies) * len(self.experiment.network.macs)

    def costs(self, designs: Designs) -> np.ndarray:
        """The costs of designs: [objective, candidate, design]; a candidate is policy x SubNet."""
        per_policy = []
        for policy in self.experiment.policies:
            values = steady_metrics(self.experiment.network, designs, policy)
            per_policy.append(np.stack([m.sign * values[m.name] for m in self.metrics]))
        return np.concatenate(per_policy, axis=1)

    def bounds(self, boxes: Boxes) -> np.ndarray:
        """What no design of each box costs less than: [objective, candidate, box]."""
        network, policies = self.experiment.network, self.experiment.policies
        per_policy = [bounds(network, boxes, policy, self.metrics) for policy in policies]
        return np.concatenate(per_policy, axis=1)

    def front_of(self, designs: np.ndarray) -> "Front":
        """The front of the designs of those numbers, walked."""
        front = Front(
            costs=np.empty((0, len(self.metrics))),
            designs=np.empty(0, dtype=np.int64),
            candidates=np.empty(0, dtype=np.int64),
        )
        for start in range(0, len(designs), WALKED_AT_ONCE):
            numbers = designs[start : start + WALKED_AT_ONCE]
            self.walk(front, numbers)
        return front

    def walk(self, front: "Front", numbers: np.ndarray) -> None:
        """Take into `front` what of those designs belongs there; numbers should rise."""
        designs = self.experiment.space.designs(numbers)
        feasible = fits(designs)
        if feasible.any():
            front.add(self.costs(designs.only(feasible)), numbers[feasible])


@dataclass(slots=True, eq=False)
class Front:
    """The candidates found that no other found one beats; equal ones are all kept."""

    costs: np.ndarray  # [row, objective]
    designs: np.ndarray  # [row]
    candidates: np.ndarray  # [row]

    def add(self, costs: np.ndarray, designs: np.ndarray) -> None:
        """Take in the candidates of designs that fit: costs [objective, candidate, design]."""
        objectives, candidates, count = costs.shape
        rows = costs.reshape(objectives, -1).T
        of_design = np.tile(designs, candidates)
        of_candidate = np.repeat(np.arange(candidates), count)
        new = non_dominated(rows)  # most are beaten by their neighbours
        costs = np.concatenate([self.costs, rows[new]])
        designs = np.concatenate([self.designs, of_design[new]])
        who = np.concatenate([self.candidates, of_candidate[new]])
        _, first = np.unique(np.stack([designs, who]), axis=1, return_index=True)
        kept = first[non_dominated(costs[first])]
        order = np.lexsort(costs[kept].T[::-1])
        self.costs = np.ascontiguousarray(costs[kept][order])
        self.designs, self.candidates = designs[kept][order], who[kept][order]


@compiled
def witnesses(least: np.ndarray, front: np.ndarray) -> np.ndarray:
    """For each candidate of each box the row of `front` that beats its bound, else -1.

    least: [objective, candidate, box], front: [row, objective]; the result: [candidate, box].  A
    row beats a bound, and with it all designs of the box, if it is nowhere worse, somewhere better.
    """
    objectives, candidates, boxes = least.shape
    found = np.full((candidates, boxes), -1, dtype=np.int64)
    for c in range(candidates):
        last = 0
        for b in range(boxes):
            for k in range(-1, len(front)):
                row = last if k < 0 else k  # that of the box before first
                worse = better = False
                if row < len(front):
                    for i in range(objectives):
                        worse |= front[row, i] > least[i, c, b]
                        better |= front[row, i] < least[i, c, b]
                    if better and not worse:
                        found[c, b] = last = row
                        break
    return found
