"""Stored rows as a figure takes them, with the designs that a decision names."""

from collections.abc import Sequence
from pathlib import Path

from sushi_dse.errors import naming
from sushi_dse.evaluation.metrics import Metric, find_metric
from sushi_dse.explore.decision import Setting, named_rows
from sushi_dse.explore.survey import plotted_rows, survey
from sushi_dse.plots.marks import Colour, Marked, default_colour, mark
from sushi_dse.store.parts import stored_parts


def marked_rows(
    folder: Path, objectives: Sequence[Metric], *, colour: str | None, designs: Sequence[int]
) -> tuple[Marked, list[str]]:
    """The marked rows of a folder, and the names of the columns to show.

    colour: "policy", a metric, or None for what suits the objectives.  `UserError` where the folder
    has no results, a part is damaged, a name is unknown, or there is nothing to draw.
    """
    shade: Colour = default_colour(objectives) if colour is None else "policy"
    if colour is not None and colour != "policy":
        shade = find_metric(colour)
    column = shade.name if isinstance(shade, Metric) else shade
    rows, shown = plotted_rows(folder, objectives, column)
    with naming(folder):
        named = named_rows(survey(stored_parts(folder), objectives), Setting.stored(folder))
        return mark(rows, objectives, colour=shade, designs=designs, named=named), shown
