"""`compare`: policies beside each other on one design."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import options

app = typer.Typer(no_args_is_help=True, help="Policies beside each other on one design and trace.")


class ComparisonFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    markdown = "markdown"
    junit = "junit"


@app.callback()
def compare() -> None:
    """Policies beside each other on one design and trace."""


@app.command()
def policies(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    trace: options.TraceName = "random-walk",
    policy: options.Policies = None,
    mode: options.SelectionMode = options.Mode.strict_accuracy,
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    baseline: Annotated[
        Path | None, typer.Option(help="A comparison stored as JSON that must not be undercut.")
    ] = None,
    tolerance_percent: Annotated[
        float, typer.Option(help="How much worse than the baseline a metric may be.", min=0)
    ] = 0.1,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition that must not hold, e.g. "
            "'sushi.mean_latency_ms > 0.99 * no-sgs.mean_latency_ms'; repeat it."
        ),
    ] = None,
    output_format: Annotated[
        ComparisonFormat, typer.Option("--format", help="How the comparison is printed.")
    ] = ComparisonFormat.table,
) -> None:
    """Compare policies on one design and one trace; exit with 1 where a threshold is missed.

    Example: sushi-dse compare policies --fail-if 'sushi.slo_attainment < 0.5' --format junit
    """
    from sushi_dse.compare import check_all, compare_policies
    from sushi_dse.policies import POLICIES
    from sushi_dse.report import print_comparison, warn
    from sushi_dse.setting import load_setting, only_design

    setting = load_setting(hw, workload, trace, queries=queries, seed=seed)
    evaluation = setting.evaluation(policy or tuple(POLICIES), mode.value)
    rows = compare_policies(evaluation, only_design(setting.hardware))
    checks = check_all(
        rows, conditions=fail_if or (), baseline=baseline, tolerance_percent=tolerance_percent
    )
    print_comparison(
        rows,
        checks,
        output_format.value,
        inputs=setting.inputs(evaluation.policies, mode.value),
        title=f"{setting.hardware.name}, {setting.workload.name}, {len(setting.trace)} queries of "
        f"{trace}, {mode.value}",
    )
    missed = [check for check in checks if check.missed]
    for check in missed:
        warn(f"missed: {check.name}: {check.detail}")
    if missed:
        raise typer.Exit(1)
