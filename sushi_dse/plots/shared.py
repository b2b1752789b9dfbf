"""What both pictures of a front share: rows by policy, shades and words."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from sushi_dse.evaluation.metrics import Metric
from sushi_dse.plots.marks import ROW_KEYS, Marked, row_name
from sushi_dse.plots.panels import ColourScale, FloatArray, floats
from sushi_dse.plots.style import spans_decades
from sushi_dse.policies.names import policy_label
from sushi_dse.units import label

WIDTH_INCHES = 5.2  # at 0.7 of it, a column of a paper, the text is still of 7 points
HEIGHT_INCHES = 3.5
ROOM = 0.05  # of the range of an axis, past its last point at either end


def groups(marked: Marked, rows: pd.DataFrame) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Name, look and rows of each policy that has any; of all at once where a metric colours."""
    if isinstance(marked.colour, Metric):
        yield "", 0, rows
        return
    for i, policy in enumerate(sorted(set(marked.rows["policy"]))):
        own = rows.loc[rows["policy"] == policy]
        if len(own):
            yield policy_label(policy), i, own


def shade(marked: Marked, rows: pd.DataFrame, times: int = 1) -> FloatArray | None:
    """The metric that colours the rows, each row so many times."""
    if not isinstance(marked.colour, Metric):
        return None
    return floats(np.repeat(rows[marked.colour.name].to_numpy(dtype=float), times))


def colour_scale(marked: Marked, rows: pd.DataFrame) -> ColourScale | None:
    """The scale of the metric that colours `rows`: lighter is better."""
    metric = marked.colour
    if not isinstance(metric, Metric):
        return None
    values = rows[metric.name]
    return ColourScale(
        label=label(metric.name, marked.accuracy_of),
        low=float(values.min()),
        high=float(values.max()),
        log=spans_decades(values),
        lighter_is_more=metric.maximise,
    )


def rows_like(listed: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The listed rows with the designs, policies and SubNets of `rows`, in their order."""
    keys = [name for name in ROW_KEYS if name in listed.columns]
    places = pd.Series(listed.index, index=pd.MultiIndex.from_frame(listed[keys]))
    return listed.loc[places[pd.MultiIndex.from_frame(rows[keys])]]


def knee_name(marked: Marked) -> str:
    """The knee in words, for a legend."""
    return f"knee: {row_name(marked.knee_row.iloc[0])}"


def counted(marked: Marked) -> str:
    """How many of how many rows are on the front."""
    count = len(marked.rows)
    return f"{len(marked.front):,} of {count:,} row{'' if count == 1 else 's'}"


def words(metrics: Sequence[Metric]) -> str:
    """The metrics' labels without their units, as a list in words."""
    *words, last = (label(metric.name).split(" (")[0] for metric in metrics)
    return f"{', '.join(words)} and {last}" if words else last
