"""In how many draws of the constants SGS is worth its blocks, and which constant to measure first.

The verdict of a draw is that of `worth` on the design with the constants of the draw, over all
uses of the blocks.  A constant is worth measuring as far as knowing it would change the verdict:
the expected value of perfect information about one constant, with a loss of 1 for a wrong verdict
(Felli and Hazen, 1998, doi:10.1177/0272989X9801800117).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sushi_dse.analysis.worth import JUDGED, gains_of, judged, judged_design
from sushi_dse.evaluation.draw_indices import draw_indices
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.hardware.doubt import WITHOUT_TIME, Doubt, drawn, with_constants

PAYS = ("yes", "partly")  # verdicts under which SGS pays
# Beside the constants: a rival of SGS that nobody measured.
PREFETCHES = "prefetching"
MAY_PREFETCH = Doubt(
    value=True, low=False, high=True, source="assumption; whether weights can be prefetched at all"
)
BINS = 8  # parts of a constant's range in which its value counts as known


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DoubtedWorth:
    """The verdicts on a design under draws of its constants."""

    draws: int
    pays_share: float  # share of draws in which SGS pays
    shares: Mapping[str, float]  # of draws with each verdict
    rows: Sequence[Mapping[str, Any]]  # a constant each, that which is worth most first

    @property
    def first(self) -> str:
        """The constant that is worth measuring first; empty where none would change a verdict."""
        best = self.rows[0] if self.rows else None
        return str(best["constant"]) if best and best["changed_share"] > 0 else ""


def doubted_worth(experiments: Sequence[Experiment], *, draws: int, seed: int = 0) -> DoubtedWorth:
    """The verdicts on the design of experiments that differ by seed, under so many draws.

    Constants that change no time change no verdict, which is on latency, and are not drawn; whether
    anything prefetches is drawn beside them.
    `UserError` where the design has no Persistent Buffer, `ValueError` where draws is no power of
    two.
    """
    first, own_design = experiments[0], judged_design(experiments[0])
    doubts = {
        name: own
        for name, own in first.space.doubts.items()
        if own.low < own.high and name not in WITHOUT_TIME
    } | {PREFETCHES: MAY_PREFETCH}
    points = drawn(doubts, draws, seed=seed)
    verdicts = np.empty(draws, dtype="U8")
    for group in points.groups():
        constants = points.of(group[0])
        prefetches = bool(constants.pop(PREFETCHES))
        design = with_constants(own_design, constants)
        verdicts[group] = judged(gains_of(experiments, design, JUDGED), prefetches)[0]
    pays = np.isin(verdicts, PAYS)
    readings = np.array([own.is_reading for own in doubts.values()], dtype=bool)
    indices = draw_indices(points.shares, pays[:, None].astype(float), readings)
    rows = [
        {
            "constant": name,
            "range": doubt.said,
            # What explains nothing alone changes nothing alone, however few draws fall together.
            "changed_share": changed_share(points.shares[:, i], pays, is_reading=doubt.is_reading)
            * bool(indices[0][i, 0] > 0),
            "first_order": float(indices[0][i, 0]),
            "total": float(indices[1][i, 0]),
        }
        for i, (name, doubt) in enumerate(doubts.items())
    ]
    names, counts = np.unique(verdicts, return_counts=True)
    return DoubtedWorth(
        draws=draws,
        pays_share=float(pays.mean()),
        shares=dict(zip(names.tolist(), (counts / draws).tolist(), strict=True)),
        rows=sorted(rows, key=lambda row: (-row["changed_share"], -row["total"])),
    )


def changed_share(shares: np.ndarray, pays: np.ndarray, *, is_reading: bool = False) -> float:
    """The share of draws in which knowing a constant puts the verdict right.

    shares: [draw], where in its range the constant lies; pays: [draw], the verdict.  Not knowing
    it, the likelier verdict of all is given, and knowing it, the likelier in its part of the range;
    this is by how much more often the latter is right.

    >>> changed_share(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]),
    ...     is_reading=True)
    0.5
    """
    bins = 2 if is_reading else BINS
    part = np.minimum((shares * bins).astype(int), bins - 1)
    right = 0
    for number in range(bins):
        own = pays[part == number]
        right += max(int(own.sum()), len(own) - int(own.sum()))
    return right / len(pays) - max(float(pays.mean()), 1 - float(pays.mean()))
