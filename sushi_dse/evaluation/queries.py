"""The queries of a trace one by one, as each policy served them."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sushi_dse.errors import UserError, printable
from sushi_dse.evaluation.columns import column
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.tallied import causes_of
from sushi_dse.evaluation.traced import replay
from sushi_dse.files import check_suffix, write_named
from sushi_dse.model.energy import power
from sushi_dse.model.latency_table import SUMS
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import BoolArray, FloatArray, Trace

SUFFIXES = (".parquet", ".csv")


def query_results(experiment: Experiment) -> pa.Table:
    """The queries as each policy of `experiment` served them: a row for each policy and query.

    The policies come in their order, and the queries of each in the order of arrival, numbered from
    1.  Times are in ms, `response_ms` the sum of `wait_ms` and `service_ms`.  `subgraph_before` and
    `subgraph_after` are the SubGraphs on chip before and after the query, `accuracy_percent` is the
    expected accuracy of the answer, and `energy_mj` the energy while the query is served, in which
    the one that changes the SubGraph has the cost of the change.  The means of these columns are
    the metrics of the policy.  `accuracy_met` is null where the accuracy is not known and one is
    demanded.  `accelerator` is the number of the one that served.  `UserError` where the space has
    several designs, or there is no trace.
    """
    trace = experiment.traced
    return pa.concat_tables(
        [_results_of(name, run, trace) for name, run in replay(experiment).items()],
        promote_options="default",
    ).unify_dictionaries()


def _results_of(name: str, run: PolicyRun, trace: Trace) -> pa.Table:
    served, table, count = run.served, run.table, len(trace)
    accurate, in_time = demands_met(served, trace)
    known = ~(np.isnan(served.accuracy_percent) & (trace.min_accuracy_percent > 0))
    subgraphs = [str(candidate) for candidate in table.subgraphs.candidates]
    return pa.table(
        {
            "policy": _named(np.zeros(count), [name]),
            "query": pa.array(np.arange(1, count + 1)),
            "arrived_ms": column(trace.arrived_ms),
            "min_accuracy_percent": column(trace.min_accuracy_percent),
            "max_latency_ms": column(trace.max_latency_ms),
            "wait_ms": column(served.response_ms - served.service_ms),
            "service_ms": column(served.service_ms),
            "response_ms": column(served.response_ms),
            "subnet": _named(served.subnet, table.subnet_names),
            "subgraph_before": _named(served.cached, subgraphs),
            "subgraph_after": _named(served.kept, subgraphs),
            "accuracy_percent": column(served.accuracy_percent),
            "accuracy_met": pa.array(accurate, mask=~known),
            "latency_met": pa.array(in_time),
            "slo_met": pa.array(accurate & in_time, mask=~known & in_time),
            "energy_mj": column(energy_mj(run)),
            "accelerator": pa.array(served.accelerator),
        }
    )


def _named(numbers: np.ndarray, names: Sequence[str]) -> pa.Array:
    """A column of names by their numbers, each stored once."""
    words = [printable(name) for name in names]
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), pa.array(words))


def demands_met(served: Served, trace: Trace) -> tuple[BoolArray, BoolArray]:
    """Whether each query's demand on accuracy was met, and that on latency: [query] each.

    An accuracy that is not known counts as enough.
    """
    accurate = ~(served.accuracy_percent < trace.min_accuracy_percent)
    return accurate, np.asarray(served.response_ms <= trace.max_latency_ms)


def energy_mj(run: PolicyRun) -> FloatArray:
    """The energy of each query while it is served: [query]; `energy_mj_per_query` is its mean."""
    served, table = run.served, run.table
    sums = dict(zip(SUMS, table.sums[:, served.subnet, served.cached], strict=True))
    switch_bytes = table.switch_bytes[served.cached, served.kept, served.subnet]
    fetched_bytes = table.fetched_bytes[served.cached, served.kept]
    design, service_ms = run.accelerator, served.service_ms
    causes = causes_of(sums, service_ms, switch_bytes, fetched_bytes, design, power(design))
    return np.asarray(sum(causes.values()))


def check_results_file(path: Path) -> None:
    """Raise `UserError` where `path` can hold no results of queries, before any work is done."""
    check_suffix(path, SUFFIXES)
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first")


def write_query_results(results: pa.Table, path: Path) -> None:
    """Put results of queries at `path`, as Parquet or CSV by its suffix, whole or not at all.

    `UserError` where they cannot be written.
    """
    check_results_file(path)
    content = io.BytesIO()
    if path.suffix.lower() == ".parquet":
        pq.write_table(results, content, compression="zstd", write_page_checksum=True)
    else:
        pacsv.write_csv(results, content)
    write_named(path, content.getbuffer(), SUFFIXES)
