"""The speed of our code beside C: rates of both, called in turn, and the agreement of results.

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

from sushi_dse.model.network import LayerShape

SOURCE = Path(__file__).with_name("kernels.c")
GCC = ("gcc", "-O3", "-march=native", "-shared", "-fPIC")
FIELDS = f"-DLAYER_SHAPE={','.join(LayerShape._fields)}"
SECONDS = 2.0  # time of measuring each figure

Figures = dict[str, object]
Work = Callable[[], object]


class Libraries(NamedTuple):
    """The C code compiled twice: for speed, and for results of the same bits as ours."""

    fast: ctypes.CDLL
    exact: ctypes.CDLL  # compiled without fusing multiplications and additions


@contextmanager
def compiled() -> Iterator[Libraries | None]:
    """The C code, compiled into a temporary folder; None, with a note, where gcc does not do it."""
    with tempfile.TemporaryDirectory() as folder:

        def library(name: str, *more: str) -> ctypes.CDLL:
            path = Path(folder) / f"{name}.so"
            subprocess.run([*GCC, FIELDS, *more, "-o", path, SOURCE, "-lm"], check=True)
            return ctypes.CDLL(str(path))

        try:
            libraries = Libraries(library("fast"), library("exact", "-ffp-contract=off"))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"note: no C to compare with: {error}", file=sys.stderr)
            libraries = None
        yield libraries


def pointers(*arrays: np.ndarray) -> list[ctypes.c_void_p]:
    """The addresses of arrays for C; the caller must keep the arrays alive."""
    assert all(array.flags.c_contiguous for array in arrays)
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


def integers(*values: int) -> list[ctypes.c_int64]:
    """The numbers as integers of C."""
    return [ctypes.c_int64(value) for value in values]


def seconds_of(*works: Work, for_s: float = SECONDS) -> np.ndarray:
    """Times of the core for calls, made in turn for so many seconds: [round, work]."""
    rows: list[np.ndarray] = []
    for work in works:  # The first call compiles.
        work()
    end = time.perf_counter() + for_s
    while not rows or time.perf_counter() < end:
        marks = [time.thread_time()]
        for work in works:
            work()
            marks.append(time.thread_time())
        rows.append(np.diff(marks))
    return np.array(rows)


def rates(what: str, amount: float, ours: Work, c: Work | None) -> Figures:
    """The rates of our code and of C for an amount of work, and their ratios; nulls without C."""
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
    """The error of the fast C's results against ours, and whether the exact C's are equal to ours.

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
