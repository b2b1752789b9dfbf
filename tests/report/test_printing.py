import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse import cli
from sushi_dse.cli.usage import masked
from sushi_dse.report.printing import say
from tests import paths
from tests.commands import Run
from tests.fuzz.judge import UNPRINTABLE


@given(text=st.text())
def test_nothing_unprintable_is_printed_and_all_else_is_as_it_was(text: str) -> None:
    stream = io.StringIO(newline="")
    say(text, to=stream)
    shown = stream.getvalue()
    assert not UNPRINTABLE.search(shown.replace("\r\n", "\n"))
    assert shown.count("\n") == text.count("\n") + 1
    if text.isprintable():
        assert shown == f"{text}\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.EIO, "Input/output error"), 2, "error: the system: Input/output error"),
        (OSError(errno.ENOENT, "No such file", "a\x1b[31m"), 2, "error: a\\x1b[31m: No such file"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 2, "error: not enough memory"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 2, "error: the system: Broken pipe"),
        (MemoryError(), 2, "error: not enough memory"),
        (RuntimeError("\u202e\x1b[2J\ud800"), 70, "error: this is a fault of sushi-dse"),
        (RecursionError("deep"), 70, "error: this is a fault of sushi-dse"),
    ],
)
def test_an_error_of_any_kind_is_told_and_has_its_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    done = run("cost")
    assert done.code == code
    assert done.err.splitlines()[-1].startswith(said)
    assert not UNPRINTABLE.search(done.err)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("postgresql://me:hu@s/h@host/db", "postgresql://me:***@host/db"),
        ("--storage=mysql://h/db?password=hush", "--storage=mysql://h/db"),
        ("tcp://alpha:8786", "tcp://alpha:8786"),
        ("results/a:b@c", "results/a:b@c"),
    ],
)
def test_the_password_of_a_url_is_masked_and_nothing_else(word: str, shown: str) -> None:
    assert masked(word) == shown


def test_a_program_that_cannot_start_says_so_and_misses_no_threshold(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('torn\\x1b[31m')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(paths.ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "sushi_dse", "compare", "policies"],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 70
    assert done.stderr == (
        "error: sushi-dse cannot start (ImportError: torn\\x1b[31m); install it again\n"
    )
