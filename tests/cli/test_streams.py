"""Commands under odd conditions of the system: closed streams, little memory, a crash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sushi_dse.cli
from tests import paths

ENVIRONMENT = os.environ | {"PYTHONPATH": str(paths.ROOT)}


def shell(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What a line of the shell does, in which SUSHI is the command."""
    command = f"{sys.executable} -m sushi_dse"
    return subprocess.run(
        ["bash", "-c", line.replace("SUSHI", command)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [("SUSHI --version >&-", 0), ("SUSHI describe metric dspp 2>&-", 2), ("SUSHI --help <&-", 0)],
)
def test_a_command_whose_streams_are_closed_ends_with_its_own_exit_code(
    line: str, code: int, tmp_path: Path
) -> None:
    done = shell(line, tmp_path)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_warning_that_nobody_hears_is_not_put_before_the_document(tmp_path: Path) -> None:
    (tmp_path / "unfit.yaml").write_text("extends: zcu104\npe_kernels: 640\n")
    line = "SUSHI cost --hw unfit.yaml --workload resnet18_cifar10 --format json"
    assert "does not fit its device" in shell(line, tmp_path).stderr
    done = shell(f"{line} 2>&-", tmp_path)
    assert json.loads(done.stdout)["total"]["macs"] > 0


def test_a_small_file_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text(
        "arrived_ms,min_accuracy_percent,max_latency_ms\n0,75,40\n10,75,40\n"
    )
    done = shell("ulimit -v 2000000; SUSHI trace describe two.csv --format json", tmp_path)
    assert (done.returncode, json.loads(done.stdout)["queries"]) == (0, 2)


def test_a_fault_of_the_program_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr(sushi_dse.cli, "app", fails)
    with pytest.raises(SystemExit) as stop:
        sushi_dse.cli.main(["describe", "policy"])
    said = capsys.readouterr().err
    assert stop.value.code == 70
    assert "ZeroDivisionError: of our own" in said
    assert said.splitlines()[-1].startswith("error: this is a fault of sushi-dse")
