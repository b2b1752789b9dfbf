"""Pages of charts: HTML that works from a folder without a network, and holds no text unescaped."""

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

# The page fetches nothing but plotly.js from its own folder, and no text in it can make it.
POLICY = (
    "default-src 'none'; script-src 'self' file: 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)


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

    columns: `name`, `label` and whether it is `text`, each; the first is empty of rows that are
    not on the front.  `customdata` of a trace are places in `rows`, and hovering shows these.
    `inputs` can be unfolded; `example` is a filter.
    """
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
        content=_json({"columns": columns, "rows": rows, "figures": charts}),
        script=_asset("page.js"),
    )


def _asset(name: str) -> str:
    return files("sushi_dse.plots").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
