"""Ctrl-C, and SIGTERM likewise: the process ends as by a kill, but says how to go on.

What is on disk is whole at any moment, so that there is nothing to wind up; and an exception,
raised wherever the signal strikes, may be swallowed by the library that runs there.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
CLEAR_LINE = "\r\x1b[?25h\x1b[K"  # of a progress bar, which hides the cursor


def end_on_interrupt(last_words: Callable[[], str]) -> None:
    """From now on a signal ends this process with a line and exit code 130; workers end with it."""

    def leave(*_: object) -> None:
        start = CLEAR_LINE if sys.stderr.isatty() else ""
        os.write(2, f"{start}{last_words()}\n".encode())  # a print may be under way
        os._exit(EXIT_INTERRUPTED)

    for number in SIGNALS:
        signal.signal(number, leave)


@contextmanager
def interrupts_end(last_words: Callable[[], str]) -> Iterator[None]:
    """As `end_on_interrupt`, while the block lasts."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    end_on_interrupt(last_words)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
