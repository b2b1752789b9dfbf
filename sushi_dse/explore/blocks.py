"""The blocks of designs of a sweep: how many designs each has, and the part that is made of one.

A worker imports this file, and none that reads files or surveys rows: it starts sooner so.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from sushi_dse.evaluation.counts import joined
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.evaluation.rows import evaluate, evaluate_front, only_front
from sushi_dse.store.parts import part_bytes

# A kill loses the block under way, so a block of either size takes about a second.
BLOCK_DESIGNS = 128  # designs in a block on a trace
STEADY_BLOCK_DESIGNS = 16384  # designs in a block without a trace, and most evaluated at once
# The largest request, of 32 MiB with its header, whose release teaches glibc to keep what is freed.
KEPT_BYTES = 2**25 - 2**16
MOST_BLOCKS = 65536  # blocks without a trace: a folder of more parts is slow to list


def steady_block_designs(size: int) -> int:
    """The number of designs in a block without a trace; it grows in spaces of over MOST_BLOCKS."""
    designs = STEADY_BLOCK_DESIGNS
    while designs * MOST_BLOCKS < size:
        designs *= 2
    return designs


@cache
def keep_freed_memory() -> None:
    """Let this process keep up to 64 MiB of freed memory: a block needs what the last one freed.

    Else a third of the time of a block without a trace goes into clearing new pages.  glibc takes
    the size of what is released as that from which memory goes back to the system (`man mallopt`,
    M_MMAP_THRESHOLD); another allocator is left as it is.
    """
    np.empty(KEPT_BYTES, dtype=np.uint8)


def part_of(experiment: Experiment, kept: Sequence[Metric], designs: range) -> bytes:
    """The part of a block; where there are `kept` objectives, it holds the front of the block."""
    keep_freed_memory()
    starts = range(0, len(designs), STEADY_BLOCK_DESIGNS)
    pieces = [designs[start : start + STEADY_BLOCK_DESIGNS] for start in starts]
    # The front of each piece is taken first, so that memory stays flat.
    tables = [kept_rows(experiment, kept, piece) for piece in pieces]
    if len(tables) == 1:
        return part_bytes(tables[0])
    return part_bytes(only_front(joined(tables), kept) if kept else joined(tables))


def kept_rows(experiment: Experiment, kept: Sequence[Metric], designs: Sequence[int]) -> pa.Table:
    """The rows of designs that are evaluated at once, or of them the front in `kept` objectives."""
    if kept:
        return evaluate_front(experiment, designs, kept)
    return evaluate(experiment, designs)
