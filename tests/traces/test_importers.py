import gzip
import json
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.traces import logs
from sushi_dse.traces.describe import describe_trace
from sushi_dse.traces.files import read_trace, write_trace
from sushi_dse.traces.importers import AZURE_LLM, Imported, import_log, rank_fractions
from sushi_dse.traces.log_columns import TIME_UNITS, LogColumns
from sushi_dse.traces.trace import Trace
from tests.commands import Run
from tests.facts import LOGS

ACCURACY, LATENCY = (76.0, 80.0), (10.0, 50.0)
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
ROWS = (
    "2023-11-16 18:17:03.9799600,4808,10",
    "2023-11-16 18:17:04.0319600,3180,8",
    "2023-11-16 18:17:04.0781100,110,27",
    "2023-11-16 18:17:05,3180,8",
)
DIRECT = LogColumns(arrived="at", time_unit="s", accuracy="percent", latency="ms")


def text(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows, "")).encode()


def bits(trace: Trace) -> list[bytes]:
    return [column.tobytes() for column in trace.columns]


def imported(
    content: bytes,
    columns: LogColumns = AZURE_LLM,
    *,
    rate_per_s: float | None = None,
    limit: int | None = None,
) -> Imported:
    """The import of a file with that content; what is said of it calls it `log.csv`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        path.write_bytes(content)
        try:
            made = import_log(path, columns, accuracy_percent=ACCURACY, latency_ms=LATENCY,
                              rate_per_s=rate_per_s, limit=limit)  # fmt: skip
        except UserError as error:
            raise UserError(str(error).replace(f"{folder}/", "")) from None
        warnings = tuple(warning.replace(f"{folder}/", "") for warning in made.warnings)
        return replace(made, warnings=warnings)


def refusal(content: bytes, columns: LogColumns = AZURE_LLM, **options: Any) -> str:
    with pytest.raises(UserError) as error:
        imported(content, columns, **options)
    return str(error.value)


# Ranks


VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30).map(np.array)


@given(VALUES)
def test_a_place_is_the_mean_rank_between_those_of_the_extremes(values: np.ndarray) -> None:
    mean_ranks = [
        sum(other < value for other in values) + (sum(other == value for other in values) - 1) / 2
        for value in values
    ]
    low, high = min(mean_ranks), max(mean_ranks)
    wanted = [(rank - low) / (high - low) if high > low else 0.5 for rank in mean_ranks]
    np.testing.assert_allclose(rank_fractions(values), wanted, rtol=1e-12)


@given(VALUES)
def test_ranks_keep_the_order_and_span_the_range(values: np.ndarray) -> None:
    places = rank_fractions(values)
    for one, place in zip(values, places, strict=True):
        assert ((places < place) == (values < one)).all()
        assert ((places == place) == (values == one)).all()
    if len(set(values)) > 1:
        assert (places.min(), places.max()) == (0, 1)


@given(VALUES, st.randoms())
def test_a_rank_does_not_depend_on_the_order_or_the_scale(
    values: np.ndarray, random: Random
) -> None:
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(values))
    places = rank_fractions(values)
    assert rank_fractions(values[order]).tobytes() == places[order].tobytes()
    assert rank_fractions(10.0**values).tobytes() == places.tobytes()


def test_zero_has_one_rank_whatever_its_sign() -> None:
    assert rank_fractions(np.array([0.0, -0.0, 1.0])).tolist() == [0, 0, 1]


# What a log becomes


def test_a_log_keeps_its_own_timing_and_demands_go_by_rank() -> None:
    made = imported(text(*ROWS))
    assert made.warnings == ()
    assert made.trace.arrived_ms.tolist() == [0.0, 52.0, 98.15, 1020.04]
    # 10, 8, 27, 8 have the mean ranks 3, 1.5, 4, 1.5; 4808, 3180, 110, 3180 have 4, 2.5, 1, 2.5.
    assert made.trace.min_accuracy_percent.tolist() == [76 + 4 * 0.6, 76, 80, 76]
    assert made.trace.max_latency_ms.tolist() == [50, 30, 10, 30]


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Times in tenths of a microsecond, and two counts of tokens; not all at one time."""
    times = draw(st.lists(st.integers(0, 10**9), min_size=3, max_size=20, unique=True))
    counts = st.integers(0, 5)
    return [(time, draw(counts), draw(counts)) for time in sorted(times)]


def azure(rows: list[tuple[int, int, int]]) -> bytes:
    def stamp(time: int) -> str:
        return f"2024-05-10 00:{time // 10**7 // 60:02}:{time // 10**7 % 60:02}.{time % 10**7:07}"

    return text(*(f"{stamp(time)},{context},{generated}" for time, context, generated in rows))


@given(requests(), st.floats(1e-3, 1e3))
@settings(max_examples=50)
def test_a_rate_stretches_all_times_alike(
    rows: list[tuple[int, int, int]], rate_per_s: float
) -> None:
    own, stretched = imported(azure(rows)), imported(azure(rows), rate_per_s=rate_per_s)
    figures, wanted = describe_trace(stretched.trace), describe_trace(own.trace)
    assert figures["rate_per_s"] == pytest.approx(rate_per_s)
    assert figures["interarrival_cv"] == pytest.approx(wanted["interarrival_cv"], rel=1e-6)
    shape = own.trace.arrived_ms / own.trace.arrived_ms[-1]
    np.testing.assert_allclose(stretched.trace.arrived_ms / stretched.trace.arrived_ms[-1], shape)
    assert bits(stretched.trace)[1:] == bits(own.trace)[1:]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@given(rows=requests())
@settings(max_examples=20)
def test_an_imported_trace_comes_back_from_its_file(
    suffix: str, rows: list[tuple[int, int, int]]
) -> None:
    trace = imported(azure(rows)).trace
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"trace{suffix}"
        write_trace(trace, path)
        assert bits(read_trace(path)) == bits(trace)


@given(requests(), st.randoms())
@settings(max_examples=50)
def test_rows_in_any_order_make_the_same_trace(
    rows: list[tuple[int, int, int]], random: Random
) -> None:
    mixed = rows.copy()
    random.shuffle(mixed)
    made = imported(azure(mixed))
    assert bits(made.trace) == bits(imported(azure(rows)).trace)
    assert len(made.warnings) == (mixed != rows)


def test_rows_that_run_backwards_are_sorted_and_equal_times_stay_in_order() -> None:
    made = imported(text(ROWS[2], ROWS[0], "2023-11-16 18:17:03.97996,9,9", ROWS[1]))
    assert made.trace.arrived_ms.tolist() == [0, 0, 52, 98.15]
    assert made.trace.max_latency_ms[:3].tolist() == [50, 10, pytest.approx(10 + 40 * 2 / 3)]
    assert made.warnings == (
        "log.csv: 1 rows run backwards, the first is row 2 below the header; sorted by TIMESTAMP",
    )


def test_a_limit_takes_the_first_to_arrive_and_ranks_those_alone() -> None:
    made = imported(text(*reversed(ROWS)), limit=2)
    assert made.trace.arrived_ms.tolist() == [0, 52]
    assert made.trace.max_latency_ms.tolist() == [50, 10]
    assert bits(imported(text(*ROWS), limit=99).trace) == bits(imported(text(*ROWS)).trace)


def test_columns_without_ranks_are_percent_and_ms_as_they_stand() -> None:
    content = text("1.5,a,78.5,20", "3,b,0,1e3", header="at,who,percent,ms")
    trace = imported(content, DIRECT).trace
    assert trace.arrived_ms.tolist() == [0, 1500]
    assert trace.min_accuracy_percent.tolist() == [78.5, 0]
    assert trace.max_latency_ms.tolist() == [20, 1000]


def test_a_demand_without_a_column_is_the_laxest() -> None:
    trace = imported(text("0", "1", header="at"), LogColumns(arrived="at", time_unit="s")).trace
    assert trace.min_accuracy_percent.tolist() == [ACCURACY[0]] * 2
    assert trace.max_latency_ms.tolist() == [LATENCY[1]] * 2


def test_one_column_may_rank_both_demands() -> None:
    columns = LogColumns(arrived="at", time_unit="s", accuracy="size", latency="size", rank=True)
    trace = imported(text("0,7", "1,9", "2,8", header="at,size"), columns).trace
    assert trace.min_accuracy_percent.tolist() == [76, 80, 78]
    assert trace.max_latency_ms.tolist() == [10, 50, 30]


@pytest.mark.parametrize(
    ("unit", "first", "second"),
    [
        ("s", "1700158623.5", "1700158625"),
        ("ms", "1700158623500", "1700158625000"),
        ("us", "1700158623500000", "1700158625000000"),
        ("ns", "1700158623500000000", "1700158625000000000"),
        ("iso", "2023-11-16 18:17:03.5", "2023-11-16 18:17:05"),
    ],
)
def test_a_time_may_be_in_any_known_unit(unit: str, first: str, second: str) -> None:
    columns = LogColumns(arrived="at", time_unit=unit)
    assert imported(text(first, second, header="at"), columns).trace.arrived_ms.tolist() == [
        0,
        1500,
    ]
    assert unit in TIME_UNITS


@pytest.mark.parametrize("unit", ["ns", "iso"])
def test_a_time_is_read_to_the_ns(unit: str) -> None:
    first, second = ("1700158623000000001", "1700158623000000256")
    if unit == "iso":
        first, second = "2023-11-16T18:17:03.000000001Z", "2023-11-16 19:17:03,000000256+01:00"
    rows = (f'"{first}"', f'"{second}"')
    trace = imported(text(*rows, header="at"), LogColumns(arrived="at", time_unit=unit)).trace
    assert trace.arrived_ms.tolist() == [0, 0.000255]


@pytest.mark.parametrize("wrong", ["1.5", "17e17", "-1", "+1", "", "0x10", "9" * 20, "1_0"])
def test_ns_are_whole_and_their_line_is_named(wrong: str) -> None:
    columns = LogColumns(arrived="at", time_unit="ns", latency="ms")
    said = refusal(text("1,5", f"{wrong},5", "3,5", header="at,ms"), columns)
    shown = f"got {wrong!r}" if wrong else "the field is empty"
    assert said == f"log.csv:3: at must be whole ns such as 1700158623970000000, {shown}"


def test_a_log_over_centuries_is_refused_and_its_rows_named() -> None:
    never = "0001-01-01 00:00:00.0000000,5,3"
    assert refusal(text(ROWS[0], never, ROWS[1])) == (
        "log.csv: TIMESTAMP spans over 285 years, from row 2 to row 3 below the header; "
        "mend the one that errs, or take it out"
    )


# How a log may be written


def test_a_gzipped_log_is_the_plain_one() -> None:
    content = text(*ROWS)
    plain = bits(imported(content).trace)
    assert bits(imported(gzip.compress(content, mtime=0)).trace) == plain
    half = len(content) // 2
    members = gzip.compress(content[:half], mtime=0) + gzip.compress(content[half:], mtime=0)
    assert bits(imported(members).trace) == plain


@pytest.mark.parametrize(
    "content",
    [
        text(*ROWS).rstrip(),
        text(*ROWS).replace(b"\n", b"\r\n"),
        text(*ROWS).replace(b"\n", b"\r\n").rstrip(),
        text(*ROWS).replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + text(*ROWS),
        b"\n" + text(*ROWS) + b"\r\n\r\n",
        text(*ROWS) + b"  \t",
        text(ROWS[0], "", "", *ROWS[1:], ""),
        text(*(f'"{row}"'.replace(",", '","') for row in ROWS)),
        text(*(row.replace(",", ',"a, b\n",', 1) for row in ROWS), header=HEADER.replace(
            ",", ", note, ", 1)),
        text(*(f"x,{row},\u00e9" for row in ROWS), header=f"Id,{HEADER} ,note"),
        text(*(f"{row},\xe9" for row in ROWS), header=f"{HEADER},note").decode().encode("latin-1"),
        text(*(row.replace(" ", "T") for row in ROWS)),
        text(*(row.replace(",", "Z,", 1) for row in ROWS)),
        text(*(row.replace(",", "+00:00,", 1) for row in ROWS)),
        text(*(row.replace(" 18", " 20").replace(",", "+0200,", 1) for row in ROWS)),
        text(ROWS[0].replace(",", "+00:00,", 1), *ROWS[1:]),
        text(ROWS[0].replace(",", "00,", 1), *ROWS[1:]),
        text(*(row.replace(",", "Z,", 1) if i % 2 else row for i, row in enumerate(ROWS))),
        text(*(row.replace(",", " UTC,", 1) for row in ROWS)),
        text(*(row.replace("-", "", 2).replace(":", "", 2) for row in ROWS)),
        text(*(f'"{row.replace(".", ",")}'.replace(",", '",', 2).replace('",', ",", 1)
               if "." in row else row for row in ROWS)),
        text(*(f" {row}" for row in ROWS)),
        text(*(row.replace(",", " , ") for row in ROWS)),
        text(*(row.replace("3180", "3.18e3") for row in ROWS)),
    ],
)  # fmt: skip
def test_a_log_may_be_written_in_any_usual_way(content: bytes) -> None:
    made = imported(content)
    assert bits(made.trace) == bits(imported(text(*ROWS)).trace)
    assert made.warnings == ()


FIELDS = st.one_of(
    st.sampled_from(["7", "0", "nan", "inf", "-1", "", " 3 ", "1_0", '"5"', "x"]),
    st.sampled_from(["2023-11-16 18:17:03", "2023-11-16 18:17:03.97996+00:00", "2023-11-16"]),
    st.text('0123456789.:-+TZ \t"x\x00\u0663', max_size=8),
)
ANY_ROW = st.one_of(st.sampled_from(ROWS), st.lists(FIELDS, min_size=2, max_size=4).map(",".join))
ANY_LOG = st.lists(ANY_ROW, max_size=4).map(lambda rows: "\n".join((HEADER, *rows)).encode())


def outcome(content: bytes) -> tuple[object, ...] | str:
    try:
        made = imported(content)
    except UserError as error:
        return str(error)
    return (bits(made.trace), made.warnings)


@given(ANY_LOG)
@example(text(ROWS[0], "2023-11-16 18:17:03.9799600,4808,nan(1)"))
@example(text(ROWS[0], '2023-11-16 18:17:03.9799600,4808,"5"3'))
@settings(max_examples=100)
def test_reading_at_once_and_row_by_row_agree(content: bytes) -> None:
    at_once = outcome(content)
    with patch.object(logs, "_read_block", side_effect=ValueError):
        assert outcome(content) == at_once


@given(ANY_LOG, st.integers(1, 150))
@example(b"\n\n" + text(*ROWS, "2023-11-16 18:17:06+01:00,1,x", *ROWS), 50)
@settings(max_examples=100)
def test_reading_in_pieces_and_as_a_whole_agree(content: bytes, piece_bytes: int) -> None:
    whole = outcome(content)
    with patch.object(logs, "PIECE_BYTES", piece_bytes):
        assert outcome(content) == whole


@given(st.one_of(ANY_LOG, st.binary(max_size=60), st.binary(max_size=60).map(b"\x1f\x8b".__add__)))
@settings(max_examples=100)
def test_whatever_is_in_a_log_the_error_is_one_line_that_names_it(content: bytes) -> None:
    found = outcome(content)
    if isinstance(found, str):
        assert len(found.splitlines()) == 1
        assert found.startswith("log.csv")


# What is wrong with a log


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_torn_last_row_is_left_out_and_named(end: str) -> None:
    whole = text(*ROWS).replace(b"\n", end.encode())
    kept = len(whole) - len(ROWS[-1]) - len(end)
    last_field = whole.rindex(b",") + 1
    for cut in range(kept + 1, len(whole) - len(end) + 1):
        made = imported(whole[:cut])
        if cut <= last_field:
            shown = repr(whole[kept:cut].decode())
            assert made.warnings == (f"log.csv:5: the last row is torn, and left out: {shown}",)
            assert bits(made.trace) == bits(imported(text(*ROWS[:-1])).trace)
        else:  # what is left of the last number is a number
            assert (len(made.trace), made.warnings) == (4, ())


def test_a_row_that_ends_its_line_is_not_torn_but_wrong() -> None:
    assert refusal(text(*ROWS, "2023-11-16 18:1")) == (
        "log.csv:6: the field 'ContextTokens' is missing: 1 fields, the header names 3"
    )


def test_a_gzip_file_that_is_cut_short_is_refused_with_the_line_it_ends_in() -> None:
    content = text(*ROWS * 2000)
    packed = gzip.compress(content, mtime=0)
    for cut in (5, 100, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        lines = zlib.decompressobj(wbits=31).decompress(packed[:cut]).count(b"\n") + 1
        assert refusal(packed[:cut]) == (
            f"log.csv:{lines}: the gzip file is cut short in this line; fetch it again"
        )


def test_a_damaged_gzip_file_is_refused() -> None:
    packed = bytearray(gzip.compress(text(*ROWS * 2000)))
    packed[-6] ^= 1  # in the checksum
    assert refusal(bytes(packed)).endswith("the gzip file is damaged in this line; fetch it again")
    packed[len(packed) // 2] ^= 255
    assert "damaged" in refusal(bytes(packed)) or "cut short" in refusal(bytes(packed))


SIZE = "0 <= GeneratedTokens <= 1e+15 must hold, got"
NUMBER = "GeneratedTokens must be a number such as 12.5,"
TIME = "TIMESTAMP must be a time such as 2023-11-16 18:17:03.97,"


@pytest.mark.parametrize("end", ["\n", f"\n{ROWS[3]}\n", f'\n"{ROWS[3]}\n'])
@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2023-11-16 18:17:04,5,", f"{NUMBER} the field is empty"),
        ("2023-11-16 18:17:04,5,NULL", f"{NUMBER} got 'NULL'"),
        ("2023-11-16 18:17:04,5,1 000", f"{NUMBER} got '1 000'"),
        ("2023-11-16 18:17:04,5,nan", f"{NUMBER} got 'nan'"),
        ("2023-11-16 18:17:04,5,-3", f"{SIZE} -3.0"),
        ("2023-11-16 18:17:04,5,inf", f"{NUMBER} got 'inf'"),
        (",5,3", f"{TIME} the field is empty"),
        ("NaT,5,3", f"{TIME} got 'NaT'"),
        ("1700158623,5,3", f"{TIME} got '1700158623'"),
        ("2023-11-31 18:17:04,5,3", f"{TIME} got '2023-11-31 18:17:04'"),
        ("2023-11-16,5,3", f"{TIME} got '2023-11-16'"),
        ("2023-11-16 18:17:04.0123456789,5,3", f"{TIME} got '2023-11-16 18:17:04.0123456789'"),
        ("2023-11-16 18:17:04,5",
         "the field 'GeneratedTokens' is missing: 2 fields, the header names 3"),
        ("2023-11-16 18:17:04,5,3,1", "4 fields, the header names 3; take out what follows "
         "'GeneratedTokens', and write decimals with a point"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_by_its_line(row: str, message: str, blank: int, end: str) -> None:
    content = text(*ROWS[:2], *[""] * blank).decode() + row + end
    assert refusal(content.encode()) == f"log.csv:{4 + blank}: {message}"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2,101,5", "0 <= percent <= 100 must hold, got 101.0"),
        ("2,78,0", "0 < ms <= 1e+15 must hold, got 0.0"),
        ("-2,78,5", "0 <= at <= 1e+18 must hold, got -2.0"),
        ("nan,78,5", "at must be a number such as 12.5, got 'nan'"),
        ("2023-11-16,78,5", "at must be a number such as 12.5, got '2023-11-16'"),
    ],
)
def test_a_demand_as_it_stands_must_be_one(row: str, message: str) -> None:
    assert refusal(text("1,78,5", row, header="at,percent,ms"), DIRECT) == f"log.csv:3: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "log.csv:1: no header; the first line of a log names its columns"),
        (b"\n\n", "log.csv:1: no header; the first line of a log names its columns"),
        (
            gzip.compress(b"", mtime=0),
            "log.csv:1: no header; the first line of a log names its columns",
        ),
        (HEADER.encode(), "log.csv: no rows below the header; a log has one for each request"),
        (text(), "log.csv: no rows below the header; a log has one for each request"),
        (text(header="Timestamp,ContextTokens,GeneratedTokens"),
         "log.csv:1: no column 'TIMESTAMP'; did you mean 'Timestamp'?"),
        (text(header="TIMESTAMP,ContextToken,GeneratedTokens"),
         "log.csv:1: no column 'ContextTokens'; did you mean 'ContextToken'?"),
        (b"\n" + text(header=f"{HEADER},TIMESTAMP"),
         "log.csv:2: the column 'TIMESTAMP' is there twice; rename one"),
        (text(ROWS[0]),
         "log.csv: all requests arrive at one time; a trace needs two times or more"),
        (text(ROWS[0], ROWS[0]),
         "log.csv: all requests arrive at one time; a trace needs two times or more"),
        (text(*ROWS).decode().encode("utf-16"),
         "log.csv is binary, not CSV; save it as CSV in UTF-8, plain or gzipped"),
        (b"PAR1\x00\x15" + text(*ROWS),
         "log.csv is binary, not CSV; save it as CSV in UTF-8, plain or gzipped"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_log_is_refused(content: bytes, message: str) -> None:
    assert refusal(content) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_per_s": 0.0}, "0 < rate_per_s <= 1e+09 must hold, got 0.0"),
        ({"rate_per_s": np.nan}, "0 < rate_per_s <= 1e+09 must hold, got nan"),
        ({"rate_per_s": 1e-300}, "query 2: 0 <= arrived_ms <= 1e+15 must hold, got "),
        ({"limit": 0}, "1 <= limit <= 1e+08 must hold, got 0"),
        ({"limit": -1}, "1 <= limit <= 1e+08 must hold, got -1"),
        ({"limit": 1}, "all requests arrive at one time; a trace needs two times or more"),
    ],
)
def test_a_rate_or_limit_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    assert refusal(text(*ROWS), **options).startswith(f"log.csv: {message}")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time_unit": "sec"}, "unknown time unit 'sec'; known: iso, ms, ns, s, us"),
        ({"latency": "at"}, "the column 'at' cannot be an arrival and a demand; name another"),
        ({"accuracy": "x", "latency": "x"}, "the column 'x' cannot be percent and ms; map by rank"),
        ({"rank": True}, "no column to rank; name one for accuracy or latency"),
    ],
)
def test_columns_that_exclude_each_other_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        LogColumns(arrived="at", **fields)


def test_a_log_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "log.csv", "no such file; name a CSV file, plain or gzipped"),
        (tmp_path, "is a folder; name a CSV file, plain or gzipped"),
    ):
        with pytest.raises(UserError) as error:
            import_log(path, AZURE_LLM, accuracy_percent=ACCURACY, latency_ms=LATENCY)
        assert str(error.value) in (f"{path}: {message}", f"{path} {message}")


# A published log, and the commands


@pytest.mark.parametrize("folder", LOGS)
def test_the_published_log_is_imported_as_bursty_as_it_is(folder: str) -> None:
    path = LOGS[folder]
    made = import_log(path, AZURE_LLM, accuracy_percent=ACCURACY, latency_ms=LATENCY)
    assert made.warnings == ()
    figures = describe_trace(made.trace)
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    clocks = [line.partition(",")[0].partition(" ")[2].split(":") for line in lines]  # of one day
    gaps_s = np.diff([3600 * int(h) + 60 * int(m) + float(s) for h, m, s in clocks])
    assert figures["queries"] == len(lines)
    assert figures["duration_ms"] == pytest.approx(1e3 * gaps_s.sum())
    assert figures["interarrival_cv"] == pytest.approx(gaps_s.std() / gaps_s.mean())
    published = {"a few rows": (20, 30.48, 3.89), "all rows": (8819, 57 * 60.0, 13.0)}[folder]
    queries, duration_s, variation = published
    assert figures["queries"] == queries
    assert figures["duration_ms"] == pytest.approx(1e3 * duration_s, rel=0.01)
    assert figures["interarrival_cv"] == pytest.approx(variation, abs=0.5)
    for name, (low, high) in (("accuracy", ACCURACY), ("latency", LATENCY)):
        unit = "percent" if name == "accuracy" else "ms"
        assert figures[f"min_{name}_demand_{unit}"] == low
        assert figures[f"max_{name}_demand_{unit}"] == high


def test_a_log_is_imported_at_a_load_and_described(tmp_path: Path, run: Run) -> None:
    log, out = tmp_path / "log.csv.gz", tmp_path / "trace.csv"
    log.write_bytes(gzip.compress(text(*ROWS, "2023-11-16 18")[:-1]))
    code, printed, said = run("trace", "import", "azure-llm", log, "--out", out, "--load", "0.5")
    assert (code, printed) == (0, "")
    warning, note = said.splitlines()
    assert warning == f"warning: {log}:6: the last row is torn, and left out: '2023-11-16 18'"
    assert note.startswith(f"wrote {out}: 4 queries, ")
    assert note.endswith(" a second, 0.5 of what zcu104 serves")
    code, printed, _ = run("trace", "describe", out, "--format", "json")
    facts = json.loads(printed)
    assert (code, facts["queries"]) == (0, 4)
    assert f"{facts['rate_per_s']:.4g} a second" in note


def test_a_generic_log_is_imported(tmp_path: Path, run: Run) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "trace.parquet"
    log.write_bytes(text("0,5", "1000,9", "2000,7", header="when,bytes"))
    code, _, said = run("trace", "import", "csv", log, "--arrived", "when", "--time-unit", "us",
                     "--latency", "bytes", "--rank", "--rate-per-s", "4", "--out", out)  # fmt: skip
    trace = read_trace(out)
    assert code == 0
    assert trace.arrived_ms.tolist() == [0, 250, 500]
    assert np.argsort(trace.max_latency_ms).tolist() == [0, 2, 1]
    assert "no --accuracy: every query demands 75 %, the laxest that ofa_resnet50 offers" in said
    assert set(trace.min_accuracy_percent) == {75.0}
    assert "no --latency" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("azure-llm", "missing.csv", "--out", "t.csv"), "missing.csv: no such file"),
        (("azure-llm", "log.csv", "--out", "t.txt"), "ends in .csv or .parquet"),
        (("azure-llm", "log.csv", "--out", "t.csv", "--load", "1", "--rate-per-s", "1"),
         "give one of them"),
        (("csv", "log.csv", "--out", "t.csv", "--arrived", "TIMESTAMP", "--time-unit", "hours"),
         "unknown time unit 'hours'"),
        (("csv", "log.csv", "--out", "t.csv", "--arrived", "TIME", "--time-unit", "iso"),
         "did you mean 'TIMESTAMP'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_bytes(text(*ROWS))
    code, printed, error = run("trace", "import", *arguments)
    assert (code, printed) == (2, "")
    assert len(error.splitlines()) == 1
    assert said in error
