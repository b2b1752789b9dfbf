"""The files that a user's policy imports, as far as its text says which.

A name is looked up beside the policy and wherever Python would, installed libraries and this
package left out.  What is imported by a name that is computed, and what a policy reads besides
code, no text says.
"""

import ast
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import all_suffixes
from pathlib import Path

from sushi_dse.errors import UserError
from sushi_dse.files import file_bytes

OWN = "sushi_dse"
MOST_FILES = 1000  # of all that a policy imports
MOST_BYTES = 2**22  # largest of these files that is read
BY_NAME = ("import_module", "__import__", "run_path", "run_module")  # calls that import


def imported_files(source: bytes, folder: Path) -> dict[str, bytes]:
    """The bytes of each file that a source in `folder` imports, directly or not, by its place.

    A place is relative to the folder in which a name was found, so that hosts compare.
    `UserError` where there are too many.
    """
    roots = [folder, *(path for path in map(Path, sys.path) if not _is_installed(path))]
    found: dict[str, bytes] = {}
    waiting = [source]
    while waiting:
        names = _imported_names(waiting.pop())
        for number, root in enumerate(roots):
            for path in _files_of(names, root):
                place = f"{min(number, 1)}/{path.relative_to(root).as_posix()}"
                if place in found:
                    continue
                with suppress(OSError):  # Python cannot import it either.
                    found[place] = file_bytes(path, MOST_BYTES)
                    waiting.append(found[place])
                if len(found) > MOST_FILES:
                    raise UserError(f"{folder}: a policy imports over {MOST_FILES} files; cut it")
    return dict(sorted(found.items()))


def _files_of(names: set[str], root: Path) -> Iterator[Path]:
    """The files in `root` that the names may be imported from; of a package all of its files."""
    for name in sorted(names):
        yield from (path for end in all_suffixes() if (path := root / f"{name}{end}").is_file())
        if (root / name).is_dir():
            yield from (path for path in sorted((root / name).rglob("*.py")) if path.is_file())


def _imported_names(source: bytes) -> set[str]:
    """The names, up to their first dot, that a source imports; none of what is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    named: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            named.update([node.module] if node.module else (alias.name for alias in node.names))
        elif isinstance(node, ast.Call) and _called(node.func) in BY_NAME:
            named.update(
                argument.value.removesuffix(".py").lstrip(".").replace("/", ".")
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )
    tops = {name.partition(".")[0] for name in named}
    return {name for name in tops if name.isidentifier()} - {OWN}


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_installed(path: Path) -> bool:
    """Whether a folder of the path holds the standard library, or libraries that are installed."""
    return path.suffix == ".zip" or any(path == one or one in path.parents for one in _installed())


@lru_cache(maxsize=1)
def _installed() -> set[Path]:
    """The folders of this interpreter's libraries."""
    kept = {Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib", "purelib")}
    kept |= {Path(sysconfig.get_path("platlib")), *map(Path, site.getsitepackages())}
    kept.add(Path(site.getusersitepackages()))
    return kept
