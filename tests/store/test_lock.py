import errno
import fcntl
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sushi_dse.errors import UserError
from sushi_dse.store.lock import HOLDER_SUFFIX, holder, lock
from tests import paths

# Which of the kernel's locks a file system lacks.
LACKS = {"nothing": [], "flock": ["flock"], "all locks": ["flock", "lockf"]}
each_lack = pytest.mark.parametrize("lacking", LACKS.values(), ids=list(LACKS))
each_errno = pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
SCRIPT = """
import fcntl, sys, time
from pathlib import Path
from sushi_dse.store.lock import lock
def lacks(*_):
    raise OSError({number}, "lacking")
for name in {lacking}:
    setattr(fcntl, name, lacks)
print(lock(Path(sys.argv[1])) is not None, flush=True)
sys.stdin.readline()
"""
Begin = Callable[[list[str], int], "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.lock"


def begin(path: Path, lacking: list[str], number: int) -> "subprocess.Popen[str]":
    """A process that takes the lock, says whether it has it, and waits."""
    script = SCRIPT.format(lacking=lacking, number=number)
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)], text=True, cwd=paths.ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def has_it(process: "subprocess.Popen[str]") -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "True\n"


@each_lack
@each_errno
def test_a_lock_ends_with_its_holder_however_that_ends(
    path: Path, lacking: list[str], number: int
) -> None:
    with begin(path, lacking, number) as first, begin(path, lacking, number) as second:
        assert has_it(first) != has_it(second)
        first.kill()
        second.kill()
    with begin(path, lacking, number) as third:
        assert has_it(third)
        third.communicate("\n")
    with begin(path, lacking, number) as fourth:
        assert has_it(fourth)
        fourth.kill()


def test_the_holder_of_another_host_or_number_is_told_from_ones_own(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(*_: object) -> None:
        raise OSError(errno.ENOSYS, "lacking")

    monkeypatch.setattr(fcntl, "flock", lacks)
    monkeypatch.setattr(fcntl, "lockf", lacks)
    named = path.with_name(path.name + HOLDER_SUFFIX)
    for text, is_free in [
        (f"process 1 on {platform.node()}, 12345", True),  # the number was given again
        ("process 1 on another-host, 12345", False),
        ("", False),
        ("\udcff", False),
    ]:
        named.write_bytes(text.encode(errors="surrogateescape"))
        held = lock(path)
        assert (held is not None) == is_free
        if held is not None:
            assert lock(path) is None
            held.close()
            assert not named.exists()
    named.unlink()


def test_the_holder_is_named_and_the_lock_let_go(path: Path) -> None:
    held = lock(path)
    assert held is not None
    assert holder(path) == f" (process {os.getpid()} on {platform.node()})"
    assert lock(path) is None
    held.close()
    again = lock(path)
    assert again is not None
    again.close()


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_nothing_is_written_through_a_lock_that_is_a_link(path: Path, link: str) -> None:
    victim = path.with_name("victim")
    victim.write_text("keep me")
    getattr(path, link)(victim)
    with pytest.raises(UserError, match="is a link or no file"):
        lock(path)
    assert victim.read_text() == "keep me"


def test_a_file_that_cannot_be_locked_is_an_error(path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        lock(path / "missing")
