"""The objectives of rows under draws of the constants that are in doubt.

A draw changes what designs cost, not what they are nor the stream that they serve: the trace, its
service levels and the SubNets stay those of the experiment.  A design may fit its device in some
draws and not in others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.levels import AS_GIVEN
from sushi_dse.evaluation.metrics import ACCURACY, ACCURACY_GAIN, AREA, GAIN, LATENCY, Metric
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.evaluation.traced import REFERENCE_POLICY, resource_metrics, serving_metrics
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Accelerator
from sushi_dse.hardware.doubt import Draws, with_constants
from sushi_dse.hardware.resources import fits
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.model.steady_cost import steady_cost
from sushi_dse.model.subgraphs import no_subgraph
from sushi_dse.policies.catalogue import Policy, PolicyRun


class ServedBy(NamedTuple):
    """Who serves a row of a design, and what: a policy at an interval and a level, or a SubNet."""

    policy: str
    every: int | None = None
    level: float | None = None
    subnet: str | None = None


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
    flat = [(design, own) for design, served in rows for own in served]
    place = {key: row for row, key in enumerate(flat)}
    found = np.empty((len(draws), len(flat), len(metrics)))
    for group in draws.groups():  # the designs within, as neighbours share what is counted
        values = [draws.of(draw) for draw in group]
        bare: dict[tuple[Accelerator, ServedBy], np.ndarray] = {}
        for number, served in rows:
            base = experiment.space.design(number)
            without = replace(base, persistent_buffer_kib=0.0)
            kept = [own for own in served if _keeps(experiment.policy(own.policy))]
            new = [own for own in served if own not in kept and (without, own) not in bare]
            for design, some in ((base, kept), (without, new)):
                drawn = [with_constants(design, own) for own in values]
                known = _served_under(experiment, some, drawn, metrics)
                bare |= {(design, own): value for own, value in zip(some, known, strict=True)}
            for own in served:
                value = bare[base if own in kept else without, own]
                found[group, place[number, own]] = value
    return found


def _keeps(policy: Policy) -> bool:
    """Whether what a policy serves depends on the Persistent Buffer of a design."""
    return policy.has_persistent_buffer or policy.system is not None


def _served_under(
    experiment: Experiment,
    rows: Sequence[ServedBy],
    designs: Sequence[Accelerator],
    metrics: Sequence[Metric],
) -> Iterator[np.ndarray]:
    """The objectives of each row on designs that differ in no time: [design, objective].

    The first of them serves the trace for all.
    """
    names, levels = [metric.name for metric in metrics], dict(experiment.streams)
    wants_gain = not {GAIN, ACCURACY_GAIN}.isdisjoint(names)
    policies = {row.policy for row in rows} | ({REFERENCE_POLICY} if rows and wants_gain else set())
    systems = [_systems(experiment, policies, design) for design in designs]
    wants_blocks = not {*RESOURCE_KINDS, AREA}.isdisjoint(names)

    def served(row: ServedBy) -> list[dict[str, float]]:
        trace = levels[AS_GIVEN if row.level is None else row.level]
        every = row.every or len(trace)
        policy, own = experiment.policy(row.policy), [known[row.policy] for known in systems]
        once = policy.served(trace, own[0][0], mode=experiment.mode, every=every)
        return [
            serving_metrics(PolicyRun(served=once, table=table, accelerator=design), trace)
            | (resource_metrics(design) if wants_blocks else {})
            for table, design in own
        ]

    for row in rows:
        known = served(row)
        others = served(row._replace(policy=REFERENCE_POLICY, every=None)) if wants_gain else known
        for own, other in zip(known, others, strict=True):
            own[GAIN] = 100 * (1 - own[LATENCY] / other[LATENCY])
            own[ACCURACY_GAIN] = own[ACCURACY] - other[ACCURACY]
        yield np.array([[own[name] for name in names] for own in known])


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
