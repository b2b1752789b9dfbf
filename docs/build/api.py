"""The page of the public names in Python, from their signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType
from typing import Any

import sushi_dse

WIDTH = 96  # characters of a signature, past which each parameter has a line of its own
MODULES = re.compile(r"(?<![\w'\"])(?:\w+\.)+(?=[A-Za-z])")  # which a reader does not need
DESCRIBED = (property, cached_property, staticmethod, FunctionType, classmethod)
NAMES = [name for name in sushi_dse.__all__ if name != "__version__"]


def api() -> str:
    """What the package says of itself, and a section for each public name."""
    return "\n\n".join([as_markdown(sushi_dse), *map(section, NAMES)])


def section(name: str) -> str:
    """How a name is called, and what it says of itself; the keys of a mapping."""
    value = getattr(sushi_dse, name)
    if isinstance(value, dict):
        return f"## {name}\n\nA mapping by name: {', '.join(f'`{key}`' for key in value)}."
    parts = [f"## {name}", as_markdown(value)]
    if not (inspect.isclass(value) and issubclass(value, Exception)):
        parts.insert(1, f"```python\n{signature(name, value)}\n```")
    members = [f"* `{member}`: {meaning}" for member, meaning in members_of(value)]
    return "\n\n".join([*parts, *(["\n".join(members)] if members else [])])


def signature(name: str, value: Any) -> str:
    """How it is called, each parameter on a line of its own where that is long."""
    found = inspect.signature(value)
    line = MODULES.sub("", f"{name}{found}")
    if len(line) <= WIDTH:
        return line
    before, bare, after = line.partition("*, ")
    opened = before.removeprefix(f"{name}(").rstrip(", ")
    parameters = [MODULES.sub("", str(parameter)) for parameter in found.parameters.values()]
    if bare and "*" not in opened:
        at = [p.kind for p in found.parameters.values()].index(inspect.Parameter.KEYWORD_ONLY)
        parameters.insert(at, "*")
    returned = line[line.rindex(") -> ") :] if ") -> " in after or ") -> " in before else ")"
    return f"{name}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + returned


def as_markdown(value: Any) -> str:
    """A docstring in which code and examples, which are indented or prompted, are fenced."""
    lines, in_code = [], False
    for line in (inspect.getdoc(value) or "").splitlines():
        is_code = line.startswith(("    ", ">>> ")) or (in_code and line != "")
        if is_code != in_code:
            lines.append("```python" if is_code else "```")
            in_code = is_code
        lines.append(line.removeprefix("    ") if in_code else line)
    return "\n".join([*lines, *(["```"] if in_code else [])])


def members_of(value: Any) -> Iterator[tuple[str, str]]:
    """The public methods and properties of a class, with the first sentence of each."""
    for name in dir(value) if inspect.isclass(value) and not issubclass(value, Exception) else ():
        member = inspect.getattr_static(value, name)
        if not name.startswith("_") and isinstance(member, DESCRIBED):
            meaning = inspect.getdoc(member) or ""
            yield name, meaning.partition("\n\n")[0].replace("\n", " ")
