"""The report of a sweep: one page with its front, its designs in a table, and where it is from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from sushi_dse.plots.charts import numbers
from sushi_dse.plots.files import save_page
from sushi_dse.plots.marks import Marked, row_name
from sushi_dse.plots.pages import page
from sushi_dse.plots.report_charts import front_chart, parallel_chart
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
    the others evenly thinned.  `UserError` as for `save_front_plot`, and without plotly.
    """
    listed = listed_rows(marked)
    charts = [front_chart(marked, listed)]
    if len(marked.objectives) > 2:
        charts.append(parallel_chart(marked, listed))
    names, objectives = list(columns), marked.objectives
    numeric = [name for name in names if is_numeric_dtype(listed[name])]
    first, knee = objectives[0], marked.knee_row.iloc[0]
    bound = f"{first.name}{'>=' if first.maximise else '<='}{marked.front[first.name].median():.4g}"
    text = page(
        title,
        charts,
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


def listed_rows(marked: Marked) -> pd.DataFrame:
    """The rows of a page, MOST_ROWS at most: the front, best first, chosen designs, others.

    Their `mark` is `knee` or `front`, and empty off the front.
    """
    place = np.arange(len(marked.front))
    front = marked.front.assign(mark=np.where(place == marked.knee, "knee", "front"))
    front = front.loc[_thinned(place, MOST_ROWS - len(marked.chosen), always=marked.knee)]
    chosen = marked.off_front
    others = marked.rows.loc[~marked.on_front].drop(index=chosen.index)
    others = others.iloc[_thinned(np.arange(len(others)), MOST_ROWS - len(front) - len(chosen))]
    return pd.concat([front, chosen.assign(mark=""), others.assign(mark="")], ignore_index=True)


def _thinned(places: np.ndarray, count: int, always: int = 0) -> np.ndarray:
    """The places, or so many of them evenly spaced, with `always` among them."""
    if len(places) <= count:
        return places
    kept = places[np.linspace(0, len(places) - 1, max(count, 0)).astype(int)]
    if always and len(kept):
        kept[np.abs(kept - always).argmin()] = always
    return np.asarray(kept)
