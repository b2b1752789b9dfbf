"""The error that a user can mend, and that of work which is left undone."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in the input: the message says where, what, and what would mend it."""


class IncompleteError(Exception):
    """Some of the work was not to be done: the message says what, and how to go on."""


def near_names(name: str, known: Iterable[str]) -> str:
    """The hint of an error about an unknown name: the nearest known one, or all of them.

    >>> near_names("sushy", ["sushi", "no-sgs"])
    "did you mean 'sushi'?"
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
