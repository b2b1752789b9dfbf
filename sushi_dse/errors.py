"""The error of a user's input, the errors of results, and the text of messages."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import islice

EXIT_FAULT = 70  # of the program or its installation (EX_SOFTWARE of sysexits.h)
MOST_CHARACTERS = 1200  # longest message; its ends say where the mistake is and what mends it
# Words that people use for the same thing, in any case.
SAME_MEANING = (
    ("arrived", "arrival", "date", "datetime", "time", "timestamp", "ts", "when"),
    ("latency", "deadline", "delay", "runtime"),
    ("accuracy", "acc", "top1"),
    ("throughput", "qps", "rate"),
    ("policy", "scheduler"),
)
MOST_COMPARED = 500  # most characters of a wrong name, and most names, that are compared


class UserError(Exception):
    """A mistake in the input: the message says where, what, and what would mend it."""


class IncompleteError(Exception):
    """Results that could not be completed: the message says what is missing, and how to go on."""


class MissedError(Exception):
    """Thresholds that were missed: the message has a line for each."""


def printable(text: str) -> str:
    r"""The text in one line that does nothing to a terminal: unprintable characters are escaped.

    >>> print(printable("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    if text.isprintable():
        return text
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

    A name with all words of the unknown one, or words of the same meaning, is nearer than one of
    like letters; of several the first.

    >>> near_names("sushy", ["sushi", "no-sgs"])
    "did you mean 'sushi'?"
    >>> near_names("latency", ["accuracy", "mean_latency_ms", "p99_latency_ms"])
    "did you mean 'mean_latency_ms'?"
    >>> near_names("time", ["TIMESTAMP", "tokens"])
    "did you mean 'TIMESTAMP'?"
    """
    name, listed = name[:MOST_COMPARED], list(islice(known, MOST_COMPARED))
    wanted = _words(name)
    near = [other for other in listed if wanted and wanted <= _words(other)]
    near = near or get_close_matches(name, listed, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(listed))}"


def _words(name: str) -> set[str]:
    """The words of a name in lower case, each as the first word of the same meaning."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return {next((same[0] for same in SAME_MEANING if word in same), word) for word in words}
