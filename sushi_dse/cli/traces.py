"""`trace`: streams of queries, made and described."""

from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import options

app = typer.Typer(no_args_is_help=True, help="Streams of queries.")


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="A .csv or .parquet file.")],
    demands: Annotated[str, typer.Option(help="independent, random-walk or phases.")] = (
        "random-walk"
    ),
    arrivals: Annotated[str, typer.Option(help="closed-loop or poisson.")] = "closed-loop",
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    locality: Annotated[
        float, typer.Option(help="Of random-walk: 0 forgets, 1 never moves.", min=0, max=1)
    ] = 0.9,
    phases: Annotated[int, typer.Option(help="Of phases: how many.", min=2)] = 4,
    mean_phase_queries: Annotated[
        float, typer.Option(help="Of phases: how long one lasts.", min=1)
    ] = 100,
    rate_per_s: Annotated[float, typer.Option(help="Of poisson: queries a second.")] = 20,
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
) -> None:
    """Write a seeded trace whose demands span what the workload's SubNets offer on the hardware.

    Example: sushi-dse trace generate --demands phases --arrivals poisson --out phases.csv
    """
    from sushi_dse.config import load_hardware, load_workload
    from sushi_dse.network import Network
    from sushi_dse.queries import write_trace
    from sushi_dse.report import note
    from sushi_dse.setting import spanned_trace

    trace = spanned_trace(
        Network.of(load_workload(workload).supernet),
        load_hardware(hw).space.reference,
        demands=demands,
        arrivals=arrivals,
        queries=queries,
        seed=seed,
        locality=locality,
        phases=phases,
        mean_phase_queries=mean_phase_queries,
        rate_per_s=rate_per_s,
    )
    write_trace(trace, out)
    note(f"wrote {out}: {queries} queries")


@app.command()
def describe(
    trace: Annotated[Path, typer.Argument(help="A .csv or .parquet file.")],
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print what a trace asks for.

    Example: sushi-dse trace describe phases.csv --format json
    """
    from sushi_dse.queries import describe_trace, read_trace
    from sushi_dse.report import print_facts

    print_facts(describe_trace(read_trace(trace)), output_format.value, title=str(trace))
