"""`--plot`: what a command prints, as a picture or a page too."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sushi_dse.cli.usage import command_line

if TYPE_CHECKING:
    from sushi_dse.plots.panels import Panel

PlotFile = Annotated[
    Path | None, typer.Option("--plot", help="Draw it too: a .png, .svg, .pdf or .html file.")
]


def check_plot(path: Path | None) -> None:
    """Raise `UserError` where a plot is asked for that cannot be written, before any work."""
    if path is not None:
        from sushi_dse.plots.files import check_plot_file

        check_plot_file(path)


def draw(path: Path, panels: Sequence["Panel"], title: str) -> None:
    """Write panels to `path` and say so."""
    from sushi_dse.plots.pages import save_panels
    from sushi_dse.report.progress import note

    save_panels(path, panels, title=title, command=command_line())
    note(f"wrote {path}")
