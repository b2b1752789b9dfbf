"""A log in JSON lines is the log in CSV with the same fields; incomplete rows are counted."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.traces.importers import Imported, import_log
from sushi_dse.traces.log_columns import LogColumns

SPANS: dict[str, Any] = {"accuracy_percent": (70.0, 80.0), "latency_ms": (5.0, 50.0)}


def imported(path: Path, content: str | bytes, **columns: Any) -> Imported:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    fields = {"arrived": "at", "time_unit": "s", **columns}
    return import_log(path, LogColumns(**fields), **SPANS)


def refusal(path: Path, content: str, **columns: Any) -> str:
    with pytest.raises(UserError) as refused:
        imported(path, content, **columns)
    return str(refused.value).removeprefix(str(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


rows = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=2, max_size=20
).filter(lambda rows: len({at for at, _ in rows}) > 1)


@given(rows, st.booleans(), st.booleans())
def test_a_log_in_json_lines_is_that_in_csv(
    folder: Path, rows: list[tuple[int, int]], quoted: bool, zipped: bool
) -> None:
    texts = [(f"{at // 1000}.{at % 1000:03d}", str(size)) for at, size in rows]
    table = "".join(f"{at},{size}\n" for at, size in texts)
    mark = '"' if quoted else ""
    lines = "".join(f'{{"at": {mark}{at}{mark}, "x": [1], "n": {size}}}\n' for at, size in texts)
    content = gzip.compress(lines.encode()) if zipped else lines.encode()
    demands = {"accuracy": "n", "rank": True}
    theirs = imported(folder / "log.csv", f"at,n\n{table}", **demands)
    ours = imported(folder / "log.jsonl", content, **demands)
    assert ours.warnings == theirs.warnings or len(ours.warnings) == len(theirs.warnings)
    for name in ("arrived_ms", "min_accuracy_percent", "max_latency_ms"):
        assert np.array_equal(getattr(ours.trace, name), getattr(theirs.trace, name))


def test_a_number_keeps_the_digits_that_the_file_has(tmp_path: Path) -> None:
    first = 1700158623000000001
    lines = "".join(json.dumps({"at": first + 10**6 * n}) + "\n" for n in range(3))
    read = imported(tmp_path / "log.jsonl", lines, time_unit="ns")
    assert read.trace.arrived_ms.tolist() == [0.0, 1.0, 2.0]
    times = "".join(f'{{"at": "2024-03-01 10:00:0{n},250 UTC"}}\n' for n in range(3))
    read = imported(tmp_path / "log.jsonl", times, time_unit="iso")
    assert read.trace.arrived_ms.tolist() == [0.0, 1000.0, 2000.0]


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ('{"time": 1}\n', ":1: no key 'at'; known: time"),
        ('{"timestamp": 1}\n', ":1: no key 'arrival'; did you mean 'timestamp'?"),
        ('{"at": 1}\n{"at": \n{"at": 2}\n', ":2: no JSON object: '{\"at\": '"),
        ('{"at": 1}\n[1]\n', ":2: no JSON object"),
        ('{"at": 1}\n{"at": [2]}\n', ":2: at is a list or an object"),
        ('{"at": 1}\n{"at": null}\n{"at": 2}\n', ":2: at must be a number such as 12.5, the field"),
        ('{"at": 1}\n{"at": true}\n', ":2: at must be a number such as 12.5, got 'true'"),
        ('{"at": 1}\n{"at": NaN}\n', ":2: at must be a number such as 12.5, got 'NaN'"),
        ("{" * 9000 + "\n", ":1: no JSON object"),
    ],
)
def test_a_mistake_in_json_lines_is_told_with_its_line(
    tmp_path: Path, lines: str, wrong: str
) -> None:
    columns = {"arrived": "arrival"} if "arrival" in wrong else {}
    assert refusal(tmp_path / "log.jsonl", lines, **columns).startswith(wrong)


def test_a_torn_last_object_is_left_out_with_a_warning(tmp_path: Path) -> None:
    read = imported(tmp_path / "log.jsonl", '{"at": 1}\n{"at": 2}\n{"at": 3, "n"')
    assert len(read.trace) == 2
    assert "the last row is torn, and left out" in read.warnings[0]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_incomplete_rows_are_left_out_and_counted_where_that_is_asked(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"log.{kind}"
    table = "at,n\n1,5\n2,\n3\n,4\n5,6\n"
    if kind == "jsonl":
        table = '{"at": 1, "n": 5}\n{"at": 2, "n": null}\n{"at": 3}\n{"n": 4}\n{"at": 5, "n": 6}\n'
    demands = {"accuracy": "n", "rank": True}
    assert "must be a number" in refusal(path, table, **demands)
    read = imported(path, table, **demands, skip_incomplete=True)
    assert read.trace.arrived_ms.tolist() == [0.0, 4000.0]
    first = 3 if kind == "csv" else 2
    lines = ", ".join(map(str, range(first, first + 3)))
    assert read.warnings == (f"{path}: 3 incomplete rows are left out, in lines {lines}",)
    wrong = table.replace("4", '"x"' if kind == "jsonl" else "x").replace(",x", "9,x")
    if kind == "csv":
        assert "must be a number" in refusal(path, wrong, **demands, skip_incomplete=True)
    empty = "\n".join(line for line in table.splitlines() if "5" not in line)
    empty = empty if kind == "csv" else '{"at": 3, "n": null}\n'
    told = refusal(path, f"{empty}\n", **demands, skip_incomplete=True)
    assert told == ": no complete row; a log has one for each request"


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_mark_between_fields_is_named(tmp_path: Path, mark: str) -> None:
    told = refusal(tmp_path / "log.csv", f"at{mark}n\n1{mark}2\n3{mark}4\n")
    assert told == f":1: no column 'at'; its fields are parted by {mark!r}: put commas between them"
