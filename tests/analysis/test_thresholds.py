"""Conditions of `--fail-if`: they mean what Python means by them, or end in one line."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sushi_dse.analysis.thresholds import (
    COMPARISONS,
    MAX_BRACKETS,
    MAX_LENGTH,
    Condition,
    check_condition,
)
from sushi_dse.errors import UserError

METRICS = {
    "sushi": {"mean_latency_ms": 8.0, "slo_attainment": 0.5, "subgraph_switches": 3.0},
    "no-sgs": {"mean_latency_ms": 10.0, "slo_attainment": 0.25, "subgraph_switches": 0.0},
}
NAMES = [f"{policy}.{metric}" for policy, metrics in METRICS.items() for metric in metrics]
OPERATORS: dict[str, tuple[int, Callable[[float, float], float]]] = {
    "+": (1, operator.add),
    "-": (1, operator.sub),
    "*": (2, operator.mul),
    "/": (2, operator.truediv),
}
TIGHTEST = 3  # binds numbers, metrics, unary minus


@dataclass(frozen=True)
class Leaf:
    token: str

    def value(self) -> float:
        if self.token in NAMES:
            policy, metric = self.token.split(".")
            return METRICS[policy][metric]
        return float(self.token)

    def tokens(self, binding: int) -> list[str]:
        return [self.token]


@dataclass(frozen=True)
class Negated:
    of: "Tree"

    def value(self) -> float:
        return -self.of.value()

    def tokens(self, binding: int) -> list[str]:
        return ["-", *self.of.tokens(TIGHTEST)]


@dataclass(frozen=True)
class Bracketed:
    of: "Tree"

    def value(self) -> float:
        return self.of.value()

    def tokens(self, binding: int) -> list[str]:
        return ["(", *self.of.tokens(0), ")"]


@dataclass(frozen=True)
class Joined:
    left: "Tree"
    symbol: str
    right: "Tree"

    def value(self) -> float:
        return OPERATORS[self.symbol][1](self.left.value(), self.right.value())

    def tokens(self, binding: int) -> list[str]:
        """Brackets only where precedence or the order from the left asks for them."""
        own, _ = OPERATORS[self.symbol]
        tokens = [*self.left.tokens(own), self.symbol, *self.right.tokens(own + 1)]
        return ["(", *tokens, ")"] if own < binding else tokens


Tree = Leaf | Negated | Bracketed | Joined

leaves = st.builds(
    Leaf,
    st.sampled_from(NAMES)
    | st.integers(0, 4).map(str)
    | st.floats(1e-6, 1e20).map(repr)
    | st.sampled_from(["0.50", "2e3", "1E-2", "007"]),
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Negated, inner)
        | st.builds(Bracketed, inner)
        | st.builds(Joined, inner, st.sampled_from(list(OPERATORS)), inner)
    ),
    max_leaves=8,
)


@given(trees, trees, st.sampled_from(list(COMPARISONS)), st.sampled_from(["", " ", "\t ", "\n"]))
def test_a_condition_means_what_python_means_by_it(
    left: Tree, right: Tree, comparison: str, blank: str
) -> None:
    text = blank.join([*left.tokens(0), comparison, *right.tokens(0)])
    assume(len(text) <= MAX_LENGTH)
    try:
        expected = left.value(), right.value()
    except ZeroDivisionError:
        with pytest.raises(UserError, match="divides by zero"):
            list(check_condition(text, METRICS))
        return
    assert Condition(text).values(METRICS, "sushi") == expected
    (check,) = check_condition(text, METRICS)
    assert check.missed == COMPARISONS[comparison](*expected)


@given(st.text("()<>=!+-*/ .1e2" + "\n²é") | st.text(max_size=30))
def test_any_text_is_a_condition_or_ends_in_one_line(text: str) -> None:
    message = ""
    try:
        checks = len(list(check_condition(text, METRICS)))
    except UserError as error:
        checks, message = 0, str(error)
    assert checks in ((0,) if message else (1, len(METRICS)))
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("2 + 3 * 4 < 0", (14, 0)),
        ("(2 + 3) * 4 < 0", (20, 0)),
        ("8 - 4 - 2 < 8 / 4 / 2", (2, 1)),
        ("-2 * -3 < --4", (6, 4)),
        ("2 - -1 < -(1 + 1)", (3, -2)),
        ("sushi.mean_latency_ms > 0.99 * no-sgs.mean_latency_ms", (8, 9.9)),
        ("sushi.mean_latency_ms-no-sgs.mean_latency_ms<1", (-2, 1)),
        ("mean_latency_ms - no-sgs.mean_latency_ms < 1e1", (-2, 10)),
    ],
)
def test_the_grammar_by_example(text: str, sides: tuple[float, float]) -> None:
    assert Condition(text).values(METRICS, "sushi") == sides


@pytest.mark.parametrize(
    ("comparison", "missed"),
    [("<", False), ("<=", True), (">", False), (">=", True), ("==", True), ("!=", False)],
)
def test_a_condition_that_holds_is_missed(comparison: str, missed: bool) -> None:
    (check,) = check_condition(f"8 {comparison} sushi.mean_latency_ms", METRICS)
    assert check.missed == missed
    assert check.detail == f"8 {comparison} 8"


def test_a_metric_without_a_policy_stands_for_every_policy() -> None:
    checks = list(check_condition("slo_attainment < 0.5", METRICS))
    assert [check.name for check in checks] == [
        "slo_attainment < 0.5 [sushi]",
        "slo_attainment < 0.5 [no-sgs]",
    ]
    assert [check.missed for check in checks] == [False, True]
    assert [check.detail for check in checks] == ["0.5 < 0.5", "0.25 < 0.5"]


def test_a_condition_whose_metrics_all_have_policies_is_checked_once() -> None:
    (check,) = check_condition("no-sgs.slo_attainment < sushi.slo_attainment", METRICS)
    assert check.name == "no-sgs.slo_attainment < sushi.slo_attainment"
    assert check.missed


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "one of <, <=, >, >=, ==, != must stand between two sides"),
        ("  \n ", "must stand between two sides"),
        ("sushi.mean_latency_ms", "must stand between two sides"),
        ("1 < 2 < 3", "must stand between two sides"),
        ("sushi.mean_latency_ms > $", "column 25: '$' is not understood"),
        ("1 < .", "column 5: '.' is not understood"),
        ("1 < \u0662", "column 5: '\u0662' is not understood"),
        ("1 < 1e999", "'1e999' is no finite number; write one such as 12.5"),
        ("1 = 2", "column 3: '=' is not understood"),
        ("1 < 2 and 3", "'and' stands where the end should"),
        ("1 < 2 3", "'3' stands where the end should"),
        ("1 < 2)", "')' stands where the end should"),
        ("1 2 < 3", "'<' is missing"),
        ("1 < (2 + 3", "')' is missing"),
        ("(1 < 2)", "')' is missing"),
        ("1 <", "ends where a number or a metric should stand"),
        ("1 < 2 +", "ends where a number or a metric should stand"),
        ("1 < * 2", "'*' stands where a number or a metric should"),
        ("< 2", "'<' stands where a number or a metric should"),
        ("1 / 0 < 2", "it divides by zero"),
        ("1 / no-sgs.subgraph_switches < 2", "it divides by zero"),
        ("1e308 * 9 - 1e308 * 9 < 2", "a side comes to no number"),
        ("2 < 0 * (1e308 * 9)", "a side comes to no number"),
        ("suchi.mean_latency_ms < 1", "policy 'suchi' is not compared; did you mean 'sushi'?"),
        ("gati.mean_latency_ms < 1", "policy 'gati' is not compared; known: no-sgs, sushi"),
        ("sushi.mean_latency < 1", "did you mean 'mean_latency_ms'?"),
        ("latency < 1", "unknown metric 'latency'"),
        ("1 < " + "(" * (MAX_BRACKETS + 1), f"it opens more than {MAX_BRACKETS} brackets"),
        ("1 < " + "1" * MAX_LENGTH, f"at most {MAX_LENGTH} characters"),
        ("__import__('os') < 1", "column 1: '_' is not understood"),
    ],
)
def test_what_is_no_condition_ends_in_one_line_that_says_why(text: str, what: str) -> None:
    with pytest.raises(UserError) as caught:
        list(check_condition(text, METRICS))
    message = str(caught.value)
    assert message.startswith("--fail-if")
    assert what in message
    assert "\n" not in message


def test_a_condition_may_be_as_deep_as_it_may_be_long() -> None:
    brackets = "(" * MAX_BRACKETS + "1" + ")" * MAX_BRACKETS
    minuses = "-" * (MAX_LENGTH - 2 * MAX_BRACKETS - 1 - len("<2"))
    assert Condition(f"{minuses}{brackets}<2").values(METRICS, "sushi") in ((1, 2), (-1, 2))
