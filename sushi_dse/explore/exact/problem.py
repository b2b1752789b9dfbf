"""The problem of an exact front, and the front of the candidates that were evaluated so far."""

from dataclasses import dataclass

import numpy as np

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import non_dominated
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.evaluation.steady import steady_objectives
from sushi_dse.explore.exact.bounds import BOUNDED, bounds
from sushi_dse.explore.exact.boxes import Boxes
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import fits
from sushi_dse.model.jit import compiled

WALKED_AT_ONCE = 16384  # designs that are evaluated at a time, so that memory stays flat


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Problem:
    """A space of designs x policies x SubNets and the objectives of its front, without a trace.

    `ValueError` where the experiment has a trace, or a metric has no bound over a box.
    """

    experiment: Experiment
    metrics: tuple[Metric, ...]  # objectives, whose names are in BOUNDED

    def __post_init__(self) -> None:
        if self.experiment.trace is not None:
            raise ValueError("an exact front is without a trace; give an experiment without one")
        names = [metric.name for metric in self.metrics]
        if not set(names) <= set(BOUNDED):
            raise ValueError(f"some of {', '.join(BOUNDED)} are wanted, got {', '.join(names)}")

    @property
    def candidates(self) -> int:
        """The number of candidates of each design: policies x SubNets."""
        return len(self.experiment.policies) * len(self.experiment.network.macs)

    def costs(self, designs: Designs) -> np.ndarray:
        """The costs of designs: [objective, candidate, design]; a candidate is policy x SubNet."""
        return steady_objectives(self.experiment, designs, self.metrics)

    def bounds(self, boxes: Boxes) -> np.ndarray:
        """Lower bounds on the costs of the designs of each box: [objective, candidate, box]."""
        network, policies = self.experiment.network, self.experiment.policies
        per_policy = [bounds(network, boxes, policy, self.metrics) for policy in policies]
        return np.concatenate(per_policy, axis=1)

    def front_of(self, designs: np.ndarray) -> "Front":
        """The front of the designs of those numbers, each of which is evaluated."""
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
        """Evaluate the designs of those numbers, which should rise, and add them to `front`."""
        designs = self.experiment.space.designs(numbers)
        feasible = fits(designs)
        if feasible.any():
            front.add(self.costs(designs.only(feasible)), numbers[feasible])


@dataclass(slots=True, eq=False)
class Front:
    """The evaluated candidates that no other one dominates; equal ones are all kept."""

    costs: np.ndarray  # [row, objective]
    designs: np.ndarray  # [row]: number of the design
    candidates: np.ndarray  # [row]: number of the candidate, policy x SubNet

    def add(self, costs: np.ndarray, designs: np.ndarray) -> None:
        """Add the candidates of designs that fit.

        costs: [objective, candidate, design]; designs: [design] numbers.
        """
        objectives, candidates, count = costs.shape
        rows = costs.reshape(objectives, -1).T
        of_design = np.tile(designs, candidates)
        of_candidate = np.repeat(np.arange(candidates), count)
        new = non_dominated(rows)  # Most candidates are dominated by their neighbours.
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
    """The row of `front` that dominates the bound of each candidate of each box, -1 without one.

    least: [objective, candidate, box], front: [row, objective]; the result: [candidate, box].  A
    row that is nowhere worse than a bound and somewhere better dominates all designs of the box.
    """
    objectives, candidates, boxes = least.shape
    found = np.full((candidates, boxes), -1, dtype=np.int64)
    for c in range(candidates):
        last = 0
        for b in range(boxes):
            for k in range(-1, len(front)):
                row = last if k < 0 else k  # The witness of the box before is tried first.
                worse = better = False
                if row < len(front):
                    for i in range(objectives):
                        worse |= front[row, i] > least[i, c, b]
                        better |= front[row, i] < least[i, c, b]
                    if better and not worse:
                        found[c, b] = last = row
                        break
    return found
