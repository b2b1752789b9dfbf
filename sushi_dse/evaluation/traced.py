"""The metrics of policies' runs of a trace, and the rows of designs under each policy."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.columns import chosen, column, whole_numbers
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import (
    INTERVAL,
    LEVEL,
    SEED,
)
from sushi_dse.evaluation.tallied import Tallied, gains_over, metrics_of, with_resources
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import infeasible_reasons
from sushi_dse.model.latency_table import LatencyTable, candidate_table
from sushi_dse.policies.policy import Policy, PolicyRun
from sushi_dse.serving.capacity import capacities_per_s
from sushi_dse.serving.served import Tally
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import FloatArray

Row = dict[str, float | int | str | None]


REFERENCE_POLICY = "no-sgs"


def policy_rows(
    experiment: Experiment, accelerator: Accelerator, table: LatencyTable
) -> Iterator[Row]:
    """The metrics of each policy, interval and service level on a design of that latency table."""
    found = traced_metrics([experiment], Designs(accelerator, {}, 1), [(accelerator, table)])
    values = {name: array.ravel().tolist() for name, array in found.items()}
    rows = product(experiment.runs, experiment.service_levels)
    for row, ((policy, interval), level) in enumerate(rows):
        yield {
            **{"policy": policy, INTERVAL: interval, LEVEL: level},
            **{name: of_each[row] for name, of_each in values.items()},
        }


def traced_metrics(
    experiments: Sequence[Experiment],
    designs: Designs,
    tables: Iterable[tuple[Accelerator, LatencyTable]],
) -> dict[str, np.ndarray]:
    """The metrics of designs, whether or not they fit: [design, experiment, run, level] each.

    The experiments differ in their traces alone.  tables: each of the designs with its latency
    table, of which one at a time is in memory.
    """
    one, reference = experiments[0], (REFERENCE_POLICY, None)
    runs = one.runs if reference in one.runs else (*one.runs, reference)
    policies = {name: one.policy(name) for name, _ in runs}
    tallied, own = _tallied(experiments, runs, policies, tables)
    held = {
        name: Designs.of(own[name]) if name in own else policy.held(designs)
        for name, policy in policies.items()
    }
    found = []
    for experiment, of_runs in zip(experiments, tallied, strict=True):
        metrics = [
            with_resources(metrics_of(of_designs, experiment.streams, held[name]), held[name])
            for of_designs, (name, _) in zip(of_runs, runs, strict=True)
        ]
        base = metrics[runs.index(reference)]
        found.append([each | gains_over(each, base) for each in metrics[: len(one.runs)]])
    return {
        name: np.array([[each[name] for each in metrics] for metrics in found]).transpose(
            3, 0, 1, 2
        )
        for name in one.metric_names
    }


def _tallied(
    experiments: Sequence[Experiment],
    runs: Sequence[tuple[str, int | None]],
    policies: Mapping[str, Policy],
    tables: Iterable[tuple[Accelerator, LatencyTable]],
) -> tuple[list[list[list[Tallied]]], dict[str, list[Accelerator]]]:
    """The sums of each experiment, run and design, and the designs that policies serve on, by name.

    Designs are told of policies that have a table of their own.  A run that no experiment asks for
    has no capacity.
    """
    one = experiments[0]
    tallied: list[list[list[Tallied]]] = [[[] for _ in runs] for _ in experiments]
    known: defaultdict[object, dict[bytes, Tally]] = defaultdict(dict)  # by experiment and run
    own: dict[str, list[Accelerator]] = {n: [] for n, p in policies.items() if p.has_own_table}
    for given, table in tables:
        served_on = dict.fromkeys(policies, table)
        for name, accelerators in own.items():
            served_on[name], accelerator = policies[name].system_of(one.network, given, table)
            accelerators.append(accelerator)
        for number, experiment in enumerate(experiments):
            for run, of_designs in zip(runs, tallied[number], strict=True):
                name, interval = run
                target = experiment.capacity_target if run in one.runs else None
                asked = experiment, policies[name], served_on[name], interval, target
                of_designs.append(_served(*asked, known[number, run]))
    return tallied, own


def _served(
    experiment: Experiment,
    policy: Policy,
    table: LatencyTable,
    interval: int | None,
    target: float | None,
    known: dict[bytes, Tally],
) -> Tallied:
    """The sums over the streams of an experiment under a policy on its table.

    With a target they have the capacity, too.  known: the sums on the tables of other designs, by
    what of a table they depend on; those of a policy that keeps nothing are looked up there.
    """
    every = interval or len(experiment.traced)

    def tallied(streams: Streams) -> Tally:
        return policy.tallied(
            streams, table, mode=experiment.mode, every=every, pool=experiment.pool
        )

    def attainment(streams: Streams) -> FloatArray:
        return tallied(streams).both / len(experiment.traced)

    capacity_per_s = None
    if target is not None:
        greatest_per_s = experiment.pool.accelerators * 1e3 / float(table.latency_ms.min())
        capacity_per_s = capacities_per_s(
            experiment.streams, attainment, target=target, greatest_per_s=greatest_per_s
        )
    if not policy.keeps_nothing:
        return Tallied.of(tallied(experiment.streams), table, capacity_per_s)
    uncached_ms = table.latency_ms[:, 0].tobytes()
    if uncached_ms not in known:
        known[uncached_ms] = tallied(experiment.streams)
    return Tallied.of(known[uncached_ms], table, capacity_per_s)


def replay(experiment: Experiment) -> dict[str, PolicyRun]:
    """The run of each policy over the trace, by its name, on one design at one recache interval.

    `UserError` where the space has several designs, or there is no trace.
    """
    accelerator = experiment.design
    table = candidate_table(experiment.network, accelerator)
    (every,) = experiment.recache_every_queries
    return {
        name: experiment.policy(name).run(
            experiment.network,
            experiment.traced,
            accelerator,
            table,
            mode=experiment.mode,
            every=every,
            pool=experiment.pool,
        )
        for name in experiment.policies
    }


def traced_rows(experiment: Experiment, designs: Sequence[int] | np.ndarray) -> pa.Table:
    """The rows of a block of designs on the trace: of each seed, policy, interval and level.

    An infeasible design has rows without metrics.
    """
    numbers = np.asarray(designs, dtype=np.int64)
    block, seeds = experiment.space.designs(numbers), experiment.of_each_seed
    experiments = [one for _, one in seeds]
    reasons = infeasible_reasons(block)
    fits = np.array([not reason for reason in reasons], dtype=bool)
    shape = (len(numbers), len(seeds), len(experiment.runs), len(experiment.service_levels))
    metrics = {name: np.full(shape, np.nan) for name in experiment.metric_names}
    if fits.any():
        feasible = block.only(fits)
        accelerators = map(feasible.design, range(len(feasible)))
        tables = ((one, candidate_table(experiment.network, one)) for one in accelerators)
        for name, values in traced_metrics(experiments, feasible, tables).items():
            metrics[name][fits] = values
    served = product(seeds, experiment.runs, experiment.service_levels)
    each = [(seed, policy, interval, level) for (seed, _), (policy, interval), level in served]
    of_seed, policies, intervals, levels = zip(*each, strict=True)
    times, whose = len(numbers), np.repeat(np.arange(len(numbers)), len(each))
    columns = {
        "design": column(numbers[whose]),
        **{
            axis.name: column(block.column(axis.name).astype(float)[whose])
            for axis in experiment.space.axes
        },
        "policy": chosen(policies, np.tile(np.arange(len(each)), times)),
        INTERVAL: whole_numbers(intervals, times),
        LEVEL: column(np.tile(np.array(levels), times)),
        **({SEED: whole_numbers(of_seed, times)} if experiment.seeded else {}),
        **{name: column(values.ravel()) for name, values in metrics.items()},
        "infeasible_reason": chosen(reasons, whose),
    }
    return pa.table(columns)
