import errno
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.files import write_whole
from sushi_dse.store import run as run_module
from sushi_dse.store.code import code_facts
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import Part, frame_of, part_bytes, part_name, read_results, read_tables
from sushi_dse.store.run import SCHEMA_VERSION, Run

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
    columns = {"policy": "sushi", "mean_latency_ms": 0.5, "infeasible_reason": ""}
    repeated = {name: [value] * count for name, value in columns.items()}
    counts = {"designs": count, "infeasible": 0, "infeasible_by_resource": {}}
    table = pa.table({"design": designs, **repeated})
    return table.replace_schema_metadata({b"sushi_dse": json.dumps(counts)})


def part(block: int, table: pa.Table | None = None) -> str:
    return part_name(
        Run(inputs=INPUTS).hash, block, part_bytes(rows(block) if table is None else table)
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def fill(folder: Path, *blocks: int) -> None:
    with Store.open(folder, Run(inputs=INPUTS)) as store:
        for block in blocks:
            store.write(block, part_bytes(rows(block)))


def refusal(folder: Path, inputs: Mapping[str, object] = INPUTS) -> str:
    with pytest.raises(UserError) as refused, Store.open(folder, Run(inputs=inputs)):
        pass
    return str(refused.value)


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
    out = tmp_path / "deep" / "out"
    fill(out, 123_456_789, 2, 0)
    assert set(contents(out)) == {"run.json", part(0), part(2), part(123_456_789)}
    frame = read_results(out)
    assert frame["design"].tolist() == [0, 1, 2, 2, 3, 4, 123456789, 123456790, 123456791]
    assert frame["policy"].unique().tolist() == ["sushi"]
    assert list(read_results(out, ["mean_latency_ms"]).columns) == ["mean_latency_ms"]
    with Store.open(out, Run(inputs=INPUTS)) as store:
        assert pa.concat_tables(part.read() for part in store.rows).to_pandas().equals(frame)


def test_parts_are_read_one_at_a_time(tmp_path: Path) -> None:
    fill(tmp_path, 0, 1)
    (tmp_path / part(1)).write_bytes(b"")
    tables = read_tables(tmp_path)
    assert next(tables).equals(rows(0))
    with pytest.raises(UserError, match="is damaged"):
        next(tables)


def test_a_block_is_in_the_store_once_it_is_written(tmp_path: Path) -> None:
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        assert 0 not in store
        store.write(0, part_bytes(rows(0)))
        assert 0 in store
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        assert 0 in store
        assert 1 not in store
        assert -1 not in store
        assert "0" not in store
        with pytest.raises(ValueError, match="block >= 0"):
            store.write(-1, part_bytes(rows(0)))


def test_equal_rows_make_equal_bytes_and_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with Store.open(tmp_path / name, Run(inputs=INPUTS, command="sushi-dse sweep")) as store:
            store.write(7, part_bytes(rows(0, 1000)))
        time.sleep(0.01)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_opening_again_changes_no_byte(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    before = contents(tmp_path)
    assert set(before) == {"run.json", part(0)}
    turned = dict(reversed(INPUTS.items()))
    with Store.open(tmp_path, Run(inputs=turned, command="another")) as store:
        assert store.damaged == {}
    assert contents(tmp_path) == before


def test_a_folder_that_is_swept_is_refused_with_who_holds_it(tmp_path: Path) -> None:
    with Store.open(tmp_path, Run(inputs=INPUTS)):
        assert refusal(tmp_path) == (
            f"{tmp_path}: another sweep (process {os.getpid()} on {platform.node()}) is writing to "
            "it; wait for its end, or choose another --out"
        )
    fill(tmp_path, 0)  # for the first has let go


def test_a_folder_of_other_inputs_is_let_go_again(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    assert "seed was 1" in refusal(tmp_path, {**INPUTS, "seed": 2})
    fill(tmp_path, 1)


def test_run_json_says_what_the_results_are_of(tmp_path: Path) -> None:
    with Store.open(tmp_path, Run(inputs=INPUTS, command="sushi-dse sweep --hw tiny")):
        pass
    assert json.loads((tmp_path / "run.json").read_text()) == {
        "schema_version": run_module.SCHEMA_VERSION,
        "model_version": run_module.MODEL_VERSION,
        "code": code_facts(),
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
    fill(tmp_path)
    text = refusal(tmp_path, {**INPUTS, **changed})
    assert text.startswith(f"{tmp_path}: holds the results of another run: {message}")
    assert text.endswith("; choose another --out, or delete the folder")
    assert "\n" not in text


def test_an_input_that_was_dropped_is_named(tmp_path: Path) -> None:
    fill(tmp_path)
    fewer = {name: INPUTS[name] for name in ("hw", "policies")}
    assert "seed was 1 and is absent now" in refusal(tmp_path, fewer)


@pytest.mark.parametrize(
    ("before", "after"), [("x" * 500, "x" * 400 + "y"), ("x" * 500, "y"), ("x" * 61, "x" * 62)]
)
def test_long_values_are_cut_to_where_they_differ(tmp_path: Path, before: str, after: str) -> None:
    with Store.open(tmp_path, Run(inputs={"long": before})):
        pass
    text = refusal(tmp_path, {"long": after}).removeprefix(str(tmp_path))
    assert len(text) < 300
    then, now = text.split("long was ")[1].split(" now;")[0].split(" and is ")
    assert then != now


def test_results_of_another_version_of_the_model_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.setattr(run_module, "MODEL_VERSION", run_module.MODEL_VERSION + 1)
    assert "model_version was" in refusal(tmp_path, {**INPUTS, "seed": 2})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"3", b'{"inputs": {}}', b"\xff\xfe\x00", b"[" * 100_000,
     b'{"schema_version": %d, "model_version": 1, "inputs": {"seed": NaN}}' % SCHEMA_VERSION],
)  # fmt: skip
def test_a_broken_run_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    assert "run.json: is broken; run its sweep again in another folder" in refusal(tmp_path)
    assert (tmp_path / "run.json").read_bytes() == content


def test_a_run_json_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    assert "run.json: is a folder; name the folder of a sweep" in refusal(tmp_path)


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    text = refusal(tmp_path)
    assert "holds 'thesis.tex' but no run.json" in text
    assert text.endswith("choose another --out")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("mine")
    for folder in (file, file / "deeper"):
        assert "is not a folder; choose another --out" in refusal(folder)


def test_what_a_kill_leaves_in_a_new_folder_does_not_hinder_the_next_run(tmp_path: Path) -> None:
    (tmp_path / ".run.json.12").write_bytes(b"{")
    (tmp_path / f".{part(3)}.12").write_bytes(b"PAR1")
    (tmp_path / ".certificate.parquet.12").write_bytes(b"PAR1")
    fill(tmp_path)
    assert list(contents(tmp_path)) == ["run.json"]


def damaged(content: bytes, place: int) -> bytes:
    """Cut before `place`, or the byte there changed."""
    if place < 0:
        return content[:place]
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@settings(max_examples=25)
@given(data=st.data())
def test_a_part_that_was_cut_or_edited_anywhere_is_found_and_redone(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, 0, 1)
        whole = contents(folder)
        path = folder / part(1)
        size = len(whole[path.name])
        path.write_bytes(damaged(whole[path.name], data.draw(st.integers(-size, size - 1))))
        with pytest.raises(UserError, match="is damaged; run the sweep again and it is redone"):
            read_results(folder)
        with Store.open(folder, Run(inputs=INPUTS)) as store:
            assert store.damaged == {1: [path]}
            assert 0 in store
            assert 1 not in store
            store.write(1, part_bytes(rows(1)))
            assert 1 in store
        assert contents(folder) == whole


def test_a_block_never_has_two_parts(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    whole = contents(tmp_path)
    old = tmp_path / "part-00000000-0123456789abcdef.parquet"
    old.write_bytes(b"older")
    with Store.open(
        tmp_path, Run(inputs=INPUTS)
    ) as store:  # as a kill leaves it right after a part is redone
        assert 0 in store
    assert contents(tmp_path) == whole
    other = tmp_path / part(0, rows(1)).replace("part-00000001", "part-00000000")
    other.write_bytes(part_bytes(rows(1)))
    with Store.open(
        tmp_path, Run(inputs=INPUTS)
    ) as store:  # nothing tells which of two whole ones is right
        assert 0 not in store
        store.write(0, part_bytes(rows(0)))
    assert contents(tmp_path) == whole


def test_a_damaged_part_goes_when_it_is_redone_under_another_name(tmp_path: Path) -> None:
    fill(tmp_path)
    old = tmp_path / "part-00000000-0123456789abcdef.parquet"
    old.write_bytes(b"older")
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        assert old.exists()
        store.write(0, part_bytes(rows(0)))
    assert set(contents(tmp_path)) == {"run.json", part(0)}


def test_a_full_disk_keeps_what_was_finished(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    before = contents(tmp_path)
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        with files_of_at_most(100), pytest.raises(UserError) as failure:
            store.write(1, part_bytes(rows(0, 100_000)))
        assert contents(tmp_path) == before
        text = str(failure.value)
        assert "cannot be written (" in text
        assert "; 1 finished parts are kept: make room there, and run the same command" in text
        assert "\n" not in text
        assert len(read_results(tmp_path)) == 3
        store.write(1, part_bytes(rows(3)))
    assert len(read_results(tmp_path)) == 6


def test_a_folder_that_is_removed_meanwhile_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Store.open(out, Run(inputs=INPUTS)) as store:
        store.write(0, part_bytes(rows(0)))
        shutil.rmtree(out)
        with pytest.raises(UserError, match="0 finished parts are kept: leave the folder where"):
            store.write(1, part_bytes(rows(1)))
        with pytest.raises(UserError, match="no such file; run the sweep again"):
            store.rows[0].read()
    fill(out, 0, 1)
    assert len(read_results(out)) == 6


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

    def fail(_: int) -> None:
        raise OSError("no number") if number is None else OSError(number, os.strerror(number))

    with Store.open(tmp_path / "out", Run(inputs=INPUTS)) as store:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(UserError, match=f"0 finished parts are kept: {mend}, and run the same"):
            store.write(0, part_bytes(rows(0)))
    text = refusal(tmp_path / "other")
    assert "other: cannot be written to (" in text
    assert text.endswith(f"); {mend}")
    assert list(contents(tmp_path / "out")) == ["run.json"]
    assert contents(tmp_path / "other") == {}


def test_a_read_only_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path, mode: int = 0o777) -> None:  # as for all users but root
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "mkdir", read_only)
    assert "make the folder writable" in refusal(tmp_path / "out")


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


def test_a_link_that_stands_where_a_file_is_written_first_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"keep me")
    (tmp_path / f".file.{os.getpid()}").symlink_to(tmp_path / "victim")
    write_whole(tmp_path / "file", b"new")
    assert contents(tmp_path) == {"victim": b"keep me", "file": b"new"}
    assert not (tmp_path / "file").is_symlink()


def test_no_results_are_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UserError, match=r"has no results \(part-\*\.parquet\)"):
            read_results(folder)


def test_an_unknown_column_is_refused_with_the_near_one(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    with pytest.raises(UserError, match="no column 'designs'; did you mean 'design'"):
        read_results(tmp_path, ["designs"])


def test_parts_with_different_columns_are_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        store.write(0, part_bytes(rows(0)))
        store.write(1, part_bytes(rows(0).drop_columns(["mean_latency_ms"])))
    with pytest.raises(UserError, match="its parts have different columns; delete the folder"):
        read_results(tmp_path)
    other = rows(1).set_column(2, "mean_latency_ms", pa.array([1, 2, 3]))
    with pytest.raises(UserError, match="its parts have different columns; delete the folder"):
        frame_of(tmp_path, [rows(0), other])


def test_a_whole_part_that_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        store.write(0, b"PAR0")
    with pytest.raises(UserError, match="is no Parquet file"):
        read_results(tmp_path)


def test_a_folder_name_that_looks_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    fill(tmp_path / "seed=7", 0)
    assert list(read_results(tmp_path / "seed=7").columns) == rows(0).column_names


def name_of(inputs: Mapping[str, object]) -> str:
    return Run(inputs=inputs).hash


@given(json_mappings)
def test_the_hash_does_not_depend_on_the_order_of_inputs(inputs: dict[str, object]) -> None:
    assert name_of(inputs) == name_of(dict(reversed(inputs.items())))
    assert len(name_of(inputs)) == 16


@given(json_mappings, json_mappings)
def test_two_inputs_share_a_hash_only_if_they_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (name_of(one) == name_of(other)) == same


def test_the_hash_depends_on_the_version_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    before = name_of({"seed": 1})
    monkeypatch.setattr(run_module, "MODEL_VERSION", run_module.MODEL_VERSION + 1)
    assert name_of({"seed": 1}) != before


def test_an_input_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        name_of({"seed": float("nan")})
    with (
        pytest.raises(ValueError, match="JSON compliant"),
        Store.open(tmp_path / "out", Run(inputs={"seed": float("inf")})),
    ):
        pass
    assert not (tmp_path / "out").exists()


def test_the_name_of_a_folder_is_words_and_hash() -> None:
    run = Run(inputs=INPUTS)
    assert run.folder_name("zcu104", "ofa_resnet50") == f"zcu104-ofa_resnet50-{run.hash}"
    assert run.folder_name("../my board.yaml", "a/b") == f"my-board.yaml-a-b-{run.hash}"


def test_results_of_another_layout_are_refused_in_one_line(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    stored = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**stored, "schema_version": 1}))
    with pytest.raises(UserError, match=r"run\.json: is of version 1 of stored results, and this"):
        read_results(tmp_path)
    assert "is of version 1 of stored results" in refusal(tmp_path)


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    run = Run(inputs=INPUTS, command="sushi-dse sweep")
    with Store.open(tmp_path, run):
        pass
    assert Run.read(tmp_path).content == run.content
    assert run.names("policies", tmp_path) == ("no-sgs", "sushi")
    assert run.names("exact", tmp_path) == ()
    with pytest.raises(UserError, match=r"run\.json: is broken"):
        run.names("hw", tmp_path)


def test_a_part_of_another_run_or_block_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    fill(tmp_path / "mine", 0)
    with Store.open(tmp_path / "other", Run(inputs={**INPUTS, "seed": 2})) as store:
        store.write(1, part_bytes(rows(1)))
    (theirs,) = (tmp_path / "other").glob("part-*")
    shutil.copy(theirs, tmp_path / "mine")
    shutil.copy(
        tmp_path / "mine" / part(0), tmp_path / "mine" / part(0).replace("-00000000-", "-00000002-")
    )
    with pytest.raises(UserError, match="is damaged; run the sweep again and it is redone"):
        read_results(tmp_path / "mine")
    with Store.open(tmp_path / "mine", Run(inputs=INPUTS)) as store:
        assert set(store.parts) == {0}
        assert set(store.damaged) == {1, 2}


@pytest.mark.parametrize("fact", list(code_facts()))
def test_results_of_other_code_or_libraries_are_another_run(tmp_path: Path, fact: str) -> None:
    fill(tmp_path, 0)
    with (
        pytest.raises(UserError, match=rf"code.{fact} was .* and is .*other.* now"),
        Store.open(tmp_path, Run(inputs=INPUTS, code={**code_facts(), fact: "other"})),
    ):
        pass


def test_a_part_of_a_block_that_a_run_does_not_have_is_removed_at_its_end(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    stray = tmp_path / part(0).replace("-00000000-", "-00000099-")
    shutil.copy(tmp_path / part(0), stray)
    with Store.open(tmp_path, Run(inputs=INPUTS)) as store:
        assert stray.exists()
        store.discard_damaged()
    assert not stray.exists()
    assert read_results(tmp_path)["design"].tolist() == rows(0)["design"].to_pylist()


def test_a_part_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, 0)

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("sushi_dse.files._at_once", refuse)
    with pytest.raises(UserError, match=r"part-.*: may not be read; change its permissions"):
        Part(tmp_path / part(0), Run(inputs=INPUTS).hash).read()
