"""Compiled kernels, and the functions that they were made from."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

Given = ParamSpec("Given")
Result = TypeVar("Result")


def source_of(kernel: Callable[Given, Result]) -> Callable[Given, Result]:
    """The function in Python that `kernel` was compiled from."""
    return cast(Callable[Given, Result], cast(Any, kernel).py_func)
