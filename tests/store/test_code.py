from importlib import import_module
from pathlib import Path

import pytest

from sushi_dse.model import kernel_key
from sushi_dse.store import code
from sushi_dse.store.code import code_of_files

WHAT_ROWS_DEPEND_ON = (
    "evaluation.rows",
    "evaluation.traced",
    "evaluation.metrics",
    "hardware.resources",
    "model.weight_stationary",
    "policies.user_file",
    "policies.names",
    "serving.kernel",
    "traces.trace",
    "workload.layers",
    "explore.exact.bounds",
)


@pytest.mark.parametrize("name", WHAT_ROWS_DEPEND_ON)
def test_an_edit_of_anything_that_makes_rows_makes_other_code(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = code_of_files()
    path = Path(str(import_module(f"sushi_dse.{name}").__file__))
    sources = kernel_key.package_sources()
    edited = {**sources, f"sushi_dse.{name}": path.read_bytes() + b"\n# edited\n"}
    monkeypatch.setattr(code, "package_sources", lambda: edited)
    after = code_of_files()
    assert after["sources"] != before["sources"]
    assert {**after, "sources": ""} == {**before, "sources": ""}


def test_an_edit_of_what_only_shows_rows_makes_no_other_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = code_of_files()
    sources = kernel_key.package_sources()
    shows = {name for name in sources if name.startswith(("sushi_dse.cli", "sushi_dse.plots"))}
    edited = {name: text + b"#" if name in shows else text for name, text in sources.items()}
    monkeypatch.setattr(code, "package_sources", lambda: edited)
    assert code_of_files() == before
    assert shows


@pytest.mark.parametrize("library", code.LIBRARIES)
def test_another_version_of_a_library_makes_other_code(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    before = code_of_files()
    versions = {name: before[name] for name in code.LIBRARIES} | {library: "other"}
    monkeypatch.setattr(code, "version", versions.__getitem__)
    assert code_of_files() == before | {library: "other"}
