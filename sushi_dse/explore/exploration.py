"""The base of a sweep and a search: an experiment, its objectives, and a folder of results."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sushi_dse.errors import UserError, naming
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import CAPACITY, Metric, find_metric
from sushi_dse.explore.decision import Setting, decision
from sushi_dse.explore.robust import Robustness, robustness
from sushi_dse.explore.survey import Survey, objectives, survey
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import read_results
from sushi_dse.store.run import Run
from sushi_dse.store.seeds import mean_parts

if TYPE_CHECKING:  # pandas takes half a second to import, and processes that evaluate need none.
    import pandas as pd


# Assumptions: workers start and compile in minutes; a policy in Python takes about 20 us a query.
START_S = 600.0
MOST_S_A_QUERY = 1e-4


@dataclass(frozen=True, eq=False)
class Exploration:
    """An experiment whose designs are evaluated for the front of some objectives, in a folder.

    `objectives` are names of metrics, by default latency, accuracy and energy; `out` is the folder,
    by default `results/<hw>-<workload>-<hash of all inputs>`.
    """

    experiment: Experiment
    objectives: Sequence[str] | None = None
    out: str | Path | None = field(default=None, kw_only=True)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The objectives; `UserError` where one is unknown, is named twice or rows lack it."""
        chosen = objectives(self.objectives, self.experiment.unknown_accuracy)
        if find_metric(CAPACITY) in chosen and self.experiment.capacity_target is None:
            raise UserError(
                f"--objective {CAPACITY}: the experiment has no capacity_target; give one"
            )
        return tuple(chosen)

    @property
    def own_inputs(self) -> dict[str, object]:
        """The inputs of the rows besides the experiment, by name."""
        return {}

    def patience_s(self, designs: int) -> float:
        """The seconds in which workers of any speed end a block of so many designs."""
        experiment = self.experiment
        queries = len(experiment.trace) if experiment.trace else 1
        served = designs * len(experiment.runs) * experiment.rows_of_a_run * queries
        return START_S + served * MOST_S_A_QUERY

    @cached_property
    def run_of(self) -> Run:
        """The run with all inputs of the rows, without a command."""
        return Run(inputs={**self.experiment.inputs, **self.own_inputs})

    @cached_property
    def folder(self) -> Path:
        """The folder that the results are, or will be, stored in."""
        if self.out is not None:
            return Path(self.out)
        return Path("results") / self.run_of.folder_name(*self.experiment.names)

    def opened(self, *, command: str = "") -> AbstractContextManager[Store]:
        """The store of the results, locked against other processes while it is open.

        `command` is the line that asked for them, for whoever finds the folder.
        """
        return Store.open(self.folder, Run(inputs=self.run_of.inputs, command=command))

    def survey(self) -> Survey:
        """The survey of the stored rows; `UserError` where there are none, or of another run."""
        with naming(self.folder):
            self.run_of.refuse_other(self.folder)
            return survey(mean_parts(self.folder), self.metrics)

    def robust(self, *, draws: int, workers: int = 1) -> Robustness:
        """The front of the stored rows under so many draws of the constants in doubt."""
        with naming(self.folder):
            self.run_of.refuse_other(self.folder)
            parts = mean_parts(self.folder)
            return robustness(self.experiment, parts, self.metrics, draws=draws, workers=workers)

    def described(self, found: Survey, robust: Robustness | None = None) -> dict[str, Any]:
        """The survey of the stored rows by name, and the decision that it ends in."""
        named = decision(found, Setting.of(self.experiment), robust)
        return {**found.summary(self.experiment), "decision": named}

    def to_pandas(self) -> "pd.DataFrame":
        """All stored rows, those of each seed too, as `evaluate` names their columns.

        `UserError` where there are none, or of another run.
        """
        self.run_of.refuse_other(self.folder)
        return read_results(self.folder)
