import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sushi_dse"

LEVELS = [
    {"errors", "units", "interrupts", "arrow"},
    {"files"},
    {"hardware", "supernet", "queries", "metrics", "selection"},
    {"network", "accuracy_model"},
    {"cost_model", "space", "pareto"},
    {"energy", "calibration", "prefetch"},
    {"config", "subgraphs", "measurements"},
    {"latency_table", "breakdown", "importing"},
    {"hindsight", "subnet_search", "recaching", "steady"},
    {"serving"},
    {"equal_area", "slo_nn", "gati", "user_policy", "tally"},
    {"policies"},
    {"evaluate", "store", "thresholds", "statistics"},
    {
        "setting",
        "doctor",
        "estimate",
        "workers",
        "compare",
        "replay",
        "summary",
        "catalogue",
        "exact",
        "exporting",
        "explain",
        "recommend",
        "sensitivity",
    },
    {"sweep", "search", "reproduce", "row_sources"},
    {"report", "plots"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
ONLY_IN = {
    "typer": {"cli"},
    "rich": {"report"},
    "matplotlib": {"plots"},
    "plotly": {"plots"},
    "filelock": {"store"},
    "distributed": {"workers"},
    "pydantic": {"config"},
    "yaml": {"config"},
    "onnx": {"importing"},
    "SALib": {"sensitivity"},
    "optuna": {"search"},
    "click": set(),
}


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_levels(path: Path) -> None:
    own = module_of(path)
    for name in imports_of(path):
        if name.startswith("sushi_dse."):
            other = name.split(".")[1]
            assert other == own or LEVEL[other] < LEVEL[own], f"{own} imports {other}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_used_in_the_one_module_that_it_is_for(path: Path) -> None:
    for name in imports_of(path):
        library = name.split(".")[0]
        assert module_of(path) in ONLY_IN.get(library, {module_of(path)}), library


def test_every_folder_of_the_package_is_in_the_wheel() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")
    }
    assert folders | {"sushi_dse.hwconfigs", "sushi_dse.workloads"} == set(packages)


def test_help_imports_nothing_that_is_slow() -> None:
    slow = {"numpy", "pandas", "matplotlib", "optuna", "numba", "pyarrow", "scipy", "moocore"}
    script = (
        "import sys\n"
        "from sushi_dse.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"print('imported:', *sorted({slow!r} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.splitlines()[-1] == "imported:"


def test_no_module_is_longer_than_a_reader_takes_in() -> None:
    assert {p.name: n for p in SOURCES if (n := p.read_text().count("\n")) > 310} == {}
