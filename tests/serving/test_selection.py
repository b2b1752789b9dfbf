"""Which SubNet serves a query: the definition of SushiSched, and the laws of such a choice."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.serving.selection import (
    MODES,
    STRICT_ACCURACY,
    STRICT_LATENCY,
    all_steps,
    cheapest_meeting_both,
    kept_demands,
    score,
    select_subnet,
    steps_reached,
)


@dataclass(frozen=True)
class Choice:
    """SubNets and a query, all small integers: ties are where a choice goes wrong."""

    accuracy_percent: np.ndarray
    latency_ms: np.ndarray
    min_accuracy_percent: float
    max_latency_ms: float

    def selected(self, mode: int) -> int:
        return select_subnet(
            mode,
            self.accuracy_percent,
            self.latency_ms,
            self.min_accuracy_percent,
            self.max_latency_ms,
        )

    def meets(self, mode: int) -> np.ndarray:
        if mode == STRICT_ACCURACY:
            return self.accuracy_percent >= self.min_accuracy_percent
        return self.latency_ms <= self.max_latency_ms


levels = st.integers(0, 4).map(float)
choices = st.lists(st.tuples(levels, levels), min_size=1, max_size=6).flatmap(
    lambda subnets: st.builds(
        Choice,
        st.just(np.array([accuracy for accuracy, _ in subnets])),
        st.just(np.array([latency for _, latency in subnets])),
        st.integers(-1, 5).map(float),
        st.integers(-1, 5).map(float),
    )
)
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


def definition(choice: Choice, mode: int) -> int:
    """DESIGN section 5; of equals the one better in the other respect, then the first."""
    accuracy_percent, latency_ms = choice.accuracy_percent, choice.latency_ms
    meets = choice.meets(mode)
    fastest_first = np.lexsort((-accuracy_percent, latency_ms))
    most_accurate_first = np.lexsort((latency_ms, -accuracy_percent))
    if mode == STRICT_ACCURACY:
        order = fastest_first if meets.any() else most_accurate_first
    else:
        order = most_accurate_first if meets.any() else fastest_first
    return int(next(subnet for subnet in order if meets[subnet] or not meets.any()))


@modes
@given(choices)
def test_the_subnet_is_the_one_of_the_definition(mode: int, choice: Choice) -> None:
    assert choice.selected(mode) == definition(choice, mode)


@modes
@given(choices)
def test_no_other_subnet_beats_the_one_selected(mode: int, choice: Choice) -> None:
    chosen = choice.selected(mode)
    more_accurate = choice.accuracy_percent - choice.accuracy_percent[chosen]
    faster = choice.latency_ms[chosen] - choice.latency_ms
    assert not ((more_accurate >= 0) & (faster >= 0) & (more_accurate + faster > 0)).any()


@modes
@given(choices)
def test_a_demand_that_can_be_met_is_met(mode: int, choice: Choice) -> None:
    meets = choice.meets(mode)
    assert meets[choice.selected(mode)] == meets.any()


@modes
@given(choices)
def test_the_steps_select_what_the_rule_selects(mode: int, choice: Choice) -> None:
    thresholds, (selected,) = all_steps(mode, choice.accuracy_percent, choice.latency_ms[:, None])
    assert len(selected) == len(choice.accuracy_percent) + 1
    (demand,) = kept_demands(
        mode,
        np.array([choice.min_accuracy_percent]),
        np.array([choice.max_latency_ms]),
        np.ones(1),
    )
    reached = steps_reached(thresholds, 0, demand)
    assert selected[reached] == choice.selected(mode)


@given(choices, st.integers(-1, 5).map(float))
def test_only_the_demand_of_the_mode_counts(choice: Choice, other: float) -> None:
    without_latency = Choice(
        choice.accuracy_percent, choice.latency_ms, choice.min_accuracy_percent, other
    )
    without_accuracy = Choice(
        choice.accuracy_percent, choice.latency_ms, other, choice.max_latency_ms
    )
    assert choice.selected(STRICT_ACCURACY) == without_latency.selected(STRICT_ACCURACY)
    assert choice.selected(STRICT_LATENCY) == without_accuracy.selected(STRICT_LATENCY)


@given(levels, levels, levels, levels)
def test_a_better_score_is_a_faster_query_or_a_more_accurate_one(
    accuracy_percent: float, latency_ms: float, other_percent: float, other_ms: float
) -> None:
    faster = score(STRICT_ACCURACY, accuracy_percent, latency_ms) < score(
        STRICT_ACCURACY, other_percent, other_ms
    )
    assert faster == (latency_ms < other_ms)
    better = score(STRICT_LATENCY, accuracy_percent, latency_ms) < score(
        STRICT_LATENCY, other_percent, other_ms
    )
    assert better == ((-accuracy_percent, latency_ms) < (-other_percent, other_ms))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1),
    st.integers(0, 6),
    st.integers(-1, 6),
)
def test_infaas_takes_the_cheapest_that_meets_both_demands(
    rows: list[tuple[int, int]], accuracy: int, budget_ms: int
) -> None:
    accuracy_percent = np.array([float(row[0]) for row in rows])
    latency_ms = np.array([float(row[1]) for row in rows])
    chosen = cheapest_meeting_both(accuracy_percent, latency_ms, float(accuracy), float(budget_ms))
    meeting = [row for row in rows if row[0] >= accuracy and row[1] <= budget_ms]
    cheapest = min(meeting or rows, key=lambda row: (row[1], -row[0]))
    assert rows[chosen] == cheapest
