import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests import paths

ROOT = paths.ROOT
PACKAGE = ROOT / "sushi_dse"

LEVELS = [
    {"bits", "errors", "units", "files", "interrupts"},
    {"hardware", "workload", "traces"},
    {"config", "model"},
    {"serving"},
    {"policies"},
    {"evaluation"},
    {"store"},
    {"explore"},
    {"analysis", "interchange"},
    {"report", "plots"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
GROUND = LEVELS[0]  # modules that lie at the top of the package: together they are a room
ONLY_IN = {
    "typer": {"cli"},
    "rich": {"report"},
    "matplotlib": {"plots"},
    "plotly": {"plots"},
    "distributed": {"explore"},
    "optuna": {"explore"},
    "pydantic": {"config"},
    "yaml": {"config", "interchange"},
    "onnx": {"interchange"},
    "SALib": {"analysis"},
    "numba": {"model", "serving", "explore"},
    "click": set(),
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in SOURCES}
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FACES = [path for path in SOURCES if path.name == "__init__.py" and room_of(path) != "cli"]
each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE))
)


@each_source
def test_a_room_imports_only_lower_levels(path: Path) -> None:
    own = room_of(path)
    for name in imports_of(path):
        if name.startswith("sushi_dse."):
            other = name.split(".")[1]
            ground = own in GROUND and other in GROUND
            assert ground or other == own or LEVEL[other] < LEVEL[own], f"{own} imports {other}"


@each_source
def test_a_library_is_used_in_the_rooms_that_it_is_for(path: Path) -> None:
    for name in imports_of(path):
        library = name.split(".")[0]
        assert room_of(path) in ONLY_IN.get(library, {room_of(path)}), library


# Beside the printer: what a kernel has to say of itself, in a line.
PRINTERS = {"report/printing.py", "model/kernel_cache.py", "model/compile_note.py"}


@each_source
def test_all_that_is_printed_goes_through_one_printer(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Call)]  # fmt: skip
    prints = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
    assert not prints or path.relative_to(PACKAGE).as_posix() in PRINTERS


def test_the_files_form_no_circle() -> None:
    TopologicalSorter(
        {name: [o for o in imports_of(path) if o in MODULES] for name, path in MODULES.items()}
    ).prepare()  # which raises CycleError


def test_the_top_of_the_package_can_be_taken_in_at_a_glance() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries - {"py.typed"}) <= 22


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_face_of_a_folder_is_its_docstring(path: Path) -> None:
    (only,) = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)
    assert str(only.value.value).strip()


def test_the_tests_lie_in_the_rooms_of_the_package() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= rooms | {"fuzz"}


def test_files_of_tests_have_names_of_their_own() -> None:
    # Their folders are no packages, so pytest would collect one of two alone.
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


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
    assert {p.name: n for p in TESTS if (n := p.read_text().count("\n")) > 600} == {}


def test_the_name_of_a_test_is_a_sentence() -> None:
    functions = [
        node.name
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(functions) > 500
    assert [name for name in functions if len(name.split("_")) < 4] == []
