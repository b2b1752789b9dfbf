"""The command `search`: what it prints, refuses and says when it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sushi_dse.explore.search.storage import JOURNAL_FILE
from sushi_dse.store.parts import read_results
from sushi_dse.store.run import SCHEMA_VERSION
from tests.commands import Run
from tests.explore.searches import BATCH, POLICIES, TINY, TRIALS, parts


def command(*arguments: str) -> list[str]:
    policies = [word for name in POLICIES for word in ("--policy", name)]
    return ["search", "--hw", TINY, "--queries", "40", *policies, "--trials", str(TRIALS),
            "--batch", str(BATCH), *arguments]  # fmt: skip


def test_the_document_counts_trials_and_its_front_is_beaten_by_no_row(
    tmp_path: Path, run: Run
) -> None:
    out = str(tmp_path / "out")
    names = ["p99_latency_ms", "energy_mj_per_query"]
    wanted = [word for name in names for word in ("--objective", name)]
    code, printed, said = run(*command("--out", out, "--format", "json", *wanted))
    document = json.loads(printed)
    assert code == 0
    assert "sushi-dse sweep" in said
    assert (document["schema_version"], document["designs"], document["space"]) == (
        SCHEMA_VERSION,
        TRIALS,
        12,
    )
    assert document["evaluated"] + document["infeasible"] + document["repeated"] == TRIALS
    assert (document["out"], document["objectives"]) == (out, names)
    assert document["seconds"] > 0
    rows = [r for r in read_results(Path(out)).to_dict("records") if not r["infeasible_reason"]]
    costs = [[row[name] for name in names] for row in rows]
    unbeaten = {
        (row["design"], row["policy"])
        for row, own in zip(rows, costs, strict=True)
        if not any(o != own and all(a <= b for a, b in zip(o, own, strict=True)) for o in costs)
    }
    assert {(row["design"], row["policy"]) for row in document["front"]} == unbeaten
    code, printed, _ = run("pareto", "show", out, "--format", "json", *wanted)
    assert json.loads(printed)["front"] == document["front"]
    code, printed, _ = run(*command("--out", out, "--format", "json", *wanted))
    again = json.loads(printed)
    assert (again["evaluated"], again["repeated"], again["designs"]) == (0, 0, TRIALS)
    assert again["front"] == document["front"]


@pytest.mark.parametrize("printed", ["table", "jsonl", "markdown"])
def test_a_search_is_printed_in_every_format(tmp_path: Path, run: Run, printed: str) -> None:
    code, out, _ = run(*command("--out", str(tmp_path), "--format", printed))
    assert code == 0
    assert "sushi" in out
    assert ("24 trials of nsga2" in out) == (printed == "table")


def test_a_search_needs_a_trace(run: Run) -> None:
    code, _, said = run("search", "--hw", TINY, "--trace", "none")
    assert (code, said.count("\n")) == (2, 1)
    assert "a search is on a trace" in said


def test_a_folder_of_another_search_is_refused(tmp_path: Path, run: Run) -> None:
    run(*command("--out", str(tmp_path), "--sampler", "random"))
    code, _, said = run(*command("--out", str(tmp_path), "--sampler", "tpe"))
    assert code == 2
    assert "search.sampler" in said.splitlines()[-1]


def test_a_password_reaches_neither_the_folder_nor_the_terminal(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/db"
    earlier = ["--storage", "postgresql://me:hush@first/db", "--storage=mysql://h?password=hush"]
    arguments = command("--out", str(tmp_path), *earlier, f"--storage={url}")
    monkeypatch.setattr(sys, "argv", ["sushi-dse", *arguments])
    code, _, said = run(*arguments)
    assert code == 2
    assert said.splitlines()[-1].startswith("error: --storage postgresql+psycopg://me:***@")
    assert "hush" not in said
    assert "--storage=postgresql://me:***@" in (tmp_path / "run.json").read_text()
    assert not any(b"hush" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_bar_shows_the_hypervolume_on_a_terminal_and_nothing_elsewhere(
    tmp_path: Path, run: Run
) -> None:
    pty = pytest.importorskip("pty")
    reader, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "sushi_dse", *command("--out", str(tmp_path / "out"))],
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "160"},
    ):
        os.close(terminal)
        said = b""
        with suppress(OSError):  # Linux's end of a terminal
            while block := os.read(reader, 4096):
                said += block
    os.close(reader)
    assert b"hypervolume" in said
    _, _, quiet = run(*command("--out", str(tmp_path / "quiet")))
    assert quiet.count("\n") == 1


def test_an_interrupted_search_says_how_to_go_on_and_goes_on(tmp_path: Path, run: Run) -> None:
    many = ("--sampler", "random", "--trials", "100")
    arguments = command("--out", str(tmp_path / "out"), *many)
    journal = tmp_path / "out" / JOURNAL_FILE
    with subprocess.Popen(
        [sys.executable, "-m", "sushi_dse", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        while not journal.exists() or journal.stat().st_size < 20_000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert "run the same command to go on" in said
    for out in ("out", "whole"):
        assert run(*command("--out", str(tmp_path / out), *many))[0] == 0
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")
