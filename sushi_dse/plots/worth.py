"""What SGS saves over the size of its buffer and the off-chip rate, and your board on it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.analysis.repeats import RELEVANT_PERCENT
from sushi_dse.plots.panels import FloatArray, Panel, Series, floats

if TYPE_CHECKING:  # its kernels take a second to import
    from sushi_dse.analysis.gain_map import GainCurve


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
