import pickle
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.traces import files
from sushi_dse.traces.describe import describe_trace
from sushi_dse.traces.files import read_trace, write_trace
from sushi_dse.traces.generators import ARRIVALS, DEMANDS, TraceSpec, generate
from sushi_dse.traces.trace import COLUMNS, MAX_MS, Query, Trace

OPTIONAL_COLUMNS = ("colocation_slowdown", "input_difficulty")
ALL_COLUMNS = (*COLUMNS, *OPTIONAL_COLUMNS)
SUFFIXES = (".csv", ".parquet")
HEADER = ",".join(COLUMNS)
SPEC = TraceSpec(accuracy_percent=(76.0, 80.0), latency_ms=(10.0, 50.0))


def trace_of(*rows: tuple[float, float, float]) -> Trace:
    return Trace(**dict(zip(COLUMNS, np.array(rows, dtype=float).reshape(-1, 3).T, strict=True)))


def bits(trace: Trace) -> list[bytes]:
    return [column.tobytes() for column in trace.columns]


def named_bits(trace: Trace) -> dict[str, bytes]:
    return {name: column.tobytes() for name, column in trace.named_columns.items()}


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    times = st.floats(-0.0, MAX_MS)
    row = st.tuples(times, st.floats(-0.0, 100), st.floats(0, MAX_MS, exclude_min=True))
    rows = draw(st.lists(row, min_size=1, max_size=20))
    arrivals = sorted(arrived_ms for arrived_ms, _, _ in rows)
    return trace_of(*((a, *rest) for a, (_, *rest) in zip(arrivals, rows, strict=True)))


@st.composite
def met_traces(draw: st.DrawFn) -> Trace:
    """Traces with one optional column, or both."""
    trace = draw(traces())
    values = {"colocation_slowdown": st.floats(1, MAX_MS), "input_difficulty": st.floats(-0.0, 1)}
    kept = draw(st.sets(st.sampled_from(OPTIONAL_COLUMNS), min_size=1))
    size = len(trace)
    return replace(
        trace, **{name: draw(st.lists(values[name], min_size=size, max_size=size)) for name in kept}
    )


@st.composite
def specs(draw: st.DrawFn) -> TraceSpec:
    return TraceSpec(
        accuracy_percent=tuple(sorted(draw(st.tuples(st.floats(0, 100), st.floats(0, 100))))),
        latency_ms=tuple(sorted(draw(st.tuples(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))))),
        demands=draw(st.sampled_from(sorted(DEMANDS))),
        arrivals=draw(st.sampled_from(sorted(ARRIVALS))),
        queries=draw(st.integers(1, 50)),
        seed=draw(st.integers(0, 2**32)),
        locality=draw(st.floats(0, 1)),
        phases=draw(st.integers(2, 9)),
        mean_phase_queries=draw(st.floats(1, 100)),
        rate_per_s=draw(st.floats(1e-3, 1e6)),
        interarrival_cv=draw(st.floats(0.01, 30)),
        burst_rate_factor=draw(st.floats(1, 1000)),
        mean_burst_s=draw(st.floats(1, 1000)),
        mean_calm_s=draw(st.floats(1, 1000)),
        amplitude=draw(st.floats(0, 1)),
        period_s=draw(st.floats(1e-3, 1e6)),
    )


# A query and a trace


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"arrived_ms": -1.0}, "0 <= arrived_ms <= 1e+15 must hold, got -1.0"),
        ({"arrived_ms": np.inf}, "0 <= arrived_ms <= 1e+15 must hold, got inf"),
        ({"min_accuracy_percent": 100.5}, "0 <= min_accuracy_percent <= 100 must hold, got 100.5"),
        ({"min_accuracy_percent": np.nan}, "0 <= min_accuracy_percent <= 100 must hold, got nan"),
        ({"max_latency_ms": 0.0}, "0 < max_latency_ms <= 1e+15 must hold, got 0.0"),
    ],
)
def test_a_query_is_in_range_or_is_not_made(change: dict[str, float], law: str) -> None:
    good = {"arrived_ms": 0.0, "min_accuracy_percent": 78.0, "max_latency_ms": 5.0}
    Query(**good)
    with pytest.raises(ValueError, match=f"^{re.escape(law)}$"):
        Query(**(good | change))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, 78, 5), (1, -1, 5)], "query 2: 0 <= min_accuracy_percent <= 100 must hold, got -1.0"),
        ([(np.nan, 78, 5)], "query 1: 0 <= arrived_ms <= 1e+15 must hold, got nan"),
        ([(1, 78, 5), (2, 78, np.inf)], "query 2: 0 < max_latency_ms <= 1e+15 must hold, got inf"),
        (
            [(1, 78, 5), (3, 78, 5), (2, 78, 5)],
            "query 3: arrived_ms runs backwards, from 3.0 to 2.0; sort the queries by arrived_ms",
        ),
        ([(2, 78, 5), (1, 78, 5), (1, 78, np.nan)], "query 2: arrived_ms runs backwards"),
        ([], "a trace has at least one query, got none"),
    ],
)
def test_a_trace_names_its_first_wrong_query(
    rows: list[tuple[float, float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        trace_of(*rows)


@pytest.mark.parametrize("accuracy", [[78.0, 78.0], [[78.0]], 78.0])
def test_the_columns_of_a_trace_have_one_axis_and_one_length(accuracy: object) -> None:
    with pytest.raises(ValueError, match=r"one axis and one length, got shapes \(1,\), "):
        Trace(arrived_ms=[0.0], min_accuracy_percent=accuracy, max_latency_ms=[5.0])
    with pytest.raises(ValueError, match="one axis and one length"):
        Trace(arrived_ms=0.0, min_accuracy_percent=78.0, max_latency_ms=5.0)


def test_a_trace_cannot_be_changed_and_is_a_copy() -> None:
    arrived_ms = np.array([0.0, 1.0])
    trace = Trace(arrived_ms=arrived_ms, min_accuracy_percent=[70, 80], max_latency_ms=[5, 6])
    arrived_ms[0] = 0.5
    assert trace.arrived_ms[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        trace.max_latency_ms[0] = 1
    with pytest.raises(FrozenInstanceError):
        trace.max_latency_ms = arrived_ms  # type: ignore[misc]  # the mistake under test


@given(traces())
def test_a_trace_is_the_sequence_of_its_queries(trace: Trace) -> None:
    queries = list(trace)
    assert len(queries) == len(trace)
    rows = [(q.arrived_ms, q.min_accuracy_percent, q.max_latency_ms) for q in queries]
    assert bits(trace_of(*rows)) == bits(trace)


def test_a_trace_is_closed_loop_where_nothing_arrives_after_zero() -> None:
    assert trace_of((0, 78, 5), (0, 78, 5)).closed_loop
    assert not trace_of((0, 78, 5), (1, 78, 5)).closed_loop


def test_the_hash_tells_contents_apart_and_nothing_else() -> None:
    trace = trace_of((0, 78, 5), (1, 79, 6))
    assert trace.content_hash() == trace_of((0, 78, 5), (1, 79, 6)).content_hash()
    assert len(trace.content_hash()) == 64
    for other in (
        trace_of((0, 78, 5)),
        trace_of((0, 78, 5), (1, 79, np.nextafter(6, 7))),
        trace_of((0, 78, 6), (1, 79, 5)),
    ):
        assert other.content_hash() != trace.content_hash()


# Generators


@given(specs())
def test_the_same_specification_gives_the_same_bits_and_another_seed_others(
    spec: TraceSpec,
) -> None:
    assert bits(generate(spec)) == bits(generate(spec))
    wide = replace(spec, accuracy_percent=(0.0, 100.0))
    assert bits(generate(wide)) != bits(generate(replace(wide, seed=spec.seed + 1)))


@given(specs())
def test_demands_stay_in_their_ranges(spec: TraceSpec) -> None:
    trace = generate(spec)
    assert len(trace) == spec.queries
    for demand, (low, high) in (
        (trace.min_accuracy_percent, spec.accuracy_percent),
        (trace.max_latency_ms, spec.latency_ms),
    ):
        assert low <= demand.min()
        assert demand.max() <= high


@given(specs(), st.integers(0, 50))
def test_a_longer_trace_begins_with_the_shorter_one(spec: TraceSpec, more: int) -> None:
    longer = generate(replace(spec, queries=spec.queries + more))
    for column, whole in zip(generate(spec).columns, longer.columns, strict=True):
        assert column.tobytes() == whole[: spec.queries].tobytes()


@given(specs())
def test_the_arrivals_leave_the_demands_as_they_are(spec: TraceSpec) -> None:
    first, *others = (bits(generate(replace(spec, arrivals=name)))[1:] for name in ARRIVALS)
    assert all(other == first for other in others)


@pytest.mark.parametrize("demands", DEMANDS)
def test_each_place_in_the_range_is_as_likely_as_the_next(demands: str) -> None:
    spec = replace(SPEC, demands=demands, queries=200_000, locality=0.5, mean_phase_queries=5)
    for column in generate(spec).columns[1:]:
        counts, _ = np.histogram(column, bins=8)
        np.testing.assert_allclose(counts / spec.queries, 1 / 8, atol=0.005)


@pytest.mark.parametrize("demands", DEMANDS)
def test_the_two_demands_of_a_query_do_not_move_together(demands: str) -> None:
    trace = generate(replace(SPEC, demands=demands, queries=200_000, locality=0.5))
    correlation = np.corrcoef(trace.min_accuracy_percent, trace.max_latency_ms)[0, 1]
    assert abs(correlation) < 0.05


def test_more_locality_means_smaller_steps() -> None:
    mean_steps = []
    for locality in (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0):
        spec = replace(SPEC, demands="random-walk", locality=locality, queries=20_000)
        steps = abs(np.diff(generate(spec).min_accuracy_percent))
        assert steps.max() <= (1 - locality) * 4 + 1e-9
        mean_steps.append(steps.mean())
    assert mean_steps == sorted(mean_steps, reverse=True)
    assert len(set(mean_steps)) == len(mean_steps)


def test_a_random_walk_without_locality_is_independent() -> None:
    spec = replace(SPEC, demands="random-walk", locality=0.0, queries=100_000)
    accuracy = generate(spec).min_accuracy_percent
    pairs, _, _ = np.histogram2d(accuracy[:-1], accuracy[1:], bins=4)
    np.testing.assert_allclose(pairs / (spec.queries - 1), 1 / 16, atol=0.004)
    assert describe_trace(generate(spec))["accuracy_demand_autocorrelation"] == pytest.approx(
        0, abs=0.01
    )


def test_a_phase_is_a_part_of_the_range_and_lasts_as_long_as_asked() -> None:
    spec = replace(SPEC, demands="phases", phases=4, mean_phase_queries=50, queries=100_000)
    phase = np.floor(generate(spec).min_accuracy_percent - 76)  # each is one percent wide
    assert set(phase) == {0, 1, 2, 3}
    changes = np.count_nonzero(np.diff(phase))
    assert spec.queries / changes == pytest.approx(50, rel=0.05)


def test_poisson_arrivals_have_their_rate_and_a_variation_of_one() -> None:
    figures = describe_trace(
        generate(replace(SPEC, arrivals="poisson", rate_per_s=40, queries=50_000, seed=7))
    )
    assert figures["rate_per_s"] == pytest.approx(40, rel=0.02)
    assert figures["interarrival_cv"] == pytest.approx(1, rel=0.02)


def test_a_specification_gives_the_trace_it_gave_before() -> None:
    spec = replace(SPEC, queries=3, arrivals="poisson", seed=1)
    made = {name: generate(replace(spec, demands=name)) for name in DEMANDS}
    golden = {
        "independent": [78.79613818974734, 76.69734208549238, 78.58047412878918],
        "random-walk": [77.59227637949469, 77.33174479659316, 77.447839622351],
        "phases": [78.69903454743684, 78.32020238659973, 78.15099954693243],
    }
    assert made.keys() == golden.keys()
    for name, trace in made.items():
        np.testing.assert_allclose(
            trace.arrived_ms,
            [13.321514075509446, 17.103270275478128, 27.824723452843507],
            rtol=1e-12,
        )
        np.testing.assert_allclose(trace.min_accuracy_percent, golden[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"demands": "random-wlk"}, "unknown demands 'random-wlk'; did you mean 'random-walk'?"),
        (
            {"arrivals": "x"},
            "unknown arrivals 'x'; known: closed-loop, diurnal, gamma, mmpp, poisson",
        ),
        ({"accuracy_percent": (80, 76)}, "accuracy_percent: low <= high must hold, got 80 to 76"),
        ({"accuracy_percent": (-1, 7)}, "0 <= accuracy_percent <= 100 must hold, got -1 to 7"),
        ({"latency_ms": (0, 5)}, "0 < latency_ms <= 1e+15 must hold, got 0 to 5"),
        ({"latency_ms": (1, np.nan)}, "0 < latency_ms <= 1e+15 must hold, got 1 to nan"),
        ({"queries": 0}, "1 <= queries <= 1e+08 must hold, got 0"),
        ({"seed": -1}, "0 <= seed <= 9.22337e+18 must hold, got -1"),
        ({"locality": 1.1}, "0 <= locality <= 1 must hold, got 1.1"),
        ({"phases": 1}, "2 <= phases <= 1000 must hold, got 1"),
        ({"mean_phase_queries": 0.5}, "1 <= mean_phase_queries <= 1e+15 must hold, got 0.5"),
        ({"rate_per_s": 0}, "0 < rate_per_s <= 1e+09 must hold, got 0"),
        ({"interarrival_cv": 0}, "0.001 <= interarrival_cv <= 100 must hold, got 0"),
        ({"burst_rate_factor": 0.5}, "1 <= burst_rate_factor <= 1e+06 must hold, got 0.5"),
        ({"mean_burst_s": 0}, "1e-06 <= mean_burst_s <= 1e+12 must hold, got 0"),
        ({"mean_calm_s": np.nan}, "1e-06 <= mean_calm_s <= 1e+12 must hold, got nan"),
        ({"amplitude": 1.1}, "0 <= amplitude <= 1 must hold, got 1.1"),
        ({"period_s": -1}, "1e-06 <= period_s <= 1e+12 must hold, got -1"),
    ],
)
def test_a_specification_is_in_range_or_is_not_made(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(SPEC, **change)


def test_a_rate_too_small_for_the_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="query 1: 0 <= arrived_ms <= 1e\\+15 must hold"):
        generate(replace(SPEC, arrivals="poisson", rate_per_s=5e-324))


# Figures


def test_the_figures_of_a_trace_are_what_their_names_say() -> None:
    trace = trace_of((10, 70, 5), (20, 72, 7), (40, 71, 9), (70, 75, 3))
    assert describe_trace(trace) == {
        "queries": 4,
        "duration_ms": 60.0,
        "closed_loop": False,
        "rate_per_s": pytest.approx(50.0),
        "peak_rate_per_s": None,
        "peak_to_mean_rate": None,
        "interarrival_cv": pytest.approx(np.std([10, 20, 30]) / 20),
        "min_accuracy_demand_percent": 70.0,
        "mean_accuracy_demand_percent": 72.0,
        "max_accuracy_demand_percent": 75.0,
        "min_latency_demand_ms": 3.0,
        "mean_latency_demand_ms": 6.0,
        "max_latency_demand_ms": 9.0,
        "accuracy_demand_autocorrelation": pytest.approx((-2 * 0 + 0 * -1 + -1 * 3) / 14),
    }


def test_a_closed_loop_has_no_rate_and_a_constant_demand_no_autocorrelation() -> None:
    figures = describe_trace(trace_of((0, 70.1, 5), (0, 70.1, 5), (0, 70.1, 5)))
    assert figures["closed_loop"] is True
    for name in ("rate_per_s", "interarrival_cv", "accuracy_demand_autocorrelation"):
        assert figures[name] is None


def test_the_peak_is_the_most_queries_in_any_second() -> None:
    arrivals_ms = (0, 900, 1500, 1800, 1899.9, 1900, 2500, 4000)
    figures = describe_trace(trace_of(*((ms, 78, 5) for ms in arrivals_ms)))
    assert figures["peak_rate_per_s"] == 4  # from 900 up to 1900, and from 1500 up to 2500
    assert figures["peak_to_mean_rate"] == pytest.approx(4 / (7 / 4))


@given(traces(), st.floats(0, 1e6))
def test_the_peak_is_no_less_than_in_any_second_that_is_tried(trace: Trace, start: float) -> None:
    peak = describe_trace(trace)["peak_rate_per_s"]
    if peak is not None:
        within = (trace.arrived_ms >= start) & (trace.arrived_ms < start + 1e3)
        assert 1 <= np.count_nonzero(within) <= peak or not within.any()


def test_two_queries_have_a_rate_and_no_variation() -> None:
    figures = describe_trace(trace_of((0, 70, 5), (100, 71, 5)))
    assert figures["rate_per_s"] == 10
    assert figures["interarrival_cv"] is None


@given(traces())
@example(trace_of((0, 0, 1), (5e-324, 5e-324, 1), (5e-324, 0, 1)))
def test_a_figure_is_finite_or_none(trace: Trace) -> None:
    assert all(value is None or np.isfinite(value) for value in describe_trace(trace).values())


# Files


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one example of a law; the fixture would be one for them all."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(trace=traces())
@settings(deadline=None)  # a disk has no deadline
def test_a_trace_comes_back_from_its_file_without_a_changed_bit(suffix: str, trace: Trace) -> None:
    with folder() as out:
        path = out / f"trace{suffix}"
        write_trace(trace, path)
        assert bits(read_trace(path)) == bits(trace)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".CSV", ".Parquet"])
def test_a_generated_trace_comes_back_and_is_written_the_same_twice(
    suffix: str, tmp_path: Path
) -> None:
    trace = generate(replace(SPEC, arrivals="poisson", queries=3000))
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    write_trace(trace, first)
    write_trace(read_trace(first), second)
    assert bits(read_trace(second)) == bits(trace)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def csv_text(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *lines, "")).encode()


def outcome(content: bytes, suffix: str = ".csv") -> list[bytes] | str:
    """The bits that a file holds, or the message it ends in."""
    with folder() as out:
        path = out / f"trace{suffix}"
        path.write_bytes(content)
        try:
            return bits(read_trace(path))
        except UserError as error:
            return str(error).replace(str(out), "")


@pytest.mark.parametrize(
    "content",
    [
        csv_text("0,78,5", "1.5,79,6"),
        csv_text("0,78,5", "1.5,79,6").rstrip(),
        csv_text("0,78,5", "1.5,79,6").replace(b"\n", b"\r\n"),
        csv_text("0,78,5", "1.5,79,6").replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + csv_text("0,78,5", "1.5,79,6"),
        csv_text('"0","78","5"', "1.5,79,6"),
        csv_text("", " 0, 78 ,5", "", "+1.5,7.9e1,6.", ""),
        b"\n" + csv_text("0,78,5", "1.5,79,6"),
        csv_text("78,5,0", "79,6,1.5", header="min_accuracy_percent,max_latency_ms,arrived_ms"),
        csv_text("0,78,5", "1.5,79,6", header='"arrived_ms","min_accuracy_percent",max_latency_ms'),
    ],
)
def test_a_csv_file_may_be_written_in_any_usual_way(content: bytes) -> None:
    assert outcome(content) == bits(trace_of((0, 78, 5), (1.5, 79, 6)))


FIELDS = st.one_of(
    st.floats().map(repr),
    st.floats(0, 100).map(repr),
    st.integers(0, 99).map(str),
    st.text("0123456789.eE+-_ \t\"naifx'\x00\x1c\u0663", max_size=6),
)
ROWS = st.lists(FIELDS, min_size=2, max_size=4).map(",".join)


@given(st.lists(st.one_of(ROWS, st.just("0,78,5")), max_size=4), st.sampled_from("\n\r"))
@example(["0,78,nan(1)"], "\n")
@example(['0,78,"1"5'], "\n")
@settings(deadline=None)
def test_reading_at_once_and_row_by_row_agree(lines: list[str], end: str) -> None:
    content = end.join((HEADER, *lines)).encode()
    at_once = outcome(content)
    with patch.object(files, "_read_csv_block", side_effect=ValueError):
        assert outcome(content) == at_once


NUMBERS = st.one_of(
    st.floats().map(repr),
    st.from_regex(
        r"[ \t]?[+-]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{0,4})?[ \t]?", fullmatch=True
    ),
    st.text("0123456789.eE+-_ \tnaifxX()\u0663\uff11\xa0", max_size=6),
)


@given(st.lists(NUMBERS, min_size=1, max_size=3))
@example(["nan"])
@example(["infinity"])
@example(["+1."])
@example(["1e0005"])
@example(["1e-4000"])
@example(["0x10"])
@example(["1e"])
def test_a_column_of_numbers_is_read_as_each_of_them(texts: list[str]) -> None:
    def refused_or(read: Callable[[], list[float]]) -> list[str] | None:
        try:
            numbers = read()
        except (ValueError, UserError):
            return None
        return [n.hex() for n in numbers] if np.isfinite(numbers).all() else None

    def at_once() -> list[float]:
        content = "".join(f"{text},x\n" for text in texts).encode()
        return files.read_columns(content, ["a", "b"], 0, {"a": pa.float64()})["a"].to_pylist()

    one_by_one = refused_or(lambda: [files.number("here", "a", text) for text in texts])
    assert refused_or(at_once) == one_by_one


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(
    content=st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(HEADER.encode().__add__))
)
@settings(deadline=None)
def test_whatever_is_in_a_file_the_error_is_one_line(suffix: str, content: bytes) -> None:
    read = outcome(content, suffix)
    assert isinstance(read, list) or (len(read.splitlines()) == 1 and f"trace{suffix}" in read)


NUMBER = "must be a number such as 12.5"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,nan,5", f"min_accuracy_percent {NUMBER}, got 'nan'"),
        ("1,78,inf", f"max_latency_ms {NUMBER}, got 'inf'"),
        ("1,78,-5", "0 < max_latency_ms <= 1e+15 must hold, got -5.0"),
        ("1,101,5", "0 <= min_accuracy_percent <= 100 must hold, got 101.0"),
        ("9" * 30 + ",78,5", "0 <= arrived_ms <= 1e+15 must hold, got 1e+30"),
        ("9" * 400 + ",78,5", f"arrived_ms {NUMBER}, got '{'9' * 40}...'"),
        ("1,high,5", f"min_accuracy_percent {NUMBER}, got 'high'"),
        ("=A1+1,78,5", f"arrived_ms {NUMBER}, got '=A1+1'"),
        ("2023-11-16 18:17:03,78,5", f"arrived_ms {NUMBER}, got '2023-11-16 18:17:03'"),
        ("1,7_8,5", f"min_accuracy_percent {NUMBER}, got '7_8'"),
        ("1,\u0667\u0668,5", f"min_accuracy_percent {NUMBER}, got '\u0667\u0668'"),
        ("1,78," + "x" * 99, f"max_latency_ms {NUMBER}, got '{'x' * 40}...'"),
        ("1,,5", f"min_accuracy_percent {NUMBER}, the field is empty"),
        ("1,NA,5", f"min_accuracy_percent {NUMBER}, got 'NA'"),
        (
            "0.25,78,5",
            "arrived_ms runs backwards, from 0.5 to 0.25; sort the queries by arrived_ms",
        ),
        ("1,78", "the field 'max_latency_ms' is missing: 2 fields, the header names 3"),
        (
            "1,78,5,6",
            "4 fields, the header names 3; take out what follows 'max_latency_ms', "
            "and write decimals with a point",
        ),
        ('1,78,"5', "not CSV: unexpected end of data; numbers need no quotes"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(line: str, message: str) -> None:
    assert outcome(csv_text("0.5,78,5", "", line).rstrip()) == f"/trace.csv:4: {message}"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "arrived_ms,min_acuracy_percent,max_latency_ms",
            "unknown column 'min_acuracy_percent'; did you mean 'min_accuracy_percent'?",
        ),
        (
            "TIMESTAMP,ContextTokens,GeneratedTokens",
            f"unknown column 'TIMESTAMP'; known: {', '.join(sorted(ALL_COLUMNS))}",
        ),
        ("0;78;5", "unknown column '0;78;5'; put commas between fields"),
        (f"{HEADER},arrived_ms", "the column 'arrived_ms' is there twice; leave one out"),
        (
            "arrived_ms,max_latency_ms",
            "the column 'min_accuracy_percent' is missing; a trace has the columns "
            "arrived_ms, min_accuracy_percent, max_latency_ms",
        ),
    ],
)
def test_a_wrong_header_is_named_with_the_nearest_column(header: str, message: str) -> None:
    assert outcome(csv_text("0,78,5", header=header)) == f"/trace.csv:1: {message}"
    names = header.split(",")
    if len(set(names)) == len(names):
        assert outcome(parquet_bytes({name: [1.0] for name in names}), ".parquet") == (
            f"/trace.parquet: {message}"
        )


def parquet_bytes(columns: dict[str, object]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


GOOD = {
    "arrived_ms": [0.0, 1.0],
    "min_accuracy_percent": [78.0, 79.0],
    "max_latency_ms": [5.0, 6.0],
}


@pytest.mark.parametrize("kind", [pa.float32(), pa.float16(), pa.int64(), pa.uint8()])
def test_a_parquet_file_may_hold_any_kind_of_number(kind: pa.DataType) -> None:
    columns = {name: pa.array(values).cast(kind) for name, values in reversed(GOOD.items())}
    assert outcome(parquet_bytes(columns), ".parquet") == bits(trace_of((0, 78, 5), (1, 79, 6)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"arrived_ms": ["0", "1"]},
            "the column 'arrived_ms' holds string; store it as float64",
        ),
        (
            {"arrived_ms": pa.array([0, 1], pa.timestamp("ms"))},
            "the column 'arrived_ms' holds timestamp[ms]; store it as float64",
        ),
        (
            {"max_latency_ms": [True, True]},
            "the column 'max_latency_ms' holds bool; store it as float64",
        ),
        (
            {"max_latency_ms": [5.0, None]},
            "query 2: 0 < max_latency_ms <= 1e+15 must hold, got nan",
        ),
        (
            {"max_latency_ms": pa.array([5, 2**63], pa.uint64())},
            "query 2: 0 < max_latency_ms <= 1e+15 must hold, got 9.223372036854776e+18",
        ),
        (
            {"arrived_ms": [1.0, 0.5]},
            "query 2: arrived_ms runs backwards, from 1.0 to 0.5; sort the queries by arrived_ms",
        ),
        ({"note": ["a", "b"]}, f"unknown column 'note'; known: {', '.join(sorted(ALL_COLUMNS))}"),
    ],
)
def test_a_wrong_parquet_file_is_named_by_column_and_query(
    change: dict[str, object], message: str
) -> None:
    assert outcome(parquet_bytes(GOOD | change), ".parquet") == f"/trace.parquet: {message}"


def test_a_file_without_queries_is_refused() -> None:
    message = "a trace has at least one query, got none"
    assert outcome(csv_text("")) == f"/trace.csv: {message}"
    nothing = parquet_bytes({name: pa.array([], pa.float64()) for name in COLUMNS})
    assert outcome(nothing, ".parquet") == f"/trace.parquet: {message}"
    for suffix in SUFFIXES:
        assert outcome(b"", suffix) == (
            f"/trace{suffix} is empty; a trace has the columns {', '.join(COLUMNS)}"
        )
    assert str(outcome(b"\n\n")).startswith("/trace.csv:1: the column 'arrived_ms' is missing")


def test_a_file_of_the_other_kind_or_a_damaged_one_is_refused() -> None:
    good = parquet_bytes(GOOD)
    assert outcome(good) == "/trace.csv is binary, not CSV; save it as CSV in UTF-8"
    for content in (csv_text("0,78,5"), good[:-20], good[:4] + bytes(300) + good[304:]):
        assert outcome(content, ".parquet") == (
            "/trace.parquet is not a Parquet file, or a damaged one; a text file must end in .csv"
        )


def test_a_flipped_bit_in_a_parquet_trace_is_found(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    write_trace(generate(SPEC), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    assert "a damaged one" in outcome(bytes(content), ".parquet")


def message_of(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_trace(path)
    return str(error.value)


def test_a_path_that_is_no_trace_file_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.csv"
    assert message_of(missing) == (
        f"{missing}: no such file; `sushi-dse trace generate --out {missing}` writes one"
    )
    assert message_of(tmp_path) == f"{tmp_path} is a folder; name a .csv or .parquet file in it"
    for name, shown in (("trace.json", "'.json'"), ("trace", "''")):
        path = tmp_path / name
        message = f"{path}: a trace file ends in .csv or .parquet, not in {shown}; rename it"
        assert message_of(path) == message
        with pytest.raises(UserError) as error:
            write_trace(generate(SPEC), path)
        assert str(error.value) == message


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "trace.csv"
    hint = f"`sushi-dse trace generate --out {path}` writes one"
    assert message_of(path) == f"{path}: cannot be read: Not a directory; {hint}"


def test_a_trace_is_not_written_where_there_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "trace.csv"
    with pytest.raises(UserError) as error:
        write_trace(generate(SPEC), path)
    assert str(error.value) == f"{path}: there is no folder {path.parent}; make it first"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_the_old_file_and_no_other(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / f"trace{suffix}"
    path.write_bytes(b"old")
    monkeypatch.setattr("sushi_dse.files.os.fsync", fill)
    with pytest.raises(UserError) as error:
        write_trace(generate(SPEC), path)
    assert (
        str(error.value)
        == f"{path}: cannot be written: No space left on device; choose another file"
    )
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# What a query meets


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(trace=met_traces())
@settings(deadline=None)
def test_optional_columns_come_back_without_a_changed_bit(suffix: str, trace: Trace) -> None:
    with folder() as out:
        path = out / f"trace{suffix}"
        write_trace(trace, path)
        again = read_trace(path)
        with patch.object(files, "_read_csv_block", side_effect=ValueError):
            by_row = read_trace(path)
    for other in (again, by_row, pickle.loads(pickle.dumps(trace))):
        assert named_bits(other) == named_bits(trace)
        assert not any(column.flags.writeable for column in other.named_columns.values())


def test_a_file_or_pickle_without_optional_columns_has_none(tmp_path: Path) -> None:
    trace = trace_of((0, 78, 5), (1.5, 79, 6))
    for suffix in SUFFIXES:
        path = tmp_path / f"trace{suffix}"
        write_trace(trace, path)
        assert tuple(read_trace(path).named_columns) == COLUMNS
    assert (tmp_path / "trace.csv").read_bytes() == csv_text("0,78,5", "1.5,79,6")
    assert pq.read_table(tmp_path / "trace.parquet").column_names == list(COLUMNS)
    assert tuple(pickle.loads(pickle.dumps(trace)).named_columns) == COLUMNS


def test_the_hash_counts_an_optional_column_only_where_there_is_one() -> None:
    trace = trace_of((0, 78, 5), (1, 79, 6))
    assert trace.content_hash() == (
        "6ed9eed5ded33edf14a977b366cb3cc8d5fc1620fa81c446c58c98d11110ee54"
    )
    ones, half = [1.0, 1.0], [1.0, 0.5]
    changes = (
        {},
        {"colocation_slowdown": ones},
        {"input_difficulty": ones},
        {"input_difficulty": half},
        {"colocation_slowdown": ones, "input_difficulty": ones},
    )
    assert len({replace(trace, **change).content_hash() for change in changes}) == len(changes)


@pytest.mark.parametrize(
    ("name", "value", "law"),
    [
        ("colocation_slowdown", "0.5", "1 <= colocation_slowdown <= 1e+15 must hold, got 0.5"),
        ("colocation_slowdown", "nan", "1 <= colocation_slowdown <= 1e+15 must hold, got nan"),
        ("colocation_slowdown", "inf", "1 <= colocation_slowdown <= 1e+15 must hold, got inf"),
        ("input_difficulty", "1.5", "0 <= input_difficulty <= 1 must hold, got 1.5"),
        ("input_difficulty", "-0.1", "0 <= input_difficulty <= 1 must hold, got -0.1"),
        ("input_difficulty", "nan", "0 <= input_difficulty <= 1 must hold, got nan"),
    ],
)
def test_a_wrong_optional_value_is_named_by_its_place(name: str, value: str, law: str) -> None:
    lines = ("1,0,78,5", f"{value},1,79,6")
    said = law if np.isfinite(float(value)) else f"{name} {NUMBER}, got {value!r}"
    assert outcome(csv_text(*lines, header=f"{name},{HEADER}")) == f"/trace.csv:3: {said}"
    columns = GOOD | {name: [1.0, float(value)]}
    assert outcome(parquet_bytes(columns), ".parquet") == f"/trace.parquet: query 2: {law}"


def test_an_optional_value_that_is_missing_or_misnamed_is_refused() -> None:
    header = f"{HEADER},input_difficulty"
    assert outcome(csv_text("0,78,5,", header=header)) == (
        f"/trace.csv:2: input_difficulty {NUMBER}, the field is empty"
    )
    assert outcome(csv_text("0,78,5,1", header=f"{HEADER},input_dificulty")) == (
        "/trace.csv:1: unknown column 'input_dificulty'; did you mean 'input_difficulty'?"
    )
    with pytest.raises(ValueError, match=r"one length, got shapes \(1,\), .*\(2,\)"):
        replace(trace_of((0, 78, 5)), input_difficulty=[0.1, 0.2])


def test_optional_columns_are_described_where_a_trace_has_them() -> None:
    trace = trace_of((0, 78, 5), (1, 79, 6))
    slowed = describe_trace(replace(trace, colocation_slowdown=[1.0, 2.0]))
    assert slowed == describe_trace(trace) | {
        "min_colocation_slowdown": 1.0,
        "mean_colocation_slowdown": 1.5,
        "max_colocation_slowdown": 2.0,
    }
    hard = describe_trace(replace(trace, input_difficulty=[0.0, 0.5]))
    assert [hard[f"{part}_input_difficulty"] for part in ("min", "mean", "max")] == [0, 0.25, 0.5]
