"""An exact sweep in a folder of results: the front's rows, and the certificate beside them."""

import io
import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.metrics import COUNTS, Metric
from sushi_dse.evaluation.steady import steady_rows
from sushi_dse.explore.exact.branch import exact_front
from sushi_dse.explore.exact.certificate import KINDS, SPLIT, Certificate, check
from sushi_dse.explore.exact.problem import Front, Problem
from sushi_dse.files import arrow_reader, file_bytes, write_whole
from sushi_dse.hardware.resources import infeasible_designs
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes

CERTIFICATE_FILE = "certificate.parquet"
UNREADABLE = (OSError, ValueError, LookupError, TypeError, pa.ArrowException)
NO_CERTIFICATE = "is no certificate; delete it, and run the sweep again with --exact"


def problem_of(evaluation: Evaluation, metrics: Sequence[Metric]) -> Problem:
    """The search that an evaluation without a trace asks for."""
    return Problem(
        space=evaluation.space,
        network=evaluation.network,
        policies=evaluation.policies,
        metrics=tuple(metrics),
    )


def sweep_exactly(
    evaluation: Evaluation, metrics: Sequence[Metric], store: Store
) -> Iterator[range]:
    """Write the exact front and its certificate, unless they are there.

    Yields ranges as long as the count of designs that need no further look.
    """
    path = store.folder / CERTIFICATE_FILE
    if 0 in store and path.exists():
        return
    problem = problem_of(evaluation, metrics)
    found = yield from exact_front(problem)
    certificate, content = found.certificate.table(problem), io.BytesIO()
    pq.write_table(certificate, content, compression="zstd")
    write_whole(path, content.getvalue())
    store.write(0, part_bytes(front_rows(evaluation, found.front)))


def settled(certificate: pa.Table) -> dict[str, int]:
    """How many boxes, and designs, were settled in each way, by the certificate's table."""
    counts = {}
    for kind in KINDS:
        designs = certificate.filter(pc.field("kind") == kind)["designs"]
        counts[f"{kind}_boxes"] = len(designs)
        if kind != KINDS[SPLIT]:
            counts[f"{kind}_designs"] = pc.sum(designs).as_py() or 0
    return counts


def read_settled(folder: Path) -> dict[str, int]:
    """`settled` of the certificate in a folder."""
    path = folder / CERTIFICATE_FILE
    try:
        return settled(_certificate_table(path).select(["kind", "designs"]))
    except UNREADABLE:
        raise UserError(f"{path}: {NO_CERTIFICATE}") from None


def _certificate_table(path: Path) -> pa.Table:
    return pq.read_table(arrow_reader(file_bytes(path)))


def front_rows(evaluation: Evaluation, front: Front) -> pa.Table:
    """The rows of the front, and the counts of the whole space, as a sweep has them."""
    designs = np.unique(front.designs)
    rows = steady_rows(evaluation, designs)  # by candidate, then by design
    places = front.candidates * len(designs) + np.searchsorted(designs, front.designs)
    infeasible, lacking = infeasible_designs(evaluation.space)
    of_all = {
        "designs": evaluation.space.size,
        "infeasible": infeasible,
        "infeasible_by_resource": lacking,
    }
    return rows.take(places).replace_schema_metadata({COUNTS: json.dumps(of_all)})


def verify(
    folder: Path, rows: pa.Table, evaluation: Evaluation, metrics: Sequence[Metric]
) -> dict[str, int]:
    """Counts of what was checked of an exact sweep, whose part holds `rows`.

    `UserError` where its front or its certificate does not hold.
    """
    problem = problem_of(evaluation, metrics)
    path = folder / CERTIFICATE_FILE
    try:
        return check(
            Certificate.of(_certificate_table(path), problem), _front(rows, problem), problem
        )
    except UNREADABLE:
        raise UserError(f"{path}: {NO_CERTIFICATE}") from None


def _front(rows: pa.Table, problem: Problem) -> Front:
    """The front that a part of an exact sweep holds; `ValueError` or `KeyError` of another part."""
    subnets = [subnet.name for subnet in problem.network.supernet.subnets]
    candidates = list(product(problem.policies, subnets))
    asked = zip(rows["policy"].to_pylist(), rows["subnet"].to_pylist(), strict=True)
    return Front(
        costs=np.stack([m.sign * rows[m.name].to_numpy() for m in problem.metrics], axis=1),
        designs=rows["design"].to_numpy(),
        candidates=np.array([candidates.index(pair) for pair in asked]),
    )
