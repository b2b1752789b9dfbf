"""`trace`: streams of queries, made, imported and described."""

from pathlib import Path
from typing import Annotated, Any

import typer

import sushi_dse
from sushi_dse.cli import names as completion
from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw

app = typer.Typer(no_args_is_help=True, help="Streams of queries.")
imports = typer.Typer(no_args_is_help=True, help="Request logs as streams of queries.")
app.add_typer(imports, name="import")

Out = Annotated[Path, typer.Option(help="A .csv or .parquet file.")]
LogFile = Annotated[Path, typer.Argument(help="A file of CSV or JSON lines, plain or gzipped.")]
Load = Annotated[
    float | None,
    typer.Option(
        help="Queries a second as a share of what the hardware serves back to back: each SubNet as "
        "often as the next, nothing cached."
    ),
]
Rate = Annotated[float | None, typer.Option(help="Queries a second, on average.")]
Limit = Annotated[int | None, typer.Option(help="Only so many, the first to arrive.", min=2)]


@app.command()
def generate(
    context: typer.Context,
    out: Out,
    demands: Annotated[
        str,
        typer.Option(help="independent, random-walk or phases.", autocompletion=completion.demands),
    ] = "random-walk",
    arrivals: Annotated[
        str,
        typer.Option(
            help="closed-loop, poisson, gamma, mmpp (bursts) or diurnal.",
            autocompletion=completion.arrivals,
        ),
    ] = "closed-loop",
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    locality: Annotated[
        float, typer.Option(help="Of random-walk: 0 forgets, 1 never moves.", min=0, max=1)
    ] = 0.9,
    phases: Annotated[int, typer.Option(help="Of phases: how many.", min=2)] = 4,
    mean_phase_queries: Annotated[
        float, typer.Option(help="Of phases: how long one lasts.", min=1)
    ] = 100,
    rate_per_s: Annotated[
        float | None,
        typer.Option(help="Of all but closed-loop: queries a second.", show_default="20"),
    ] = None,
    load: Load = None,
    interarrival_cv: Annotated[
        float, typer.Option(help="Of gamma: standard deviation of a gap over its mean.")
    ] = 4,
    burst_rate_factor: Annotated[
        float, typer.Option(help="Of mmpp: the rate in a burst over that between bursts.")
    ] = 10,
    mean_burst_s: Annotated[float, typer.Option(help="Of mmpp: how long a burst lasts.")] = 1,
    mean_calm_s: Annotated[
        float, typer.Option(help="Of mmpp: how long it is to the next burst.")
    ] = 9,
    amplitude: Annotated[
        float, typer.Option(help="Of diurnal: swing of the rate over its mean.", min=0, max=1)
    ] = 0.8,
    period_s: Annotated[float, typer.Option(help="Of diurnal: length of a day.")] = 60,
    colocation: Annotated[
        str,
        typer.Option(
            help="What others on the machine cost a query: none, diurnal (over --period-s) or "
            "bursts (--mean-burst-s, --mean-calm-s)."
        ),
    ] = "none",
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
) -> None:
    """Write a seeded trace whose demands span what the workload's SubNets offer on the hardware.

    Example: sushi-dse trace generate --demands phases --arrivals mmpp --load 0.8 --out bursts.csv
    """
    from sushi_dse.evaluation.loading import made_trace
    from sushi_dse.report.progress import note, warn_if_infeasible
    from sushi_dse.traces.files import write_trace

    warn_if_infeasible(sushi_dse.load_hardware(hw).space.reference)
    own = ("out", "hw", "workload")  # the other options are the parameters of the generators
    parameters = {name: value for name, value in context.params.items() if name not in own}
    write_trace(made_trace(hw, workload, **parameters), out)
    note(f"wrote {out}: {queries} queries")


@imports.command()
def azure_llm(
    file: LogFile,
    out: Out,
    rate_per_s: Rate = None,
    load: Load = None,
    limit: Limit = None,
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
) -> None:
    """Write the trace of an Azure LLM inference log, in its own timing or stretched to a rate.

    By rank over what the workload's SubNets offer on the hardware, a longer answer demands more
    accuracy and a longer prompt allows more latency.

    Example: sushi-dse trace import azure-llm AzureLLMInferenceTrace_code.csv --load 0.8 --out t.csv
    """
    from dataclasses import asdict

    from sushi_dse.traces.importers import AZURE_LLM

    _import(file, out, rate_per_s, load, limit, hw, workload, **asdict(AZURE_LLM))


@imports.command()
def csv(
    file: LogFile,
    out: Out,
    arrived: Annotated[str, typer.Option(help="The column of the times of arrival.")],
    time_unit: Annotated[
        str, typer.Option(help="Of the times: s, ms, us, ns, or iso (2023-11-16 18:17:03.97).")
    ],
    accuracy: Annotated[
        str | None, typer.Option(help="The column of the least accuracy, in percent.")
    ] = None,
    latency: Annotated[
        str | None, typer.Option(help="The column of the greatest latency, in ms.")
    ] = None,
    rank: Annotated[
        bool,
        typer.Option("--rank", help="Spread both columns by rank over what the SubNets offer."),
    ] = False,
    skip_incomplete: Annotated[
        bool,
        typer.Option("--skip-incomplete", help="Leave out rows that lack a field; count them."),
    ] = False,
    rate_per_s: Rate = None,
    load: Load = None,
    limit: Limit = None,
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
) -> None:
    """Write the trace of a log in named columns, in its own timing or stretched to a rate.

    A log may also be in JSON lines, an object with these keys in each.

    A demand that no column is named for is the laxest that the workload's SubNets span.

    Example: sushi-dse trace import csv log.csv.gz --arrived time --time-unit us --out t.csv
    """
    _import(
        file,
        out,
        rate_per_s,
        load,
        limit,
        hw,
        workload,
        arrived=arrived,
        time_unit=time_unit,
        accuracy=accuracy,
        latency=latency,
        rank=rank,
        skip_incomplete=skip_incomplete,
    )


def _import(
    file: Path,
    out: Path,
    rate_per_s: float | None,
    load: float | None,
    limit: int | None,
    hw: str,
    workload: str,
    **columns: Any,
) -> None:
    """Write the trace of a log; `columns` are the fields of a `LogColumns`."""
    from sushi_dse.evaluation.loading import imported_trace
    from sushi_dse.report.progress import note, warn, warn_if_infeasible
    from sushi_dse.traces.files import write_trace

    warn_if_infeasible(sushi_dse.load_hardware(hw).space.reference)
    imported, notes, load_line = imported_trace(
        file, columns, hw=hw, workload=workload, load=load, rate_per_s=rate_per_s, limit=limit
    )
    for warning in imported.warnings:
        warn(warning)
    write_trace(imported.trace, out)
    for line in notes:
        note(line)
    note(f"wrote {out}: {load_line}")


@app.command()
def describe(
    trace: Annotated[Path, typer.Argument(help="A .csv or .parquet file.")],
    plot: PlotFile = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print what a trace asks for, and in what bursts.

    --plot draws arrivals and demands over time.

    Example: sushi-dse trace describe phases.csv --plot phases.png
    """
    from sushi_dse.report.views import print_facts
    from sushi_dse.traces.describe import describe_trace
    from sushi_dse.traces.files import read_trace

    check_plot(plot)
    described = read_trace(trace)
    print_facts(describe_trace(described), output_format.value, title=str(trace))
    if plot is not None:
        from sushi_dse.plots.streams import trace_panels

        draw(plot, trace_panels(described), f"{trace}: {len(described):,} queries")
