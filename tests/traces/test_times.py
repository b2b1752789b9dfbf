"""The times of a log, one text against a calendar, and a column against one text."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sushi_dse.traces.times import iso_moments, iso_ns, moments_of, ns_moments, whole_ns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(
    lambda ahead: timezone(timedelta(minutes=ahead // timedelta(minutes=1)))
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, int]:
    """A time in one of the forms that it may have, and the ns from 1970 to it."""
    moment = draw(st.datetimes()).replace(microsecond=0)
    dash, colon = draw(st.sampled_from(["-", ""])), draw(st.sampled_from([":", ""]))
    text = f"{moment.year:04}{dash}{moment.month:02}{dash}{moment.day:02}"
    text += draw(st.sampled_from(["T", " "]))
    text += f"{moment.hour:02}{colon}{moment.minute:02}{colon}{moment.second:02}"
    digits = draw(st.text("0123456789", max_size=9))
    text += draw(st.sampled_from([".", ","])) + digits if digits else ""
    zone = draw(st.none() | ZONES)
    ahead = timedelta(0) if zone is None else zone.utcoffset(None)
    if zone is None:
        text += draw(st.sampled_from(["", "Z", "UTC", " UTC"]))
    else:
        hours, minutes = divmod(abs(ahead) // timedelta(minutes=1), 60)
        text += draw(st.sampled_from(["", " "])) + ("-" if ahead < timedelta(0) else "+")
        text += f"{hours:02}" + draw(st.sampled_from([":", ""])) + f"{minutes:02}"
    seconds = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(seconds=1)
    return text, 10**9 * (seconds - ahead // timedelta(seconds=1)) + int(digits.ljust(9, "0"))


@given(written())
def test_a_time_is_read_to_the_ns_in_whatever_form(time: tuple[str, int]) -> None:
    text, ns = time
    assert iso_ns(text) == iso_ns(f" \t{text} ") == ns


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024-03-01 10:00:00,250", "2024-03-01T10:00:00.250Z"),
        ("20231116T181703.97", "2023-11-16 18:17:03.970000000"),
        ("2024-02-29 23:30:00-00:45", "2024-03-01 00:15:00"),
        ("2023-12-31 23:30:00-0100", "20240101T003000Z"),
        ("2023-11-16 18:17:03+02", "2023-11-16 16:17:03 UTC"),
    ],
)
def test_two_forms_of_a_time_are_one_time(one: str, other: str) -> None:
    assert iso_ns(one) == iso_ns(other)


WRONG = [
    "",
    "2023-11-16",
    "2023-11-16 18:17",
    "2023-11-16 18:17:03.",
    "2023-11-16 18:17:03.0123456789",
    "2023-11-16 18:17:03 ZZ",
    "2023-11-16 18:17:03z",
    "2023-11-16 18:17:03 CET",
    "2023-11-16 18:17:03+2",
    "2023-11-16 18:17:03+24:00",
    "2023-11-16 18:17:03+01:60",
    "2023-11-16 18:17:60",
    "2023-11-16 18:60:00",
    "2023-11-16 24:00:00",
    "2023-11-1618:17:03",
    "2023-11-16_18:17:03",
    "2023-1116 18:17:03",
    "2023-11-16 18:1703",
    "2023-W46-4T18:17:03",
    "2023-320T18:17:03",
    "2023-02-29 00:00:00",
    "1900-02-29 00:00:00",
    "2023-04-31 00:00:00",
    "2023-13-01 00:00:00",
    "2023-00-01 00:00:00",
    "2023-01-00 00:00:00",
    "0000-01-01 00:00:00",
    "12023-01-01 00:00:00",
    "-2023-01-01 00:00:00",
    "23-01-01 00:00:00",
    "\u0662023-01-01 00:00:00",
    "2023-11-16 18:17:03\n",
    "NaT",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_time_is_refused_alone_and_in_a_column(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        iso_ns(text)
    with pytest.raises(ValueError, match=r"."):
        iso_moments(pa.chunked_array([["2000-02-29 00:00:00"], ["2000-02-29 00:00:00", text]]))


@pytest.mark.parametrize("text", ["0001-01-01 00:00:00+23:59", "9999-12-31T23:59:59.999999999Z"])
def test_the_first_year_and_the_last_are_read(text: str) -> None:
    expected = (datetime.fromisoformat(text[:19]).replace(tzinfo=UTC) - EPOCH).total_seconds()
    ahead_s, ns = (86_340, 0) if "+" in text else (0, 999_999_999)
    assert iso_ns(text) == int(expected - ahead_s) * 10**9 + ns


FIELDS = st.one_of(
    written().map(lambda time: time[0]),
    st.sampled_from(WRONG),
    st.text("0123456789:-+.,TZ \t", max_size=30),
    st.datetimes().map(lambda moment: moment.isoformat(" ")),
)


@given(st.lists(st.lists(FIELDS, max_size=4), max_size=3))
@example([["2024-02-29 00:00:00Z", "2023-01-01 00:00:00Z", " 2024-02-29 00:00:00Z"], [], ["x"]])
def test_a_column_is_read_as_each_of_its_texts(chunks: list[list[str]]) -> None:
    column = pa.chunked_array(chunks, type=pa.string())
    try:
        alone = moments_of([iso_ns(text) for chunk in chunks for text in chunk])
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            iso_moments(column)
    else:
        assert np.array_equal(iso_moments(column), alone)


@given(st.lists(written(), min_size=1, max_size=8))
def test_a_column_of_times_in_mixed_forms_is_read_at_once(times: list[tuple[str, int]]) -> None:
    column = pa.chunked_array([[text for text, _ in times]])
    seconds, ns = iso_moments(column).T
    together = zip(seconds.tolist(), ns.tolist(), strict=True)
    assert [10**9 * s + part for s, part in together] == [ns for _, ns in times]


@given(st.lists(st.integers(0, 10**19 - 1).map(str) | st.text("0123456789 .-", max_size=21)))
@example(["0", "00", "9" * 19, " 7\t"])
@example(["9" * 20])
def test_a_column_of_ns_is_read_as_each_of_its_texts(texts: list[str]) -> None:
    column = pa.chunked_array([texts], type=pa.string())
    try:
        alone = moments_of([whole_ns(text) for text in texts])
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            ns_moments(column)
    else:
        assert np.array_equal(ns_moments(column), alone)
