"""The rows of a batch's designs, made here or by workers."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

import pyarrow as pa

from sushi_dse.errors import IncompleteError
from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.metrics import COUNTS
from sushi_dse.evaluation.rows import evaluate_block
from sushi_dse.explore.workers.places import place_for
from sushi_dse.explore.workers.work import GO_ON, TRIES, Failure, Place, results

Evaluate = Callable[[Sequence[int]], pa.Table]  # of designs in rising order


@contextmanager
def evaluator(evaluation: Evaluation, *, workers: int) -> Iterator[Evaluate]:
    """What makes rows: this process, or so many workers; the rows are the same."""
    if workers == 1:
        yield partial(evaluate_block, evaluation)
        return
    with closing(place_for(partial(_encoded_rows, evaluation), workers=workers)) as place:
        yield partial(_gathered, place)


def runs(designs: Sequence[int]) -> list[range]:
    """The designs, which rise, as ranges: neighbours share latency tables.

    >>> runs([3, 4, 5, 9])
    [range(3, 6), range(9, 10)]
    """
    starts = [i for i, design in enumerate(designs) if i == 0 or design > designs[i - 1] + 1]
    stops = [*starts[1:], len(designs)]
    return [
        range(designs[start], designs[stop - 1] + 1)
        for start, stop in zip(starts, stops, strict=True)
    ]


def joined(tables: Iterable[pa.Table]) -> pa.Table:
    """The rows of several tables as one evaluation of all their designs has them."""
    tables = list(tables)
    total: Counter[str] = Counter()
    by_resource: Counter[str] = Counter()
    for table in tables:
        counts = json.loads(table.schema.metadata[COUNTS])
        by_resource.update(counts.pop("infeasible_by_resource"))
        total.update(counts)
    counts = {**total, "infeasible_by_resource": dict(sorted(by_resource.items()))}
    whole = pa.concat_tables([table.replace_schema_metadata() for table in tables])
    return whole.combine_chunks().replace_schema_metadata({COUNTS: json.dumps(counts)})


def _gathered(place: Place, designs: Sequence[int]) -> pa.Table:
    """The rows that workers make; `IncompleteError` where they fail."""
    by_run: dict[int, pa.Table] = {}
    for run, outcome in results(place, runs(designs)):
        if isinstance(outcome, Failure):
            raise IncompleteError(
                f"designs {run[0]} to {run[-1]} given up after {TRIES} tries ({outcome.reason}); "
                f"{GO_ON}"
            )
        by_run[run.start] = pa.ipc.open_stream(outcome).read_all()
    return joined(table for _, table in sorted(by_run.items()))


def _encoded_rows(evaluation: Evaluation, designs: range) -> bytes:
    """The rows of a run of designs, as Arrow's stream."""
    table = evaluate_block(evaluation, designs)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded
