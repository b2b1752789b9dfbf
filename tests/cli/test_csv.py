"""`--format csv`: what the csv module writes it reads back."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.report.formats import csv_text
from tests import paths
from tests.commands import Run

TINY = str(paths.TINY)
CELLS = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
NAMES = st.sampled_from(["policy", 'a "name"', "with, comma", "two\nlines"])


def back(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(st.lists(st.dictionaries(NAMES, CELLS, min_size=1), min_size=1, max_size=5))
def test_what_is_written_is_read_back(rows: list[dict[str, Any]]) -> None:
    text = csv_text(rows)
    header, *lines = back(text)
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        read = dict(zip(header, line, strict=True))
        assert {name: cell for name, cell in read.items() if name not in row} == dict.fromkeys(
            set(header) - set(row), ""
        )
        for name, value in row.items():
            if isinstance(value, float):
                assert float(read[name]) == value
            else:
                assert read[name] == ("" if value is None else str(value))
    assert text.endswith("\r\n")


def test_numbers_that_are_none_are_empty_and_no_rows_are_a_header() -> None:
    assert csv_text([{"a": float("nan"), "b": True}]) == "a,b\r\n,True\r\n"
    assert csv_text([], ["a", "b"]) == "a,b\r\n"


def test_every_command_that_prints_rows_prints_them_as_csv(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = ("--hw", TINY, "--queries", "20")
    for words in (
        ("sweep", *few, "--out", "swept"),
        ("pareto", "show", "swept"),
        ("pareto", "hypervolume", "swept"),
        ("recommend", "swept"),
        ("explain", *few, "--samples", "4"),
        ("compare", "policies", "--queries", "20", "--policy", "sushi", "--policy", "no-sgs"),
        ("cost", "--subnet", "A"),
        ("describe", "metric"),
    ):
        header, *lines = back(run(*words, "--format", "csv").out)
        rows = run(*words, "--format", "jsonl").out.splitlines()
        assert len(lines) == len(rows) > 0, words
        assert all(len(line) == len(header) for line in lines)
