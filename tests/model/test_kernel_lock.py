import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from numba import typeof
from numba.core.errors import TypingError

from sushi_dse.model import kernel_lock
from sushi_dse.model.jit import compiled
from sushi_dse.model.kernel_key import cache_folders
from tests import paths

Process = subprocess.Popen[str]
Begin = Callable[[str, str], Process]

# A process that says what it does, a line each, and compiles each kernel when it is told to.
SCRIPT = """
import sys, time
from sushi_dse.model import kernel_lock
from tests.model.test_kernel_lock import KERNELS

def watch(name, compiler):
    compile = compiler.compile
    def told(*types):
        print("compiles", name, flush=True)
        sys.stdin.readline()
        return compile(*types)
    compiler.compile = told

def wait(seconds):
    print("waits", flush=True)
    time.sleep(seconds)

for name, kernel in KERNELS.items():
    watch(name, kernel.dispatcher._compiler)
kernel_lock.sleep = wait
name, number = sys.argv[1:]
print("gives", KERNELS[name](float(number) if "." in number else int(number)))
"""


@compiled
def part(x: float) -> float:
    return x + 1


@compiled
def double(x: float) -> float:
    return 2 * part(x)


@compiled
def triple(x: float) -> float:
    return 3 * part(x)


@compiled
def factorial(x: int) -> int:
    return x * factorial(x - 1) if x > 1 else 1


KERNELS: dict[str, Any] = {"part": part, "double": double, "triple": triple}


def wrong(x: Any) -> Any:
    return x.absent


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kernel_lock, "_waited_in_vain", Event())
    return cache_folders()[0]


@pytest.fixture
def begin() -> Iterator[Begin]:
    with ExitStack() as ends:

        def begin(name: str, number: str) -> Process:
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, name, number],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=paths.ROOT,
            )
            ends.enter_context(process)
            ends.callback(process.kill)
            return process

        yield begin


def next_line(process: Process) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def tell(process: Process) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def lines(process: Process) -> list[str]:
    """What a process says from now on, waiting aside; it may compile whatever it wants to."""
    said = process.communicate("\n" * 9)[0].splitlines()
    assert process.returncode == 0
    return [line for line in said if line != "waits"]


def compile_part() -> bool:
    """Whether a new dispatcher compiles; it works."""
    kernel: Any = compiled(part.plain)
    assert kernel(2) == 3
    return bool(kernel.dispatcher.stats.cache_misses)


def hold_part() -> ExitStack:
    kernel: Any = part.dispatcher
    signature = tuple(map(typeof, (2,)))
    held: ExitStack = kernel._cache.lock(signature, kernel.targetctx.codegen())
    return held


# Between processes


def test_a_kernel_that_another_process_compiles_is_awaited_and_loaded(
    begin: Begin, place: Path
) -> None:
    one = begin("part", "2")
    assert next_line(one) == "compiles part"
    other = begin("part", "2")
    assert next_line(other) == "waits"
    assert lines(one) == ["gives 3"]
    assert lines(other) == ["gives 3"]
    assert [path.suffix for path in place.iterdir()] == [".nbc"]


def test_a_kernel_whose_compiling_process_is_killed_is_compiled_by_one_that_waits(
    begin: Begin, place: Path
) -> None:
    killed = begin("part", "2")
    assert next_line(killed) == "compiles part"
    other = begin("part", "2")
    assert next_line(other) == "waits"
    killed.kill()
    assert lines(other) == ["compiles part", "gives 3"]
    assert [path.suffix for path in place.iterdir()] == [".nbc"]


def test_a_kernel_is_compiled_for_several_types_at_once(begin: Begin) -> None:
    whole, real = begin("part", "2"), begin("part", "2.5")
    assert (next_line(whole), next_line(real)) == ("compiles part",) * 2
    assert (lines(whole), lines(real)) == (["gives 3"], ["gives 3.5"])


def test_kernels_that_share_a_part_are_compiled_at_once_and_the_part_once(begin: Begin) -> None:
    one, other = begin("double", "2"), begin("triple", "2")
    assert (next_line(one), next_line(other)) == ("compiles double", "compiles triple")
    tell(one)
    assert next_line(one) == "compiles part"
    tell(other)
    assert next_line(other) == "waits"
    assert (lines(one), lines(other)) == (["gives 6"], ["gives 9"])


# In one process


def test_a_kernel_that_cannot_be_compiled_is_not_locked_afterwards(place: Path) -> None:
    with pytest.raises(TypingError):
        compiled(wrong)(2)
    assert not list(place.iterdir())


def refuse(*arguments: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize("lacks", ["locks in this folder", "locks at all"])
def test_where_there_are_no_locks_kernels_are_compiled_and_kept(
    lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacks == "locks at all":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:
        monkeypatch.setattr("fcntl.flock", refuse)
    assert compile_part()
    assert not compile_part()


def test_a_holder_that_does_not_end_is_awaited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s: list[float] = [0.0]
    monkeypatch.setattr(kernel_lock, "monotonic", lambda: clock_s[-1])
    monkeypatch.setattr(kernel_lock, "sleep", lambda _: clock_s.append(kernel_lock.MOST_WAIT_S))
    with hold_part():
        assert compile_part()
        (entry,) = cache_folders()[0].glob("*.nbc")
        entry.unlink()
        assert compile_part()
    assert clock_s == [0.0, kernel_lock.MOST_WAIT_S]


def test_whoever_waited_for_one_that_kept_nothing_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    held = kernel_lock.kernel_lock(path)
    monkeypatch.setattr(kernel_lock, "sleep", lambda seconds: held.close())
    with kernel_lock.kernel_lock(path):
        assert not path.exists()


def test_a_kernel_that_calls_itself_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_lock, "MOST_WAIT_S", 0.0)
    assert factorial(5) == 120
    assert not kernel_lock._waited_in_vain.is_set()
