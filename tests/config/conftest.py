from collections.abc import Callable
from pathlib import Path

import pytest

from sushi_dse.config.hardware_file import HardwareFile, load_hardware
from sushi_dse.hardware.accelerator import Dataflow

# The first line of a file that extends one of that dataflow.
EXTENDING_BY = {
    Dataflow.WEIGHT_STATIONARY: "extends: zcu104\n",
    Dataflow.OUTPUT_STATIONARY: "extends: vcu118_64x64\n",
}
Load = Callable[[str], HardwareFile]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a text as the hardware file `my.yaml` of the working folder."""
    monkeypatch.chdir(tmp_path)

    def of_text(text: str) -> HardwareFile:
        Path("my.yaml").write_text(text)
        return load_hardware("my.yaml")

    return of_text
