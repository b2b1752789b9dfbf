"""An accuracy that is not known enters no number, and is asked for."""

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.commands import Run

LAYER = (
    "      - {name: %s, kernels: 64, channels: 64, kernel_height: 3, kernel_width: 3, "
    "height: 28, width: 28, padding: 1}\n"
)
SPACE = "extends: zcu104\npe_kernels: [8, 16]\n"
SHORT = ("--queries", "30")
UNKNOWN = "the accuracy of 'one' is not known"


def network(name: str, accuracy: str = "") -> str:
    given = f"    accuracy_percent: {accuracy}\n" if accuracy else ""
    return f"  - name: {name}\n{given}    layers:\n{LAYER % 'a'}{LAYER % 'b'}"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    head = "family: layers\naccuracy_of: top-1\nsubnets:\n"
    Path("unknown.yaml").write_text(head + network("one"))
    Path("zero.yaml").write_text(head + network("one", "0.0"))
    Path("known.yaml").write_text(head + network("one", "70"))
    Path("two.yaml").write_text(head + network("one") + network("two", "70"))
    Path("space.yaml").write_text(SPACE)


def test_nothing_but_the_accuracy_depends_on_whether_it_is_known(run: Run) -> None:
    for mode in ("strict-accuracy", "strict-latency"):
        words = ("compare", "policies", *SHORT, "--mode", mode, "--format", "json", "--workload")
        known = run(*words, "known.yaml").document["rows"]
        rows = run(*words, "unknown.yaml").document["rows"]
        of_accuracy = dict.fromkeys(("mean_accuracy_percent", "accuracy_over_no_sgs_points"))
        assert all(row[name] is None for row in rows for name in of_accuracy)
        blind = [{**row, **of_accuracy} for row in known]
        assert rows == [row for row in blind if not row["rests_on_assumptions"]]


@pytest.mark.parametrize("name", ["unknown.yaml", "zero.yaml"])
def test_a_policy_that_trades_accuracy_is_left_out_with_a_note(run: Run, name: str) -> None:
    words = ("compare", "policies", *SHORT, "--workload", name)
    done = run(*words, "--policy", "no-sgs", "--policy", "slo-nn", "--policy", "gati")
    assert done.code == 0
    assert "slo-nn, gati left out: a policy that trades accuracy, which is" in done.out
    alone = run(*words, "--policy", "gati")
    assert alone.code == 2
    assert "name another policy" in alone.err
    document = run(*words, "--format", "json").document
    assert [row["policy"] for row in document["rows"] if row["policy"] in ("slo-nn", "gati")] == []
    assert any("left out" in line for line in document["standing"]["caveats"])
    assert "left out" in run(*words, "--format", "csv").err


def test_subnets_are_not_chosen_by_an_accuracy_that_is_not_known(run: Run) -> None:
    done = run("compare", "policies", *SHORT, "--workload", "two.yaml")
    assert done.code == 2
    assert f"a trace is served by SubNets of known accuracy, and {UNKNOWN}: give it" in done.err
    assert run("sweep", "--workload", "two.yaml", "--trace", "none", "--hw", "space.yaml").code == 0


def test_whether_a_demand_is_met_is_as_unknown_as_the_accuracy(run: Run) -> None:
    Path("trace.csv").write_text(
        "arrived_ms,min_accuracy_percent,max_latency_ms\n0,75,40\n10,75,40\n"
    )
    words = ("compare", "policies", "--policy", "sushi", "--trace", "trace.csv")
    done = run(*words, "--workload", "unknown.yaml", "--format", "json")
    (row,) = done.document["rows"]
    assert (row["accuracy_attainment"], row["slo_attainment"]) == (None, None)
    assert row["latency_attainment"] == 1
    failing = run(*words, "--workload", "unknown.yaml", "--fail-if", "sushi.slo_attainment < 1")
    assert failing.code == 2
    assert "sushi.slo_attainment is not known" in failing.err


@pytest.mark.parametrize("trace", ["random-walk", "none"])
def test_rows_hold_no_accuracy_that_is_not_known(run: Run, trace: str) -> None:
    words = ("--hw", "space.yaml", "--workload", "unknown.yaml", "--trace", trace, *SHORT)
    done = run("sweep", *words, "--out", "rows")
    assert done.code == 0
    assert UNKNOWN in done.out
    for part in Path("rows").glob("part-*.parquet"):
        column = pq.read_table(part)["mean_accuracy_percent"]
        assert column.null_count == len(column)
        assert pc.count(column).as_py() == 0
    refused = run("sweep", *words, "--objective", "mean_accuracy_percent", "--out", "other")
    assert refused.code == 2
    assert f"--objective mean_accuracy_percent: {UNKNOWN.replace(chr(39), '')}" in refused.err
    shown = run("pareto", "show", "rows", "--format", "json").document
    assert shown["objectives"] == ["mean_latency_ms", "energy_mj_per_query"]
    assert UNKNOWN in shown["caveats"][0]
    for command in (
        ("pareto", "plot", "rows", "--out", "front.svg"),
        ("pareto", "hypervolume", "rows"),
        ("recommend", "rows"),
        ("explain", "--results", "rows", "--samples", "4", *words),
    ):
        told = run(*command)
        assert told.code == 0, told.err
        assert UNKNOWN in told.out + told.err
    wanted = run("recommend", "rows", "--min-accuracy-percent", "3")
    assert wanted.code == 2
    assert "--min-accuracy-percent: the accuracy of one is not known" in wanted.err


def test_a_description_says_that_an_accuracy_is_not_known(run: Run) -> None:
    facts = run("describe", "workload", "two.yaml", "--format", "json").document
    assert facts["subnet one"].startswith("accuracy unknown, 2 layers")
    assert facts["subnet two"].startswith("accuracy 70 %, 2 layers")
    assert UNKNOWN in run("worth", "--workload", "unknown.yaml", *SHORT, "--repeats", "2").out
    search = ("search", "--hw", "space.yaml", "--workload", "unknown.yaml", *SHORT)
    assert UNKNOWN in run(*search, "--trials", "2").out
