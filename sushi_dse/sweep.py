"""A search space walked block by block; what the store has is not done again."""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import pyarrow as pa

from sushi_dse.evaluate import Evaluation, evaluate_block
from sushi_dse.store import Store

BLOCK_DESIGNS = 128  # a second's work at most: what a kill loses

_evaluation: Evaluation | None = None  # of a worker process, set once when it starts


def _start_worker(evaluation: Evaluation) -> None:
    global _evaluation
    _evaluation = evaluation


def _work(designs: range) -> pa.Table:
    if _evaluation is None:
        raise RuntimeError("a worker was not started by its pool")
    return evaluate_block(_evaluation, designs)


def missing_blocks(evaluation: Evaluation, store: Store) -> list[tuple[int, range]]:
    """The blocks that the store lacks, with their numbers."""
    blocks = enumerate(evaluation.space.blocks(BLOCK_DESIGNS))
    return [(number, designs) for number, designs in blocks if number not in store]


def sweep(evaluation: Evaluation, store: Store, *, workers: int = 1) -> Iterator[int]:
    """Evaluate the blocks that `store` lacks; yield the designs of each once they are on disk.

    With more than one worker the blocks are computed in processes of their own; this process alone
    writes.
    """
    missing = missing_blocks(evaluation, store)
    if workers == 1 or len(missing) < 2:
        for number, designs in missing:
            store.write(number, evaluate_block(evaluation, designs))
            yield len(designs)
        return
    with ProcessPoolExecutor(
        min(workers, len(missing)),
        mp_context=get_context("spawn"),
        initializer=_start_worker,
        initargs=(evaluation,),
    ) as pool:
        futures: dict[Future[pa.Table], tuple[int, range]] = {
            pool.submit(_work, designs): (number, designs) for number, designs in missing
        }
        for future in as_completed(futures):
            number, designs = futures.pop(future)
            store.write(number, future.result())
            yield len(designs)
