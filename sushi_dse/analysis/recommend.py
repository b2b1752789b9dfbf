"""The cheapest design that meets demands on latency and accuracy, and what was nearly as good."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sushi_dse.errors import UserError
from sushi_dse.evaluation.cheapest import RUNNING_COST, cheapest_first, device_shares
from sushi_dse.evaluation.metrics import ACCURACY, INTERVAL, LATENCY, LEVEL, Metric
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Device
from sushi_dse.policies.names import marked

# The column with the percentage of a demand that a row misses, and what the demand is on.
MISSES = {"latency_miss_percent": "latency", "accuracy_miss_percent": "accuracy"}
MOST_SHOWN = 5  # designs listed after the recommended one; near misses listed
NEAR_PERCENT = 2.0  # percent of a demand that a near miss must stay under


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What is demanded of a design; None demands nothing.  `UserError` unless each is above 0."""

    max_latency_ms: float | None = None
    min_accuracy_percent: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not 0 < value < np.inf:
                raise UserError(f"--{name.replace('_', '-')}: must be more than 0, got {value:g}")

    @property
    def made(self) -> list[str]:
        """The columns of `MISSES` whose demand is made."""
        wanted = (self.max_latency_ms, self.min_accuracy_percent)
        return [name for name, value in zip(MISSES, wanted, strict=True) if value is not None]

    def refuse_unknown(self, unknown_accuracy: Sequence[str]) -> None:
        """Raise `UserError` where an accuracy is demanded and that of SubNets is not known."""
        if self.min_accuracy_percent is not None and unknown_accuracy:
            raise UserError(
                f"--min-accuracy-percent: the accuracy of {', '.join(unknown_accuracy)} is not "
                "known; give its accuracy_percent in the workload"
            )

    def missed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with the columns `MISSES`: percent of each demand missed, 0 where it is met."""
        latency, accuracy = rows[LATENCY].to_numpy(), rows[ACCURACY].to_numpy()
        slow = np.zeros(len(rows))
        short = np.zeros(len(rows))
        if self.max_latency_ms is not None:
            slow = _excess_percent(latency, self.max_latency_ms)
        if self.min_accuracy_percent is not None:
            short = _excess_percent(-accuracy, -self.min_accuracy_percent)
        return rows.assign(**dict(zip(MISSES, (slow, short), strict=True)))


def _excess_percent(values: np.ndarray, most: float) -> np.ndarray:
    """Percent of `most` by which each value exceeds it, exactly 0 where it does not: [value]."""
    excess = 100 * (values - most) / abs(most)
    return np.where(values > most, excess, 0.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Advice:
    """What `recommend` finds: tables with one row for each design, the cheapest first."""

    device: Device  # which holds the designs
    meeting: pd.DataFrame  # the recommended design, then the next cheapest that meet the demands
    near_misses: pd.DataFrame  # designs under `NEAR_PERCENT` short and cheaper than the recommended
    # Where no design meets the demands, by column of `MISSES` the one row that misses it by least.
    nearest: dict[str, pd.DataFrame]

    @property
    def share_set_by(self) -> list[dict[str, Any]]:
        """The kinds of blocks of which the recommended design takes the largest share.

        Each with the blocks that it takes and those that there are; several where shares are equal.
        """
        if not len(self.meeting):
            return []
        row, shares = self.meeting.iloc[0], device_shares(self.meeting[:1], self.device)[0]
        return [
            {"resource": kind, "blocks": int(row[kind]), "of": self.device.left(kind)}
            for kind, share in zip(RESOURCE_KINDS, shares, strict=True)
            if share == shares.max()
        ]

    @property
    def share_sentence(self) -> str:
        """What sets the share of the recommended design, in words; empty where there is none.

        For instance "uram288 sets the share: 54 of 96".
        """
        kinds = self.share_set_by
        counts = [f"{kind['blocks']} of {kind['of']}" for kind in kinds]
        names = " and ".join(kind["resource"] for kind in kinds)
        verb = "sets" if len(kinds) == 1 else "set"
        return f"{names} {verb} the share: {' and '.join(counts)}" if kinds else ""

    @property
    def policies(self) -> set[str]:
        """The names of the policies that rows of the advice are under."""
        return {str(row["policy"]) for row in self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """All rows, each with its verdict in words."""
        tables = {
            "recommended": self.meeting[:1],
            "next": self.meeting[1:],
            **{f"nearest in {MISSES[name]}": row for name, row in self.nearest.items()},
            "near miss": self.near_misses,
        }
        return [
            {"verdict": verdict, **marked({str(name): value for name, value in row.items()})}
            for verdict, table in tables.items()
            for row in table.to_dict("records")
        ]


def recommend(
    tables: Iterable[pd.DataFrame], demands: Demands, by: Metric, device: Device
) -> Advice:
    """The advice on feasible rows that come table by table, so that memory stays flat.

    The cheapest is the first of `cheapest_first`.
    """
    nothing = pd.DataFrame()
    meeting, cheap, nearest = nothing, nothing, dict.fromkeys(demands.made, nothing)
    for table in tables:
        rows = demands.missed(table)
        missed = rows[list(MISSES)].max(axis="columns")
        met = _joined(meeting, rows[missed == 0])
        meeting = _cheapest(met, by, device, 1 + MOST_SHOWN)
        near = (missed > 0) & (missed < NEAR_PERCENT)
        cheap = _cheapest(_joined(cheap, rows[near]), by, device, MOST_SHOWN)
        nearest = {name: _nearest(_joined(row, rows), name) for name, row in nearest.items()}
    if not len(meeting):
        return Advice(device=device, meeting=meeting, near_misses=cheap, nearest=nearest)
    if len(cheap):
        cheap = cheap[by.cost(cheap) < by.cost(meeting)[0]]
    return Advice(device=device, meeting=meeting, near_misses=cheap, nearest={})


def explain_command(
    advice: Advice, results: Path | None, *, hw: str | None, workload: str | None
) -> str:
    """The `explain` command of the recommended design; empty where none is recommended.

    It is for the rows of the folder `results`, or without a trace for the design of `hw`.
    """
    if not len(advice.meeting):
        return ""
    row = advice.meeting.iloc[0]
    named = {"--hw": hw, "--workload": workload, "--trace": "none"}
    if results is not None:
        named = {"--results": str(results)}
    named["--policy"] = str(row["policy"])
    if pd.notna(row.get(INTERVAL)):
        named["--recache-every"] = str(int(row[INTERVAL]))
    if pd.notna(row.get(LEVEL)):
        named["--service-level"] = str(float(row[LEVEL])).removesuffix(".0")
    words = [word for option, value in named.items() if value for word in (option, value)]
    return shlex.join(["sushi-dse", "explain", str(row["design"]), *words])


def _joined(before: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([before, rows]) if len(before) else rows


def _cheapest(rows: pd.DataFrame, by: Metric, device: Device, count: int) -> pd.DataFrame:
    """The `count` cheapest rows, one for each design; designs that differ in nothing are one."""
    order = cheapest_first(rows, by, device)
    several = rows.iloc[order].drop_duplicates("design")
    alike = several.drop(columns="design").duplicated()
    return several[~alike][:count]


def _nearest(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The row that misses a demand by least among those that meet the other demand, if any does."""
    (other,) = set(MISSES) - {name}
    keys = rows["design"], rows[RUNNING_COST], rows[other], rows[name], rows[other] > 0
    return rows.iloc[np.lexsort(keys)[:1]]
