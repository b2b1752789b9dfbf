"""Files, names and words that no honest user writes end in one line, or do no harm."""

import json
import os
import random
import re
import shutil
import socket
import stat
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sushi_dse import files
from sushi_dse.analysis.thresholds import Check
from sushi_dse.report.views import junit
from sushi_dse.traces import files as trace_files
from sushi_dse.traces import logs
from tests.fuzz import hostile
from tests.fuzz import run as fuzz
from tests.fuzz.files import LAYERS, MEASURED, OFA, TINY, Sound, make_sound_files
from tests.fuzz.hostile import ROOT
from tests.fuzz.judge import UNPRINTABLE, run_words

ESCAPE = "\x1b[31m"
TRACE = "arrived_ms,min_accuracy_percent,max_latency_ms\n0,70,5\n1,70,5\n"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return make_sound_files(tmp_path_factory.mktemp("hostile") / "sound")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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


# Paths that lead to no file

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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_refused() -> None:
    Path("board.csv").touch(mode=0)
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
            "device: {lut: 1, bram36: 999999999999999, uram288: 999999999999999, dsp: "
            "999999999999999}",
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
    for column in pa.concat_tables(parts).select(["dsp", "bram36", "uram288"]).columns:
        assert min(value for value in column.to_pylist() if value is not None) >= 0


def test_a_layer_beyond_64_bits_is_refused() -> None:
    text = LAYERS.replace("kernels: 16", "kernels: 1000000000000")
    wrong = refusal("cost", "--workload", text_file("net.yaml", text))
    assert wrong.startswith("net.yaml:7:")
    text = LAYERS.replace("kernels: 16", "kernels: 1048576").replace(": 32", ": 65536")
    wrong = refusal("cost", "--workload", text_file("net.yaml", text))
    assert "weights x pixels <= " in wrong


def test_an_astronomical_space_is_refused_before_it_is_walked() -> None:
    axes = ["clock_mhz", "mac_pj", "static_w", "launch_us"]
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
    content = hostile.gzip.compress(b"TIMESTAMP,ContextTokens,GeneratedTokens\n" + b"\n" * 10**6)
    Path("log.csv.gz").write_bytes(content)
    monkeypatch.setattr(logs, "MOST_BYTES", 10**5)
    wrong = refusal("trace", "import", "azure-llm", "log.csv.gz", "--out", "t.csv")
    assert wrong == "log.csv.gz: unpacks to more than 100000 bytes; cut it in parts"


# Names


@EVERY_READER
@pytest.mark.parametrize("odd", [ESCAPE, "a\nb", "\r", "\u202e", "\udcff"])
def test_what_cannot_be_seen_in_a_files_name_is_escaped(name: str, odd: str) -> None:
    line = refusal(*READERS[name](f"./{odd}{name}"))
    assert repr(odd)[1:-1] in line


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_a_word_that_no_system_passes_is_refused(word: str) -> None:
    assert "no system takes such a character; leave it out" in refusal("cost", "--hw", word)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "markdown"])
@pytest.mark.parametrize("name", [ESCAPE, "a\nb", "x\x9b31m", "\u202e", "a\ud800", "[bold]", "|"])
def test_a_name_does_nothing_to_what_shows_it(name: str, form: str) -> None:
    quoted = json.dumps(name)
    text = LAYERS.replace("name: A", f"name: {quoted}").replace("name: first", f"name: {quoted}")
    done = run_words(["cost", "--workload", text_file("net.yaml", text), "--format", form])
    assert done.code == (2 if "\ud800" in name else 0)  # which no YAML may hold
    assert not UNPRINTABLE.search(done.out + done.err)
    if form == "markdown":
        assert len({line.count("|") for line in done.out.splitlines()}) <= 1


def test_a_formula_in_a_cell_is_harmless() -> None:
    formula = "=cmd|'/C calc'!A0"
    board = text_file("board.csv", MEASURED.replace("A,first", f"A,{formula}"))
    assert formula in printed("validate", "--measured", board)
    trace = text_file("t.csv", TRACE.replace("1,70,5", f'"{formula}",70,5'))
    wrong = f't.csv:3: arrived_ms must be a number such as 12.5, got "{formula}"'
    assert refusal("trace", "describe", trace) == wrong


def test_a_file_that_is_calibrated_takes_no_key_from_the_name_of_the_measured_one() -> None:
    board = text_file("b\nlaunch_us: 0.csv", MEASURED * 1 + MEASURED.partition("\n")[2])
    run_words(["calibrate", "--measured", board, "--out", "out.yaml"])
    text = Path("out.yaml").read_text(encoding="utf-8")
    assert "\nlaunch_us: 0.csv" not in text
    printed("cost", "--hw", "./out.yaml")


def test_junit_holds_no_character_that_xml_refuses() -> None:
    text = junit([Check(name="a\x0b\x00 > 1", missed=True, detail="\x1b")], suite="s\x01")
    assert ET.fromstring(text)[0][0].get("name") == "a\\x0b\\x00 > 1"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "</script>", "$x$", "]]>", ESCAPE])
def test_a_name_is_text_in_a_page_and_in_a_picture(name: str) -> None:
    net = text_file("net.yaml", LAYERS.replace("name: first", f"name: {json.dumps(name)}"))
    printed("cost", "--workload", net, "--plot", "x.svg")
    ET.parse("x.svg")
    printed("cost", "--workload", net, "--plot", "x.html")
    page = Path("x.html").read_text(encoding="utf-8")
    assert page.count("</script>") == page.count("<script")


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "..", "a/b", "a\\b"])
def test_no_name_leads_out_of_the_folder_of_the_results(name: str, tmp_path: Path) -> None:
    home = tmp_path / "a" / "b" / "c"
    home.mkdir(parents=True)
    os.chdir(home)
    net = text_file("net.yaml", LAYERS.replace("two nets", name))
    printed("sweep", "--hw", TINY, "--workload", net, "--trace", "none", "--workers", "1")
    assert {path.name for path in home.iterdir()} == {"net.yaml", "results"}
    assert len(list((home / "results").iterdir())) == 1
    assert not Path("/escaped").exists()


def test_a_message_is_never_longer_than_a_reader_takes_in() -> None:
    for words in (["cost", "--hw", "x" * 5000], ["describe", "metric", "x" * 10**5]):
        assert len(refusal(*words)) < 1300


# Extremes that are allowed


EXTREMES = [
    {"clock_mhz": "0.000000001"},
    {"clock_mhz": "999999999999999", "dram_gb_per_s": "0.000000001"},
    {"mac_pj": "999999999999999", "static_w": "999999999999999"},
    {"persistent_buffer_kib": "999999999999999", "output_buffer_kib": "999999999999999"},
    {"pe_kernels": "1000000", "pe_channels": "1000000", "dynamic_buffer_tiles": "1000000"},
]


@pytest.mark.parametrize("keys", EXTREMES, ids=lambda keys: next(iter(keys)))
def test_the_extremes_of_hardware_are_costed(keys: dict[str, str]) -> None:
    lines = [f"{key}: {value}" for key, value in keys.items()]
    hw = text_file("hw.yaml", "\n".join(["extends: zcu104", *lines]))
    setting = ["--hw", hw, "--workload", text_file("net.yaml", LAYERS)]
    printed("cost", *setting)
    printed("sweep", *setting, "--trace", "none", "--workers", "1", "--out", "steady")
    wrong = "hw: is one design, and no space to search; leave --exact out"
    assert refusal("sweep", *setting, "--exact", "--out", "exact") == wrong
    done = run_words(["compare", "policies", *setting, "--queries", "9"])
    assert done.code in (0, 2), done.faults


# Folders of results


@pytest.mark.parametrize("name", [".lock", "search.journal"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_nothing_is_written_through_a_link_in_a_folder_of_results(
    name: str, kind: str, sound: Sound
) -> None:
    shutil.copytree(sound.folder / "found", "found")
    (Path("found") / name).unlink(missing_ok=True)
    text_file("victim", "keep\nme")
    make = {
        "link": lambda path: path.symlink_to("../victim"),
        "pipe": os.mkfifo,
        "folder": Path.mkdir,
    }
    make[kind](Path("found") / name)
    line = refusal("search", "--hw", TINY, "--workload", str(sound.folder / "layers.yaml"),
                   "--queries", "9", "--trials", "6", "--batch", "3", "--policy", "sushi",
                   "--out", "found")  # fmt: skip
    assert line == f"found/{name}: is a link or no file, and so is not written to; delete it"
    assert Path("victim").read_text(encoding="utf-8") == "keep\nme"


def part_with(folder: Path, table: pa.Table) -> None:
    """Put `table` in place of the part in `folder`, under a name whose checksum holds."""
    (old,) = folder.glob("part-*.parquet")
    old.unlink()
    pq.write_table(table, folder / "part")
    content = (folder / "part").read_bytes()
    (folder / "part").rename(folder / hostile.part_named(folder, old.name, content))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda rows: rows.drop_columns(["design"]), "has no column 'design'"),
        (lambda rows: rows.append_column("dsp", rows["dsp"]), "has several columns 'dsp'"),
        (lambda rows: rows.append_column(ESCAPE, rows["policy"]), "column '\\x1b[31m' holds"),
        (lambda rows: rows.replace_schema_metadata({}), "does not say what was evaluated for it"),
        (lambda rows: rows.replace_schema_metadata({b"sushi_dse": b"[1]"}), "does not say what"),
        (
            lambda rows: rows.set_column(0, "design", pa.nulls(len(rows), pa.int64())),
            "column 'design' has a row without its value",
        ),
        (
            lambda rows: rows.set_column(
                rows.column_names.index("mean_latency_ms"), "mean_latency_ms",
                pa.array([float("inf")] * len(rows)),
            ),
            "column 'mean_latency_ms' has a row without its value",
        ),
    ],
)  # fmt: skip
def test_a_part_that_is_whole_and_yet_none_of_ours_is_refused(
    change: Callable[[pa.Table], pa.Table], wrong: str, sound: Sound
) -> None:
    shutil.copytree(sound.folder / "swept", "swept")
    (part,) = Path("swept").glob("part-*.parquet")
    part_with(Path("swept"), change(pq.read_table(part)))
    for words in (["pareto", "show"], ["pareto", "hypervolume"], ["recommend"]):
        line = refusal(*words, "swept")
        assert line.startswith("swept/part-00000000-")
        assert wrong in line
        assert line.endswith("; delete it and run the sweep again")


@pytest.mark.parametrize("content", [b"", b"PAR1PAR1", b"\0" * 99])
def test_a_certificate_that_is_none_is_refused(content: bytes, sound: Sound) -> None:
    shutil.copytree(sound.folder / "exact", "exact")
    Path("exact/certificate.parquet").write_bytes(content)
    made = ["--hw", TINY, "--workload", str(sound.folder / "layers.yaml")]
    wrong = "exact/certificate.parquet: is no certificate; delete it, and run the sweep again"
    for words in (["pareto", "verify", "exact"], ["sweep", "--exact", "--out", "exact"]):
        assert refusal(*words, *made).startswith(wrong)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"inputs": 1}', '{"inputs": {"policies": [{}]}}', "[" * 10**5, "NaN",
     '{"inputs": {"policies": {"a": 1}, "exact": [[]]}}', '{"inputs": ' + "9" * 5000 + "}"],
)  # fmt: skip
def test_a_run_that_was_edited_is_refused(text: str, sound: Sound) -> None:
    shutil.copytree(sound.folder / "exact", "exact")
    text_file("exact/run.json", text)
    made = ["--hw", TINY, "--workload", str(sound.folder / "layers.yaml")]
    for words in (
        ["pareto", "verify", "exact", *made],
        ["recommend", "exact"],
        ["export", "exact", "--design", "0", "--out", "d.yaml"],
        ["pareto", "plot", "exact", "--out", "x.html"],
        ["sweep", *made, "--exact", "--out", "exact"],
    ):
        assert "exact" in refusal(*words)


def test_files_of_others_are_left_alone(sound: Sound) -> None:
    Path("out").mkdir()
    text_file("out/thesis.txt", "keep me")
    layers = ["--workload", str(sound.folder / "layers.yaml")]
    for command in (["sweep"], ["search", "--trials", "2"]):
        line = refusal(*command, "--hw", TINY, *layers, "--queries", "9", "--out", "out")
        assert line.startswith("out: holds 'thesis.txt' but no run.json")
    assert [path.name for path in Path("out").iterdir()] == ["thesis.txt"]


def test_a_link_that_is_named_as_output_is_replaced_and_not_followed(sound: Sound) -> None:
    text_file("victim", "keep me")
    for name in ("d.yaml", "t.csv", "x.svg"):
        Path(name).symlink_to("victim")
    swept = str(sound.folder / "swept")
    printed("export", swept, "--design", "1", "--out", "d.yaml")
    printed("trace", "generate", "--queries", "9", "--out", "t.csv")
    printed("pareto", "plot", swept, "--out", "x.svg")
    assert Path("victim").read_text(encoding="utf-8") == "keep me"
    assert all(stat.S_ISREG(Path(n).lstat().st_mode) for n in ("d.yaml", "t.csv", "x.svg"))


# Code


@pytest.mark.parametrize(
    "text", ["raise SystemExit", "1/0", "class", "\0", "raise Exception('a\\nb')"]
)
def test_a_policy_that_ends_the_program_is_one_line(text: str) -> None:
    words = ["compare", "policies", "--queries", "9", "--policy"]
    line = refusal(*words, f"{text_file('mine.py', text)}:Mine")
    assert line.startswith("mine.py: ")
    assert line.endswith("; mend the file")


# Chance


def test_what_a_fuzz_run_tries_first_ends_as_it_should() -> None:
    found = fuzz.summary(fuzz.fuzz(range(84), seed=0), seed=0)
    assert found["cases"] == 84
    assert found["faults"] == []


def test_a_fuzz_run_is_that_of_its_seed(sound: Sound, tmp_path: Path) -> None:
    for number in range(0, 28, 3):
        made = []
        for again in ("a", "b"):
            folder = tmp_path / again
            (folder / "out").mkdir(parents=True)
            maker = fuzz.MAKERS[number % len(fuzz.MAKERS)]
            words = maker(random.Random(f"7-{number}"), sound, folder)
            made.append([word.replace(str(folder), "") for word in words])
            shutil.rmtree(folder)
        assert made[0] == made[1]


def test_an_ofa_network_with_values_of_other_kinds_is_refused() -> None:
    for key in OFA:
        for value in (None, 0, -1, 1e300, [], {}, "x", [[]], True):
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
    many = "family: layers\nsubnets:\n" + "".join(layers.format(i) for i in range(33))
    wrong = "net.yaml:3:3: subnets: write at most 32 entries, got 33"
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


def test_a_search_goes_on_from_no_part_that_lacks_an_objective(sound: Sound) -> None:
    shutil.copytree(sound.folder / "found", "found")
    for old in list(Path("found").glob("part-*.parquet")):
        pq.write_table(pq.read_table(old).drop_columns(["energy_mj_per_query"]), "part")
        old.unlink()
        content, found = Path("part").read_bytes(), Path("found")
        Path("part").rename(found / hostile.part_named(found, old.name, content))
    line = refusal("search", "--hw", TINY, "--workload", str(sound.folder / "layers.yaml"),
                   "--queries", "9", "--trials", "6", "--batch", "3", "--policy", "sushi",
                   "--out", "found")  # fmt: skip
    assert line.startswith("found: the results have no column 'energy_mj_per_query'; ")
