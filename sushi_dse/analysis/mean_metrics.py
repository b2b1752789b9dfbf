"""The metrics of designs under one policy, whether or not they fit, and how they differ."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.levels import AS_GIVEN
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.evaluation.traced import traced_metrics
from sushi_dse.hardware.accelerator import (
    Accelerator,
)
from sushi_dse.hardware.designs import Designs
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.steady_cost import STEADY_METRICS
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.policies.names import NO_SGS, STATIC_SUBGRAPH


def mean_metrics(experiment: Experiment, designs: Designs) -> dict[str, np.ndarray]:
    """The metrics of designs under the one policy, whether or not they fit: each [design].

    Without a trace they are means over the SubNets, each in its steady state.
    """
    (policy,) = experiment.policies
    if experiment.trace is None:
        steady = steady_metrics(experiment.network, designs, policy)
        return {name: values.mean(axis=0) for name, values in steady.items()}
    each = map(designs.design, range(len(designs)))
    tables = ((one, candidate_table(experiment.network, one)) for one in each)
    found = traced_metrics([experiment], designs, tables)
    return {name: values.ravel() for name, values in found.items()}


def at_table_level(experiment: Experiment) -> Experiment:
    """The experiment without its trace: each SubNet finds its own SubGraph, or nothing, on chip."""
    policy = named_policy(experiment.policies[0])
    return replace(
        experiment,
        trace=None,
        service_levels=(AS_GIVEN,),
        policies=(STATIC_SUBGRAPH if policy.has_persistent_buffer else NO_SGS,),
    )


def sampled_experiment(
    experiment: Experiment, names: Sequence[str], *, on_trace: bool
) -> tuple[Experiment, list[str]]:
    """The experiment that Sobol indices are estimated on, and the objectives known there."""
    if on_trace and experiment.trace is not None:
        return experiment, list(names)
    # Without a trace the accuracy depends on the SubNets alone.
    known = [name for name in names if name in STEADY_METRICS and name != "mean_accuracy_percent"]
    return at_table_level(experiment), known


def metric_changes(
    experiment: Experiment, here: Accelerator, others: Sequence[Accelerator]
) -> dict[str, list[float | None]]:
    """The change from `here` to each of `others` in percent, by metric: [design], None for n/0."""
    if not others:
        return {name: [] for name in METRICS}
    found = mean_metrics(experiment, Designs.of([here, *others]))
    return {
        name: [_change_percent(values[0].item(), value) for value in values[1:].tolist()]
        for name, values in found.items()
    }


def _change_percent(start: float, end: float) -> float | None:
    """The change from `start` to `end` in percent; None where `start` is 0 and `end` is not."""
    if start == end:
        return 0.0
    return 100 * (end - start) / abs(start) if start else None
