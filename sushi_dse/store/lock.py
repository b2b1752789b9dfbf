"""A lock between processes that ends with its holder, however that ends, on any file system.

The kernel's locks do, of which a file system may lack one kind or all.  Where it lacks all, a file
names the holder, and one that no longer runs is no holder.
"""

import errno
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from sushi_dse.files import refuse_link

HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
MISSING = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
HOLDER_SUFFIX = ".holder"  # of the file that names the holder, where there are no locks


def lock(path: Path) -> ExitStack | None:
    """The lock at `path`, until it is closed; None where another process holds it.

    `UserError` where the path is a link, OSError where it cannot be locked.
    """
    refuse_link(path)
    follow_none = getattr(os, "O_NOFOLLOW", 0)  # Windows lacks the flag.
    with ExitStack() as held:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | follow_none, 0o666)
        held.callback(os.close, descriptor)
        for take in _kinds():
            try:
                take(descriptor)
            except OSError as error:
                if error.errno in HELD:
                    return None
                if error.errno not in MISSING:
                    raise
            else:
                break
        else:
            named = path.with_name(path.name + HOLDER_SUFFIX)
            if not _named(named):
                return None
            held.callback(_forget, named)
        with suppress(OSError):  # Only an error message needs the holder.
            os.pwrite(descriptor, f"{_holder()}\n".encode(), 0)
        return held.pop_all()


def holder(path: Path) -> str:
    """The holder of the lock at `path` in parentheses; empty where it cannot be read."""
    try:
        line = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        return f" ({line.partition(',')[0]})"
    except OSError:
        return ""


if sys.platform == "win32":
    import msvcrt

    def _kinds() -> Iterator[Callable[[int], object]]:
        """The kinds of locks that the system may have, as functions of a descriptor."""
        yield lambda descriptor: msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _kinds() -> Iterator[Callable[[int], object]]:
        """The kinds of locks that the system may have, as functions of a descriptor.

        A lock of the second kind ends where any descriptor of its file is closed.
        """
        at_once = fcntl.LOCK_EX | fcntl.LOCK_NB
        yield lambda descriptor: fcntl.flock(descriptor, at_once)
        yield lambda descriptor: fcntl.lockf(descriptor, at_once)


def _holder() -> str:
    """The name of this process, and what tells it from an earlier one of its number."""
    pid = os.getpid()
    return f"process {pid} on {platform.node()}, {_began(pid)}"


def _began(pid: int) -> str:
    """When a process began, in the kernel's words; empty where it does not run, or none can say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _named(path: Path) -> bool:
    """Whether `path` now names this process as the holder, and no other that may run."""
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            if _may_run(path):
                return False
            path.unlink(missing_ok=True)
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_holder())
        return True
    return False


def _may_run(path: Path) -> bool:
    """Whether the process that `path` names may run: on another host nobody can tell."""
    try:
        who, _, began = path.read_text(encoding="utf-8").partition(", ")
    except (OSError, UnicodeDecodeError):
        return True
    first, _, host = who.partition(" on ")
    pid = first.removeprefix("process ")
    if host != platform.node() or not pid.isdecimal():
        return True
    return bool(began) and _began(int(pid)) == began


def _forget(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
