"""The code of the functions that a kernel calls, of which no machine code is made.

Numba makes machine code of every function that it compiles, those of NumPy that a kernel calls
among them, and makes the kernel's of all their instructions once more.  Here it is made of kernels
alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from numba.core.codegen import JITCodeLibrary

ENTRY = "_ZN7cpython"  # begins the name of the function by which Python calls a kernel


class LinkedLibrary(JITCodeLibrary):
    """Code that Numba makes; what of it is a function that Python does not call is not loaded."""

    def _finalize_final_module(self) -> None:
        if self._is_function and not self._is_called:
            self._finalized = True
        else:
            super()._finalize_final_module()  # type: ignore[no-untyped-call]

    @property
    def _is_function(self) -> bool:
        """Whether it is a compiled function, and neither Numba's runtime nor from the cache."""
        return self._object_caching_enabled and self._compiled_object is None

    @property
    def _is_called(self) -> bool:
        return any(each.name.startswith(ENTRY) for each in self._final_module.functions)


@contextmanager
def linking(codegen: Any) -> Iterator[None]:
    """The context in which functions that only kernels call are linked, and not loaded.

    codegen: Numba's, whose lock this thread has.
    """
    create_library, set_env = codegen.create_library, codegen.set_env

    def set_loaded_env(name: str, env: object) -> None:
        if codegen._engine.get_global_value_address(name):
            set_env(name, env)

    codegen.create_library = partial(LinkedLibrary, codegen)
    codegen.set_env = set_loaded_env
    try:
        yield
    finally:
        codegen.create_library, codegen.set_env = create_library, set_env
