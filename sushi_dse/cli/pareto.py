"""`pareto`: the front of stored results, as rows, a plot or a volume."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sushi_dse.cli import names as completion
from sushi_dse.cli import options
from sushi_dse.cli.plotting import check_plot, draw
from sushi_dse.cli.robust import robust
from sushi_dse.cli.usage import command_line
from sushi_dse.errors import UserError, naming

if TYPE_CHECKING:
    from sushi_dse.store.parts import Part
    from sushi_dse.store.run import Run

app = typer.Typer(no_args_is_help=True, help="The designs that no other design beats.")


@app.command()
def show(
    results: options.Results,
    objective: options.Objectives = None,
    where: options.Where = None,
    tolerance_percent: options.Tolerance = 0.1,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print the designs that no other design beats; rows that agree are printed once.

    Example: sushi-dse pareto show results/default --objective p99_latency_ms --objective dsp
    """
    from sushi_dse.analysis.sensitivity import idle_in_folder
    from sushi_dse.analysis.where import kept_parts
    from sushi_dse.explore.folding import folded
    from sushi_dse.explore.survey import objectives, records, survey
    from sushi_dse.report.surveys import print_front
    from sushi_dse.store.run import Run
    from sushi_dse.store.seeds import mean_parts

    run = Run.read(results)
    metrics = objectives(objective, run.names("unknown_accuracy", results))
    caveats = run.names("caveats", results)
    with naming(results):
        found = survey(kept_parts(mean_parts(results), where), metrics)
        idle = idle_in_folder(results, found)
    front = records(found.front)
    accuracy_of = run.accuracy_of(results)
    document = {"objectives": [metric.name for metric in metrics], "served": run.served,
                "accuracy_of": accuracy_of, "front": front, "idle_axes": idle,
                "caveats": list(caveats)}  # fmt: skip
    print_front(
        folded(found.front, metrics, tolerance_percent=tolerance_percent, idle=idle),
        front,
        output_format,
        document=document,
        title=f"{len(front)} rows of {found.rows} that no other row beats; {run.served}",
        accuracy_of=accuracy_of,
        idle=idle,
        caveats=caveats,
    )


class PlotKind(StrEnum):
    """What a picture of a front shows."""

    front = "front"
    parallel = "parallel"


@app.command()
def plot(
    results: options.Results,
    objective: options.Objectives = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A .png, .svg or .pdf file, or an .html report.", show_default="DIR/front.png"
        ),
    ] = None,
    colour: Annotated[
        str | None,
        typer.Option(
            help="`policy`, a metric or an axis.",
            show_default="of three objectives the accuracy, or the last; else policy",
            autocompletion=completion.metrics,
        ),
    ] = None,
    label: Annotated[
        list[int] | None, typer.Option(help="A design to label, by its number; repeat it.")
    ] = None,
    kind: Annotated[
        PlotKind | None,
        typer.Option(
            help="Of a picture: `front`, over the first two objectives, or `parallel`, an axis an "
            "objective. A report shows both.",
            show_default="front up to three objectives, then parallel",
        ),
    ] = None,
    where: options.Where = None,
    x: Annotated[
        str | None,
        typer.Option(
            "--x",
            help="In place of the front: the best --y over this axis or metric.",
            show_default="none",
        ),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option(
            "--y",
            help="The metric over --x.",
            show_default="mean_latency_ms",
            autocompletion=completion.metrics,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            help="With --x: a line for each policy, or for each value of an axis.",
            show_default="policy",
        ),
    ] = None,
) -> None:
    """Draw the front and the designs to decide between, as a picture or an offline HTML report.

    Of three objectives two are axes and the colour is the third. The knee is the row of the front
    that is least bad in what it is worst at, each cost from 0 to 1 over the front. With --x, lines
    of the best --y; after `sweep --repeats`, with a band from the least to the most over the seeds.

    Example: sushi-dse pareto plot results/default --label 160 --label 2443 --out report.html
    """
    from sushi_dse.analysis.where import kept_parts
    from sushi_dse.plots.lines import best_panel, line_rows
    from sushi_dse.store.run import Run
    from sushi_dse.store.seeds import mean_parts

    run = Run.read(results)
    path = out or results / "front.png"
    check_plot(path)
    with naming(results):
        parts = kept_parts(mean_parts(results), where)
    if x is None:
        if y or by:
            raise UserError("--y and --by are of lines over --x; give --x too")
        _draw_front(results, run, parts, path, objective, colour=colour, label=label, kind=kind)
        return
    if objective or label or kind or colour is not None:
        raise UserError("--x draws lines; leave --objective, --label, --kind and --colour out")
    rows, metric = line_rows(parts, x, y or "mean_latency_ms", by or "policy")
    panel = best_panel(rows, x, metric, by or "policy", accuracy_of=run.accuracy_of(results))
    draw(path, [panel], title="")


def _draw_front(
    results: Path,
    run: "Run",
    parts: "Sequence[Part]",
    path: Path,
    objective: list[str] | None,
    *,
    colour: str | None,
    label: list[int] | None,
    kind: PlotKind | None,
) -> None:
    """Draw the front of stored rows, and note the objectives that are the same in all of them."""
    from sushi_dse.explore.survey import objectives
    from sushi_dse.plots.files import is_page
    from sushi_dse.plots.front import front_picture
    from sushi_dse.plots.report import save_report
    from sushi_dse.plots.stored import marked_rows
    from sushi_dse.report.progress import note

    metrics = objectives(objective, run.names("unknown_accuracy", results))
    if is_page(path) and kind is not None:
        raise UserError(f"{path}: a report shows both kinds; leave --kind out")
    marked, shown = marked_rows(
        results, parts, metrics, colour=colour, designs=label or (), whole=is_page(path)
    )
    if is_page(path):
        commands = {"swept by": run.command, "drawn by": command_line()}
        title = f"Designs of {results}"
        save_report(path, marked, columns=shown, commands=commands, inputs=run.inputs, title=title)
        note(f"wrote {path}")
    else:
        draw(path, [front_picture(marked, kind)], title="")
    for name in marked.flat:
        note(f"{name} is the same in every row; --objective names others")
    for caveat in run.names("caveats", results):
        note(caveat)


app.command()(robust)


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
    """Print the hypervolume that the front dominates, of many rows in many objectives nearly.

    Example: sushi-dse pareto hypervolume results/default --format json
    """
    from sushi_dse.explore.survey import hypervolume_of, objectives, survey
    from sushi_dse.report.formats import print_rows
    from sushi_dse.report.progress import note
    from sushi_dse.report.views import tell_caveats
    from sushi_dse.store.run import Run
    from sushi_dse.store.seeds import mean_parts

    run = Run.read(results)
    metrics = objectives(objective, run.names("unknown_accuracy", results))
    with naming(results):
        found = survey(mean_parts(results), metrics)
        point, volume, is_exact = hypervolume_of(found, reference)
    row = {**point, "hypervolume": volume}
    document: dict[str, object] = {"reference": point, "hypervolume": volume, "exact": is_exact}
    if not is_exact:
        rows, many = len(found.front), len(metrics)
        note(f"an approximation: exact for {rows} rows in {many} objectives would take too long")
    caveats, accuracy_of = run.names("caveats", results), run.accuracy_of(results)
    document |= {"accuracy_of": accuracy_of, "caveats": list(caveats)}
    print_rows(
        [row], list(row), output_format.value,
        document=document, title=run.served, accuracy_of=accuracy_of,
    )  # fmt: skip
    tell_caveats(caveats, output_format.value)


@app.command()
def verify(
    results: options.Results,
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Check the certificate of an exact sweep: that no design outside of its front belongs there.

    Example: sushi-dse pareto verify results/exact --hw zcu104_space
    """
    from sushi_dse.explore.exact.folder import verify as check_certificate
    from sushi_dse.report.formats import print_rows

    counts = check_certificate(results, hw, workload, weight_bits)
    print_rows([counts], list(counts), output_format, document=counts, title="It holds")
