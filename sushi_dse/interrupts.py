"""SIGINT (Ctrl-C) and SIGTERM: the process ends as by a kill, but says how to go on.

Files on disk are whole at any time, so nothing needs to be cleaned up; and an exception, raised
wherever the signal arrives, could be swallowed by the library that is running.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
CLEAR_LINE = "\r\x1b[?25h\x1b[K"  # erases a progress bar, and shows the cursor that it has hidden


def end_on_interrupt(last_words: Callable[[], str]) -> None:
    """Let a signal end this process, and its workers, with the last words and exit code 130."""

    def leave(*_: object) -> None:
        start = CLEAR_LINE if sys.stderr.isatty() else ""
        os.write(2, f"{start}{last_words()}\n".encode())  # A print may have been interrupted.
        os._exit(EXIT_INTERRUPTED)

    for number in SIGNALS:
        signal.signal(number, leave)


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
