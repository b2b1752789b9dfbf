"""Bytes as pyarrow reads them."""

import pyarrow as pa


def arrow_reader(content: bytes) -> pa.BufferReader:
    """A copy of `content` in Arrow's own memory, to be read.

    Threads of Arrow's let go of what they read a moment after a reader returns.  Where that is an
    object of Python's, and Python has ended meanwhile, the process aborts.
    """
    copy = pa.BufferOutputStream()
    copy.write(content)
    return pa.BufferReader(copy.getvalue())
