"""`compare`: policies beside each other on one design."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import sushi_dse
from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw
from sushi_dse.errors import MissedError, UserError
from sushi_dse.policies.names import POLICY_NAMES
from sushi_dse.traces.names import DEMAND_NAMES, POISSON

if TYPE_CHECKING:  # Kernels take a second to import, and help needs none.
    from sushi_dse.evaluation.experiment import Experiment

app = typer.Typer(no_args_is_help=True, help="Policies beside each other on one design and trace.")


class ComparisonFormat(StrEnum):
    """How a comparison is printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    markdown = "markdown"
    junit = "junit"


class BaselineInputs(StrEnum):
    """Which inputs a baseline may have been made with."""

    any = "any"
    same = "same"


@app.callback()
def compare() -> None:
    """Policies beside each other on one design and trace."""


@app.command()
def policies(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
    trace: options.TraceName = "random-walk",
    policy: options.Policies = None,
    mode: options.SelectionMode = options.Mode.strict_latency,
    recache_every: options.RecacheEvery = 8,
    queries: options.Queries = 2000,
    arrivals: options.Arrivals = None,
    load: options.Load = None,
    accelerators: options.Accelerators = 1,
    routing: options.Routing = options.RoutingRule.suited,
    batch_limit: options.BatchLimit = 8,
    seed: options.Seed = 0,
    capacity: Annotated[
        bool,
        typer.Option(
            "--capacity", help="Find the highest rate of arrivals that keeps the --slo-target."
        ),
    ] = False,
    slo_target: options.SloTarget = 0.99,
    loads: Annotated[
        str | None,
        typer.Option(
            help="Loads to draw curves over, FROM:TO:COUNT or with commas between: rates of the "
            "stream's arrivals, as shares of what is served back to back."
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(help="Seeds to repeat the comparison over, for intervals.", min=1, max=10_000),
    ] = 1,
    at_least_percent: Annotated[
        float,
        typer.Option(help="Least gain that is a verdict, beside an interval without 0.", min=0),
    ] = 1.0,
    baseline: Annotated[
        Path | None, typer.Option(help="A comparison stored as JSON that must not be undercut.")
    ] = None,
    baseline_inputs: Annotated[
        BaselineInputs,
        typer.Option(
            help="Inputs of the baseline: any, and a metric must not be worse; or the same, and "
            "none may change."
        ),
    ] = BaselineInputs.any,
    tolerance_percent: Annotated[
        float | None,
        typer.Option(
            help="How much worse than the baseline a metric may be, or with the same inputs how "
            "much it may change.",
            min=0,
            show_default="0.1; 0 with --baseline-inputs same",
        ),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition that must not hold, e.g. "
            "'sushi.mean_latency_ms > 0.99 * no-sgs.mean_latency_ms'; repeat it."
        ),
    ] = None,
    queries_out: Annotated[
        Path | None,
        typer.Option(help="Write each query as each policy served it, to a .parquet or .csv file."),
    ] = None,
    plot: PlotFile = None,
    output_format: Annotated[
        ComparisonFormat, typer.Option("--format", help="How the comparison is printed.")
    ] = ComparisonFormat.table,
) -> None:
    """Compare policies on one design and one trace; exit with 1 where a threshold is missed.

    With --repeats every metric has an interval (95 %, Student's t over seeds), and a condition may
    name its bounds: 'sushi.gain_over_no_sgs_percent_low < 1'.

    --plot draws the gain of each policy over no-sgs, with its interval; of five policies at most
    also, for the first seed, how latencies are distributed, the accuracy served over time, the
    switches of the SubGraph, and the response time of each query with the demands missed.

    With --loads each policy has a row for each load, which says where the knee is, the load of the
    greatest throughput over mean latency (Kleinrock, 1979), and what is over the capacity; --plot
    draws the curves. A synthetic stream arrives as --arrivals says, by default poisson.

    Example: sushi-dse compare policies --fail-if 'sushi.slo_attainment < 0.5' --format junit
    """
    from sushi_dse.analysis.compare import check_all, compared
    from sushi_dse.evaluation.loading import seeds
    from sushi_dse.report.progress import note, note_baseline, warn_if_infeasible, warn_of_baseline
    from sushi_dse.report.views import print_comparison

    check_plot(plot)
    if queries_out is not None:
        from sushi_dse.evaluation.queries import check_results_file

        _refuse("--queries-out", {"--repeats": repeats > 1})
        check_results_file(queries_out)
    if loads is not None and arrivals is None and trace in DEMAND_NAMES:
        arrivals = POISSON
    experiment_of = partial(
        sushi_dse.load_experiment, hw, workload, trace, policies=policy or POLICY_NAMES,
        mode=mode, queries=queries, recache_every_queries=[recache_every], arrivals=arrivals,
        weight_bits=weight_bits,
        load=load, capacity_target=slo_target if capacity or loads else None,
        accelerators=accelerators, routing=routing,
        batch_limit=batch_limit,
    )  # fmt: skip
    if loads is not None:
        _refuse(
            "--loads", {"--repeats": repeats > 1, "--baseline": baseline is not None,
                        "--fail-if": bool(fail_if), "--queries-out": queries_out is not None,
                        "--format junit": output_format == ComparisonFormat.junit},
        )  # fmt: skip
        _over_loads(experiment_of(seed=seed), trace, loads, plot, output_format)
        return
    found = compared(experiment_of, seeds(trace, seed, repeats), at_least_percent)
    experiment = found.experiment
    warn_if_infeasible(experiment.design)
    checked = check_all(
        found.rows, conditions=fail_if or (), baseline=baseline, inputs=found.inputs,
        tolerance_percent=tolerance_percent, same=baseline_inputs == BaselineInputs.same,
    )  # fmt: skip
    if output_format not in (ComparisonFormat.table, ComparisonFormat.markdown):  # these say it
        note_baseline(checked.baseline)
    if checked.baseline is not None:
        warn_of_baseline(checked.baseline, found)
    title = _title(experiment, trace)
    print_comparison(found, checked, output_format, title=title)
    if queries_out is not None:
        from sushi_dse.evaluation.queries import query_results, write_query_results

        results = query_results(experiment)
        write_query_results(results, queries_out)
        note(f"wrote {queries_out}: {len(results):,} rows, of each policy and query")
    if plot is not None:
        from sushi_dse.plots.streams import comparison_panels

        draw(plot, comparison_panels(found), title)
    if checked.missed:
        raise MissedError("\n".join(checked.missed))


def _title(experiment: "Experiment", trace: str) -> str:
    queries = f"{len(experiment.traced)} queries of {trace}"
    return f"{', '.join(experiment.names)}, {queries}, {experiment.mode}"


def _refuse(option: str, others: Mapping[str, bool]) -> None:
    """Raise `UserError` where other options are given that an option has no meaning for."""
    given = [name for name, is_given in others.items() if is_given]
    if given:
        raise UserError(f"{option}: goes without {', '.join(given)}; leave out one or the other")


def _over_loads(
    experiment: "Experiment", trace: str, loads: str, plot: Path | None, output_format: str
) -> None:
    """Print, and draw, the curves of policies over loads."""
    from sushi_dse.analysis.loads import asked_loads, load_curves
    from sushi_dse.report.loads import print_load_curves
    from sushi_dse.report.progress import warn_if_infeasible

    asked = asked_loads(loads)
    if plot is not None:
        from sushi_dse.plots.loads import check_curves

        check_curves(len(experiment.policies))
    warn_if_infeasible(experiment.design)
    found = load_curves(experiment, asked)
    title = f"{_title(experiment, trace)}; load 1 is {found.full_load_per_s:.4g} queries/s"
    print_load_curves(found, output_format, title=title)
    if plot is not None:
        from sushi_dse.plots.loads import load_panels

        draw(plot, load_panels(found), title)
