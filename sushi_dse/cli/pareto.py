"""`pareto`: the front of stored results, as rows, a plot or a volume."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sushi_dse.cli import names as completion
from sushi_dse.cli import options
from sushi_dse.cli.plotting import command_line, draw
from sushi_dse.errors import naming

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
    from sushi_dse.explore.survey import front_columns, objectives, records, survey
    from sushi_dse.report.formats import print_rows
    from sushi_dse.store.parts import stored_parts

    metrics = objectives(objective)
    with naming(results):
        found = survey(stored_parts(results), metrics)
    front = records(found.front)
    print_rows(
        front,
        front_columns(found.columns, metrics),
        output_format.value,
        document={"objectives": [metric.name for metric in metrics], "front": front},
        title=f"{len(front)} rows of {found.rows} that no other row beats",
    )


FRONT_OBJECTIVES = 3  # of which a plane and a colour still show what is traded


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
        str, typer.Option(help="`policy`, or a metric.", autocompletion=completion.metrics)
    ] = "policy",
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
) -> None:
    """Draw the designs, their front and its knee, as a picture or as an offline HTML report.

    The knee is the row of the front with the least sum of costs, each from 0 to 1 over the front.

    Example: sushi-dse pareto plot results/default --label 480 --label 2663 --out report.html
    """
    from sushi_dse.errors import UserError
    from sushi_dse.evaluation.metrics import Metric, find_metric
    from sushi_dse.explore.survey import front_columns, objectives
    from sushi_dse.plots.files import check_plot_file, is_page
    from sushi_dse.plots.front import front_panel, parallel_panel
    from sushi_dse.plots.marks import listed_rows, mark
    from sushi_dse.plots.report import save_report
    from sushi_dse.report.progress import note
    from sushi_dse.store.parts import read_results, stored_parts

    metrics = objectives(objective)
    shade: Metric | Literal["policy"] = "policy" if colour == "policy" else find_metric(colour)
    path = out or results / "front.png"
    check_plot_file(path)
    if is_page(path) and kind is not None:
        raise UserError(f"{path}: a report shows both kinds; leave --kind out")
    shown = front_columns(stored_parts(results)[0].columns, metrics)
    shown += [] if colour in shown else [colour]
    rows = read_results(results, [*shown, "infeasible_reason"])
    with naming(results):
        marked = mark(rows, metrics, colour=shade, designs=label or ())
    if is_page(path):
        run = _run(results / "run.json")
        commands = {
            "swept by": run["command"],
            "drawn by": command_line(),
        }
        title = f"Designs of {results}"
        save_report(
            path, marked, columns=shown, commands=commands, inputs=run["inputs"], title=title
        )
        note(f"wrote {path}")
    else:
        many = kind is None and len(metrics) > FRONT_OBJECTIVES
        panel = parallel_panel if many or kind is PlotKind.parallel else front_panel
        draw(path, [panel(marked, listed_rows(marked))], title="")
    for name in marked.flat:
        note(f"{name} is the same in every row; --objective names others")


def _run(path: Path) -> Any:
    """The command and the inputs of stored results."""
    import json

    from sushi_dse.errors import UserError
    from sushi_dse.files import file_bytes

    try:
        run = json.loads(file_bytes(path))
        return {"command": str(run["command"]), "inputs": run["inputs"]}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise UserError(f"{path}: is broken; run the sweep again") from None


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
    from sushi_dse.explore.survey import hypervolume_of, objectives, survey
    from sushi_dse.report.formats import print_rows
    from sushi_dse.store.parts import stored_parts

    metrics = objectives(objective)
    with naming(results):
        found = survey(stored_parts(results), metrics)
        point, volume = hypervolume_of(found, metrics, reference)
    row = {**point, "hypervolume": volume}
    document = {"reference": point, "hypervolume": volume}
    print_rows([row], list(row), output_format.value, document=document)


@app.command()
def verify(
    results: options.Results,
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    output_format: options.Printed = options.Format.table,
) -> None:
    """Check the certificate of an exact sweep: that no design outside of its front belongs there.

    Example: sushi-dse pareto verify results/exact --hw zcu104_space
    """
    from sushi_dse.errors import UserError
    from sushi_dse.evaluation.loading import NO_TRACE, load_setting
    from sushi_dse.explore.exact.folder import verify as check_certificate
    from sushi_dse.explore.survey import objectives
    from sushi_dse.report.formats import print_rows
    from sushi_dse.store.parts import read_tables
    from sushi_dse.store.run import check_inputs, read_inputs

    stored = read_inputs(results)
    if not {"exact", "policies", "mode"} <= set(stored):
        raise UserError(
            f"{results}: was not swept with --exact, so it has no certificate; sweep it so"
        )
    setting = load_setting(hw, workload, NO_TRACE, queries=1, seed=0)
    policies = tuple(stored["policies"])
    inputs = {**setting.inputs(policies, stored["mode"]), "exact": stored["exact"]}
    check_inputs(results, inputs)
    evaluation = setting.evaluation(policies, stored["mode"])
    rows = next(read_tables(results))
    counts = check_certificate(results, rows, evaluation, objectives(stored["exact"]))
    print_rows([counts], list(counts), output_format.value, document=counts, title="It holds")
