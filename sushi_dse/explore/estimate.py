"""What a sweep would take, from the evaluation of a few of its designs."""

import time
from collections.abc import Iterator

import pyarrow as pa

from sushi_dse.errors import UserError
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.sweep import Sweep
from sushi_dse.store.parts import part_bytes

PIECES = 16  # of a block's length together, spread over the space
SAMPLE_SECONDS = 2.0  # after which no further piece is evaluated
LEAST_PIECES = 4


def pieces(designs: int, block_designs: int) -> Iterator[range]:
    """Runs of neighbours, spread so that any first few of them are spread over the space too.

    Neighbours share work, so that designs picked one by one would take longer than in a block.
    """
    if designs < PIECES:
        yield range(designs)
        return
    length = max(min(block_designs, designs) // PIECES, 1)
    for i in range(PIECES):
        fraction = int(f"{i:04b}"[::-1], 2) / PIECES  # 0, 1/2, 1/4, 3/4, ... (van der Corput)
        start = int(fraction * designs)
        yield range(start, start + length)


def estimate_sweep(sweep: Sweep, *, workers: int) -> dict[str, object]:
    """Size and time of a sweep; nothing is written.

    `designs` and `blocks` are exact.  `rows`, `bytes_on_disk` and `seconds`, with so many `workers`
    on a machine as busy as now and without their start, follow from a sample of `timed_designs`.
    What its folder has already is not subtracted; `finished_blocks` says how much that is.
    `UserError` of an exact sweep, of which it is not known before what it walks.
    """
    if sweep.how == "exact":
        raise UserError("--dry-run: what --exact walks is not known before; leave one out")
    experiment, block_designs, out = sweep.experiment, sweep.block_designs, sweep.folder
    designs = experiment.space.size
    evaluate(experiment, range(1))  # whose kernels are compiled or loaded now, if ever
    tables: list[pa.Table] = []
    sampled, seconds = 0, 0.0
    for piece in pieces(designs, block_designs):
        started = time.perf_counter()
        tables.append(evaluate(experiment, piece).replace_schema_metadata(None))
        seconds += time.perf_counter() - started
        sampled += len(piece)
        if seconds > SAMPLE_SECONDS and len(tables) >= LEAST_PIECES:
            break
    sample = pa.concat_tables(tables).combine_chunks()
    blocks = -(-designs // block_designs)
    fixed_bytes = len(part_bytes(sample.slice(0, 0)))  # of a part, whatever its rows
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
