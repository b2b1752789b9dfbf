import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.files import arrow_reader, read_json, write_named, write_whole
from tests import paths

PACKAGE = paths.ROOT / "sushi_dse"


def test_what_arrow_reads_holds_no_object_of_pythons() -> None:
    content = bytes(range(256))
    before = sys.getrefcount(content)
    reader = arrow_reader(content)
    assert sys.getrefcount(content) == before
    assert reader.read() == content


def test_bytes_reach_arrow_by_that_copy_alone() -> None:
    users = [path.name for path in PACKAGE.rglob("*.py") if "BufferReader(" in path.read_text()]
    assert users == ["files.py"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@given(value=JSON)
def test_what_was_written_as_json_is_read_back(folder: Path, value: Any) -> None:
    path = folder / "value.json"
    path.write_text(json.dumps(value))
    assert read_json(path, "write one") == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ":1:1: not JSON: Expecting value"),
        (b'{\n  "a" 1}', ":2:7: not JSON: Expecting ':' delimiter"),
        (b"{} {}", ":1:4: not JSON: Extra data"),
        (b"\xff\xfe\x00", ": not JSON: no text in UTF-8"),
        (b"[" * 100_000, ": not JSON that can be read: it is nested too deeply"),
        (b"1" * 10_000, ": not JSON that can be read: a number in it has too many digits"),
    ],
)
def test_what_is_no_json_is_refused_at_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "value.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        read_json(path, "write one")
    assert str(refused.value) == f"{path}{said}; write one"


@pytest.mark.parametrize("content", ["\u00e9\n", "\u00e9\n".encode(), memoryview(b"\xc3\xa9\n")])
def test_a_text_and_its_bytes_are_written_alike(
    tmp_path: Path, content: str | bytes | memoryview
) -> None:
    path = tmp_path / "file.TXT"
    path.write_bytes(b"old")
    write_named(path, content, (".md", ".txt"))
    assert path.read_bytes() == b"\xc3\xa9\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o400])
def test_a_file_that_is_written_again_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path, other = tmp_path / "own.txt", tmp_path / "made"
    path.write_bytes(b"before")
    path.chmod(mode)
    write_whole(path, b"after")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"after", mode)
    path.unlink()
    write_whole(path, b"new")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file.csv", "the file must end in .md or .txt; rename it"),
        ("missing/file.md", "there is no folder"),
        ("folder.md", "cannot be written: Is a directory; choose another file"),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(UserError) as refused:
        write_named(tmp_path / name, "text", (".md", ".txt"))
    assert str(refused.value).startswith(f"{tmp_path / name}: {said}")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.md"]
