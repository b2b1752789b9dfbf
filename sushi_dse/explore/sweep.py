"""A search space walked block by block; what the store has is not done again."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

import pyarrow as pa

from sushi_dse.errors import IncompleteError, UserError
from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.metrics import COUNTS
from sushi_dse.evaluation.rows import evaluate_block, only_front
from sushi_dse.explore.workers.places import place_for
from sushi_dse.explore.workers.work import GO_ON, TRIES, Failure, results
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes
from sushi_dse.store.run import MODEL_VERSION

SHOWN = 3  # of the blocks that were given up
BLOCK_DESIGNS = 128  # with a trace a second's work at most: what a kill loses
STEADY_BLOCK_DESIGNS = 16384  # without one, likewise; and no more are evaluated at once
MOST_BLOCKS = 65536  # without one; a folder of more parts is slow to list


@dataclass(frozen=True, slots=True)
class Swept:
    """A block that is done, or that was given up."""

    designs: range
    failure: str = ""  # why it was given up

    def __len__(self) -> int:
        return len(self.designs)


def block_designs_of(evaluation: Evaluation) -> int:
    """How many designs a block of `evaluation` has."""
    return (
        BLOCK_DESIGNS
        if evaluation.trace is not None
        else steady_block_designs(evaluation.space.size)
    )


def steady_block_designs(size: int) -> int:
    """How many designs a block has without a trace; more in a large space, for fewer parts."""
    designs = STEADY_BLOCK_DESIGNS
    while designs * MOST_BLOCKS < size:
        designs *= 2
    return designs


def missing_blocks(evaluation: Evaluation, store: Store, block_designs: int) -> Iterator[range]:
    """The designs of each block that the store lacks, in order."""
    blocks = enumerate(evaluation.space.blocks(block_designs))
    return (designs for number, designs in blocks if number not in store)


def sweep(
    evaluation: Evaluation,
    store: Store,
    *,
    workers: int = 1,
    cluster: str | None = None,
    block_designs: int = BLOCK_DESIGNS,
) -> Iterator[Swept]:
    """Evaluate the blocks that `store` lacks; yield each once it is on disk, or is given up.

    Blocks are evaluated in this process, in so many `workers`, or in the Dask `cluster` of that
    address; this process alone writes.  Errors are those of `workers.results` and `Store.write`.
    """
    first = list(islice(missing_blocks(evaluation, store, block_designs), workers))
    if not first:
        return
    work = partial(_part, evaluation, MODEL_VERSION)
    with closing(place_for(work, workers=len(first), cluster=cluster)) as place:
        for designs, outcome in results(place, missing_blocks(evaluation, store, block_designs)):
            if isinstance(outcome, Failure):
                yield Swept(designs, outcome.reason)
            else:
                store.write(designs.start // block_designs, outcome)
                yield Swept(designs)


def refuse_given_up(blocks: Sequence[Swept]) -> None:
    """Raise `IncompleteError` unless no block was given up."""
    shown = [f"designs {b.designs[0]} to {b.designs[-1]} ({b.failure})" for b in blocks[:SHOWN]]
    if len(blocks) > SHOWN:
        shown.append(f"{len(blocks) - SHOWN} blocks more")
    if blocks:
        raise IncompleteError(f"given up after {TRIES} tries: {', '.join(shown)}; {GO_ON}")


def _part(evaluation: Evaluation, model_version: int, designs: range) -> bytes:
    """The part of a block; `UserError` from a host with another version of the model."""
    if model_version != MODEL_VERSION:
        raise UserError(
            f"a worker has version {MODEL_VERSION} of the model and this command {model_version}; "
            "install the same sushi-dse on every host"
        )
    pieces = range(0, len(designs), STEADY_BLOCK_DESIGNS)
    tables = [evaluate_block(evaluation, designs[i : i + STEADY_BLOCK_DESIGNS]) for i in pieces]
    return part_bytes(tables[0] if len(tables) == 1 else _joined(evaluation, tables))


def _joined(evaluation: Evaluation, tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of pieces of a block as those of the block; of fronts, their front."""
    counts = [json.loads(table.schema.metadata[COUNTS]) for table in tables]
    lacking = sum((Counter(count["infeasible_by_resource"]) for count in counts), Counter())
    together = {
        "designs": sum(count["designs"] for count in counts),
        "infeasible": sum(count["infeasible"] for count in counts),
        "infeasible_by_resource": dict(sorted(lacking.items())),
    }
    table = pa.concat_tables([table.replace_schema_metadata() for table in tables])
    if evaluation.kept_front:
        table = only_front(table, evaluation.kept_front)
    return table.replace_schema_metadata({COUNTS: json.dumps(together)}).combine_chunks()
