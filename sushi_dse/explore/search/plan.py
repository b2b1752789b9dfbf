"""The plan of a search: an experiment, its objectives, a sampler and its seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import (
    BaseSampler,
    NSGAIIISampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)

from sushi_dse.errors import UserError, near_names
from sushi_dse.explore.exploration import Exploration
from sushi_dse.explore.survey import objective_names
from sushi_dse.hardware.resources import overrun

POLICY = "policy"

# Functions of the batch size and a seed.
SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {
    "nsga2": lambda batch, seed: NSGAIISampler(population_size=batch, seed=seed),
    "nsga3": lambda batch, seed: NSGAIIISampler(population_size=batch, seed=seed),
    # A multivariate TPE learns that a policy suits a design, and draws only once for each trial.
    "tpe": lambda _, seed: TPESampler(seed=seed, multivariate=True),
    "random": lambda _, seed: RandomSampler(seed=seed),
}
LEAST_BATCH = {"nsga2": 2, "nsga3": 2}  # smallest populations: a child has two parents


@dataclass(frozen=True, eq=False)
class Search(Exploration):
    """A search of an experiment's space by a sampler, for the front of some objectives.

    `sampler` is one of `SAMPLERS`; `batch` trials are asked before one is told, which for nsga2 and
    nsga3 is a generation.  `UserError` where a name is unknown, there is no trace, several
    intervals or service levels are given, or the batch is too small for the sampler.
    """

    sampler: str = field(default="nsga2", kw_only=True)
    seed: int = field(default=0, kw_only=True)
    batch: int = field(default=20, kw_only=True)

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            hint = near_names(self.sampler, SAMPLERS)
            raise UserError(f"unknown sampler {self.sampler!r}; {hint}")
        if self.experiment.trace is None:
            raise UserError("a search is on a trace; sweep the space with --exact without one")
        if len(self.experiment.recache_every_queries) > 1:
            raise UserError("--recache-every: a search takes one interval; give one")
        if len(self.experiment.service_levels) > 1:
            raise UserError("a search is at one service level; sweep the space for several")
        least = LEAST_BATCH.get(self.sampler, 1)
        if self.batch < least:
            raise UserError(f"--batch: {self.sampler} needs {least} or more, got {self.batch}")

    @property
    def own_inputs(self) -> dict[str, object]:
        """The inputs of the rows besides the experiment: sampler, objectives, seed and batch."""
        return {
            "search": {
                "sampler": self.sampler,
                "objectives": objective_names(self.metrics),
                "seed": self.seed,
                "batch": self.batch,
            }
        }

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The choices of a trial: the number of a value on each axis, and one of the policies.

        With a single policy there is no choice of a policy.
        """
        chosen: dict[str, BaseDistribution] = {
            axis.name: IntDistribution(0, len(axis.values) - 1)
            for axis in self.experiment.space.axes
        }
        if len(self.experiment.policies) > 1:
            chosen[POLICY] = CategoricalDistribution(self.experiment.policies)
        return chosen

    def row(self, params: Mapping[str, int | str]) -> tuple[int, str]:
        """The design and the policy of a trial that chose `params`."""
        space, policies = self.experiment.space, self.experiment.policies
        values = {axis.name: axis.values[int(params[axis.name])] for axis in space.axes}
        return space.index_of_values(values), str(params.get(POLICY, policies[0]))

    def overrun(self, design: int) -> float:
        """By what share a design exceeds its device or its clock: above 0 where it does not fit."""
        return overrun(self.experiment.space.design(design))

    def sampler_after(self, told: int) -> BaseSampler:
        """The sampler of the batch that is asked after so many trials were told."""
        (seed,) = np.random.SeedSequence((self.seed, told)).generate_state(1)
        return SAMPLERS[self.sampler](self.batch, int(seed))
