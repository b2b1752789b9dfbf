"""The code of the functions that a kernel calls, which is neither optimised nor loaded by itself.

Numba optimises every function that it compiles, those of NumPy that a kernel calls among them, and
makes machine code of it; then it does so with the kernel, which has all their instructions once
more.  Here it does so with kernels alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from numba.core.codegen import JITCodeLibrary

ENTRY = "_ZN7cpython"  # begins the name of the function by which Python calls a kernel


class LinkedLibrary(JITCodeLibrary):
    """Code that Numba makes; what of it is of a kernel's parts is neither optimised nor loaded."""

    def _optimize_final_module(self) -> None:
        if self._is_part:  # Only the passes that Numba runs first on any code.
            manager, builder = self._codegen._module_pass_manager(  # type: ignore[no-untyped-call]
                opt=0, loop_vectorize=False, cost="cheap"
            )
            manager.run(self._final_module, builder)
        else:
            super()._optimize_final_module()  # type: ignore[no-untyped-call]

    def _finalize_final_module(self) -> None:
        if self._is_part:
            self._finalized = True
        else:
            super()._finalize_final_module()  # type: ignore[no-untyped-call]

    @property
    def _is_part(self) -> bool:
        """Whether it is a function that Python does not call.

        It is neither Numba's runtime nor from the cache.
        """
        is_function = self._object_caching_enabled and self._compiled_object is None
        return is_function and not any(
            each.name.startswith(ENTRY) for each in self._final_module.functions
        )


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
