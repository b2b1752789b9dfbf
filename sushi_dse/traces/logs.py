"""Published request logs as columns of numbers: CSV or JSON lines, plain or gzipped.

A log is read in pieces.  A piece is read all at once by pyarrow or, where that finds anything
unusual, row by row, which gives the same numbers or says what is wrong in which line.

* Accepted: a byte order mark, any line ending, blank lines, quotes, an end without a line ending;
  times with a fraction or without, after a point or a comma, and with an offset from UTC, or
  without, which is taken as 0.
* Left out with a warning: a torn last row, which no line ending follows and which lacks a field or
  ends within one.  (Digits that are missing from a last number cannot be detected.)
* Left out and counted, where that is asked for: a row that lacks a field or has an empty one.
* Refused with the line: a wrong row anywhere else, a value that is missing, NaN or negative, and a
  gzip file that is cut short or damaged.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sushi_dse.errors import UserError, near_names
from sushi_dse.files import MOST_BYTES, read_file
from sushi_dse.traces.files import named_fields, numbered_rows, quoted_text, read_columns
from sushi_dse.traces.json_lines import is_json_lines, numbered_objects, parsed
from sushi_dse.traces.log_columns import EXACT, LogArrays, LogColumns, Parser, TimeArray
from sushi_dse.traces.times import (
    moments_of,
    ns_from_the_first,
)
from sushi_dse.traces.trace import FloatArray, Range

STRAY_QUOTE = re.compile(rb'(?<=[^,\r\n"])"(?=[^,\r\n"])')  # a quote that pyarrow would drop
MARKS = (";", "\t", "|")  # marks between the fields of files that are no CSV
MOST_SHOWN = 3  # lines that a warning names
GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 1 << 22  # bytes that are unpacked at a time
PIECE_BYTES = 1 << 24  # bytes in a piece, all of which are read row by row for one wrong row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Log:
    """The columns of a log that make queries, in the order of its rows."""

    arrived: TimeArray  # [row]: times in the unit of the log's columns
    demands: dict[str, FloatArray]  # [row] by name of the column
    warnings: tuple[str, ...]  # one line for each irregularity


def read_log(path: Path, columns: LogColumns) -> Log:
    """The `columns` of the log in a file; `UserError` where it cannot be read as one."""
    content = _decompressed(path, read_file(path, "name a CSV file, plain or gzipped"))
    if b"\0" in content[:4096]:
        raise UserError(f"{path} is binary, not CSV; save it as CSV in UTF-8, plain or gzipped")
    skipped: list[int] = []
    if is_json_lines(content):
        content, warnings = _without_torn_row(path, content, 0, [], columns)
        objects = numbered_objects(path, content, list(columns.limits))
        read = [_read_rows(path, objects, list(columns.limits), columns, skipped)]
    else:
        line, header = next(numbered_rows(path, content), (1, []))
        header = [name.strip() for name in header]
        _check_header(f"{path}:{line}", header, columns.limits)
        content, warnings = _without_torn_row(path, content, line, header, columns)
        read = list(_read_pieces(path, content, line, header, columns, skipped))
    if skipped:
        warnings += (f"{path}: {_left_out(skipped)}",)
    read = [piece for piece in read if piece]
    if not read:
        lacks = "no complete row" if skipped else "no rows below the header"
        raise UserError(f"{path}: {lacks}; a log has one for each request")
    whole = {name: np.concatenate([piece[name] for piece in read]) for name in columns.limits}
    arrived = whole.pop(columns.arrived)
    if columns.is_exact:
        try:
            arrived = ns_from_the_first(arrived)
        except ValueError as error:
            raise UserError(f"{path}: {columns.arrived} {error}") from None
    return Log(arrived=arrived, demands=whole, warnings=warnings)


def _decompressed(path: Path, content: bytes) -> bytes:
    """The content, unpacked where its first bytes are those of a gzip file.

    `UserError` where the gzip file is damaged or unpacks to too many bytes.
    """
    if not content.startswith(GZIP_MAGIC):
        return content
    unpacked = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while chunk := file.read1(CHUNK_BYTES):
                unpacked += chunk
                if len(unpacked) > MOST_BYTES:
                    raise UserError(
                        f"{path}: unpacks to more than {MOST_BYTES} bytes; cut it in parts"
                    )
    except (EOFError, OSError, zlib.error) as error:
        what = "cut short" if isinstance(error, EOFError) else "damaged"
        line = _line_ends(bytes(unpacked)) + 1
        raise UserError(
            f"{path}:{line}: the gzip file is {what} in this line; fetch it again"
        ) from None
    return bytes(unpacked)


def _line_ends(content: bytes) -> int:
    line_feeds = content.count(b"\n")
    if b"\r" not in content:
        return line_feeds
    return line_feeds + content.count(b"\r") - content.count(b"\r\n")


def _check_header(where: str, header: list[str], wanted: Collection[str]) -> None:
    if not any(header):
        raise UserError(f"{where}: no header; the first line of a log names its columns")
    for name in wanted:
        if name not in header:
            known = near_names(name, [quoted_text(other)[1:-1] for other in header])
            mark = next((m for m in MARKS if len(header) == 1 and m in header[0]), "")
            if mark:
                known = f"its fields are parted by {mark!r}: put commas between them"
            raise UserError(f"{where}: no column {quoted_text(name)}; {known}")
        if header.count(name) > 1:
            raise UserError(f"{where}: the column {quoted_text(name)} is there twice; rename one")


def _without_torn_row(
    path: Path, content: bytes, header_line: int, header: list[str], columns: LogColumns
) -> tuple[bytes, tuple[str, ...]]:
    """The content without a torn last row, and a warning where there is one."""
    start = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    text = content[start:].decode(errors="replace")
    if not text.strip():
        return content[:start], ()
    line = _line_ends(content) + 1
    if line <= header_line:
        return content, ()
    try:
        if not header_line:
            parsed("", text)
            return content, ()
        (fields,) = csv.reader([text], strict=True)
        _row_values(f"{path}:{line}", header, fields, columns.parsers)
    except (UserError, csv.Error):
        warning = f"{path}:{line}: the last row is torn, and left out: {quoted_text(text)}"
        return content[:start], (warning,)
    return content, ()


def _read_pieces(
    path: Path,
    content: bytes,
    header_line: int,
    header: list[str],
    columns: LogColumns,
    skipped: list[int],
) -> Iterator[LogArrays]:
    """The columns of each piece of whole lines that has rows.

    A log with quotes is a single piece, as a quoted field may hold line endings.
    """
    piece_bytes = len(content) if b'"' in content else PIECE_BYTES
    start, line = 0, 0  # behind the pieces so far
    while start < len(content):
        end = content.find(b"\n", start + piece_bytes) + 1 or len(content)
        piece = content[start:end]
        try:
            yield _read_block(piece, max(header_line - line, 0), header, columns)
        except ValueError:  # Reading row by row then says what is wrong and in which line.
            rows = numbered_rows(path, piece, lines_before=line)
            rows = ((at, fields) for at, fields in rows if at > header_line)
            yield _read_rows(path, rows, header, columns, skipped)
        start, line = end, line + _line_ends(piece)


def _read_block(
    content: bytes, skipped_lines: int, header: list[str], columns: LogColumns
) -> LogArrays:
    """The columns, read all at once; `ValueError` where anything is unusual."""
    quoted = b'"' in content
    if quoted and STRAY_QUOTE.search(content):
        raise ValueError("a stray quote")
    types = dict.fromkeys(columns.limits, pa.float64())
    if columns.is_exact:
        types[columns.arrived] = pa.string()
    table = read_columns(content, header, skipped_lines, types, quoted=quoted)
    read = {name: table[name].to_numpy() for name in columns.limits if types[name] == pa.float64()}
    if columns.is_exact:
        read[columns.arrived] = EXACT[columns.time_unit][1](table[columns.arrived])
    for name, limits in columns.limits.items():
        if not len(read[name]) or not limits.holds(read[name]).all():
            raise ValueError("no rows, or a wrong one")
    return read


def _read_rows(
    path: Path,
    numbered: Iterable[tuple[int, list[str]]],
    header: list[str],
    columns: LogColumns,
    skipped: list[int],
) -> LogArrays:
    """The columns, read row by row, {} without rows; `UserError` with the line of a wrong row.

    The lines of incomplete rows are added to `skipped` where the columns say so.
    """
    rows: list[list[float]] = []
    limits, parsers = list(columns.limits.items()), columns.parsers
    for line, fields in numbered:
        if columns.skip_incomplete and _is_incomplete(header, fields, limits):
            skipped.append(line)
            continue
        values = _row_values(f"{path}:{line}", header, fields, parsers)
        for (name, limit), value in zip(limits, values, strict=True):
            if not limit.holds(value):
                raise UserError(f"{path}:{line}: {limit.law(name)} must hold, got {value}")
        rows.append(values)
    if not rows:
        return {}
    read = dict(zip(parsers, zip(*rows, strict=True), strict=True))
    made: LogArrays = {name: np.array(values) for name, values in read.items()}
    if columns.is_exact:
        made[columns.arrived] = moments_of(list(read[columns.arrived]))
    return made


def _is_incomplete(header: list[str], fields: list[str], limits: list[tuple[str, Range]]) -> bool:
    """Whether a row ends before its last field, or has an empty one that is read."""
    named = dict(zip(header, fields, strict=False))
    return len(fields) < len(header) or any(not named[name].strip() for name, _ in limits)


def _left_out(lines: list[int]) -> str:
    """The sentence on the rows of those lines, without its period."""
    shown = ", ".join(map(str, lines[:MOST_SHOWN])) + (", ..." if len(lines) > MOST_SHOWN else "")
    return f"{len(lines)} incomplete rows are left out, in lines {shown}"


def _row_values(
    where: str, header: list[str], fields: list[str], parsers: dict[str, Parser]
) -> list[float]:
    """The numbers in a row, in the order of `parsers`; `UserError` where one is wrong."""
    named = named_fields(where, header, fields)
    return [parse(where, name, named[name]) for name, parse in parsers.items()]
