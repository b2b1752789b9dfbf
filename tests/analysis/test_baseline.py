"""The baseline that policies are held against."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.analysis.baseline import (
    DIFFERENCES,
    Baseline,
    check_baseline,
    metrics_by_policy,
    read_baseline,
)
from sushi_dse.analysis.compare import check_all
from sushi_dse.analysis.thresholds import Change
from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.store.run import SCHEMA_VERSION

ROWS = [
    {"policy": "no-sgs", "mean_latency_ms": 10.0, "slo_attainment": 0.5, "subgraph_switches": 0.0},
    {"policy": "sushi", "mean_latency_ms": 8.0, "slo_attainment": 0.75, "subgraph_switches": 3},
]


INPUTS: dict[str, object] = {
    "hardware": {"base": {"clock_mhz": 100.0, "pe_kernels": 16}, "axes": {}},
    "workload": {"name": "net", "accuracy_of": "top-1", "sha256": "ab"},
    "trace": {"name": "random-walk", "sha256": "cd"},
    "policies": ("no-sgs", "sushi"),
    "mode": "strict-accuracy",
}


def stored(folder: Path, document: dict[str, object]) -> Path:
    document = {"inputs": INPUTS, **document}
    path = folder / "baseline.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def held(
    metrics: dict[str, dict[str, float]], differing: tuple[str, ...] = ("hardware.base",)
) -> Baseline:
    return Baseline(place=Path("baseline.json"), metrics=metrics, differing=differing)


def missed(
    now: float, was: float, tolerance_percent: float, metric: str, *, same: bool = False
) -> bool:
    baseline = held({"sushi": {metric: was}})
    (check,) = check_baseline({"sushi": {metric: now}}, baseline, tolerance_percent, same=same)
    assert check.name == f"sushi.{metric}"
    return check.missed


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
    size = 100 if metric in DIFFERENCES else abs(was)  # the tolerance of a gain is in points
    expected = 100 * worse > size * tolerance_percent
    assert missed(was + change, was, tolerance_percent, metric) == expected
    changed = 100 * abs(worse) > size * tolerance_percent
    assert missed(was + change, was, tolerance_percent, metric, same=True) == changed


@pytest.mark.parametrize(
    ("metric", "was", "now", "tolerance_percent", "expected"),
    [
        ("mean_latency_ms", 10.0, 10.5, 5, False),
        ("mean_latency_ms", 10.0, 10.6, 5, True),
        ("mean_latency_ms", 10.0, 1.0, 0, False),
        ("slo_attainment", 0.5, 0.49, 5, False),
        ("slo_attainment", 0.5, 0.4, 5, True),
        ("slo_attainment", 0.5, 1.0, 0, False),
        ("gain_over_no_sgs_percent", 0.01, 0.0, 0.1, False),
        ("gain_over_no_sgs_percent", -2.0, -2.3, 0.2, True),
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
    baseline = held({"sushi": {"mean_latency_ms": 8.0}})
    (check,) = check_baseline({"sushi": {"mean_latency_ms": 9.0}}, baseline, 0)
    assert check.detail == "was 8, is 9, +12.5 %"
    assert check.row == {
        "check": "sushi.mean_latency_ms", "missed": True, "detail": check.detail,
        "was": 8.0, "is": 9.0, "change_percent": 12.5,
    }  # fmt: skip
    assert Change(was=0.0, now=1.0).percent is None


def test_rounding_is_no_change_and_a_change_for_the_better_is_one_where_none_may_be() -> None:
    assert not missed(1 + 1e-12, 1.0, 0, "mean_latency_ms", same=True)
    assert missed(0.99, 1.0, 0, "mean_latency_ms", same=True)
    assert not missed(0.99, 1.0, 0, "mean_latency_ms")


@pytest.mark.parametrize(
    ("differing", "checked"),
    [((), False), (("trace.sha256", "mode"), False), (("hardware.base.pe_kernels",), True),
     (("workload.sha256",), True)],
)  # fmt: skip
def test_blocks_that_equal_inputs_fix_are_no_checks(
    differing: tuple[str, ...], checked: bool
) -> None:
    blocks = {"dsp": 1.0, "lut": 1.0, "ff": 1.0, "bram36": 1.0, "uram288": 1.0, "device_share": 0.5}
    metrics = {"sushi": {**blocks, "mean_latency_ms": 1.0}}
    checks = check_baseline(metrics, held(metrics, differing), 0)
    names = {check.metric for check in checks}
    assert names == ({*blocks, "mean_latency_ms"} if checked else {"mean_latency_ms"})


def test_policies_that_are_not_compared_now_are_not_looked_at() -> None:
    now = metrics_by_policy(ROWS[:1])
    checks = list(check_baseline(now, held(metrics_by_policy(ROWS)), 0))
    assert {check.name.split(".")[0] for check in checks} == {"no-sgs"}
    assert not any(check.missed for check in checks)


def test_a_comparison_is_as_good_as_itself(tmp_path: Path) -> None:
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS, "mode": "any"})
    assert read_baseline(path, INPUTS).metrics == metrics_by_policy(ROWS)
    for same in (False, True):
        found = check_all(ROWS, conditions=(), baseline=path, tolerance_percent=None,
                          inputs=INPUTS, same=same)  # fmt: skip
        assert len(found.checks) == 6
        assert found.missed == []
        assert found.document["baseline_inputs_differ"] == []


def test_conditions_and_baseline_are_checked_together(tmp_path: Path) -> None:
    worse = [row | {"mean_latency_ms": 2 * float(str(row["mean_latency_ms"]))} for row in ROWS]
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS})
    found = check_all(
        worse,
        conditions=["sushi.mean_latency_ms > no-sgs.mean_latency_ms", "slo_attainment < 0.6"],
        baseline=path,
        tolerance_percent=0,
        inputs=INPUTS,
    )
    assert [check.name for check in found.checks if check.missed] == [
        "slo_attainment < 0.6 [no-sgs]",
        "no-sgs.mean_latency_ms",
        "sushi.mean_latency_ms",
    ]


@pytest.mark.parametrize("value", ["a", True, -1e999, [1.0]])
def test_what_no_comparison_prints_is_no_baseline(tmp_path: Path, value: object) -> None:
    rows = [{**ROWS[0], "mean_latency_ms": value}, ROWS[1]]
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": rows})
    assert "not a comparison" in fails(path)
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": [ROWS[0], ROWS[0]]})
    assert "not a comparison" in fails(path)


@pytest.mark.parametrize("lost", [{"mean_latency_ms": None}, {}])
def test_a_metric_that_the_baseline_lacks_is_named(tmp_path: Path, lost: dict[str, object]) -> None:
    kept = {name: value for name, value in ROWS[0].items() if name != "mean_latency_ms"}
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": [{**kept, **lost}, ROWS[1]]})
    found = read_baseline(path, INPUTS)
    assert found.lacks(metrics_by_policy(ROWS)) == ["no-sgs.mean_latency_ms"]


def test_an_accuracy_that_is_known_no_more_is_missed_in_words() -> None:
    baseline = held({"sushi": {"mean_accuracy_percent": 70.0}})
    now = {"sushi": {"mean_accuracy_percent": float("nan")}}
    (check,) = check_baseline(now, baseline, 0)
    assert (check.missed, check.detail) == (True, "was 70, is not known now")
    assert check.row["change_percent"] is None


def test_without_conditions_and_baseline_nothing_is_checked() -> None:
    found = check_all(ROWS, conditions=(), baseline=None, tolerance_percent=0, inputs=INPUTS)
    assert (found.checks, found.baseline) == ([], None)
    assert found.document == {"checks": [], "baseline_inputs_differ": None}


def fails(path: Path, *, same: bool = False) -> str:
    with pytest.raises(UserError) as caught:
        check_all(ROWS, conditions=(), baseline=path, tolerance_percent=0, inputs=INPUTS, same=same)
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
    ({"workload": {"name": "net", "accuracy_of": "top-1", "sha256": "ba"}}, "workload.sha256"),
    ({"trace": {"name": "random-walk", "sha256": "dc"}}, "trace.sha256"),
    ({"mode": "strict-latency"}, "mode"),
    ({"repeats": 5}, "repeats"),
    ({"hardware": 3}, "hardware"),
]


@pytest.mark.parametrize(("change", "named"), CHANGES, ids=[named for _, named in CHANGES])
def test_a_baseline_of_other_inputs_is_told_or_refused_and_the_difference_named(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    path = stored(
        tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS, "inputs": {**INPUTS, **change}}
    )
    found = check_all(ROWS, conditions=(), baseline=path, tolerance_percent=0, inputs=INPUTS)
    assert found.baseline is not None
    assert named in found.baseline.said
    assert named in str(found.document["baseline_inputs_differ"])
    message = fails(path, same=True)
    assert "was made with other inputs" in message
    assert named in message


@pytest.mark.parametrize("same", [True, False])
def test_a_baseline_whose_accuracies_are_of_another_metric_is_refused(
    tmp_path: Path, same: bool
) -> None:
    inputs = {**INPUTS, "workload": {"name": "other", "accuracy_of": "MMLU", "sha256": "ab"}}
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS, "inputs": inputs})
    assert fails(path, same=same) == (
        f"{path}: its accuracy is 'MMLU' and that of this comparison is 'top-1', which do not "
        "compare; take those of one metric"
    )


def test_a_baseline_may_be_of_other_policies(tmp_path: Path) -> None:
    inputs = {**INPUTS, "policies": ["sushi"]}
    path = stored(tmp_path, {"schema_version": SCHEMA_VERSION, "rows": ROWS[1:], "inputs": inputs})
    assert set(read_baseline(path, INPUTS, same=True).metrics) == {"sushi"}


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
