"""The key of this installation's kernels, and the folders of their cache, without Numba.

A kernel contains functions and constants of other files.  So the key depends on every file of the
package that imports Numba or `jit`, and on every file that one of these imports, directly
or not.
"""

import hashlib
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
COMPILER = ("numba", "llvmlite")
KEY_DIGITS = 16
CACHE_VARIABLE = "NUMBA_CACHE_DIR"  # variable by which a user names the root of caches
COMPILES = (b"import numba", b"from numba", b"model.jit import")
# The name of a module that is imported, and of what is imported from it, which may be modules too.
IMPORT = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?", re.MULTILINE
)
WORD = re.compile(rb"\w+")


def kernel_sources() -> dict[str, bytes]:
    """The text of each file that can change a kernel, by the name of its module."""
    texts = package_sources()
    compiling = [name for name, text in texts.items() if any(mark in text for mark in COMPILES)]
    return reached_sources(compiling, texts)


def package_sources() -> dict[str, bytes]:
    """The text of each file of the package as it is on disk now, by the name of its module."""
    return dict(_texts(PACKAGE.rglob("*.py")))


def reached_sources(roots: Iterable[str], texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The texts of modules, and of all that these import, directly or not, in order of names."""
    frontier = set(roots)
    reached = set(frontier)
    while frontier:
        imports = {name for one in frontier for name in _imports(texts[one])}
        frontier = (imports & texts.keys()) - reached
        reached |= frontier
    return {name: texts[name] for name in sorted(reached)}


def _imports(text: bytes) -> Iterator[str]:
    """The names of modules that a text imports, and others that may be no modules."""
    for module, names in IMPORT.findall(text):
        yield module.decode()
        yield from (f"{module.decode()}.{name.decode()}" for name in WORD.findall(names))


def _texts(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            text = path.read_bytes()
        except OSError:  # Python cannot import it either: an editor's lock or a dangling link.
            continue
        yield ".".join((PACKAGE.name, *path.parts[len(PACKAGE.parts) :])).removesuffix(".py"), text


def key_of_files() -> str:
    """The hash of the kernels' sources as they are on disk now, and of the compiler's versions."""
    digest = hashlib.sha256(repr((platform.python_version(), *map(version, COMPILER))).encode())
    for name, text in kernel_sources().items():
        digest.update(f"\n{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:KEY_DIGITS]


@lru_cache(maxsize=1)
def kernel_key() -> str:
    """The `key_of_files` when this process first asked: equal keys, equal kernels."""
    return key_of_files()


def cache_folders() -> list[Path]:
    """The folders that are searched for kernels; the first writable one gets new kernels."""
    return [root / f"kernels-{kernel_key()}" for root in _cache_roots()]


def _cache_roots() -> Iterator[Path]:
    if os.environ.get(CACHE_VARIABLE):
        yield Path(os.environ[CACHE_VARIABLE])
        return
    yield PACKAGE / "__pycache__"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    with suppress(RuntimeError):  # A user may have no home.
        yield (named if named.is_absolute() else Path.home() / ".cache") / "sushi-dse" / "kernels"
