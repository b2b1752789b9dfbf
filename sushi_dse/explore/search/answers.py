"""The objectives of evaluated designs, from which the trials of a search are answered."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.fronts import (
    cost_matrix,
    feasible_rows,
    hypervolume,
    known_metrics,
    non_dominated,
    reference_point,
)
from sushi_dse.evaluation.metrics import Metric

# The hypervolume of 1,500 rows takes 0.03 s in five objectives and 7 s in six.
MAX_HYPERVOLUME_OBJECTIVES = 5


class Answers:
    """The objectives of all rows so far, and the front of the feasible ones.

    The reference point of the hypervolume is the one of the first table with feasible rows.  It
    stays fixed, so that the hypervolumes over a search compare.
    """

    def __init__(self, objectives: Sequence[Metric], tables: Iterable[pa.Table]) -> None:
        self.objectives = objectives
        self.designs: set[int] = set()
        self._told: dict[tuple[int, str], list[float]] = {}
        self._front = np.empty((0, len(objectives)))
        self._reference: np.ndarray | None = None
        for table in tables:
            self.add(table)

    def add(self, table: pa.Table) -> None:
        """Add the rows of `table`; `UserError` where it lacks an objective."""
        names = known_metrics(table.column_names, self.objectives)
        rows = table.select(["design", "policy", "infeasible_reason", *names]).to_pandas()
        costs = cost_matrix(rows, self.objectives)
        signs = np.array([metric.sign for metric in self.objectives], dtype=float)
        told = signs * np.where(np.isnan(costs), np.inf, costs)
        keys = zip(rows["design"].tolist(), rows["policy"].tolist(), strict=True)
        self._told.update(zip(keys, told.tolist(), strict=True))
        self.designs.update(rows["design"].tolist())
        feasible = cost_matrix(feasible_rows(rows, self.objectives), self.objectives)
        if self._reference is None and len(feasible):
            self._reference = reference_point(feasible)
        front = np.concatenate([self._front, feasible])
        self._front = front[non_dominated(front)]

    def __getitem__(self, row: tuple[int, str]) -> list[float]:
        """The objectives of a (design, policy), infinitely bad where the design does not fit.

        `KeyError` where they are not known.
        """
        return self._told[row]

    @property
    def front(self) -> int:
        """The number of rows that no other row dominates."""
        return len(self._front)

    @property
    def hypervolume(self) -> float | None:
        """The hypervolume of the front; None in more than `MAX_HYPERVOLUME_OBJECTIVES`."""
        if len(self.objectives) > MAX_HYPERVOLUME_OBJECTIVES:
            return None
        return 0.0 if self._reference is None else hypervolume(self._front, self._reference)
