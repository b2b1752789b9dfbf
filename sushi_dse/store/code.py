"""The code that computes rows: the digest of its sources, and what it is built on.

Rows of other code are never reused, and no worker with other code is heard.
"""

import hashlib
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version

from sushi_dse.model.kernel_key import KEY_DIGITS, package_sources, reached_sources

# What makes rows of designs, and what an exact sweep leaves out.
ROOTS = ("sushi_dse.evaluation.rows", "sushi_dse.explore.exact.branch")
LIBRARIES = ("numpy", "pyarrow", "moocore", "numba", "llvmlite")


def code_of_files() -> dict[str, str]:
    """The digest of the sources as they are on disk now, and the versions of Python and libraries.

    The sources are the files of `ROOTS`, and every file of the package that one of these imports,
    directly or not.
    """
    digest = hashlib.sha256()
    for name, text in reached_sources(ROOTS, package_sources()).items():
        digest.update(f"\n{name} {len(text)}\n".encode() + text)
    return {
        "sources": digest.hexdigest()[:KEY_DIGITS],
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


@lru_cache(maxsize=1)
def code_facts() -> dict[str, str]:
    """The `code_of_files` when this process first asked: equal facts, equal rows."""
    return code_of_files()


def differing_code(theirs: Mapping[str, str]) -> str:
    """What differs between the code of a command and that of this process; empty for equals."""
    ours = code_facts()
    return ", ".join(
        f"{name} {ours.get(name)} for {theirs.get(name)}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    )
