from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sushi_dse.config.hardware_file import HardwareFile, load_hardware
from tests.commands import Run, in_process
from tests.facts import FOLDERS
from tests.hardware_files import Load

# A slow machine is no fault of a law.  A run draws the examples of the last one, so that it fails
# where that failed; `pytest --hypothesis-profile=thorough` draws others, and more of them.
# How long an example takes to draw says more about the machine than about the test.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", UNTIMED, derandomize=True, max_examples=40)
settings.register_profile("thorough", UNTIMED, max_examples=400)
settings.load_profile("quick")


@pytest.fixture(scope="session", params=FOLDERS.values(), ids=list(FOLDERS))
def facts(request: pytest.FixtureRequest) -> Path:
    """A folder of published and measured figures."""
    folder: Path = request.param
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs `sushi-dse` in this process."""
    return in_process(capsys)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a text as the hardware file `my.yaml` of the working folder."""
    monkeypatch.chdir(tmp_path)

    def of_text(text: str) -> HardwareFile:
        Path("my.yaml").write_text(text)
        return load_hardware("my.yaml")

    return of_text
