"""The names that `sushi_dse` promises, and the example that uses them."""

import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import sushi_dse
from tests import paths

ROOT = paths.ROOT
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
NAMES = [name for name in sushi_dse.__all__ if name != "__version__"]
TABLES = ("METRICS", "MODES", "POLICIES")


def run(script: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_what_its_module_defines_and_is_documented(name: str) -> None:
    value = getattr(sushi_dse, name)
    assert f"`{name}`" in (sushi_dse.__doc__ or "") or name == "UserError"
    if name in TABLES:
        assert value
        return
    assert value.__module__.startswith("sushi_dse.")
    text = inspect.getdoc(value) or ""
    assert not text.startswith(f"{name}("), "a dataclass's own, which says nothing"
    assert len(text) > 60


def test_the_names_for_types_are_those_that_are_imported() -> None:
    text = Path(sushi_dse.__file__).read_text(encoding="utf-8")
    block = text[text.index("if TYPE_CHECKING:") : text.index("__version__: str")]
    imports = dict(
        (name, module)
        for module, names in re.findall(r"from sushi_dse\.([\w.]+) import (.*)", block)
        for name in names.split(", ")
    )
    assert imports == sushi_dse._MODULE_OF
    assert sorted(imports) == sorted(NAMES)


def test_the_package_is_imported_without_what_is_slow() -> None:
    said = run("import sys, sushi_dse; print({'numpy', 'numba', 'pandas'} & set(sys.modules))")
    assert said == "set()\n"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sushy'"):
        _ = sushi_dse.sushy
    assert dir(sushi_dse) == sorted(sushi_dse.__all__)


def test_a_design_that_is_not_there_is_an_index_error() -> None:
    experiment = sushi_dse.load_experiment(
        "zcu104", policies=["no-sgs"], mode="strict-accuracy", queries=9
    )
    with pytest.raises(IndexError):
        sushi_dse.evaluate(experiment, [experiment.space.size])


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    script = ROOT / "examples" / "first_look.py"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    gains = {
        name: float(gain)
        for name, gain in re.findall(r"^([\w-]+): gains (-?[\d.]+) %", done.stdout, re.MULTILINE)
    }
    assert gains["no-sgs"] == 0
    assert gains["latency-aware"] > 0
    for cold, best in re.findall(r"SubNet \w: ([\d.]+) ms, at best ([\d.]+) ms", done.stdout):
        assert float(best) <= float(cold)
    assert "mean_latency_ms  energy_mj_per_query" in done.stdout


def test_the_version_is_said_once_and_cited() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sushi_dse.__version__ == project["version"] == CITATION["version"]
    assert CITATION["license"] == project["license"]


def test_the_citation_has_what_the_format_demands_and_a_paper_for_each_system() -> None:
    assert {"cff-version", "message", "title", "authors"} <= set(CITATION)
    for reference in CITATION["references"]:
        assert {"type", "title", "authors", "year"} <= set(reference)
        assert all("family-names" in author for author in reference["authors"])
    notes = " ".join(reference["notes"] for reference in CITATION["references"])
    for system in ("sushi", "slo-nn", "gati", "slackfit", "infaas", "clipper", "model-switching"):
        assert f"policy {system}" in notes
