"""`doctor`: an installation that works, and parts of it that do not."""

import json
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from sushi_dse.analysis import doctor
from sushi_dse.cli import main
from sushi_dse.config import shipped
from sushi_dse.model import breakdown


def states() -> dict[str, str]:
    return {finding.check: finding.state for finding in doctor.examine()}


def finding(check: str) -> doctor.Finding:
    (found,) = [finding for finding in doctor.examine() if finding.check == check]
    return found


def requires(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[doctor.Finding]:
    monkeypatch.setattr(metadata, "requires", lambda _: list(lines))
    return list(doctor.find_libraries())


def test_this_installation_works() -> None:
    found = states()
    assert doctor.BROKEN not in found.values()
    assert {"Python", "processors", "shipped files", "kernel cache", "evaluation", "numba"} <= set(
        found
    )


def test_a_broken_part_is_named_with_its_mend_and_ends_in_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipped, "PACKAGE", Path("/gone"))
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "--format", "json"])
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (stop.value.code, document["ok"]) == (2, False)
    broken = {check["check"]: check for check in document["checks"] if check["state"] == "broken"}
    assert set(broken) == {"shipped files", "evaluation"}
    assert all(check["mend"] for check in broken.values())
    assert said.err.count("\n") == 2
    assert "shipped files is broken" in said.err


def test_a_model_that_computes_wrongly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = breakdown.subnet_breakdown

    class Wrong:
        latency_ms = np.nextafter(0, 1)

    monkeypatch.setattr(breakdown, "subnet_breakdown", lambda *_: Wrong)
    assert finding("evaluation").state == doctor.BROKEN
    monkeypatch.setattr(breakdown, "subnet_breakdown", honest)
    assert finding("evaluation").state == doctor.OK


@pytest.mark.parametrize(
    ("line", "check", "state", "mend"),
    [
        ("numpy>=2.0", "numpy", doctor.OK, ""),
        ("numpy>=99", "numpy", doctor.BROKEN, "pip install 'numpy>=99'"),
        ("no-such-thing>=1.2", "no-such-thing", doctor.BROKEN, "pip install 'no-such-thing>=1.2'"),
        (
            'no-such[binary]>=3.2; extra == "mine"',
            "no-such (extra mine)",
            doctor.ABSENT,
            "pip install 'sushi-dse[mine]'",
        ),
        ('plotly>=6.0; extra == "html"', "plotly (extra html)", doctor.OK, ""),
    ],
)
def test_a_library_is_held_against_its_least_version(
    monkeypatch: pytest.MonkeyPatch, line: str, check: str, state: str, mend: str
) -> None:
    (found,) = requires(monkeypatch, line)
    assert (found.check, found.state, found.mend) == (check, state, mend)


def test_what_only_developers_need_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert requires(monkeypatch, 'pytest; extra == "dev"') == []
    assert requires(monkeypatch, 'sushi-dse[dask,html]; extra == "dev"') == []


def test_a_package_that_is_not_installed_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Iterator[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setattr(metadata, "requires", absent)
    assert finding("sushi-dse").state == doctor.BROKEN


def test_a_cache_that_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(dir: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    found = finding("kernel cache")
    assert found.state == doctor.BROKEN
    assert "No space left" in found.found
    assert "NUMBA_CACHE_DIR" in found.mend
