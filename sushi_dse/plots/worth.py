"""What SGS saves over the size of its buffer and the off-chip rate, and which rival wins where."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.analysis.repeats import RELEVANT_PERCENT
from sushi_dse.plots.panels import FloatArray, Panel, Series, floats

if TYPE_CHECKING:  # its kernels take a second to import
    from sushi_dse.analysis.gain_map import GainCurve
    from sushi_dse.analysis.load_map import RateLine


def worth_panels(curves: Sequence["GainCurve"]) -> tuple[Panel, ...]:
    """The latency that SGS saves, and how much more than prefetching saves with the same blocks."""
    return (
        _panel(
            "Latency that the best static SubGraph saves, mean over the SubNets",
            "saved (% of the latency without)",
            curves,
            lambda curve: curve.saved_percent,
            (f"{RELEVANT_PERCENT:g} %, the least that counts", RELEVANT_PERCENT),
        ),
        _panel(
            "How much more than the same blocks save by prefetching: above 0 SGS wins",
            "more saved (points)",
            curves,
            lambda curve: curve.more_points,
            ("break-even", 0.0),
        ),
    )


def map_panel(lines: Sequence["RateLine"], title: str) -> Panel:
    """The way that saves most of the mean latency, and how much, over load and off-chip rate.

    Loads and rates are names at even distances, the fastest rate on top.
    """
    falling = sorted(lines, key=lambda line: -line.offchip_gb_per_s)
    cells = [
        (float(x), float(y), way, f"{line.saved_percent[way][x]:.0f} %" if way else "")
        for y, line in enumerate(falling)
        for x, way in enumerate(line.best)
    ]
    numbers = [cell for cell in cells if cell[2]]
    return Panel(
        title=title,
        x_label="load (share of the time that no-sgs is busy)",
        y_label="off-chip rate (GB/s)",
        x_names=tuple(f"{load:g}" for load in lines[0].loads),
        y_names=tuple(f"{line.offchip_gb_per_s:.3g}" for line in falling),
        height_inches=3.0,
        series=(
            *(
                Series(
                    name=way or f"none saves {RELEVANT_PERCENT:g} %",
                    kind="points",
                    x=floats([x for x, _, best, _ in cells if best == way]),
                    y=floats([y for _, y, best, _ in cells if best == way]),
                    look=i,
                )
                for i, way in enumerate((*lines[0].saved_percent, None))
            ),
            Series(
                name="saved",
                kind="texts",
                x=floats([x for x, *_ in numbers]),
                y=floats([y for _, y, *_ in numbers]),
                labels=tuple(said for *_, said in numbers),
                in_legend=False,
            ),
        ),
    )


def _panel(
    title: str,
    y_label: str,
    curves: Sequence["GainCurve"],
    of: Callable[["GainCurve"], np.ndarray],
    level: tuple[str, float],
) -> Panel:
    (own,) = (curve for curve in curves if curve.is_own)
    ends: FloatArray = floats([own.buffer_mib[0], own.buffer_mib[-1]])
    at = int(np.flatnonzero(own.buffer_mib == own.own_mib)[0])
    return Panel(
        title=title,
        x_label="Persistent Buffer (MiB)",
        y_label=y_label,
        log_x=True,
        height_inches=3.8,
        series=(
            Series(name=level[0], kind="line", x=ends, y=np.full(2, level[1]), look=-1),
            *(
                Series(
                    name=f"{curve.offchip_gb_per_s:.3g} GB/s",
                    kind="line",
                    x=floats(curve.buffer_mib),
                    y=floats(of(curve)),
                    look=i,
                )
                for i, curve in enumerate(curves)
            ),
            Series(
                name="your board",
                kind="rings",
                x=floats([own.own_mib]),
                y=floats([of(own)[at]]),
                look=-1,
            ),
        ),
    )
