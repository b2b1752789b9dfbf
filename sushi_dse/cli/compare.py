"""`compare`: policies beside each other on one design."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import sushi_dse
from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw
from sushi_dse.policies.names import POLICY_NAMES

app = typer.Typer(no_args_is_help=True, help="Policies beside each other on one design and trace.")


class ComparisonFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
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
    recache_every: options.RecacheEvery = 8,
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

    --plot draws the gain of each policy over no-sgs, with its interval; of five policies at most
    also, for the first seed, how latencies are distributed, the accuracy served over time and the
    switches of the SubGraph.

    Example: sushi-dse compare policies --fail-if 'sushi.slo_attainment < 0.5' --format junit
    """
    from sushi_dse.analysis.compare import check_all, compared
    from sushi_dse.evaluation.loading import seeds
    from sushi_dse.report.progress import warn_if_infeasible, warn_of_missed
    from sushi_dse.report.views import print_comparison

    check_plot(plot)

    experiment_of = partial(
        sushi_dse.load_experiment, hw, workload, trace, policies=policy or POLICY_NAMES,
        mode=mode, queries=queries, recache_every_queries=[recache_every],
    )  # fmt: skip
    found = compared(experiment_of, seeds(trace, seed, repeats))
    experiment = found.experiment
    warn_if_infeasible(experiment.design)
    checks = check_all(
        found.rows, conditions=fail_if or (), baseline=baseline,
        tolerance_percent=tolerance_percent, inputs=found.inputs,
    )  # fmt: skip
    title = f"{', '.join(experiment.names)}, {len(experiment.traced)} queries of {trace}, {mode}"
    print_comparison(found, checks, output_format, title=title)
    if plot is not None:
        from sushi_dse.plots.streams import comparison_panels

        draw(plot, comparison_panels(found), title)
    if warn_of_missed(checks):
        raise typer.Exit(1)
