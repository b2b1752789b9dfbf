"""What is searched, for which objectives, and how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import (
    BaseSampler,
    NSGAIIISampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.hardware.resources import resources

POLICY = "policy"

SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {  # by batch and seed
    "nsga2": lambda batch, seed: NSGAIISampler(population_size=batch, seed=seed),
    "nsga3": lambda batch, seed: NSGAIIISampler(population_size=batch, seed=seed),
    # Multivariate: it learns that a policy suits a design, and draws but once a trial.
    "tpe": lambda _, seed: TPESampler(seed=seed, multivariate=True),
    "random": lambda _, seed: RandomSampler(seed=seed),
}
LEAST_BATCH = {"nsga2": 2, "nsga3": 2}  # a child has two parents


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Search:
    """What is searched, for which objectives, and how."""

    evaluation: Evaluation
    objectives: tuple[Metric, ...]
    sampler: str  # of SAMPLERS
    seed: int
    batch: int  # trials asked before one is told; a generation of nsga2 and nsga3

    def __post_init__(self) -> None:
        least = LEAST_BATCH.get(self.sampler, 1)
        if self.batch < least:
            raise UserError(f"--batch: {self.sampler} needs {least} or more, got {self.batch}")

    @property
    def inputs(self) -> dict[str, object]:
        """What the rows of a search depend on beside its setting."""
        return {
            "sampler": self.sampler,
            "objectives": [metric.name for metric in self.objectives],
            "seed": self.seed,
            "batch": self.batch,
        }

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What a trial chooses: the number of a value on each axis, and one of several policies."""
        chosen: dict[str, BaseDistribution] = {
            axis.name: IntDistribution(0, len(axis.values) - 1)
            for axis in self.evaluation.space.axes
        }
        if len(self.evaluation.policies) > 1:
            chosen[POLICY] = CategoricalDistribution(self.evaluation.policies)
        return chosen

    def row(self, params: Mapping[str, int | str]) -> tuple[int, str]:
        """The design and the policy of a trial that chose `params`."""
        space, policies = self.evaluation.space, self.evaluation.policies
        values = {axis.name: axis.values[int(params[axis.name])] for axis in space.axes}
        return space.index_of_values(values), str(params.get(POLICY, policies[0]))

    def overrun(self, design: int) -> float:
        """The share by which a design overruns its device; 0 or less where it fits."""
        return resources(self.evaluation.space.design(design)).device_share - 1

    def sampler_after(self, told: int) -> BaseSampler:
        """The sampler of what is asked after so many trials were told."""
        (seed,) = np.random.SeedSequence((self.seed, told)).generate_state(1)
        return SAMPLERS[self.sampler](self.batch, int(seed))
