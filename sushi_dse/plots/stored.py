"""Stored rows as a figure takes them, with the designs that a decision names."""

from collections.abc import Sequence
from pathlib import Path

from sushi_dse.errors import naming
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.explore.decision import Setting, named_rows
from sushi_dse.explore.survey import plotted_rows, survey
from sushi_dse.plots.marks import Marked, colour_named, mark
from sushi_dse.store.parts import Part
from sushi_dse.store.run import Run


def marked_rows(
    folder: Path,
    parts: Sequence[Part],
    objectives: Sequence[Metric],
    *,
    colour: str | None,
    designs: Sequence[int],
    whole: bool = False,
) -> tuple[Marked, list[str]]:
    """The marked rows of the parts of a folder, and the names of the columns to show.

    colour: "policy", a metric or an axis, or None for what suits the objectives; `whole` rows have
    all stored columns.  `UserError` where a part is damaged, a name is unknown, or there is nothing
    to draw.
    """
    shade = None if colour is None else colour_named(colour, parts[0].columns)
    column = shade.name if isinstance(shade, Metric) else "policy"
    with naming(folder):
        rows, shown = plotted_rows(parts, objectives, column, whole=whole)
        named = named_rows(survey(parts, objectives), Setting.stored(folder))
        marked = mark(
            rows, objectives, accuracy_of=Run.read(folder).accuracy_of(folder),
            colour=shade, designs=designs, named=named,
        )  # fmt: skip
        return marked, shown
