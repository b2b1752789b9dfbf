"""Compiled kernels on disk: never of other sources, never half an entry, and never in the way.

An entry is one file, of one kernel, signature and processor, in a folder named by `kernel_key`.  It
begins with its checksum, for Numba hands to the processor whatever it unpickles.
"""

import hashlib
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from threading import Event
from typing import Any, TypeVar, cast

import numba
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from sushi_dse.errors import message_line
from sushi_dse.files import file_bytes, write_whole
from sushi_dse.model.kernel_key import (
    CACHE_VARIABLE,
    KEY_DIGITS,
    cache_folders,
    kernel_key,
    key_of_files,
)

FOLDER = re.compile(rf"kernels-[0-9a-f]{{{KEY_DIGITS}}}")
MOST_FOLDERS = 4  # of one place; two installations may share it
MOST_ENTRY_BYTES = 2**26
CHECKSUM_BYTES = hashlib.sha256().digest_size

Function = TypeVar("Function", bound=Callable[..., Any])
_warned = Event()
_dumps: Any = dumps  # Numba declares no types
_rebuild: Any = CompileResult._rebuild


def compiled(function: Function) -> Function:
    """A kernel: `function`, compiled for the types that it is called with, and kept on disk.

    Where NUMBA_DISABLE_JIT is set it is `function` itself.
    """
    kernel: Any = numba.njit(function)
    if kernel is not function:
        kernel_key()  # of the sources as they are while they are imported
        kernel._cache = KernelCache(function)  # where `cache=True` puts Numba's own
    return cast(Function, kernel)


@dataclass(frozen=True, slots=True)
class KernelCache:
    """What a dispatcher of Numba's asks before it compiles `function`, and tells afterwards."""

    function: Callable[..., Any]

    @property
    def cache_path(self) -> str:
        """The folder that is looked into first."""
        return str(cache_folders()[0])

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The kept result of compiling for `signature`, or None: then Numba compiles."""
        target.refresh()
        name = self._entry(signature, target.codegen())
        for folder in cache_folders():
            payload = _read(folder / name)
            if payload is None:
                continue
            try:
                kept, parts = pickle.loads(payload)
                if kept == signature:
                    return _rebuild(target, *parts)
            except Exception:  # whatever may be wrong with it, compiling mends it
                continue
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was compiled, unless a source was edited since this process began."""
        if result.library.has_dynamic_globals or key_of_files() != kernel_key():
            return
        name, reasons = self._entry(signature, result.codegen), []
        payload = _dumps((signature, result._reduce()))
        for folder in cache_folders():
            try:
                _make(folder)
                write_whole(folder / name, _checksum(name, payload) + payload)
                return
            except OSError as error:
                reasons.append(f"{folder}: {error.strerror or error}")
        _warn("; ".join(reasons))

    def flush(self) -> None:
        """Nothing: an entry is as good as what would replace it."""

    def _entry(self, signature: Any, codegen: Any) -> str:
        """Name of the file for `signature` on this processor under these options of Numba's."""
        options = sorted(
            item
            for item in os.environ.items()
            if item[0].startswith("NUMBA_") and item[0] != CACHE_VARIABLE
        )
        function = f"{self.function.__module__}.{self.function.__qualname__}"
        text = repr((function, signature, codegen.magic_tuple(), options))
        return f"{function}-{hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]}.nbc"


def _checksum(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + payload).digest()


def _read(path: Path) -> bytes | None:
    """What is kept at `path`; None where nothing is, or not what was written there."""
    try:
        content = file_bytes(path, MOST_ENTRY_BYTES)
    except OSError:
        return None
    checksum, payload = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
    return payload if checksum == _checksum(path.name, payload) else None


def _make(folder: Path) -> None:
    """Make the folder of a new key, and remove the oldest of others; OSError where it cannot be."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # another process removes them too
        kin = [path for path in folder.parent.iterdir() if FOLDER.fullmatch(path.name)]
        kin.sort(key=lambda path: path.stat().st_mtime)
        for old in set(kin[:-MOST_FOLDERS]) - {folder}:
            shutil.rmtree(old, ignore_errors=True)


def _warn(reasons: str) -> None:
    """One line on standard error, of the main process alone: its workers would repeat it."""
    if parent_process() is None and not _warned.is_set():
        _warned.set()
        text = f"compiled kernels cannot be kept, and so are compiled in each run: {reasons}"
        mend = f"set {CACHE_VARIABLE} to a folder that you may write to"
        print(f"warning: {message_line(f'{text}; {mend}')}", file=sys.stderr)
