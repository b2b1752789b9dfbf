"""Files of measured layers: CSV with a latency, and the shape or the name of each layer."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sushi_dse.errors import UserError, near_names
from sushi_dse.files import read_file
from sushi_dse.units import BLANKS, parse_number
from sushi_dse.workload.layers import Layer, MeasuredLayer, SuperNet

SHAPE_COLUMNS = {  # columns, named as in the convolution literature, and the fields of a Layer
    "K": "kernels",
    "C": "channels",
    "R": "kernel_height",
    "S": "kernel_width",
    "H": "height",
    "W": "width",
    "stride": "stride",
    "pad": "padding",
}
# Columns that files of layers have besides; only groups is read.
OPTIONAL_COLUMNS = ("index", "groups", "type", "P", "Q", "supernet_layer")
NAME_COLUMNS = ("subnet", "layer")
LATENCY = "latency_us"
LATENCIES_US = (1e-6, 1e12)  # a picosecond to eleven days
MAX_ROWS = 2000  # most lines of a file: a fit on so many takes seconds
MAX_SIZE = 10**6  # largest count in the shape of a layer


def read_measurements(
    path: Path, supernet: SuperNet, subnets: Sequence[str] = ()
) -> list[MeasuredLayer]:
    """The measured layers of a file, all or those of the SubNets named.

    Where the file lacks the columns of a shape, layers are looked up by name in `supernet`.
    `UserError` with the line of a mistake.
    """
    rows = [_measured(f"{path}:{line}", row, supernet) for line, row in _numbered_rows(path)]
    known = dict.fromkeys(row.subnet for row in rows)
    for name in subnets:
        if name not in known:
            raise UserError(
                f"{path}: no measured layer of SubNet {name!r}; {near_names(name, known)}"
            )
    return [row for row in rows if not subnets or row.subnet in subnets]


def _numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = read_file(path, "name a CSV file").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; a CSV file is wanted") from None
    if "\0" in text:
        raise UserError(f"{path}: not text but binary; a CSV file is wanted")
    reader = csv.reader(text.splitlines())
    try:
        lines = [(reader.line_num, [field.strip(BLANKS) for field in fields]) for fields in reader]
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not a line of CSV: {error}; mend it") from None
    if len(lines) > MAX_ROWS:
        raise UserError(f"{path}:{MAX_ROWS + 1}: over {MAX_ROWS} lines; leave some out")
    header = lines[0][1] if lines else []
    _check_header(f"{path}:1", header)
    empty = True
    for number, fields in lines[1:]:
        if not any(fields):
            continue
        if len(fields) != len(header):
            raise UserError(
                f"{path}:{number}: {len(fields)} fields where the header has {len(header)}; "
                "write as many"
            )
        empty = False
        yield number, dict(zip(header, fields, strict=True))
    if empty:
        raise UserError(f"{path}: no measured layer in it; a line each must follow the header")


def _check_header(place: str, header: Sequence[str]) -> None:
    wanted = (*NAME_COLUMNS, LATENCY)
    known = (*wanted, *SHAPE_COLUMNS, *OPTIONAL_COLUMNS)
    for name in header:
        twice = header.count(name) > 1
        if name not in known or twice:
            what = "it is there twice" if twice else near_names(name, known)
            raise UserError(f"{place}: column {name!r} is not wanted here; {what}")
    shape = [name for name in SHAPE_COLUMNS if name in header]
    missing = [name for name in wanted if name not in header]
    if shape:
        missing += [name for name in SHAPE_COLUMNS if name not in header]
    if missing:
        raise UserError(
            f"{place}: no column {missing[0]!r}; wanted: {', '.join(wanted)} and, unless the "
            f"workload has the layer, {', '.join(SHAPE_COLUMNS)}"
        )


def _measured(place: str, row: Mapping[str, str], supernet: SuperNet) -> MeasuredLayer:
    latency_us = _number(place, row, LATENCY)
    if not latency_us > 0:
        raise UserError(f"{place}: {LATENCY} > 0 must hold, got {row[LATENCY]}")
    least, most = LATENCIES_US
    if not least <= latency_us <= most:
        law = f"{least:g} <= {LATENCY} <= {most:g}"
        raise UserError(f"{place}: {law} must hold, got {latency_us:g}")
    subnet, name = row["subnet"], row["layer"]
    if "K" in row:
        layer = _layer_of_shape(place, row)
    else:
        try:
            layers = {layer.name: layer for layer in supernet.subnet(subnet).layers}
        except UserError as error:
            raise UserError(f"{place}: {error}") from None
        if name not in layers:
            raise UserError(
                f"{place}: SubNet {subnet!r} has no layer {name!r}; {near_names(name, layers)}"
            )
        layer = layers[name]
    return MeasuredLayer(subnet=subnet, layer=layer, latency_us=latency_us)


def _layer_of_shape(place: str, row: Mapping[str, str]) -> Layer:
    counts: dict[str, Any] = {
        field: _count(place, row, column) for column, field in SHAPE_COLUMNS.items()
    }
    groups = _count(place, row, "groups") if "groups" in row else 1
    try:
        return Layer(name=row["layer"], supernet_layer=0, groups=groups, **counts)
    except ValueError as error:
        raise UserError(f"{place}: {error}; mend the row") from None


def _number(place: str, row: Mapping[str, str], column: str) -> float:
    try:
        return parse_number(row[column])
    except ValueError:
        raise UserError(f"{place}: {column} must be a number, got {row[column][:40]!r}") from None


def _count(place: str, row: Mapping[str, str], column: str) -> int:
    value = _number(place, row, column)
    if value != int(value) or not 0 <= value <= MAX_SIZE:
        raise UserError(f"{place}: {column} must be a count up to {MAX_SIZE}, got {row[column]!r}")
    return int(value)
