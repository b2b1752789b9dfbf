"""A comparison of policies that was stored, and what became of its metrics since."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from sushi_dse.analysis.thresholds import Change, Check
from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import ACCURACY_GAIN, GAIN, METRICS
from sushi_dse.files import read_json
from sushi_dse.hardware.accelerator import RESOURCE_KINDS
from sushi_dse.store.run import SCHEMA_VERSION
from sushi_dse.workload.rated import common_metric

WRITE_ONE = "write one with `sushi-dse compare policies --format json > FILE`"
SHOWN_DIFFERENCES = 3  # most inputs of a baseline that a line names
MAY_DIFFER = ("policies",)  # inputs in which a baseline may differ and still be of the same ones
TAKEN = (*RESOURCE_KINDS, "device_share")  # metrics that hardware and workload alone decide
DIFFERENCES = (GAIN, ACCURACY_GAIN)  # metrics that are differences of two policies
ROUNDING = 1e-9  # relative difference that another processor or library may make


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The metrics of a stored comparison, and in which inputs it differs from one that is made."""

    place: Path
    metrics: Mapping[str, Mapping[str, float]]  # by policy, then by metric
    differing: Sequence[str]  # dotted names of inputs; empty where they are the same

    def lacks(self, metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
        """The metrics that are known now and were not, by the name of policy and metric."""
        return [
            f"{policy}.{name}"
            for policy, own in metrics.items()
            for name, value in own.items()
            if policy in self.metrics and name not in self.metrics[policy] and value == value
        ]

    @property
    def said(self) -> str:
        """The inputs that differ, the first by name: `mode, trace.sha256 and 4 more`."""
        more = len(self.differing) - SHOWN_DIFFERENCES
        shown = ", ".join(self.differing[:SHOWN_DIFFERENCES])
        return f"{shown} and {more} more" if more > 0 else shown


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


def read_baseline(path: Path, inputs: Mapping[str, object], *, same: bool = False) -> Baseline:
    """The comparison that was stored as JSON, beside one that is made with `inputs`.

    `UserError` where it is none, where its accuracies are of another metric, and where it must be
    of the `same` inputs and is not.
    """
    now = json.loads(json.dumps(inputs))
    document = read_json(path, WRITE_ONE)
    try:
        rows, was = document["rows"], dict(document["inputs"])
        if not isinstance(rows, list) or document.get("schema_version") != SCHEMA_VERSION:
            raise KeyError
        metrics = _stored_metrics(rows)
        metric, own = (str(of["workload"]["accuracy_of"]) for of in (was, now))
        other = [name for name in differences(was, now) if name not in MAY_DIFFER]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UserError(f"{path}: not a comparison; {WRITE_ONE}") from None
    common_metric({str(path): metric, "this comparison": own})
    found = Baseline(place=path, metrics=metrics, differing=other)
    if same and other:
        raise UserError(
            f"{path}: was made with other inputs ({found.said}); compare as it was made, make it "
            "again as you compare, or allow it by --baseline-inputs any"
        )
    return found


def _stored_metrics(rows: Sequence[Any]) -> dict[str, dict[str, float]]:
    """The metrics of stored rows; `ValueError` for what no comparison prints."""
    for row in rows:
        for name in filter(is_metric, row):
            value = row[name]
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise ValueError(f"{name} is no number")
            if value is not None and not isfinite(value):
                raise ValueError(f"{name} is not finite")
    found = metrics_by_policy(rows)
    if len(found) < len(rows):
        raise ValueError("a policy has two rows")
    return found


def check_baseline(
    metrics: Mapping[str, Mapping[str, float]],
    baseline: Baseline,
    tolerance_percent: float,
    *,
    same: bool = False,
) -> Iterator[Check]:
    """A check of each metric against what it was, for every policy that is compared now.

    It is missed where the metric is worse by more than the tolerance, and where it must be the
    `same`, where it changed either way by more than the tolerance and rounding.  The tolerance is
    on what the metric was; of a gain, which may be next to nothing, it is in points.  Blocks that
    hardware and workload fix are no checks where these are equal.  `UserError` where the tolerance
    is not finite.
    """
    if not isfinite(tolerance_percent):
        raise UserError(f"--tolerance-percent: must be a finite number, got {tolerance_percent}")
    fixed = not any(name.startswith(("hardware", "workload")) for name in baseline.differing)
    names = [name for name in METRICS if not (fixed and name in TAKEN)]
    rounding = ROUNDING if same else 0.0
    for policy in (name for name in metrics if name in baseline.metrics):
        for name in (name for name in names if name in baseline.metrics[policy]):
            change = Change(was=baseline.metrics[policy][name], now=metrics[policy][name])
            worse = METRICS[name].sign * (change.now - change.was)
            far = abs(worse) if same else worse
            size = 100.0 if name in DIFFERENCES else abs(change.was)
            yield Check(
                name=f"{policy}.{name}",
                missed=not far <= size * max(tolerance_percent / 100, rounding),  # NaN misses.
                detail=change.said,
                metric=name,
                change=change,
            )
