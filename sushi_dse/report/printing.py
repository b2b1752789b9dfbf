"""The one printer: nothing that a file or a name holds does anything to a terminal."""

import sys
from contextlib import suppress
from typing import TextIO

from sushi_dse.errors import message_line, printable


def say(text: str = "", *, end: str = "\n", to: TextIO | None = None) -> None:
    """Print lines, on standard output or `to` another stream, with escapes for the unprintable.

    The end of a line may be that of CSV.
    """
    lines = (text + end).split("\n")
    shown = [printable(line.removesuffix("\r")) + "\r" * line.endswith("\r") for line in lines]
    (sys.stdout if to is None else to).write("\n".join(shown))


def tell(text: str) -> None:
    """Print a message in one line on standard error, without its middle where it is very long.

    It goes nowhere where nobody listens.
    """
    with suppress(OSError):
        say(message_line(text), to=sys.stderr)
