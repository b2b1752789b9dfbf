"""The rows that may be on the front of a draw, and their objectives under it.

To serve a trace on every design in every draw takes minutes to hours, and few rows are near a
front.  So each row's objectives are predicted in each draw, and those rows are evaluated whose
prediction, made better by a margin, is on the front of the predictions.  A prediction takes what
was served under the same readings of settings, and scales it by what SubNets in their steady state
cost in the draw over what they cost there.  Rows beyond the margin count as not on the front.  On
`zcu104_space` and its default stream, all rows evaluated in five draws, that was so of all designs
of the front in four of them, and of 229 of 247 in the fifth, where the memory gave least.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sushi_dse.errors import IncompleteError
from sushi_dse.evaluation.doubtful import DesignRows, ServedBy, fitting, objectives_under
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import dominated_by, non_dominated
from sushi_dse.evaluation.metrics import LATENCY, Metric
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.explore.workers.executors import executor_for
from sushi_dse.explore.workers.tasks import GO_ON, Failure, results
from sushi_dse.hardware.doubt import Draws
from sushi_dse.model.steady_cost import STEADY_METRICS, steady_cost
from sushi_dse.policies.names import NO_SGS, STATIC_SUBGRAPH, STEADY_POLICIES
from sushi_dse.serving.percentiles import PERCENTILES

# Metrics of the time of a response.
LATENCIES = (LATENCY, *(f"p{percent}_latency_ms" for percent in PERCENTILES))
REACH_PERCENT = 1.0  # margin of what is predicted, of its value
OF_RANGE = 0.2  # margin of what is not predicted to change, of its range, as a part of the other
FEW_ROWS = 4096  # rows x draws that are evaluated without a prediction
AT_ONCE = 16  # draws of a block of work


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Stored:
    """The rows of designs of a sweep: each design has a row for each of `served`."""

    designs: np.ndarray  # [design]: their numbers, rising
    served: Sequence[ServedBy]
    present: np.ndarray  # [design, served]: whether there is such a row
    values: np.ndarray  # [design, served, objective], NaN where it is not known

    def rows_of(self, mask: np.ndarray) -> DesignRows:
        """The rows of a mask, [design, served]."""
        return [
            (int(self.designs[d]), [self.served[s] for s in np.flatnonzero(mask[d]).tolist()])
            for d in np.flatnonzero(mask.any(axis=1)).tolist()
        ]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Drawn:
    """The objectives under draws of the rows that are within reach of the front of any."""

    designs: np.ndarray  # [row]: place of its design among those stored
    served: np.ndarray  # [row]: place among those who serve
    values: np.ndarray  # [draw, row, objective]: NaN where it was not evaluated
    fits: np.ndarray  # [draw, row]: whether its design fits its device
    evaluated: int  # rows and draws that were evaluated, of all in which a design fits
    fitting: int


def drawn_rows(
    experiment: Experiment,
    stored: Stored,
    metrics: Sequence[Metric],
    draws: Draws,
    *,
    reach_percent: float = REACH_PERCENT,
    workers: int = 1,
) -> Drawn:
    """The objectives of the rows within reach of the front of each draw.

    Without a trace, or of few rows, all are evaluated.  What comes out does not depend on the
    number of workers.  `IncompleteError` where a block is given up.
    """
    fits = fitting(experiment, stored.designs.tolist(), draws)
    wanted = np.stack([stored.present & own[:, None] for own in fits])
    count = int(wanted.sum())
    if experiment.trace is not None and count > FEW_ROWS:
        for draw, guess in _predicted(experiment, stored, metrics, draws, fits, workers):
            wanted[draw] = _within(guess, wanted[draw], metrics, reach_percent / 100)
    designs, served = np.nonzero(wanted.any(axis=0))
    return Drawn(
        designs=designs,
        served=served,
        values=rows_under(experiment, stored, metrics, draws, wanted, workers=workers),
        fits=fits[:, designs],
        evaluated=int(wanted.sum()),
        fitting=count,
    )


def rows_under(
    experiment: Experiment,
    stored: Stored,
    metrics: Sequence[Metric],
    draws: Draws,
    wanted: np.ndarray,
    *,
    workers: int = 1,
) -> np.ndarray:
    """The objectives of rows in the draws in which they are wanted, NaN in others.

    wanted: [draw, design, served]; objectives: [draw, row, objective] of the rows that are wanted
    in any draw, in the order of designs and of who serves.
    """
    union = np.asarray(wanted.any(axis=0))
    number = np.full(union.shape, -1)
    number[union] = np.arange(int(union.sum()))
    values = np.full((len(draws), int(union.sum()), len(metrics)), np.nan)
    blocks = [
        group[at : at + AT_ONCE] for group in draws.groups() for at in range(0, len(group), AT_ONCE)
    ]
    masks = [np.asarray(wanted[block].any(axis=0)) for block in blocks]
    of_draws = [[draws.of(draw) for draw in block] for block in blocks]
    for place, found in _evaluated(experiment, stored, metrics, masks, of_draws, workers):
        values[np.ix_(np.array(blocks[place]), number[masks[place]])] = found
    values[~wanted[:, union]] = np.nan
    return values


def _evaluated(
    experiment: Experiment,
    stored: Stored,
    metrics: Sequence[Metric],
    masks: Sequence[np.ndarray],
    draws: Sequence[Sequence[dict[str, Any]]],
    workers: int,
) -> Iterator[tuple[int, np.ndarray]]:
    """The place of each mask of rows with their objectives in its draws, as they end.

    masks: [design, served] each; objectives: [draw, row, objective].
    """
    jobs = [(stored.rows_of(mask), own) for mask, own in zip(masks, draws, strict=True)]
    task = partial(_block, experiment, tuple(metrics), jobs)
    with closing(executor_for(task, workers=min(workers, len(jobs)) or 1)) as executor:
        for block, outcome in results(executor, (range(i, i + 1) for i in range(len(jobs)))):
            if isinstance(outcome, Failure):
                raise IncompleteError(f"draws were given up: {outcome.reason}; {GO_ON}")
            shape = len(draws[block.start]), int(masks[block.start].sum()), len(metrics)
            yield block.start, np.frombuffer(outcome).reshape(shape)


def _block(
    experiment: Experiment,
    metrics: Sequence[Metric],
    jobs: Sequence[tuple[DesignRows, Sequence[dict[str, Any]]]],
    places: range,
) -> bytes:
    """The objectives of the job of that place, as bytes."""
    rows, values = jobs[places.start]
    return objectives_under(experiment, rows, metrics, Draws.of_values(values)).tobytes()


def _predicted(
    experiment: Experiment,
    stored: Stored,
    metrics: Sequence[Metric],
    draws: Draws,
    fits: np.ndarray,
    workers: int,
) -> Iterator[tuple[int, np.ndarray]]:
    """Each draw with the objectives of all rows as predicted: [design, served, objective]."""
    readings = {name: own for name, own in experiment.space.doubts.items() if own.is_reading}
    alike: dict[tuple[Any, ...], list[int]] = {}
    for draw in range(len(draws)):
        alike.setdefault(tuple(draws.of(draw)[name] for name in readings), []).append(draw)
    for chosen, group in alike.items():
        values = dict(zip(readings, chosen, strict=True))
        lacking = np.asarray(stored.present & np.asarray(fits[group].any(axis=0))[:, None])
        known = np.full_like(stored.values, np.nan)
        if all(value == readings[name].value for name, value in values.items()):
            known = stored.values.copy()
            lacking = lacking & np.isnan(known).any(axis=-1)
        pieces = np.array_split(np.flatnonzero(lacking.any(axis=1)), AT_ONCE)
        masks = [lacking & np.isin(np.arange(len(lacking)), own)[:, None] for own in pieces]
        for place, own in _evaluated(
            experiment, stored, metrics, masks, [[values]] * len(masks), workers
        ):
            known[masks[place]] = own[0]
        base = _steady(experiment, stored, metrics, values)
        for draw in group:
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = _steady(experiment, stored, metrics, draws.of(draw)) / base
            yield draw, known * np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)


def _steady(
    experiment: Experiment, stored: Stored, metrics: Sequence[Metric], values: dict[str, Any]
) -> np.ndarray:
    """What SubNets in their steady state cost on average: [design, served, objective].

    It is 1 in an objective for which nothing is predicted to change.
    """
    designs = experiment.space.under(values).designs(stored.designs)
    network, cost = experiment.network, steady_cost(experiment.network, designs)
    known = {name: steady_metrics(network, designs, name, cost) for name in STEADY_POLICIES}
    found = np.ones((len(stored.designs), len(stored.served), len(metrics)))
    for place, served in enumerate(stored.served):
        keeps = experiment.policy(served.policy).has_persistent_buffer
        own = known[STATIC_SUBGRAPH if keeps else NO_SGS]
        for i, metric in enumerate(metrics):
            name = followed(metric.name)
            if name is not None:
                found[:, place, i] = own[name].mean(axis=0)
    return found


def followed(metric: str) -> str | None:
    """The metric of the steady state that one of a trace follows, None where it follows none."""
    if metric in LATENCIES:
        return LATENCY
    unmoved = ("mean_accuracy_percent", "gain_over_no_sgs_percent", "persistent_buffer_hit_share")
    return metric if metric in STEADY_METRICS and metric not in unmoved else None


def _within(
    guess: np.ndarray, wanted: np.ndarray, metrics: Sequence[Metric], reach: float
) -> np.ndarray:
    """The wanted rows that are on the front of the predictions if made better by a margin.

    guess: [design, served, objective]; wanted: [design, served].
    """
    signs = np.array([metric.sign for metric in metrics])
    moves = np.array([followed(metric.name) is not None for metric in metrics])
    found = np.asarray(wanted & ~np.isnan(guess).any(axis=-1))
    costs = guess[found] * signs
    if not len(costs):
        return found
    margin = np.where(moves, np.abs(costs), OF_RANGE * np.ptp(costs, axis=0)) * reach
    found[found] = ~dominated_by(costs - margin, np.unique(costs[non_dominated(costs)], axis=0))
    return found
