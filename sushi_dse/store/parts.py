"""Parts: files of rows, each named by its block and by the checksum of its bytes.

Equal rows make equal bytes and so an equal name.  A part that was cut or edited, in any byte, is
not what its name promises.
"""

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sushi_dse.errors import UserError, near_names
from sushi_dse.files import file_bytes
from sushi_dse.store.schema import check_schema, check_values

PART_NAME = re.compile(r"part-(\d{8,})-([0-9a-f]{16})\.parquet")


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a kill, never meets half of it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        with contextlib.suppress(OSError):  # gone already where all went well
            scratch.unlink()


def part_bytes(table: pa.Table) -> bytes:
    """The file that holds the rows of `table`."""
    content = io.BytesIO()
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(table, content, compression="zstd", use_dictionary=words)  # numbers seldom recur
    return content.getvalue()


def part_name(block: int, content: bytes) -> str:
    """Name of the part of that block, whose file holds `content`."""
    if block < 0:
        raise ValueError(f"block >= 0 must hold, got {block}")
    return f"part-{block:08d}-{_checksum(content)}.parquet"


def part_files(folder: Path) -> list[tuple[int, Path]]:
    """Block and path of each part in `folder`, damaged ones included, in the order of blocks."""
    names = os.listdir(folder) if folder.is_dir() else []
    matches = (PART_NAME.fullmatch(name) for name in names)
    blocks = sorted((int(match[1]), match[0]) for match in matches if match)
    return [(block, folder / name) for block, name in blocks]


def verified_content(path: Path) -> bytes | None:
    """What the file of a part holds; None where that is not what its name promises."""
    match = PART_NAME.fullmatch(path.name)
    try:
        content = file_bytes(path)
    except OSError:
        return None
    return content if match and match[2] == _checksum(content) else None


def part_table(path: Path, content: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows that `content` holds, of the part at `path`; all columns, or those named."""
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as part:
            check_schema(path, part.schema_arrow)
            known = part.schema_arrow.names
            for name in columns or ():
                if name not in known:
                    raise UserError(f"{path}: has no column {name!r}; {near_names(name, known)}")
            table = part.read(columns=None if columns is None else list(columns))
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise UserError(f"{path}: is no Parquet file; delete it and run the sweep again") from None
    check_values(path, table)
    return table


def read_tables(folder: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of each part in the order of blocks, one part in memory at a time.

    All columns, or those named.  `UserError` where there is no part, one is damaged, or a column is
    unknown.
    """
    parts = part_files(folder)
    if not parts:
        raise UserError(f"{folder}: has no results (part-*.parquet); give the folder of a sweep")
    for _, path in parts:
        content = verified_content(path)
        if content is None:
            raise UserError(f"{path}: is damaged; run the sweep again and it is redone")
        yield part_table(path, content, columns)


def read_results(folder: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of all parts of a sweep together, as `evaluate_block` names their columns.

    `UserError` where the folder has no results, a part is damaged, or a column is unknown.
    """
    try:
        table = pa.concat_tables(read_tables(folder, columns))
    except pa.ArrowException:
        raise UserError(
            f"{folder}: its parts have different columns; delete the folder and run again"
        ) from None
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
