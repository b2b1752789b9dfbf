"""The values that a key of a hardware file offers: one value, a list, or a range.

One value may stand with the range in which it is plausible, {value: 12, plausible: [6, 15]}, or
with the standard error of the fit that it comes from, {value: 67.1, error: 1.2}; either with its
source.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from sushi_dse.config.keys import EntryError, quoted_value
from sushi_dse.errors import near_names
from sushi_dse.hardware.doubt import Doubt
from sushi_dse.units import SUFFIXES, quantity

MAX_VALUES = 10_000  # most values that one key offers
MAX_COUNT = 1_000_000_000
MOST_TIMES = 1e6  # largest standard error, in values: more is no fit
RANGE_KEYS = ("from", "to", "step", "factor")
RANGE_EXAMPLE = "such as {from: 4, to: 64, step: 4} or {from: 4, to: 64, factor: 2}"

DOUBT_KEYS = ("value", "plausible", "error", "source")
PLAUSIBLE_EXAMPLE = "such as {value: 12, plausible: [6, 15]}"
ERROR_EXAMPLE = "such as {value: 67.1, error: 1.2}"


@dataclass(frozen=True, slots=True)
class Offer:
    """The values that a key offers, and how far off its one value may be."""

    values: tuple[float, ...]
    doubt: Doubt | None = None


Read = Callable[[object], float]
"""A reader of one value, which raises EntryError for a wrong one; whole numbers are ints."""


def read_count(value: object) -> int:
    """The whole number that `value` is; EntryError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise EntryError(f"a whole number is wanted, got {quoted_value(value)}")
    if value > MAX_COUNT:
        raise EntryError(f"{value} is too large; write {MAX_COUNT} at most")
    return value


def read_reading(value: object) -> bool:
    """Which of two readings of a setting `value` is; EntryError where it is none."""
    if not isinstance(value, bool):
        raise EntryError(f"true or false is wanted, got {quoted_value(value)}")
    return value


def read_number(value: object) -> float:
    """The number that `value` is; EntryError where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EntryError(f"a number is wanted, got {quoted_value(value)}")
    return float(value)


def read_measure(value: object, unit: str) -> float:
    """The quantity in `unit` that a number, or a text with a unit, states; EntryError otherwise."""
    if not isinstance(value, str):
        return read_number(value)
    try:
        return quantity(value, unit)
    except ValueError as error:
        raise EntryError(str(error)) from None


def read_quantity(value: object, stem: str, unit: str) -> float:
    """The quantity in `unit` that a text under the key `stem` states; EntryError for a number."""
    number = read_measure(value, unit)
    if not isinstance(value, str):
        raise EntryError(
            f"{number:g} has no unit; write '{stem}: {number:g} {SUFFIXES[unit]}' "
            f"or '{stem}_{unit}: {number:g}'"
        )
    return number


def offer(value: object, read: Read) -> Offer:
    """What a key offers: `choices`, or one value in doubt; EntryError otherwise.

    >>> offer({"value": 12, "plausible": [6, 15]}, read_count).doubt.high
    15
    """
    if not (isinstance(value, Mapping) and set(DOUBT_KEYS) & set(value)):
        return Offer(choices(value, read))
    for key in value:
        if key not in DOUBT_KEYS:
            message = f"unknown key {key!r} beside a value; {near_names(key, DOUBT_KEYS)}"
            raise EntryError(message, (key,), of_key=True)
    if "value" not in value or not {"plausible", "error"} & set(value):
        raise EntryError(
            f"value and plausible are wanted, {PLAUSIBLE_EXAMPLE}, or value and error, "
            f"{ERROR_EXAMPLE}"
        )
    if {"plausible", "error"} <= set(value):
        message = "plausible is of an assumption, and error of a fit; keep one of them"
        raise EntryError(message, ("error",), of_key=True)
    source = value.get("source", "")
    if not isinstance(source, str):
        raise EntryError(f"a text is wanted, got {quoted_value(source)}", ("source",))
    chosen = _read_at(read, value["value"], "value")
    if "error" in value:
        return Offer((chosen,), _fitted(value["error"], read, chosen, source))
    low, high = _ends(value["plausible"], read, chosen)
    return Offer((chosen,), Doubt(value=chosen, low=low, high=high, source=source))


def is_fit(value: float, error: float) -> bool:
    """Whether a standard error is one that a file may give beside a fitted value."""
    return 0 <= error <= MOST_TIMES * max(abs(value), 1.0)


def _fitted(value: object, read: Read, chosen: float, source: str) -> Doubt:
    """The doubt of a fitted value by its standard error; EntryError for a wrong one."""
    error = _read_at(read, value, "error")
    if not is_fit(chosen, error):
        raise EntryError(
            f"0 <= error <= {MOST_TIMES:g} times the value must hold, got {error:g}", ("error",)
        )
    return Doubt.fitted(chosen, error, source)


def _ends(value: object, read: Read, chosen: float) -> tuple[float, float]:
    """The ends of the plausible range of the value that was chosen; EntryError otherwise."""
    if not isinstance(value, list) or len(value) != 2:
        raise EntryError(
            f"two ends of a range are wanted, {PLAUSIBLE_EXAMPLE}, got {quoted_value(value)}",
            ("plausible",),
        )
    low, high = (_read_at_end(read, end, i) for i, end in enumerate(value))
    if low > high:
        message = f"plausible: from {low:g} to {high:g} is reversed; write the lesser one first"
        raise EntryError(message, ("plausible",))
    if not low <= chosen <= high:
        message = f"{chosen:g} is outside its plausible range, {low:g} to {high:g}; "
        raise EntryError(f"{message}widen the range, or correct the value", ("value",))
    return low, high


def _read_at_end(read: Read, value: object, end: int) -> float:
    try:
        return read(value)
    except EntryError as error:
        raise EntryError(str(error), ("plausible", end, *error.at)) from None


def choices(value: object, read: Read) -> tuple[float, ...]:
    """The values offered by one value, a list of them or a range; EntryError for a wrong one.

    >>> choices({"from": 4, "to": 20, "factor": 2}, read_count)
    (4, 8, 16)
    """
    if isinstance(value, Mapping):
        values = _range(value, read)
    elif isinstance(value, list):
        if not value:
            raise EntryError("the list is empty; write a value")
        if len(value) > MAX_VALUES:
            raise EntryError(f"the list has over {MAX_VALUES} values; write fewer")
        values = tuple(_read_at(read, item, i) for i, item in enumerate(value))
    else:
        return (read(value),)
    seen: set[float] = set()
    for i, number in enumerate(values):
        if number in seen:
            raise EntryError(f"{number:g} is offered twice; keep one of them", (i,))
        seen.add(number)
    return values


def _read_at(read: Read, value: object, at: str | int) -> float:
    try:
        return read(value)
    except EntryError as error:
        raise EntryError(str(error), (at, *error.at)) from None


def _range(entries: Mapping[str, object], read: Read) -> tuple[float, ...]:
    for key in entries:
        if key not in RANGE_KEYS:
            message = f"unknown key {key!r} of a range; {near_names(key, RANGE_KEYS)}"
            raise EntryError(message, (key,), of_key=True)
    if not {"from", "to"} <= set(entries) or len(entries) != len(RANGE_KEYS) - 1:
        wanted = "a range has from, to and either step or factor"
        raise EntryError(f"{wanted}; write one {RANGE_EXAMPLE}")
    pace_key = "step" if "step" in entries else "factor"
    first, last = _read_at(read, entries["from"], "from"), _read_at(read, entries["to"], "to")
    pace = _read_at(read if pace_key == "step" else read_number, entries[pace_key], pace_key)
    _check_that_it_ends(first, last, pace, by_step=pace_key == "step")
    numbers = list(islice(_decimals(first, last, pace, pace_key == "step"), MAX_VALUES + 1))
    if len(numbers) > MAX_VALUES:
        raise EntryError(
            f"the range has over {MAX_VALUES} values; widen its {pace_key}", (pace_key,)
        )
    if isinstance(first, float):
        return tuple(float(number) for number in numbers)
    broken = next((number for number in numbers if number % 1), None)
    if broken is not None:
        raise EntryError(
            f"factor {pace:g} leads to {broken.normalize():f}, which is no whole number; "
            "choose another",
            ("factor",),
        )
    return tuple(int(number) for number in numbers)


def _check_that_it_ends(first: float, last: float, pace: float, *, by_step: bool) -> None:
    if first > last:
        raise EntryError(f"from <= to must hold, got {first:g} and {last:g}", ("to",))
    if by_step and pace <= 0:
        raise EntryError(f"step > 0 must hold, got {pace:g}: the range would not end", ("step",))
    if not by_step and pace <= 1:
        raise EntryError(
            f"factor > 1 must hold, got {pace:g}: the range would not end", ("factor",)
        )
    if not by_step and first <= 0:
        raise EntryError(f"from > 0 must hold, got {first:g}: no factor leads on", ("from",))


def _decimals(first: float, last: float, pace: float, by_step: bool) -> Iterator[Decimal]:
    """The values of a range, in decimal: in binary 4.8 + 6 * 2.4 would miss 19.2."""
    value, end, each = Decimal(str(first)), Decimal(str(last)), Decimal(str(pace))
    while value <= end:
        yield value
        value = value + each if by_step else value * each
