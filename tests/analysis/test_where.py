"""`--where` against Python's own comparisons, and hostile texts in one line."""

import operator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis.where import comparisons_of, fulfilled, kept_parts
from sushi_dse.errors import UserError
from tests import paths
from tests.commands import Run
from tests.tables import part_of

ORACLE = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
COLUMNS = ["dsp", "design", "recache_every_queries", "policy"]
NUMBERS = st.sampled_from([-1, 0, 1, 2])
ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, st.none() | NUMBERS, st.sampled_from(["sushi", "no-sgs"])),
    min_size=1,
    max_size=8,
)
CLAUSES = st.tuples(st.sampled_from(COLUMNS[:3]), st.sampled_from(list(ORACLE)), NUMBERS) | (
    st.tuples(st.just("policy"), st.sampled_from(["=", "!="]), st.sampled_from(["sushi", "x"]))
)


def table_of(rows: list[tuple[Any, ...]]) -> pa.Table:
    kinds = [pa.float64(), pa.int64(), pa.int64(), pa.string()]
    columns = zip(*rows, strict=True)
    return pa.table({n: pa.array(c, k) for n, c, k in zip(COLUMNS, columns, kinds, strict=True)})


@given(ROWS, st.lists(CLAUSES, min_size=1, max_size=3), st.booleans())
def test_a_row_is_kept_where_every_comparison_holds(
    rows: list[tuple[Any, ...]], clauses: list[tuple[str, str, Any]], tight: bool
) -> None:
    gap = "" if tight else " "
    text = " and ".join(gap.join((name, sign, str(value))) for name, sign, value in clauses)
    mask = fulfilled(table_of(rows), comparisons_of(text, COLUMNS))
    for kept, row in zip(mask.tolist(), rows, strict=True):
        cells = dict(zip(COLUMNS, row, strict=True))
        assert kept == all(
            cells[name] is not None and ORACLE[sign](cells[name], value)
            for name, sign, value in clauses
        )
    parts = [part_of(table_of(rows))]
    if mask.any():
        (part,) = kept_parts(parts, text)
        assert part.read(["policy"]).column_names == ["policy"]
        assert part.read().num_rows == mask.sum()
    else:
        with pytest.raises(UserError, match="no row"):
            kept_parts(parts, text)


@given(
    st.text() | st.lists(st.sampled_from([*COLUMNS, *ORACLE, "and", "1", "sushi"])).map(" ".join)
)
def test_any_text_is_a_condition_or_an_error(text: str) -> None:
    try:
        found = comparisons_of(text, COLUMNS)
    except UserError:
        return
    assert all(each.column in COLUMNS for each in found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sushi_dse import Sweep, load_experiment

    out = tmp_path_factory.mktemp("where") / "swept"
    Sweep(load_experiment(paths.TINY, queries=20), out=out).run()
    return out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends where"),
        ("dsp", "ends where"),
        ("dsp < 9 and", "ends after 'and'"),
        ("dsp < 9 or dsp > 3", "'or' stands where 'and'"),
        ("dspp < 9", "did you mean 'dsp'?"),
        ("dsp < nan", "no finite number"),
        ("dsp < policy", "no finite number"),
        ("dsp = = 3", "a number or a word"),
        ("policy < sushi", "= or !="),
        ("policy = sushy", "no row"),
        ("__import__('os').system('true') = 1", "no column"),
        ("dsp < 1" + " and dsp < 1" * 100, "at most 500"),
        ("dsp\n<\x1b[31m 9", "no finite number"),
    ],
)
@pytest.mark.parametrize("command", ["show", "plot"])
def test_a_hostile_condition_ends_in_one_line(
    run: Run, folder: Path, command: str, text: str, told: str
) -> None:
    done = run("pareto", command, folder, "--where", text)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert told in done.err
    assert "\x1b" not in done.err


def test_the_front_is_that_of_the_rows_that_are_kept(run: Run, folder: Path) -> None:
    shown = run("pareto", "show", folder, "--where", "policy=no-sgs and dsp <= 400",
                "--format", "json")  # fmt: skip
    front = shown.document["front"]
    assert front
    assert all(row["policy"] == "no-sgs" and row["dsp"] <= 400 for row in front)
