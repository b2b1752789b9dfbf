"""Pareto fronts of rows, and the hypervolume that they dominate.

Costs are minimised: `Metric.cost` changes the sign of a metric that is to be maximised.  The
algorithms are moocore's (Fonseca, Paquete, López-Ibáñez, CEC 2006, doi:10.1109/CEC.2006.1688440).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import moocore
import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.evaluation.metrics import Columns, Metric, find_metric

if TYPE_CHECKING:  # Processes that evaluate designs do not need pandas.
    import pandas as pd

REFERENCE_MARGIN = 0.1  # share of an objective's range between the worst cost and the reference
# Most rows by number of objectives whose exact hypervolume takes some seconds; in up to three any.
MOST_EXACT = {4: 50_000, 5: 10_000, 6: 800, 7: 200, 8: 100, 9: 60, 10: 40, 11: 30, 12: 30}
MOST_EXACT_IN_MORE = 16
APPROXIMATION = "Rphi-FWE+"  # deterministic; it was within 0.2 % on spheres of 30 to 50,000 rows
MOST_SAMPLES, LEAST_SAMPLES = 2**18, 2**10
MOST_APPROXIMATED = 1e10  # rows x objectives x samples: some seconds
COMPARED = 2**22  # comparisons of two rows at a time
BITS = 36  # of 53, in which costs agree that were summed in another order
GOLDEN = 0.6180339887498949  # its multiples, less their whole parts, lie far apart
MANY_ROWS = 1000  # number of rows from which it pays to filter with good rows first
WORTH_A_ROW = 1 / 64  # least share of the rows that a good row must beat for another to be tried


def non_dominated(costs: np.ndarray) -> np.ndarray:
    """Mask of the rows that no other row dominates: [row]; equal rows are all kept.

    costs: [row, objective].  `ValueError` where a cost is NaN, which compares with nothing.

    >>> non_dominated(np.array([[1, 3], [2, 2], [2, 3], [2, 2]])).tolist()
    [True, True, False, True]
    """
    costs = _checked(costs)
    kept = _unbeaten_by_good_rows(costs) if len(costs) > MANY_ROWS else np.ones(len(costs), bool)
    kept[kept] = moocore.is_nondominated(costs[kept], keep_weakly=True)
    return kept


def _unbeaten_by_good_rows(costs: np.ndarray) -> np.ndarray:
    """Mask of the rows that no row of small costs, on a scale of 1, dominates: [row].

    A few good rows dominate most of many rows.
    """
    columns = np.ascontiguousarray(costs.T)
    least, most = columns.min(axis=1), columns.max(axis=1)
    extent = np.where(np.isfinite(most - least) & (most > least), most - least, 1.0)
    left = np.nan_to_num((columns - least[:, None]) / extent[:, None]).sum(axis=0)
    unbeaten = np.ones(len(costs), dtype=bool)
    beats = len(costs)
    while beats >= WORTH_A_ROW * len(costs):
        good = columns[:, [left.argmin()]]
        no_better = np.logical_not((columns < good).any(axis=0))
        left[no_better] = np.inf
        beaten = no_better & (columns > good).any(axis=0) & unbeaten
        unbeaten[beaten] = False
        beats = int(np.count_nonzero(beaten))
    return unbeaten


def rounded(costs: np.ndarray) -> np.ndarray:
    """The costs in `BITS` significant bits, 11 decimal digits, of the shape of `costs`.

    >>> rounded(np.array([0.1 + 0.2])) == rounded(np.array([0.3]))
    array([ True])
    """
    mantissa, exponent = np.frexp(costs)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, BITS)), exponent - BITS))


def dominated_by(costs: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Whether a row of `front` dominates each row: [row].

    costs: [row, objective]; front: [other, objective], of rows none of which dominates another.

    >>> dominated_by(np.array([[1, 3], [3, 3], [2, 2]]), np.array([[2, 2]])).tolist()
    [False, True, False]
    """
    left = np.arange(len(costs))
    # Rows far apart first: most rows are beaten by one of a few, and need no further comparison.
    order = np.argsort(np.arange(len(front)) * GOLDEN % 1)
    for row in front[order]:
        columns = costs[left].T
        no_better = np.logical_and.reduce(
            [own >= other for own, other in zip(columns, row, strict=True)]
        )
        worse = np.logical_or.reduce([own > other for own, other in zip(columns, row, strict=True)])
        left = left[~(no_better & worse)]
    found = np.ones(len(costs), dtype=bool)
    found[left] = False
    return found


def shortfall(costs: np.ndarray, front: np.ndarray) -> np.ndarray:
    """By how much each row would have to be better to be on the front: [row], 0 where it is.

    It is a share of what the front spans in each objective, the same in all: the additive epsilon
    (Zitzler et al., 2003, doi:10.1109/TEVC.2003.810758).  An objective in which the front is one
    value counts in the values themselves.

    >>> shortfall(np.array([[2.0, 3.0], [1.0, 2.0]]), np.array([[1.0, 2.0], [3.0, 0.0]])).tolist()
    [0.5, 0.0]
    """
    extent = np.ptp(front, axis=0)
    scale = np.where(extent > 0, extent, 1.0)
    found = np.zeros(len(costs))
    step = max(COMPARED // max(front.size, 1), 1)
    for at in range(0, len(costs), step):
        beyond = np.full((len(costs[at : at + step]), len(front)), np.inf)
        for k, (own, other) in enumerate(zip(costs[at : at + step].T, front.T, strict=True)):
            beyond = np.minimum(beyond, (own[:, None] - other) / scale[k])
        found[at : at + step] = np.maximum(beyond.max(axis=1), 0.0)
    return found


def median_attainment(fronts: Sequence[np.ndarray]) -> np.ndarray:
    """The points that half of the fronts attain, and none better: [point, 2], by rising first cost.

    fronts: [row, 2] each, of two objectives; an empty one attains nothing (López-Ibáñez, Paquete
    and Stützle, 2010, doi:10.1007/978-3-642-02538-9_9).
    """
    known = [np.unique(own[non_dominated(own)], axis=0) for own in fronts if len(own)]
    lacking = len(fronts) - len(known)
    if 2 * len(known) < len(fronts) or not known:
        return np.empty((0, 2))
    percentile = 100 * (len(fronts) / 2) / (len(fronts) - lacking)
    sets = np.repeat(np.arange(len(known)), [len(own) for own in known])
    found = moocore.eaf(np.concatenate(known), sets=sets, percentiles=[percentile])
    points = np.unique(np.asarray(found)[:, :2], axis=0)
    return np.asarray(points[np.lexsort((points[:, 1], points[:, 0]))])


def hypervolume(costs: np.ndarray, reference: np.ndarray) -> float:
    """The hypervolume that the rows dominate up to `reference`; 0 without rows.

    costs: [row, objective], reference: [objective].  A row beyond the reference in any objective
    adds nothing.  Hypervolumes compare only under the same reference.  Of so many rows in so many
    objectives that it would take long it is an approximation, which `has_exact_hypervolume` tells.
    `ValueError` where a cost is not finite or the reference has another number of objectives.

    >>> hypervolume(np.array([[1, 3], [2, 2]]), np.array([4, 4]))
    5.0
    """
    inside, reference = _within(costs, reference)
    if not len(inside):
        return 0.0
    if _is_exact(inside):
        return float(moocore.hypervolume(inside, ref=reference))
    samples = int(np.clip(MOST_APPROXIMATED / inside.size, LEAST_SAMPLES, MOST_SAMPLES))
    return float(moocore.hv_approx(inside, ref=reference, nsamples=samples, method=APPROXIMATION))


def has_exact_hypervolume(costs: np.ndarray, reference: np.ndarray) -> bool:
    """Whether `hypervolume` of these is exact, and no approximation; it raises what that does."""
    return _is_exact(_within(costs, reference)[0])


def _is_exact(inside: np.ndarray) -> bool:
    rows, objectives = inside.shape
    return objectives <= 3 or bool(rows <= MOST_EXACT.get(objectives, MOST_EXACT_IN_MORE))


def _within(costs: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows within the reference, [row, objective], and the reference; both checked."""
    costs, reference = _checked(costs), np.asarray(reference, dtype=float)
    if reference.shape != costs.shape[1:]:
        raise ValueError(
            f"one reference per objective must hold, got {reference.shape} for {costs.shape}"
        )
    if not (np.isfinite(costs).all() and np.isfinite(reference).all()):
        raise ValueError("costs and reference must be finite for a hypervolume")
    return costs[(costs < reference).all(axis=1)], reference


def reference_point(costs: np.ndarray) -> np.ndarray:
    """The reference point for hypervolumes of these rows, or of some of them: [objective].

    It is in each objective the worst cost of all rows plus a tenth of the range, so that the
    extreme rows count too; plus 1 where all rows are equal, which leaves the volume of the other
    objectives unchanged.  `ValueError` without rows, or where a cost is not finite.

    >>> reference_point(np.array([[10, -80], [20, -80]])).tolist()
    [21.0, -79.0]
    """
    costs = _checked(costs)
    if not len(costs) or not np.isfinite(costs).all():
        raise ValueError("a reference needs at least one row, and finite costs")
    worst = costs.max(axis=0)
    extent = worst - costs.min(axis=0)
    return np.asarray(worst + np.where(extent > 0, REFERENCE_MARGIN * extent, 1.0))


def cost_matrix(rows: Columns, metrics: Sequence[Metric]) -> np.ndarray:
    """The costs of `rows`: [row, objective], in the order of `metrics`; each is contiguous."""
    return np.stack([metric.cost(rows) for metric in metrics]).T


def known_metrics(columns: Iterable[str], metrics: Sequence[Metric]) -> list[str]:
    """The names of `metrics`; `UserError` where a column is missing, `ValueError` without any."""
    if not metrics:
        raise ValueError("at least one metric must be given")
    columns = list(columns)
    for metric in metrics:
        if metric.name not in columns:
            hint = near_names(metric.name, columns)
            raise UserError(f"the results have no column {metric.name!r}; {hint}")
    return [metric.name for metric in metrics]


def feasible_rows(frame: "pd.DataFrame", metrics: Sequence[Metric]) -> "pd.DataFrame":
    """The rows of designs that fit their device and for which each of `metrics` is known.

    `UserError` where a metric has no column, `ValueError` without metrics.
    """
    known = frame[known_metrics(map(str, frame.columns), metrics)].notna().all(axis="columns")
    return frame.loc[(frame["infeasible_reason"] == "") & known]


def front(frame: "pd.DataFrame", metrics: Sequence[Metric | str]) -> "pd.DataFrame":
    """The feasible rows that no other one dominates in `metrics`; equal rows are all kept.

    A metric may be given by its name.  Rows are sorted by the metrics in their order, best first,
    then by design and policy; there may be none.  `UserError` where a metric is unknown or the rows
    lack its column.
    """
    known = [find_metric(m) if isinstance(m, str) else m for m in metrics]
    rows = feasible_rows(frame, known).reset_index(drop=True)
    costs = cost_matrix(rows, known)
    kept = non_dominated(costs)
    rows, costs = rows.loc[kept].reset_index(drop=True), costs[kept]
    order = np.lexsort((rows["policy"].astype(str), rows["design"], *costs.T[::-1]))
    return rows.loc[order].reset_index(drop=True)


def normalised_costs(rows: Columns, objectives: Sequence[Metric], *, among: Columns) -> np.ndarray:
    """Costs on the scale of the rows of `among`: [row, objective], 0 their best and 1 their worst.

    An objective in which all of these are equal is 0.
    """
    costs, scale = cost_matrix(rows, objectives), cost_matrix(among, objectives)
    best = scale.min(axis=0)
    extent = scale.max(axis=0) - best
    return np.asarray((costs - best) / np.where(extent > 0, extent, 1.0))


def knee(front: Columns, objectives: Sequence[Metric]) -> int:
    """The place in `front` of its knee, the row that gives up least in what it is worst at.

    Costs are 0 to 1 over the front, and the knee has the least largest cost, of equals the least
    sum: the compromise nearest to the best of all objectives by the Chebyshev distance (Yu, "A
    class of solutions for group decision problems", 1973, doi:10.1287/mnsc.19.8.936).  A sum alone
    would count objectives that rise together, such as latency and energy, twice.  `ValueError` of
    no rows.
    """
    costs = normalised_costs(front, objectives, among=front)
    if not len(costs):
        raise ValueError("a front without rows has no knee")
    return int(np.lexsort((costs.sum(axis=1), costs.max(axis=1)))[0])


def _checked(costs: np.ndarray) -> np.ndarray:
    """`costs` as floats, [row, objective]; `ValueError` for another shape or NaN."""
    costs = np.asarray(costs, dtype=float)
    if costs.ndim != 2 or not costs.shape[1]:
        raise ValueError(
            f"costs must be [row, objective] with one objective at least, got {costs.shape}"
        )
    if np.isnan(costs).any():
        raise ValueError(
            f"costs must not be NaN, got {int(np.isnan(costs).any(axis=1).sum())} rows with NaN"
        )
    return costs
