"""Results of queries: their means are the metrics of the rows, and their sums are theirs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from sushi_dse.analysis.compare import compare_policies
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.queries import query_results, write_query_results
from sushi_dse.evaluation.traced import replay
from sushi_dse.model.network import Network
from sushi_dse.plots.streams import MOST_QUERIES, query_panels
from sushi_dse.policies.names import POLICY_NAMES
from tests.commands import Run

MEANS = {
    "mean_latency_ms": "response_ms",
    "mean_accuracy_percent": "accuracy_percent",
    "energy_mj_per_query": "energy_mj",
    "accuracy_attainment": "accuracy_met",
    "latency_attainment": "latency_met",
    "slo_attainment": "slo_met",
}


def experiment(arrivals: str = "poisson", mode: str = "strict-latency") -> Experiment:
    load = None if arrivals == "closed-loop" else 0.7
    return load_experiment(
        policies=POLICY_NAMES, queries=120, mode=mode, arrivals=arrivals, load=load
    )


@pytest.mark.parametrize(
    ("arrivals", "mode"), [("mmpp", "strict-latency"), ("closed-loop", "strict-accuracy")]
)
def test_the_means_over_queries_are_the_metrics_of_the_policy(arrivals: str, mode: str) -> None:
    one = experiment(arrivals, mode)
    results = query_results(one).to_pandas()
    assert results["policy"].unique().tolist() == list(one.policies)
    for row in compare_policies(one):
        own = results[results["policy"] == row["policy"]]
        assert own["query"].tolist() == list(range(1, len(one.traced) + 1))
        for metric, column in MEANS.items():
            assert own[column].mean() == pytest.approx(row[metric], rel=1e-9), metric
        # Two SubGraphs may hold the same weights, so that a change need be no switch.
        changes = (own["subgraph_before"].astype(str) != own["subgraph_after"].astype(str)).sum()
        assert changes >= int(row["subgraph_switches"] or 0)
    assert (results["accelerator"] == 0).all()


def test_a_query_waits_while_those_before_it_are_served() -> None:
    one = experiment()
    for name, own in query_results(one).to_pandas().groupby("policy", observed=True):
        np.testing.assert_allclose(own["wait_ms"] + own["service_ms"], own["response_ms"])
        if one.policy(str(name)).batch_limit is not None:
            continue  # Queries of a batch are answered together, and may overtake others.
        begins = own["arrived_ms"] + own["wait_ms"]
        ends = (own["arrived_ms"] + own["response_ms"]).shift(fill_value=0.0)
        np.testing.assert_allclose(begins, np.maximum(own["arrived_ms"], ends))
        before, after = own["subgraph_before"].astype(str), own["subgraph_after"].astype(str)
        assert before.iloc[0] == "nothing"
        assert (before.iloc[1:].to_numpy() == after.iloc[:-1].to_numpy()).all()


def test_a_file_of_either_kind_holds_the_same_results(tmp_path: Path) -> None:
    results = query_results(experiment())
    for suffix in (".csv", ".parquet"):
        write_query_results(results, tmp_path / f"queries{suffix}")
    wanted = pd.DataFrame(results.to_pydict())
    read = {
        "csv": pacsv.read_csv(tmp_path / "queries.csv"),
        "parquet": pq.read_table(tmp_path / "queries.parquet"),
    }
    for table in read.values():
        pd.testing.assert_frame_equal(pd.DataFrame(table.to_pydict()), wanted)


def test_an_accuracy_that_is_not_known_is_neither_met_nor_missed() -> None:
    one = experiment()
    only = replace(one.network.supernet.subnets[0], accuracy_percent=None)
    network = Network.of(replace(one.network.supernet, subnets=(only,)))
    demands = np.where(np.arange(len(one.traced)) % 2, 75.0, 0.0)
    trace = replace(one.traced, min_accuracy_percent=demands)
    rows = query_results(replace(one, network=network, trace=trace, policies=("no-sgs",)))
    found = pd.DataFrame(rows.to_pydict())
    assert found["accuracy_percent"].isna().all()
    assert [met is None for met in found["accuracy_met"]] == (demands > 0).tolist()
    late = ~found["latency_met"].astype(bool)
    assert [met is None for met in found["slo_met"]] == ((demands > 0) & ~late).tolist()
    assert not found["slo_met"][late].any()


def test_every_query_is_drawn_once_by_the_demands_it_missed() -> None:
    one = experiment()
    runs, trace = replay(replace(one, policies=("no-sgs", "infaas"))), one.traced
    results = query_results(one).to_pandas()
    for panel, policy in zip(query_panels(runs, trace), runs, strict=True):
        met, inaccurate, late = panel.series
        own = results[results["policy"] == policy]
        missed = (~own["slo_met"]).sum()
        assert panel.title == f"{policy}: {missed} of {len(trace)} queries miss a demand"
        assert len(met.x) == own["slo_met"].sum()
        assert len(late.x) == (~own["latency_met"]).sum()
        assert len(met.x) + len(inaccurate.x) + len(late.x) == len(trace)
        drawn = np.sort(np.concatenate([met.y, inaccurate.y, late.y]))
        assert drawn.tolist() == np.sort(own["response_ms"]).tolist()
        assert (late.y > own["max_latency_ms"].min()).all()


def test_of_a_long_stream_so_many_queries_are_drawn_from_end_to_end() -> None:
    one = load_experiment(policies=["no-sgs"], queries=9000, arrivals="poisson", load=0.3)
    (panel,) = query_panels(replay(one), one.traced)
    places = np.concatenate([series.x for series in panel.series])
    assert len(places) == MOST_QUERIES
    last_s = 1e-3 * (one.traced.arrived_ms[-1] - one.traced.arrived_ms[0])
    assert (places.min(), places.max()) == (0, last_s)


COMMAND = ("compare", "policies", "--policy", "no-sgs", "--policy", "sushi", "--queries", 30)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_comparison_writes_its_queries_beside_what_it_prints(
    tmp_path: Path, run: Run, suffix: str
) -> None:
    path = tmp_path / f"queries{suffix}"
    done = run(*COMMAND, "--queries-out", path)
    assert done.code == 0
    assert done.out == run(*COMMAND).out
    assert done.err == f"wrote {path}: 60 rows, of each policy and query\n"
    read = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert len(read) == 60


@pytest.mark.parametrize(
    ("file", "options", "why"),
    [
        ("queries.txt", (), "must end in .parquet or .csv"),
        ("missing/queries.csv", (), "there is no folder"),
        ("queries.csv", ("--repeats", 2), "--queries-out: goes without --repeats"),
        ("queries.csv", ("--loads", "0.1:0.9:3"), "--loads: goes without --queries-out"),
    ],
)
def test_results_that_cannot_be_written_stop_the_command_before_it_prints(
    tmp_path: Path, run: Run, file: str, options: tuple[object, ...], why: str
) -> None:
    done = run(*COMMAND, "--queries-out", tmp_path / file, *options)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert why in line
    assert not (tmp_path / file).exists()
