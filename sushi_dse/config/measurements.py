"""Files of measured layers: CSV with one or two latencies, and the shape or name of each layer."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sushi_dse.errors import UserError, near_names
from sushi_dse.files import read_file
from sushi_dse.units import BLANKS, parse_number
from sushi_dse.workload.layers import Layer, SuperNet
from sushi_dse.workload.measured import MeasuredLayer

# Columns by what they hold, each with the names that public tables of measurements give it.
NAMES = {
    "subnet": ("subnet", "network", "model"),
    "layer": ("layer",),
    "index": ("index",),
    "latency_us": ("latency_us",),
    "latency_ns": ("latency_ns",),
    "resident_latency_us": ("resident_latency_us",),
    "K": ("K", "kernels"),
    "C": ("C", "channels"),
    "R": ("R", "kernel_h"),
    "S": ("S", "kernel_w"),
    "H": ("H", "height"),
    "W": ("W", "width"),
    "stride": ("stride",),
    "stride_h": ("stride_h",),
    "stride_w": ("stride_w",),
    "pad": ("pad",),
    "pad_top": ("pad_top", "pad_u"),
    "pad_bottom": ("pad_bottom", "pad_d"),
    "pad_left": ("pad_left", "pad_l"),
    "pad_right": ("pad_right", "pad_r"),
    "groups": ("groups",),
    "P": ("P",),
    "Q": ("Q",),
    "type": ("type",),
    "array_m": ("array_m",),
    "array_p": ("array_p",),
    "supernet_layer": ("supernet_layer",),
    "session": ("session",),
}
COLUMN_OF = {name: column for column, names in NAMES.items() for name in names}
SHAPE_COLUMNS = {  # named as in the convolution literature, with the fields of a Layer
    "K": "kernels",
    "C": "channels",
    "R": "kernel_height",
    "S": "kernel_width",
    "H": "height",
    "W": "width",
}
SIDES = ("stride", "stride_h", "stride_w", "pad", "pad_top", "pad_bottom", "pad_left", "pad_right")
STRIDES = ("stride_h", "stride_w")
PADS = ("pad_top", "pad_bottom", "pad_left", "pad_right")
SAME_LATENCY = 1e-3  # greatest relative difference of one latency in two units
LATENCIES_US = (1e-6, 1e12)  # a picosecond to eleven days
MAX_ROWS = 2000  # most lines of a file: a fit on so many takes seconds
MAX_SIZE = 10**6  # largest count in the shape of a layer
WANTED = (
    "wanted: subnet or network, layer or index, latency_us and, unless the workload has the layer, "
    "K, C, R, S, H, W, stride, pad"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the file, whose fields are found by what their columns hold."""

    path: Path
    number: int
    text: str  # of the line, empty where a field goes on over several
    fields: Mapping[str, str]  # by column of NAMES
    order: Sequence[str]  # columns in the order of the file
    names: Mapping[str, str]  # names in the header by column

    def error(self, message: str, column: str = "") -> UserError:
        """The error about a field, or about the whole line."""
        place = f"{self.path}:{self.number}"
        if column:
            place += f":{_start(self.text, self.order.index(column))}"
        return UserError(f"{place}: {message}")

    def number_of(self, column: str) -> float:
        """The number in a field; `UserError` where there is none."""
        try:
            return parse_number(self.fields[column])
        except ValueError:
            text = self.fields[column][:40]
            message = f"{self.names[column]} must be a number, got {text!r}"
            raise self.error(message, column) from None

    def count_of(self, column: str) -> int:
        """The whole number in a field; `UserError` where there is none."""
        value = self.number_of(column)
        if value != int(value) or not 0 <= value <= MAX_SIZE:
            wanted = f"{self.names[column]} must be a count up to {MAX_SIZE}"
            raise self.error(f"{wanted}, got {self.fields[column]!r}", column)
        return int(value)


def read_measurements(
    path: Path, supernet: SuperNet, subnets: Sequence[str] = ()
) -> list[MeasuredLayer]:
    """The measured layers of a file, all or those of the SubNets or networks named.

    Where the file lacks the columns of a shape, layers are looked up by name in `supernet`.
    `UserError` with line and column of a mistake.
    """
    rows = [_measured(line, supernet) for line in _lines(path)]
    known = dict.fromkeys(row.subnet for row in rows)
    for name in subnets:
        if name not in known:
            raise UserError(f"{path}: no measured layer of {name!r}; {near_names(name, known)}")
    return [row for row in rows if not subnets or row.subnet in subnets]


def _lines(path: Path) -> Iterator[Line]:
    try:
        text = read_file(path, "name a CSV file").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; a CSV file is wanted") from None
    if "\0" in text:
        raise UserError(f"{path}: not text but binary; a CSV file is wanted")
    written = text.splitlines()
    reader = csv.reader(written)
    try:
        lines = [(reader.line_num, [field.strip(BLANKS) for field in fields]) for fields in reader]
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not a line of CSV: {error}; mend it") from None
    if len(lines) > MAX_ROWS:
        raise UserError(f"{path}:{MAX_ROWS + 1}: over {MAX_ROWS} lines; leave some out")
    header = lines[0][1] if lines else []
    order = _columns(path, written[0] if written else "", header)
    empty = True
    for before, (number, fields) in pairwise(lines):
        if not any(fields):
            continue
        if len(fields) != len(header):
            raise UserError(
                f"{path}:{number}: {len(fields)} fields where the header has {len(header)}; "
                "write as many"
            )
        empty = False
        yield Line(
            path=path,
            number=number,
            text=written[number - 1] if number == before[0] + 1 else "",
            fields=dict(zip(order, fields, strict=True)),
            order=order,
            names=dict(zip(order, header, strict=True)),
        )
    if empty:
        raise UserError(f"{path}: no measured layer in it; a line each must follow the header")


def _columns(path: Path, text: str, header: Sequence[str]) -> list[str]:
    """What the columns hold, in order; `UserError` for a header that is wrong or lacks one."""
    columns: list[str] = []
    for i, name in enumerate(header):
        column = COLUMN_OF.get(name)
        if column is None or column in columns:
            what = near_names(name, COLUMN_OF) if column is None else "it is there twice"
            place = f"{path}:1:{_start(text, i)}"
            raise UserError(f"{place}: column {name!r} is not wanted here; {what}")
        columns.append(column)
    missing = [name for name in _wanted(columns) if name not in columns]
    if missing:
        raise UserError(f"{path}:1: no column {missing[0]!r}; {WANTED}")
    return columns


def _wanted(columns: Sequence[str]) -> list[str]:
    """The columns that a file with those columns must have."""
    wanted = ["subnet", "index" if "index" in columns else "layer"]
    wanted.append("latency_ns" if "latency_ns" in columns else "latency_us")
    if set(columns) & {*SHAPE_COLUMNS, *SIDES}:
        wanted += SHAPE_COLUMNS
        wanted += ["stride"] if "stride_h" not in columns else ["stride_h", "stride_w"]
        wanted += ["pad"] if "pad_top" not in columns else ["pad_top", "pad_left"]
    elif "layer" not in columns:
        wanted.append("layer")
    if {"array_m", "array_p"} & set(columns):
        wanted += ["array_m", "array_p"]
    return wanted


def _start(text: str, field: int) -> int:
    """The column, from 1, at which a field of a line of CSV begins."""
    in_quotes, starts = False, [1]
    for at, character in enumerate(text, start=1):
        in_quotes ^= character == '"'
        if character == "," and not in_quotes:
            starts.append(at + 1)
    if field >= len(starts):
        return 1
    blank = text[starts[field] - 1 :]
    return starts[field] + len(blank) - len(blank.lstrip(BLANKS))


def _measured(line: Line, supernet: SuperNet) -> MeasuredLayer:
    fields = line.fields
    layer = _layer_of_shape(line) if "K" in fields else _layer_of_workload(line, supernet)
    _check_redundant(line, layer)
    return MeasuredLayer(
        subnet=fields["subnet"],
        layer=layer,
        latency_us=_latency_us(line, "latency_ns" if "latency_ns" in fields else "latency_us"),
        resident_latency_us=_latency_us(line, "resident_latency_us")
        if "resident_latency_us" in fields
        else None,
        index=None if "layer" in fields else line.count_of("index"),
        array=(line.count_of("array_m"), line.count_of("array_p")) if "array_m" in fields else None,
    )


def _latency_us(line: Line, column: str) -> float:
    name, latency_us = line.names[column], line.number_of(column)
    if not latency_us > 0:
        raise line.error(f"{name} > 0 must hold, got {line.fields[column]}", column)
    if column == "latency_ns":
        latency_us *= 1e-3
    least, most = LATENCIES_US
    if not least <= latency_us <= most:
        law = f"{least:g} <= latency_us <= {most:g}"
        raise line.error(f"{law} must hold, got {latency_us:g}", column)
    return latency_us


def _layer_of_workload(line: Line, supernet: SuperNet) -> Layer:
    subnet, name = line.fields["subnet"], line.fields["layer"]
    try:
        layers = {layer.name: layer for layer in supernet.subnet(subnet).layers}
    except UserError as error:
        raise line.error(str(error), "subnet") from None
    if name not in layers:
        known = near_names(name, layers)
        raise line.error(f"SubNet {subnet!r} has no layer {name!r}; {known}", "layer")
    return layers[name]


def _layer_of_shape(line: Line) -> Layer:
    counts: dict[str, Any] = {
        field: line.count_of(column) for column, field in SHAPE_COLUMNS.items()
    }
    if "stride_h" in line.fields:
        stride = line.count_of("stride_h"), line.count_of("stride_w")
    else:
        stride = (line.count_of("stride"),) * 2
    if "pad_top" in line.fields:
        top, left = line.count_of("pad_top"), line.count_of("pad_left")
        bottom = line.count_of("pad_bottom") if "pad_bottom" in line.fields else top
        right = line.count_of("pad_right") if "pad_right" in line.fields else left
        padding = top, bottom, left, right
    else:
        padding = (line.count_of("pad"),) * 4
    try:
        return Layer(
            name=line.fields.get("layer") or line.fields["index"],
            supernet_layer=0,
            groups=line.count_of("groups") if "groups" in line.fields else 1,
            stride=stride,
            padding=padding,
            fully_connected=line.fields.get("type", "").lower() == "fc",
            **counts,
        )
    except ValueError as error:
        raise line.error(f"{error}; mend the row") from None


def _check_redundant(line: Line, layer: Layer) -> None:
    """Raise `UserError` where a column that follows from the layer says something else."""
    follows: list[tuple[str, object]] = [
        ("P", layer.output_height),
        ("Q", layer.output_width),
        ("groups", layer.groups),
        *zip(STRIDES, layer.stride, strict=True),
        *zip(PADS, layer.padding, strict=True),
        *(("stride", side) for side in layer.stride),  # One number stands for all sides.
        *(("pad", side) for side in layer.padding),
        ("type", layer.kind),
    ]
    if "K" not in line.fields:  # The layer is one of the workload.
        follows.append(("supernet_layer", layer.supernet_layer))
    for column, of_layer in follows:
        text = line.fields.get(column, "").lower()
        said = text if column == "type" else line.count_of(column) if column in line.fields else ""
        if said not in ("", of_layer):
            message = f"{line.names[column]} is {said}, and the layer's shape makes it {of_layer}"
            raise line.error(f"{message}; mend the row", column)
    if {"latency_us", "latency_ns"} <= line.fields.keys():
        us, ns = (_latency_us(line, column) for column in ("latency_us", "latency_ns"))
        if abs(us - ns) > SAME_LATENCY * ns:
            name = line.names["latency_us"]
            message = f"{name} is {us:g}, and {line.names['latency_ns']} makes it {ns:g}"
            raise line.error(f"{message}; mend the row", "latency_us")
