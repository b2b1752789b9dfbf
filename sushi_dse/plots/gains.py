"""The gain of each policy over no-sgs, with its interval over seeds: points and whiskers."""

from collections.abc import Mapping, Sequence

import numpy as np

from sushi_dse.evaluation.metrics import GAIN, other_accuracy
from sushi_dse.plots.panels import Panel, Series, floats
from sushi_dse.policies.names import policy_label

WIDTH_INCHES = 8.2
ROW_INCHES, FRAME_INCHES = 0.22, 0.9  # of a policy, and of the axis with its label


def gain_panel(rows: Sequence[Mapping[str, object]], repeats: int) -> Panel:
    """The mean latency that each policy saves against no-sgs, the most on top.

    `rows` are those of a comparison over so many seeds: with several, whiskers are the
    intervals of the mean; with one there are none, and the title says so.
    """
    ranked = sorted(rows, key=lambda row: -_number(row, GAIN))
    gains = floats([_number(row, GAIN) for row in ranked])
    places = np.arange(len(ranked), dtype=float)
    series = [
        Series(name="no gain", kind="line", x=np.zeros(2), look=-2, in_legend=False,
               y=floats([-0.6, len(ranked) - 0.4])),
    ]  # fmt: skip
    said = "one seed, so no interval; --repeats gives one"
    if repeats > 1:
        said = f"mean of {repeats} seeds, 95 % interval of Student's t"
        ends = [[_number(row, f"{GAIN}_{end}") for end in ("low", "high")] for row in ranked]
        series.append(
            Series(
                name="95 % interval",
                kind="line",
                x=np.column_stack([floats(ends), np.full(len(ranked), np.nan)]).ravel(),
                y=np.repeat(places, 3),
                look=-1,
                in_legend=False,
            )
        )
    points = Series(name="mean", kind="points", x=gains, y=places, in_legend=False)
    return Panel(
        title=f"Gain over no-sgs: {said}",
        x_label="mean latency saved (%)",
        y_label="",
        y_names=tuple(  # with the gain, since one far off makes the others look equal
            f"{policy_label(str(row['policy']))}: {gain:+.3g} %"
            f"{', other accuracy' if other_accuracy(row) else ''}"
            for row, gain in zip(ranked, gains, strict=True)
        ),
        series=(*series, points),
        width_inches=WIDTH_INCHES,
        height_inches=FRAME_INCHES + ROW_INCHES * len(ranked),
    )


def _number(row: Mapping[str, object], name: str) -> float:
    value = row[name]
    return float(value) if isinstance(value, int | float) else 0.0
