"""Pages of charts: one file of HTML that needs no network, and holds no text unescaped."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from sushi_dse.plots.charts import Chart, panel_chart
from sushi_dse.plots.files import check_plot_file, is_page, save_figure, save_page
from sushi_dse.plots.panels import Panel
from sushi_dse.plots.pictures import panels_figure
from sushi_dse.plots.style import GRID, OUTLINE, PAPER

# The page fetches nothing, and no text in it can make it.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
# What is drawn in these colours is drawn in others on a dark page.
INKS = {"ink": OUTLINE, "grid": GRID, "paper": PAPER}


def save_panels(path: Path, panels: Sequence[Panel], *, title: str, command: str) -> None:
    """Write the panels to `path`: PNG, SVG or PDF, or an HTML page, by its suffix.

    A page names the `command` that made it, and what a point is on hovering over it.  `UserError`
    for another suffix, a page without plotly, or where the file cannot be written.
    """
    check_plot_file(path)
    if is_page(path):
        charts = [panel_chart(panel) for panel in panels]
        save_page(path, page(title, charts, commands={"drawn by": command}))
    else:
        save_figure(panels_figure(panels, title), path)


def page(
    title: str,
    charts: Sequence[Chart],
    *,
    commands: Mapping[str, str],
    facts: Mapping[str, str] | None = None,
    inputs: object = None,
    columns: Sequence[Mapping[str, object]] = (),
    rows: Sequence[Sequence[object]] = (),
    example: str = "",
) -> str:
    """The text of a page: what it is of, charts, and a table of rows that can be filtered.

    columns: `name`, `label`, whether it is `text`, and whether it is `listed` in the table, each;
    the first is empty of rows that are not on the front.  A filter may name any column.
    `customdata` of a trace are places in `rows`, and hovering shows what of these is listed.
    `inputs` can be unfolded; `example` is a filter.
    """
    from plotly.offline import get_plotlyjs

    listed = [f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n" for name, text in
              (facts or {}).items()]  # fmt: skip
    listed += [f"<dt>{escape(name)}</dt><dd><code>{escape(text)}</code></dd>\n" for name, text in
               commands.items()]  # fmt: skip
    if inputs:
        shown = escape(json.dumps(inputs, indent=2, sort_keys=True))
        listed.append(
            "<dt>inputs</dt><dd><details><summary>all that the results depend on</summary>"
            f"<pre>{shown}</pre></details></dd>\n"
        )
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        policy=POLICY,
        style=_asset("page.css"),
        facts="".join(listed),
        example=escape(example),
        content=_json({"columns": columns, "rows": rows, "figures": charts, "inks": INKS}),
        plotly=get_plotlyjs(),
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    return files("sushi_dse.plots").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
