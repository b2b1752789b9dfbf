"""A demand that lies wholly outside what the SubNets offer is pointed out, and no other."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.evaluation.offers import Offer, outside
from sushi_dse.traces.trace import Trace
from tests.commands import Run

OFFER = Offer(accuracy_percent=(70.0, 80.0), latency_ms=(10.0, 50.0), capacity_per_s=30.0)


def trace_of(accuracies: list[float], latencies: list[float], *, at_ms: float = 0.0) -> Trace:
    count = max(len(accuracies), len(latencies))
    return Trace(
        arrived_ms=np.arange(count, dtype=np.float64) * at_ms,
        min_accuracy_percent=np.resize(accuracies, count).astype(float),
        max_latency_ms=np.resize(latencies, count).astype(float),
    )


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
    st.lists(st.floats(0.001, 1e5), min_size=1, max_size=5),
)
def test_a_demand_is_pointed_out_where_all_lie_on_one_side(
    accuracies: list[float], latencies: list[float]
) -> None:
    found = outside(trace_of(accuracies, latencies), OFFER)
    odd = [max(accuracies) < 70 and max(accuracies) > 0, min(accuracies) > 80,
           max(latencies) < 10, min(latencies) > 50]  # fmt: skip
    assert len(found) == sum(odd)
    assert sum("demands an accuracy of" in line for line in found) == sum(odd[:2])


@pytest.mark.parametrize(
    ("accuracy", "latency", "said"),
    [
        (
            0.75,
            20,
            "demands an accuracy of 0.75 %, less than the 70 to 80 % of the SubNets; a sh",
        ),
        (75, 0.02, "may take 0.02 ms, less than the 10 to 50 ms of the SubNets; a second is 1000"),
        (75, 2e4, "may take 2e+04 ms, more than the 10 to 50 ms of the SubNets; a microsecond is"),
        (99, 20, "demands an accuracy of 99 %, more than the 70 to 80 % of the SubNets"),
    ],
)
def test_the_unit_that_was_probably_meant_is_told(
    accuracy: float, latency: float, said: str
) -> None:
    (line,) = outside(trace_of([accuracy], [latency]), OFFER)
    assert line.startswith(f"every query {said}")


def test_deadlines_of_queries_that_wait_may_lie_beyond_the_slowest() -> None:
    assert outside(trace_of([75, 76], [400], at_ms=1.0), OFFER) == []
    assert outside(trace_of([75, 76], [400]), OFFER) != []
    assert outside(trace_of([0], [20]), OFFER) == []  # Nothing is demanded.


def test_commands_point_it_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "0,0.75,0.04\n0,0.75,0.05\n"
    Path("t.csv").write_text(f"arrived_ms,min_accuracy_percent,max_latency_ms\n{rows}")
    done = run("compare", "policies", "--trace", "t.csv", "--policy", "no-sgs", "--format", "json")
    first, second = done.document["standing"]["caveats"]
    assert "a share of 0.75 is 75 %" in first
    assert "a second is 1000 ms" in second
    Path("log.csv").write_text("at,top1,limit\n0,0.75,0.04\n1,0.75,0.04\n")
    columns = ("--arrived", "at", "--time-unit", "s", "--accuracy", "top1", "--latency", "limit")
    done = run("trace", "import", "csv", "log.csv", *columns, "--out", "o.csv")
    assert "a share of 0.75 is 75 %" in done.err
