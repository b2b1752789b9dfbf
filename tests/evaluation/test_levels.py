"""Service levels: level 1 is the stream as it is, another one that of a stream scaled by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.levels import at_level, moved_demands, spanning_levels
from sushi_dse.evaluation.loading import load_experiment, spanned_trace
from sushi_dse.evaluation.metrics import LEVEL
from sushi_dse.evaluation.offers import cold_offer
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.policies.names import DEFAULT_POLICIES
from sushi_dse.serving.selection import MODES
from sushi_dse.traces.trace import Trace
from tests.strategies import zcu104

NETWORK = Network.of(load_workload("ofa_resnet50").supernet)
DESIGN = zcu104(persistent_buffer_kib=512)
TRACE = spanned_trace(NETWORK, DESIGN, queries=60, seed=3)
OPEN = spanned_trace(NETWORK, DESIGN, queries=60, arrivals="poisson", load=0.7)

modes = st.sampled_from(sorted(MODES))


def asked(levels: tuple[float, ...], mode: str, trace: Trace = TRACE, **changes: Any) -> Experiment:
    return Experiment(
        space=SearchSpace.of(DESIGN, {"pe_kernels": (8, 16)}),
        network=NETWORK,
        trace=trace,
        mode=mode,
        service_levels=levels,
        **{"policies": DEFAULT_POLICIES, **changes},
    )


def rows(experiment: Experiment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = evaluate(experiment, range(2)).to_pylist()
    return found


@pytest.mark.parametrize("mode", MODES)
def test_level_1_alone_is_the_stream_as_it_is(mode: str) -> None:
    experiment = asked((1.0,), mode)
    assert experiment.streams.traces == (TRACE,)
    among = [row for row in rows(asked((0.5, 1.0, 1.5), mode)) if row[LEVEL] == 1]
    assert among == rows(experiment)


@settings(max_examples=10, deadline=None)
@given(modes, st.sampled_from([TRACE, OPEN]), st.floats(0.05, 1.95))
def test_the_rows_of_a_level_are_those_of_a_trace_scaled_by_hand(
    mode: str, trace: Trace, level: float
) -> None:
    low, high = NETWORK.accuracy_percent.min(), NETWORK.accuracy_percent.max()
    if mode == "strict-latency":
        by_hand = replace(trace, max_latency_ms=trace.max_latency_ms * level)
    else:
        moved = [
            low + level * (demand - low) if level < 1 else high - (2 - level) * (high - demand)
            for demand in trace.min_accuracy_percent
        ]
        by_hand = replace(trace, min_accuracy_percent=np.array(moved))
    found = rows(asked((level,), mode, trace))
    expected = [{**row, LEVEL: level} for row in rows(asked((1.0,), mode, by_hand))]
    assert found == (rows(asked((1.0,), mode, trace)) if level == 1 else expected)


@settings(max_examples=10, deadline=None)
@given(modes, st.sampled_from([TRACE, OPEN]), st.sets(st.floats(0.0625, 2), min_size=2, max_size=4))
def test_a_greater_level_never_lowers_the_accuracy_of_no_sgs(
    mode: str, trace: Trace, levels: set[float]
) -> None:
    experiment = asked(tuple(sorted(levels)), mode, trace, policies=("no-sgs",))
    accuracies = [row["mean_accuracy_percent"] for row in rows(experiment)[: len(levels)]]
    assert accuracies == sorted(accuracies)


def test_rows_stand_in_the_order_of_policies_intervals_and_levels() -> None:
    experiment = asked((0.5, 1.0), "strict-latency", recache_every_queries=(4, 8))
    found = [(row["policy"], row["recache_every_queries"], row[LEVEL]) for row in rows(experiment)]
    own = [(name, interval, level) for name, interval in experiment.runs for level in (0.5, 1.0)]
    assert found == own * 2
    assert experiment.rows_of_a_run == 2


def test_an_infeasible_design_has_a_row_for_each_level() -> None:
    space = SearchSpace.of(DESIGN, {"pe_kernels": (16, 512)})
    table = evaluate(replace(asked((0.5, 1.0), "strict-latency"), space=space), [1])
    assert table[LEVEL].to_pylist() == [0.5, 1.0] * 4
    assert table.schema.field(LEVEL).type == pa.float64()


@given(st.floats(0, 2), st.floats(0, 2), st.lists(st.floats(0, 100), min_size=1))
def test_accuracy_demands_move_between_the_ends_and_never_back(
    one: float, other: float, demands: list[float]
) -> None:
    low, high = sorted((one, other))
    before, after = (moved_demands(np.array(demands), level, 70.0, 80.0) for level in (low, high))
    assert (after >= before - 1e-9).all()
    inside = np.clip(demands, 70.0, 80.0)
    assert moved_demands(inside, 0.0, 70.0, 80.0).tolist() == [70.0] * len(demands)
    assert moved_demands(inside, 2.0, 70.0, 80.0).tolist() == [80.0] * len(demands)


def test_a_span_goes_from_what_the_smallest_subnet_keeps_to_what_the_largest_does() -> None:
    offer = cold_offer(NETWORK, DESIGN)
    levels = spanning_levels(TRACE, offer.latency_ms, "strict-latency")
    assert len(levels) == 7
    assert 1.0 in levels
    assert levels[0] * TRACE.max_latency_ms.max() == pytest.approx(offer.latency_ms[0], rel=0.01)
    assert levels[-1] * TRACE.max_latency_ms.min() == pytest.approx(offer.latency_ms[1], rel=0.01)
    served = rows(asked(levels, "strict-latency", policies=("no-sgs",)))[7:]
    assert served[0]["mean_accuracy_percent"] == pytest.approx(75.0, abs=0.1)
    assert served[-1]["mean_accuracy_percent"] == pytest.approx(79.8, abs=0.1)


def test_a_span_of_accuracy_demands_is_even() -> None:
    levels = spanning_levels(TRACE, (1.0, 2.0), "strict-accuracy")
    assert levels == (0.0, 0.333, 0.667, 1.0, 1.33, 1.67, 2.0)
    ends = [row["mean_accuracy_percent"] for row in rows(asked((0.0, 2.0), "strict-accuracy"))[:2]]
    assert ends == pytest.approx([75.0, 79.8])


def test_a_word_asks_for_a_span_and_numbers_for_levels() -> None:
    span = load_experiment("tests/data/tiny.yaml", queries=20, service_levels="span")
    assert len(span.service_levels) == 7
    assert load_experiment("zcu104", queries=20).service_levels == (1.0,)
    assert span.inputs["service_levels"] == list(span.service_levels)
    with pytest.raises(UserError, match="there is none"):
        load_experiment("zcu104", trace="none", service_levels="span")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"service_levels": ()}, "give levels that rise"),
        ({"service_levels": (1.0, 0.5)}, "give levels that rise"),
        ({"service_levels": (1.0, 1.0)}, "give levels that rise"),
        ({"service_levels": (0.0,)}, "must be above 0"),
        ({"service_levels": (1e300,)}, "must be above 0"),
        ({"service_levels": (float("nan"),)}, "must be above 0"),
        ({"service_levels": (2.5,), "mode": "strict-accuracy"}, "0 <= level <= 2 must hold"),
        ({"service_levels": (0.5,), "trace": None, "policies": ("no-sgs",)}, "there is none"),
    ],
    ids=str,
)
def test_levels_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        replace(asked((1.0,), "strict-latency"), **changes)


def test_a_level_leaves_the_other_demand_alone() -> None:
    for mode, kept in (("strict-latency", 1), ("strict-accuracy", 2)):
        scaled = at_level(TRACE, 0.5, mode=mode, accuracy_percent=NETWORK.accuracy_percent)
        same = [np.array_equal(a, b) for a, b in zip(scaled.columns, TRACE.columns, strict=True)]
        assert same == [True, kept == 1, kept == 2]
