"""Commands that are refused in one line, and the files that they read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.judge import UNPRINTABLE, run_words

ESCAPE = "\x1b[31m"
TRACE = "arrived_ms,min_accuracy_percent,max_latency_ms\n0,70,5\n1,70,5\n"


def printed(*words: str) -> str:
    done = run_words(words)
    assert done.code == 0, (done.err, done.faults)
    assert not UNPRINTABLE.search(done.out + done.err)
    return done.out


def refusal(*words: str) -> str:
    """The line of an error, without the word that every one begins with."""
    done = run_words(words)
    assert done.code == 2, (done.code, done.err, done.faults)
    assert done.err.count("\n") == 1
    assert done.err.startswith("error: ")
    assert not UNPRINTABLE.search(done.err)
    return done.err.removeprefix("error: ").rstrip("\n")


def text_file(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8", newline="")
    return name


READERS: dict[str, Callable[[str], list[str]]] = {
    "hw.yaml": lambda path: ["cost", "--hw", path],
    "net.yaml": lambda path: ["cost", "--workload", path],
    "trace.csv": lambda path: ["trace", "describe", path],
    "trace.parquet": lambda path: ["trace", "describe", path],
    "log.csv": lambda path: ["trace", "import", "azure-llm", path, "--out", "t.csv"],
    "measured.csv": lambda path: ["validate", "--measured", path],
    "net.onnx": lambda path: ["workload", "import", path, "--out", "w.yaml"],
    "net.json": lambda path: ["workload", "import", path, "--out", "w.yaml"],
    "was.json": lambda path: ["compare", "policies", "--queries", "9", "--policy", "sushi",
                              "--baseline", path],
}  # fmt: skip

EVERY_READER = pytest.mark.parametrize("name", READERS)
