"""The files that a user's policy imports, as far as its text says which.

A name is looked up beside the policy and wherever Python would, installed libraries and this
package left out.  What is imported by a name that is computed, and what a policy reads besides
code, no text says.
"""

import ast
import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib import invalidate_caches
from importlib.machinery import all_suffixes
from pathlib import Path

from sushi_dse.errors import UserError
from sushi_dse.files import file_bytes

OWN = "sushi_dse"
MOST_FILES = 1000  # of all that a policy imports
MOST_BYTES = 2**22  # largest of these files that is read
BY_NAME = ("import_module", "__import__", "run_path", "run_module")  # calls that import


def own_folders(folder: Path) -> tuple[Path, ...]:
    """The folders in which a file in `folder` finds modules now, in order, without installed ones.

    What a file imports may be found in folders that it adds to the path as it is run.
    """
    on_path = (Path(os.path.abspath(path)) for path in sys.path)
    kept = (path for path in on_path if not _is_installed(path))
    return tuple(dict.fromkeys([Path(os.path.abspath(folder)), *kept]))


def imported_files(source: bytes, folders: Sequence[Path]) -> dict[str, bytes]:
    """The bytes of each file in `folders` that a source imports, directly or not, by its place.

    A place is relative to the folder in which a name was found first, so that hosts compare.
    `UserError` where there are too many.
    """
    found: dict[str, bytes] = {}
    waiting = [source]
    while waiting:
        names = _imported_names(waiting.pop())
        for root in folders:
            for path in _files_of(names, root):
                place = path.relative_to(root).as_posix()
                if place in found:
                    continue
                with suppress(OSError):  # Python cannot import it either.
                    found[place] = file_bytes(path, MOST_BYTES)
                    waiting.append(found[place])
                if len(found) > MOST_FILES:
                    raise UserError(f"{root}: a policy imports over {MOST_FILES} files; cut it")
    return dict(sorted(found.items()))


_seen: dict[Path, bytes] = {}  # what files held when a policy last imported them


def forget_edited(source: bytes, folders: Sequence[Path]) -> None:
    """Let Python import anew what a source imports from `folders` and was edited since it last did.

    An interpreter keeps modules as they were when they were first imported.
    """
    for place, content in imported_files(source, folders).items():
        for path in (folder / place for folder in folders):
            if _seen.get(path, content) != content:
                for name in [n for n, m in sys.modules.items() if _file_of(m) == str(path)]:
                    del sys.modules[name]
            _seen[path] = content
    invalidate_caches()


def _file_of(module: object) -> str:
    return str(getattr(module, "__file__", None))


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
