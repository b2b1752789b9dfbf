"""Sound files for all, and a folder of its own for each test."""

from pathlib import Path

import pytest

from tests.fuzz.files import Sound, make_sound_files


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return make_sound_files(tmp_path_factory.mktemp("hostile") / "sound")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
