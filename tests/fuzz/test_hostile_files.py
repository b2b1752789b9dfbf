"""Paths that lead to no file, and bytes that no honest user writes, end in one line."""

import errno
import gzip
import json
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sushi_dse import files
from sushi_dse.traces import files as trace_files
from sushi_dse.traces import logs
from tests.fuzz.files import LAYERS, MEASURED, OFA, Sound
from tests.fuzz.hostile import ROOT
from tests.fuzz.judge import run_words
from tests.fuzz.refusals import EVERY_READER, READERS, TRACE, printed, refusal, text_file

# Paths that lead to no file


@EVERY_READER
def test_a_pipe_is_refused_and_not_waited_for(name: str) -> None:
    os.mkfifo(name)
    wrong = f"./{name}: is a pipe or a device; save what it gives to a file, and name that"
    assert refusal(*READERS[name](f"./{name}")).removeprefix("./") == wrong.removeprefix("./")


@EVERY_READER
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_refused(name: str, device: str) -> None:
    Path(name).symlink_to(device)
    assert f"{name}: is a pipe or a device; save" in refusal(*READERS[name](f"./{name}"))


def test_a_socket_is_refused() -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("board.csv")
        assert "is a pipe or a device" in refusal("validate", "--measured", "board.csv")


@EVERY_READER
def test_a_folder_and_a_link_to_nothing_or_to_itself_are_refused(name: str) -> None:
    Path(name).symlink_to("nowhere")
    assert f"{name}: no such file; " in refusal(*READERS[name](f"./{name}"))
    Path(name).unlink()
    Path(name).symlink_to(name)
    wrong = f"{name}: cannot be read: Too many levels of symbolic links; "
    assert wrong in refusal(*READERS[name](f"./{name}"))
    Path(name).unlink()
    Path(name).mkdir()
    assert f"{name}" in refusal(*READERS[name](f"./{name}"))


@EVERY_READER
def test_a_file_that_is_larger_than_memory_is_not_read(name: str) -> None:
    with open(name, "wb") as file:
        file.truncate(2**42)
    assert f"{name}: is larger than " in refusal(*READERS[name](f"./{name}"))


def test_a_file_that_may_not_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = os.open

    def denied(path: str, flags: int, mode: int = 0o777) -> int:  # as to all users but root
        if Path(path).name == "board.csv":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return open_file(path, flags, mode)

    Path("board.csv").touch()
    monkeypatch.setattr(os, "open", denied)
    wrong = "board.csv: may not be read; change its permissions"
    assert refusal("validate", "--measured", "board.csv") == wrong


# What the bytes of a file may be


@EVERY_READER
@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\xff\xfe", b"\xff" * 99, "a: 1\n".encode("utf-16"), b"PAR1PAR1", b"%PDF-1.7",
     b"\x1f\x8b", b"\n" * 9, b"\xef\xbb\xbf", b"a" * 2**21],
    ids=["empty", "null", "mark", "binary", "utf-16", "parquet", "pdf", "gzip", "blank", "bom",
         "one line"],
)  # fmt: skip
def test_bytes_that_are_no_such_file_are_refused(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    assert name in refusal(*READERS[name](f"./{name}"))


@EVERY_READER
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", '{"a":', "[[", "&a [*a, "])
def test_no_depth_ends_in_a_traceback(name: str, opening: str) -> None:
    text_file(name, opening * 50_000)
    assert name in refusal(*READERS[name](f"./{name}"))


def test_a_yaml_bomb_is_refused_before_it_expands() -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{key}: &{key} [{', '.join(['*' + last] * 9)}]\n"
        for last, key in zip("abcdefgh", "bcdefghi", strict=True)
    )
    wrong = "hw.yaml:1:4: anchors and aliases are refused; write it out"
    assert refusal("cost", "--hw", text_file("hw.yaml", bomb)) == wrong


def test_a_yaml_tag_runs_nothing() -> None:
    text = "extends: zcu104\nclock_mhz: !!python/object/apply:os.system ['touch pwned']\n"
    wrong = refusal("cost", "--hw", text_file("hw.yaml", text))
    assert wrong.startswith("hw.yaml:2:12: the tag ")
    assert wrong.endswith(" is refused; leave it out")
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("9223372036854775808", "922337203685477... is too large; write 15 digits at most"),
        ("9" * 100_000, "is too large; write 15 digits at most"),
        ("1.0e+400", "1.0e+400 is not finite; write a finite number"),
        (".inf", ".inf is not finite; write a finite number"),
        ("-.nan", "-.nan is not finite; write a finite number"),
        ("2000000000", "2000000000 is too large; write 1000000000 at most"),
        ("2000000", "pe_kernels <= 1e+06 must hold"),
        ("-1", "pe_kernels >= 0 must hold"),
        ("0", "pe_kernels > 0 must hold"),
        ("-0.0", "a whole number is wanted"),
        ("{from: 1, to: 1000000000, step: 1}", "over 10000 values; widen its step"),
        ("{from: 1, to: 9, step: 0}", "the range would not end"),
    ],
)  # fmt: skip
def test_a_number_beyond_all_bounds_is_refused(value: str, wrong: str) -> None:
    text = f"extends: zcu104\npe_kernels: {value}\n"
    line = refusal("cost", "--hw", text_file("hw.yaml", text))
    assert line.startswith("hw.yaml:2:")
    assert wrong in line


def test_the_largest_numbers_that_a_file_may_hold_overflow_nothing() -> None:
    text = "\n".join(
        [
            "extends: zcu104_space",
            "device: {lut: 999999999999999, bram36: 999999999999999, uram288: 999999999999999, "
            "dsp: 999999999999999}",
            "pe_kernels: [1, 1000000]",
            "pe_channels: [1, 1000000]",
            "dynamic_buffer_tiles: [2, 1000000]",
            "persistent_buffer_kib: [0, 999999999999999]",
            "clock_mhz: [0.000001, 999999999999999]",
        ]
    )
    hw = text_file("hw.yaml", text)
    words = ["sweep", "--hw", hw, "--workload", text_file("net.yaml", LAYERS), "--trace", "none"]
    rows = json.loads(printed(*words, "--workers", "1", "--out", "r", "--format", "json"))["front"]
    assert all(row["mean_latency_ms"] > 0 and row["energy_mj_per_query"] > 0 for row in rows)
    parts = [pq.read_table(path) for path in Path("r").glob("part-*.parquet")]
    for column in pa.concat_tables(parts).select(["dsp", "lut", "ff", "bram36", "uram288"]).columns:
        assert min(value for value in column.to_pylist() if value is not None) >= 0


def test_a_layer_beyond_64_bits_is_refused() -> None:
    text = LAYERS.replace("kernels: 16", "kernels: 1000000000000")
    wrong = refusal("cost", "--workload", text_file("net.yaml", text))
    assert wrong.startswith("net.yaml:8:")
    text = LAYERS.replace("kernels: 16", "kernels: 1048576").replace(": 32", ": 65536")
    wrong = refusal("cost", "--workload", text_file("net.yaml", text))
    assert "weights x pixels <= " in wrong


def test_an_astronomical_space_is_refused_before_it_is_walked() -> None:
    axes = ["port_bytes_per_cycle", "mac_pj", "static_w", "launch_us"]
    lines = [f"{axis}: {{from: 1, to: 10000, step: 1}}" for axis in axes]
    hw = text_file("hw.yaml", "\n".join(["extends: zcu104", *lines]))
    wrong = refusal("sweep", "--hw", hw, "--out", "r")
    assert wrong.startswith("hw: 10000000000000000 designs, and a sweep walks 1e+13 at most; ")
    assert not Path("r").exists()


def test_more_queries_than_memory_holds_are_refused() -> None:
    wrong = refusal("trace", "generate", "--queries", str(10**12), "--out", "t.csv")
    assert wrong.startswith("--queries: '1000000000000' should be less than or equal to 100000000")
    assert refusal("compare", "policies", "--seed", "9" * 5000).startswith("--seed: ")


def test_memory_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(files, "file_bytes", greedy)
    assert refusal("trace", "describe", "t.csv").startswith("not enough memory for this; ask for")


def test_a_parquet_trace_of_more_rows_than_memory_holds_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = {name: np.ones(11) for name in TRACE.partition("\n")[0].split(",")}
    pq.write_table(pa.table(columns), "t.parquet")
    printed("trace", "describe", "t.parquet")
    monkeypatch.setattr(trace_files, "MOST_QUERIES", 10)
    assert refusal("trace", "describe", "t.parquet") == (
        "t.parquet: has over 10 queries; cut it in parts"
    )


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = gzip.compress(b"TIMESTAMP,ContextTokens,GeneratedTokens\n" + b"\n" * 10**6)
    Path("log.csv.gz").write_bytes(content)
    monkeypatch.setattr(logs, "MOST_BYTES", 10**5)
    wrong = refusal("trace", "import", "azure-llm", "log.csv.gz", "--out", "t.csv")
    assert wrong == "log.csv.gz: unpacks to more than 100000 bytes; cut it in parts"


# Code


@pytest.mark.parametrize(
    "text", ["raise SystemExit", "1/0", "class", "\0", "raise Exception('a\\nb')"]
)
def test_a_policy_that_ends_the_program_is_one_line(text: str) -> None:
    words = ["compare", "policies", "--queries", "9", "--policy"]
    line = refusal(*words, f"{text_file('mine.py', text)}:Mine")
    assert line.startswith(("mine.py: ", "mine.py:1: "))
    assert line.endswith("; mend the file")


# Chance


def test_an_ofa_network_with_values_of_other_kinds_is_refused() -> None:
    odd: list[Any] = [None, 0, -1, 1e300, [], {}, "x", [[]], True]
    for key in OFA:
        for value in odd:
            text = json.dumps(OFA | {key: value})
            done = run_words(
                ["workload", "import", text_file("net.json", text), "--input-shape", "1x3x32x32",
                 "--out", "w.yaml"]
            )  # fmt: skip
            assert done.code in (0, 2), (key, value, done.faults)


def test_the_file_of_a_policy_is_read_like_any_other_and_leaves_nothing_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    words = ["compare", "policies", "--queries", "9", "--policy", "./mine.py:Mine"]
    os.mkfifo("mine.py")
    assert refusal(*words).startswith("mine.py: is a pipe or a device; save")
    Path("mine.py").unlink()
    with open("mine.py", "wb") as file:
        file.truncate(2**36)
    assert refusal(*words).startswith("mine.py: is larger than 1048576 bytes; ")
    mine = "class Mine:\n    def select(self, *_): return 0\n    recache = select\n"
    text_file("mine.py", mine)
    printed(*words)
    assert [path.name for path in Path().iterdir()] == ["mine.py"]


def test_a_column_whose_name_is_no_text_is_refused(sound: Sound) -> None:
    content = (sound.folder / "trace.parquet").read_bytes()
    Path("t.parquet").write_bytes(content.replace(b"arrived_ms", b"arriv\xf6d_ms"))
    wrong = "t.parquet is not a Parquet file, or a damaged one; "
    assert refusal("trace", "describe", "t.parquet").startswith(wrong)


# Many


def test_many_mistakes_in_a_file_take_no_longer_than_one() -> None:
    started = time.perf_counter()
    many = "".join(f"key{i}: 1\n" for i in range(60_000))
    assert refusal("cost", "--hw", text_file("hw.yaml", many)).startswith("hw.yaml:1:1: unknown")
    assert time.perf_counter() - started < 15


def test_more_of_anything_than_is_of_use_is_refused_at_once() -> None:
    layers = LAYERS.partition("subnets:\n")[2].replace("name: A", "name: A{0}")
    layers = layers.partition("  - name: B")[0].replace("{name", "{{name").replace("}", "}}")
    layers = layers.replace("{0}}", "{0}")
    many = "family: layers\naccuracy_of: top-1\nsubnets:\n" + "".join(
        layers.format(i) for i in range(33)
    )
    wrong = "net.yaml:4:3: subnets: write at most 32 entries, got 33"
    assert refusal("cost", "--workload", text_file("net.yaml", many)) == wrong
    many = "extends: zcu104\nassumptions: [" + "a, " * 250_000 + "]"
    assert "has over 250000 keys and values; write fewer" in refusal(
        "cost", "--hw", text_file("hw.yaml", many)
    )
    many = f"extends: zcu104\nmac_pj: {list(range(10_001))}"
    wrong = "hw.yaml:2:9: mac_pj: the list has over 10000 values; write fewer"
    assert refusal("cost", "--hw", text_file("hw.yaml", many)) == wrong
    many = MEASURED + MEASURED.partition("\n")[2] * 700
    wrong = "board.csv:2001: over 2000 lines; leave some out"
    assert refusal("validate", "--measured", text_file("board.csv", many)) == wrong
    stages = (ROOT / "workloads" / "ofa_resnet50.yaml").read_text(encoding="utf-8")
    many = re.sub(r"max_blocks_per_stage: .*", "max_blocks_per_stage: [999, 2, 2, 2]", stages)
    wrong = "max_blocks_per_stage: 1000 blocks at most must hold, of all stages"
    assert wrong in refusal("cost", "--workload", text_file("net.yaml", many))
