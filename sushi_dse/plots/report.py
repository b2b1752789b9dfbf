"""The report of a sweep: one page with its front, its designs in a table, and where it is from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pandas.api.types import is_numeric_dtype

from sushi_dse.plots.charts import numbers, panel_chart
from sushi_dse.plots.files import save_page
from sushi_dse.plots.front import front_panel
from sushi_dse.plots.marks import Marked, listed_rows, row_name
from sushi_dse.plots.pages import page
from sushi_dse.plots.parallel import parallel_panel
from sushi_dse.units import label

UNSHOWN = ("mark", "infeasible_reason")  # columns that all rows of a page have alike, or first
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
    """Write the report of results to `path`, an .html file.

    Its table shows `columns`, and its filter knows all columns of the rows.  It holds MOST_ROWS
    rows at most: the front, the chosen designs, and the others evenly thinned.  `UserError` as for
    `save_page`.
    """
    listed = listed_rows(marked, MOST_ROWS)
    panels = [front_panel(marked, listed)]
    if len(marked.objectives) > 2:
        panels.append(parallel_panel(marked, listed))
    known = [*columns, *(name for name in map(str, listed) if name not in (*columns, *UNSHOWN))]
    numeric = [name for name in known if is_numeric_dtype(listed[name])]
    text = page(
        title,
        [panel_chart(panel) for panel in panels],
        facts=_facts(marked, len(listed)),
        commands=commands,
        inputs=inputs,
        columns=[
            {"name": "mark", "label": "front", "text": True, "listed": True},
            *({"name": name, "label": label(name, marked.accuracy_of), "text": name not in numeric,
               "listed": name in columns} for name in known),
        ],
        rows=list(
            zip(
                listed["mark"],
                *(numbers(listed[name]) if name in numeric else map(str, listed[name])
                  for name in known),
                strict=True,
            )
        ),
        example=_example(marked),
    )  # fmt: skip
    save_page(path, text)


def _facts(marked: Marked, listed: int) -> dict[str, str]:
    """What the page is of, in words; so many rows of it are listed."""
    count = len(marked.rows)
    shown = (
        "all are on this page"
        if listed == count
        else f"on this page {listed:,}: the front, and the others evenly thinned"
    )
    return {
        "designs": f"{marked.rows['design'].nunique():,} that fit their device",
        "rows": f"{count:,}; {shown}",
        "front": f"{len(marked.front):,} rows that no other beats in "
        f"{', '.join(metric.name for metric in marked.objectives)}",
        "knee": f"{row_name(marked.knee_row.iloc[0])}: of all rows it is the least bad in what it "
        "is worst at, each cost from 0 to 1 over the front",
    }


def _example(marked: Marked) -> str:
    """A filter that keeps the better half of the front in the first objective."""
    first = marked.objectives[0]
    relation = ">=" if first.maximise else "<="
    return f"{first.name}{relation}{marked.front[first.name].median():.4g}"
