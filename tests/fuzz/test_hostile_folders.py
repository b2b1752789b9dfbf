"""Folders of results that were edited end in one line, and files of others are left alone."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fuzz import hostile
from tests.fuzz.files import TINY, Sound
from tests.fuzz.refusals import ESCAPE, printed, refusal, text_file

# Folders of results


@pytest.mark.parametrize("name", [".lock", "search.journal"])
@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
def test_nothing_is_written_through_a_link_in_a_folder_of_results(
    name: str, kind: str, sound: Sound
) -> None:
    shutil.copytree(sound.folder / "found", "found")
    (Path("found") / name).unlink(missing_ok=True)
    text_file("victim", "keep\nme")
    make: dict[str, Callable[[Path], object]] = {
        "link": lambda path: path.symlink_to("../victim"),
        "hard link": lambda path: path.hardlink_to("victim"),
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
    wrong = "exact/certificate.parquet: is damaged; run the sweep again with --exact"
    assert refusal("pareto", "verify", "exact", *made).startswith(wrong)
    sweep_again = ["sweep", "--exact", "--out", "exact", *made]
    assert printed(*sweep_again)
    whole = (sound.folder / "exact" / "certificate.parquet").read_bytes()
    assert Path("exact/certificate.parquet").read_bytes() == whole


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


ODD: list[object] = [
    None, 0, -1, 2.5, True, 10**400, "", "a", [], [[]], [None], ["a"], [10**400], [-1], [True], {},
    {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("key", ["policies", "exact", "mode", "recache_every_queries", "hardware"])
def test_an_input_of_a_run_that_was_edited_to_anything_is_refused(key: str, sound: Sound) -> None:
    made = ["--hw", TINY, "--workload", str(sound.folder / "layers.yaml")]
    shutil.copytree(sound.folder / "exact", "exact")
    file = Path("exact/run.json")
    run = json.loads(file.read_text())
    for odd in ODD:
        file.write_text(json.dumps({**run, "inputs": {**run["inputs"], key: odd}}))
        for words in (["pareto", "verify", "exact", *made], ["pareto", "plot", "exact"]):
            assert refusal(*words)


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


# Many


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
