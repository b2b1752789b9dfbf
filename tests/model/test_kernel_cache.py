import ast
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import typeof

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.model import kernel_cache, kernel_key
from sushi_dse.model.compile_note import NOTE
from sushi_dse.model.jit import compiled
from sushi_dse.model.kernel_cache import MOST_FOLDERS
from sushi_dse.model.kernel_key import PACKAGE, cache_folders, kernel_sources
from sushi_dse.model.latency_table import LatencyTable, candidate_table
from sushi_dse.model.network import Network
from tests import paths

NEEDED = (
    "errors.py",
    "files.py",
    "model/__init__.py",
    "model/compile_note.py",
    "model/jit.py",
    "model/kernel_cache.py",
    "model/kernel_library.py",
    "model/kernel_lock.py",
)
PART = """
from sushi_dse.model.constants import STEP
from sushi_dse.model.jit import kernel_part

@kernel_part
def part(x):
    return x + STEP
"""
TINY = """
from sushi_dse.model.compile_note import NOTE
from sushi_dse.model.jit import compiled
from sushi_dse.model.part import part

@compiled
def tiny(x):
    return 3 * part(x)
"""
CALL = """
import json
from sushi_dse.model.tiny import tiny
value = tiny(2)
print(json.dumps([value, sum(tiny.dispatcher.stats.cache_hits.values())]))
"""


def tiny(x: int) -> int:
    return 3 * x + 1


def compiles() -> bool:
    """Whether a new process, of which a new dispatcher is a part, compiles `tiny`; it works."""
    kernel: Any = compiled(tiny)
    assert kernel(2) == 7
    (hits, misses) = (sum(each.values()) for each in kernel.dispatcher.stats[1:3])
    assert hits + misses == 1
    return bool(misses)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The entry of `tiny`, in a place of its own."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("kernels")))
        assert compiles()
        path = entry()
    return path


def entry() -> Path:
    (path,) = cache_folders()[0].iterdir()
    return path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of one kernel, whose function and constant are in other files."""
    root = tmp_path / "installed" / "sushi_dse"
    for name in (*NEEDED, "model/kernel_key.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, root / name)
    (root / "__init__.py").touch()
    (root / "model" / "constants.py").write_text("STEP = 1\n")
    (root / "model" / "part.py").write_text(PART)
    (root / "model" / "tiny.py").write_text(TINY)
    (root / "bystander.py").write_text("NUMBER = 1\n")
    return root


def start(package: Path, script: str = CALL, **variables: str) -> "subprocess.Popen[str]":
    own = ("HOME", "NUMBA", "PYTHONPATH", "XDG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept | {"HOME": str(package.parents[1]), "PYTHONPATH": str(package.parent)} | variables,
        cwd=package.parent,
    )


def call(package: Path, script: str = CALL, **variables: str) -> tuple[int, bool, str]:
    """What the kernel gave in a new process, whether it was kept, and standard error.

    Compiling is told once, and only where it is done.
    """
    process = start(package, script, **variables)
    said, warned = process.communicate()
    assert process.returncode == 0, warned
    value, hits = json.loads(said)
    assert warned.count(NOTE) == (hits != 1)
    return value, hits == 1, warned.removeprefix(f"{NOTE}\n")


# The key


def imported(path: Path) -> set[str]:
    """Modules of which the file imports something, by the grammar of Python."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_key_depends_on_every_file_that_compiles_and_on_all_that_these_import() -> None:
    files = {
        ".".join(path.relative_to(paths.ROOT).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
    }
    uses = {name: imported(path) for name, path in files.items()}
    compilers = {"numba", "numba.extending", "sushi_dse.model.jit"}
    expected = {name for name in files if compilers & uses[name]}
    while further := {other for name in expected for other in uses[name] & files.keys()} - expected:
        expected |= further
    assert expected <= kernel_sources().keys()
    assert kernel_sources().keys() <= expected | {"sushi_dse.model.kernel_key"}
    assert {"sushi_dse.explore.exact.bounds", "sushi_dse.traces.trace"} <= expected


def test_the_key_is_had_without_numba() -> None:
    script = (
        "import sys\nfrom sushi_dse.model.kernel_key import kernel_key\n"
        "print(kernel_key(), 'numba' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=paths.ROOT, capture_output=True, text=True, check=True
    )
    key, started = done.stdout.split()
    assert (key, started) == (kernel_key.key_of_files(), "False")


def test_the_key_depends_on_the_versions_that_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {kernel_key.key_of_files()}
    for name in kernel_key.COMPILER:
        with monkeypatch.context() as other:
            other.setattr(kernel_key, "version", lambda asked, name=name: f"{asked == name}")
            keys.add(kernel_key.key_of_files())
    monkeypatch.setattr("platform.python_version", lambda: "3.0")
    assert len(keys | {kernel_key.key_of_files()}) == 4


def test_a_kernel_is_compiled_anew_after_an_edit_of_what_it_contains(package: Path) -> None:
    assert call(package) == (9, False, "")
    (package / "bystander.py").write_text("NUMBER = 2\n")
    assert call(package) == (9, True, "")
    (package / "model" / "part.py").write_text(PART.replace("x + STEP", "x - STEP"))
    assert call(package) == (3, False, "")


def test_what_was_compiled_of_files_that_were_edited_meanwhile_is_not_kept(package: Path) -> None:
    edit = (
        "from pathlib import Path\nfrom sushi_dse.model import constants, tiny\n"
        "Path(constants.__file__).write_text('STEP = 5')\n"
    )
    assert call(package, edit + CALL) == (9, False, "")
    assert call(package) == (21, False, "")


EDITED = """
import json
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.model.breakdown import subnet_breakdown
from sushi_dse.model.candidate import NOTHING
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.network import Network

network = Network.of(load_workload("resnet18_cifar10").supernet)
board = load_hardware("zcu104").space.base
table = candidate_table(network, board)
name = table.subnet_names[0]
interpreted_ms = subnet_breakdown(network, board, name, NOTHING).latency_ms
print(json.dumps([table.latency_ms[0, 0], interpreted_ms]))
"""


def test_an_edited_equation_is_what_a_table_of_latencies_is_made_by(tmp_path: Path) -> None:
    network = Network.of(load_workload("resnet18_cifar10").supernet)
    before_ms = candidate_table(network, load_hardware("zcu104").space.base).latency_ms[0, 0]
    package = tmp_path / "sushi_dse"
    shutil.copytree(PACKAGE, package)  # with the kernels that were compiled of it
    for folder in ("hwconfigs", "workloads"):
        shutil.copytree(paths.ROOT / folder, tmp_path / folder)
    layer, tile = package / "model" / "weight_stationary.py", "return max(pixels + fill_cycles"
    assert layer.read_text().count(tile) == 1
    layer.write_text(layer.read_text().replace(tile, "return max(2 * pixels + fill_cycles"))
    compiled_ms, interpreted_ms = json.loads(start(package, EDITED).communicate()[0])
    assert compiled_ms == pytest.approx(interpreted_ms, rel=1e-12)
    assert compiled_ms > 1.5 * before_ms


# Damage


def test_a_kept_kernel_is_compiled_once(place: Path) -> None:
    assert compiles()
    assert not compiles()


def load(path: Path) -> Any:
    """What Numba is given of the entries in the place of `path`."""
    kernel: Any = compiled(tiny)
    signature = tuple(map(typeof, (2,)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(path.parents[1]))
        return kernel.dispatcher._cache.load_overload(signature, kernel.dispatcher.targetctx)


@given(data=st.data())
def test_numba_is_given_nothing_of_a_damaged_entry(sound: Path, data: st.DataObject) -> None:
    content = sound.read_bytes()
    try:
        if data.draw(st.booleans(), label="truncate"):
            sound.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        else:
            damaged = bytearray(content)
            damaged[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
            sound.write_bytes(damaged)
        assert load(sound) is None
    finally:
        sound.write_bytes(content)
    assert load(sound) is not None


def signed(path: Path, payload: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + payload).digest() + payload


@pytest.mark.parametrize("kept", [40, 0, None], ids=["short", "empty", "garbage"])
def test_a_damaged_entry_is_compiled_anew_and_replaced(place: Path, kept: int | None) -> None:
    assert compiles()
    entry().write_bytes(b"garbage" * 1000 if kept is None else entry().read_bytes()[:kept])
    assert compiles()
    assert not compiles()


@pytest.mark.parametrize(
    "payload",
    [b"", b"no pickle", pickle.dumps(None), pickle.dumps((None, ())), pickle.dumps(("int", 1, 2))],
)
def test_an_entry_that_is_no_kernel_is_compiled_anew(place: Path, payload: bytes) -> None:
    assert compiles()
    entry().write_bytes(signed(entry(), payload))
    assert compiles()
    assert not compiles()


def test_an_entry_for_another_signature_is_not_taken(place: Path) -> None:
    kernel: Any = compiled(tiny)
    assert (kernel(2), kernel(2.5)) == (7, 8.5)
    one, other = cache_folders()[0].iterdir()
    payload = one.read_bytes()[kernel_cache.CHECKSUM_BYTES :]
    other.write_bytes(signed(other, payload))
    one.write_bytes(one.read_bytes())
    again: Any = compiled(tiny)
    assert (again(2), again(2.5)) == (7, 8.5)
    assert sum(again.dispatcher.stats.cache_misses.values()) == 1


def test_a_copy_of_an_entry_under_another_name_is_not_taken(place: Path) -> None:
    kernel: Any = compiled(tiny)
    assert (kernel(2), kernel(2.5)) == (7, 8.5)
    one, other = cache_folders()[0].iterdir()
    shutil.copy(one, other)
    assert kernel_cache._read(one)
    assert kernel_cache._read(other) is None


def test_a_folder_in_place_of_an_entry_is_compiled_anew(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiles()
    name = entry()
    name.unlink()
    (name / "full").mkdir(parents=True)
    assert compiles()


def test_an_entry_that_may_not_be_read_is_compiled_anew(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, most_bytes: int) -> bytes:
        raise PermissionError(13, "Permission denied")

    assert compiles()
    with monkeypatch.context() as denied:
        denied.setattr(kernel_cache, "file_bytes", refuse)
        assert compiles()
    assert not compiles()


# Places


def test_a_read_only_installation_keeps_its_kernels_with_the_user(
    package: Path, tmp_path: Path
) -> None:
    (package / "__pycache__").write_text("a file, below which not even root makes a folder")
    assert call(package) == (9, False, "")
    assert list((tmp_path / ".cache" / "sushi-dse" / "kernels").glob("kernels-*/*.nbc"))
    assert call(package) == (9, True, "")
    named = {"XDG_CACHE_HOME": str(tmp_path / "named")}
    assert call(package, **named) == (9, False, "")


def test_kernels_that_came_with_a_read_only_installation_are_used(package: Path) -> None:
    assert call(package) == (9, False, "")
    assert call(package, XDG_CACHE_HOME="/dev/null", HOME="/dev/null") == (9, True, "")


def test_without_any_place_kernels_are_compiled_and_one_line_says_so(package: Path) -> None:
    (package / "__pycache__").touch()
    twice = CALL.replace("value = tiny(2)", "value = tiny(2)\ntiny(2.5)")
    value, kept, warned = call(package, twice, XDG_CACHE_HOME="/dev/null")
    assert (value, kept) == (9, False)
    (line,) = warned.splitlines()
    assert line.startswith("warning: compiled kernels cannot be kept")
    assert str(package / "__pycache__") in line
    assert "/dev/null/sushi-dse/kernels" in line
    assert line.endswith("set NUMBA_CACHE_DIR to a folder that you may write to")


def test_a_full_disk_is_said_once_and_leaves_nothing_behind(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sushi_dse.files.os.fsync", fsync)
    kernel_cache._warned.clear()
    assert compiles()
    assert compiles()
    assert capsys.readouterr().err.count("No space left on device") == 1
    assert not list(cache_folders()[0].iterdir())


def test_a_named_place_is_the_only_one(package: Path, tmp_path: Path) -> None:
    assert call(package) == (9, False, "")
    named = {"NUMBA_CACHE_DIR": str(tmp_path / "named")}
    assert call(package, **named) == (9, False, "")
    assert call(package, **named) == (9, True, "")


def test_a_user_without_a_home_has_the_installation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "no/absolute/path")
    monkeypatch.setattr(Path, "home", homeless)
    (only,) = cache_folders()
    assert only.parent == PACKAGE / "__pycache__"


def test_processes_that_start_cold_together_all_work(package: Path) -> None:
    processes = [start(package) for _ in range(2)]
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 2
    assert {(json.loads(out)[0], warned.removeprefix(f"{NOTE}\n")) for out, warned in said} == {
        (9, "")
    }
    (only,) = (package / "__pycache__").glob("kernels-*/*")  # and no scratch file
    assert only.suffix == ".nbc"
    assert call(package) == (9, True, "")


def test_the_oldest_folders_of_other_keys_are_removed(place: Path) -> None:
    keys = [f"kernels-{number:016x}" for number in range(MOST_FOLDERS + 2)]
    for age, key in enumerate(keys):
        (place / key).mkdir()
        (place / key / "old.nbc").touch()
        os.utime(place / key, (10**9 - age, 10**9 - age))
    (place / "kernels-of-mine").mkdir()
    assert compiles()
    left = {path.name for path in place.iterdir()}
    assert left == {"kernels-of-mine", cache_folders()[0].name, *keys[: MOST_FOLDERS - 1]}


def test_a_folder_that_another_process_removed_is_made_again(place: Path) -> None:
    assert compiles()
    shutil.rmtree(cache_folders()[0])
    assert compiles()
    assert not compiles()


# Without compiling


def test_without_numbas_compiler_a_kernel_is_the_function_itself(package: Path) -> None:
    script = "from sushi_dse.model.tiny import tiny\nprint(type(tiny.dispatcher).__name__, tiny(2))"
    process = start(package, script, NUMBA_DISABLE_JIT="1")
    assert process.communicate() == (f"{FunctionType.__name__} 9\n", "")
    assert not list(package.rglob("*.nbc"))


TABLE = """
import json
from tests.model.test_kernel_cache import small_table
table = small_table()
print(json.dumps([table.latency_ms.tolist(), table.switch_bytes.tolist()]))
"""


def small_table() -> LatencyTable:
    supernet = load_workload("ofa_resnet50").supernet
    network = Network.of(replace(supernet, subnets=supernet.subnets[:2]))
    return candidate_table(network, load_hardware("zcu104").space.base)


def test_a_table_is_the_same_to_the_bit_uncompiled() -> None:
    said, warned = start(PACKAGE, TABLE, NUMBA_DISABLE_JIT="1").communicate()
    latency_ms, switch_bytes = json.loads(said)
    assert not warned
    assert latency_ms == small_table().latency_ms.tolist()
    assert switch_bytes == small_table().switch_bytes.tolist()
