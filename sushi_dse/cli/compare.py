"""`compare`: policies beside each other on one design."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw

app = typer.Typer(no_args_is_help=True, help="Policies beside each other on one design and trace.")


class ComparisonFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
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
    repeats: Annotated[
        int,
        typer.Option(help="Seeds to repeat the comparison over, for intervals.", min=1, max=10_000),
    ] = 1,
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
    plot: PlotFile = None,
    output_format: Annotated[
        ComparisonFormat, typer.Option("--format", help="How the comparison is printed.")
    ] = ComparisonFormat.table,
) -> None:
    """Compare policies on one design and one trace; exit with 1 where a threshold is missed.

    With --repeats every metric has an interval (95 %, paired bootstrap over seeds), and a condition
    may name its bounds: 'sushi.gain_over_no_sgs_percent_low < 1'.

    --plot draws, for the first seed, how latencies are distributed, and over time the accuracy
    served and the switches of the SubGraph.

    Example: sushi-dse compare policies --fail-if 'sushi.slo_attainment < 0.5' --format junit
    """
    from sushi_dse.analysis.compare import check_all, compare_policies
    from sushi_dse.analysis.repeats import summarise_repeats
    from sushi_dse.evaluation.loading import load_setting, only_design, seeds
    from sushi_dse.policies.catalogue import POLICIES
    from sushi_dse.report.progress import warn, warn_if_infeasible
    from sushi_dse.report.views import print_comparison

    check_plot(plot)
    runs = []
    for own_seed in reversed(seeds(trace, seed, repeats)):  # the first seed's setting is shown
        setting = load_setting(hw, workload, trace, queries=queries, seed=own_seed)
        evaluation = setting.evaluation(policy or tuple(POLICIES), mode.value)
        runs.append(compare_policies(evaluation, setting.traced, only_design(setting.hardware)))
    warn_if_infeasible(setting.hardware.space.base)
    rows = summarise_repeats(runs) if repeats > 1 else runs[0]
    inputs = {**setting.inputs(evaluation.policies, mode.value), "repeats": repeats}
    checks = check_all(
        rows,
        conditions=fail_if or (),
        baseline=baseline,
        tolerance_percent=tolerance_percent,
        inputs=inputs,
    )
    title = (
        f"{setting.hardware.name}, {setting.workload.name}, {len(setting.traced)} queries of "
        f"{trace}, {mode.value}"
    )
    print_comparison(
        rows,
        checks,
        output_format.value,
        inputs=inputs,
        title=title,
    )
    if plot is not None:
        from sushi_dse.evaluation.replay import replay
        from sushi_dse.plots.streams import serving_panels

        served = replay(evaluation, setting.traced, only_design(setting.hardware))
        draw(plot, serving_panels(served, setting.traced), title)
    missed = [check for check in checks if check.missed]
    for check in missed:
        warn(f"missed: {check.name}: {check.detail}")
    if missed:
        raise typer.Exit(1)
