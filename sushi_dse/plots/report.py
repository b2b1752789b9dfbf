"""The report of a sweep: one page with its front, its designs in a table, and where it is from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pandas.api.types import is_numeric_dtype

from sushi_dse.plots.charts import numbers, panel_chart
from sushi_dse.plots.files import save_page
from sushi_dse.plots.front import front_panel, parallel_panel
from sushi_dse.plots.marks import Marked, listed_rows, row_name
from sushi_dse.plots.pages import page
from sushi_dse.units import label

MOST_ROWS = 5000  # on a page, so that a browser draws and filters them at once


def save_report(
    path: Path,
    marked: Marked,
    *,
    columns: Sequence[str],
    commands: Mapping[str, str],
    inputs: object,
    title: str,
) -> None:
    """Write the report of results to `path`, an .html file, with plotly.js beside it.

    Its table shows `columns`.  It holds MOST_ROWS rows at most: the front, the chosen designs, and
    the others evenly thinned.  `UserError` as for `save_page`.
    """
    listed = listed_rows(marked, MOST_ROWS)
    panels = [front_panel(marked, listed)]
    if len(marked.objectives) > 2:
        panels.append(parallel_panel(marked, listed))
    names, objectives = list(columns), marked.objectives
    numeric = [name for name in names if is_numeric_dtype(listed[name])]
    first, knee = objectives[0], marked.knee_row.iloc[0]
    bound = f"{first.name}{'>=' if first.maximise else '<='}{marked.front[first.name].median():.4g}"
    text = page(
        title,
        [panel_chart(panel) for panel in panels],
        facts={
            "designs": f"{marked.rows['design'].nunique():,} that fit their device",
            "rows": f"{len(marked.rows):,}; " + (
                "all are on this page" if len(listed) == len(marked.rows) else
                f"on this page {len(listed):,}: the front, and the others evenly thinned"
            ),
            "front": f"{len(marked.front):,} rows that no other beats in "
            f"{', '.join(metric.name for metric in objectives)}",
            "knee": f"{row_name(knee)}: it has the least sum of costs, each from 0 to 1 over the "
            "front",
        },
        commands=commands,
        inputs=inputs,
        columns=[
            {"name": "mark", "label": "front", "text": True},
            *({"name": name, "label": label(name), "text": name not in numeric} for name in names),
        ],
        rows=list(
            zip(
                listed["mark"],
                *(numbers(listed[name]) if name in numeric else map(str, listed[name])
                  for name in names),
                strict=True,
            )
        ),
        example=bound,
    )  # fmt: skip
    save_page(path, text)
