"""The note that kernels are compiled, which is once for each installation and takes its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import parent_process

ABOUT_S = 20  # that a first sweep compiles on two cores
NOTE = f"compiling, once: about {ABOUT_S} s"
BAR_CHARACTERS = 30


class CompileNote:
    """What a process has told of compiling: a line in a pipe, a bar over the time on a terminal."""

    def __init__(self) -> None:
        self._spent_s = 0.0
        self._is_told = self._is_open = False

    @contextmanager
    def around(self) -> Iterator[None]:
        """Tell of a kernel that is compiled within the context; others within it are no news.

        Only the main process tells, as its workers compile for it, and nobody need listen.
        """
        if self._is_open or parent_process() is not None:
            yield
            return
        self._is_open, started = True, time.monotonic()
        with suppress(OSError, ValueError):
            self._tell()
        try:
            yield
        finally:
            self._is_open = False
            self._spent_s += time.monotonic() - started
            with suppress(OSError, ValueError):
                if sys.stderr.isatty():  # What follows is printed where the bar was.
                    print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _tell(self) -> None:
        if sys.stderr.isatty():
            done = round(BAR_CHARACTERS * min(self._spent_s / ABOUT_S, 1))
            bar = f"{'#' * done}{'.' * (BAR_CHARACTERS - done)}"
            print(f"\r{NOTE} {bar}", end="", file=sys.stderr, flush=True)
        elif not self._is_told:
            print(NOTE, file=sys.stderr, flush=True)
        self._is_told = True
