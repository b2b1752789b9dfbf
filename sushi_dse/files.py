"""Reading files with care, as a user's path may lead to anything, and writing them whole.

A pipe or a device may never end, or never answer, so only regular files are read.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sushi_dse.errors import UserError, printable

if TYPE_CHECKING:  # pyarrow is imported where it is used: every module imports this one.
    import pyarrow as pa

MOST_BYTES = 2**31  # largest file that is read
PIECE_BYTES = 2**20  # read at a time
PIPE = "is a pipe or a device"
YAML_SUFFIXES = (".yaml", ".yml")


def file_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of the file at `path`; OSError where it is no regular file, or a larger one."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.ENXIO, PIPE)
            content = None if status.st_size > most_bytes else _read(file, most_bytes)
    except ValueError:  # The path has a null character.
        raise OSError(errno.EINVAL, "is no path") from None
    if content is None:
        raise OSError(errno.EFBIG, f"is larger than {most_bytes} bytes")
    return content


def _read(file: BinaryIO, most_bytes: int) -> bytes | None:
    """All that a file holds, piece by piece; None where that is more.

    The files of /proc tell no size.  A piece is small, since a read makes room for all it may get.
    """
    pieces: list[bytes] = []
    size = 0
    while size <= most_bytes:
        piece = file.read(PIECE_BYTES)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    return None


def _at_once(path: str, flags: int) -> int:
    """A descriptor of the file, opened without waiting for the writer of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows lacks the flag.


def read_file(path: Path, mend: str, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of the file at `path`; `UserError` that ends in `mend` where it cannot be read."""
    try:
        return file_bytes(path, most_bytes)
    except FileNotFoundError:
        reason = "no such file"
    except IsADirectoryError:
        reason = "is a folder"
    except PermissionError:
        reason, mend = "may not be read", "change its permissions"
    except OSError as error:
        reason = str(error.strerror)
        if error.errno == errno.ENXIO:
            reason, mend = PIPE, "save what it gives to a file, and name that"
        elif not reason.startswith("is "):
            reason = f"cannot be read: {reason}"
    raise UserError(printable(f"{path}: {reason}; {mend}"))


def read_json(path: Path, mend: str) -> Any:
    """The value in the JSON file at `path`; `UserError` that ends in `mend` where it has none."""
    content = read_file(path, mend)
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        reason = f"{error.lineno}:{error.colno}: not JSON: {error.msg}"
    except UnicodeDecodeError:
        reason = " not JSON: no text in UTF-8"
    except RecursionError:
        reason = " not JSON that can be read: it is nested too deeply"
    except ValueError:  # The interpreter bounds the digits of a whole number.
        reason = " not JSON that can be read: a number in it has too many digits"
    raise UserError(printable(f"{path}:{reason}; {mend}"))


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Put `content` at `path` by a rename, so that no reader, and no kill, meets half of it.

    A file that was there keeps its permissions.  OSError where it cannot be written; the file is
    then unchanged.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.unlink(missing_ok=True)  # An earlier process of this number may have left it.
        kept = _permissions(path)
        with open(scratch, "xb", opener=partial(os.open, mode=kept or 0o666)) as file:
            if kept is not None:
                scratch.chmod(kept)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        with suppress(OSError):  # It was renamed, or could not be opened.
            scratch.unlink()


def _permissions(path: Path) -> int | None:
    """The permissions of the file at `path`; None where there is none, or a link."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    return stat.S_IMODE(mode) & 0o777 if stat.S_ISREG(mode) else None


def refuse_link(path: Path) -> None:
    """Raise `UserError` where `path` is a link of any kind, or no file: writes go elsewhere."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise UserError(f"{path}: is a link or no file, and so is not written to; delete it")


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Raise `UserError` unless a path ends in one of the suffixes, in upper or lower case."""
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: the file must end in {' or '.join(suffixes)}; rename it")


def write_named(path: Path, content: str | bytes | memoryview, suffixes: Sequence[str]) -> None:
    """Put bytes, or a text in UTF-8, at `path`, whole or not at all.

    UserError where they cannot be written, or where the path ends in none of the suffixes, which
    may be in upper or lower case.
    """
    check_suffix(path, suffixes)
    try:
        write_whole(path, content.encode() if isinstance(content, str) else content)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written: {error.strerror or error}; choose another file"
        ) from None


@contextmanager
def reading_parquet(refusal: str) -> Iterator[None]:
    """Within the context whatever is wrong with Parquet is a `UserError` of that text.

    Too little memory to read it is not: that stays a MemoryError.
    """
    import pyarrow as pa

    try:
        yield
    except MemoryError:  # Arrow's own is an ArrowException, too.
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise MemoryError from None
        raise UserError(refusal) from None


def arrow_reader(content: bytes) -> "pa.BufferReader":
    """A reader of a copy of `content` in Arrow's own memory.

    Threads of Arrow release their source shortly after a read returns.  If the source is an object
    of Python, and the interpreter has ended meanwhile, the process aborts.
    """
    import pyarrow as pa

    copy = pa.BufferOutputStream()
    copy.write(content)
    return pa.BufferReader(copy.getvalue())
