"""The page of the public names in Python, from their signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType
from typing import Any

import sushi_dse

WIDTH = 96  # longest signature on one line; in a longer one each parameter has its own line
MODULES = re.compile(r"(?<![\w'\"])(?:\w+\.)+(?=[A-Za-z])")  # paths of modules in a signature
DESCRIBED = (property, cached_property, staticmethod, FunctionType, classmethod)
NAMES = [name for name in sushi_dse.__all__ if name != "__version__"]


def api() -> str:
    """The docstring of the package, and a section for each public name."""
    return "\n\n".join([as_markdown(sushi_dse), *map(section, NAMES)])


def section(name: str) -> str:
    """The signature, docstring and members of a public name; of a mapping, its keys."""
    value = getattr(sushi_dse, name)
    if isinstance(value, dict):
        return f"## {name}\n\nA mapping by name: {', '.join(f'`{key}`' for key in value)}."
    parts = [f"## {name}", as_markdown(value)]
    if not (inspect.isclass(value) and issubclass(value, Exception)):
        parts.insert(1, f"```python\n{signature(name, value)}\n```")
    members = [f"* `{member}`: {meaning}" for member, meaning in members_of(value)]
    return "\n\n".join([*parts, *(["\n".join(members)] if members else [])])


def signature(name: str, value: Any) -> str:
    """The signature of a value, with each parameter on its own line where it is long."""
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
    """The docstring of a value as Markdown, in which indented code and examples are fenced."""
    lines, in_code = [], False
    for line in (inspect.getdoc(value) or "").splitlines():
        is_code = line.startswith(("    ", ">>> ")) or (in_code and line != "")
        if is_code != in_code:
            lines.append("```python" if is_code else "```")
            in_code = is_code
        lines.append(line.removeprefix("    ") if in_code else line)
    return "\n".join([*lines, *(["```"] if in_code else [])])


def members_of(value: Any) -> Iterator[tuple[str, str]]:
    """The name and first paragraph of each public method and property of a class."""
    for name in dir(value) if inspect.isclass(value) and not issubclass(value, Exception) else ():
        member = inspect.getattr_static(value, name)
        if not name.startswith("_") and isinstance(member, DESCRIBED):
            meaning = inspect.getdoc(member) or ""
            yield name, meaning.partition("\n\n")[0].replace("\n", " ")
