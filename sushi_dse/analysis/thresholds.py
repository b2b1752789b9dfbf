"""Conditions on compared policies, as `--fail-if` takes them, in a small grammar of their own.

    condition = sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
    sum       = product (("+" | "-") product)*
    product   = factor (("*" | "/") factor)*
    factor    = number | policy "." metric | metric | "-" factor | "(" sum ")"

A metric without a policy stands for every policy compared, one after the other.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan

from sushi_dse.errors import UserError, near_names
from sushi_dse.units import UNSIGNED, parse_number

TOKEN = re.compile(
    rf"\s*(?:(?P<number>{UNSIGNED})"
    r"|(?P<name>[A-Za-z][\w-]*\.[A-Za-z]\w*|[A-Za-z]\w*)"
    r"|(?P<symbol><=|>=|==|!=|[<>+\-*/()]))"
)
EXAMPLE = "sushi.mean_latency_ms > 0.99 * no-sgs.mean_latency_ms"
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
MAX_LENGTH = 500  # longest condition, in characters
MAX_BRACKETS = 50  # most brackets: each nests three calls on the interpreter's stack

Metrics = Mapping[str, Mapping[str, float]]
"""Values by policy, then by metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a metric was, and what it is."""

    was: float
    now: float

    @property
    def percent(self) -> float | None:
        """The change in percent of what it was; None where that was 0 and is not."""
        if self.was == self.now:
            return 0.0
        if isnan(self.was) or isnan(self.now):
            return None
        return 100 * (self.now - self.was) / abs(self.was) if self.was else None

    @property
    def said(self) -> str:
        """Was, is and percent in words."""
        if isnan(self.now):
            return f"was {self.was:.6g}, is not known now"
        percent = "" if self.percent is None else f", {self.percent:+.3g} %"
        return f"was {self.was:.6g}, is {self.now:.6g}{percent}"


@dataclass(frozen=True, slots=True)
class Check:
    """An outcome that a build may fail on: of a condition, or of a metric against a baseline."""

    name: str  # text of the condition, or policy and metric
    missed: bool  # whether a build fails: the condition holds, or the metric is worse
    detail: str  # values that were compared
    metric: str = ""  # that is held against a baseline
    change: Change | None = None  # of that metric

    @property
    def row(self) -> dict[str, object]:
        """The check as a row: name, what it came to, and of a metric was, is and percent."""
        row: dict[str, object] = {"check": self.name, "missed": self.missed, "detail": self.detail}
        if self.change is not None:
            row |= {"was": self.change.was, "is": self.change.now}
            row["change_percent"] = self.change.percent
        return row


def tokens_of(
    text: str, *, option: str = "--fail-if", token: re.Pattern[str] = TOKEN, example: str = EXAMPLE
) -> list[str]:
    """The tokens of a condition that an `option` gives; `UserError` with the place of a wrong one.

    `token` matches one of them with the blanks before it; an error shows the `example`.
    """
    if len(text) > MAX_LENGTH:
        raise UserError(f"{option}: a condition has at most {MAX_LENGTH} characters")
    tokens, start = [], 0
    while rest := text[start:].lstrip():
        match = token.match(text, start)
        if match is None:
            raise UserError(
                f"{option} {text!r}: column {len(text) - len(rest) + 1}: {rest[0]!r} is not "
                f"understood; write e.g. {example!r}"
            )
        tokens.append(match[0].strip())
        start = match.end()
    return tokens


class Condition:
    """A condition, whose sides are evaluated by recursive descent; `UserError` for a wrong text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens_of(text)
        self._place = 0
        self._metrics: Metrics = {}
        self._policy = ""
        comparisons = [token for token in self._tokens if token in COMPARISONS]
        if len(comparisons) != 1:
            raise UserError(
                f"--fail-if {text!r}: one of {', '.join(COMPARISONS)} must stand between two sides"
            )
        self.comparison = comparisons[0]
        if self._tokens.count("(") > MAX_BRACKETS:
            raise self._error(f"it opens more than {MAX_BRACKETS} brackets")

    @property
    def names_a_bare_metric(self) -> bool:
        """Whether some metric stands without its policy."""
        return any(token[0].isalpha() and "." not in token for token in self._tokens)

    def values(self, metrics: Metrics, policy: str) -> tuple[float, float]:
        """The values of both sides of the comparison, with bare metrics taken of `policy`."""
        self._metrics, self._policy, self._place = metrics, policy, 0
        left = self._sum()
        self._expect(self.comparison)
        right = self._sum()
        if self._place < len(self._tokens):
            raise self._error(f"{self._tokens[self._place]!r} stands where the end should")
        if isnan(left) or isnan(right):
            raise self._error("a side comes to no number")
        return left, right

    def _error(self, what: str) -> UserError:
        mend = "" if ";" in what else "; see sushi-dse compare policies --help"
        return UserError(f"--fail-if {self.text!r}: {what}{mend}")

    def _next(self) -> str:
        if self._place == len(self._tokens):
            raise self._error("it ends where a number or a metric should stand")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, *symbols: str) -> str | None:
        if self._place < len(self._tokens) and self._tokens[self._place] in symbols:
            return self._next()
        return None

    def _expect(self, symbol: str) -> None:
        if self._take(symbol) is None:
            raise self._error(f"{symbol!r} is missing")

    def _sum(self) -> float:
        value = self._product()
        while symbol := self._take("+", "-"):
            value += self._product() if symbol == "+" else -self._product()
        return value

    def _product(self) -> float:
        value = self._factor()
        while symbol := self._take("*", "/"):
            factor = self._factor()
            if symbol == "/" and factor == 0:
                raise self._error("it divides by zero")
            value = value * factor if symbol == "*" else value / factor
        return value

    def _factor(self) -> float:
        token = self._next()
        if token == "-":
            return -self._factor()
        if token == "(":
            value = self._sum()
            self._expect(")")
            return value
        if token[0] in ".0123456789":
            try:
                return parse_number(token)
            except ValueError as error:
                raise self._error(str(error)) from None
        if not token[0].isalpha():
            raise self._error(f"{token!r} stands where a number or a metric should")
        policy, _, metric = token.rpartition(".")
        return self._metric(policy or self._policy, metric)

    def _metric(self, policy: str, metric: str) -> float:
        if policy not in self._metrics:
            raise self._error(
                f"policy {policy!r} is not compared; {near_names(policy, self._metrics)}"
            )
        if metric not in self._metrics[policy]:
            raise self._error(
                f"unknown metric {metric!r}; {near_names(metric, self._metrics[policy])}"
            )
        value = self._metrics[policy][metric]
        if value != value:
            raise UserError(f"{policy}.{metric} is not known, so no condition can hold on it")
        return value


def check_condition(text: str, metrics: Metrics) -> Iterator[Check]:
    """The check of a condition, for each policy that a bare metric stands for.

    `UserError` where the condition cannot be evaluated.
    """
    condition = Condition(text)
    everyone = list(metrics) if condition.names_a_bare_metric else list(metrics)[:1]
    for policy in everyone:
        left, right = condition.values(metrics, policy)
        missed = COMPARISONS[condition.comparison](left, right)
        yield Check(
            name=f"{text} [{policy}]" if condition.names_a_bare_metric else text,
            missed=missed,
            detail=f"{left:.6g} {condition.comparison} {right:.6g}",
        )
