"""Files that a user names: read with care, for a path may lead to anything.

A pipe or a device may never end, or never answer, so nothing but a file is read.
"""

import errno
import os
import stat
from pathlib import Path

from sushi_dse.errors import UserError, printable

MOST_BYTES = 2**31  # of any file that is read
PIPE = "is a pipe or a device"


def file_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """What the file at `path` holds; OSError where it is none, or a larger one."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.ENXIO, PIPE)
            content = file.read(most_bytes + 1) if status.st_size <= most_bytes else None
    except ValueError:  # a null character, which no system allows in a path
        raise OSError(errno.EINVAL, "is no path") from None
    if content is None or len(content) > most_bytes:  # /proc has files that tell no size
        raise OSError(errno.EFBIG, f"is larger than {most_bytes} bytes")
    return content


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever writes to a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has none


def read_file(path: Path, mend: str, most_bytes: int = MOST_BYTES) -> bytes:
    """What the file at `path` holds; `UserError` that ends in `mend` where it cannot be had."""
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


def refuse_link(path: Path) -> None:
    """Raise `UserError` where what is written to the file at `path` would go anywhere else."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UserError(f"{path}: is a link or no file, and so is not written to; delete it")
