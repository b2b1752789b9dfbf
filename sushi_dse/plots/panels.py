"""A figure as a value: panels one above the other, drawn alike by matplotlib and by plotly."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Kind: TypeAlias = Literal["points", "line", "steps", "bars", "band", "ticks"]
FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Series:
    """Points of one look: markers, a line, steps that hold until the next, bars, a band, ticks.

    A NaN is not drawn, and interrupts a line.
    """

    name: str
    kind: Kind
    x: FloatArray  # [point]
    y: FloatArray  # [point]; of a bar its height, of a band its upper edge
    base: FloatArray | None = None  # [point], where bars begin, and the lower edge of a band
    look: int = 0  # as `style.look` numbers them
    hover: tuple[str, ...] = ()  # [point], the name of each on a page; empty for x and y alone
    in_legend: bool = True

    def __post_init__(self) -> None:
        arrays = [self.x, self.y, *([] if self.base is None else [self.base])]
        if len({array.shape for array in arrays}) > 1 or self.x.ndim != 1:
            raise ValueError(f"series {self.name!r}: x, y and base must be of one length")
        if self.hover and len(self.hover) != len(self.x):
            raise ValueError(f"series {self.name!r}: a hover text a point must hold")
        for array in arrays:
            array.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Series on the same axes; the labels of the axes hold their units."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False
    x_names: tuple[str, ...] = ()  # of the places 0, 1, ... where an axis counts things
    y_names: tuple[str, ...] = ()
    height_inches: float = 3.2


def floats(values: object) -> FloatArray:
    """The values as floats, a copy of their own."""
    return np.array(values, dtype=np.float64)
