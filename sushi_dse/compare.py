"""Policies beside each other on one design and trace, and checks that a build can fail on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sushi_dse.errors import UserError
from sushi_dse.evaluate import Evaluation, Row, policy_rows
from sushi_dse.hardware import Accelerator
from sushi_dse.latency_table import candidate_table
from sushi_dse.metrics import METRICS
from sushi_dse.store import SCHEMA_VERSION
from sushi_dse.thresholds import Check, check_condition


def compare_policies(evaluation: Evaluation, accelerator: Accelerator) -> list[Row]:
    """The metrics of each policy of `evaluation` on one design, in the order asked for."""
    table = candidate_table(evaluation.network, accelerator)
    return list(policy_rows(evaluation, accelerator, table))


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


def read_baseline(path: Path) -> dict[str, dict[str, float]]:
    """The metrics of a comparison that was stored as JSON."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        rows = document["rows"]
        if not isinstance(rows, list) or document.get("schema_version") != SCHEMA_VERSION:
            raise KeyError
        return metrics_by_policy(rows)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UserError(
            f"{path}: not a comparison; write one with "
            "`sushi-dse compare policies --format json > FILE`"
        ) from None


def check_baseline(
    metrics: Mapping[str, Mapping[str, float]],
    baseline: Mapping[str, Mapping[str, float]],
    tolerance_percent: float,
) -> Iterator[Check]:
    """Whether each metric is as good as it was, for every policy that is compared now."""
    for policy in (name for name in metrics if name in baseline):
        for name in (name for name in METRICS if name in baseline[policy]):
            was, now = baseline[policy][name], metrics[policy][name]
            sign = -1 if METRICS[name].maximise else 1
            worse = sign * (now - was)
            yield Check(
                name=f"{policy}.{name}",
                missed=not worse <= abs(was) * tolerance_percent / 100,  # nor is NaN as good
                detail=f"was {was:.6g}, is {now:.6g}",
            )


def check_all(
    rows: Iterable[Mapping[str, object]],
    *,
    conditions: Iterable[str],
    baseline: Path | None,
    tolerance_percent: float,
) -> list[Check]:
    """The outcome of every condition, and of every metric of the baseline."""
    metrics = metrics_by_policy(rows)
    checks = [check for text in conditions for check in check_condition(text, metrics)]
    if baseline is not None:
        kept = list(check_baseline(metrics, read_baseline(baseline), tolerance_percent))
        if not kept:
            raise UserError(f"{baseline}: has no metric of a policy compared: {', '.join(metrics)}")
        checks += kept
    return checks
