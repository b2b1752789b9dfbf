"""Load curves: knees against closed forms, rows against comparisons at that load, peaks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis.compare import compare_policies
from sushi_dse.analysis.loads import (
    LoadCurves,
    asked_loads,
    knee_load,
    load_curves,
    peak_rate_per_s,
)
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.offers import cold_offer
from sushi_dse.plots.loads import check_curves, load_panels
from sushi_dse.report.loads import load_remarks
from sushi_dse.serving.capacity import own_rate_per_s
from sushi_dse.traces.trace import FloatArray, Trace
from tests.commands import Run

QUERIES = 200_000
LOADS = np.arange(0.2, 0.9, 0.02)


def stream(arrived_ms: FloatArray) -> Trace:
    return Trace(
        arrived_ms=arrived_ms,
        min_accuracy_percent=np.zeros(len(arrived_ms)),
        max_latency_ms=np.full(len(arrived_ms), 50.0),
    )


@pytest.mark.parametrize(
    ("shape", "knee"),
    [("exponential", 0.5), ("constant", 2 - np.sqrt(2))],  # where one query is there on average
)
def test_the_knee_of_a_queue_is_that_of_its_closed_form(shape: str, knee: float) -> None:
    draw = np.random.default_rng(7)
    gaps_ms = draw.exponential(1.0, QUERIES)
    service_ms = draw.exponential(1.0, QUERIES) if shape == "exponential" else np.ones(QUERIES)
    throughput, mean_ms = [], []
    for load in LOADS:
        # Lindley: a wait is how far the work less the time has risen above its least so far.
        ahead_ms = np.concatenate([[0.0], (service_ms[:-1] - gaps_ms[1:] / load).cumsum()])
        response_ms = ahead_ms - np.minimum.accumulate(ahead_ms) + service_ms
        mean_ms.append(float(response_ms.mean()))
        throughput.append(QUERIES / float(gaps_ms[1:].sum() / load + response_ms[-1]))
    found = knee_load(LOADS.tolist(), throughput, mean_ms)
    assert found == pytest.approx(knee, abs=0.04)


def test_power_that_is_greatest_at_an_end_has_no_knee() -> None:
    assert knee_load([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 1.0, 1.0]) == 2.0
    assert knee_load([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]) is None
    assert knee_load([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [1.0, 1.0, 1.0]) is None


def experiment(queries: int = 600, target: float = 0.25) -> Experiment:
    return load_experiment(
        policies=["no-sgs", "slackfit", "sushi"],
        queries=queries,
        arrivals="mmpp",
        load=0.4,
        capacity_target=target,
    )


@pytest.fixture(scope="module")
def found() -> LoadCurves:
    return load_curves(experiment(), asked_loads("0.05:1.05:6"))


def test_a_row_is_the_comparison_of_the_stream_at_that_load(found: LoadCurves) -> None:
    one = found.experiment
    full_per_s = cold_offer(one.network, one.design).capacity_per_s
    trace = one.traced
    for at, load in enumerate(found.loads):
        arrived_ms = trace.arrived_ms * (own_rate_per_s(trace) / (load * full_per_s))
        scaled = replace(trace, arrived_ms=arrived_ms)
        assert own_rate_per_s(scaled) == pytest.approx(load * full_per_s)
        rows = compare_policies(replace(one, trace=scaled, capacity_target=None))
        for curve, row in zip(found.curves, rows, strict=True):
            assert row["policy"] == curve.policy
            for name, value in row.items():
                is_float = isinstance(value, float)
                expected = pytest.approx(value, rel=1e-6, abs=1e-9) if is_float else value
                assert curve.rows[at][name] == expected, name


def test_the_capacity_and_its_marks_are_those_of_the_comparison(found: LoadCurves) -> None:
    for row, curve in zip(compare_policies(found.experiment), found.curves, strict=True):
        assert curve.capacity_queries_per_s == row["capacity_queries_per_s"]
    marks = {(row["policy"], row["load"]): str(row["marks"]).split(", ") for row in found.rows}
    assert len(marks) == len(found.curves) * len(found.loads)
    seen = set()
    for curve in found.curves:
        for load in found.loads:
            peak = load * found.peak_to_mean
            expected = ["knee"] if load == curve.knee_load else []
            if load > curve.capacity_load:
                expected.append("over capacity")
            elif peak > curve.capacity_load:
                expected.append("peaks over capacity")
            assert marks[curve.policy, load] == (expected or [""])
            seen |= set(expected)
    assert seen == {"knee", "over capacity", "peaks over capacity"}
    (peaks,) = [line for line in load_remarks(found) if line.startswith("the busiest 100")]
    for curve in found.curves:
        assert (curve.policy in peaks) == bool(found.hidden(curve))


def test_a_policy_without_capacity_says_what_it_keeps_at_best() -> None:
    found = load_curves(experiment(queries=60, target=1.0), (0.2, 0.5, 0.9))
    (said,) = [line for line in load_remarks(found) if line.startswith("no capacity")]
    for curve in found.curves:
        assert curve.capacity_load == 0
        assert f"{curve.policy} ({curve.over('slo_attainment').max():.3g})" in said


def test_a_figure_has_each_curve_through_its_rows_and_its_marks_on_it(found: LoadCurves) -> None:
    *metrics, marks = load_panels(found)
    assert len(metrics) == 6
    for panel in metrics:
        *curves, knees, capacities = panel.series
        assert [series.name for series in curves] == [curve.policy for curve in found.curves]
        for series, curve, x, y in zip(curves, found.curves, knees.x, knees.y, strict=True):
            assert series.x.tolist() == list(found.loads)
            assert (curve.knee_load is None) == bool(np.isnan(x))
            assert np.isnan(x) or y == pytest.approx(series.y[series.x == x][0])
        for series, x, y in zip(curves, capacities.x, capacities.y, strict=True):
            if not np.isnan(x):
                at = int(np.searchsorted(series.x, x))
                low, high = sorted(series.y[at - 1 : at + 1])
                assert low * (1 - 1e-9) <= y <= high * (1 + 1e-9)
    segments = marks.series[0]
    for row, curve in enumerate(found.curves):
        begin, end = segments.x[3 * row], segments.x[3 * row + 1]
        within = [load for load in found.loads if begin < load <= end]
        assert within == found.hidden(curve)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.integers(2, 12))
def test_the_peak_is_that_of_the_busiest_stretch(gaps: list[int], queries: int) -> None:
    arrived_ms = np.cumsum(gaps) + 1.0
    if arrived_ms[0] == arrived_ms[-1]:
        return
    count = min(queries, len(gaps))
    spans = [float(arrived_ms[i + count - 1] - arrived_ms[i])
             for i in range(len(gaps) - count + 1)]  # fmt: skip
    expected = 1e3 * (count - 1) / min(spans) if min(spans) else np.inf
    found = peak_rate_per_s(stream(arrived_ms), queries)
    assert found == pytest.approx(expected)
    assert found >= own_rate_per_s(stream(arrived_ms)) * (1 - 1e-9)


@given(st.integers(1, 99), st.integers(1, 99), st.integers(2, 30))
def test_a_range_of_loads_has_both_ends_and_even_steps(low: int, more: int, count: int) -> None:
    first, last = low / 100, (low + more) / 100
    loads = asked_loads(f"{first}:{last}:{count}")
    assert (loads[0], loads[-1], len(loads)) == (first, last, count)
    steps = [b - a for a, b in pairwise(loads)]
    assert np.allclose(steps, more / 100 / (count - 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.5,0.2", "rise, each once; got 0.5, 0.2"),
        ("0.5,0.5", "rise"),
        ("1.2:0.1:12", "rise"),
        ("0,0.5", "0 < load"),
        ("-0.1:0.5:3", "0 < load"),
        ("0.1,1e9", "load <= 1000"),
        ("0.1:0.5:1", "a COUNT from 2 to 1000 must be given, got 1"),
        ("0.1:0.5:2.5", "got 2.5"),
        ("0.1:0.5:1e9", "got 1e"),
        ("0.5", "one load is --load"),
        ("0.1:0.5", "FROM:TO:COUNT.*got 2 numbers"),
        ("a,b", "FROM:TO:COUNT.*'a'"),
        ("", "FROM:TO:COUNT"),
        ("nan,1", "FROM:TO:COUNT"),
    ],
)
def test_loads_that_cannot_be_are_refused_with_what_mends_them(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        asked_loads(text)


def test_an_experiment_of_no_capacity_or_of_several_streams_has_no_curves() -> None:
    one = experiment(queries=20)
    for changes, why in (
        ({"capacity_target": None}, "give a capacity_target"),
        ({"recache_every_queries": (4, 8)}, "one recache interval, got 2"),
        ({"service_levels": (0.5, 1.0)}, "one service level, got 2"),
    ):
        with pytest.raises(UserError, match=why):
            load_curves(replace(one, **changes), (0.1, 0.5))
    slow = replace(one, trace=stream(np.array([1.0, 1e12, 1e15])))
    with pytest.raises(UserError, match="arrive so slowly"):
        load_curves(slow, (1e-15, 1.0))


COMMAND = ("compare", "policies", "--policy", "no-sgs", "--policy", "sushi", "--queries", 40)


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "csv", "markdown"])
def test_load_curves_are_printed_in_every_format(run: Run, output_format: str) -> None:
    done = run(*COMMAND, "--loads", "0.2,0.5,0.9", "--format", output_format)
    assert done.code == 0
    if output_format == "json":
        assert len(done.document["rows"]) == 6
        assert {row["policy"] for row in done.document["policies"]} == {"no-sgs", "sushi"}
    elif output_format in ("csv", "jsonl"):
        assert len(done.out.splitlines()) == 6 + (output_format == "csv")
    sentences = done.out if output_format in ("table", "json") else done.err
    assert "the busiest 40 successive arrivals" in sentences


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--arrivals", "closed-loop"), "closed loop.*--arrivals poisson"),
        (("--repeats", 2), "--loads: goes without --repeats"),
        (("--fail-if", "sushi.mean_latency_ms > 1"), "goes without --fail-if"),
        (("--format", "junit"), "goes without --format junit"),
        (("--slo-target", 0), "0 < target <= 1"),
    ],
)
def test_what_load_curves_cannot_be_is_said_in_a_line(
    run: Run, options: tuple[object, ...], why: str
) -> None:
    done = run(*COMMAND, "--loads", "0.2:0.9:3", *options)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(line)


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    check_curves(8)
    with pytest.raises(UserError, match=r"13 policies.*--policy"):
        check_curves(13)
