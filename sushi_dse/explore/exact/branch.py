"""Branch and bound: boxes with a dominated bound are discarded, and only the rest is evaluated."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from sushi_dse.explore.exact.boxes import Boxes
from sushi_dse.explore.exact.certificate import BEATEN, INFEASIBLE, SPLIT, WALKED, Certificate
from sushi_dse.explore.exact.problem import Front, Problem, witnesses
from sushi_dse.hardware.resources import fits

BATCH_BOXES = 2048  # boxes that are bounded at a time, so that memory stays flat
WALK_DESIGNS = 16  # size of a box that is evaluated: a bound takes as long as a design


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ExactFront:
    """The exact front, and the certificate that nothing else is on it."""

    front: Front
    certificate: Certificate


def exact_front(problem: Problem) -> Generator[range, None, ExactFront]:
    """The exact front over all designs of the space that fit, policies and SubNets.

    It yields a range as long as the number of designs that were settled since the last one, and
    returns the front with its certificate.  `docs/exact.md` explains the branch and bound.
    """
    front = problem.front_of(np.empty(0, dtype=np.int64))
    log = _Log(problem)
    stack = [(Boxes.whole(problem.experiment.space), np.zeros(1, dtype=np.int64))]
    while stack:
        boxes, numbers = stack.pop()
        if len(boxes) > BATCH_BOXES:
            stack.append((boxes.only(slice(-BATCH_BOXES)), numbers[:-BATCH_BOXES]))
            last = slice(-BATCH_BOXES, None)
            boxes, numbers = boxes.only(last), numbers[last]
        kind = np.full(len(boxes), SPLIT)
        one = boxes.has_one_array
        # With one array, the low corner takes the fewest blocks and wants the slowest clock.
        kind[one & ~fits(boxes.corners()[0])] = INFEASIBLE
        bounded = np.flatnonzero((kind == SPLIT) & one)
        if len(bounded):
            narrow = boxes.only(bounded)
            problem.walk(front, narrow.promising())
            least = problem.bounds(narrow)
            beaten = (witnesses(least, front.costs) >= 0).all(axis=0)
            kind[bounded[narrow.sizes <= WALK_DESIGNS]] = WALKED
            kind[bounded[beaten]] = BEATEN
            log.beaten.append((numbers[bounded[beaten]], least[:, :, beaten].transpose(2, 1, 0)))
        if (kind == WALKED).any():
            problem.walk(front, boxes.only(kind == WALKED).designs())
        log.settle(numbers[kind != SPLIT], kind[kind != SPLIT])
        yield range(int(boxes.only(kind != SPLIT).sizes.sum()))
        wide = boxes.only(kind == SPLIT)
        if len(wide):
            axis = wide.widest_axis()
            stack.append((wide.halves(axis), log.split(numbers[kind == SPLIT], axis)))
    return ExactFront(front=front, certificate=log.certificate(front))


class _Log:
    """The record of how each box was settled, batch by batch."""

    def __init__(self, problem: Problem) -> None:
        self.boxes = 1
        # Numbers, kinds, axes and first halves of the boxes of each batch: [box] each.
        self.entries: list[tuple[np.ndarray, ...]] = []
        none = np.empty(0, dtype=np.int64)
        no_bounds = np.empty((0, problem.candidates, len(problem.metrics)))
        self.beaten = [(none, no_bounds)]  # numbers and bounds of the beaten boxes of each batch

    def settle(self, numbers: np.ndarray, kind: np.ndarray) -> None:
        nothing = np.full(len(numbers), -1)
        self.entries.append((numbers, kind, nothing, nothing))

    def split(self, numbers: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """The numbers of the halves, [2 box], of boxes that are split on `axis`, [box]."""
        halves = self.boxes + np.arange(2 * len(numbers))
        self.entries.append((numbers, np.full(len(numbers), SPLIT), axis, halves[::2]))
        self.boxes += len(halves)
        return halves

    def certificate(self, front: Front) -> Certificate:
        """The certificate, in which each beaten bound has a witness on the final `front`."""
        numbers, kind, axis, first_half = map(np.concatenate, zip(*self.entries, strict=True))
        order = np.argsort(numbers)
        beaten, least = map(np.concatenate, zip(*self.beaten, strict=True))
        place = np.argsort(beaten)
        by_objective = np.ascontiguousarray(least[place].transpose(2, 1, 0))
        return Certificate(
            kind=kind[order],
            axis=axis[order],
            first_half=first_half[order],
            beaten=beaten[place],
            least=least[place],
            witness=witnesses(by_objective, front.costs).T,
        )
