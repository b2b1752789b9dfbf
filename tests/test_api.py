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
from sushi_dse.traces.files import write_trace
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


def test_names_are_those_of_the_command_line_and_others_are_refused_with_the_near_ones() -> None:
    experiment = sushi_dse.load_experiment(policies=["no-sgs"], queries=9)
    table = sushi_dse.candidate_table(experiment.network, experiment.design)
    trace = experiment.traced
    by_mode = [sushi_dse.serve(trace, table, "sushi", mode=mode) for mode in sushi_dse.MODES]
    assert (by_mode[0].subnet != by_mode[1].subnet).any()
    for call, said in (
        (lambda: sushi_dse.serve(trace, table, "sushi", mode="banana"), "unknown mode 'banana'"),
        (lambda: sushi_dse.serve(trace, table, "sushy", mode="strict-latency"), "mean 'sushi'"),
        (lambda: sushi_dse.load_experiment("zcu105"), "did you mean 'zcu104'"),
        (lambda: sushi_dse.load_experiment(mode="strict-latncy"), "mean 'strict-latency'"),
        (lambda: sushi_dse.load_experiment(trace="random"), "unknown trace 'random'"),
        (lambda: sushi_dse.Search(experiment, sampler="nsga4"), "unknown sampler 'nsga4'"),
        (lambda: sushi_dse.Sweep(experiment, how="all"), "unknown way to sweep 'all'"),
        (lambda: sushi_dse.Sweep(experiment, ["latency"]).metrics, "unknown metric 'latency'"),
    ):
        with pytest.raises(sushi_dse.UserError, match=said):
            call()


def test_paths_may_be_text(tmp_path: Path) -> None:
    trace = str(tmp_path / "trace.csv")
    experiment = sushi_dse.load_experiment(queries=5)
    write_trace(experiment.traced, Path(trace))
    again = sushi_dse.load_experiment(trace=trace, policies=["no-sgs"])
    assert len(again.traced) == len(sushi_dse.read_trace(trace)) == 5
    sweep = sushi_dse.Sweep(again, out=str(tmp_path / "out"))
    sweep.run()
    frame = sushi_dse.read_results(str(tmp_path / "out"))
    assert frame.equals(sweep.to_pandas())
    assert len(sushi_dse.front(frame, ["mean_latency_ms"])) == 1


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
