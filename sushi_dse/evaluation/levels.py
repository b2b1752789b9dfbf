"""Service levels: the demands of a stream, made stricter or laxer in what the mode keeps.

A greater level serves larger SubNets.  Under strict latency a level is the factor of each deadline.
Under strict accuracy it goes from 0 to 2 and moves each demand between the least and the greatest
accuracy of the SuperNet: in even steps from the least (0) to the demand (1) and on to the greatest
(2).  Level 1 is the stream as it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.serving.selection import STRICT_ACCURACY, mode_code
from sushi_dse.traces.trace import MAX_MS, FloatArray, Trace

AS_GIVEN = 1.0  # level of the stream as it is
SPAN: Literal["span"] = (
    "span"  # word for the levels from what the smallest SubNet keeps to what the largest does
)
SPAN_LEVELS = 7
GREATEST_ACCURACY_LEVEL = 2.0
DIGITS = 3  # significant digits of a level of a span, so that it can be typed


def asked_levels(
    words: Sequence[str] | None, *, synthetic: bool
) -> tuple[float, ...] | Literal["span"]:
    """The service levels that words ask for: numbers in any order, or `span` alone.

    None is the span of a synthetic demand, and the stream as it is of a trace of the user's own.
    `UserError` for another word.
    """
    if words is None:
        return SPAN if synthetic else (AS_GIVEN,)
    if list(words) == [SPAN]:
        return SPAN
    try:
        return tuple(sorted(map(float, words)))
    except ValueError:
        shown = ", ".join(words)
        raise UserError(f"--service-level: give numbers, or `span` alone; got {shown}") from None


def check_levels(levels: Sequence[float], trace: Trace | None, mode: str) -> None:
    """Raise `UserError` unless levels are given, distinct, rising, and such that a trace can have.

    Without a trace there is level 1 alone.
    """
    if not levels or not all(a < b for a, b in pairwise(levels)):
        shown = ", ".join(f"{level:g}" for level in levels) or "none"
        raise UserError(f"--service-level: give levels that rise, each once; got {shown}")
    if trace is None:
        if tuple(levels) != (AS_GIVEN,):
            raise UserError("--service-level: scales the demands of a trace, and there is none")
        return
    low_ms, high_ms = float(trace.max_latency_ms.min()), float(trace.max_latency_ms.max())
    for level in levels:
        if mode_code(mode) == STRICT_ACCURACY:
            if not 0 <= level <= GREATEST_ACCURACY_LEVEL:
                raise UserError(
                    f"--service-level: 0 <= level <= {GREATEST_ACCURACY_LEVEL:g} must hold in "
                    f"strict-accuracy, got {level:g}"
                )
        elif not (level > 0 and low_ms * level > 0 and high_ms * level <= MAX_MS):
            raise UserError(
                f"--service-level: a deadline times {level:g} must be above 0 and at most "
                f"{MAX_MS:g} ms"
            )


def at_level(trace: Trace, level: float, *, mode: str, accuracy_percent: np.ndarray) -> Trace:
    """The trace at a service level of a mode; at level 1 the same object.

    accuracy_percent: [subnet], of the SuperNet; a demand beyond its range is not moved further out.
    """
    if level == AS_GIVEN:
        return trace
    if mode_code(mode) != STRICT_ACCURACY:
        return replace(trace, max_latency_ms=trace.max_latency_ms * level)
    moved = moved_demands(
        trace.min_accuracy_percent,
        level,
        float(accuracy_percent.min()),
        float(accuracy_percent.max()),
    )
    return replace(trace, min_accuracy_percent=moved)


def moved_demands(demands: FloatArray, level: float, least: float, greatest: float) -> FloatArray:
    """The accuracy demands at a level from 0 to 2, between the least and the greatest accuracy.

    >>> moved_demands(np.array([76.0, 78.0]), 0.5, 75.0, 80.0).tolist()
    [75.5, 76.5]
    >>> moved_demands(np.array([76.0, 78.0]), 2.0, 75.0, 80.0).tolist()
    [80.0, 80.0]
    """
    if level < AS_GIVEN:
        return np.minimum(demands, least + level * (demands - least))
    return np.maximum(demands, greatest - (GREATEST_ACCURACY_LEVEL - level) * (greatest - demands))


def spanning_levels(trace: Trace, cold_ms: tuple[float, float], mode: str) -> tuple[float, ...]:
    """Seven levels from what only the smallest SubNet keeps to what the largest does, 1 among them.

    cold_ms: latency of the fastest and of the slowest SubNet on the reference design, with nothing
    cached.  Under strict latency the fastest just keeps the laxest deadline at the first level, and
    at the last one the slowest keeps the strictest; levels rise in geometric steps, of nearly one
    ratio below and above level 1.  Equal levels are one.
    """
    if mode_code(mode) == STRICT_ACCURACY:
        steps = np.linspace(0, GREATEST_ACCURACY_LEVEL, SPAN_LEVELS)
    else:
        low = cold_ms[0] / trace.max_latency_ms.max()
        high = cold_ms[1] / trace.max_latency_ms.min()
        steps = np.geomspace(low, high, SPAN_LEVELS)
        if low < AS_GIVEN < high:
            nearest = int(np.abs(np.log(steps[1:-1])).argmin()) + 1
            below = np.geomspace(low, AS_GIVEN, nearest + 1)
            above = np.geomspace(AS_GIVEN, high, SPAN_LEVELS - nearest)
            steps = np.concatenate([below, above[1:]])
    return tuple(sorted({float(f"{level:.{DIGITS}g}") for level in steps.tolist()}))
