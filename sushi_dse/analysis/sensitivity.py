"""The sensitivity of objectives to the axes of a search space: Sobol indices and idle axes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.evaluation.metrics import SERVED, Metric
from sushi_dse.explore.survey import Survey
from sushi_dse.explore.sweep import Sweep
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import Part
from sushi_dse.store.run import Run
from sushi_dse.store.seeds import mean_parts

NOTHING = 1e-9  # share of the variance that rounding explains
SMALL = 0.01  # share of the variance that is called next to nothing
AT_ONCE = 256  # designs that are evaluated between two updates of a progress bar
MOST_ROWS = 1_000_000  # most rows that are compared to warn of idle axes: they take 100 MB

MetricsOf = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""A function from numbers of designs, [design], to their objectives by name, [design] each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The Sobol indices of an axis for an objective, each with half of its 95 % interval."""

    objective: str
    axis: str
    first_order: float  # share of the variance that the axis explains alone
    first_order_confidence: float
    total: float  # share of the variance that the axis explains alone or together with others
    total_confidence: float

    @property
    def is_idle(self) -> bool:
        """Whether the axis changed nothing in any sample."""
        return self.total < NOTHING


def sobol_indices(space: SearchSpace, values: MetricsOf, *, samples: int, seed: int) -> list[Index]:
    """The indices of each axis for each objective of `values`, by objective, largest total first.

    All values of an axis are equally likely.  `samples` x (axes + 2) designs are drawn, and
    `values` is called once, on the distinct ones in rising order.  `ValueError` where `samples` is
    no power of two, or the space has no axes.

    The estimators are those of Saltelli et al. (2010, doi:10.1016/j.cpc.2009.09.018), by SALib.
    """
    from SALib.analyze import sobol as analysis  # SALib takes two seconds to import.
    from SALib.sample import sobol as sampling

    if samples < 2 or samples & (samples - 1):
        raise ValueError(f"samples must be a power of two, got {samples}")
    if not space.axes:
        raise ValueError("a space without axes has nothing to vary")
    names = [axis.name for axis in space.axes]
    sizes = [len(axis.values) for axis in space.axes]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0, size] for size in sizes]}
    drawn = sampling.sample(problem, samples, calc_second_order=False, seed=seed)
    digits = np.minimum(drawn.astype(np.int64), np.array(sizes) - 1)  # [sample, axis]
    distinct, index = np.unique(digits @ _strides(sizes), return_inverse=True)
    found = []
    for objective, of_design in values(distinct).items():
        of_sample = np.asarray(of_design, dtype=float)[index]
        if np.ptp(of_sample) <= NOTHING * np.abs(of_sample).max():  # There is no variance to share.
            zeros = np.zeros(len(names))
            indices = {"S1": zeros, "S1_conf": zeros, "ST": zeros, "ST_conf": zeros}
        else:
            indices = analysis.analyze(
                problem,
                of_sample,
                calc_second_order=False,
                seed=seed + 1,  # SALib would ignore a seed of 0.
            )
        rows = [
            Index(
                objective=objective,
                axis=name,
                first_order=float(indices["S1"][i]),
                first_order_confidence=float(indices["S1_conf"][i]),
                total=float(indices["ST"][i]),
                total_confidence=float(indices["ST_conf"][i]),
            )
            for i, name in enumerate(names)
        ]
        found += sorted(rows, key=lambda row: -row.total)
    return found


def in_blocks(numbers: np.ndarray) -> list[np.ndarray]:
    """The numbers of designs, cut into blocks of `AT_ONCE`."""
    return [numbers[at : at + AT_ONCE] for at in range(0, len(numbers), AT_ONCE)]


def index_rows(indices: Sequence[Index]) -> list[dict[str, object]]:
    """A row for each index, with a verdict on those that are next to nothing."""
    small = {True: "changes nothing", False: "next to nothing"}
    return [
        {**asdict(index), "verdict": small[index.is_idle] if index.total < SMALL else ""}
        for index in indices
    ]


def axes_without_effect(indices: Sequence[Index]) -> list[str]:
    """The axes that changed no objective in any sample."""
    moved = {index.axis for index in indices if not index.is_idle}
    return list(dict.fromkeys(index.axis for index in indices if index.axis not in moved))


def idle_axes(sweep: Sweep, store: Store) -> list[str]:
    """The axes that changed none of the objectives in the rows of a finished sweep.

    The list is empty for a sweep that keeps only fronts or has more than `MOST_ROWS` rows.
    """
    space, parts = sweep.experiment.space, store.rows
    rows = space.size * len(sweep.experiment.runs) * sweep.experiment.rows_of_a_run
    done = sweep.how == "walk" and next(sweep.missing(store), None) is None
    return idle_in(parts, space, sweep.metrics) if done and rows <= MOST_ROWS else []


def idle_in_folder(folder: Path, found: Survey) -> list[str]:
    """The axes that changed none of the objectives in the rows of a folder, which `found` surveys.

    The list is empty unless the folder has all rows of a finished sweep, at most `MOST_ROWS`.
    `UserError` where its run cannot be read.
    """
    run = Run.read(folder)
    space = run.space(folder)
    partly = {"kept_front", "exact", "search"} & set(run.inputs)
    if partly or found.counts.designs != space.size or found.rows > MOST_ROWS:
        return []
    return idle_in(mean_parts(folder), space, found.metrics)


def idle_in(parts: Sequence[Part], space: SearchSpace, metrics: Sequence[Metric]) -> list[str]:
    """The axes of `space` that changed none of `metrics` in the rows of a sweep.

    An axis is idle where any two feasible rows of one policy (and SubNet), whose designs differ in
    that axis alone, are equal in all of `metrics`, and there are such rows.  The parts must hold
    the rows of all designs, not only fronts; `MOST_ROWS` are compared in a few seconds.
    """
    sizes = [len(axis.values) for axis in space.axes]
    suspects = list(range(len(sizes)))
    read: list[_FeasibleRows] = []
    served = dict[tuple[object, ...], int]()
    who = [name for name in SERVED if name in parts[0].columns]
    names = [metric.name for metric in metrics]
    for part in parts:
        table = part.read(["design", *who, *names, "infeasible_reason"])
        read.append(_rows_of(table, who, names, served))
        suspects = [axis for axis in suspects if not _differ(read[-1], sizes, axis)]
        if not suspects:  # The remaining parts need not be read.
            return []
    whole = _FeasibleRows(
        design=np.concatenate([rows.design for rows in read]),
        who=np.concatenate([rows.who for rows in read]),
        values=np.concatenate([rows.values for rows in read]),
    )
    return [space.axes[axis].name for axis in suspects if _differ(whole, sizes, axis) is False]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _FeasibleRows:
    """Feasible rows of a sweep as numbers."""

    design: np.ndarray  # [row]
    who: np.ndarray  # [row]: a number for each policy, interval and SubNet
    values: np.ndarray  # [row, metric]


def _rows_of(
    table: pa.Table,
    who: Sequence[str],
    metrics: Sequence[str],
    served: dict[tuple[object, ...], int],
) -> _FeasibleRows:
    """The feasible rows of `table`; `served` numbers the words of columns `who` for all tables."""
    known = table.filter(pc.field("infeasible_reason") == "")
    number = np.zeros(known.num_rows, dtype=np.int64)
    for name in who:
        words = known[name].cast(pa.string()).fill_null("").combine_chunks().dictionary_encode()
        numbers = [
            served.setdefault((name, word), len(served)) for word in words.dictionary.to_pylist()
        ]
        # Every word has its own number, so that combinations of columns stay distinct.
        number = number * MOST_ROWS + np.array(numbers, dtype=np.int64)[words.indices.to_numpy()]
    values = [known[name].to_numpy() for name in metrics]
    return _FeasibleRows(
        design=known["design"].to_numpy(), who=number, values=np.column_stack(values)
    )


def _differ(rows: _FeasibleRows, sizes: Sequence[int], axis: int) -> bool | None:
    """Whether two rows that differ only in an axis have other values; None without such rows."""
    stride = int(_strides(sizes)[axis])
    digit = rows.design // stride % sizes[axis]
    others = rows.design - digit * stride
    order = np.lexsort((others, rows.who))
    same = (np.diff(others[order]) == 0) & (np.diff(rows.who[order]) == 0)
    if not same.any():
        return None
    values = rows.values[order]
    unequal = (values[1:] != values[:-1]).any(axis=1)
    return bool((same & unequal).any())


def _strides(sizes: Sequence[int]) -> np.ndarray:
    """The difference in a design's number by one step on each axis: [axis]."""
    return np.cumprod([1, *sizes[:0:-1]], dtype=np.int64)[::-1]
