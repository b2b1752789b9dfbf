"""An exact sweep in a folder of results: the front's rows, and the certificate beside them."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sushi_dse.errors import UserError
from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.experiment import NO_TRACE, Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import Metric, find_metric
from sushi_dse.evaluation.steady import steady_rows
from sushi_dse.explore.exact.branch import exact_front
from sushi_dse.explore.exact.certificate import KINDS, SPLIT, Certificate, check
from sushi_dse.explore.exact.problem import Front, Problem
from sushi_dse.files import arrow_reader, read_file, write_whole
from sushi_dse.hardware.resources import infeasible_designs
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes, read_tables
from sushi_dse.store.run import Run

CERTIFICATE_FILE = "certificate.parquet"
UNREADABLE = (OSError, ValueError, LookupError, TypeError, pa.ArrowException)
BOUND = b"sushi_dse_certificate"  # key of the digest of the certificate that rows came with
NO_CERTIFICATE = "is no certificate; delete it, and run the sweep again with --exact"


def sweep_exactly(
    experiment: Experiment, metrics: Sequence[Metric], store: Store
) -> Iterator[range]:
    """Write the exact front and its certificate, unless the store holds them.

    It yields a range as long as the number of designs that were settled since the last one.
    `UserError` where they cannot be written.
    """
    path = store.folder / CERTIFICATE_FILE
    if 0 in store:
        with suppress(UserError):
            _checked_certificate(path, next(read_tables(store.folder)).schema)
            return
    problem = Problem(experiment=experiment, metrics=tuple(metrics))
    found = yield from exact_front(problem)
    certificate, content = found.certificate.table(problem), io.BytesIO()
    pq.write_table(certificate, content, compression="zstd")
    _written(path, content.getvalue())
    rows = front_rows(experiment, found.front)
    digest = hashlib.sha256(content.getvalue()).hexdigest().encode()
    bound = rows.replace_schema_metadata({**rows.schema.metadata, BOUND: digest})
    store.write(0, part_bytes(bound))


def _written(path: Path, content: bytes) -> None:
    """Put a certificate at `path`; `UserError` where it cannot be written."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); mend that, and run the same "
            "command again"
        ) from None


def settled(certificate: pa.Table) -> dict[str, int]:
    """The number of boxes and of designs of each kind, by the table of a certificate."""
    counts = {}
    for kind in KINDS:
        designs = certificate.filter(pc.field("kind") == kind)["designs"]
        counts[f"{kind}_boxes"] = len(designs)
        if kind != KINDS[SPLIT]:
            counts[f"{kind}_designs"] = pc.sum(designs).as_py() or 0
    return counts


def read_settled(folder: Path) -> dict[str, int]:
    """The counts that `settled` gives of the certificate in a folder; `UserError` without one."""
    path = folder / CERTIFICATE_FILE
    try:
        table = _checked_certificate(path, next(read_tables(folder)).schema)
        return settled(table.select(["kind", "designs"]))
    except MemoryError:  # Arrow's own is an ArrowException, too.
        raise
    except UNREADABLE:
        raise UserError(f"{path}: {NO_CERTIFICATE}") from None


def _checked_certificate(path: Path, front: pa.Schema) -> pa.Table:
    """The certificate at `path`; `UserError` unless it is the one that the front was written with.

    `front` is the schema of the front's rows, whose part is under a checksum itself.
    """
    content = read_file(path, "run the sweep again with --exact")
    bound = (front.metadata or {}).get(BOUND)
    if bound != hashlib.sha256(content).hexdigest().encode():
        raise UserError(f"{path}: is damaged; run the sweep again with --exact and it is redone")
    return pq.read_table(arrow_reader(content))


def front_rows(experiment: Experiment, front: Front) -> pa.Table:
    """The rows of the front, with the counts of the whole space, as a sweep would give them."""
    designs = np.unique(front.designs)
    rows = steady_rows(experiment, designs)  # sorted by candidate, then by design
    numbers = front.candidates * len(designs) + np.searchsorted(designs, front.designs)
    infeasible, lacking = infeasible_designs(experiment.space)
    of_all = Counts(
        designs=experiment.space.size,
        infeasible=infeasible,
        infeasible_by_resource=lacking,
    )
    return of_all.put_on(rows.take(numbers))


def verify(folder: Path, hw: str, workload: str, weight_bits: int | None = None) -> dict[str, int]:
    """The counts of boxes and designs that were checked in an exact sweep, by name.

    `UserError` where the folder holds no exact sweep, or one of other inputs, or its front or its
    certificate does not hold.
    """
    run = Run.read(folder)
    objectives, policies = run.names("exact", folder), run.names("policies", folder)
    if not (objectives and policies):
        raise UserError(
            f"{folder}: was not swept with --exact, so it has no certificate; sweep it so"
        )
    experiment = load_experiment(
        hw,
        workload,
        NO_TRACE,
        policies=policies,
        mode=str(run.inputs.get("mode")),
        weight_bits=weight_bits,
        recache_every_queries=list(map(int, run.numbers("recache_every_queries", folder))),
        accelerators=run.space(folder).base.device.accelerators,
    )
    Run(inputs={**experiment.inputs, "exact": list(objectives)}).refuse_other(folder)
    return verified(
        folder, Problem(experiment=experiment, metrics=tuple(map(find_metric, objectives)))
    )


def verified(folder: Path, problem: Problem) -> dict[str, int]:
    """The counts of the certificate in a folder, checked against the part beside it.

    `UserError` where the certificate cannot be read or does not hold.
    """
    path = folder / CERTIFICATE_FILE
    rows = next(read_tables(folder))
    try:
        return check(
            Certificate.of(_checked_certificate(path, rows.schema), problem),
            _front(rows, problem),
            problem,
        )
    except MemoryError:  # Arrow's own is an ArrowException, too.
        raise
    except UNREADABLE:
        raise UserError(f"{path}: {NO_CERTIFICATE}") from None


def _front(rows: pa.Table, problem: Problem) -> Front:
    """The front that a part of an exact sweep holds; `ValueError` or `KeyError` of another part."""
    experiment = problem.experiment
    subnets = [subnet.name for subnet in experiment.network.supernet.subnets]
    candidates = list(product(experiment.policies, subnets))
    asked = zip(rows["policy"].to_pylist(), rows["subnet"].to_pylist(), strict=True)
    return Front(
        costs=np.stack([m.sign * rows[m.name].to_numpy() for m in problem.metrics], axis=1),
        designs=rows["design"].to_numpy(),
        candidates=np.array([candidates.index(row) for row in asked]),
    )
