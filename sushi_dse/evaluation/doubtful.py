"""The objectives of rows under draws of the constants that are in doubt.

A draw changes what designs cost, not what they are nor the stream that they serve: the trace, its
service levels and the SubNets stay those of the experiment.  A design may fit its device in some
draws and not in others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.levels import AS_GIVEN
from sushi_dse.evaluation.metrics import ACCURACY, ACCURACY_GAIN, AREA, GAIN, LATENCY, Metric
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.evaluation.tallied import Tallied, gains_over, metrics_of, with_resources
from sushi_dse.evaluation.traced import REFERENCE_POLICY
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.doubt import Draws, with_constants
from sushi_dse.hardware.resources import fits
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.model.steady_cost import steady_cost
from sushi_dse.model.subgraphs import no_subgraph
from sushi_dse.policies.policy import Policy
from sushi_dse.serving.served import Tally
from sushi_dse.serving.streams import Streams


class ServedBy(NamedTuple):
    """Who serves a row of a design, and what: a policy at an interval and a level, or a SubNet."""

    policy: str
    every: int | None = None
    level: float | None = None
    subnet: str | None = None


_Key = tuple[Accelerator, ServedBy]
_Runs = dict[_Key, list[tuple[Tallied, Accelerator]]]  # of each draw: sums, and the design served

DesignRows = Sequence[tuple[int, Sequence[ServedBy]]]
"""Numbers of designs, each once, with the rows of each."""


def fitting(experiment: Experiment, designs: Sequence[int], draws: Draws) -> np.ndarray:
    """Whether each design fits its device in each draw: [draw, design]."""
    space = experiment.space
    return np.array([fits(space.under(draws.of(d)).designs(designs)) for d in range(len(draws))])


def objectives_under(
    experiment: Experiment, rows: DesignRows, metrics: Sequence[Metric], draws: Draws
) -> np.ndarray:
    """The objectives of each row under each draw, whether its design fits or not.

    They are [draw, row, objective], the rows in the order of their designs, and means over the
    seeds of an experiment that has several.  Draws that change no time share what was served.
    """
    if experiment.trace is None:
        return _steady_under(experiment, rows, metrics, draws)
    seeds = [one for _, one in experiment.of_each_seed]
    found = [_traced_under(one, rows, metrics, draws) for one in seeds]
    return np.asarray(np.mean(found, axis=0))


def _steady_under(
    experiment: Experiment, rows: DesignRows, metrics: Sequence[Metric], draws: Draws
) -> np.ndarray:
    network, numbers = experiment.network, [design for design, _ in rows]
    names = [subnet.name for subnet in network.supernet.subnets]
    flat = [(place, own) for place, (_, served) in enumerate(rows) for own in served]
    places = np.array([place for place, _ in flat], dtype=np.int64)
    subnets = np.array([names.index(str(own.subnet)) for _, own in flat], dtype=np.int64)
    of_policy = {
        policy: np.array([own.policy == policy for _, own in flat])
        for policy in experiment.policies
    }
    found = np.empty((len(draws), len(flat), len(metrics)))
    for group in draws.groups():
        cost = None
        for draw in group:
            designs = experiment.space.under(draws.of(draw)).designs(numbers)
            cost = cost or steady_cost(network, designs)
            for policy, own in of_policy.items():
                known = steady_metrics(network, designs, policy, cost)
                for i, metric in enumerate(metrics):
                    found[draw, own, i] = known[metric.name][subnets[own], places[own]]
    return found


def _traced_under(
    experiment: Experiment, rows: DesignRows, metrics: Sequence[Metric], draws: Draws
) -> np.ndarray:
    names = [metric.name for metric in metrics]
    wants_gain = not {GAIN, ACCURACY_GAIN}.isdisjoint(names)
    flat = [(design, own) for design, served in rows for own in served]
    found = np.empty((len(draws), len(flat), len(metrics)))
    for group in draws.groups():  # the designs within, as neighbours share what is counted
        values = [draws.of(draw) for draw in group]
        runs: _Runs = {}
        keys: list[tuple[_Key, _Key]] = []  # of each row, and of what its gain is counted from
        for number, served in rows:
            base = experiment.space.design(number)
            bare = replace(base, persistent_buffer_kib=0.0)
            own_keys = [
                (base if _keeps(experiment.policy(own.policy)) else bare, own) for own in served
            ]
            others = [(bare, ServedBy(REFERENCE_POLICY, None, own.level)) for own in served]
            keys += zip(own_keys, others, strict=True)
            for design in (base, bare):
                new = [
                    own
                    for of, own in [*own_keys, *(others if wants_gain else ())]
                    if of is design and (of, own) not in runs
                ]
                drawn = [with_constants(design, own) for own in values]
                known = _served_under(experiment, list(dict.fromkeys(new)), drawn)
                runs |= {(design, own): run for own, run in known}
        for place, draw in enumerate(group):
            costs = _metrics_of(experiment, runs, place, names, wants_blocks=_wants_blocks(names))
            for row, (own_key, other_key) in enumerate(keys):
                known_here = costs[own_key]
                if wants_gain:
                    known_here |= gains_over(known_here, costs[other_key])
                found[draw, row] = [known_here[name] for name in names]
    return found


def _wants_blocks(names: Sequence[str]) -> bool:
    """Whether metrics of what a design takes of its device are among those named."""
    return not {*RESOURCE_KINDS, AREA}.isdisjoint(names)


def _metrics_of(
    experiment: Experiment, runs: _Runs, draw: int, names: Sequence[str], *, wants_blocks: bool
) -> dict[_Key, dict[str, float]]:
    """The metrics of each run in one of the draws that were served."""
    found: dict[_Key, dict[str, float]] = {}
    for level, trace in zip(experiment.service_levels, experiment.streams.traces, strict=True):
        of_level = [key for key in runs if _level_of(key[1]) == level]
        if not of_level:
            continue
        tallied = [runs[key][draw][0] for key in of_level]
        designs = Designs.of([runs[key][draw][1] for key in of_level])
        known = metrics_of(tallied, Streams([trace]), designs)
        if wants_blocks:
            known = with_resources(known, designs)
        wanted = {*names, LATENCY, ACCURACY} & known.keys()
        for place, key in enumerate(of_level):
            found[key] = {name: float(known[name][0, place]) for name in wanted}
    return found


def _keeps(policy: Policy) -> bool:
    """Whether what a policy serves depends on the Persistent Buffer of a design."""
    return policy.has_persistent_buffer or policy.system is not None


def _served_under(
    experiment: Experiment, rows: Sequence[ServedBy], designs: Sequence[Accelerator]
) -> Iterator[tuple[ServedBy, list[tuple[Tallied, Accelerator]]]]:
    """The run of each row on designs that differ in no time, with the design as it is served.

    The first of the designs serves the trace for all.
    """
    levels = dict(zip(experiment.service_levels, experiment.streams.traces, strict=True))
    systems = [_systems(experiment, {row.policy for row in rows}, design) for design in designs]
    for (name, every), own in groupby(sorted(rows, key=_run_of), key=_run_of):
        served = list(own)
        streams = Streams([levels[_level_of(row)] for row in served])
        policy, table = experiment.policy(name), systems[0][name][0]
        once = policy.tallied(
            streams,
            table,
            mode=experiment.mode,
            every=every or len(experiment.traced),
            pool=experiment.pool,
        )
        for run, row in enumerate(served):
            alone = Tally(*(sums[run : run + 1] for sums in once))
            yield (
                row,
                [(Tallied.of(alone, known[name][0]), known[name][1]) for known in systems],
            )


def _level_of(row: ServedBy) -> float:
    return AS_GIVEN if row.level is None else row.level


def _run_of(row: ServedBy) -> tuple[str, int]:
    """What rows that are served in one go have in common: the policy, and its interval or 0."""
    return row.policy, row.every or 0


def _systems(
    experiment: Experiment, policies: Iterable[str], design: Accelerator
) -> dict[str, tuple[LatencyTable, Accelerator]]:
    """The latency table and the design that each policy serves on.

    Where all keep nothing on chip, the table has no column but that of the empty buffer.
    """
    network, found = experiment.network, {name: experiment.policy(name) for name in policies}
    if not found:
        return {}
    if any(map(_keeps, found.values())):
        table = candidate_table(network, design)
    else:
        table = latency_table(network, design, no_subgraph(network))
    return {name: policy.system_of(network, design, table) for name, policy in found.items()}
