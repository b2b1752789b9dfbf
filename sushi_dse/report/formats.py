"""The formats that rows are printed in: tables, Markdown, JSON, CSV."""

import csv
import io
import json
import math
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sushi_dse.errors import printable
from sushi_dse.evaluation.metrics import GAIN, other_accuracy
from sushi_dse.policies.names import policy_label
from sushi_dse.report.printing import say
from sushi_dse.store.run import SCHEMA_VERSION
from sushi_dse.units import ANY_METRIC, label

PROSE_CHARACTERS = 110  # width of a table with prose in it, where no terminal bounds it
NO_BOUND = 10_000  # width of a table that is never broken
HEADER_CHARACTERS = 10  # width that headers are wrapped to
OTHER_ACCURACY = "(other accuracy)"  # stands behind a gain
KEY_COLUMNS = ("design", "policy")  # columns that identify a row and are repeated in each band
PROSE_COLUMNS = ("value", "meaning")  # columns whose cells may be broken over lines


def shown(row: Mapping[str, object], column: str) -> str:
    """The text of a row's cell; assumed rates and a gain at another accuracy are marked."""
    value = row[column]
    if column == "policy" and isinstance(value, str):
        return cell_text(policy_label(value))
    marked = column == GAIN and other_accuracy(row)
    return f"{cell_text(value)}{f' {OTHER_ACCURACY}' if marked else ''}"


def cell_text(value: object) -> str:
    """The text of a cell: four significant digits of a fraction, all of an integer, "" for null."""
    if value is None:
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return f"{value:.0f}" if value == int(value) or abs(value) >= 1e4 else f"{value:.4g}"
    return printable(str(value).strip())


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: NaN is null, NumPy's numbers are numbers."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_document(document: Mapping[str, object]) -> None:
    """Print one JSON document with its schema version."""
    say(json.dumps(plain({"schema_version": SCHEMA_VERSION, **document}), indent=2))


def print_lines(rows: Iterable[Mapping[str, object]]) -> None:
    """Print each row as a line of JSON."""
    for row in rows:
        say(json.dumps(plain(row)))


def csv_text(rows: Iterable[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """The rows as CSV of RFC 4180 under a header with every column of any row.

    Without rows the header is of `columns`.  A cell is empty where a row has no value.  Lines end
    in CRLF, and a cell with a comma, a quote or the end of a line is quoted.
    """
    rows, text = list(rows), io.StringIO()
    header = list(dict.fromkeys(name for row in rows for name in row)) or list(columns)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        cells = plain([row.get(column) for column in header])
        writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def markdown(
    rows: Iterable[Mapping[str, object]], columns: Sequence[str], accuracy_of: str = ANY_METRIC
) -> str:
    """The rows as a Markdown table; accuracy_of as of `label`."""
    lines = [[label(column, accuracy_of) for column in columns], ["---"] * len(columns)]
    lines += [[shown(row, column) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def print_table(
    rows: Iterable[Mapping[str, object]],
    columns: Sequence[str],
    *,
    title: str = "",
    accuracy_of: str = ANY_METRIC,
) -> None:
    """Print the rows as a table, in bands of columns where the terminal is too narrow.

    accuracy_of: as of `label`, for the headings.
    """
    rows = list(rows)
    prose = any(column in PROSE_COLUMNS for column in columns)
    console = Console(file=sys.stdout, highlight=False)
    terminal = console.width if sys.stdout.isatty() else None
    bands = [columns]
    if prose:
        console.width = terminal or max(console.width, PROSE_CHARACTERS)
    else:
        console.width = NO_BOUND
        bands = _bands(rows, columns, terminal, console, accuracy_of) if terminal else bands
    for band in bands:
        console.print(_table(rows, band, accuracy_of, title))
        title = ""


def _bands(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    room: int,
    console: Console,
    accuracy_of: str,
) -> list[Sequence[str]]:
    """The columns in bands that are at most `room` characters wide, with the keys in each band."""
    keys = [column for column in KEY_COLUMNS if column in columns] or columns[:1]
    bands: list[Sequence[str]] = [[]]
    for column in columns:
        band = list(dict.fromkeys([*bands[-1], column]))
        fits = console.measure(_table(rows, band, accuracy_of)).maximum <= room
        if fits or set(bands[-1]) <= set(keys):
            bands[-1] = band
        else:
            bands.append(list(dict.fromkeys([*keys, column])))
    return bands


def _table(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    accuracy_of: str,
    title: str = "",
) -> Table:
    table = Table(title=escape(printable(title)) or None, box=box.SIMPLE_HEAD, title_justify="left")
    for column in columns:
        numeric = any(isinstance(row[column], int | float) for row in rows)
        prose = column in PROSE_COLUMNS
        heading = label(column, accuracy_of)
        header = textwrap.fill(heading, HEADER_CHARACTERS, break_long_words=False)
        # Cells with numbers are never broken over lines.
        table.add_column(
            header, justify="right" if numeric and not prose else "left", no_wrap=not prose
        )
    for row in rows:
        table.add_row(*(escape(shown(row, column)) for column in columns))
    return table


def print_rows(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    output_format: str,
    *,
    document: Mapping[str, object],
    title: str = "",
    accuracy_of: str = ANY_METRIC,
) -> None:
    """Print the rows as `jsonl`, `csv`, `markdown` or a table, or the `document` as `json`.

    accuracy_of: as of `label`, for the headings.
    """
    if output_format == "json":
        print_document(document)
    elif output_format == "jsonl":
        print_lines(rows)
    elif output_format == "csv":
        say(csv_text(rows, columns), end="")
    elif output_format == "markdown":
        say(markdown(rows, columns, accuracy_of))
    else:
        print_table(rows, columns, title=title, accuracy_of=accuracy_of)
