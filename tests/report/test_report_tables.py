import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.report.formats import print_table

METRICS = ["mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query", "slo_attainment"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(columns: list[str], characters: int, stream: io.StringIO) -> list[str]:
    rows = [{name: f"{name[:4]}{row}" for name in columns} for row in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(characters))
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stdout", stream)
        print_table(rows, columns)
    return re.sub(r"\x1b\[\d*m", "", stream.getvalue()).splitlines()


@given(st.integers(45, 200), st.lists(st.sampled_from(METRICS), unique=True))
def test_a_table_is_no_wider_than_its_terminal(characters: int, metrics: list[str]) -> None:
    columns = ["design", *metrics[:2], "policy", *metrics[2:]]
    lines = printed(columns, characters, Terminal())
    assert max(map(len, lines)) <= characters
    cells = " ".join(lines).split()
    for name in columns:
        assert f"{name[:4]}0" in cells
        assert f"{name[:4]}1" in cells


def test_each_band_of_a_table_says_what_its_rows_are_about() -> None:
    lines = printed(["design", "policy", *METRICS], 45, Terminal())
    rows = [line.split() for line in lines if "desi0" in line]
    assert len(rows) > 1
    assert all(row[:2] == ["desi0", "poli0"] for row in rows)
    assert [cell for row in rows for cell in row[2:]] == [f"{name[:4]}0" for name in METRICS]


def test_a_table_that_goes_into_a_file_is_one() -> None:
    lines = printed(["design", "policy", *METRICS], 45, io.StringIO())
    assert sum("desi0" in line for line in lines) == 1
