"""Stored rows as a figure takes them, with the designs that a decision names."""

from collections.abc import Sequence
from pathlib import Path

from sushi_dse.errors import naming
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.explore.decision import Setting, named_rows
from sushi_dse.explore.survey import plotted_rows, survey
from sushi_dse.plots.marks import Marked, colour_named, default_colour, mark
from sushi_dse.store.parts import Part


def marked_rows(
    folder: Path,
    parts: Sequence[Part],
    objectives: Sequence[Metric],
    *,
    colour: str | None,
    designs: Sequence[int],
) -> tuple[Marked, list[str]]:
    """The marked rows of the parts of a folder, and the names of the columns to show.

    colour: "policy", a metric or an axis, or None for what suits the objectives.  `UserError` where
    a part is damaged, a name is unknown, or there is nothing to draw.
    """
    shade = default_colour(objectives)
    if colour is not None:
        shade = colour_named(colour, parts[0].columns)
    column = shade.name if isinstance(shade, Metric) else shade
    with naming(folder):
        rows, shown = plotted_rows(parts, objectives, column)
        named = named_rows(survey(parts, objectives), Setting.stored(folder))
        return mark(rows, objectives, colour=shade, designs=designs, named=named), shown
