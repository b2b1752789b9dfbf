"""`workload`: networks of other tools' files as workloads."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Networks as workloads.")


@app.command(name="import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="ONNX networks, net.config of Once-for-all, workloads of Timeloop or ZigZag."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The workload file, .yaml.")],
    name: Annotated[
        str, typer.Option(help="Name of the workload.", show_default="that of the file")
    ] = "",
    accuracy_of: Annotated[
        str,
        typer.Option(
            help="The metric of the accuracies, such as 'ImageNet top-1': workloads are compared "
            "where it is the same.",
            show_default="that of the workload",
        ),
    ] = "",
    accuracy_percent: Annotated[
        list[float] | None,
        typer.Option(help="Accuracy of a network; repeat it for each.", min=0, max=100),
    ] = None,
    input_shape: Annotated[
        list[str] | None,
        typer.Option(
            help="[NAME=]1x3x224x224, of a network that does not tell it; repeat it for each input."
        ),
    ] = None,
    skip_unsupported: Annotated[
        bool, typer.Option("--skip-unsupported", help="Leave out work that can be no layer.")
    ] = False,
) -> None:
    """Write the networks in other tools' files as a workload: several are one SuperNet.

    Convolutions and products with constant weights become layers, at batch 1; what the cost model
    does not charge is named. Timeloop's files hold a layer each and are one network together.

    Example: sushi-dse workload import resnet18.onnx --out my_net.yaml --accuracy-percent 69.8
    """
    from sushi_dse.files import YAML_SUFFIXES, write_named
    from sushi_dse.interchange.imports import import_workload
    from sushi_dse.interchange.shapes import parse_shapes
    from sushi_dse.report.progress import note, warn

    imported = import_workload(
        files,
        name=name,
        accuracy_of=accuracy_of,
        accuracy_percent=accuracy_percent or [],
        input_shapes=parse_shapes(input_shape or []),
        skip_unsupported=skip_unsupported,
    )
    write_named(out, imported.text, YAML_SUFFIXES)
    for line in imported.notes:
        note(line)
    for line in imported.warnings:
        warn(line)
    note(f"wrote {out}; try: sushi-dse cost --workload {out}")
