"""The time and size of a sweep, estimated from the evaluation of a sample of its designs."""

import time
from collections.abc import Iterator

import pyarrow as pa

from sushi_dse.errors import UserError
from sushi_dse.explore.blocks import STEADY_BLOCK_DESIGNS, kept_rows
from sushi_dse.explore.sweep import Sweep
from sushi_dse.store.parts import part_bytes

PIECES = 16  # pieces of a sample, spread over the space, which together are as long as a block
SAMPLE_SECONDS = 2.0  # evaluation time after which no further piece is sampled
LEAST_PIECES = 4  # pieces that are sampled however long they take


def pieces(designs: int, length: int) -> Iterator[range]:
    """Ranges of so many neighbouring designs, the first few of them spread over the whole space.

    Neighbours share work, so that designs picked one by one would take longer than in a block.
    Where the space has no more than `PIECES` ranges, they are all of it, and the last is shorter.
    """
    ranges = -(-designs // length)
    for i in range(PIECES):
        place = int(f"{i:04b}"[::-1], 2)  # 0, 1/2, 1/4, 3/4, ... of PIECES (van der Corput)
        which = place * ranges // PIECES if ranges > PIECES else place
        if which < ranges:
            yield range(which * length, min((which + 1) * length, designs))


def estimate_sweep(sweep: Sweep, *, workers: int) -> dict[str, object]:
    """The estimated time and size of a sweep by name; nothing is written.

    `designs` and `blocks` are exact.  `rows`, `bytes_on_disk` and `seconds` are extrapolated from a
    sample of `timed_designs`, for so many `workers` on a machine as busy as now, without the time
    in which they start.  The `finished_blocks` of the sweep's folder are not subtracted.  Where the
    front of each block is kept, whole blocks are sampled, as far as they are evaluated at once.
    `UserError` for an exact sweep: which designs it evaluates is not known beforehand.
    """
    if sweep.how == "exact":
        raise UserError("--dry-run: what --exact walks is not known before; leave one out")
    experiment, block_designs, out = sweep.experiment, sweep.block_designs, sweep.folder
    designs = experiment.space.size
    kept = sweep.metrics if sweep.how == "front" else ()
    length = min(block_designs, designs) // (1 if kept else PIECES)
    kept_rows(experiment, kept, range(1))  # Kernels are compiled or loaded before the clock starts.
    tables: list[pa.Table] = []
    sampled, seconds = 0, 0.0
    for piece in pieces(designs, max(min(length, STEADY_BLOCK_DESIGNS), 1)):
        started = time.perf_counter()
        tables.append(kept_rows(experiment, kept, piece).replace_schema_metadata(None))
        seconds += time.perf_counter() - started
        sampled += len(piece)
        if seconds > SAMPLE_SECONDS and len(tables) >= LEAST_PIECES:
            break
    sample = pa.concat_tables(tables).combine_chunks()
    blocks = -(-designs // block_designs)
    fixed_bytes = len(part_bytes(sample.slice(0, 0)))  # size of a part without rows
    row_bytes = len(part_bytes(sample)) - fixed_bytes
    at_once = min(workers, blocks)
    return {
        "designs": designs,
        "blocks": blocks,
        "finished_blocks": len(list(out.glob("part-*.parquet"))),
        "rows": round(sample.num_rows / sampled * designs),
        "bytes_on_disk": round(blocks * fixed_bytes + row_bytes / sampled * designs),
        "seconds": seconds / sampled * designs / at_once,
        "workers": at_once,
        "timed_designs": sampled,
        "out": str(out),
    }
