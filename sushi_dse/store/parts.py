"""Parts: files of rows, each named by its block and by a checksum.

The checksum covers the hash of the run, the block and the bytes.  So equal rows of one run have
equal names, and a part that was cut, edited in any byte, or copied from another run or block does
not match its name.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from sushi_dse.errors import UserError, near_names
from sushi_dse.evaluation.counts import METADATA_KEY
from sushi_dse.files import arrow_reader, read_file, reading_parquet
from sushi_dse.store.run import Run
from sushi_dse.store.schema import REDO, check_schema, check_values

if TYPE_CHECKING:  # Processes that evaluate designs do not need pandas.
    import pandas as pd

MOST_ROWS = 10**8  # of a part: a block of the largest space has fewer
# Whole floats seldom recur, but their first bytes often do; the numbers of designs rise evenly.
ENCODING = {pa.float64(): "BYTE_STREAM_SPLIT", pa.int64(): "DELTA_BINARY_PACKED"}
PAGE_VALUES = 2**17  # floats on a page of 1 MiB, which are handed over at a time
PART_NAME = re.compile(r"part-(\d{8,})-([0-9a-f]{16})\.parquet")


def part_bytes(table: pa.Table) -> bytes:
    """The bytes of a part with the rows of `table`."""
    content = pa.BufferOutputStream()
    kinds = {field.name: field.type for field in table.schema}
    pq.write_table(
        table,
        content,
        compression="zstd",
        use_dictionary=[name for name, kind in kinds.items() if pa.types.is_string(kind)],
        column_encoding={name: ENCODING[kind] for name, kind in kinds.items() if kind in ENCODING},
        write_statistics=False,
        write_batch_size=PAGE_VALUES,
    )
    written: bytes = content.getvalue().to_pybytes()
    return written


def part_name(run: str, block: int, content: bytes) -> str:
    """The name of the part of a block with that content; `run` is the hash of a `Run`.

    `ValueError` for a negative block.
    """
    if block < 0:
        raise ValueError(f"block >= 0 must hold, got {block}")
    bound = hashlib.sha256(f"{run} {block} ".encode())
    bound.update(content)  # A sum of the two would be a copy.
    return f"part-{block:08d}-{bound.hexdigest()[:16]}.parquet"


def part_files(folder: Path) -> list[tuple[int, Path]]:
    """The block and path of each part in `folder`, damaged or not, in the order of blocks."""
    names = os.listdir(folder) if folder.is_dir() else []
    matches = (PART_NAME.fullmatch(name) for name in names)
    blocks = sorted((int(match[1]), match[0]) for match in matches if match)
    return [(block, folder / name) for block, name in blocks]


def verified_content(path: Path, run: str) -> bytes | None:
    """The bytes of a part of that run; None where they do not match its name.

    `UserError` where they cannot be read, which does not make them wrong.
    """
    match = PART_NAME.fullmatch(path.name)
    content = read_file(path, "run the sweep again, or in another folder")
    whole = match is not None and path.name == part_name(run, int(match[1]), content)
    return content if whole else None


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a block, which are read from disk on each access.

    `UserError` where the file has gone or is damaged.
    """

    path: Path
    run: str  # hash of the `Run` that the rows belong to

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        with self._opened() as file:
            return list(file.schema_arrow.names)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All columns of the rows, or those named; `UserError` where there is no such column."""
        with self._opened() as file:
            known = file.schema_arrow.names
            for name in columns or ():
                if name not in known:
                    raise UserError(
                        f"{self.path}: has no column {name!r}; {near_names(name, known)}"
                    )
            table = file.read(columns=None if columns is None else list(columns))
        check_values(self.path, table)
        # What else is there, another reader might obey: pandas, for one, takes columns from it.
        kept = {
            k: v for k, v in (table.schema.metadata or {}).items() if k.startswith(METADATA_KEY)
        }
        return table.replace_schema_metadata(kept)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        content = verified_content(self.path, self.run)
        if content is None:
            raise UserError(f"{self.path}: is damaged; run the sweep again and it is redone")
        with (
            reading_parquet(f"{self.path}: is no Parquet file; delete it and run the sweep again"),
            pq.ParquetFile(arrow_reader(content)) as file,
        ):
            check_schema(self.path, file.schema_arrow)
            if file.metadata.num_rows > MOST_ROWS:  # A few bytes can encode any number of rows.
                raise UserError(f"{self.path}: has over {MOST_ROWS:g} rows; {REDO}")
            yield file


def stored_parts(folder: Path) -> list[Part]:
    """The parts in `folder`, in the order of blocks.

    `UserError` where there is none, or `run.json` is missing, broken or of another version.
    """
    paths = [path for _, path in part_files(folder)]
    if not paths:
        raise UserError(f"{folder}: has no results (part-*.parquet); give the folder of a sweep")
    run = Run.read(folder).hash
    return [Part(path, run) for path in paths]


def read_tables(folder: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of each part, in all columns or those named, one part in memory at a time.

    `UserError` where the folder has no results, a part is damaged, or a column is unknown.
    """
    return (part.read(columns) for part in stored_parts(folder))


def read_results(folder: str | Path, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The rows of all parts of a sweep together, as `evaluate` names their columns.

    `UserError` where the folder has no results, a part is damaged, or a column is unknown.
    """
    return rows_of(stored_parts(Path(folder)), columns)


def rows_of(parts: Sequence[Part], columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The rows of at least one part together, in all columns or those named.

    `UserError` where a part is damaged, or a column is unknown.
    """
    return frame_of(parts[0].path.parent, [part.read(columns) for part in parts])


def frame_of(folder: Path, tables: Sequence[pa.Table]) -> "pd.DataFrame":
    """The rows of parts in `folder` together; `UserError` where they have different columns."""
    try:
        table = pa.concat_tables(tables)
    except pa.ArrowInvalid:
        raise UserError(
            f"{folder}: its parts have different columns; delete the folder and run again"
        ) from None
    frame: pd.DataFrame = table.to_pandas()
    return frame
