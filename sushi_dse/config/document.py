"""A YAML file as plain values, and the line and column of each."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sushi_dse.config.scalars import Scalar, read_scalar
from sushi_dse.errors import UserError, printable
from sushi_dse.files import read_file

MAX_BYTES = 2**20
MAX_DEPTH = 16
MAX_VALUES = 250_000  # most keys and values of a file; more would take a minute to parse
UNPRINTABLE = re.compile(
    "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)

Value = Scalar | list["Value"] | dict[str, "Value"]
Location = tuple[str | int, ...]  # keys and list indices from the top of the file
Mark = tuple[int, int]  # line and column, from 1


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a YAML file, its text, and the marks of its keys and values."""

    path: Path
    text: str
    content: dict[str, Value]
    value_marks: dict[Location, Mark]
    key_marks: dict[Location, Mark]
    end_marks: dict[Location, Mark]  # mark of the end of each mapping

    def mark(self, location: Location, *, of_key: bool = False) -> Mark:
        """The mark of the beginning of the value, or of its key, at `location`."""
        return self.key_marks[location] if of_key else self.value_marks[location]

    def error(self, location: Location, message: str, *, of_key: bool = False) -> UserError:
        """The error of one line about the value, or its key, at `location`."""
        return placed(self.path, message, self.mark(location, of_key=of_key))


def placed(path: Path, message: str, mark: Mark | None = None) -> UserError:
    """The error of one line about a file, or about the line and column of a mark in it."""
    where = f"{path}:{mark[0]}:{mark[1]}" if mark else f"{path}"
    return UserError(printable(f"{where}: {message}"))


def read_text(path: Path) -> str:
    """The text of a file of at most MAX_BYTES; UserError where it cannot be read or is no text."""
    content = read_file(path, "name a YAML file", MAX_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"its byte {error.start} is no UTF-8"
        raise placed(path, f"is no text, {reason}; name a YAML file in UTF-8") from None
    unprintable = UNPRINTABLE.search(text)
    if unprintable:
        before = text[: unprintable.start()]
        mark = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise placed(path, "holds a control character; name a YAML file in UTF-8", mark)
    return text


def compose(path: Path, text: str) -> Any:
    """The top node of YAML `text`, None for an empty one; UserError for a mistake in it."""
    try:
        _refuse_references(path, text)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        problem = str(error.problem).removeprefix("but ")
        raise placed(path, f"{problem}; mend the YAML here or before", _end(error)) from None


def parse_document(path: Path, text: str) -> Document:
    """The document in `text`, which was read from `path`; UserError for a mistake in it."""
    node = compose(path, text)
    if node is None:
        raise placed(path, "is empty; write 'key: value' lines")
    document = Document(path, text, {}, {(): _mark(node)}, {}, {})
    if not isinstance(node, yaml.MappingNode):
        raise document.error((), "a mapping is wanted; write 'key: value' lines")
    document.content.update(_mapping(document, node, ()))
    return document


def read_document(path: Path) -> Document:
    """The document in the YAML file at `path`; UserError for a mistake in it."""
    return parse_document(path, read_text(path))


def _mark(node: Any) -> Mark:
    """The mark of the beginning of a node, or of an event of the parser."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def _end(error: Any) -> Mark:
    """The mark at which the parser gave up."""
    return error.problem_mark.line + 1, error.problem_mark.column + 1


def _refuse_references(path: Path, text: str) -> None:
    """Raise UserError for an anchor, alias or tag, or for too deep or too long a file.

    The parser gives its events one by one, so nothing is expanded before it is refused.
    """
    depth = 0
    event: Any
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if count > MAX_VALUES:
            raise placed(path, f"has over {MAX_VALUES} keys and values; write fewer", _mark(event))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if getattr(event, "anchor", None) is not None:
            raise placed(path, "anchors and aliases are refused; write it out", _mark(event))
        if getattr(event, "tag", None) is not None:
            raise placed(path, f"the tag {event.tag} is refused; leave it out", _mark(event))
        if depth > MAX_DEPTH:
            raise placed(
                path, f"is nested more than {MAX_DEPTH} levels deep; flatten it", _mark(event)
            )


def _value(document: Document, node: Any, location: Location) -> Value:
    document.value_marks[location] = _mark(node)
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, location)
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, item, (*location, i)) for i, item in enumerate(node.value)]
    if node.style:  # A plain scalar has no style: this one is quoted, or a block of text.
        return str(node.value)
    try:
        return read_scalar(node.value)
    except ValueError as error:
        raise document.error(location, str(error)) from None


def _mapping(document: Document, node: Any, location: Location) -> dict[str, Value]:
    content: dict[str, Value] = {}
    document.end_marks[location] = node.end_mark.line + 1, node.end_mark.column + 1
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise placed(document.path, "a key must be a word; write 'key: value'", _mark(key_node))
        key = str(key_node.value)
        at = (*location, key)
        if key in content:
            line, _ = document.key_marks[at]
            message = f"duplicate key {key!r}, given in line {line} already; keep one of them"
            raise placed(document.path, message, _mark(key_node))
        document.key_marks[at] = _mark(key_node)
        content[key] = _value(document, value_node, at)
    return content
