"""The standard streams of a command: closed ones are opened, and errors of output are named."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OUTPUT = "standard output"


class NamedOutput:
    """A stream whose errors name it, as those of files name the file."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> Any:
        """Write to the stream."""
        with _named_errors():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flush the stream."""
        with _named_errors():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = OUTPUT
        raise


@contextmanager
def named_output() -> Iterator[None]:
    """Within the context errors of standard output name it."""
    stream: Any = sys.stdout
    sys.stdout = NamedOutput(stream)
    try:
        yield
    finally:
        sys.stdout = stream


def open_what_is_closed() -> None:
    """Let output that was closed from the start go nowhere, and not into another file or stream.

    A file that is opened takes the lowest free number, and `print` to no stream prints to another.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def drop_output(code: int) -> int:
    """The exit code, once nothing more goes to a standard output that takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.stdout = sys.__stdout__  # typer's wrapper around it ends with an error
    return code
