from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sushi_dse.errors import UserError
from sushi_dse.files import reading_parquet
from sushi_dse.traces.files import read_trace
from sushi_dse.traces.trace import COLUMNS


def no_reading(*_: object, **__: object) -> None:
    raise AssertionError("it was read")


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x" * 1000]).dictionary_encode().take(pa.array([0] * 50)).cast(pa.string()),
        pa.array([[1.0] * 10] * 50),
        pa.array([{"a": 1.0}] * 50),
        pa.array([True] * 50),
    ],
    ids=["text", "lists", "structs", "truths"],
)
@pytest.mark.parametrize("name", [*COLUMNS, "another"])
def test_the_columns_of_a_parquet_trace_are_checked_before_any_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: pa.Array, name: str
) -> None:
    columns: dict[str, object] = dict.fromkeys(COLUMNS, pa.array(np.ones(50)))
    pq.write_table(pa.table({**columns, name: column}), tmp_path / "t.parquet")
    for method in ("read", "read_row_group"):
        monkeypatch.setattr(pq.ParquetFile, method, no_reading)
    with pytest.raises(UserError, match=r"store it as float64|unknown column"):
        read_trace(tmp_path / "t.parquet")


def test_row_groups_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {name: np.arange(100.0) + 1 for name in COLUMNS}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=7)
    monkeypatch.setattr(pq.ParquetFile, "read", no_reading)
    assert read_trace(tmp_path / "t.parquet").arrived_ms.tolist() == columns[COLUMNS[0]].tolist()


@pytest.mark.parametrize("error", [pa.ArrowMemoryError("malloc"), MemoryError(), OSError(12, "")])
def test_too_little_memory_is_called_so(error: Exception) -> None:
    with pytest.raises(MemoryError), reading_parquet("is no Parquet file; delete it"):
        raise error
    with (
        pytest.raises(UserError, match="is no Parquet file"),
        reading_parquet("is no Parquet file"),
    ):
        raise pa.ArrowInvalid("torn")
