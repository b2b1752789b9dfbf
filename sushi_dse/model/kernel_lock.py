"""A lock by which one process compiles a kernel while the others wait for what it keeps.

The operating system releases a lock however its holder ends.  A holder that ends well removes the
file of its lock, so whoever gets a lock and finds the file in place is the first, or follows one
that was killed.
"""

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from time import monotonic, sleep

MOST_WAIT_S = 120.0  # for a holder that may have been suspended
POLL_S = 0.02
_waited_in_vain = Event()


def kernel_lock(path: Path) -> ExitStack:
    """The lock at `path`, until it is closed.

    Nothing is held where another process held it until now, or holds it for too long: then this
    process waits for no lock any more.  OSError where `path` cannot be locked, ImportError where
    the system lacks such locks.
    """
    import fcntl  # Windows has none.

    with ExitStack() as held:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
        held.callback(os.close, descriptor)
        give_up_s = monotonic() + (0 if _waited_in_vain.is_set() else MOST_WAIT_S)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() >= give_up_s:
                    _waited_in_vain.set()
                    return ExitStack()
                sleep(POLL_S)
        if os.fstat(descriptor).st_nlink == 0:
            return ExitStack()
        held.callback(_remove, path)
        return held.pop_all()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
