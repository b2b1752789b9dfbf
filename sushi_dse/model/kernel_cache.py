"""The cache of compiled kernels on disk: never stale, never torn, and never a cause of failure.

An entry is a file for one kernel, signature and processor, in a folder named by `kernel_key`.  It
begins with its checksum, as Numba runs whatever code it unpickles.
"""

import hashlib
import os
import pickle
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from threading import Event
from typing import Any

import numba
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime.nrt import rtsys
from numba.core.serialize import dumps
from numba.extending import register_jitable, typeof_impl

from sushi_dse.errors import message_line
from sushi_dse.files import file_bytes, write_whole
from sushi_dse.model.compile_note import CompileNote
from sushi_dse.model.kernel_key import (
    CACHE_VARIABLE,
    KEY_DIGITS,
    cache_folders,
    kernel_key,
    key_of_files,
)
from sushi_dse.model.kernel_library import linking
from sushi_dse.model.kernel_lock import kernel_lock

FOLDER = re.compile(rf"kernels-[0-9a-f]{{{KEY_DIGITS}}}")
MOST_FOLDERS = 4  # folders of keys that are kept beside each other, as installations may share them
MOST_ENTRY_BYTES = 2**26  # largest entry that is read
CHECKSUM_BYTES = hashlib.sha256().digest_size

_warned = Event()
_note = CompileNote()
_dumps: Any = dumps  # Numba declares no types.
_rebuild: Any = CompileResult._rebuild
_runtime: Any = rtsys


def let_kernels_call(function: Callable[..., Any]) -> None:
    """Tell Numba of a plain function that kernels call: inlined, as arrays are slow to pass."""
    register_jitable(forceinline=True, no_cfunc_wrapper=True)(function)


def let_kernels_call_kernels(kind: type) -> None:
    """Tell Numba of the class of kernels, whose objects have a `dispatcher`."""

    @typeof_impl.register(kind)
    def type_of(kernel: Any, _context: Any) -> Any:
        of_dispatcher: Any = numba.typeof  # Numba declares no types.
        return of_dispatcher(kernel.dispatcher)


def dispatcher_of(function: Callable[..., Any]) -> Any:
    """The dispatcher of `function`: compiled for the types of each call, and cached on disk.

    A process that needs it while another one compiles it waits for that one.  Where
    NUMBA_DISABLE_JIT is set it is `function` itself.  It runs without the lock of the interpreter,
    so that other threads go on, and an interrupt ends the process.
    """
    kernel: Any = numba.njit(nogil=True)(function)
    if kernel is not function:
        kernel._cache = KernelCache(function)  # the attribute that `cache=True` would set
        kernel.compile = partial(_compile, kernel, kernel.compile)
    return kernel


def _compile(kernel: Any, compile_or_load: Callable[[Any], Any], signature: Any) -> Any:
    """What `compile_or_load` gives, alone of all processes where it must compile.

    Kernels are locked from caller to callee, so two processes wait for each other only if kernels
    call each other in a circle, and then for `MOST_WAIT_S`.  Threads take Numba's lock first, so
    one thread of a process holds all of its locks.
    """
    if signature in kernel.overloads:
        return compile_or_load(signature)
    with global_compiler_lock:
        if kernel.is_compiling:  # It calls itself, perhaps with the types that are locked.
            return compile_or_load(signature)
        codegen = kernel.targetctx.codegen()
        if kernel._cache.has(signature, codegen):
            return compile_or_load(signature)
        with _note.around(), kernel._cache.lock(signature, codegen), linking(codegen):
            return compile_or_load(signature)


@dataclass(frozen=True, slots=True)
class KernelCache:
    """The cache of a Numba dispatcher, which loads from it before compiling and saves after."""

    function: Callable[..., Any]

    @property
    def cache_path(self) -> str:
        """The path of the folder that is searched first."""
        return str(cache_folders()[0])

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The cached result of compiling for `signature`; None, so that Numba compiles, else."""
        _runtime.initialize(target)  # All that machine code needs; Numba's library is slow to load.
        name = self._entry(signature, target.codegen())
        for folder in cache_folders():
            payload = _read(folder / name)
            if payload is None:
                continue
            try:
                kept, parts = pickle.loads(payload)
                if kept == signature:
                    return _rebuild(target, *parts)
            except Exception:  # Compiling mends whatever is wrong with an entry.
                continue
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Cache a compiled result, unless a source was edited since this process began."""
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

    def lock(self, signature: Any, codegen: Any) -> ExitStack:
        """The lock on the entry for `signature`; nothing where it is there, or cannot be locked."""
        if not self.has(signature, codegen):
            for folder in cache_folders():
                with suppress(OSError, ImportError):
                    _make(folder)
                    return kernel_lock(folder / f"{self._entry(signature, codegen)}.lock")
        return ExitStack()

    def has(self, signature: Any, codegen: Any) -> bool:
        """Whether there is an entry for `signature`, sound or not."""
        name = self._entry(signature, codegen)
        return any(os.path.exists(folder / name) for folder in cache_folders())

    def flush(self) -> None:
        """Do nothing: an entry is always valid."""

    def _entry(self, signature: Any, codegen: Any) -> str:
        """The name of the file for `signature` on this processor with these options of Numba."""
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
    """The payload of the entry at `path`; None where there is none, or it fails its checksum."""
    try:
        content = file_bytes(path, MOST_ENTRY_BYTES)
    except OSError:
        return None
    checksum, payload = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
    return payload if checksum == _checksum(path.name, payload) else None


def _make(folder: Path) -> None:
    """Make the folder of a new key, and remove the oldest ones; OSError where that fails."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # Another process may be removing them too.
        kin = [path for path in folder.parent.iterdir() if FOLDER.fullmatch(path.name)]
        kin.sort(key=lambda path: path.stat().st_mtime)
        for old in set(kin[:-MOST_FOLDERS]) - {folder}:
            shutil.rmtree(old, ignore_errors=True)


def _warn(reasons: str) -> None:
    """Print one warning on standard error, in the main process only: workers would repeat it."""
    if parent_process() is None and not _warned.is_set():
        _warned.set()
        text = f"compiled kernels cannot be kept, and so are compiled in each run: {reasons}"
        mend = f"set {CACHE_VARIABLE} to a folder that you may write to"
        print(f"warning: {message_line(f'{text}; {mend}')}", file=sys.stderr)
