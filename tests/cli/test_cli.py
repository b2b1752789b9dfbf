import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pyarrow as pa
import pytest

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore import blocks
from sushi_dse.explore import sweep as sweep_module
from sushi_dse.hardware.accelerator import OWN_FIELDS, Dataflow
from sushi_dse.store.folder import Store
from sushi_dse.store.run import Run as StoredRun
from tests import paths
from tests.commands import Run

TINY = str(paths.TINY)
ROOT = paths.ROOT
SMALL = ("--hw", TINY, "--queries", "60", "--service-level", "1")


def parts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*.parquet"))}


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))])


@pytest.fixture
def swept(tmp_path: Path, run: Run) -> Path:
    assert run("sweep", *SMALL, "--out", str(tmp_path / "results")).code == 0
    return tmp_path / "results"


def test_a_second_sweep_does_no_work_and_changes_no_byte(swept: Path, run: Run) -> None:
    first = parts(swept)
    done = run("sweep", *SMALL, "--out", str(swept), "--format", "json")
    assert done.document["evaluated"] == 0
    assert parts(swept) == first


def test_an_interrupted_sweep_goes_on_to_the_same_bytes(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_module, "BLOCK_DESIGNS", 5)
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for folder in (whole, torn):
        run("sweep", *SMALL, "--out", str(folder), "--workers", "1")
    names = sorted(parts(torn))
    assert len(names) == 3
    (torn / names[0]).unlink()
    (torn / names[1]).write_bytes((torn / names[1]).read_bytes()[:100])
    done = run("sweep", *SMALL, "--out", str(torn), "--workers", "1", "--format", "json")
    assert done.document["evaluated"] == 10
    assert names[1] in done.err
    assert parts(torn) == parts(whole)


def test_workers_change_no_byte(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "BLOCK_DESIGNS", 6)
    for workers in ("1", "2"):
        done = run("sweep", *SMALL, "--out", str(tmp_path / workers), "--workers", workers)
        assert done.code == 0
    assert parts(tmp_path / "1") == parts(tmp_path / "2")


def test_a_damaged_part_is_refused_by_readers_and_redone_by_the_sweep(
    swept: Path, run: Run
) -> None:
    before = parts(swept)
    (name,) = before
    (swept / name).write_bytes(before[name][:-1])
    for command in ("show", "hypervolume", "plot"):
        done = run("pareto", command, str(swept))
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert f"{name}: is damaged; run the sweep again and it is redone" in done.err
    assert f"{name}: is damaged; its designs are evaluated again" in run(
        "sweep", *SMALL, "--out", str(swept)
    ).err  # fmt: skip
    assert parts(swept) == before


def test_of_two_sweeps_into_one_folder_the_second_is_refused(swept: Path, run: Run) -> None:
    inputs = json.loads((swept / "run.json").read_text())["inputs"]
    with Store.open(swept, StoredRun(inputs=inputs)):
        done = run("sweep", *SMALL, "--out", str(swept))
    assert (done.code, done.out) == (2, "")
    assert f"another sweep (process {os.getpid()} on " in done.err
    assert run("pareto", "show", str(swept)).code == 0  # reading needs no lock
    assert run("sweep", *SMALL, "--out", str(swept)).code == 0


def test_blocks_that_are_given_up_end_in_3_after_what_was_done_is_printed(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(experiment: Experiment, designs: range) -> pa.Table:
        if designs.start == 5:
            raise MemoryError
        return evaluate(experiment, designs)

    monkeypatch.setattr(sweep_module, "BLOCK_DESIGNS", 5)
    monkeypatch.setattr(blocks, "evaluate", fails)
    command = ("sweep", *SMALL, "--out", str(tmp_path), "--workers", "1", "--format", "json")
    done = run(*command)
    assert done.code == 3
    assert done.document["evaluated"] == 7
    assert done.err == (
        "error: given up after 3 tries: designs 5 to 9 (MemoryError); what is finished is kept: "
        "run the same command again to go on\n"
    )
    monkeypatch.setattr(blocks, "evaluate", evaluate)
    done = run(*command)
    assert (done.code, done.document["evaluated"]) == (0, 5)


def test_a_folder_of_another_sweep_is_refused_and_the_difference_named(
    swept: Path, run: Run
) -> None:
    before = parts(swept)
    done = run(
        "sweep", "--hw", TINY, "--queries", "61", "--service-level", "1", "--out", str(swept)
    )
    assert done.code == 2
    assert "trace" in done.err
    assert parts(swept) == before


def test_the_front_of_a_sweep_is_what_no_row_of_its_parts_beats(swept: Path, run: Run) -> None:
    document = run("sweep", *SMALL, "--out", str(swept), "--format", "json").document
    rows = rows_of(swept)
    feasible = rows[rows["infeasible_reason"] == ""]
    costs = feasible[["mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query"]].copy()
    costs["mean_accuracy_percent"] *= -1
    points = costs.to_numpy().tolist()
    unbeaten = {
        (int(design), policy)
        for design, policy, own in zip(feasible["design"], feasible["policy"], points, strict=True)
        if not any(
            other != own and all(a <= b for a, b in zip(other, own, strict=True))
            for other in points
        )
    }
    assert {(row["design"], row["policy"]) for row in document["front"]} == unbeaten
    assert document["designs"] == 12
    assert document["infeasible"] == 4
    assert document["infeasible_by_resource"] == {"dsp": 4, "uram288": 2}


def test_an_infeasible_design_has_a_reason_and_no_metrics(swept: Path) -> None:
    rows = rows_of(swept)
    lost = rows[rows["pe_kernels"] == 128]
    assert len(lost) == 4 * 4
    assert lost["infeasible_reason"].str.contains("dsp: needs 5184, ZCU104 has 1728").all()
    assert lost["mean_latency_ms"].isna().all()
    assert (rows[rows["pe_kernels"] < 128]["infeasible_reason"] == "").all()


def test_a_sweep_without_out_goes_to_a_folder_named_by_its_inputs(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = str(run("sweep", *SMALL, "--format", "json").document["out"])
    assert re.fullmatch(r"results/tiny-ofa_resnet50-[0-9a-f]{16}", out)
    assert (tmp_path / out / "run.json").is_file()


@pytest.mark.parametrize("printed", ["table", "json", "jsonl", "markdown"])
def test_a_front_is_printed_in_every_format(swept: Path, run: Run, printed: str) -> None:
    done = run("pareto", "show", str(swept), "--objective", "dsp", "--format", printed,
               "--objective", "p99_latency_ms")  # fmt: skip
    assert done.code == 0
    rows = rows_of(swept)
    least = rows[rows["dsp"] == rows["dsp"].min()]
    best = least.loc[least["p99_latency_ms"].idxmin()]
    if printed in ("table", "markdown"):  # rows that agree are shown once, by the first of them
        assert f"{best['p99_latency_ms']:.4g}" in done.out
    else:
        assert best["policy"] in done.out
    if printed == "json":
        assert done.document["objectives"] == ["dsp", "p99_latency_ms"]
    if printed == "jsonl":
        assert all("dsp" in json.loads(line) for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_front_is_drawn(swept: Path, run: Run, suffix: str, magic: bytes) -> None:
    path = swept.parent / f"front.{suffix}"
    assert run("pareto", "plot", str(swept), "--out", str(path)).code == 0
    assert path.read_bytes().startswith(magic)


def test_the_hypervolume_grows_with_the_reference(swept: Path, run: Run) -> None:
    def volume(*reference: str) -> float:
        arguments = [word for value in reference for word in ("--reference", value)]
        for metric in ("mean_latency_ms", "mean_accuracy_percent"):
            arguments += ["--objective", metric]
        done = run("pareto", "hypervolume", str(swept), *arguments, "--format", "json")
        assert set(done.document["reference"]) == {"mean_latency_ms", "mean_accuracy_percent"}
        return float(done.document["hypervolume"])

    assert 0 < volume("100", "70") < volume("200", "70") < volume("200", "60")
    assert volume() > 0


def test_a_hypervolume_needs_a_reference_an_objective(swept: Path, run: Run) -> None:
    done = run("pareto", "hypervolume", str(swept), "--reference", "1")
    assert done.code == 2
    assert "3 times" in done.err


COMPARE = ("compare", "policies", "--queries", "120")


def test_a_comparison_has_the_promised_fields(run: Run) -> None:
    asked = (*COMPARE, "--mode", "strict-accuracy", "--format", "json")
    rows = run(*asked).document["rows"]
    wanted = {"policy", "mean_latency_ms", "p99_latency_ms", "mean_accuracy_percent",
              "offchip_bytes_per_query", "energy_mj_per_query", "slo_attainment",
              "gain_over_no_sgs_percent"}  # fmt: skip
    assert all(wanted <= set(row) for row in rows)
    latency = {row["policy"]: row["mean_latency_ms"] for row in rows}
    same_subnets = ("no-sgs", "sushi", "static-subgraph", "latency-aware", "last-subnet")
    assert all(latency["offline-optimum"] <= latency[name] * (1 + 1e-12) for name in same_subnets)
    assert all(latency[name] <= latency["no-sgs"] for name in same_subnets)


def test_a_missed_threshold_ends_in_1_and_is_named(run: Run) -> None:
    condition = "sushi.mean_latency_ms > 0.5 * no-sgs.mean_latency_ms"
    done = run(*COMPARE, "--fail-if", condition)
    assert done.code == 1
    assert condition in done.err
    assert run(*COMPARE, "--fail-if", "sushi.mean_latency_ms > no-sgs.mean_latency_ms").code == 0


def test_junit_holds_a_case_for_each_check(run: Run) -> None:
    done = run(*COMPARE, "--format", "junit", "--fail-if", "mean_accuracy_percent < 90",
               "--policy", "sushi", "--policy", "no-sgs")  # fmt: skip
    suite = ElementTree.fromstring(done.out).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert len(suite.findall("testcase/failure")) == 2


def test_a_baseline_that_is_kept_passes_and_one_that_is_undercut_fails(
    tmp_path: Path, run: Run
) -> None:
    stored = tmp_path / "baseline.json"
    stored.write_text(run(*COMPARE, "--format", "json").out)
    assert run(*COMPARE, "--baseline", str(stored)).code == 0
    document = json.loads(stored.read_text())
    for row in document["rows"]:
        row["mean_latency_ms"] *= 0.99
    stored.write_text(json.dumps(document))
    done = run(*COMPARE, "--baseline", str(stored))
    assert done.code == 1
    assert "sushi.mean_latency_ms" in done.err
    assert run(*COMPARE, "--baseline", str(stored), "--tolerance-percent", "2").code == 0


def test_repeats_give_intervals_that_a_condition_may_name(run: Run) -> None:
    few = (*COMPARE, "--repeats", "3", "--policy", "no-sgs", "--policy", "sushi")
    done = run(*few, "--format", "json")
    _, sushi = done.document["rows"]
    low, high = (sushi[f"gain_over_no_sgs_percent_{end}"] for end in ("low", "high"))
    assert low <= sushi["gain_over_no_sgs_percent"] <= high
    assert sushi["verdict"] in ("faster", "slower", "no difference")
    assert run(*few, "--fail-if", "sushi.gain_over_no_sgs_percent_low < 1000").code == 1
    assert "verdict" in run(*few).out


def test_a_trace_file_has_no_seeds_to_repeat_over(tmp_path: Path, run: Run) -> None:
    path = str(tmp_path / "trace.csv")
    run("trace", "generate", "--queries", "5", "--out", path)
    done = run("compare", "policies", "--trace", path, "--repeats", "2")
    assert done.code == 2
    assert "--repeats" in done.err


def test_a_policy_of_ones_own_is_compared(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "class First:\n    def select(self, query, table, latency_ms):\n        return 0\n"
        "    def recache(self, served, table, cached):\n        return cached\n"
    )
    name = f"{path}:First"
    (row,) = run(*COMPARE, "--policy", name, "--format", "json").document["rows"]
    assert row["policy"] == name
    assert row["mean_accuracy_percent"] == 75.0


def test_the_headlines_of_the_paper_stand_beside_the_model(run: Run) -> None:
    document = run("reproduce", "--format", "json").document
    assert list(document)[1:] == ["measured", "headlines", "without_overlap", "map", "reasons",
                                  "remarks"]  # fmt: skip
    assert len(document["headlines"]) == 12
    row = document["headlines"][0]
    assert row["published"][0]["up_to"] == 25.0
    command = row["command"].split()[1:]
    rows = run(*command, "--policy", "sushi", "--format", "json").document["rows"]
    assert rows[0]["gain_over_no_sgs_percent"] == pytest.approx(row["stream_mean"])


@pytest.mark.parametrize("output_format", ["table", "markdown", "jsonl"])
def test_what_is_measured_is_printed_before_what_is_published(output_format: str, run: Run) -> None:
    out = run("reproduce", "--format", output_format).out
    assert 0 <= out.index("ResNet-50") < out.index("up to" if output_format != "jsonl" else "up_to")
    assert "up to 78.7" in out or output_format == "jsonl"
    assert "Why they differ" in out or output_format == "jsonl"


def test_markdown_is_a_table(run: Run) -> None:
    lines = run(*COMPARE, "--format", "markdown").out.splitlines()
    assert lines[0] == "### zcu104, ofa_resnet50, 120 queries of random-walk, strict-latency"
    assert lines[3].startswith("| --- |")
    assert len({line.count("|") for line in lines[2:]}) == 1


PUBLISHED = {  # millions of MACs and of parameters: the Once-for-all README
    "A": (600, 9.6), "B": (900, 14.5), "C": (1800, 20.7),
    "D": (2400, 29.0), "E": (3700, 26.5), "F": (4100, 30.9),
}  # fmt: skip


@pytest.mark.parametrize("subnet", PUBLISHED)
def test_the_totals_of_a_subnet_are_the_published_ones(run: Run, subnet: str) -> None:
    document = run("cost", "--subnet", subnet, "--format", "json").document
    total, layers = document["total"], document["layers"]
    macs, weights = PUBLISHED[subnet]
    assert total["macs"] == pytest.approx(macs * 1e6, rel=0.01)
    assert total["weight_bytes"] == pytest.approx(weights * 1e6, rel=0.005)
    for name in ("macs", "weight_bytes", "offchip_bytes"):
        assert sum(layer[name] for layer in layers) == total[name]
    assert sum(layer["latency_us"] for layer in layers) == pytest.approx(total["latency_ms"] * 1e3)
    parts = ("offchip", "buffer", "mac", "clock", "static")
    parts_mj = [total[f"{part}_energy_mj"] for part in parts]
    assert sum(parts_mj) == pytest.approx(total["energy_mj"])


@pytest.mark.parametrize(
    "command",
    [
        ("cost",),
        COMPARE,
        ("trace", "generate", "--queries", "9", "--out", "trace.csv"),
        (
            "trace",
            "import",
            "csv",
            "log.csv",
            "--arrived",
            "t",
            "--time-unit",
            "s",
            "--out",
            "t.csv",
        ),
    ],
    ids=["cost", "compare", "generate", "import"],
)
def test_a_design_that_does_not_fit_is_costed_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text("t\n0\n1\n2\n")
    path = tmp_path / "huge.yaml"
    path.write_text("extends: zcu104\npe_kernels: 128\n")
    done = run(*command, "--hw", str(path))
    assert done.code == 0
    assert "dsp: needs 5184, ZCU104 has 1728" in done.err


@pytest.mark.parametrize("command", ["sweep", "search", "explain"])
def test_a_trace_made_for_a_design_that_does_not_fit_is_warned_of(
    tmp_path: Path, run: Run, command: str
) -> None:
    space = tmp_path / "space.yaml"
    lines = "extends: zcu104\npe_channels: 9\nclock: [100 MHz, 150 MHz, 200 MHz]\npe_kernels: "
    little = {
        "sweep": ("--out", str(tmp_path / "results"), "--dry-run"),
        "search": ("--out", str(tmp_path / "found"), "--trials", "2", "--queries", "9"),
        "explain": ("--queries", "9", "--samples", "2"),
    }[command]
    for kernels, warned in (("[8, 16, 32]", False), ("[8, 64, 128]", True)):
        space.write_text(lines + kernels)
        done = run(command, "--hw", str(space), *little)
        assert done.code == 0
        assert (
            "the middle of each axis, which does not fit its device (dsp:" in done.err
        ) == warned
        shutil.rmtree(tmp_path / "found", ignore_errors=True)


def test_a_cached_subgraph_is_not_fetched(run: Run) -> None:
    cold = run("cost", "--format", "json").document["total"]
    warm = run("cost", "--subgraph", "A/value", "--format", "json").document["total"]
    assert warm["cached_weight_bytes"] > 1e6
    assert cold["offchip_bytes"] - warm["offchip_bytes"] == warm["cached_weight_bytes"]
    assert warm["compute_cycles"] == cold["compute_cycles"]
    assert warm["latency_ms"] < cold["latency_ms"]


def test_the_model_is_within_its_documented_error_of_the_measured_layers(run: Run) -> None:
    document = run("validate", "--format", "json").document
    assert document["layers"] == 2 * 46  # in two sessions
    assert document["mape_percent"] < 1.3
    assert document["max_error_percent"] < 7
    assert document["left_out_mape_percent"] < 1.6
    row = document["rows"][0]
    assert set(row) == {"subnet", "layer", "measured_us", "predicted_us", "error_percent"}
    assert len(run("validate", "--subnet", "B", "--format", "json").document["rows"]) == 2 * 15
    assert "By SubNet" in run("validate").out


def test_constants_are_fitted_into_a_file_that_validates(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "mine.yaml"
    done = run("calibrate", "--out", str(out))
    assert done.code == 0
    assert "warning" not in done.err
    assert "fitted by `sushi-dse calibrate`" in out.read_text()
    document = run("validate", "--hw", str(out), "--measured",
                   str(paths.ROOT / "hwconfigs" / "zcu104_measured.csv"),
                   "--format", "json").document  # fmt: skip
    shipped = run("validate", "--format", "json").document
    assert document["mape_percent"] == pytest.approx(shipped["mape_percent"], rel=0.01)


def test_measurements_that_no_board_could_make_are_warned_of(tmp_path: Path, run: Run) -> None:
    measured = pd.read_csv(ROOT / "hwconfigs" / "zcu104_measured.csv")
    measured["latency_us"] /= 1000  # milliseconds under the name of microseconds
    measured.to_csv(tmp_path / "board.csv", index=False)
    files = ("--measured", str(tmp_path / "board.csv"), "--out", str(tmp_path / "mine.yaml"))
    done = run("calibrate", *files)
    assert done.code == 0
    assert "92 measured layers are faster than any constants allow" in done.err


def test_the_shipped_constants_are_those_that_calibrate_finds(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "mine.yaml"
    run("calibrate", "--out", str(out))
    fitted = dict(re.findall(r"^(\w+): ([\d.]+)$", out.read_text(), re.MULTILINE))
    shipped = (paths.ROOT / "hwconfigs" / "zcu104_measured.yaml").read_text()
    for name, value in fitted.items():
        written = re.search(rf"^{name}: ([\d.]+)", shipped, re.MULTILINE)
        assert written is not None
        assert float(written[1]) == pytest.approx(float(value), rel=2e-3), name


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_generated_trace_is_described_and_compared_on(
    tmp_path: Path, run: Run, suffix: str
) -> None:
    path = str(tmp_path / f"trace.{suffix}")
    done = run("trace", "generate", "--demands", "phases", "--arrivals", "poisson",
               "--queries", "50", "--out", path)  # fmt: skip
    assert done.code == 0
    facts = run("trace", "describe", path, "--format", "json").document
    assert facts["queries"] == 50
    assert facts["closed_loop"] is False
    rows = run("compare", "policies", "--trace", path, "--format", "json").document["rows"]
    assert len(rows) > 3


@pytest.mark.parametrize(
    ("kind", "name"),
    [("hw", "zcu104"), ("hw", "zcu104_space"), ("hw", "vcu118_64x64"), ("workload", "ofa_mbv3"),
     ("policy", "latency-aware"), ("metric", "p99_latency_ms"), ("device", "KV260")],
)  # fmt: skip
def test_a_name_is_described_with_what_it_assumes(run: Run, kind: str, name: str) -> None:
    done = run("describe", kind, name)
    assert done.code == 0
    assert name in done.out
    if kind in ("hw", "policy"):
        assert "assumption" in done.out
    assert name in run("describe", kind).out


@pytest.mark.parametrize("name", ["zcu104", "vcu118_64x64"])
def test_a_design_is_described_by_the_fields_that_its_dataflow_has(run: Run, name: str) -> None:
    facts = run("describe", "hw", name, "--format", "json").document
    dataflow = load_hardware(name).space.base.dataflow
    (other,) = set(Dataflow) - {dataflow}
    assert set(OWN_FIELDS[dataflow]) <= facts.keys()
    assert not set(OWN_FIELDS[other]) & facts.keys()


BAD = [
    (("worth", "--queries", "9", "--accelerators", "1"), "2 to 1024 small designs"),
    (("sweep", "--accelerators", "0"), "--accelerators: 1 to 1024 must be given, got 0"),
    (("compare", "policies", "--accelerators", "2"), "a closed loop keeps one query under way"),
    (("search", "--accelerators", "2", "--policy", "gati"), "gati left out: of one accelerator"),
    (("sweep", "--hw", "zcu14"), "did you mean 'zcu104"),
    (("sweep", "--hw", "missing.yaml"), "missing.yaml"),
    (("sweep", "--workload", "ofa_resnet5"), "ofa_resnet50"),
    (("sweep", "--policy", "sushy"), "did you mean 'sushi'?"),
    (("sweep", "--policy", "sushi", "--policy", "sushi"), "twice"),
    (("sweep", "--trace", "random-wakl"), "random-walk"),
    (("sweep", "--trace", "missing.csv"), "missing.csv"),
    (("sweep", "--cluster", "missing.json"), "missing.json: no such file"),
    (("sweep", "--cluster", "tcp://localhost:1", "--workers", "2"), "give one of them"),
    (("compare", "policies", "--hw", "zcu104_space"), "search space"),
    (("compare", "policies", "--baseline", "missing.json"), "missing.json"),
    (("compare", "policies", "--queries", "9", "--fail-if", "sushi.latency > 3"), "unknown metric"),
    (("compare", "policies", "--queries", "9", "--fail-if", "import os"), "must stand between"),
    (("cost", "--subnet", "Z"), "Z"),
    (("cost", "--subgraph", "A/valu"), "A/value"),
    (("pareto", "show", "missing"), "missing"),
    (("pareto", "show", "missing", "--objective", "p99"), "missing: no such folder; name the"),
    (("sweep", "--objective", "latency"), "did you mean 'mean_latency_ms'?"),
    (("describe", "metric", "p99_latency"), "p99_latency_ms"),
    (("describe", "policy", "suhsi"), "sushi"),
    (("describe", "device", "KV26"), "KV260"),
    (("validate", "--measured", "missing.csv"), "missing.csv"),
    (("validate", "--hw", "kv260"), "--measured"),
    (("validate", "--subnet", "Q"), "Q"),
    (("calibrate", "--out", "mine.txt"), ".yaml"),
    (("trace", "generate", "--demands", "walk", "--out", "t.csv"), "random-walk"),
    (("trace", "generate", "--out", "t.txt"), ".csv"),
    (("trace", "generate", "--rate-per-s", "0", "--out", "t.csv"), "rate_per_s"),
    (("trace", "describe", "missing.csv"), "missing.csv"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_a_mistake_ends_in_one_line_and_exit_code_2(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_every_word_of_a_usage_error_names_the_option(run: Run) -> None:
    done = run("sweep", "--queries", "0")
    assert done.code == 2
    assert "--queries" in done.err


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sushi_dse", "describe", "metric"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "Traceback" not in said


def test_no_colour_reaches_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sushi_dse", "describe", "metric"]
    environment = os.environ | {"NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert b"\x1b" not in done.stdout + done.stderr


def test_all_combinations_of_mode_and_trace_run(run: Run) -> None:
    for mode, trace in product(("strict-accuracy", "strict-latency"), ("independent", "phases")):
        done = run("compare", "policies", "--mode", mode, "--trace", trace, "--queries", "40",
                   "--workload", "ofa_mbv3", "--hw", "alveo_u50", "--format", "json")  # fmt: skip
        assert done.code == 0
