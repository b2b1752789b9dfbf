"""Trace files in CSV or Parquet, with a row for each query; floats keep every bit.

A mistake in a file is a `UserError` of one line: where, what, and what would mend it.
"""

import csv
import io
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sushi_dse.errors import UserError, near_names
from sushi_dse.files import arrow_reader, read_file, reading_parquet, write_named
from sushi_dse.traces.trace import ALL_COLUMNS, COLUMNS, OPTIONAL_RANGES, Trace, fault
from sushi_dse.units import BLANKS, parse_number

MOST_QUERIES = 10**8  # most rows of a Parquet file that is read
SHOWN_CHARACTERS = 40  # most characters of a wrong value that an error quotes


def read_trace(path: str | Path) -> Trace:
    """The trace in a `.csv` or `.parquet` file; `UserError` where it holds none.

    Its columns, [query], are `arrived_ms`, `min_accuracy_percent` and `max_latency_ms`, and
    `colocation_slowdown` and `input_difficulty` where the file has them.
    """
    path = Path(path)
    read = READERS[_suffix(path)]
    content = read_file(path, f"`sushi-dse trace generate --out {path}` writes one")
    if not content:
        raise UserError(f"{path} is empty; a trace has the columns {', '.join(COLUMNS)}")
    try:
        return read(path, content)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def write_trace(trace: Trace, path: Path) -> None:
    """Put a trace at `path`, in the format of its suffix, whole or not at all.

    `UserError` where it cannot be written; a file that was there is then unchanged.
    """
    content = io.BytesIO()
    WRITERS[_suffix(path)](trace, content)
    write_named(path, content.getbuffer(), tuple(WRITERS))


def _suffix(path: Path) -> str:
    if os.path.isdir(path):  # Path.is_dir raises where a folder above may not be read
        raise UserError(f"{path} is a folder; name a .csv or .parquet file in it")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise UserError(
            f"{path}: a trace file ends in .csv or .parquet, not in {path.suffix!r}; rename it"
        )
    return suffix


def quoted_text(text: str) -> str:
    """A wrong text as an error quotes it: in one line, and cut where it is long."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")


def got(text: str) -> str:
    """The end of an error about a wrong field: what it holds, or that it is empty."""
    return f"got {quoted_text(text)}" if text.strip() else "the field is empty"


def _check_columns(where: str, names: list[str]) -> None:
    for position, name in enumerate(names):
        if name not in ALL_COLUMNS:
            other_mark = any(mark in name for mark in ";\t")
            hint = "put commas between fields" if other_mark else near_names(name, ALL_COLUMNS)
            raise UserError(f"{where}: unknown column {quoted_text(name)}; {hint}")
        if name in names[:position]:
            raise UserError(f"{where}: the column {name!r} is there twice; leave one out")
    for name in COLUMNS:
        if name not in names:
            raise UserError(
                f"{where}: the column {name!r} is missing; a trace has the columns "
                f"{', '.join(COLUMNS)}"
            )


def _read_csv(path: Path, content: bytes) -> Trace:
    if b"\0" in content[:4096]:
        raise UserError(f"{path} is binary, not CSV; save it as CSV in UTF-8")
    rows = numbered_rows(path, content)
    line, header = next(rows, (1, []))
    _check_columns(f"{path}:{line}", header)
    with suppress(ValueError):  # Reading row by row then says what is wrong and in which line.
        return _read_csv_block(content, header, line)
    return _read_csv_rows(path, rows, header)


def _read_csv_block(content: bytes, header: list[str], header_line: int) -> Trace:
    """The trace in a CSV file, read all at once; `ValueError` where anything is unusual."""
    table = read_columns(content, header, header_line, dict.fromkeys(header, pa.float64()))
    return Trace(**{name: table[name].to_numpy() for name in header})


def read_columns(
    content: bytes,
    header: list[str],
    skipped_lines: int,
    types: dict[str, pa.DataType],
    *,
    quoted: bool = False,
) -> pa.Table:
    """The columns of `types` in CSV, read all at once; `ValueError` where a row is unusual.

    A float64 is read as `number` reads it, but NaN and infinite numbers are read as well.
    """
    return pacsv.read_csv(
        arrow_reader(content),
        read_options=pacsv.ReadOptions(column_names=header, skip_rows=skipped_lines),
        parse_options=pacsv.ParseOptions(quote_char=quoted and '"'),
        convert_options=pacsv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=[]
        ),
    )


def _read_csv_rows(path: Path, rows: Iterator[tuple[int, list[str]]], header: list[str]) -> Trace:
    """The trace in the rows below the header; `UserError` with the line of a wrong row."""
    names = _present(header)
    queries: list[list[float]] = []
    previous_ms = 0.0
    for line, fields in rows:
        values = _row_values(f"{path}:{line}", header, fields)
        if reason := fault(values, previous_ms, names):
            raise UserError(f"{path}:{line}: {reason}")
        previous_ms = values[0]
        queries.append(values)
    columns = np.array(queries, dtype=np.float64).reshape(-1, len(names)).T
    return Trace(**dict(zip(names, columns, strict=True)))


def _present(names: list[str]) -> tuple[str, ...]:
    """The names of a checked header in the order of `ALL_COLUMNS`."""
    return (*COLUMNS, *(name for name in OPTIONAL_RANGES if name in names))


def numbered_rows(
    path: Path, content: bytes, lines_before: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """The line in which each row begins, from 1, and its fields; blank lines are left out.

    `UserError` with the line where the text is no CSV.
    """
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text, strict=True)
    while True:
        line = lines_before + reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{path}:{line}: not CSV: {error}; numbers need no quotes") from None
        if fields:
            yield line, fields


def named_fields(where: str, header: list[str], fields: list[str]) -> dict[str, str]:
    """The fields of a row by column; `UserError` where there are more or fewer than columns."""
    if len(fields) < len(header):
        raise UserError(
            f"{where}: the field {header[len(fields)]!r} is missing: "
            f"{len(fields)} fields, the header names {len(header)}"
        )
    if len(fields) > len(header):
        raise UserError(
            f"{where}: {len(fields)} fields, the header names {len(header)}; take out what follows "
            f"{header[-1]!r}, and write decimals with a point"
        )
    return dict(zip(header, fields, strict=True))


def _row_values(where: str, header: list[str], fields: list[str]) -> list[float]:
    """The numbers in a row in the order of `ALL_COLUMNS`; `UserError` for a field without one."""
    named = named_fields(where, header, fields)
    return [number(where, name, named[name]) for name in _present(header)]


def number(where: str, name: str, text: str) -> float:
    """The number that a field holds; `UserError` where it holds none."""
    try:
        return parse_number(text.strip(BLANKS))
    except ValueError:
        raise UserError(f"{where}: {name} must be a number such as 12.5, {got(text)}") from None


def _write_csv(trace: Trace, file: BinaryIO) -> None:
    file.write((",".join(trace.named_columns) + "\n").encode("ascii"))
    table = pa.table(trace.named_columns)
    # pyarrow writes a float as the shortest text that reads back as the same bits.
    pacsv.write_csv(table, file, pacsv.WriteOptions(include_header=False))


def _read_parquet(path: Path, content: bytes) -> Trace:
    wrong = f"{path} is not a Parquet file, or a damaged one; a text file must end in .csv"
    with reading_parquet(wrong):
        file = pq.ParquetFile(arrow_reader(content), page_checksum_verification=True)
        rows, schema = file.metadata.num_rows, file.schema_arrow
    # Columns are checked before they are read: a few bytes can encode any number of values.
    if rows > MOST_QUERIES:
        raise UserError(f"{path}: has over {MOST_QUERIES:g} queries; cut it in parts")
    _check_columns(str(path), schema.names)
    for field in schema:
        if not (pa.types.is_floating(field.type) or pa.types.is_integer(field.type)):
            raise UserError(
                f"{path}: the column {field.name!r} holds {field.type}; store it as float64"
            )
    columns = {name: np.empty(rows) for name in schema.names}
    start = 0
    with reading_parquet(wrong):
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            for name, column in columns.items():
                # An empty cell becomes NaN here, which a trace refuses.
                values = table[name].cast(pa.float64(), safe=False).to_numpy()
                column[start : start + table.num_rows] = values
            start += table.num_rows
    if start != rows:
        raise UserError(wrong)
    return Trace(**columns)


def _write_parquet(trace: Trace, file: BinaryIO) -> None:
    table = pa.table(trace.named_columns)
    pq.write_table(table, file, compression="zstd", write_page_checksum=True)


READERS: dict[str, Callable[[Path, bytes], Trace]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
WRITERS: dict[str, Callable[[Trace, BinaryIO], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
