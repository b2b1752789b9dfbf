"""The times of a log, in ISO 8601 or in whole ns, read from one text or from a column of texts.

A column is read one layout at a time: the rows with digits at the same positions and the same marks
between them.  Times and errors are the same as those of each text alone.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.errors import UserError
from sushi_dse.traces.files import got
from sushi_dse.units import BLANKS

Moments: TypeAlias = npt.NDArray[np.int64]  # [row, 2]: whole seconds from 1970, and ns above them

# Date and time to the second; each of them in the extended form, or in the basic one.
TIME = re.compile(
    r"(?P<year>[0-9]{4})(?P<dash>-?)(?P<month>[0-9]{2})(?P=dash)(?P<day>[0-9]{2})[T ]"
    r"(?P<hour>[0-9]{2})(?P<colon>:?)(?P<minute>[0-9]{2})(?P=colon)(?P<second>[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?"
    r"(?: ?(?:Z|UTC|(?P<sign>[+-])(?P<zone_hour>[0-9]{2})(?::?(?P<zone_minute>[0-9]{2}))?))?"
)
LIMITS = {
    "year": (1, 9999),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "zone_hour": (0, 23),
    "zone_minute": (0, 59),
}
WHOLE = re.compile(r"[0-9]{1,19}")
NS_PER_S = 10**9
LONGEST_S = 9 * 10**9  # longest duration of a log, so that an int64 holds it in ns
MOST_CHARACTERS = 50  # longest text that is read as a time; `TIME` matches only shorter ones
MOST_LAYOUTS = 100  # most layouts among the times of one length that are read by column
EPOCH_DAY = date(1970, 1, 1).toordinal()


def iso_ns(text: str) -> int:
    """The ns from 1970 to a time in ISO 8601, in UTC where it names no zone.

    ValueError where the text is no such time, with seconds and with no more than 9 decimals.

    >>> iso_ns("1970-01-02T00:00:01.5Z"), iso_ns("19700101 020000,25 +0200")
    (86401500000000, 250000000)
    """
    match = TIME.fullmatch(text.strip(BLANKS))
    if match is None:
        raise ValueError("no time in ISO 8601")
    part = {name: int(match[name] or 0) for name in LIMITS}
    for name, (low, high) in LIMITS.items():
        if not low <= part[name] <= high:
            raise ValueError(f"{low} <= {name} <= {high} must hold")
    days = date(part["year"], part["month"], part["day"]).toordinal() - EPOCH_DAY
    ahead_s = 3600 * part["zone_hour"] + 60 * part["zone_minute"]
    of_day_s = 3600 * part["hour"] + 60 * part["minute"] + part["second"]
    seconds = 86_400 * days + of_day_s - (-ahead_s if match["sign"] == "-" else ahead_s)
    return NS_PER_S * seconds + int((match["fraction"] or "").ljust(9, "0"))


def whole_ns(text: str) -> int:
    """The whole number of ns that the text states; ValueError where it states none.

    >>> whole_ns("1700158623000000001")
    1700158623000000001
    """
    text = text.strip(BLANKS)
    if not WHOLE.fullmatch(text):
        raise ValueError("no whole number of at most 19 digits")
    return int(text)


def iso_moments(texts: pa.ChunkedArray) -> Moments:
    """The times that `iso_ns` reads from each text; ValueError where it refuses one."""
    moments = np.empty((len(texts), 2), dtype=np.int64)
    for rows, characters in _by_length(texts):
        for _ in range(MOST_LAYOUTS):
            alike, match = _like_the_first(characters)
            moments[rows[alike]] = _moments(characters[:, alike], match)
            rows, characters = rows[~alike], characters[:, ~alike]
            if not len(rows):
                break
        else:
            raise ValueError("too many layouts to be read at once")
    return moments


def ns_moments(texts: pa.ChunkedArray) -> Moments:
    """The times that `whole_ns` reads from each text; ValueError where it refuses one."""
    moments = np.empty((len(texts), 2), dtype=np.int64)
    for rows, characters in _by_length(texts):
        if len(characters) > 19 or not _are_digits(characters).all():
            raise ValueError("no whole number of at most 19 digits")
        split = max(len(characters) - 9, 0)
        moments[rows, 0] = _number(characters[:split])
        moments[rows, 1] = _number(characters[split:])
    return moments


def ns_from_the_first(moments: Moments) -> npt.NDArray[np.int64]:
    """The ns of each time since the whole second of the earliest one: [row].

    ValueError where the times are too far apart for an int64.
    """
    seconds, ns = moments.T
    first, last = int(seconds.argmin()), int(seconds.argmax())
    if int(seconds[last]) - int(seconds[first]) > LONGEST_S:
        raise ValueError(
            f"spans over 285 years, from row {first + 1} to row {last + 1} below the header; "
            "mend the one that errs, or take it out"
        )
    return np.asarray((seconds - seconds[first]) * NS_PER_S + ns)


def iso_field(where: str, name: str, text: str) -> int:
    """The ns of a field in ISO 8601; `UserError` where it holds no time."""
    try:
        return iso_ns(text)
    except ValueError:
        raise UserError(
            f"{where}: {name} must be a time such as 2023-11-16 18:17:03.97, {got(text)}"
        ) from None


def ns_field(where: str, name: str, text: str) -> int:
    """The ns of a field that states them as a number; `UserError` where it holds none."""
    try:
        return whole_ns(text)
    except ValueError:
        raise UserError(
            f"{where}: {name} must be whole ns such as 1700158623970000000, {got(text)}"
        ) from None


def moments_of(ns: list[int]) -> Moments:
    """Numbers of ns from 1970 as `Moments`."""
    return np.array([divmod(each, NS_PER_S) for each in ns], dtype=np.int64).reshape(-1, 2)


def _by_length(
    texts: pa.ChunkedArray,
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8]]]:
    """The rows of each length, without blanks around them, and their bytes: [character, row]."""
    begin = 0
    for chunk in pc.utf8_trim(texts, characters=BLANKS).chunks:
        lengths = pc.binary_length(chunk).to_numpy(zero_copy_only=False)
        for length in np.unique(lengths):
            if not 0 < length <= MOST_CHARACTERS:
                raise ValueError("no time")
            rows = np.flatnonzero(lengths == length)
            part = chunk if len(rows) == len(chunk) else chunk.take(pa.array(rows))
            _, offsets, content = part.buffers()
            start = np.frombuffer(offsets, np.int32)[part.offset]
            flat = np.frombuffer(content, np.uint8)[start : start + len(rows) * length]
            yield begin + rows, np.ascontiguousarray(flat.reshape(-1, length).T)
        begin += len(chunk)


def _are_digits(characters: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return np.asarray(characters - np.uint8(ord("0")) < 10)  # Differences below 0 wrap around.


def _like_the_first(
    characters: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.bool_], re.Match[str]]:
    """Whether each row has the layout of the first, and the match that locates its parts."""
    match = TIME.fullmatch(characters[:, 0].tobytes().decode("latin-1"))
    if match is None:
        raise ValueError("no time in ISO 8601")
    alike = np.ones(characters.shape[1], dtype=np.bool_)
    for column, is_digit in zip(characters, _are_digits(characters[:, 0]), strict=True):
        alike &= _are_digits(column) if is_digit else column == column[0]
    return alike, match


def _number(digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The numbers that the digits, [character, row], write: [row]; 0 without digits."""
    number = np.zeros(digits.shape[1], dtype=np.int64)
    for column in digits:
        number = 10 * number + (column - np.uint8(ord("0")))
    return number


def _moments(characters: npt.NDArray[np.uint8], match: re.Match[str]) -> Moments:
    """The times of rows with the one layout of `match`; ValueError where one does not exist."""
    part = {name: _number(characters[slice(*match.span(name))]) for name in LIMITS if match[name]}
    for name, numbers in part.items():
        low, high = LIMITS[name]
        if not ((numbers >= low) & (numbers <= high)).all():
            raise ValueError(f"{low} <= {name} <= {high} must hold")
    months = (12 * (part["year"] - 1970) + part["month"] - 1).astype("datetime64[M]")
    first_day, next_month = (
        m.astype("datetime64[D]").astype(np.int64) for m in (months, months + 1)
    )
    days = first_day + part["day"] - 1
    if not (days < next_month).all():
        raise ValueError("no such day")
    ahead_s = 3600 * part.get("zone_hour", 0) + 60 * part.get("zone_minute", 0)
    of_day_s = 3600 * part["hour"] + 60 * part["minute"] + part["second"]
    seconds = 86_400 * days + of_day_s - (-ahead_s if match["sign"] == "-" else ahead_s)
    fraction = characters[slice(*match.span("fraction"))] if match["fraction"] else characters[:0]
    return np.stack([seconds, _number(fraction) * 10 ** (9 - len(fraction))], axis=1)
