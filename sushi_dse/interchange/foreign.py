"""Files of other tools in YAML or JSON, as values that know their position in the file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from sushi_dse.config.document import compose, placed, read_text
from sushi_dse.config.keys import quoted_value
from sushi_dse.config.scalars import INTEGER
from sushi_dse.errors import UserError, near_names
from sushi_dse.units import parse_number

MAX_COUNT = 2**31  # largest number that is read, far beyond any size in a network
TEMPLATE = re.compile(r"\{\{|\{%")
# A line that includes another file, and one that merges a mapping of it into the one here.
INCLUDE = re.compile(
    r"^[ \t]*\{\{[ \t]*include(?:_text)?\([^{}\n]*\)[ \t]*\}\}[ \t]*$", re.MULTILINE
)
MERGE = re.compile(r"^[ \t]*<{2,3}[ \t]*:[ \t]*(?:\*\w+|\[[\w*, \t]*\])[ \t]*$", re.MULTILINE)
# What begins a line in the files of other tools that are neither YAML nor JSON.
OTHER_LANGUAGES = (
    (
        re.compile(r"^[ \t]*(?:Network|Constant)[ \t]+[^:\n]+$", re.MULTILINE),
        "is a MAESTRO description; import the ONNX file of its network",
    ),
    (
        re.compile(
            r"^(?:\w+[ \t]*=[ \t]*[\[{(]|def \w+\(|from \S+ import |import \w)", re.MULTILINE
        ),
        "is a Python workload; write it as JSON: print(json.dumps(workload))",
    ),
)
NOTHING = ("", "~", "null", "Null", "NULL", "None")
TRUTHS = {"true": True, "True": True, "false": False, "False": False}


@dataclass(frozen=True, slots=True)
class ForeignValue:
    """A value in a file of another tool; a wrong or missing one is a UserError with its position.

    The files hold more keys than are read, so none is refused.
    """

    path: Path
    name: str  # key of the value, or its number in a list, from 0
    node: Any
    has_include: bool = False  # whether the file includes another one, which is not read

    def error(self, message: str) -> UserError:
        """The error of one line about this value, which begins with its line and column."""
        mark = self.node.start_mark
        if ";" not in message and "wanted" not in message:
            message += "; mend it here"
        return placed(self.path, message, (mark.line + 1, mark.column + 1))

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_nothing(self) -> bool:
        """Whether the value is null."""
        return self._is_plain and self.node.value in NOTHING

    @property
    def _is_plain(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and not self.node.style

    def items(self) -> Iterator["ForeignValue"]:
        """The values of a list, or of a mapping with their keys as names.

        UserError for a scalar, or where a key is given twice.
        """
        if self.is_list:
            for i, item in enumerate(self.node.value):
                yield replace(self, name=str(i), node=item)
        elif self.is_mapping:
            seen: set[str] = set()
            for key, value in self.node.value:
                entry = replace(self, name=str(key.value), node=value)
                if entry.name in seen:
                    raise entry.error(
                        f"{quoted_value(entry.name)} is given twice; keep one of them"
                    )
                seen.add(entry.name)
                yield entry
        else:
            raise self.error(f"{self.name}: a list or keys are wanted, got {self.quoted}")

    def find(self, key: str) -> "ForeignValue | None":
        """The value under `key`, or None where it is missing or null; UserError for no mapping."""
        if not self.is_mapping:
            raise self.error(f"{self.name}: keys are wanted, got {self.quoted}")
        found = {entry.name: entry for entry in self.items()}.get(key)
        return None if found is None or found.is_nothing else found

    def __getitem__(self, key: str) -> "ForeignValue":
        """The value under `key`; UserError where there is none."""
        found = self.find(key)
        if found is None:
            known = near_names(key, [entry.name for entry in self.items()] or ["no key"])
            raise self.error(f"the key {key!r} is missing here; {known}")
        return found

    def count(self, *, least: int = 1) -> int:
        """The value as a whole number, `least` or more; UserError otherwise."""
        text = self.node.value if self._is_plain else ""
        if not INTEGER.fullmatch(text) or not least <= _bounded(text) <= MAX_COUNT:
            wanted = f"a whole number from {least} to {MAX_COUNT}"
            raise self.error(f"{self.name}: {wanted} is wanted, got {self.quoted}")
        return int(text)

    @property
    def is_count(self) -> bool:
        """Whether the value is a whole number."""
        return self._is_plain and bool(INTEGER.fullmatch(self.node.value))

    def counts(self) -> list[int]:
        """The value as a list of whole numbers, each 0 or more; UserError otherwise."""
        if not self.is_list:
            raise self.error(f"{self.name}: a list is wanted, got {self.quoted}")
        return [entry.count(least=0) for entry in self.items()]

    def number(self) -> float:
        """The value as a number above 0; UserError otherwise."""
        try:
            number = parse_number(self.node.value) if self._is_plain else 0.0
        except ValueError:
            number = 0.0
        if not 0 < number <= MAX_COUNT:
            raise self.error(f"{self.name}: a number above 0 is wanted, got {self.quoted}")
        return number

    def text(self) -> str:
        """The value as a text; UserError for a list or a mapping."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error(f"{self.name}: a text is wanted, got {self.quoted}")
        return str(self.node.value)

    def truth(self) -> bool:
        """The value as a truth value; UserError otherwise."""
        if not self._is_plain or self.node.value not in TRUTHS:
            raise self.error(f"{self.name}: true or false is wanted, got {self.quoted}")
        return TRUTHS[self.node.value]

    @property
    def quoted(self) -> str:
        """The value as an error quotes it."""
        if self.is_mapping or self.is_list:
            return "keys" if self.is_mapping else "a list"
        return quoted_value(self.node.value)


def _bounded(text: str) -> int:
    """The whole number in `text`, or -1 where it has more digits than MAX_COUNT."""
    return int(text) if len(text) <= len(str(MAX_COUNT)) else -1


def read_foreign(path: Path) -> ForeignValue:
    """The top value of the YAML or JSON file at `path`; UserError where there is none.

    A file that another one includes is not read: what it holds is missing.
    """
    text = read_text(path)
    has_include = bool(INCLUDE.search(text))
    if has_include:
        text = MERGE.sub("", INCLUDE.sub("", text))  # Lines stay, so that marks do.
    template = TEMPLATE.search(text)
    if template:
        line = text.count("\n", 0, template.start()) + 1
        column = template.start() - text.rfind("\n", 0, template.start())
        message = "is a template; give the file that its tool makes of it"
        raise placed(path, message, (line, column))
    for beginning, message in OTHER_LANGUAGES:
        if found := beginning.search(text):
            raise placed(path, message, (text.count("\n", 0, found.start()) + 1, 1))
    node = compose(path, text)
    if node is None:
        raise placed(path, "is empty; give a network")
    return ForeignValue(path, path.name, node, has_include)
