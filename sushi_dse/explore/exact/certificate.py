"""The certificate of an exact front: how every box was settled, as a table, and its check."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sushi_dse.errors import UserError
from sushi_dse.explore.exact.boxes import Boxes
from sushi_dse.explore.exact.problem import Front, Problem
from sushi_dse.hardware.resources import fits

SPLIT, WALKED, INFEASIBLE, BEATEN = range(4)  # ways in which a box is settled
KINDS = ("split", "walked", "infeasible", "beaten")
SAMPLED_DESIGNS = 10_000  # designs of beaten boxes that the check evaluates one by one


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Certificate:
    """How every box was settled; box 0 is the space, and the halves of a box are neighbours."""

    kind: np.ndarray  # [box]: SPLIT, WALKED, INFEASIBLE or BEATEN
    axis: np.ndarray  # [box]: axis on which a box was split, -1 where it was not
    first_half: np.ndarray  # [box]: number of the half with the lower ranks, -1 without halves
    beaten: np.ndarray  # [beaten box]: number of the box, rising
    least: np.ndarray  # [beaten box, candidate, objective]: bound on the costs in the box
    witness: np.ndarray  # [beaten box, candidate]: row of the front that dominates the bound

    def counts(self) -> dict[str, int]:
        """The number of boxes of each kind, by its name."""
        return {name: int((self.kind == kind).sum()) for kind, name in enumerate(KINDS)}

    def table(self, problem: Problem) -> pa.Table:
        """A row for each box, with bound and witness, by candidate, of the beaten ones."""
        least, witness = [None] * len(self.kind), [None] * len(self.kind)
        for place, box in enumerate(self.beaten.tolist()):
            least[box], witness[box] = self.least[place].ravel(), self.witness[place]
        return pa.table(
            {
                "kind": pa.array([KINDS[kind] for kind in self.kind.tolist()], pa.string()),
                "designs": pa.array(ranges(self, problem).sizes),
                "axis": pa.array(self.axis),
                "first_half": pa.array(self.first_half),
                "least": pa.array(least, pa.list_(pa.float64())),
                "witness": pa.array(witness, pa.list_(pa.int64())),
            }
        )

    @classmethod
    def of(cls, table: pa.Table, problem: Problem) -> "Certificate":
        """The certificate that `table` holds; `ValueError` or `KeyError` of another table."""
        kind = np.array([KINDS.index(name) for name in table["kind"].to_pylist()], dtype=np.int64)
        beaten = np.flatnonzero(kind == BEATEN)
        candidates, objectives = problem.candidates, len(problem.metrics)
        least = table["least"].take(beaten).to_pylist()
        witness = table["witness"].take(beaten).to_pylist()
        return cls(
            kind=kind,
            axis=table["axis"].to_numpy(),
            first_half=table["first_half"].to_numpy(),
            beaten=beaten,
            least=np.array(least, dtype=float).reshape(len(beaten), candidates, objectives),
            witness=np.array(witness, dtype=np.int64).reshape(len(beaten), candidates),
        )


def check(certificate: Certificate, front: Front, problem: Problem) -> dict[str, int]:
    """Counts of what was checked; `UserError` at the first thing that does not hold.

    That the boxes are halves of halves of the space, that those left out hold no design that fits,
    or none that the front does not beat, and that the front is that of the designs in the others.
    """
    boxes = ranges(certificate, problem)
    infeasible = boxes.only(certificate.kind == INFEASIBLE)
    _require(bool(infeasible.has_one_array.all()), "an infeasible box has arrays of several kinds")
    _require(
        not fits(infeasible.corners()[0]).any() if len(infeasible) else True,
        "a box that is left out as infeasible has a design that fits",
    )
    _check_beaten(certificate, boxes.only(certificate.beaten), front, problem)
    walked = boxes.only(certificate.kind == WALKED)
    again = problem.front_of(walked.designs())
    same = np.array_equal(again.costs, front.costs) and np.array_equal(again.designs, front.designs)
    _require(same, "the front is not that of the designs that were walked")
    return {
        **certificate.counts(),
        "designs": int(walked.sizes.sum()),
        "designs_left_out": int(problem.experiment.space.size - walked.sizes.sum()),
    }


def _check_beaten(certificate: Certificate, boxes: Boxes, front: Front, problem: Problem) -> None:
    """Raise `UserError` unless each bound holds and is dominated.

    The bounds are computed anew, and checked on designs that are drawn from the boxes.
    """
    if not len(boxes):
        return
    _require(bool(boxes.has_one_array.all()), "a beaten box has arrays of several kinds")
    least, witness = certificate.least.transpose(2, 1, 0), certificate.witness
    inside = (witness >= 0) & (witness < len(front.costs))
    _require(bool(inside.all()), "a witness is not on the front")
    _require(bool((problem.bounds(boxes) >= least).all()), "a bound is not one")
    costs = front.costs[witness].transpose(2, 1, 0)
    beats = (costs <= least).all(axis=0) & (costs < least).any(axis=0)
    _require(bool(beats.all()), "a witness does not beat the bound of its box")
    rng = np.random.default_rng(0)
    place = rng.choice(len(boxes), SAMPLED_DESIGNS, p=boxes.sizes / boxes.sizes.sum())
    ranks = rng.integers(boxes.low[:, place], boxes.high[:, place] + 1)
    designs = problem.experiment.space.designs(boxes.numbers(ranks))
    feasible = fits(designs)
    if feasible.any():
        costs = problem.costs(designs.only(feasible))
        _require(
            bool((costs >= least[:, :, place[feasible]]).all()),
            "a design of a beaten box costs less than its bound",
        )


def ranges(certificate: Certificate, problem: Problem) -> Boxes:
    """All boxes in the order of their numbers, by the splits; `UserError` where those are wrong."""
    whole = Boxes.whole(problem.experiment.space)
    count = len(certificate.kind)
    low = np.full((len(whole.low), count), -1)
    high = low.copy()
    low[:, [0]], high[:, [0]] = whole.low, whole.high
    numbers = np.zeros(1, dtype=np.int64)
    while len(numbers):
        split = numbers[certificate.kind[numbers] == SPLIT]
        first, axis = certificate.first_half[split], certificate.axis[split]
        halves = np.stack([first, first + 1], axis=1).ravel()
        fresh = (halves > 0) & (halves < count)
        _require(
            bool(fresh.all())
            and len(np.unique(halves)) == len(halves)
            and bool((low[0, halves] < 0).all())
            and bool(((axis >= 0) & (axis < len(low))).all()),
            "a box is cut into halves that are not its own",
        )
        cut = Boxes(problem.experiment.space, low[:, split], high[:, split])
        _require(
            bool((cut.low < cut.high)[axis, np.arange(len(cut))].all()),
            "a box is cut on an axis on which it has one value",
        )
        parts = cut.halves(axis)
        low[:, halves], high[:, halves] = parts.low, parts.high
        numbers = halves
    _require(bool((low >= 0).all()), "a box belongs to no split")
    return Boxes(problem.experiment.space, low, high)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UserError(f"certificate: {otherwise}; run the sweep again with --exact")
