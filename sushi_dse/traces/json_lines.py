"""Logs as JSON lines: an object each, whose values are read as the fields of a CSV log are."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from sushi_dse.errors import UserError, near_names
from sushi_dse.traces.files import quoted_text

WORDS = {True: "true", False: "false", None: ""}  # a null is an empty field


def is_json_lines(content: bytes) -> bool:
    """Whether the content begins as an object of JSON."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def numbered_objects(
    path: Path, content: bytes, names: Collection[str]
) -> Iterator[tuple[int, list[str]]]:
    """The line of each object, from 1, and the texts of its values under `names`.

    A number has the digits that the file has; a value that is missing or null is an empty text.
    Blank lines are left out.  `UserError` with the line where there is no object, or where the
    first one lacks a name.
    """
    is_first = True
    for line, text in enumerate(content.decode("utf-8-sig", errors="replace").split("\n"), start=1):
        if not text.strip():
            continue
        found = parsed(f"{path}:{line}", text)
        if is_first:
            _check_names(f"{path}:{line}", found, names)
            is_first = False
        yield line, [_text(f"{path}:{line}", name, found.get(name)) for name in names]


def parsed(where: str, text: str) -> dict[str, object]:
    """The object in a line, its numbers as texts; `UserError` where there is none."""
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{where}: no JSON object: {quoted_text(text)}; a log has one in each line")
    return found


def _check_names(where: str, found: dict[str, object], names: Collection[str]) -> None:
    for name in names:
        if name not in found:
            known = near_names(name, [quoted_text(other)[1:-1] for other in found] or ["no key"])
            raise UserError(f"{where}: no key {quoted_text(name)}; {known}")


def _text(where: str, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return WORDS[value]
    raise UserError(f"{where}: {name} is a list or an object; name a key with a number or a time")
