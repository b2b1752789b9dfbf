"""The comparison of policies on one design and trace, and checks that a build can fail on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from sushi_dse.analysis.baseline import (
    WRITE_ONE,
    Baseline,
    check_baseline,
    metrics_by_policy,
    read_baseline,
)
from sushi_dse.analysis.repeats import RELEVANT_PERCENT, summarise_repeats
from sushi_dse.analysis.thresholds import Check, check_condition
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import GAIN, other_accuracy
from sushi_dse.evaluation.traced import Row, policy_rows
from sushi_dse.explore.workers.ahead import compiling_ahead
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.standing import other_drain
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.policies.names import marked

TOLERANCE_PERCENT = 0.1  # how much worse than a baseline a metric may be


def compare_policies(experiment: Experiment) -> list[Row]:
    """The metrics of each policy of `experiment` on its one design, in the order asked for.

    A row is a dict: `policy`, and each of `METRICS` under its name, which ends in its unit.
    Whether the design fits its device is not checked (`infeasible_reason` tells).  `UserError`
    where the space has several designs, or there is no trace.
    """
    accelerator = experiment.design
    with compiling_ahead(experiment):
        table = candidate_table(experiment.network, accelerator)
        return list(policy_rows(experiment, accelerator, table))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison:
    """The rows of a comparison over some seeds, and the experiment of the first one."""

    rows: Sequence[Mapping[str, object]]
    experiment: Experiment
    repeats: int
    drain_readings: Sequence[Mapping[str, object]] = ()  # of `drain_readings`

    @property
    def inputs(self) -> dict[str, object]:
        """The inputs of the rows by name."""
        return {**self.experiment.inputs, "repeats": self.repeats}


def compared(
    experiment_of: Callable[..., Experiment],
    seeds: Sequence[int],
    at_least_percent: float = RELEVANT_PERCENT,
) -> Comparison:
    """The comparison over those seeds; `experiment_of` gives the experiment of a `seed`.

    Over several seeds a gain is a verdict where it is `at_least_percent` or more.
    """
    experiments = [experiment_of(seed=seed) for seed in seeds]
    runs = [compare_policies(experiment) for experiment in experiments]
    several = len(runs) > 1
    rows = summarise_repeats(runs[::-1], at_least_percent) if several else runs[0]
    return Comparison(
        rows=[{**marked(row), "other_accuracy": other_accuracy(row)} for row in rows],
        experiment=experiments[0],
        repeats=len(runs),
        drain_readings=drain_readings(experiments, runs),
    )


def drain_readings(
    experiments: Sequence[Experiment], runs: Sequence[Sequence[Row]]
) -> list[dict[str, object]]:
    """The gain of each policy that keeps a SubGraph under both readings of how 1x1 tiles drain.

    Whether 1x1 tiles drain as others do was not measured, and SGS gains less where they do.  The
    gains are means over the experiments, whose rows are `runs`.  Nothing is returned where no tile
    drains, no layer is 1x1 or no such policy is compared.
    """
    first = experiments[0]
    other = other_drain(first.network, first.design)
    kept = [name for name in first.policies if _keeps_subgraph(name)]
    if other is None or not kept:
        return []
    space = replace(first.space, base=other)
    swapped = [
        replace(each, space=space, policies=tuple(kept), capacity_target=None)
        for each in experiments
    ]
    gains = {
        first.design.pointwise_drain: _mean_gains(runs),
        other.pointwise_drain: _mean_gains([compare_policies(each) for each in swapped]),
    }
    return [
        {
            "policy": name,
            "gain_if_1x1_tiles_drain_percent": gains[True][name],
            "gain_if_they_do_not_percent": gains[False][name],
        }
        for name in kept
    ]


def _keeps_subgraph(name: str) -> bool:
    policy = named_policy(name)
    return policy.has_persistent_buffer and policy.system is None


def _mean_gains(runs: Sequence[Sequence[Row]]) -> dict[str, float]:
    """The gain over no SGS of each policy: the mean over the runs."""
    gains: dict[str, list[float]] = {}
    for row in chain.from_iterable(runs):
        gains.setdefault(str(row["policy"]), []).append(float(row[GAIN] or 0))
    return {name: sum(values) / len(values) for name, values in gains.items()}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Checked:
    """The outcomes that a build may fail on, and the baseline behind them, if there is one."""

    checks: Sequence[Check] = ()
    baseline: Baseline | None = None

    @property
    def missed(self) -> list[str]:
        """A line for each check that was missed."""
        return [f"missed: {each.name}: {each.detail}" for each in self.checks if each.missed]

    @property
    def document(self) -> dict[str, object]:
        """The checks as JSON holds them."""
        differing = None if self.baseline is None else list(self.baseline.differing)
        return {"checks": [each.row for each in self.checks], "baseline_inputs_differ": differing}


def check_all(
    rows: Iterable[Mapping[str, object]],
    *,
    conditions: Iterable[str],
    baseline: Path | None,
    tolerance_percent: float | None,
    inputs: Mapping[str, object],
    same: bool = False,
) -> Checked:
    """The checks of every condition, and of every metric of a baseline.

    `same` is whether the baseline must be of the same `inputs`, and no metric may change; the
    tolerance is by default 0 then, and `TOLERANCE_PERCENT` otherwise.  `UserError` where a
    condition or the baseline cannot be used.
    """
    metrics = metrics_by_policy(rows)
    checks = [check for text in conditions for check in check_condition(text, metrics)]
    if baseline is None:
        return Checked(checks=checks)
    stored = read_baseline(baseline, inputs, same=same)
    tolerance = (
        (0.0 if same else TOLERANCE_PERCENT) if tolerance_percent is None else tolerance_percent
    )
    kept = list(check_baseline(metrics, stored, tolerance, same=same))
    if not kept:
        raise UserError(
            f"{baseline}: has no metric of a policy compared: {', '.join(metrics)}; {WRITE_ONE}"
        )
    return Checked(checks=checks + kept, baseline=stored)
