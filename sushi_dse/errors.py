"""The error of a user's input, the error of incomplete results, and the text of messages."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

EXIT_FAULT = 70  # of the program or its installation (EX_SOFTWARE of sysexits.h)
MOST_CHARACTERS = 1200  # longest message; its ends say where the mistake is and what mends it
MOST_COMPARED = 500  # most characters of a wrong name, and most names, that are compared


class UserError(Exception):
    """A mistake in the input: the message says where, what, and what would mend it."""


class IncompleteError(Exception):
    """Results that could not be completed: the message says what is missing, and how to go on."""


def printable(text: str) -> str:
    r"""The text in one line that does nothing to a terminal: unprintable characters are escaped.

    >>> print(printable("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def message_line(text: str) -> str:
    """A message as it is printed: `printable`, and without its middle where it is very long."""
    line = printable(text)
    if len(line) <= MOST_CHARACTERS:
        return line
    return f"{line[: MOST_CHARACTERS // 2]} ... {line[-MOST_CHARACTERS // 2 :]}"


@contextmanager
def naming(place: object) -> Iterator[None]:
    """Within the context a `UserError` that does not name `place` is made to begin with it."""
    try:
        yield
    except UserError as error:
        if str(place) in str(error):
            raise
        raise UserError(f"{place}: {error}") from None


def near_names(name: str, known: Iterable[str]) -> str:
    """The hint of an error about an unknown name: the nearest known one, or all of them.

    >>> near_names("sushy", ["sushi", "no-sgs"])
    "did you mean 'sushi'?"
    """
    name, known = name[:MOST_COMPARED], sorted(known)[:MOST_COMPARED]
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
