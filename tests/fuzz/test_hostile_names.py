"""Names and numbers that no honest user writes do no harm."""

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sushi_dse.analysis.thresholds import Check
from sushi_dse.report.junit import junit
from tests.fuzz.files import LAYERS, MEASURED, TINY
from tests.fuzz.judge import UNPRINTABLE, run_words
from tests.fuzz.refusals import ESCAPE, EVERY_READER, READERS, TRACE, printed, refusal, text_file

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
    others = MEASURED.partition("\n")[2].replace("A,", "C,")  # Four constants need as many layers.
    board = text_file("b\nlaunch_us: 0.csv", MEASURED + others)
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


EXTREMES = [
    {"clock_mhz": "0.000000001"},
    {"clock_mhz": "999999999999999", "dram_gb_per_s": "0.000000001"},
    {"mac_pj": "999999999999999", "static_w": "999999999999999"},
    {"persistent_buffer_kib": "999999999999999", "output_buffer_kib": "999999999999999"},
    {"pe_kernels": "1000000", "pe_channels": "1000000", "dynamic_buffer_tiles": "1000000"},
]


# Extremes that are allowed


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
