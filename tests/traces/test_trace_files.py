"""Trace files: what is written comes back, and what is no trace is refused."""

import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.traces import files
from sushi_dse.traces.files import read_trace, write_trace
from sushi_dse.traces.generators import generate
from sushi_dse.traces.trace import COLUMNS, MAX_MS, Trace
from tests.traces.trace_cases import SPEC, bits, trace_of, traces

OPTIONAL_COLUMNS = ("colocation_slowdown", "input_difficulty")
ALL_COLUMNS = (*COLUMNS, *OPTIONAL_COLUMNS)
SUFFIXES = (".csv", ".parquet")
HEADER = ",".join(COLUMNS)


def named_bits(trace: Trace) -> dict[str, bytes]:
    return {name: column.tobytes() for name, column in trace.named_columns.items()}


@st.composite
def met_traces(draw: st.DrawFn) -> Trace:
    """Traces with one optional column, or both."""
    trace = draw(traces())
    values = {"colocation_slowdown": st.floats(1, MAX_MS), "input_difficulty": st.floats(-0.0, 1)}
    kept = draw(st.sets(st.sampled_from(OPTIONAL_COLUMNS), min_size=1))
    size = len(trace)
    columns: dict[str, Any] = {
        name: draw(st.lists(values[name], min_size=size, max_size=size)) for name in kept
    }
    return replace(trace, **columns)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one example of a law; the fixture would be one for them all."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# Files


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(trace=traces())
@settings(deadline=None)  # a disk has no deadline
def test_a_trace_comes_back_from_its_file_without_a_changed_bit(suffix: str, trace: Trace) -> None:
    with folder() as out:
        path = out / f"trace{suffix}"
        write_trace(trace, path)
        assert bits(read_trace(path)) == bits(trace)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".CSV", ".Parquet"])
def test_a_generated_trace_comes_back_and_is_written_the_same_twice(
    suffix: str, tmp_path: Path
) -> None:
    trace = generate(replace(SPEC, arrivals="poisson", queries=3000))
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    write_trace(trace, first)
    write_trace(read_trace(first), second)
    assert bits(read_trace(second)) == bits(trace)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def csv_text(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *lines, "")).encode()


def outcome(content: bytes, suffix: str = ".csv") -> list[bytes] | str:
    """The bits that a file holds, or the message it ends in."""
    with folder() as out:
        path = out / f"trace{suffix}"
        path.write_bytes(content)
        try:
            return bits(read_trace(path))
        except UserError as error:
            return str(error).replace(str(out), "")


@pytest.mark.parametrize(
    "content",
    [
        csv_text("0,78,5", "1.5,79,6"),
        csv_text("0,78,5", "1.5,79,6").rstrip(),
        csv_text("0,78,5", "1.5,79,6").replace(b"\n", b"\r\n"),
        csv_text("0,78,5", "1.5,79,6").replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + csv_text("0,78,5", "1.5,79,6"),
        csv_text('"0","78","5"', "1.5,79,6"),
        csv_text("", " 0, 78 ,5", "", "+1.5,7.9e1,6.", ""),
        b"\n" + csv_text("0,78,5", "1.5,79,6"),
        csv_text("78,5,0", "79,6,1.5", header="min_accuracy_percent,max_latency_ms,arrived_ms"),
        csv_text("0,78,5", "1.5,79,6", header='"arrived_ms","min_accuracy_percent",max_latency_ms'),
    ],
)
def test_a_csv_file_may_be_written_in_any_usual_way(content: bytes) -> None:
    assert outcome(content) == bits(trace_of((0, 78, 5), (1.5, 79, 6)))


FIELDS = st.one_of(
    st.floats().map(repr),
    st.floats(0, 100).map(repr),
    st.integers(0, 99).map(str),
    st.text("0123456789.eE+-_ \t\"naifx'\x00\x1c\u0663", max_size=6),
)

ROWS = st.lists(FIELDS, min_size=2, max_size=4).map(",".join)


@given(st.lists(st.one_of(ROWS, st.just("0,78,5")), max_size=4), st.sampled_from("\n\r"))
@example(["0,78,nan(1)"], "\n")
@example(['0,78,"1"5'], "\n")
@settings(deadline=None)
def test_reading_at_once_and_row_by_row_agree(lines: list[str], end: str) -> None:
    content = end.join((HEADER, *lines)).encode()
    at_once = outcome(content)
    with patch.object(files, "_read_csv_block", side_effect=ValueError):
        assert outcome(content) == at_once


NUMBERS = st.one_of(
    st.floats().map(repr),
    st.from_regex(
        r"[ \t]?[+-]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{0,4})?[ \t]?", fullmatch=True
    ),
    st.text("0123456789.eE+-_ \tnaifxX()\u0663\uff11\xa0", max_size=6),
)


@given(st.lists(NUMBERS, min_size=1, max_size=3))
@example(["nan"])
@example(["infinity"])
@example(["+1."])
@example(["1e0005"])
@example(["1e-4000"])
@example(["0x10"])
@example(["1e"])
def test_a_column_of_numbers_is_read_as_each_of_them(texts: list[str]) -> None:
    def refused_or(read: Callable[[], list[float]]) -> list[str] | None:
        try:
            numbers = read()
        except (ValueError, UserError):
            return None
        return [n.hex() for n in numbers] if np.isfinite(numbers).all() else None

    def at_once() -> list[float]:
        content = "".join(f"{text},x\n" for text in texts).encode()
        columns = files.read_columns(content, ["a", "b"], 0, {"a": pa.float64()})
        return list(columns["a"].to_pylist())

    one_by_one = refused_or(lambda: [files.number("here", "a", text) for text in texts])
    assert refused_or(at_once) == one_by_one


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(
    content=st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(HEADER.encode().__add__))
)
@settings(deadline=None)
def test_whatever_is_in_a_file_the_error_is_one_line(suffix: str, content: bytes) -> None:
    read = outcome(content, suffix)
    assert isinstance(read, list) or (len(read.splitlines()) == 1 and f"trace{suffix}" in read)


NUMBER = "must be a number such as 12.5"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,nan,5", f"min_accuracy_percent {NUMBER}, got 'nan'"),
        ("1,78,inf", f"max_latency_ms {NUMBER}, got 'inf'"),
        ("1,78,-5", "0 < max_latency_ms <= 1e+15 must hold, got -5.0"),
        ("1,101,5", "0 <= min_accuracy_percent <= 100 must hold, got 101.0"),
        ("9" * 30 + ",78,5", "0 <= arrived_ms <= 1e+15 must hold, got 1e+30"),
        ("9" * 400 + ",78,5", f"arrived_ms {NUMBER}, got '{'9' * 40}...'"),
        ("1,high,5", f"min_accuracy_percent {NUMBER}, got 'high'"),
        ("=A1+1,78,5", f"arrived_ms {NUMBER}, got '=A1+1'"),
        ("2023-11-16 18:17:03,78,5", f"arrived_ms {NUMBER}, got '2023-11-16 18:17:03'"),
        ("1,7_8,5", f"min_accuracy_percent {NUMBER}, got '7_8'"),
        ("1,\u0667\u0668,5", f"min_accuracy_percent {NUMBER}, got '\u0667\u0668'"),
        ("1,78," + "x" * 99, f"max_latency_ms {NUMBER}, got '{'x' * 40}...'"),
        ("1,,5", f"min_accuracy_percent {NUMBER}, the field is empty"),
        ("1,NA,5", f"min_accuracy_percent {NUMBER}, got 'NA'"),
        (
            "0.25,78,5",
            "arrived_ms runs backwards, from 0.5 to 0.25; sort the queries by arrived_ms",
        ),
        ("1,78", "the field 'max_latency_ms' is missing: 2 fields, the header names 3"),
        (
            "1,78,5,6",
            "4 fields, the header names 3; take out what follows 'max_latency_ms', "
            "and write decimals with a point",
        ),
        ('1,78,"5', "not CSV: unexpected end of data; numbers need no quotes"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(line: str, message: str) -> None:
    assert outcome(csv_text("0.5,78,5", "", line).rstrip()) == f"/trace.csv:4: {message}"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "arrived_ms,min_acuracy_percent,max_latency_ms",
            "unknown column 'min_acuracy_percent'; did you mean 'min_accuracy_percent'?",
        ),
        (
            "TIMESTAMP,ContextTokens,GeneratedTokens",
            "unknown column 'TIMESTAMP'; did you mean 'arrived_ms'?",
        ),
        ("0;78;5", "unknown column '0;78;5'; put commas between fields"),
        (f"{HEADER},arrived_ms", "the column 'arrived_ms' is there twice; leave one out"),
        (
            "arrived_ms,max_latency_ms",
            "the column 'min_accuracy_percent' is missing; a trace has the columns "
            "arrived_ms, min_accuracy_percent, max_latency_ms",
        ),
    ],
)
def test_a_wrong_header_is_named_with_the_nearest_column(header: str, message: str) -> None:
    assert outcome(csv_text("0,78,5", header=header)) == f"/trace.csv:1: {message}"
    names = header.split(",")
    if len(set(names)) == len(names):
        assert outcome(parquet_bytes({name: [1.0] for name in names}), ".parquet") == (
            f"/trace.parquet: {message}"
        )


def parquet_bytes(columns: Mapping[str, object]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


GOOD = {
    "arrived_ms": [0.0, 1.0],
    "min_accuracy_percent": [78.0, 79.0],
    "max_latency_ms": [5.0, 6.0],
}


@pytest.mark.parametrize("kind", [pa.float32(), pa.float16(), pa.int64(), pa.uint8()])
def test_a_parquet_file_may_hold_any_kind_of_number(kind: pa.DataType) -> None:
    columns = {name: pa.array(values).cast(kind) for name, values in reversed(GOOD.items())}
    assert outcome(parquet_bytes(columns), ".parquet") == bits(trace_of((0, 78, 5), (1, 79, 6)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"arrived_ms": ["0", "1"]},
            "the column 'arrived_ms' holds string; store it as float64",
        ),
        (
            {"arrived_ms": pa.array([0, 1], pa.timestamp("ms"))},
            "the column 'arrived_ms' holds timestamp[ms]; store it as float64",
        ),
        (
            {"max_latency_ms": [True, True]},
            "the column 'max_latency_ms' holds bool; store it as float64",
        ),
        (
            {"max_latency_ms": [5.0, None]},
            "query 2: 0 < max_latency_ms <= 1e+15 must hold, got nan",
        ),
        (
            {"max_latency_ms": pa.array([5, 2**63], pa.uint64())},
            "query 2: 0 < max_latency_ms <= 1e+15 must hold, got 9.223372036854776e+18",
        ),
        (
            {"arrived_ms": [1.0, 0.5]},
            "query 2: arrived_ms runs backwards, from 1.0 to 0.5; sort the queries by arrived_ms",
        ),
        ({"note": ["a", "b"]}, f"unknown column 'note'; known: {', '.join(sorted(ALL_COLUMNS))}"),
    ],
)
def test_a_wrong_parquet_file_is_named_by_column_and_query(
    change: dict[str, object], message: str
) -> None:
    assert outcome(parquet_bytes(GOOD | change), ".parquet") == f"/trace.parquet: {message}"


def test_a_file_without_queries_is_refused() -> None:
    message = "a trace has at least one query, got none"
    assert outcome(csv_text("")) == f"/trace.csv: {message}"
    nothing = parquet_bytes({name: pa.array([], pa.float64()) for name in COLUMNS})
    assert outcome(nothing, ".parquet") == f"/trace.parquet: {message}"
    for suffix in SUFFIXES:
        assert outcome(b"", suffix) == (
            f"/trace{suffix} is empty; a trace has the columns {', '.join(COLUMNS)}"
        )
    assert str(outcome(b"\n\n")).startswith("/trace.csv:1: the column 'arrived_ms' is missing")


def test_a_file_of_the_other_kind_or_a_damaged_one_is_refused() -> None:
    good = parquet_bytes(GOOD)
    assert outcome(good) == "/trace.csv is binary, not CSV; save it as CSV in UTF-8"
    for content in (csv_text("0,78,5"), good[:-20], good[:4] + bytes(300) + good[304:]):
        assert outcome(content, ".parquet") == (
            "/trace.parquet is not a Parquet file, or a damaged one; a text file must end in .csv"
        )


def test_a_flipped_bit_in_a_parquet_trace_is_found(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    write_trace(generate(SPEC), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    assert "a damaged one" in outcome(bytes(content), ".parquet")


def message_of(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_trace(path)
    return str(error.value)


def test_a_path_that_is_no_trace_file_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.csv"
    assert message_of(missing) == (
        f"{missing}: no such file; `sushi-dse trace generate --out {missing}` writes one"
    )
    assert message_of(tmp_path) == f"{tmp_path} is a folder; name a .csv or .parquet file in it"
    for name, shown in (("trace.json", "'.json'"), ("trace", "''")):
        path = tmp_path / name
        message = f"{path}: a trace file ends in .csv or .parquet, not in {shown}; rename it"
        assert message_of(path) == message
        with pytest.raises(UserError) as error:
            write_trace(generate(SPEC), path)
        assert str(error.value) == message


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "trace.csv"
    hint = f"`sushi-dse trace generate --out {path}` writes one"
    assert message_of(path) == f"{path}: cannot be read: Not a directory; {hint}"


def test_a_trace_is_not_written_where_there_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "trace.csv"
    with pytest.raises(UserError) as error:
        write_trace(generate(SPEC), path)
    assert str(error.value) == f"{path}: there is no folder {path.parent}; make it first"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_old_file_and_no_other(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / f"trace{suffix}"
    path.write_bytes(b"old")
    monkeypatch.setattr("sushi_dse.files.os.fsync", fill)
    with pytest.raises(UserError) as error:
        write_trace(generate(SPEC), path)
    assert (
        str(error.value)
        == f"{path}: cannot be written: No space left on device; choose another file"
    )
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# What a query meets


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(trace=met_traces())
@settings(deadline=None)
def test_optional_columns_come_back_without_a_changed_bit(suffix: str, trace: Trace) -> None:
    with folder() as out:
        path = out / f"trace{suffix}"
        write_trace(trace, path)
        again = read_trace(path)
        with patch.object(files, "_read_csv_block", side_effect=ValueError):
            by_row = read_trace(path)
    for other in (again, by_row, pickle.loads(pickle.dumps(trace))):
        assert named_bits(other) == named_bits(trace)
        assert not any(column.flags.writeable for column in other.named_columns.values())


def test_a_file_or_pickle_without_optional_columns_has_none(tmp_path: Path) -> None:
    trace = trace_of((0, 78, 5), (1.5, 79, 6))
    for suffix in SUFFIXES:
        path = tmp_path / f"trace{suffix}"
        write_trace(trace, path)
        assert tuple(read_trace(path).named_columns) == COLUMNS
    assert (tmp_path / "trace.csv").read_bytes() == csv_text("0,78,5", "1.5,79,6")
    assert pq.read_table(tmp_path / "trace.parquet").column_names == list(COLUMNS)
    assert tuple(pickle.loads(pickle.dumps(trace)).named_columns) == COLUMNS


@pytest.mark.parametrize(
    ("name", "value", "law"),
    [
        ("colocation_slowdown", "0.5", "1 <= colocation_slowdown <= 1e+15 must hold, got 0.5"),
        ("colocation_slowdown", "nan", "1 <= colocation_slowdown <= 1e+15 must hold, got nan"),
        ("colocation_slowdown", "inf", "1 <= colocation_slowdown <= 1e+15 must hold, got inf"),
        ("input_difficulty", "1.5", "0 <= input_difficulty <= 1 must hold, got 1.5"),
        ("input_difficulty", "-0.1", "0 <= input_difficulty <= 1 must hold, got -0.1"),
        ("input_difficulty", "nan", "0 <= input_difficulty <= 1 must hold, got nan"),
    ],
)
def test_a_wrong_optional_value_is_named_by_its_place(name: str, value: str, law: str) -> None:
    lines = ("1,0,78,5", f"{value},1,79,6")
    said = law if np.isfinite(float(value)) else f"{name} {NUMBER}, got {value!r}"
    assert outcome(csv_text(*lines, header=f"{name},{HEADER}")) == f"/trace.csv:3: {said}"
    columns = GOOD | {name: [1.0, float(value)]}
    assert outcome(parquet_bytes(columns), ".parquet") == f"/trace.parquet: query 2: {law}"


def test_an_optional_value_that_is_missing_or_misnamed_is_refused() -> None:
    header = f"{HEADER},input_difficulty"
    assert outcome(csv_text("0,78,5,", header=header)) == (
        f"/trace.csv:2: input_difficulty {NUMBER}, the field is empty"
    )
    assert outcome(csv_text("0,78,5,1", header=f"{HEADER},input_dificulty")) == (
        "/trace.csv:1: unknown column 'input_dificulty'; did you mean 'input_difficulty'?"
    )
    with pytest.raises(ValueError, match=r"one length, got shapes \(1,\), .*\(2,\)"):
        replace(trace_of((0, 78, 5)), input_difficulty=np.array([0.1, 0.2]))
