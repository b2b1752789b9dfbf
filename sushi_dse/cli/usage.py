"""A mistake on the command line as one line: what was typed, what is wrong, where to look."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

# What typer raises for every mistake on the command line; it does not export the name.
UsageError: Any = typer.BadParameter.__base__
INVALID = re.compile(r"Invalid value for '?(?P<name>[^:']+)'?: (?P<why>.*)", re.DOTALL)
PASSWORD = re.compile(r"(\w://[^:@/]*):.*@", re.DOTALL)
URL_QUERY = re.compile(r"(\w://[^?]*)\?.*", re.DOTALL)
NOISE = re.compile(r"^(Value error, |Input )|, unable to .*$", re.DOTALL)


def command_path(app: typer.Typer, words: Sequence[str]) -> str:
    """The command that `words` name, as far as they name one: "sushi-dse pareto show".

    >>> command_path(typer.Typer(), ["--quiet"])
    'sushi-dse'
    """
    path = ["sushi-dse"]
    group: Any = typer.main.get_group(app)
    for word in words:
        if word in getattr(group, "commands", {}):
            group = group.commands[word]
            path.append(word)
    return " ".join(path)


def typed_value(option: str, words: Sequence[str]) -> str | None:
    """What was given for an option: the last word after it, or after its equals sign.

    >>> typed_value("--queries", ["sweep", "--queries", "x"])
    'x'
    """
    found = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word == option:
            found = following
        elif word.startswith(f"{option}="):
            found = word.removeprefix(f"{option}=")
    return found


def usage_line(error: Any, words: Sequence[str], command: str) -> str:
    """The line for a mistake in `words`; nothing where the help was printed instead."""
    said = " ".join(error.format_message().split()).rstrip(".")
    if not said:
        return ""
    invalid = INVALID.fullmatch(said)
    if invalid:
        name, why = invalid["name"], NOISE.sub("", NOISE.sub("", invalid["why"]))
        value = typed_value(name, words)
        shown = "" if value is None or repr(value) in why else f" {value!r}"
        said = f"{name}:{shown} {why}"
    return f"error: {said}; see {command} --help\n"


def command_line() -> str:
    """The command that is running, as it could be typed again, passwords of URLs masked in it.

    A URL may be given twice, of which the last one counts.
    """
    return shlex.join(["sushi-dse", *map(masked, sys.argv[1:])])


def masked(word: str) -> str:
    """The word without the password, and without the query, of a URL in it.

    >>> masked("--storage=postgresql://me:hush@host/db?password=hush")
    '--storage=postgresql://me:***@host/db'
    """
    return URL_QUERY.sub(r"\1", PASSWORD.sub(r"\1:***@", word))


def kept_in(folder: Path) -> str:
    """What an interrupted command says of the results that are finished."""
    return f"interrupted; what is finished is kept in {folder}: run the same command to go on"
