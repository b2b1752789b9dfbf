"""The schema of a part: a checksum shows that a part is whole, not that a sweep wrote it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.errors import UserError, printable
from sushi_dse.evaluation.counts import Counts

WORDS = ("policy", "subnet", "infeasible_reason")  # columns of text
NEEDED = ("design", "policy", "infeasible_reason")  # columns that every part has, without nulls
REDO = "delete it and run the sweep again"


def check_schema(path: Path, schema: pa.Schema) -> None:
    """Raise `UserError` where the part at `path` has other columns than a sweep writes."""
    names = schema.names
    for name in (*NEEDED, *names):
        if names.count(name) != 1:
            what = "no column" if name not in names else "several columns"
            raise UserError(printable(f"{path}: has {what} {name!r}; {REDO}"))
    for field in schema:
        kind = field.type
        if field.name in WORDS:
            fits = pa.types.is_string(kind)
        else:
            fits = pa.types.is_int64(kind)
            fits |= field.name != "design" and pa.types.is_float64(kind)
        if not fits:
            wrong = f"column {field.name!r} holds {kind}"
            raise UserError(printable(f"{path}: {wrong}; {REDO}"))
    try:
        Counts.of(schema)
    except ValueError:
        what = "does not say what was evaluated for it"
        raise UserError(printable(f"{path}: {what}; {REDO}")) from None


def check_values(path: Path, table: pa.Table) -> None:
    """Raise `UserError` where the part at `path` has an infinity, or a null in a needed column."""
    for name in table.column_names:
        column = table[name]
        lacks = name in NEEDED and column.null_count
        if lacks or (pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py()):
            wrong = f"column {name!r} has a row without its value"
            raise UserError(printable(f"{path}: {wrong}; {REDO}"))
