"""How fast our code is beside C: the C code compiled, both called in turn, rates and agreement.

Time is that of the one core that does the work; compiling and loading are not counted.  Both meet
the same noise; a rate is that of the fastest of many short calls, and a ratio is ours over C's.
"""

import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

SOURCE = Path(__file__).with_name("kernels.c")
GCC = ("gcc", "-O3", "-march=native", "-shared", "-fPIC")
SECONDS = 2.0  # of measuring, a figure

Figures = dict[str, object]
Work = Callable[[], object]


class Libraries(NamedTuple):
    """The C code compiled twice: as fast as it gets, and so that its bits must be ours."""

    fast: ctypes.CDLL
    exact: ctypes.CDLL  # multiplication and addition are not fused


@contextmanager
def compiled() -> Iterator[Libraries | None]:
    """The C code, compiled into a temporary folder; None, with a note, where gcc does not do it."""
    with tempfile.TemporaryDirectory() as folder:

        def library(name: str, *more: str) -> ctypes.CDLL:
            path = Path(folder) / f"{name}.so"
            subprocess.run([*GCC, *more, "-o", path, SOURCE, "-lm"], check=True)
            return ctypes.CDLL(str(path))

        try:
            libraries = Libraries(library("fast"), library("exact", "-ffp-contract=off"))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"note: no C to compare with: {error}", file=sys.stderr)
            libraries = None
        yield libraries


def pointers(*arrays: np.ndarray) -> list[ctypes.c_void_p]:
    """Where arrays lie, for C; the caller keeps them."""
    assert all(array.flags.c_contiguous for array in arrays)
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


def integers(*values: int) -> list[ctypes.c_int64]:
    """Integers for C."""
    return [ctypes.c_int64(value) for value in values]


def seconds_of(*works: Work) -> np.ndarray:
    """Times of the core for calls, made in turn for `SECONDS`: [round, work]."""
    rows: list[np.ndarray] = []
    for work in works:  # the first call compiles
        work()
    end = time.perf_counter() + SECONDS
    while not rows or time.perf_counter() < end:
        marks = [time.thread_time()]
        for work in works:
            work()
            marks.append(time.thread_time())
        rows.append(np.diff(marks))
    return np.array(rows)


def rates(what: str, amount: float, ours: Work, c: Work | None) -> Figures:
    """Of so much work the rates of our code and of C's, and their ratios; nulls without C."""
    if c is None:
        rate = amount / seconds_of(ours).min()
        return {f"{what}_per_s": rate, f"c_{what}_per_s": None,
                "ratio_to_c": None, "median_ratio_to_c": None}  # fmt: skip
    times = seconds_of(ours, c)
    best = times.min(axis=0)
    return {
        f"{what}_per_s": amount / best[0],
        f"c_{what}_per_s": amount / best[1],
        "ratio_to_c": best[1] / best[0],
        "median_ratio_to_c": np.median(times[:, 1] / times[:, 0]),
    }


def agreement(ours: list[np.ndarray], *c: list[np.ndarray]) -> Figures:
    """How far the results of the fast C are from ours, and whether those of the exact one are ours.

    Nulls without C.
    """
    if not c:
        return {"max_relative_difference_to_c": None, "same_bits_as_exact_c": None}
    fast, exact = c
    return {
        "max_relative_difference_to_c": max(
            float((np.abs(theirs - own) / np.maximum(np.abs(own), 1e-300)).max())
            for own, theirs in zip(ours, fast, strict=True)
        ),
        "same_bits_as_exact_c": all(
            own.tobytes() == theirs.tobytes() for own, theirs in zip(ours, exact, strict=True)
        ),
    }
