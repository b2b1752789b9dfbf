"""Conditions on stored rows, as `--where` takes them before a front is taken.

    condition  = comparison ("and" comparison)*
    comparison = column ("=" | "!=" | "<" | "<=" | ">" | ">=") (number | word)

A column of numbers is compared with a number, and one of words, such as the policy, by `=` or `!=`
with a word.  A row without a value in a column that is named does not fulfil the condition.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sushi_dse.analysis.thresholds import COMPARISONS, tokens_of
from sushi_dse.errors import UserError, near_names
from sushi_dse.store.parts import Part
from sushi_dse.store.schema import WORDS
from sushi_dse.units import parse_number

OPTION, EXAMPLE = "--where", "dsp < 900 and policy = sushi"
RELATIONS = {"=": COMPARISONS["=="]} | {
    name: relation for name, relation in COMPARISONS.items() if name != "=="
}
TOKEN = re.compile(r"\s*(?:(?P<symbol><=|>=|!=|[<>=])|(?P<word>[^\s<>=!]+))")
AND = "and"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column against a number or a word."""

    column: str
    relation: str  # key of RELATIONS
    value: float | str

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Whether each value fulfils the comparison: [row]; a null, as NaN or None, never does."""
        if isinstance(self.value, str):
            known = np.array([value is not None for value in values], dtype=bool)
        else:
            known = ~np.isnan(values)
        return np.asarray(known & RELATIONS[self.relation](values, self.value))  # type: ignore[arg-type] # arrays compare as numbers do


def comparisons_of(text: str, columns: Sequence[str]) -> list[Comparison]:
    """The comparisons of a condition, all of which a row must fulfil.

    `UserError` where the text is none, or names something else than one of the columns.

    >>> [found.value for found in comparisons_of("dsp < 9e2 and policy = sushi", ["dsp", "policy"])]
    [900.0, 'sushi']
    """
    tokens = tokens_of(text, option=OPTION, token=TOKEN, example=EXAMPLE)
    found = []
    for start in range(0, max(len(tokens), 1), 4):
        found.append(_comparison(text, tokens[start : start + 3], columns))
        joint = tokens[start + 3 : start + 4]
        if joint not in ([], [AND]):
            raise _error(text, f"{joint[0]!r} stands where {AND!r} or the end should")
        if joint and start + 4 == len(tokens):
            raise _error(text, f"it ends after {AND!r}")
    return found


def _comparison(text: str, tokens: Sequence[str], columns: Sequence[str]) -> Comparison:
    if len(tokens) < 3:
        raise _error(text, "it ends where a column, a relation or a value should stand")
    column, relation, value = tokens
    if column not in columns:
        raise UserError(f"{OPTION} {text!r}: no column {column!r}; {near_names(column, columns)}")
    if relation not in RELATIONS:
        raise _error(text, f"{relation!r} stands where one of {', '.join(RELATIONS)} should")
    if value in RELATIONS:
        raise _error(text, f"{value!r} stands where a number or a word should")
    if column not in WORDS:
        try:
            return Comparison(column, relation, parse_number(value))
        except ValueError as error:
            raise _error(text, str(error)) from None
    if relation not in ("=", "!="):
        raise _error(text, f"{column} holds words, which are compared by = or !=")
    return Comparison(column, relation, value)


def _error(text: str, what: str) -> UserError:
    mend = "" if ";" in what else f"; write e.g. {EXAMPLE!r}"
    return UserError(f"{OPTION} {text!r}: {what}{mend}")


def fulfilled(
    columns: Mapping[str, Any] | pa.Table, conditions: Sequence[Comparison]
) -> np.ndarray:
    """Whether each row fulfils all of the conditions, of which there is at least one: [row]."""
    masks = [each.holds(columns[each.column].to_numpy()) for each in conditions]
    return np.asarray(np.logical_and.reduce(masks))


@dataclass(frozen=True, slots=True)
class KeptPart(Part):
    """The rows of another part that fulfil some conditions."""

    part: Part
    conditions: tuple[Comparison, ...]

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.part.columns

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All columns of the rows that are kept, or those named."""
        wanted = self.columns if columns is None else list(columns)
        asked = dict.fromkeys([*wanted, *(each.column for each in self.conditions)])
        table = self.part.read(list(asked))
        return table.filter(pa.array(fulfilled(table, self.conditions))).select(wanted)


def kept_parts(parts: Sequence[Part], text: str | None) -> list[Part]:
    """The parts with the rows that fulfil the condition `text`; all rows for None.

    `UserError` where the text is no condition on their columns, or no row fulfils it.
    """
    if text is None:
        return list(parts)
    conditions = tuple(comparisons_of(text, parts[0].columns))
    kept: list[Part] = [KeptPart(part.path, part.run, part, conditions) for part in parts]
    if not any(part.read([conditions[0].column]).num_rows for part in kept):
        words = {each.column for each in conditions if isinstance(each.value, str)}
        known = [f"{name} is one of {', '.join(_words(parts, name))}" for name in sorted(words)]
        mend = "; ".join(known) or "ask for less"
        raise UserError(f"{OPTION} {text!r}: no row of the results is so; {mend}")
    return kept


def _words(parts: Sequence[Part], column: str) -> list[str]:
    """The words in a column of the parts, sorted."""
    found = {word for part in parts for word in part.read([column])[column].unique().to_pylist()}
    return sorted(map(str, found))
