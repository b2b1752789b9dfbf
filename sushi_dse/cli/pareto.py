"""`pareto`: the front of stored results, as rows, a plot or a volume."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sushi_dse.cli import options

app = typer.Typer(no_args_is_help=True, help="The designs that no other design beats.")


@app.command()
def show(
    results: options.Results,
    objective: options.Objectives = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print the designs that no other design beats.

    Example: sushi-dse pareto show results/default --objective p99_latency_ms --objective dsp
    """
    from sushi_dse.report import print_rows
    from sushi_dse.summary import front_columns, front_records, objectives

    metrics = objectives(objective)
    rows, front = front_records(results, metrics)
    print_rows(
        front,
        front_columns(rows, metrics),
        output_format.value,
        document={"objectives": [metric.name for metric in metrics], "front": front},
        title=f"{len(front)} rows of {len(rows)} that no other row beats",
    )


@app.command()
def plot(
    results: options.Results,
    objective: options.Objectives = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A .png, .svg or .pdf file.", show_default="DIR/front.png"),
    ] = None,
    colour: Annotated[str, typer.Option(help="`policy`, or a metric.")] = "policy",
) -> None:
    """Draw the designs and their front; the first two objectives are the axes.

    Example: sushi-dse pareto plot results/default --colour energy_mj_per_query --out front.svg
    """
    from sushi_dse.metrics import Metric, find_metric
    from sushi_dse.plots import save_front_plot
    from sushi_dse.report import note
    from sushi_dse.store import read_results
    from sushi_dse.summary import objectives

    metrics = objectives(objective)
    shade: Metric | Literal["policy"] = "policy" if colour == "policy" else find_metric(colour)
    path = out or results / "front.png"
    save_front_plot(
        path,
        read_results(results),
        metrics,
        colour=shade,
    )
    note(f"wrote {path}")


@app.command()
def hypervolume(
    results: options.Results,
    objective: options.Objectives = None,
    reference: Annotated[
        list[float] | None,
        typer.Option(
            help="The reference point, a value an objective; repeat it.",
            show_default="a tenth past the worst row",
        ),
    ] = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print the hypervolume that the front dominates.

    Example: sushi-dse pareto hypervolume results/default --format json
    """
    from sushi_dse.report import print_rows
    from sushi_dse.summary import hypervolume_of, objectives

    metrics = objectives(objective)
    point, volume = hypervolume_of(results, metrics, reference)
    row = {**point, "hypervolume": volume}
    document = {"reference": point, "hypervolume": volume}
    print_rows([row], list(row), output_format.value, document=document)
