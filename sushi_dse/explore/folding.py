"""The rows of a front as a reader wants them: rows that agree once, and what never differs apart.

Folding is for readers; the front itself stays the whole set of rows that no other row beats.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.evaluation.fronts import cost_matrix
from sushi_dse.evaluation.metrics import LEVEL, Metric
from sushi_dse.explore.survey import front_columns, objective_names, records
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.policies.catalogue import own_buffers

if TYPE_CHECKING:
    import pandas as pd

ALIKE = "alike"  # column with the number of rows that agree with the one shown
TOLERANCE_PERCENT = 0.1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Folded:
    """The rows of a front that are shown, in the order of the front."""

    rows: list[dict[str, Any]]  # with a column `alike`
    columns: list[str]  # that differ between rows, and those that say which design a row is
    constant: dict[str, object]  # value by column of the axes, level and objectives that do not

    def some(self, most: int) -> "Folded":
        """So many of the rows, evenly spaced, the first and the last among them."""
        places = np.unique(
            np.linspace(0, len(self.rows) - 1, min(most, len(self.rows))).astype(int)
        )
        rows = [self.rows[place] for place in places]
        return replace(self, rows=rows)

    @property
    def grouped(self) -> "Folded":
        """The rows of an accelerator together, in the order of its first one."""
        place: dict[object, int] = {}
        for row in self.rows:
            place.setdefault(row["design"], len(place))
        return replace(self, rows=sorted(self.rows, key=lambda row: place[row["design"]]))


def agreeing(costs: np.ndarray, tolerance_percent: float) -> np.ndarray:
    """The place of the row that stands for each row: [row], its own where it is shown.

    costs: [row, objective], rising in the first.  In their order rows are shown unless one that is
    shown already agrees with them: they differ from it by no more than the tolerance, in percent
    of its value, in any objective.

    >>> agreeing(np.array([[100.0], [100.05], [100.15]]), 0.1).tolist()
    [0, 0, 2]
    """
    stands = np.full(len(costs), -1)
    room = abs(costs) * tolerance_percent / 100
    ends = np.searchsorted(costs[:, 0], costs[:, 0] + room[:, 0], side="right")
    for row, end in enumerate(ends.tolist()):
        if stands[row] < 0:
            beside = slice(row, max(end, row + 1))  # Rows before it have one that stands for them.
            near = (abs(costs[beside] - costs[row]) <= room[row]).all(axis=1)
            stands[beside] = np.where(near & (stands[beside] < 0), row, stands[beside])
    return stands


def folded(
    front: "pd.DataFrame",
    metrics: Sequence[Metric],
    *,
    tolerance_percent: float = TOLERANCE_PERCENT,
    idle: Iterable[str] = (),
) -> Folded:
    """The rows of a front, folded; `idle` are axes that are left out, as they change nothing.

    `UserError` where the tolerance is below 0.
    """
    if not tolerance_percent >= 0:
        raise UserError(f"--tolerance-percent: 0 or more must be given, got {tolerance_percent}")
    names = objective_names(metrics)
    stands = agreeing(cost_matrix(front, metrics), tolerance_percent)
    kept, alike = np.unique(stands, return_counts=True)
    shown = own_buffers(front.iloc[kept]).assign(**{ALIKE: alike - 1})
    columns = front_columns(map(str, front.columns), front, metrics)
    may_be_constant = {*AXIS_ORDER, LEVEL, *names}
    constant = {
        name: shown[name].iloc[0]
        for name in filter(may_be_constant.__contains__, map(str, front.columns))
        if len(shown) > 1 and len(shown[name].unique()) == 1
    }
    left_out = {*constant, *idle} - ({names[0]} if set(names) <= set(constant) else set())
    if alike.max(initial=1) > 1:
        columns.append(ALIKE)
    return Folded(
        rows=records(shown),
        columns=[name for name in columns if name not in left_out],
        constant={name: constant[name] for name in constant if name not in idle},
    )
