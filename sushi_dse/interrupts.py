"""SIGINT (Ctrl-C) and SIGTERM: the process ends as by a kill, but says how to go on.

Files on disk are whole at any time, so nothing needs to be cleaned up; and an exception, raised
wherever the signal arrives, could be swallowed by the library that is running.

Python runs a handler in its main thread, once compiled code there has returned.  So a thread waits
for signals as well, and ends the process where compiled code has let go of the interpreter.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock, Thread

from sushi_dse.errors import message_line

EXIT_INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
CLEAR_LINE = "\r\x1b[?25h\x1b[K"  # erases a progress bar, and shows the cursor that it has hidden


@dataclass(frozen=True, slots=True)
class Leave:
    """The handler of a signal that ends this process, and its workers, with the last words."""

    last_words: Callable[[], str]

    def __call__(self, *_: object) -> None:
        """End the process, unless another thread is about to."""
        if not _ending.acquire(blocking=False):
            return
        start = CLEAR_LINE if sys.stderr is not None and sys.stderr.isatty() else ""
        line = f"{start}{message_line(self.last_words())}\n"
        with suppress(OSError):  # Nobody may listen.
            os.write(2, line.encode())  # A print may be interrupted.
        os._exit(EXIT_INTERRUPTED)


_ending = Lock()
_watched: list[int] = []  # the descriptor that signals are written to, once a thread reads them


def end_on_interrupt(last_words: Callable[[], str]) -> None:
    """Let a signal end this process, and its workers, with the last words and exit code 130."""
    for number in SIGNALS:
        signal.signal(number, Leave(last_words))
    if not hasattr(signal, "pthread_sigmask"):  # Windows writes signals to sockets alone.
        return
    if not _watched:
        read, write = os.pipe()
        os.set_blocking(write, False)
        _watched.append(write)
        Thread(target=_end_on_signals, args=(read,), daemon=True).start()
    signal.set_wakeup_fd(_watched[0], warn_on_full_buffer=False)


def _end_on_signals(read: int) -> None:
    """Call the handler of each signal that is written to `read`, where it ends this process."""
    while True:
        number = os.read(read, 1)[0]
        handler = signal.getsignal(number)
        if isinstance(handler, Leave):
            handler()


@contextmanager
def interrupts_end(last_words: Callable[[], str]) -> Iterator[None]:
    """Within the context a signal ends the process as `end_on_interrupt` says."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    end_on_interrupt(last_words)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
