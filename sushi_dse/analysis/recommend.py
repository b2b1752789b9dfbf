"""The cheapest design that meets demands on latency and accuracy, and what was nearly as good."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import Metric

LATENCY, ACCURACY = "mean_latency_ms", "mean_accuracy_percent"
ENERGY = "energy_mj_per_query"
MISSES = ("latency_miss_percent", "accuracy_miss_percent")
MOST_SHOWN = 5  # designs after the recommended one, and near misses
NEAR_PERCENT = 2.0  # by which a near miss misses a demand, of the demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a design is to do; None demands nothing."""

    max_latency_ms: float | None = None
    min_accuracy_percent: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not 0 < value < np.inf:
                raise UserError(f"--{name.replace('_', '-')}: must be more than 0, got {value:g}")

    @property
    def made(self) -> list[str]:
        """What is demanded: some of `MISSES`."""
        wanted = (self.max_latency_ms, self.min_accuracy_percent)
        return [name for name, value in zip(MISSES, wanted, strict=True) if value is not None]

    def missed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with `MISSES`: by how many percent of a demand each misses it, 0 where met."""
        latency, accuracy = rows[LATENCY].to_numpy(), rows[ACCURACY].to_numpy()
        slow = np.zeros(len(rows))
        short = np.zeros(len(rows))
        if self.max_latency_ms is not None:
            slow = _excess_percent(latency, self.max_latency_ms)
        if self.min_accuracy_percent is not None:
            short = _excess_percent(-accuracy, -self.min_accuracy_percent)
        return rows.assign(**dict(zip(MISSES, (slow, short), strict=True)))


def _excess_percent(values: np.ndarray, most: float) -> np.ndarray:
    """By how many percent of `most` each value is more; 0 exactly where none is."""
    excess = 100 * (values - most) / abs(most)
    return np.where(values > most, excess, 0.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Advice:
    """What `recommend` finds; each a table of rows, cheapest first, a row a design."""

    meeting: pd.DataFrame  # the recommended design, and the next ones
    near_misses: pd.DataFrame  # less than `NEAR_PERCENT` short, and cheaper than what meets, if any
    nearest: dict[str, pd.DataFrame]  # where none meets: by demand, one of `MISSES`, a row

    @property
    def policies(self) -> set[str]:
        """The policies of all rows."""
        return {str(row["policy"]) for row in self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """All rows, each with its verdict in words."""
        tables = {
            "recommended": self.meeting[:1],
            "next": self.meeting[1:],
            **{f"nearest in {name.split('_')[0]}": row for name, row in self.nearest.items()},
            "near miss": self.near_misses,
        }
        return [
            {"verdict": verdict, **{str(name): value for name, value in row.items()}}
            for verdict, table in tables.items()
            for row in table.to_dict("records")
        ]


def recommend(tables: Iterable[pd.DataFrame], demands: Demands, by: Metric) -> Advice:
    """The advice on feasible rows that come table by table; memory stays flat.

    The cheapest is the best in `by`, of equals the one with the least energy, then the fastest.
    """
    nothing = pd.DataFrame()
    meeting, cheap, nearest = nothing, nothing, dict.fromkeys(demands.made, nothing)
    for table in tables:
        rows = demands.missed(table)
        missed = rows[list(MISSES)].max(axis="columns")
        meeting = _cheapest(_joined(meeting, rows[missed == 0]), by, 1 + MOST_SHOWN)
        near = (missed > 0) & (missed < NEAR_PERCENT)
        cheap = _cheapest(_joined(cheap, rows[near]), by, MOST_SHOWN)
        nearest = {name: _nearest(_joined(row, rows), name) for name, row in nearest.items()}
    if not len(meeting):
        return Advice(meeting=meeting, near_misses=cheap, nearest=nearest)
    if len(cheap):
        cheap = cheap[by.cost(cheap) < by.cost(meeting)[0]]
    return Advice(meeting=meeting, near_misses=cheap, nearest={})


def _joined(before: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([before, rows]) if len(before) else rows


def _cheapest(rows: pd.DataFrame, by: Metric, count: int) -> pd.DataFrame:
    """The cheapest rows, one a design."""
    order = np.lexsort(
        (rows["design"], -rows[ACCURACY], rows[LATENCY], rows[ENERGY], by.cost(rows))
    )
    return rows.iloc[order].drop_duplicates("design")[:count]


def _nearest(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The row that misses that demand by least: of those that meet the other one, if any does."""
    (other,) = set(MISSES) - {name}
    keys = rows["design"], rows[ENERGY], rows[other], rows[name], rows[other] > 0
    return rows.iloc[np.lexsort(keys)[:1]]
