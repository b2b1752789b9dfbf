"""A figure as a value: panels one above the other, drawn alike by matplotlib and by plotly."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Kind: TypeAlias = Literal[
    "points", "line", "steps", "bars", "band", "ticks", "stars", "rings", "texts"
]
Emphasis: TypeAlias = Literal["faint", "plain", "strong"]
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourScale:
    """What the shades of a panel stand for; a bar beside it shows them."""

    label: str  # with its unit
    low: float
    high: float
    log: bool = False
    lighter_is_more: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Series:
    """Points of one look: markers, a line, steps that hold until the next, bars, a band, ticks.

    Stars and rings are white and hollow markers about points of other series, and texts are
    labels left of their points without any marker.  A NaN is not drawn, and interrupts a line.
    """

    name: str
    kind: Kind
    x: FloatArray  # [point]
    y: FloatArray  # [point]; of a bar its height, of a band its upper edge
    base: FloatArray | None = None  # [point], where bars begin, and the lower edge of a band
    look: int = 0  # as `style.look` numbers them
    emphasis: Emphasis = "plain"  # faint is a crowd behind all others, strong stands out of it
    shade: FloatArray | None = None  # [point], a value of the panel's colour scale as its colour
    labels: tuple[str, ...] = ()  # [point], written beside it, an empty one for none
    hover: tuple[str, ...] = ()  # [point], the name of each on a page; empty for x and y alone
    rows: IntArray | None = None  # [point], its row in the table of a page, shown on hovering
    in_legend: bool = True

    def __post_init__(self) -> None:
        arrays = [array for array in (self.x, self.y, self.base, self.shade) if array is not None]
        if len({array.shape for array in arrays}) > 1 or self.x.ndim != 1:
            raise ValueError(f"series {self.name!r}: x, y, base and shade must be of one length")
        for what, values in (("hover text", self.hover), ("label", self.labels)):
            if values and len(values) != len(self.x):
                raise ValueError(f"series {self.name!r}: a {what} a point must hold")
        if self.rows is not None and self.rows.shape != self.x.shape:
            raise ValueError(f"series {self.name!r}: a row a point must hold")
        for array in arrays:
            array.setflags(write=False)

    @property
    def parts(self) -> list[slice]:
        """The stretches of points between NaNs: the lines that the series consists of."""
        known = ~(np.isnan(self.x) | np.isnan(self.y))
        ends = np.flatnonzero(np.diff(known, prepend=False, append=False))
        return [slice(int(start), int(stop)) for start, stop in ends.reshape(-1, 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Series on the same axes; the labels of the axes hold their units."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, float] | None = None  # from left to right; None for what the points span
    y_range: tuple[float, float] | None = None  # from bottom to top
    x_names: tuple[str, ...] = ()  # of the places 0, 1, ... where an axis counts things
    y_names: tuple[str, ...] = ()
    colours: ColourScale | None = None
    legend: Literal["right", "above"] = "right"  # above is for a panel alone in its figure
    width_inches: float = 9.0
    height_inches: float = 3.2  # a legend above comes on top

    def __post_init__(self) -> None:
        if self.colours is None and any(series.shade is not None for series in self.series):
            raise ValueError(f"panel {self.title!r}: shades need a colour scale")


def floats(values: object) -> FloatArray:
    """The values as floats, a copy of their own."""
    return np.array(values, dtype=np.float64)
