"""Which designs stay on the front when the constants are not what was assumed.

    sweep = Sweep(load_experiment("zcu104_space"))
    sweep.run()
    found = robustness(sweep.experiment, mean_parts(sweep.folder), sweep.metrics, draws=256)
    print(found.rows[0]["design"], found.rows[0]["front_share"])

A design is on the front of a draw where one of its rows is, and has no part in a draw in which it
does not fit its device.  Costs are compared in `fronts.BITS` bits, so that sums in another order do
not part rows that are equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.evaluation.doubtful import ServedBy
from sushi_dse.evaluation.draw_indices import draw_indices
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import median_attainment, non_dominated, rounded, shortfall
from sushi_dse.evaluation.metrics import INTERVAL, LEVEL, Metric
from sushi_dse.explore.reach import REACH_PERCENT, Drawn, Stored, drawn_rows, rows_under
from sushi_dse.hardware.doubt import Doubt, Draws, drawn
from sushi_dse.store.parts import Part, rows_of

DRAWS = 256
BANDS = {"low": 5.0, "high": 95.0}  # percentiles of an objective over the draws
MOST_BANDED = 40  # designs by share, and rows of the nominal front, whose bands are found
MOST_VALUES = 2**24  # rows x draws that are held: 128 MiB an objective


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Robustness:
    """The front under draws of the constants in doubt.

    `rows` are of designs that are on the front as it is or in some draw, the largest share first;
    `row_names` tells what they hold.  `nominal` are rows of the front as it is, spaced evenly.
    """

    metrics: tuple[Metric, ...]
    doubts: Mapping[str, Doubt]  # that were drawn
    draws: int
    seed: int
    rows: Sequence[Mapping[str, Any]]
    nominal: Sequence[Mapping[str, Any]]
    surfaces: Mapping[tuple[str, str], np.ndarray]  # [point, 2]: the median attainment, by pair
    evaluated: int  # rows and draws that were evaluated, of those in which a design fits
    fitting: int

    @property
    def by_design(self) -> dict[int, Mapping[str, Any]]:
        """The row of each design that is on the front as it is or in some draw."""
        return {int(row["design"]): row for row in self.rows}

    @property
    def document(self) -> dict[str, object]:
        """The results as JSON holds them."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "objectives": [metric.name for metric in self.metrics],
            "constants": {name: doubt.said for name, doubt in self.doubts.items()},
            "evaluated": self.evaluated,
            "fitting": self.fitting,
            "designs": list(self.rows),
            "nominal_front": list(self.nominal),
            "median_attainment": [
                {"objectives": list(pair), "points": points.tolist()}
                for pair, points in self.surfaces.items()
            ],
        }


def robustness(
    experiment: Experiment,
    parts: Sequence[Part],
    metrics: Sequence[Metric],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    reach_percent: float = REACH_PERCENT,
    workers: int = 1,
) -> Robustness:
    """The front of stored rows of an experiment under draws of the ranges of its hardware.

    Without a trace all rows are evaluated in all draws, on one those within reach of a front, as
    `explore.reach` says.  Nothing depends on the number of workers.  `UserError` where the rows are
    too many, or none is feasible; `ValueError` where draws is no power of two.
    """
    doubts = {name: own for name, own in experiment.space.doubts.items() if own.low < own.high}
    stored = stored_rows(experiment, parts, metrics)
    if experiment.trace is None and stored.present.sum() * draws > MOST_VALUES:
        raise UserError(
            f"{stored.present.sum()} rows in {draws} draws are too many to hold; leave some out by "
            "--where, or draw less often"
        )
    points, signs = drawn(doubts, draws, seed=seed), np.array([metric.sign for metric in metrics])
    nominal = np.zeros(stored.present.shape, dtype=bool)
    known = ~np.isnan(stored.values).any(axis=-1)
    if not known.any():
        raise UserError("no design is feasible, so there is no front; offer smaller designs")
    nominal[known] = non_dominated(rounded(stored.values[known] * signs))
    found = drawn_rows(
        experiment, stored, metrics, points, reach_percent=reach_percent, workers=workers
    )
    on_front = on_fronts(found, signs)
    listed = _listed(stored, found, on_front, nominal)
    shown = _mask(stored, listed.designs[:MOST_BANDED], listed.served[:MOST_BANDED])
    spaced = _spaced(nominal, stored.values[..., 0])
    wanted = np.broadcast_to(shown | spaced, (draws, *nominal.shape))
    everywhere = rows_under(experiment, stored, metrics, points, wanted, workers=workers)
    place = np.full(nominal.shape, -1)
    place[shown | spaced] = np.arange(everywhere.shape[1])
    told = _Told(experiment, stored, tuple(metrics), everywhere, place)
    fronts = [found.values[draw][on] * signs for draw, on in enumerate(on_front)]
    return Robustness(
        metrics=tuple(metrics),
        doubts=doubts,
        draws=draws,
        seed=seed,
        rows=list(_rows(told, listed, fronts, points, doubts)),
        nominal=[told.of(*at) for at in zip(*np.nonzero(spaced), strict=True)],
        surfaces=_surfaces(fronts, metrics),
        evaluated=found.evaluated,
        fitting=found.fitting,
    )


def stored_rows(experiment: Experiment, parts: Sequence[Part], metrics: Sequence[Metric]) -> Stored:
    """The rows of an experiment that are stored, with their objectives."""
    steady = experiment.trace is None
    names = ["subnet"] if steady else [INTERVAL, LEVEL]
    columns = ["design", "policy", *names, *(metric.name for metric in metrics)]
    frame = rows_of(parts, list(dict.fromkeys([*columns, "infeasible_reason"])))
    if steady:
        subnets = [subnet.name for subnet in experiment.network.supernet.subnets]
        served = [ServedBy(name, subnet=own) for name in experiment.policies for own in subnets]
    else:
        served = [
            ServedBy(name, every, level)
            for name, every in experiment.runs
            for level in experiment.service_levels
        ]
    number = {own: place for place, own in enumerate(served)}
    designs, of_row = np.unique(frame["design"].to_numpy(), return_inverse=True)
    present = np.zeros((len(designs), len(served)), dtype=bool)
    values = np.full((*present.shape, len(metrics)), np.nan)
    keys = zip(frame["policy"], *(frame[name] for name in names), strict=True)
    own_values = frame[[metric.name for metric in metrics]].to_numpy(dtype=float)
    for row, (policy, *rest) in enumerate(keys):
        if steady and not isinstance(
            rest[0], str
        ):  # a design that does not fit has one row for all SubNets
            present[of_row[row], [own.policy == policy for own in served]] = True
            continue
        key = ServedBy(policy, subnet=rest[0])
        if not steady:
            key = ServedBy(policy, None if np.isnan(rest[0]) else int(rest[0]), float(rest[1]))
        present[of_row[row], number[key]] = True
        values[of_row[row], number[key]] = own_values[row]
    return Stored(designs=designs, served=served, present=present, values=values)


def on_fronts(found: Drawn, signs: np.ndarray) -> np.ndarray:
    """Whether each row is on the front of each draw: [draw, row]."""
    on_front = np.asarray(found.fits & ~np.isnan(found.values).any(axis=-1))
    for own, values in zip(on_front, found.values, strict=True):
        own[own] = non_dominated(rounded(values[own] * signs))
    return on_front


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """The designs that are on the front as it is or in some draw, the largest share first."""

    designs: np.ndarray  # [listed]: place of the design
    served: np.ndarray  # [listed]: who serves the row of it that is shown
    on_front: np.ndarray  # [draw, listed]
    fits: np.ndarray  # [draw, listed]
    is_nominal: np.ndarray  # [listed]: whether it is on the front as it is


def _listed(stored: Stored, found: Drawn, on_front: np.ndarray, nominal: np.ndarray) -> _Listed:
    count = np.zeros(nominal.shape)
    np.add.at(count, (found.designs, found.served), on_front.sum(axis=0))
    of_design = np.zeros((len(on_front), len(nominal)), dtype=bool)
    for row, design in enumerate(found.designs.tolist()):
        of_design[:, design] |= on_front[:, row]
    fits = np.zeros_like(of_design)
    fits[:, found.designs] = found.fits
    often = of_design.sum(axis=0)
    is_nominal = np.asarray(nominal.any(axis=1))
    chosen = np.flatnonzero((often > 0) | is_nominal)
    chosen = chosen[np.lexsort((chosen, ~is_nominal[chosen], -often[chosen]))]
    # Of the rows of a design that which is on a front most often is shown, of equals a nominal one.
    best = (2 * count + nominal)[chosen].argmax(axis=1)
    return _Listed(chosen, best, of_design[:, chosen], fits[:, chosen], is_nominal[chosen])


def _mask(stored: Stored, designs: np.ndarray, served: np.ndarray) -> np.ndarray:
    found = np.zeros(stored.present.shape, dtype=bool)
    found[designs, served] = True
    return found


def _spaced(nominal: np.ndarray, along: np.ndarray) -> np.ndarray:
    """As many rows of the nominal front as have bands, evenly spaced in the order of an objective.

    Of rows that agree in it the first one counts.
    """
    places = np.argwhere(nominal)
    _, first = np.unique(along[nominal], return_index=True)
    some = first[np.linspace(0, len(first) - 1, min(MOST_BANDED, len(first))).round().astype(int)]
    found = np.zeros_like(nominal)
    found[tuple(places[some].T)] = True
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What is told of a row: who it is, its objectives and their bands."""

    experiment: Experiment
    stored: Stored
    metrics: tuple[Metric, ...]
    everywhere: np.ndarray  # [draw, row, objective], of rows that have bands
    place: np.ndarray  # [design, served]: number among these, -1 of others

    def of(self, design: int, served: int) -> dict[str, Any]:
        """The row that is served so on the design in that place."""
        number, own = int(self.stored.designs[design]), self.stored.served[served]
        who = {"policy": own.policy}
        rest: dict[str, Any] = {"subnet": own.subnet}
        if own.level is not None:
            rest = {INTERVAL: own.every, LEVEL: own.level}
        objectives: dict[str, Any] = {}
        values = self.of_draws(design, served)
        for i, metric in enumerate(self.metrics):
            value = float(self.stored.values[design, served, i])
            objectives[metric.name] = None if np.isnan(value) else value
            for end, percent in BANDS.items():
                bound = None if values is None else float(np.percentile(values[:, i], percent))
                objectives[f"{end}_{metric.name}"] = bound
        axes = self.experiment.space.values(number)
        return {"design": number, **axes, **who, **rest, **objectives}

    def of_draws(self, design: int, served: int) -> np.ndarray | None:
        """The objectives of a row in each draw, [draw, objective]; None of a row without bands."""
        place = int(self.place[design, served])
        return self.everywhere[:, place] if place >= 0 else None


def _rows(
    told: _Told,
    listed: _Listed,
    fronts: Sequence[np.ndarray],
    points: Draws,
    doubts: Mapping[str, Doubt],
) -> Iterator[dict[str, Any]]:
    """A row for each listed design: its share, regret, and what throws it off."""
    readings = np.array([doubt.is_reading for doubt in doubts.values()], dtype=bool)
    first, total = draw_indices(points.shares, listed.on_front.astype(float), readings)
    names, signs = list(doubts), np.array([metric.sign for metric in told.metrics])
    for i, (design, served) in enumerate(zip(listed.designs, listed.served, strict=True)):
        values, off = told.of_draws(design, served), listed.fits[:, i] & ~listed.on_front[:, i]
        short = [
            float(shortfall(values[draw][None] * signs, fronts[draw])[0])
            for draw in np.flatnonzero(off).tolist()
            if values is not None
        ]
        most = int(total[:, i].argmax()) if len(names) else 0
        turns = bool(len(names) and total[most, i] > 0)
        yield {
            **told.of(design, served),
            "on_nominal_front": bool(listed.is_nominal[i]),
            "front_share": float(listed.on_front[:, i].mean()),
            "fitting_share": float(listed.fits[:, i].mean()),
            "regret_percent": 100 * float(np.mean(short)) if short else None,
            "thrown_off_by": names[most] if turns else "",
            "first_order": float(first[most, i]) if turns else 0.0,
            "total": float(total[most, i]) if turns else 0.0,
        }


def _surfaces(
    fronts: Sequence[np.ndarray], metrics: Sequence[Metric]
) -> dict[tuple[str, str], np.ndarray]:
    """The median attainment surface of the first objective with each of the others."""
    signs = [metric.sign for metric in metrics]
    return {
        (metrics[0].name, other.name): median_attainment([own[:, [0, i]] for own in fronts])
        * np.array([signs[0], signs[i]])
        for i, other in enumerate(metrics[1:], start=1)
    }
