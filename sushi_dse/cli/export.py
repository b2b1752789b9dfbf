"""`export` and `schema`: designs for other tools, and what editors need to know of our files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """What a design can be exported to."""

    yaml = "yaml"
    timeloop = "timeloop"
    hls = "hls"


class FileKind(StrEnum):
    """The kinds of YAML files that the tool reads."""

    hw = "hw"
    workload = "workload"
    devices = "devices"


def export(
    source: Annotated[
        str, typer.Argument(help="A folder written by `sushi-dse sweep`, or a hardware file.")
    ],
    out: Annotated[Path, typer.Option(help="The file: .yaml, or .h for hls.")],
    design: Annotated[
        int | None, typer.Option(help="Its number.", min=0, show_default="the only one")
    ] = None,
    to: Annotated[
        Form, typer.Option(help="A hardware file, a Timeloop architecture or a C header.")
    ] = Form.yaml,
) -> None:
    """Write a chosen design for this tool, for Timeloop or for high-level synthesis.

    Example: sushi-dse export results/default --design 887 --to timeloop --out design.yaml
    """
    from sushi_dse.files import write_named
    from sushi_dse.interchange.chosen import chosen_design
    from sushi_dse.interchange.exports import FORMATS
    from sushi_dse.report.progress import note, warn_if_infeasible

    chosen = chosen_design(source, design)
    warn_if_infeasible(chosen.accelerator)
    form, suffixes = FORMATS[to.value]
    write_named(out, form(chosen), suffixes)
    note(f"wrote {out}: {chosen.origin}")


def schema(
    kind: Annotated[FileKind, typer.Argument(help="The kind of file.")],
) -> None:
    """Print the JSON Schema of a kind of file, by which an editor completes and checks it.

    Example: sushi-dse schema hw > hw.schema.json
    """
    import json

    from sushi_dse.config.schema import header_line, json_schema
    from sushi_dse.report.printing import say
    from sushi_dse.report.progress import note

    say(json.dumps(json_schema(kind.value), indent=2))
    note(f"an editor finds it by the first line of a file: {header_line(kind.value)}")
