"""The comparison of policies on one design and trace, and checks that a build can fail on."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import isfinite
from pathlib import Path

from sushi_dse.analysis.repeats import summarise_repeats
from sushi_dse.analysis.thresholds import Check, check_condition
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.evaluation.traced import Row, policy_rows
from sushi_dse.files import read_json
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.standing import other_drain
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.policies.names import marked
from sushi_dse.store.run import SCHEMA_VERSION

SHOWN_DIFFERENCES = 3  # most inputs of a baseline that an error names
WRITE_ONE = "write one with `sushi-dse compare policies --format json > FILE`"
MAY_DIFFER = ("policies",)  # inputs in which a baseline may differ


def compare_policies(experiment: Experiment) -> list[Row]:
    """The metrics of each policy of `experiment` on its one design, in the order asked for.

    A row is a dict: `policy`, and each of `METRICS` under its name, which ends in its unit.
    Whether the design fits its device is not checked (`infeasible_reason` tells).  `UserError`
    where the space has several designs, or there is no trace.
    """
    accelerator = experiment.design
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


def compared(experiment_of: Callable[..., Experiment], seeds: Sequence[int]) -> Comparison:
    """The comparison over those seeds; `experiment_of` gives the experiment of a `seed`."""
    experiments = [experiment_of(seed=seed) for seed in seeds]
    runs = [compare_policies(experiment) for experiment in experiments]
    rows = summarise_repeats(runs[::-1]) if len(runs) > 1 else runs[0]
    return Comparison(
        rows=[marked(row) for row in rows],
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
    swapped = [replace(each, space=space, policies=tuple(kept)) for each in experiments]
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
        gains.setdefault(str(row["policy"]), []).append(float(row["gain_over_no_sgs_percent"] or 0))
    return {name: sum(values) / len(values) for name, values in gains.items()}


def is_metric(name: str) -> bool:
    """Whether a column is a metric, or a bound of its interval over repeats."""
    return name.removesuffix("_low").removesuffix("_high") in METRICS


def metrics_by_policy(rows: Iterable[Mapping[str, object]]) -> dict[str, dict[str, float]]:
    """The metrics of each row under the name of its policy."""
    return {
        str(row["policy"]): {
            name: float(value)
            for name, value in row.items()
            if is_metric(name) and isinstance(value, int | float)
        }
        for row in rows
    }


def differences(was: object, now: object, name: str = "") -> Iterator[str]:
    """The dotted names of the leaves in which two JSON values differ.

    >>> list(differences({"mode": "a", "trace": {"name": "b"}}, {"mode": "a", "trace": {}}))
    ['trace.name']
    """
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from differences(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now:
        yield name


def read_baseline(path: Path, inputs: Mapping[str, object]) -> dict[str, dict[str, float]]:
    """The metrics of a comparison that was stored as JSON, by policy.

    `UserError` unless it was made with the same `inputs`: metrics of other hardware, or of another
    workload, trace or mode, are neither better nor worse.  The policies may differ.
    """
    now = json.loads(json.dumps(inputs))
    document = read_json(path, WRITE_ONE)
    try:
        rows, was = document["rows"], dict(document["inputs"])
        if not isinstance(rows, list) or document.get("schema_version") != SCHEMA_VERSION:
            raise KeyError
        metrics = metrics_by_policy(rows)
        other = [name for name in differences(was, now) if name not in MAY_DIFFER]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UserError(f"{path}: not a comparison; {WRITE_ONE}") from None
    if other:
        raise UserError(
            f"{path}: was made with other inputs ({', '.join(other[:SHOWN_DIFFERENCES])}); "
            "compare as it was made, or make it again as you compare, with --format json"
        )
    return metrics


def check_baseline(
    metrics: Mapping[str, Mapping[str, float]],
    baseline: Mapping[str, Mapping[str, float]],
    tolerance_percent: float,
) -> Iterator[Check]:
    """A check that each metric is as good as it was, for every policy that is compared now.

    `UserError` where the tolerance is not finite.
    """
    if not isfinite(tolerance_percent):
        raise UserError(f"--tolerance-percent: must be a finite number, got {tolerance_percent}")
    for policy in (name for name in metrics if name in baseline):
        for name in (name for name in METRICS if name in baseline[policy]):
            was, now = baseline[policy][name], metrics[policy][name]
            worse = METRICS[name].sign * (now - was)
            yield Check(
                name=f"{policy}.{name}",
                missed=not worse <= abs(was) * tolerance_percent / 100,  # NaN misses, too.
                detail=f"was {was:.6g}, is {now:.6g}",
            )


def check_all(
    rows: Iterable[Mapping[str, object]],
    *,
    conditions: Iterable[str],
    baseline: Path | None,
    tolerance_percent: float,
    inputs: Mapping[str, object],
) -> list[Check]:
    """The checks of every condition, and of every metric of a baseline of the same `inputs`.

    `UserError` where a condition or the baseline cannot be used.
    """
    metrics = metrics_by_policy(rows)
    checks = [check for text in conditions for check in check_condition(text, metrics)]
    if baseline is not None:
        kept = list(check_baseline(metrics, read_baseline(baseline, inputs), tolerance_percent))
        if not kept:
            raise UserError(
                f"{baseline}: has no metric of a policy compared: {', '.join(metrics)}; {WRITE_ONE}"
            )
        checks += kept
    return checks
