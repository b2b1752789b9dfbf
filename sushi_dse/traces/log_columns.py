"""The columns of a log that make queries, and how their fields are read."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sushi_dse.errors import near_names
from sushi_dse.traces.files import number
from sushi_dse.traces.times import Moments, iso_field, iso_moments, ns_field, ns_moments
from sushi_dse.traces.trace import RANGES, Range

TimeArray: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.int64]
LogArrays: TypeAlias = dict[str, TimeArray]
"""Columns of a log by name, each [row]."""

Parser: TypeAlias = Callable[[str, str, str], float]
"""A function from the location, the name and the text of a field to its number."""

ISO = "iso"
NS = "ns"
TIME_UNITS = {"s": (1e3, 1.0), "ms": (1.0, 1.0), "us": (1.0, 1e3), NS: (1.0, 1e6), ISO: (1.0, 1e6)}
"""Factor and divisor of a time in each unit to be in ms; iso and ns are read as whole ns."""

EXACT: dict[str, tuple[Parser, Callable[[pa.ChunkedArray], Moments]]] = {
    ISO: (iso_field, iso_moments),
    NS: (ns_field, ns_moments),
}
"""The readers of one field, and of a column of fields, that hold times to the ns, by unit."""

TIME = Range(0, 1e18)  # times since the epoch of whoever wrote the log
SIZE = Range(0, 1e15)  # sizes of requests: tokens or bytes
ANY = Range(-inf, inf)  # times to the ns, whose reader refuses the wrong ones itself


@dataclass(frozen=True, slots=True, kw_only=True)
class LogColumns:
    """The columns of a log that make a query, and how they are read.

    `ValueError` where two of them exclude each other, or the time unit is unknown.
    """

    arrived: str  # name of the column with the time of arrival
    time_unit: str = ISO  # a name in TIME_UNITS
    accuracy: str | None = None  # name of the column that accuracy demands are made of
    latency: str | None = None  # name of the column that latency demands are made of
    rank: bool = False  # whether both are mapped by rank, or are percent and ms already
    skip_incomplete: bool = False  # whether rows that lack one of the columns are left out

    def __post_init__(self) -> None:
        if self.time_unit not in TIME_UNITS:
            known = near_names(self.time_unit, TIME_UNITS)
            raise ValueError(f"unknown time unit {self.time_unit!r}; {known}")
        if self.arrived in self.demands:
            raise ValueError(
                f"the column {self.arrived!r} cannot be an arrival and a demand; name another"
            )
        if len(self.demands) == 2 and self.accuracy == self.latency and not self.rank:
            raise ValueError(f"the column {self.accuracy!r} cannot be percent and ms; map by rank")
        if self.rank and not self.demands:
            raise ValueError("no column to rank; name one for accuracy or latency")

    @property
    def is_exact(self) -> bool:
        """Whether the times are read to the ns, which a float could not hold."""
        return self.time_unit in EXACT

    @property
    def demands(self) -> list[str]:
        """The names of the columns that demands are made of; there may be none."""
        return [name for name in (self.accuracy, self.latency) if name is not None]

    @property
    def limits(self) -> dict[str, Range]:
        """The range that the numbers of each column must lie in, by its name."""
        limits = {self.arrived: ANY if self.is_exact else TIME}
        of_demands = {
            self.accuracy: RANGES["min_accuracy_percent"],
            self.latency: RANGES["max_latency_ms"],
        }
        return limits | {name: SIZE if self.rank else of_demands[name] for name in self.demands}

    @property
    def parsers(self) -> dict[str, Parser]:
        """The reader of a field of each column, by its name, in the order of `limits`."""
        parsers: dict[str, Parser] = dict.fromkeys(self.limits, number)
        return parsers | ({self.arrived: EXACT[self.time_unit][0]} if self.is_exact else {})
