"""A query, a trace of queries, and the figures that describe one."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

PEAK_WINDOW_MS = 1e3  # window in which queries are counted for the peak rate of a trace
MAX_MS = 1e15  # longest time: a float64 still resolves an eighth of a millisecond there


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from `low` (or above it, where it is not included) up to `high`; never NaN."""

    low: float
    high: float
    low_included: bool = True

    @overload
    def holds(self, value: float) -> bool: ...
    @overload
    def holds(self, value: FloatArray) -> BoolArray: ...
    def holds(self, value: float | FloatArray) -> bool | BoolArray:
        """Whether a number lies in the range; of an array, which of its numbers do."""
        above = value >= self.low if self.low_included else value > self.low
        return above & (value <= self.high)

    def law(self, name: str) -> str:
        """The condition that a value of that name lies in the range.

        >>> Range(0, 1, low_included=False).law("share")
        '0 < share <= 1'
        """
        return f"{self.low:g} {'<=' if self.low_included else '<'} {name} <= {self.high:g}"


RANGES = {
    "arrived_ms": Range(0, MAX_MS),
    "min_accuracy_percent": Range(0, 100),
    "max_latency_ms": Range(0, MAX_MS, low_included=False),
}
COLUMNS = tuple(RANGES)  # columns that every trace, and every trace file, has
OPTIONAL_RANGES = {
    "colocation_slowdown": Range(1, MAX_MS),
    "input_difficulty": Range(0, 1),
}
ALL_COLUMNS = (*COLUMNS, *OPTIONAL_RANGES)


def fault(values: Sequence[float], previous_ms: float = 0.0, names: Sequence[str] = COLUMNS) -> str:
    """The reason why no query can have these values of the columns `names`; empty where one can.

    `names` begin with `COLUMNS`; `previous_ms` is the time at which the query before arrived.

    >>> fault((0.0, 101.0, 5.0))
    '0 <= min_accuracy_percent <= 100 must hold, got 101.0'
    """
    for name, value in zip(names, values, strict=True):
        limits = _range_of(name)
        if not limits.holds(value):
            return f"{limits.law(name)} must hold, got {value}"
    if values[0] < previous_ms:
        return (
            f"arrived_ms runs backwards, from {previous_ms} to {values[0]}; "
            "sort the queries by arrived_ms"
        )
    return ""


def _range_of(name: str) -> Range:
    return RANGES[name] if name in RANGES else OPTIONAL_RANGES[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A request for one inference, with its demands on accuracy and latency.

    `ValueError` where a field lies outside its range.
    """

    arrived_ms: float
    min_accuracy_percent: float  # 0 to 100
    max_latency_ms: float  # largest response time, which counts from the arrival

    def __post_init__(self) -> None:
        values = (self.arrived_ms, self.min_accuracy_percent, self.max_latency_ms)
        if reason := fault(values):
            raise ValueError(reason)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """A sequence of queries in the order of their arrival: read-only copies of its columns.

    Each column is [query]: `arrived_ms`, `min_accuracy_percent`, `max_latency_ms`, and, or None,
    `colocation_slowdown` and `input_difficulty`.  The last two describe the conditions of a query
    and not its demands, so a `Query` is without them.  `ValueError` naming the first query (from 1)
    that is out of range, or that arrives before the one ahead of it.
    """

    arrived_ms: FloatArray  # [query]
    min_accuracy_percent: FloatArray  # [query]
    max_latency_ms: FloatArray  # [query]
    # [query]: factor, at least 1, by which colocated processes lengthen the service time.
    colocation_slowdown: FloatArray | None = None
    input_difficulty: FloatArray | None = None  # [query]: 0 to 1

    def __post_init__(self) -> None:
        for name, given in self.named_columns.items():
            column = np.array(given, dtype=np.float64)  # a copy that no one else writes to
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        shapes = [column.shape for column in self.named_columns.values()]
        if len(set(shapes)) > 1 or len(shapes[0]) != 1:
            shown = ", ".join(map(str, shapes))
            raise ValueError(f"the columns must be of one axis and one length, got shapes {shown}")
        if not len(self):
            raise ValueError("a trace has at least one query, got none")
        self._check_queries()

    def _check_queries(self) -> None:
        wrong = np.zeros(len(self), dtype=np.bool_)
        for name, column in self.named_columns.items():
            wrong |= ~_range_of(name).holds(column)
        wrong[1:] |= self.arrived_ms[1:] < self.arrived_ms[:-1]
        if wrong.any():
            first = int(wrong.argmax())
            values = [float(column[first]) for column in self.named_columns.values()]
            previous_ms = float(self.arrived_ms[max(first - 1, 0)])
            reason = fault(values, previous_ms, tuple(self.named_columns))
            raise ValueError(f"query {first + 1}: {reason}")

    def __reduce__(self) -> tuple[object, ...]:
        # Pickled arrays forget that they are read-only, so a trace is made again from its columns.
        return _trace_of, (*self.columns, self.colocation_slowdown, self.input_difficulty)

    @property
    def columns(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The three arrays that every trace has, in the order of `COLUMNS`."""
        return self.arrived_ms, self.min_accuracy_percent, self.max_latency_ms

    @property
    def slowdown(self) -> FloatArray:
        """The factor of each query's service time: `colocation_slowdown`, or ones."""
        if self.colocation_slowdown is not None:
            return self.colocation_slowdown
        alone = np.ones(len(self))
        alone.setflags(write=False)
        return alone

    @property
    def named_columns(self) -> dict[str, FloatArray]:
        """The arrays of this trace by name: those of `COLUMNS`, then the optional ones."""
        arrays = {name: getattr(self, name) for name in ALL_COLUMNS}
        return {name: array for name, array in arrays.items() if array is not None}

    @property
    def closed_loop(self) -> bool:
        """Whether each query is sent when the one before is answered: every `arrived_ms` is 0.

        So a file needs no column for it; a burst of queries that really arrive at one time must
        arrive at a time above 0.
        """
        return not self.arrived_ms.any()

    def __len__(self) -> int:
        return len(self.arrived_ms)

    def __iter__(self) -> Iterator[Query]:
        for values in zip(*map(np.ndarray.tolist, self.columns), strict=True):
            yield Query(**dict(zip(COLUMNS, values, strict=True)))

    def content_hash(self) -> str:
        """SHA-256 of the columns' bytes, in hexadecimal: the same for the same bits."""
        digest = hashlib.sha256()
        for name, column in self.named_columns.items():
            if name in OPTIONAL_RANGES:  # The presence of an optional column is content too.
                digest.update(name.encode("ascii"))
            digest.update(column.astype("<f8").tobytes())  # little-endian on every machine
        return digest.hexdigest()


def _trace_of(
    arrived_ms: FloatArray,
    min_accuracy_percent: FloatArray,
    max_latency_ms: FloatArray,
    colocation_slowdown: FloatArray | None,
    input_difficulty: FloatArray | None,
) -> Trace:
    return Trace(
        arrived_ms=arrived_ms,
        min_accuracy_percent=min_accuracy_percent,
        max_latency_ms=max_latency_ms,
        colocation_slowdown=colocation_slowdown,
        input_difficulty=input_difficulty,
    )


def _optional_figures(trace: Trace) -> dict[str, float]:
    figures = {}
    for name in OPTIONAL_RANGES:
        if name in trace.named_columns:
            column = trace.named_columns[name]
            figures[f"min_{name}"] = float(column.min())
            figures[f"mean_{name}"] = float(column.mean())
            figures[f"max_{name}"] = float(column.max())
    return figures


def _ratio(part: float | None, whole: float | None) -> float | None:
    """`part / whole`; None where either is None or the quotient is no finite number."""
    return part / whole if part is not None and whole and isfinite(part / whole) else None


def _peak_rate_per_s(arrived_ms: FloatArray) -> float | None:
    """The most queries in any half-open second; None where the arrivals span less than one."""
    if arrived_ms[-1] - arrived_ms[0] < PEAK_WINDOW_MS:
        return None
    # One of the seconds with the most queries begins with an arrival.
    ends = np.searchsorted(arrived_ms, arrived_ms + PEAK_WINDOW_MS)
    return float((ends - np.arange(len(ends))).max() / (1e-3 * PEAK_WINDOW_MS))


def _variation(gaps: FloatArray) -> float | None:
    """The coefficient of variation of gaps; None where there are fewer than two, or all are 0."""
    return _ratio(float(gaps.std()), float(gaps.mean())) if len(gaps) > 1 else None


def _autocorrelation(values: FloatArray) -> float | None:
    """The autocorrelation of values at lag 1; None where all are equal."""
    if np.ptp(values) == 0:  # Deviations from the mean would be mere rounding errors.
        return None
    deviations = values - values.mean()
    return _ratio(float(deviations[:-1] @ deviations[1:]), float(deviations @ deviations))
