"""A folder of results: `run.json`, which says of what, and a Parquet part per block of designs.

A part is whole or absent, so that its existence is the done mark and an interrupted run goes on
where it stopped.  Equal rows make equal bytes: nothing written here depends on the time.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sushi_dse.errors import UserError, near_names

MODEL_VERSION = 1  # raise it when a formula changes: results of another version are never reused
SCHEMA_VERSION = 1  # of run.json, and of every JSON document the tool prints
RUN_FILE = "run.json"
PART_NAME = re.compile(r"part-(\d{8,})\.parquet")
SCRATCH_NAME = re.compile(r"\.(run\.json|part-\d{8,}\.parquet)\.\d+")
ABANDONED_AFTER_S = 3600  # a part is written in seconds: a scratch file that old is nobody's
EXCERPT_CHARACTERS = 60
OTHER_FOLDER = "choose another --out, or delete the folder"
UNREADABLE = (OSError, pa.ArrowException)
MENDS = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "make room there",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.EROFS: "make the folder writable",
}


def point_id(inputs: Mapping[str, object]) -> str:
    """Name of a result: the hash of all that it depends on, contents of files included.

    `inputs` is what JSON can hold (`ValueError` of NaN); the order of its keys does not matter.
    """
    text = _canonical({"model": MODEL_VERSION, "inputs": dict(inputs)})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def results_name(hw: str, workload: str, inputs: Mapping[str, object]) -> str:
    """Name of the folder for the results of a sweep: `<hw>-<workload>-<hash of all inputs>`."""
    words = (re.sub(r"[^\w.]+", "-", word).strip("-.") for word in (hw, workload))
    return "-".join((*words, point_id(inputs)))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The results of one run; `open` it, then ask `block in store`, and `write` what is missing."""

    folder: Path
    damaged: tuple[Path, ...]  # parts that could not be read when the folder was opened

    @classmethod
    def open(cls, folder: Path, inputs: Mapping[str, object], *, command: str = "") -> "Store":
        """The store at `folder`, made where there is none.

        `inputs` must hold all that a part depends on, hashes of files and the size of a block
        included.  `UserError` where the folder belongs to other inputs or to something else, or
        cannot be written to.
        """
        run = {
            "schema_version": SCHEMA_VERSION,
            "model_version": MODEL_VERSION,
            "inputs": json.loads(_canonical(dict(inputs))),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / RUN_FILE).exists():
                _start_run(folder, {**run, "command": command})
            _remove_abandoned(folder)
        except (FileExistsError, NotADirectoryError):
            raise UserError(f"{folder}: is not a folder; choose another --out") from None
        except OSError as error:
            raise UserError(
                f"{folder}: cannot be written to ({_reason(error)}); {_mend(error)}"
            ) from None
        _check_run(folder / RUN_FILE, run)
        damaged = tuple(path for _, path in _part_files(folder) if not _is_readable(path))
        return cls(folder=folder, damaged=damaged)

    def __contains__(self, block: object) -> bool:
        """Whether the part of that block is there and can be read."""
        return isinstance(block, int) and block >= 0 and _is_readable(self._part(block))

    def parts(self) -> tuple[Path, ...]:
        """The parts that can be read, in the order of their blocks."""
        return tuple(path for _, path in _part_files(self.folder) if _is_readable(path))

    def write(self, block: int, table: pa.Table) -> None:
        """Put the rows of that block into its part, whole or not at all.

        `UserError` where that fails, a full disk for instance; finished parts stay as they are.
        """
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd", write_page_checksum=True)
        path = self._part(block)
        try:
            write_whole(path, content.getvalue())
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written ({_reason(error)}); {len(self.parts())} finished parts "
                f"are kept: {_mend(error)}, and run the same command again to go on from them"
            ) from None

    def _part(self, block: int) -> Path:
        if block < 0:
            raise ValueError(f"block >= 0 must hold, got {block}")
        return self.folder / f"part-{block:08d}.parquet"


def read_results(folder: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of all parts, in the order of their blocks; all columns, or those named.

    A column of integers in which some are null becomes floats.  `UserError` where there is no
    part, one cannot be read, or a column is unknown.
    """
    tables = [_read_part(path, columns) for _, path in _part_files(folder)]
    if not tables:
        raise UserError(f"{folder}: has no results (part-*.parquet); give the folder of a sweep")
    try:
        table = pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException:
        raise UserError(
            f"{folder}: its parts have different columns; delete the folder and run again"
        ) from None
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _read_part(path: Path, columns: Sequence[str] | None) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as part:
            known = part.schema_arrow.names
            for name in columns or ():
                if name not in known:
                    raise UserError(f"{path}: has no column {name!r}; {near_names(name, known)}")
            return part.read(columns=None if columns is None else list(columns))
    except UNREADABLE:
        raise UserError(f"{path}: cannot be read; delete it and run the sweep again") from None


def _part_files(folder: Path) -> Iterator[tuple[int, Path]]:
    """Block and path of each part in `folder`, damaged ones included, in the order of blocks."""
    names = os.listdir(folder) if folder.is_dir() else []
    matches = (PART_NAME.fullmatch(name) for name in names)
    blocks = sorted((int(match[1]), match[0]) for match in matches if match)
    return ((block, folder / name) for block, name in blocks)


def _is_readable(path: Path) -> bool:
    """Whether `path` ends in a whole footer, which is what a cut file lacks."""
    try:
        pq.read_metadata(path)
    except UNREADABLE:
        return False
    return True


def _start_run(folder: Path, run: Mapping[str, object]) -> None:
    """Write `run.json`, if the folder is empty but for scratch files."""
    strangers = sorted(name for name in os.listdir(folder) if not SCRATCH_NAME.fullmatch(name))
    if strangers:
        raise UserError(
            f"{folder}: holds {strangers[0]!r} but no {RUN_FILE}, so it is no folder of results; "
            "choose another --out"
        )
    write_whole(folder / RUN_FILE, (json.dumps(run, indent=2) + "\n").encode())


def _check_run(path: Path, run: Mapping[str, object]) -> None:
    """Raise `UserError` unless the `run.json` at `path` has the versions and inputs of `run`."""
    try:
        stored = json.loads(path.read_bytes())
        then = dict(_leaves("", {name: stored[name] for name in run}))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise UserError(f"{path}: is broken; {OTHER_FOLDER}") from None
    now = dict(_leaves("", run))
    for name in {**now, **then}:
        if now.get(name) != then.get(name):
            before, after = _excerpts(then.get(name, "absent"), now.get(name, "absent"))
            raise UserError(
                f"{path.parent}: holds the results of another run: {name.removeprefix('inputs.')} "
                f"was {before} and is {after} now; {OTHER_FOLDER}"
            )


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Dotted name and canonical text of each value that is no mapping or list, or is empty."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, child)
    elif isinstance(value, list) and value:
        for i, child in enumerate(value):
            yield from _leaves(f"{name}[{i}]", child)
    else:
        yield name, _canonical(value)


def _excerpts(first: str, second: str) -> tuple[str, str]:
    """Both texts, cut to a line's length around the place where they begin to differ."""
    if max(len(first), len(second)) <= EXCERPT_CHARACTERS:
        return first, second
    pairs = enumerate(zip(first, second, strict=False))
    differs = next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
    start = max(differs - EXCERPT_CHARACTERS // 3, 0)

    def cut(text: str) -> str:
        end = start + EXCERPT_CHARACTERS
        return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")

    return cut(first), cut(second)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _remove_abandoned(folder: Path) -> None:
    """Remove what a killed run left half written; younger files may be another run's."""
    for path in map(folder.joinpath, os.listdir(folder)):
        with contextlib.suppress(FileNotFoundError):  # its run may have finished it just now
            if SCRATCH_NAME.fullmatch(path.name) and _age_s(path) > ABANDONED_AFTER_S:
                path.unlink()


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _mend(error: OSError) -> str:
    return MENDS.get(error.errno or 0, "mend that")
