"""How series are told apart, in colour and in grey, and how any name becomes text of a figure."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

COLOUR_MAP = "viridis"  # perceptually uniform, and its luminance rises from end to end
SHADES = (0.1, 0.93)  # of the colour map: its ends are too near to the outline and to white
LOG_FROM_RATIO = 30  # an axis whose largest value is that many times its smallest is logarithmic
MANY_DECADES = 2000  # as a ratio: over more of them numbers at each 2 and 5 would touch
CLOUD_MARKER = 3.0  # width of a marker, in points
FRONT_MARKER = 6.0
CLOUD_ALPHA = 0.3
BAND_ALPHA = 0.25
LINE_WIDTH = 1.3
OUTLINE = "#202020"
GREY = "#b4b4b4"
MID_GREY = "#909090"
FULL_LINES = 30  # of a bundle; more of them are paler, so that those below show through
BUNDLE_ALPHAS = (0.15, 0.85)
GRID = "#e6e6e6"
PAPER = "white"
# Okabe and Ito, "Color Universal Design" (2008), without yellow, which is too pale on white.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
MARKERS = ("o", "s", "^", "d", "v", "P", "X", "<", ">", "p", "h")
DASHES = ("solid", "dashed", "dotted", "dashdot", (0, (8, 2)))
HATCHES = ("", "//", "..", "xx", "\\\\")
LONGEST_NAME = 48  # characters of a name in a figure
SIZE_INCHES = (7.2, 5.0)


class Look(NamedTuple):
    """How a series is drawn; each part alone tells it from its neighbours."""

    colour: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]]
    hatch: str


def step(number: int) -> int:
    """The place among markers, dashes and hatches of the series of that number.

    >>> [step(number) for number in (0, 1, -1, -2)]
    [0, 1, 0, 1]
    """
    return number if number >= 0 else -1 - number


def look(number: int) -> Look:
    """The look of the series of that number; those below 0 are black lines of other dashes.

    >>> look(1).colour, look(1).marker, look(-1).colour, look(-2).dash
    ('#E69F00', 's', '#202020', 'dashed')
    """
    place = step(number)
    return Look(
        COLOURS[number % len(COLOURS)] if number >= 0 else OUTLINE,
        MARKERS[place % len(MARKERS)],
        DASHES[place % len(DASHES)],
        HATCHES[place % len(HATCHES)],
    )


def shades(count: int, *, lighter_is_more: bool) -> np.ndarray:
    """Colours for values from low to high: [count, 4], red, green, blue and alpha from 0 to 1."""
    rising = np.asarray(mpl.colormaps[COLOUR_MAP](np.linspace(*SHADES, count)))
    return rising if lighter_is_more else rising[::-1]


def bundle_alpha(lines: int) -> float:
    """How opaque each of so many lines is, so that those below show through."""
    return float(np.clip(FULL_LINES / max(lines, 1), *BUNDLE_ALPHAS))


def plain_text(text: str) -> str:
    r"""The text as matplotlib draws it letter by letter: on one line, and no mathematics.

    >>> plain_text("a\n$x$")
    'a \\$x\\$'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text).replace("$", r"\$")


def short_name(name: str) -> str:
    """A name with its middle left out where it is long.

    >>> short_name("a" * 30 + "b" * 30)
    'aaaaaaaaaaaaaaaaaaaaaaa...bbbbbbbbbbbbbbbbbbbbbb'
    """
    if len(name) <= LONGEST_NAME:
        return name
    half = (LONGEST_NAME - 2) // 2
    return f"{name[:half]}...{name[half - LONGEST_NAME + 3 :]}"


def legend_text(name: str) -> str:
    """A name for a legend, which would leave out one that begins with an underscore."""
    text = plain_text(short_name(name))
    return f" {text}" if text.startswith("_") else text


@contextmanager
def any_script() -> Iterator[None]:
    """Within, a letter that the font lacks is drawn as a box without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def spans_decades(values: "pd.Series[float]") -> bool:
    """Whether a linear axis would crush the smaller values."""
    return bool(values.min() > 0 and values.max() >= LOG_FROM_RATIO * values.min())


def label_plainly(axis: Axis) -> None:
    """Put plain numbers on a logarithmic axis: each decade, and its 2 and 5 where it has few."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < MANY_DECADES * low else (1,)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())
