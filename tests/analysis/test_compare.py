"""Policies beside each other, and the baseline that they are held against."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.analysis.compare import (
    check_all,
    check_baseline,
    compare_policies,
    compared,
    metrics_by_policy,
    read_baseline,
)
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.evaluation.traced import design_rows
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.serving.selection import MODES
from sushi_dse.store.run import SCHEMA_VERSION
from sushi_dse.traces.generators import TraceSpec, generate
from tests.strategies import zcu104

ROWS = [
    {"policy": "no-sgs", "mean_latency_ms": 10.0, "slo_attainment": 0.5, "subgraph_switches": 0.0},
    {"policy": "sushi", "mean_latency_ms": 8.0, "slo_attainment": 0.75, "subgraph_switches": 3},
]


INPUTS: dict[str, object] = {
    "hardware": {"base": {"clock_mhz": 100.0, "pe_kernels": 16}, "axes": {}},
    "workload": {"name": "net", "sha256": "ab"},
    "trace": {"name": "random-walk", "sha256": "cd"},
    "policies": ("no-sgs", "sushi"),
    "mode": "strict-accuracy",
}


def stored(folder: Path, document: dict[str, object]) -> Path:
    document = {"inputs": INPUTS, **document}
    path = folder / "baseline.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def missed(now: float, was: float, tolerance_percent: float, metric: str) -> bool:
    (check,) = check_baseline({"sushi": {metric: now}}, {"sushi": {metric: was}}, tolerance_percent)
    assert check.name == f"sushi.{metric}"
    return check.missed


@pytest.mark.parametrize("mode", MODES)
def test_a_comparison_is_the_rows_of_a_space_of_one_design(mode: str) -> None:
    spec = TraceSpec(accuracy_percent=(70.0, 80.0), latency_ms=(10.0, 60.0), queries=50)
    experiment = Experiment(
        space=SearchSpace.of(zcu104(), {}),
        network=Network.of(load_workload("ofa_resnet50").supernet),
        trace=generate(spec),
        policies=("sushi", "no-sgs", "offline-optimum"),
        mode=mode,
    )
    rows = compare_policies(experiment)
    assert [row["policy"] for row in rows] == list(experiment.policies)
    columns = {"design": 0, "infeasible_reason": ""}
    assert [row | columns for row in rows] == list(design_rows(experiment, [0]))


def test_metrics_are_the_numbers_of_a_row_under_the_name_of_its_policy() -> None:
    row = {"policy": "sushi", "mean_latency_ms": 8, "p99_latency_ms": None, "pe_kernels": 16}
    assert metrics_by_policy([row]) == {"sushi": {"mean_latency_ms": 8.0}}


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=20)
@given(
    was=st.integers(-9, 9), change=st.integers(-9, 9), tolerance_percent=st.sampled_from([0, 10])
)
def test_a_metric_is_missed_where_it_is_worse_by_more_than_the_tolerance(
    metric: str, was: int, change: int, tolerance_percent: float
) -> None:
    worse = -change if METRICS[metric].maximise else change
    expected = 100 * worse > abs(was) * tolerance_percent
    assert missed(was + change, was, tolerance_percent, metric) == expected


@pytest.mark.parametrize(
    ("metric", "was", "now", "tolerance_percent", "expected"),
    [
        ("mean_latency_ms", 10.0, 10.5, 5, False),
        ("mean_latency_ms", 10.0, 10.6, 5, True),
        ("mean_latency_ms", 10.0, 1.0, 0, False),
        ("slo_attainment", 0.5, 0.49, 5, False),
        ("slo_attainment", 0.5, 0.4, 5, True),
        ("slo_attainment", 0.5, 1.0, 0, False),
        ("gain_over_no_sgs_percent", -2.0, -2.1, 10, False),
        ("gain_over_no_sgs_percent", -2.0, -2.3, 10, True),
        ("subgraph_switches", 0.0, 0.0, 0, False),
        ("subgraph_switches", 0.0, 1.0, 50, True),
        ("mean_latency_ms", float("nan"), 1.0, 5, True),
        ("slo_attainment", float("nan"), 1.0, 5, True),
    ],
)
def test_the_direction_and_the_tolerance_by_example(
    metric: str, was: float, now: float, tolerance_percent: float, expected: bool
) -> None:
    assert missed(now, was, tolerance_percent, metric) == expected


def test_a_miss_says_what_was_and_what_is() -> None:
    (check,) = check_baseline(
        {"sushi": {"mean_latency_ms": 9.0}}, {"sushi": {"mean_latency_ms": 8.0}}, 0
    )
    assert check.detail == "was 8, is 9"


def test_policies_that_are_not_compared_now_are_not_looked_at() -> None:
    now = metrics_by_policy(ROWS[:1])
    checks = list(check_baseline(now, metrics_by_policy(ROWS), 0))
    assert {check.name.split(".")[0] for check in checks} == {"no-sgs"}
    assert not any(check.missed for check in checks)


def test_a_comparison_is_as_good_as_itself(tmp_path: Path) -> None:
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS, "mode": "any"})
    assert read_baseline(path, INPUTS) == metrics_by_policy(ROWS)
    checks = check_all(ROWS, conditions=(), baseline=path, tolerance_percent=0, inputs=INPUTS)
    assert len(checks) == 6
    assert not any(check.missed for check in checks)


def test_conditions_and_baseline_are_checked_together(tmp_path: Path) -> None:
    worse = [row | {"mean_latency_ms": 2 * float(str(row["mean_latency_ms"]))} for row in ROWS]
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS})
    checks = check_all(
        worse,
        conditions=["sushi.mean_latency_ms > no-sgs.mean_latency_ms", "slo_attainment < 0.6"],
        baseline=path,
        tolerance_percent=0,
        inputs=INPUTS,
    )
    assert [check.name for check in checks if check.missed] == [
        "slo_attainment < 0.6 [no-sgs]",
        "no-sgs.mean_latency_ms",
        "sushi.mean_latency_ms",
    ]


def test_without_conditions_and_baseline_nothing_is_checked() -> None:
    assert check_all(ROWS, conditions=(), baseline=None, tolerance_percent=0, inputs=INPUTS) == []


def fails(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        check_all(ROWS, conditions=(), baseline=path, tolerance_percent=0, inputs=INPUTS)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    return message


def test_a_baseline_of_other_policies_is_refused(tmp_path: Path) -> None:
    rows = [{"policy": "gati", "mean_latency_ms": 1.0}, {"policy": "sushi", "queries": 9}]
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": rows})
    assert "no metric of a policy compared: no-sgs, sushi" in fails(path)


CHANGES = [
    ({"hardware": {"base": {"clock_mhz": 200.0, "pe_kernels": 16}, "axes": {}}}, "clock_mhz"),
    ({"workload": {"name": "net", "sha256": "ba"}}, "workload.sha256"),
    ({"trace": {"name": "random-walk", "sha256": "dc"}}, "trace.sha256"),
    ({"mode": "strict-latency"}, "mode"),
    ({"repeats": 5}, "repeats"),
    ({"hardware": 3}, "hardware"),
]


@pytest.mark.parametrize(("change", "named"), CHANGES, ids=[named for _, named in CHANGES])
def test_a_baseline_of_other_inputs_is_refused_and_the_difference_named(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    path = stored(
        tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS, "inputs": {**INPUTS, **change}}
    )
    message = fails(path)
    assert "was made with other inputs" in message
    assert named in message


def test_a_baseline_may_be_of_other_policies(tmp_path: Path) -> None:
    inputs = {**INPUTS, "policies": ["sushi"]}
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS[1:], "inputs": inputs})
    assert set(read_baseline(path, INPUTS)) == {"sushi"}


def test_a_baseline_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "no such file" in fails(tmp_path / "missing.json")
    assert "is a folder" in fails(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe\x00",
        b"rows: 3",
        b"[]",
        b"3",
        b'"rows"',
        b"{}",
        b'{"schema_version": 1}',
        b'{"schema_version": 1, "rows": 3, "inputs": {}}',
        b'{"schema_version": 1, "rows": []}',
        b'{"schema_version": 1, "rows": [], "inputs": 3}',
        b'{"schema_version": 0, "rows": [], "inputs": {}}',
        b'{"rows": [], "inputs": {}}',
        b'{"schema_version": 1, "rows": [3], "inputs": {}}',
        b'{"schema_version": 1, "rows": [[]], "inputs": {}}',
        b'{"schema_version": 1, "rows": ["policy"], "inputs": {}}',
        b'{"schema_version": 1, "rows": [{"mean_latency_ms": 1}], "inputs": {}}',
        b'{"schema_version": 1, "rows": [{"policy": "sushi", "bram36": 1%s}], "inputs": {}}'
        % (b"0" * 400),
        b"[" * 100_000,
    ],
    ids=lambda text: repr(text[:60]),
)
def test_a_file_that_is_no_comparison_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(text)
    assert re.search(r": (not a comparison|not JSON[^;]*); write one with", fails(path))


def test_the_gain_is_told_under_both_readings_of_the_drain_and_one_is_that_of_the_rows() -> None:
    def experiment_of(seed: int, pointwise_drain: bool = True, hw: str = "zcu104") -> Experiment:
        experiment = load_experiment(hw, policies=["no-sgs", "sushi", "equal-area", "clipper"],
                                     queries=100, seed=seed)  # fmt: skip
        if hw != "zcu104":
            return experiment
        board = replace(experiment.design, pointwise_drain=pointwise_drain)
        return replace(experiment, space=replace(experiment.space, base=board))

    names = ("gain_if_they_do_not_percent", "gain_if_1x1_tiles_drain_percent")
    for seeds in ((0,), (1, 2)):
        both = [compared(partial(experiment_of, pointwise_drain=drains), seeds)
                for drains in (False, True)]  # fmt: skip
        for found, own in zip(both, names, strict=True):
            (reading,) = found.drain_readings
            assert reading["policy"] == "sushi"
            gain = {row["policy"]: row["gain_over_no_sgs_percent"] for row in found.rows}["sushi"]
            assert reading[own] == pytest.approx(gain, abs=1e-12)
            assert found.drain_readings == both[0].drain_readings
    assert compared(partial(experiment_of, hw="vcu118_64x64"), (0,)).drain_readings == []
