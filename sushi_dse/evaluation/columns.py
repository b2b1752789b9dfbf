"""Columns of rows made of arrays and words, without the import of pandas."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def column(values: np.ndarray) -> pa.Array:
    """`values` as a column, null where one is NaN.

    `pa.array` would import pandas for half a second.
    """
    kind, values = pa.from_numpy_dtype(values.dtype), np.ascontiguousarray(values)
    column = pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
    if not np.isnan(values).any():
        return column
    null = pa.nulls(1, kind)[0]  # `pa.scalar` would import pandas, too.
    return pc.if_else(pc.is_nan(column), null, column)


def repeated(words: Sequence[str], times: int) -> pa.Array:
    """A column of the words in their order, each of them so many times."""
    letters = [word.encode() for word in words]
    ends = np.cumsum(np.repeat([0, *map(len, letters)], [1, *[times] * len(words)]), dtype=np.int32)
    text = b"".join(word * times for word in letters)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(text))


def chosen(words: Sequence[str], index: np.ndarray) -> pa.Array:
    """A column of the word at each index."""
    return repeated(words, 1).take(column(index))


def whole_numbers(values: Sequence[int | None], times: int) -> pa.Array:
    """A column of whole numbers below 2^53, null where one is None, so many times over."""
    floats = np.array([np.nan if value is None else value for value in values], dtype=float)
    return column(np.tile(floats, times)).cast(pa.int64())
