"""The error that a user can mend, and that of work which is left undone."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

MOST_CHARACTERS = 1200  # of a message, whose ends say where and what would mend it
MOST_COMPARED = 500  # characters of a name, and names that it may be meant for


class UserError(Exception):
    """A mistake in the input: the message says where, what, and what would mend it."""


class IncompleteError(Exception):
    """Some of the work was not to be done: the message says what, and how to go on."""


def printable(text: str) -> str:
    r"""The text in one line that does nothing to a terminal: what cannot be seen is escaped.

    >>> print(printable("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def message_line(text: str) -> str:
    """A message as it is printed: `printable`, its middle left out where it is very long."""
    line = printable(text)
    if len(line) <= MOST_CHARACTERS:
        return line
    return f"{line[: MOST_CHARACTERS // 2]} ... {line[-MOST_CHARACTERS // 2 :]}"


@contextmanager
def naming(place: object) -> Iterator[None]:
    """Within, a `UserError` that does not name `place` begins with it."""
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
