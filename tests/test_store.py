import errno
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse import store as store_module
from sushi_dse.errors import UserError
from sushi_dse.store import Store, point_id, read_results, results_name, write_whole

INPUTS: dict[str, object] = {
    "hw": {"name": "tiny", "sha256": "ab" * 32},
    "policies": ["no-sgs", "sushi"],
    "seed": 1,
}
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
json_values = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.text(max_size=2), leaves)
json_mappings = st.dictionaries(st.text(max_size=2), json_values, max_size=3)


def rows(first: int, count: int = 3) -> pa.Table:
    designs = list(range(first, first + count))
    return pa.table(
        {"design": designs, "policy": ["sushi"] * count, "mean_latency_ms": [0.5] * count}
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """A real error of the operating system in the middle of a write."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_written_is_read_back_in_the_order_of_blocks(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "deep" / "out", INPUTS)
    for block in (123_456_789, 2, 0):
        store.write(block, rows(block))
    assert [path.name for path in store.parts()] == [
        "part-00000000.parquet",
        "part-00000002.parquet",
        "part-123456789.parquet",
    ]
    frame = read_results(store.folder)
    assert frame["design"].tolist() == [0, 1, 2, 2, 3, 4, 123456789, 123456790, 123456791]
    assert frame["policy"].unique().tolist() == ["sushi"]
    assert list(read_results(store.folder, ["mean_latency_ms"]).columns) == ["mean_latency_ms"]


def test_a_block_is_in_the_store_once_it_is_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path, INPUTS)
    assert 0 not in store
    store.write(0, rows(0))
    assert 0 in store
    assert 0 in Store.open(tmp_path, INPUTS)
    assert 1 not in store
    assert -1 not in store
    assert "0" not in store
    with pytest.raises(ValueError, match="block >= 0"):
        store.write(-1, rows(0))


def test_equal_rows_make_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store = Store.open(tmp_path / name, INPUTS, command="sushi-dse sweep")
        store.write(7, rows(0, 1000))
        time.sleep(0.01)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_opening_again_changes_no_byte(tmp_path: Path) -> None:
    Store.open(tmp_path, INPUTS, command="sushi-dse sweep").write(0, rows(0))
    before = contents(tmp_path)
    assert set(before) == {"run.json", "part-00000000.parquet"}
    turned = dict(reversed(INPUTS.items()))
    assert Store.open(tmp_path, turned, command="another").damaged == ()
    assert contents(tmp_path) == before


def test_run_json_says_what_the_results_are_of(tmp_path: Path) -> None:
    Store.open(tmp_path, INPUTS, command="sushi-dse sweep --hw tiny")
    assert json.loads((tmp_path / "run.json").read_text()) == {
        "schema_version": store_module.SCHEMA_VERSION,
        "model_version": store_module.MODEL_VERSION,
        "command": "sushi-dse sweep --hw tiny",
        "inputs": INPUTS,
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 2}, "seed was 1 and is 2 now"),
        ({"seed": 1.0}, "seed was 1 and is 1.0 now"),
        ({"policies": ["no-sgs", "gati"]}, 'policies[1] was "sushi" and is "gati" now'),
        ({"policies": ["no-sgs"]}, 'policies[1] was "sushi" and is absent now'),
        ({"policies": []}, "policies was absent and is [] now"),
        ({"more": True}, "more was absent and is true now"),
        ({"hw": {"name": "tiny", "sha256": "cd" * 32}}, 'hw.sha256 was "abab'),
        ({"hw": 3, "seed": 5}, "hw was absent and is 3 now"),
    ],
)
def test_a_folder_of_another_run_is_refused_by_the_first_input_that_differs(
    tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    Store.open(tmp_path, INPUTS)
    with pytest.raises(UserError) as refusal:
        Store.open(tmp_path, {**INPUTS, **changed})
    text = str(refusal.value)
    assert text.startswith(f"{tmp_path}: holds the results of another run: {message}")
    assert text.endswith("; choose another --out, or delete the folder")
    assert "\n" not in text


def test_an_input_that_was_dropped_is_named(tmp_path: Path) -> None:
    Store.open(tmp_path, INPUTS)
    with pytest.raises(UserError, match="seed was 1 and is absent now"):
        Store.open(tmp_path, {name: INPUTS[name] for name in ("hw", "policies")})


@pytest.mark.parametrize(
    ("before", "after"), [("x" * 500, "x" * 400 + "y"), ("x" * 500, "y"), ("x" * 61, "x" * 62)]
)
def test_long_values_are_cut_to_where_they_differ(tmp_path: Path, before: str, after: str) -> None:
    Store.open(tmp_path, {"long": before})
    with pytest.raises(UserError) as refusal:
        Store.open(tmp_path, {"long": after})
    text = str(refusal.value).removeprefix(str(tmp_path))
    assert len(text) < 300
    then, now = text.split("long was ")[1].split(" now;")[0].split(" and is ")
    assert then != now


def test_results_of_another_version_of_the_model_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(tmp_path, INPUTS)
    monkeypatch.setattr(store_module, "MODEL_VERSION", 2)
    with pytest.raises(UserError, match="model_version was 1 and is 2 now"):
        Store.open(tmp_path, {**INPUTS, "seed": 2})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"3", b'{"inputs": {}}', b"\xff\xfe\x00", b"[" * 100_000,
     b'{"schema_version": 1, "model_version": 1, "inputs": {"seed": NaN}}'],
)  # fmt: skip
def test_a_broken_run_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UserError, match=r"run\.json: is broken; choose another --out"):
        Store.open(tmp_path, INPUTS)
    assert (tmp_path / "run.json").read_bytes() == content


def test_a_run_json_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    with pytest.raises(UserError, match="is broken"):
        Store.open(tmp_path, INPUTS)


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"holds 'thesis\.tex' but no run\.json.*another --out"):
        Store.open(tmp_path, INPUTS)
    assert contents(tmp_path) == {"thesis.tex": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("mine")
    for folder in (file, file / "deeper"):
        with pytest.raises(UserError, match="is not a folder; choose another --out"):
            Store.open(folder, INPUTS)


def test_what_a_kill_leaves_in_a_new_folder_does_not_hinder_the_next_run(tmp_path: Path) -> None:
    fresh, old = tmp_path / ".run.json.12", tmp_path / ".part-00000003.parquet.12"
    fresh.write_bytes(b"{")
    old.write_bytes(b"PAR1")
    os.utime(old, (0, 0))
    store = Store.open(tmp_path, INPUTS)
    assert fresh.exists()  # another run may be at it now
    assert not old.exists()
    assert store.parts() == ()


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_damaged_part_counts_as_missing_and_is_written_again(tmp_path: Path, kept: int) -> None:
    store = Store.open(tmp_path, INPUTS)
    for block in (0, 1):
        store.write(block, rows(block))
    part = tmp_path / "part-00000001.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:kept])

    again = Store.open(tmp_path, INPUTS)
    assert again.damaged == (part,)
    assert 0 in again
    assert 1 not in again
    assert [path.name for path in again.parts()] == ["part-00000000.parquet"]
    with pytest.raises(UserError, match=r"00001\.parquet: cannot be read; delete it and run"):
        read_results(tmp_path)

    again.write(1, rows(1))
    assert 1 in again
    assert part.read_bytes() == whole


def test_a_flipped_bit_of_a_value_is_found(tmp_path: Path) -> None:
    store = Store.open(tmp_path, INPUTS)
    store.write(0, rows(0, 1000))
    part = store.parts()[0]
    chunk = pq.read_metadata(part).row_group(0).column(0)
    content = bytearray(part.read_bytes())
    content[chunk.dictionary_page_offset + chunk.total_compressed_size - 1] ^= 1
    part.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read; delete it"):
        read_results(tmp_path)


def test_a_full_disk_keeps_what_was_finished(tmp_path: Path) -> None:
    store = Store.open(tmp_path, INPUTS)
    store.write(0, rows(0))
    before = contents(tmp_path)
    with files_of_at_most(100), pytest.raises(UserError) as failure:
        store.write(1, rows(0, 100_000))
    assert contents(tmp_path) == before
    text = str(failure.value)
    assert text.startswith(f"{tmp_path / 'part-00000001.parquet'}: cannot be written (")
    assert "; 1 finished parts are kept: make room there, and run the same command again" in text
    assert "\n" not in text
    assert len(read_results(tmp_path)) == 3
    store.write(1, rows(3))
    assert len(read_results(tmp_path)) == 6


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "make room there"),
        (errno.EROFS, "make the folder writable"),
        (errno.EACCES, "make the folder writable"),
        (errno.EIO, "mend that"),
        (None, "mend that"),
    ],
)
def test_an_error_of_the_disk_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None, mend: str
) -> None:
    store = Store.open(tmp_path / "out", INPUTS)

    def fail(_: int) -> None:
        raise OSError("no number") if number is None else OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=f"0 finished parts are kept: {mend}, and run the same"):
        store.write(0, rows(0))
    with pytest.raises(UserError, match=rf"other: cannot be written to \(.*\); {mend}$"):
        Store.open(tmp_path / "other", INPUTS)
    assert list(contents(tmp_path / "out")) == ["run.json"]
    assert contents(tmp_path / "other") == {}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="make the folder writable"):
        Store.open(tmp_path / "out", INPUTS)


def test_an_interrupted_write_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def interrupt(_: int) -> None:
        assert (tmp_path / f".file.{os.getpid()}").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert contents(tmp_path) == {"file": b"old"}


def test_no_results_are_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"has no results \(part-\*\.parquet\)"):
            read_results(folder)


def test_an_unknown_column_is_refused_with_the_near_one(tmp_path: Path) -> None:
    Store.open(tmp_path, INPUTS).write(0, rows(0))
    with pytest.raises(UserError, match="no column 'designs'; did you mean 'design'"):
        read_results(tmp_path, ["designs"])


def test_parts_with_different_columns_are_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path, INPUTS)
    store.write(0, rows(0))
    store.write(1, pa.table({"design": ["text"]}))
    with pytest.raises(UserError, match="its parts have different columns; delete the folder"):
        read_results(tmp_path)


def test_a_part_without_a_feasible_design_is_read_with_the_others(tmp_path: Path) -> None:
    store = Store.open(tmp_path, INPUTS)
    empty = pa.table({"design": [9], "policy": ["sushi"], "mean_latency_ms": pa.nulls(1)})
    store.write(0, empty)
    store.write(1, rows(0))
    frame = read_results(tmp_path)
    assert frame["mean_latency_ms"].isna().tolist() == [True, False, False, False]


def test_a_folder_name_that_looks_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "seed=7", INPUTS)
    store.write(0, rows(0))
    assert list(read_results(store.folder).columns) == rows(0).column_names


@given(json_mappings)
def test_the_id_does_not_depend_on_the_order_of_inputs(inputs: dict[str, object]) -> None:
    assert point_id(inputs) == point_id(dict(reversed(inputs.items())))
    assert len(point_id(inputs)) == 16


@given(json_mappings, json_mappings)
def test_two_inputs_share_an_id_only_if_they_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (point_id(one) == point_id(other)) == same


def test_the_id_depends_on_the_version_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '{"inputs":{"seed":1},"model":1}'
    assert point_id({"seed": 1}) == hashlib.sha256(text.encode()).hexdigest()[:16]
    monkeypatch.setattr(store_module, "MODEL_VERSION", 2)
    assert point_id({"seed": 1}) != hashlib.sha256(text.encode()).hexdigest()[:16]


def test_an_input_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        point_id({"seed": float("nan")})
    with pytest.raises(ValueError, match="JSON compliant"):
        Store.open(tmp_path / "out", {"seed": float("inf")})
    assert not (tmp_path / "out").exists()


def test_the_name_of_a_folder_is_hardware_workload_and_hash() -> None:
    assert (
        results_name("zcu104", "ofa_resnet50", INPUTS) == f"zcu104-ofa_resnet50-{point_id(INPUTS)}"
    )
    assert results_name("../my board.yaml", "a/b", {}) == f"my-board.yaml-a-b-{point_id({})}"


def test_parquet_written_twice_is_the_same(tmp_path: Path) -> None:
    sinks = [io.BytesIO(), io.BytesIO()]
    for sink in sinks:
        pq.write_table(rows(0, 5000), sink, compression="zstd", write_page_checksum=True)
    assert sinks[0].getvalue() == sinks[1].getvalue()
