"""How a command ends, and what is wrong with that."""

import contextlib
import io
import json
import os
import re
import signal
import time
import traceback
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sushi_dse.errors import printable

EXIT_CODES = (0, 1, 2, 3)
MOST_SECONDS = 40.0  # of work, which may be to compile kernels
MOST_WAITED = 4  # times as long, for what is no work, on a machine that does other work as well
MOST_CHARACTERS = 1500  # of an error's line
MEND = re.compile(
    r";|must|wanted|known|did you mean|see sushi-dse|is missing|give |name |run |write |choose|at "
    r"most|at least|needs|none of|larger than|where the header|may "
)
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
SCRIPT = re.compile(r"<script>alert|<img src=x")


@dataclass(kw_only=True)
class Outcome:
    """How a case ended: its command, and what is wrong with that, if anything."""

    number: int = 0
    kind: str = ""
    words: list[str]
    code: int | None = None
    seconds: float = 0.0
    out: str = ""
    err: str = ""
    faults: list[str] = field(default_factory=list)
    trace: str = ""


class OutOfTimeError(BaseException):
    """A case that did not end."""


def _alarm(*_: object) -> None:
    raise OutOfTimeError


def run_words(words: Sequence[str], seconds: float = MOST_SECONDS) -> Outcome:
    """What a command does: its code, its output, and a fault for anything but an exit."""
    from sushi_dse.cli import main

    done = Outcome(words=list(words))
    # As Python has them on a terminal or in a pipe: what is no Unicode ends in an error on one.
    printed, said = io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(printed, encoding="utf-8", newline="", write_through=True)
    err = io.TextIOWrapper(
        said, encoding="utf-8", errors="backslashreplace", newline="", write_through=True
    )
    _set_alarms(seconds)
    started = time.perf_counter()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(list(words))
    except SystemExit as stop:
        done.code = int(stop.code or 0)
    except OutOfTimeError as error:
        done.faults.append(f"hang: {_place(error)}")
    except BaseException as error:
        done.faults.append(f"traceback: {type(error).__name__}: {_place(error)}: {error!s:.80}")
        done.trace = traceback.format_exc()
    finally:
        _set_alarms(0)
    done.seconds = time.perf_counter() - started
    done.out, done.err = printed.getvalue().decode(), said.getvalue().decode()
    return done


def _set_alarms(seconds: float) -> None:
    """End what comes after so many seconds of work, or of waiting; 0 ends nothing."""
    signal.signal(signal.SIGPROF, _alarm)
    signal.signal(signal.SIGALRM, _alarm)
    again = 0.5  # where the first is swallowed
    signal.setitimer(signal.ITIMER_PROF, seconds, again)
    signal.setitimer(signal.ITIMER_REAL, MOST_WAITED * seconds, again)


def _place(error: BaseException) -> str:
    """The innermost of our lines in a traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "sushi_dse" in f.filename]
    if not frames:
        return "no line of ours"
    return f"{frames[-1].filename.partition('sushi_dse/')[2]}:{frames[-1].lineno}"


def faults_of(done: Outcome, folder: Path) -> Iterator[str]:
    """What is wrong with how a command ended."""
    if done.code is not None and done.code not in EXIT_CODES:
        yield f"exit code {done.code}"
    for name, text in (("stdout", done.out), ("stderr", done.err)):
        unprintable = UNPRINTABLE.search(text)
        if unprintable:
            yield f"control character {unprintable[0]!r} on {name}"
    if "Traceback" in done.err:
        yield "traceback on stderr"
    if any("Warning: " in line for line in done.err.splitlines()):
        yield f"Python's warning on stderr: {_masked(done.err[:120])}"
    if done.code == 2:
        yield from _faults_of_line(done)
    if done.code in (0, 1):
        yield from _faults_of_output(done)
        yield from _faults_of_pictures(folder / "out")


def _faults_of_line(done: Outcome) -> Iterator[str]:
    errors = [line for line in done.err.splitlines() if not line.startswith("warning: ")]
    if len(errors) != 1 or not errors[0].startswith("error: "):
        yield f"{len(errors)} lines of error: {_masked(done.err)}"
    line = errors[-1] if errors else ""
    if len(line) > MOST_CHARACTERS:
        yield f"an error of over {MOST_CHARACTERS} characters: {_masked(line)}"
    if not MEND.search(line):
        yield f"no mend: {_masked(line)}"
    named = [*(word for word in done.words if "/" in word), "--", "unknown", "trace: ", "SubNet"]
    if done.kind != "option" and not any(_shown(word) in line for word in named):
        yield f"names no place: {_masked(line)}"


def _faults_of_output(done: Outcome) -> Iterator[str]:
    if done.words[-1] == "junit":
        try:
            ET.fromstring(done.out)
        except ET.ParseError as error:
            yield f"prints no XML: {error}"
    form = dict(zip(done.words, done.words[1:], strict=False)).get("--format", "")
    if form in ("json", "jsonl") and done.kind != "option":
        try:
            for text in [done.out] if form == "json" else done.out.splitlines():
                json.loads(text, parse_constant=float)
        except ValueError as error:
            yield f"prints no JSON: {error}"
    paragraphs = done.out.replace(r"\|", "").split("\n\n")
    tables = [text.splitlines() for text in paragraphs if text.startswith("|")]
    if form == "markdown" and any(len({line.count("|") for line in own}) > 1 for own in tables):
        yield f"prints a broken table: {_masked(done.out[:300])}"


def _faults_of_pictures(out: Path) -> Iterator[str]:
    for path in out.glob("*.svg"):
        try:
            ET.parse(path)
        except ET.ParseError as error:
            yield f"draws no SVG: {error}"
    for path in out.glob("*.html"):
        if SCRIPT.search(path.read_text(encoding="utf-8")):
            yield "a name runs as a script in a page"


def _masked(line: str) -> str:
    """A message without what differs from case to case."""
    line = re.sub(r"[^ ]*/(case|sound)/", "", line)
    return re.sub(r"\d+", "#", re.sub(r"'[^']*'", "'..'", line))[:110]


def _shown(word: str) -> str:
    return printable(word.partition(".py:")[0]).split("\\")[0]


def contents(*folders: Path) -> dict[str, object]:
    """All that lies in the folders, but for what was asked to be written to `out`."""
    found: dict[str, object] = {}
    for top in folders:
        for path in top.rglob("*"):
            if "out" not in path.relative_to(top).parts[:1]:
                status = path.lstat()
                found[str(path)] = status.st_mode, status.st_mtime_ns, status.st_size
    return found


TOUCHES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link")
RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
touched: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what Python is about to write, run or connect to."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            touched.append(str(path))
    elif event in TOUCHES:
        touched.append(str(arguments[0]))
    elif event in RUNS and arguments[0] != "fc-list":  # which matplotlib asks once
        touched.append(f"{event} {arguments[0]}")
