"""Functions that Numba compiles when a kernel is first called: no import waits for Numba.

A kernel and the functions that it calls are plain Python, and run under the interpreter as they
stand.
"""

from collections.abc import Callable
from functools import cached_property, update_wrapper
from threading import Event, RLock
from typing import Any, Generic, ParamSpec, TypeVar

from sushi_dse.model.kernel_key import cache_folders, kernel_key

Given = ParamSpec("Given")
Result = TypeVar("Result")

_making = RLock()
_told = Event()  # whether Numba knows kernels
_waiting: list[Callable[..., Any]] = []  # functions that Numba has not been told of


class Kernel(Generic[Given, Result]):
    """A function that is compiled for the types of each call; `plain` is the function itself."""

    def __init__(self, plain: Callable[Given, Result]) -> None:
        kernel_key()  # The key must be that of the sources as they are imported.
        self.plain = plain
        update_wrapper(self, plain)

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        """The result of the compiled function."""
        result: Result = self.dispatcher(*args, **kwargs)
        return result

    @property
    def for_few(self) -> Callable[Given, Result]:
        """What is sooner done with a few calls: the kernel where Numba is loaded, else `plain`."""
        return self if _told.is_set() else self.plain

    @property
    def is_compiled(self) -> bool:
        """Whether this process or the cache on disk has it compiled, for some types of a call.

        Where NUMBA_DISABLE_JIT is set, nothing is left to compile once it was called.
        """
        if "dispatcher" in vars(self) and getattr(self.dispatcher, "signatures", True):
            return True
        entries = f"{self.plain.__module__}.{self.plain.__qualname__}-*.nbc"
        return any(True for folder in cache_folders() for _ in folder.glob(entries))

    @cached_property
    def dispatcher(self) -> Any:
        """Numba's dispatcher of the function; where NUMBA_DISABLE_JIT is set, the function."""
        from sushi_dse.model import kernel_cache

        with _making:
            if not _told.is_set():
                kernel_cache.let_kernels_call_kernels(Kernel)
                _told.set()
            while _waiting:
                kernel_cache.let_kernels_call(_waiting.pop())
            return kernel_cache.dispatcher_of(self.plain)


def compiled(function: Callable[Given, Result]) -> Kernel[Given, Result]:
    """The kernel of `function`, which is compiled when it is first called, and cached on disk."""
    return Kernel(function)


def kernel_part(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The function itself, which kernels may call."""
    with _making:
        _waiting.append(function)
    return function
