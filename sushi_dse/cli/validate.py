"""`validate` and `calibrate`: the model against measured layers."""

from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw
from sushi_dse.errors import UserError

Measured = Annotated[
    Path | None,
    typer.Option(
        help="CSV of measured layers: subnet, layer, latency_us (and resident_latency_us, with the "
        "weights on chip), and shapes as K, C, R, S, H, W, stride, pad where the workload has no "
        "such layer.",
        show_default="those shipped with the hardware",
    ),
]
SubNets = Annotated[
    list[str] | None, typer.Option("--subnet", help="A SubNet or network; repeat it.")
]


def validate(
    measured: Measured = None,
    hw: options.Hardware = "zcu104_measured",
    workload: options.Workload = "ofa_resnet50",
    subnet: SubNets = None,
    power: Annotated[
        bool,
        typer.Option(
            "--power", help="Hold the watts of the hardware against boards measured with a DPU."
        ),
    ] = False,
    plot: PlotFile = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print the model's error on measured layers: by layer, SubNet, over all, and left out.

    Where layers were measured with their weights streamed and resident, the gain of residency is
    held against the measured one too. With --power it prints watts instead of layers. --plot draws
    all of it.

    Example: sushi-dse validate --measured board.csv --hw my_board.yaml --plot errors.png
    """
    from sushi_dse.evaluation.measured import load_measured
    from sushi_dse.model.calibration import leave_one_subnet_out
    from sushi_dse.model.validation import validate as errors_of
    from sushi_dse.report.progress import note_others
    from sushi_dse.report.views import print_validation

    check_plot(plot)
    if power:
        if measured or subnet:
            raise UserError("--power: has measurements of its own; leave --measured, --subnet out")
        return _validate_power(hw, plot, output_format)
    board = load_measured(hw, workload, measured, subnet or ())
    note_others(board.others, board.design.name)
    errors = errors_of(board.layers, board.design)
    print_validation(errors, leave_one_subnet_out(board.layers, board.design), output_format)
    if plot is not None:
        from sushi_dse.plots.validation import validation_panels

        draw(plot, validation_panels(errors), f"{board.design.name} against {board.origin}")


def _validate_power(hw: str, plot: Path | None, output_format: str) -> None:
    from sushi_dse.analysis.watts import beyond, measured_watts
    from sushi_dse.evaluation.loading import only_design
    from sushi_dse.report.formats import print_rows
    from sushi_dse.report.printing import say

    rows = measured_watts(only_design(hw))
    title = f"Watts over the board without a design, by the constants of {hw}"
    print_rows(rows, list(rows[0]), output_format, document={"rows": rows}, title=title)
    if output_format == "table":
        say(beyond(rows))
    if plot is not None:
        from sushi_dse.plots.validation import power_panel

        draw(plot, (power_panel(rows),), title)


def calibrate(
    out: Annotated[Path, typer.Option(help="The hardware file to write.")],
    measured: Measured = None,
    hw: options.Hardware = "zcu104_measured",
    workload: options.Workload = "ofa_resnet50",
    subnet: SubNets = None,
) -> None:
    """Fit the constants of a board to measured layers and write a hardware file that uses them.

    Example: sushi-dse calibrate --measured board.csv --hw zcu104_measured --out my_board.yaml
    """
    from sushi_dse.config.writing import constants_text
    from sushi_dse.evaluation.measured import load_measured
    from sushi_dse.files import YAML_SUFFIXES, write_named
    from sushi_dse.model.calibration import FITTED, standard_errors, too_fast
    from sushi_dse.model.calibration import calibrate as fit
    from sushi_dse.model.standing import refitted_evidence
    from sushi_dse.model.validation import validate as errors_of
    from sushi_dse.report.progress import note, note_others, warn_of_too_fast

    board = load_measured(hw, workload, measured, subnet or ())
    note_others(board.others, board.design.name)
    try:
        fitted = fit(board.layers, board.design)
    except ValueError as error:
        raise UserError(f"{measured or board.origin}: {error}") from None
    left = errors_of(board.layers, fitted)
    names = [constant.name for constant in FITTED[fitted.dataflow]]
    text = constants_text(
        out, hw, fitted, names, errors=standard_errors([(board.layers, fitted)], names),
        evidence=refitted_evidence([row.layer for row in board.layers], board.calibration),
        origin=f"{len(board.layers)} layers of {board.origin}",
    )  # fmt: skip
    write_named(out, text, YAML_SUFFIXES)
    warn_of_too_fast(too_fast(board.layers, board.design), hw)
    note(f"wrote {out}: mean error {left.mape_percent:.2f} %, worst {left.max_error_percent:.2f} %")
