"""Advice against brute force over the rows, from a sweep's folder and from a whole space."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis import candidates as row_sources
from sushi_dse.analysis.candidates import folder_source, space_source
from sushi_dse.analysis.other_device import device_named
from sushi_dse.analysis.recommend import MISSES, MOST_SHOWN, NEAR_PERCENT, Demands, recommend
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import find_metric
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Device
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from tests import paths
from tests.commands import Run
from tests.strategies import zcu104

TINY = str(paths.TINY)
SHARE, GAIN = find_metric("device_share"), find_metric("throughput_queries_per_s")


BOARD = Device(name="small", lut=5, ff=9, dsp=3, bram36=6, uram288=4)


def shares_of(row: Mapping[Hashable, Any]) -> list[float]:
    return [float(row[kind]) / BOARD.left(kind) for kind in RESOURCE_KINDS]


@st.composite
def tables(draw: st.DrawFn) -> list[pd.DataFrame]:
    """Rows of small numbers, in which ties are common, in a few tables."""
    count = draw(st.integers(0, 12))
    column = st.lists(st.integers(1, 3), min_size=count, max_size=count)
    rows = pd.DataFrame(
        {
            "policy": "sushi",
            "design": np.array(draw(column), dtype=int) * 10 + np.array(draw(column), dtype=int),
            "mean_latency_ms": np.array(draw(column)) + 99.0,
            "mean_accuracy_percent": np.array(draw(column)) + 76.0,
            "mean_power_w": np.array(draw(column), dtype=float),
            **{kind: np.array(draw(column), dtype=float) for kind in RESOURCE_KINDS},
            "throughput_queries_per_s": np.array(draw(column), dtype=float),
        }
    )
    rows["device_share"] = [max(shares_of(row)) for row in rows.to_dict("records")]
    cut = draw(st.integers(1, 12))
    return [rows[at : at + cut] for at in range(0, count, cut)]


DEMANDS = st.builds(
    Demands,
    max_latency_ms=st.sampled_from([None, 97.0, 98.5, 100.0, 101.0, 102.0]),
    min_accuracy_percent=st.sampled_from([None, 77.0, 78.0, 79.5, 90.0]),
)


def meets(row: Mapping[Hashable, Any], demands: Demands) -> bool:
    slow = demands.max_latency_ms is not None and row["mean_latency_ms"] > demands.max_latency_ms
    least = demands.min_accuracy_percent
    return not slow and (least is None or row["mean_accuracy_percent"] >= least)


@given(tables(), DEMANDS, st.sampled_from([SHARE, GAIN]))
def test_nothing_that_meets_the_demands_is_cheaper_than_what_is_recommended(
    parts: list[pd.DataFrame], demands: Demands, by: Any
) -> None:
    advice = recommend(parts, demands, by, BOARD)
    every = [row for part in parts for row in part.to_dict("records")]
    sign = by.sign

    def price(row: Mapping[Hashable, Any]) -> tuple[float, ...]:
        latency, accuracy = row["mean_latency_ms"], row["mean_accuracy_percent"]
        power = row["mean_power_w"]
        shares = sorted(shares_of(row), reverse=True)
        return (sign * row[by.name], *shares, power, latency, -accuracy, row["design"])

    good = sorted(price(row) for row in every if meets(row, demands))
    found = advice.meeting.to_dict("records")
    assert all(meets(row, demands) for row in found)
    first_of_each = [p for i, p in enumerate(good) if p[-1] not in {q[-1] for q in good[:i]}]
    assert [price(row) for row in found] == first_of_each[: 1 + MOST_SHOWN]

    cheap = advice.near_misses.to_dict("records")
    for row in cheap:
        assert not meets(row, demands)
        assert max(row[name] for name in MISSES) < NEAR_PERCENT
        assert not found or sign * row[by.name] < sign * found[0][by.name]
    if not found and every:
        assert set(advice.nearest) == set(demands.made)
    assert [row["verdict"] for row in advice.rows()][: len(found)] == (
        ["recommended"] + ["next"] * (len(found) - 1) if found else []
    )


@given(tables(), DEMANDS)
def test_where_nothing_meets_the_nearest_miss_by_least(
    parts: list[pd.DataFrame], demands: Demands
) -> None:
    advice = recommend(parts, demands, SHARE, BOARD)
    every = [row for part in parts for row in demands.missed(part).to_dict("records")]
    for name, table in advice.nearest.items():
        (other,) = set(MISSES) - {name}
        pool = [row for row in every if row[other] == 0] or every
        (row,) = table.to_dict("records") if every else [None]
        assert row is None or row[name] == min(candidate[name] for candidate in pool)
        assert row is None or any(row[other] == candidate[other] for candidate in pool)


@given(tables())
def test_what_sets_the_share_is_each_kind_of_which_the_largest_share_is_taken(
    parts: list[pd.DataFrame],
) -> None:
    advice = recommend(parts, Demands(), SHARE, BOARD)
    if not len(advice.meeting):
        assert (advice.share_set_by, advice.share_sentence) == ([], "")
        return
    (row,) = advice.meeting[:1].to_dict("records")
    kinds = [k for k, s in zip(RESOURCE_KINDS, shares_of(row), strict=True)
             if s == row["device_share"]]  # fmt: skip
    assert [each["resource"] for each in advice.share_set_by] == kinds
    for each in advice.share_set_by:
        assert each["blocks"] / each["of"] == row["device_share"]
        assert f"{each['blocks']} of {each['of']}" in advice.share_sentence


def test_the_nearest_rows_are_told_by_the_demand_that_they_miss_by_least() -> None:
    rows = pd.DataFrame(
        {
            "policy": "sushi",
            "design": [0, 1],
            "mean_latency_ms": [11.0, 20.0],
            "mean_accuracy_percent": [70.0, 79.0],
            "mean_power_w": [1.0, 1.0],
            **{kind: [1.0, 1.0] for kind in RESOURCE_KINDS},
            "device_share": [0.5, 0.5],
        }
    )
    demands = Demands(max_latency_ms=10.0, min_accuracy_percent=80.0)
    advice = recommend([rows], demands, SHARE, BOARD)
    told = [(row["verdict"], row["design"]) for row in advice.rows()]
    assert told == [("nearest in latency", 0), ("nearest in accuracy", 1)]


def test_a_miss_is_told_in_percent_of_the_demand() -> None:
    rows = pd.DataFrame({"mean_latency_ms": [10.2, 10.0], "mean_accuracy_percent": [76.0, 79.2]})
    missed = Demands(max_latency_ms=10.0, min_accuracy_percent=80.0).missed(rows)
    assert missed["latency_miss_percent"].tolist() == pytest.approx([2.0, 0.0])
    assert missed["accuracy_miss_percent"].tolist() == pytest.approx([5.0, 1.0])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_demand_for_nothing_is_refused(value: float) -> None:
    with pytest.raises(UserError, match="--max-latency-ms"):
        Demands(max_latency_ms=value)


SPACE = SearchSpace.of(
    zcu104(static_w=0.0, dram_pj_per_bit=0.0),  # so that what is fast takes no less energy
    {
        "pe_kernels": [4, 8, 64],
        "persistent_buffer_kib": [0.0, 512.0, 9000.0],
        "dram_gb_per_s": [1.0, 9.0],
    },
)


def evaluation_of(space: SearchSpace, *policies: str) -> Experiment:
    return Experiment(
        space=space,
        network=Network.of(load_workload("resnet18_cifar10").supernet),
        trace=None,
        policies=policies,
        mode="strict-latency",
    )


@pytest.mark.parametrize("device", [None, "KV260", "Alveo U50"])
@pytest.mark.parametrize("policies", [("static-subgraph",), ("static-subgraph", "no-sgs")])
@pytest.mark.parametrize("metric", ["device_share", "energy_mj_per_query"])
def test_a_large_space_is_searched_to_the_design_that_walking_finds(
    device: str | None, metric: str, policies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    by, board = find_metric(metric), device_named(device) if device else None

    def rows() -> list[pd.DataFrame]:
        source = space_source(evaluation_of(SPACE, *policies), by, board)
        steps = list(source.steps)
        assert sum(map(len, steps)) == source.designs == 18
        return [step.rows for step in steps if step.rows is not None]

    whole = rows()
    monkeypatch.setattr(row_sources, "MOST_WALKED", 1)
    front = rows()
    for latency_ms in pd.concat(whole)["mean_latency_ms"]:
        demands = Demands(max_latency_ms=latency_ms)
        there = board or SPACE.base.device
        walked, searched = (
            recommend(found, demands, by, there).meeting[:1] for found in (whole, front)
        )
        # Ties are broken among the rows of the front alone.
        assert walked[by.name].tolist() == searched[by.name].tolist()
        for row in searched.to_dict("records"):
            own = SPACE.design(int(row["design"]))
            assert own.persistent_buffer_kib == row["persistent_buffer_kib"]
            assert own.dram_gb_per_s == row["dram_gb_per_s"]
            own = own if board is None else replace(own, device=board)
            assert infeasible_reason(own) == ""
            if row["policy"] == "no-sgs":
                own = replace(own, persistent_buffer_kib=0.0)
            assert resources(own).device_share == row["device_share"]


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """As elsewhere, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return run


def test_from_a_sweep_the_cheapest_row_that_fits_and_meets_is_named(run: Run) -> None:
    names = ("no-sgs", "sushi", "equal-area")
    policies = [word for name in names for word in ("--policy", name)]
    assert run("sweep", "--hw", TINY, "--queries", "20", "--out", "swept", *policies).code == 0
    rows = pd.concat([pd.read_parquet(path) for path in Path("swept").glob("part-*.parquet")])
    rows = rows[rows["infeasible_reason"] == ""]
    median = float(rows["mean_latency_ms"].median())
    good = rows[rows["mean_latency_ms"] <= median]
    device = load_hardware(TINY).space.base.device
    shares = np.array([[row[k] / device.left(k) for k in RESOURCE_KINDS]
                       for row in good.to_dict("records")])  # fmt: skip
    good = good.assign(**dict(zip("abcde", -np.sort(-shares, axis=1).T, strict=True)))
    good = good.sort_values([*"abcde", "mean_power_w", "design"])
    done = run("recommend", "swept", "--max-latency-ms", str(median), "--format", "json")
    assert done.code == 0
    named = done.document["recommended"]
    assert (named["design"], named["policy"]) == tuple(good.iloc[0][["design", "policy"]])

    space = load_hardware(TINY).space
    source = folder_source(Path("swept"), SHARE, device_named("KV260"), policies=None)
    assert any("own" in remark for remark in source.remarks)
    for step in source.steps:
        assert step.rows is not None
        assert set(step.rows["policy"]) == {"no-sgs", "sushi"}
        for row in step.rows.to_dict("records"):
            design = replace(space.design(row["design"]), device=device_named("KV260"))
            assert infeasible_reason(design) == ""
            if row["policy"] == "no-sgs":
                design = replace(design, persistent_buffer_kib=0.0)
            used = resources(design)
            assert (used.dsp, used.bram36, used.device_share) == (
                row["dsp"],
                row["bram36"],
                row["device_share"],
            )
    moved = folder_source(Path("swept"), SHARE, device_named("alveo u50"), policies=["sushi"])
    assert any(remark.startswith("4 designs fit the Alveo U50") for remark in moved.remarks)


def test_what_stays_as_it_was_on_another_device_is_told(run: Run) -> None:
    for name, told in (("KV260", True), ("ZCU104", False)):
        done = run("recommend", "--hw", TINY, "--device", name)
        assert done.code == 0
        assert ("bandwidth and constants stay those of the ZCU104" in done.err) == told


def test_a_design_that_is_built_without_its_buffer_is_told(run: Run) -> None:
    for name, told in (("no-sgs", True), ("static-subgraph", False)):
        done = run("recommend", "--hw", TINY, "--policy", name)
        assert ("under no-sgs a design has no Persistent Buffer" in done.err) == told


def test_demands_that_nothing_meets_end_with_code_1_and_what_comes_nearest(run: Run) -> None:
    demands = ("--max-latency-ms", "0.001", "--min-accuracy-percent", "77")
    done = run("recommend", "--hw", TINY, *demands, "--format", "json")
    assert done.code == 1
    assert "No design meets the demands on the ZCU104" in done.err
    assert done.document["recommended"] is None
    verdicts = [row["verdict"] for row in done.document["rows"]]
    assert verdicts == ["nearest in latency", "nearest in accuracy"]
    for form in ("table", "markdown", "jsonl", "csv"):
        done = run("recommend", "--hw", TINY, *demands, "--format", form)
        assert done.code == 1
        assert "nearest in latency" in done.out


def test_a_recommended_number_is_that_of_explain_and_export(run: Run) -> None:
    row = run("recommend", "--hw", TINY, "--format", "json").document["recommended"]
    number = str(row["design"])
    few = ("--queries", "20", "--samples", "4", "--format", "json")
    facts = run("explain", number, "--hw", TINY, *few).document["design"]
    for name in ("pe_kernels", "persistent_buffer_kib", "device_share"):
        assert facts[name] == row[name]
    run("export", TINY, "--design", number, "--out", "mine.yaml")
    again = run("recommend", "--hw", "mine.yaml", "--format", "json").document["recommended"]
    assert again["energy_mj_per_query"] == row["energy_mj_per_query"]


def test_explain_says_the_same_in_every_format(run: Run) -> None:
    few = ("explain", "pe_kernels=8", "--hw", TINY, "--queries", "20", "--samples", "4")
    document = run(*few, "--format", "json").document
    lines = [json.loads(line) for line in run(*few, "--format", "jsonl").out.splitlines()]
    for name in ("bounds", "moves", "indices", "next_blocks"):
        own = [{k: v for k, v in line.items() if k != "table"} for line in lines
               if line["table"] == name]  # fmt: skip
        assert own == document[name] != []
    assert run(*few, "--format", "markdown").out.count("### ") == 5
    on_trace = run(*few, "--indices", "trace", "--format", "json").document["indices"]
    assert {row["axis"] for row in on_trace} == {row["axis"] for row in document["indices"]}
    assert on_trace != document["indices"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("explain", "12", "--hw", TINY), "0 to 11"),
        (("explain", "--hw", TINY, "--samples", "7"), "power of two"),
        (("recommend", "--device", "KV26"), "KV260"),
        (("recommend", "nowhere"), "no such folder"),
        (("recommend", "nowhere", "--hw", TINY), "leave --hw"),
        (("recommend", "--cheapest-by", "p99_latency_ms"), "needs a trace"),
        (("recommend", "--policy", "sushi"), "static-subgraph"),
        (("recommend", "--min-accuracy-percent", "-3"), "more than 0"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(
    run: Run, arguments: tuple[str, ...], told: str
) -> None:
    done = run(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert told in done.err


def test_a_board_that_holds_no_design_is_told(run: Run) -> None:
    Path("wide.yaml").write_text("extends: zcu104\npe_kernels: [300, 400]\n")
    done = run("recommend", "--hw", "wide.yaml")
    assert (done.code, done.out) == (1, "")
    assert "none fits it" in done.err
    document = run("recommend", "--hw", "wide.yaml", "--format", "json").document
    assert (document["recommended"], document["rows"]) == (None, [])
