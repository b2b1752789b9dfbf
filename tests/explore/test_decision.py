"""The named designs of a decision: on the front, and in their roles by brute force."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sushi_dse as sd
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import AREA, LEVEL, METRICS
from sushi_dse.explore import decision as roles
from sushi_dse.explore.decision import Setting, decision, given_up
from sushi_dse.explore.survey import DEFAULT_OBJECTIVES, Survey
from sushi_dse.explore.sweep import Sweep
from sushi_dse.hardware.accelerator import RESOURCE_KINDS
from tests.commands import Run

KEYS = {
    "role", "design", "policy", "recache_every_queries", "service_level", "pe_kernels",
    "pe_channels", "persistent_buffer_kib", "dynamic_buffer_tiles", "streaming_buffer_kib",
    "output_buffer_kib", "clock_mhz", "offchip_gb_per_s", "mean_latency_ms",
    "mean_accuracy_percent", "energy_mj_per_query", "dsp", "bram36", "uram288", "device_share",
    "given_up",
} | {"mean_power_w", "demands_kept"}  # fmt: skip
KNOWN_BEST = ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query")


@pytest.fixture(scope="module")
def space_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("space") / "space.yaml"
    path.write_text(
        "extends: zcu104\npe_kernels: [8, 16, 32]\npe_channels: [6, 12]\n"
        "persistent_buffer: [512 KiB, 3 MiB]\noutput_buffer: [256 KiB, 784 KiB]\n"
    )
    return path


@pytest.fixture(scope="module")
def swept(space_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, Survey]:
    experiment = sd.load_experiment(space_file, queries=100, service_levels="span")
    plan = Sweep(experiment, out=tmp_path_factory.mktemp("swept") / "out")
    return plan, plan.run()


def named_of(swept: tuple[Sweep, Survey]) -> list[dict[str, Any]]:
    plan, found = swept
    return decision(found, Setting.of(plan.experiment))


def contenders(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The feasible rows that no other one beats in those metrics, by comparing each with each."""
    feasible = rows.loc[rows["infeasible_reason"] == ""].reset_index(drop=True)
    costs = np.column_stack([METRICS[name].cost(feasible) for name in names])
    beaten = [bool(((costs <= own).all(axis=1) & (costs < own).any(axis=1)).any()) for own in costs]
    return feasible.loc[~np.array(beaten)]


def test_each_named_design_is_on_the_front_and_has_its_role_by_brute_force(
    swept: tuple[Sweep, Survey],
) -> None:
    plan, _ = swept
    by_role = {role: entry for entry in named_of(swept) for role in str(entry["role"]).split(", ")}
    rows = plan.to_pandas()
    front = contenders(rows, DEFAULT_OBJECTIVES)
    wide = pd.concat([front, contenders(rows, (*DEFAULT_OBJECTIVES, AREA))])
    for role, entry in by_role.items():
        if role == roles.CHEAPEST:  # of all rows: one that is beaten elsewhere may be the cheapest
            continue
        same = wide["design"] == entry["design"]
        for name in (*DEFAULT_OBJECTIVES, AREA, LEVEL):
            same &= wide[name] == entry[name]
        assert same.any()
    assert by_role[roles.FASTEST]["mean_latency_ms"] == front["mean_latency_ms"].min()
    assert by_role[roles.FRUGAL]["energy_mj_per_query"] == front["energy_mj_per_query"].min()
    small = wide.loc[wide[AREA] <= 0.5]
    assert by_role[roles.SMALL]["mean_accuracy_percent"] == small["mean_accuracy_percent"].max()
    kept = (rows[LEVEL] == 1.0) & (rows["latency_attainment"] >= 0.99)
    keeps, device = rows.loc[kept], plan.experiment.space.base.device
    totals = {kind: getattr(device, kind) for kind in RESOURCE_KINDS}
    chains = [
        (*sorted((row[kind] / most for kind, most in totals.items()), reverse=True),
         row["mean_power_w"], row["mean_latency_ms"])
        for _, row in keeps.iterrows()
    ]  # fmt: skip
    cheapest = keeps.iloc[chains.index(min(chains))]
    named = by_role[roles.CHEAPEST]
    assert [named[name] for name in ("mean_latency_ms", "mean_power_w", "uram288")] == [
        cheapest[name] for name in ("mean_latency_ms", "mean_power_w", "uram288")
    ]
    assert named["demands_kept"] == cheapest["latency_attainment"]
    costs = np.column_stack([METRICS[name].cost(front) for name in DEFAULT_OBJECTIVES])
    worst = ((costs - costs.min(axis=0)) / np.ptp(costs, axis=0)).max(axis=1)
    knee = front.iloc[worst.argmin()]
    assert by_role[roles.KNEE]["mean_latency_ms"] == knee["mean_latency_ms"]


def test_a_named_design_has_every_key_and_they_rise_in_latency(
    swept: tuple[Sweep, Survey],
) -> None:
    named = named_of(swept)
    assert 3 <= len(named) <= 5
    assert all(set(entry) == KEYS for entry in named)
    latencies = [entry["mean_latency_ms"] for entry in named]
    assert latencies == sorted(latencies)
    assert all(str(entry["given_up"]).endswith(".") for entry in named)


def test_a_folder_has_the_setting_of_its_experiment(swept: tuple[Sweep, Survey]) -> None:
    plan, found = swept
    stored = Setting.stored(plan.folder)
    assert stored.space == plan.experiment.space
    assert (stored.mode, stored.service_levels) == (
        "strict-latency",
        plan.experiment.service_levels,
    )
    assert decision(found, stored) == named_of(swept)


def test_a_broken_run_file_is_refused(swept: tuple[Sweep, Survey], tmp_path: Path) -> None:
    plan, _ = swept
    document = json.loads((plan.folder / "run.json").read_text())
    document["inputs"]["service_levels"] = ["a"]
    (tmp_path / "run.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"run\.json: is broken"):
        Setting.stored(tmp_path)


def test_without_a_trace_no_level_is_kept(space_file: Path, tmp_path: Path) -> None:
    plan = Sweep(sd.load_experiment(space_file, trace="none"), out=tmp_path / "steady")
    named = decision(plan.run(), Setting.of(plan.experiment))
    words = ", ".join(str(entry["role"]) for entry in named)
    assert roles.FASTEST in words
    assert roles.CHEAPEST not in words
    assert all("subnet" in entry and LEVEL not in entry for entry in named)


def test_where_nothing_fits_there_is_no_decision(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_text("extends: zcu104\npe_kernels: [512, 1024]\n")
    plan = Sweep(sd.load_experiment(path, queries=20), out=tmp_path / "out")
    assert decision(plan.run(), Setting.of(plan.experiment)) == []


def test_an_array_of_pixels_is_described_by_its_own_buffers(tmp_path: Path) -> None:
    assert load_hardware("vcu118_space").space.axes
    plan = Sweep(sd.load_experiment("vcu118_64x64", trace="none"), out=tmp_path / "out")
    for entry in decision(plan.run(), Setting.of(plan.experiment)):
        assert {"pe_pixels", "prefetch_buffer_kib"} <= set(entry)
        assert "pe_channels" not in entry


def entry(role: str, latency: float, accuracy: float, energy: float, area: float) -> dict[str, Any]:
    values = dict(zip(KNOWN_BEST, (latency, accuracy, energy), strict=True))
    return {"role": role, **values, AREA: area, "mean_power_w": 5.0 * area}


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        ((1.0, 76.0, 1.0, 1.0), "50 % less latency than the knee, for 2.0 points less accuracy."),
        ((2.0, 78.0, 1.0, 1.0), "As good as the knee."),
        ((2.2, 78.0, 2.5, 1.0), "10 % more latency and 2.5 times the energy than the knee."),
        ((2.0, 79.0, 1.0, 0.5), "50 % less area and 1.0 points more accuracy than the knee."),
    ],
)
def test_a_sentence_says_what_is_gained_and_what_is_given_up(
    one: tuple[float, float, float, float], sentence: str
) -> None:
    assert given_up(entry("any", *one), entry("knee", 2.0, 78.0, 1.0, 1.0)) == sentence


def test_of_equal_shares_the_power_says_what_is_cheaper() -> None:
    one, other = (entry("any", 2.0, 78.0, 1.0, 1.0) for _ in range(2))
    said = given_up({**one, "mean_latency_ms": 3.0, "mean_power_w": 4.0}, other)
    assert said == "20 % less power than the any, for 50 % more latency."


def test_a_design_of_all_roles_is_compared_with_none(tmp_path: Path) -> None:
    experiment = sd.load_experiment("zcu104", policies=["no-sgs"], queries=50)
    plan = Sweep(experiment, out=tmp_path / "one")
    (named,) = decision(plan.run(), Setting.of(plan.experiment))
    assert {roles.FASTEST, roles.KNEE} <= set(named["role"].split(", "))
    assert named["given_up"] == ""


def test_a_sweep_prints_the_decision_last_within_100_columns(
    run: Run, space_file: Path, tmp_path: Path
) -> None:
    asked = ("sweep", "--hw", space_file, "--queries", 100, "--out", tmp_path / "out")
    printed = run(*asked)
    assert printed.code == 0
    shown = printed.out.split("Designs to decide between\n")[1]
    assert max(map(len, shown.splitlines())) <= 100
    assert shown.strip().endswith(".")
    document = run(*asked, "--format", "json").document
    assert all(set(named) == KEYS for named in document["decision"])
    assert len(document["service_levels"]) == 7
    assert len(document["front"]) == len(
        run("pareto", "show", tmp_path / "out", "--format", "json").document["front"]
    )


def test_a_level_may_be_given(run: Run, space_file: Path, tmp_path: Path) -> None:
    asked = ("sweep", "--hw", space_file, "--queries", 20, "--format", "json", "--out")
    one = run(*asked, tmp_path / "a", "--service-level", 0.5)
    assert one.document["service_levels"] == [0.5]
    two = run(*asked, tmp_path / "b", "--service-level", 1.5, "--service-level", 1)
    assert two.document["service_levels"] == [1, 1.5]
    wrong = run(*asked, tmp_path / "c", "--service-level", "lax")
    assert (wrong.code, "give numbers, or `span` alone" in wrong.err) == (2, True)


def test_a_trace_file_keeps_level_1_unless_asked(
    run: Run, space_file: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("arrived_ms,min_accuracy_percent,max_latency_ms\n0,76,20\n0,78,40\n")
    asked = ("sweep", "--hw", space_file, "--trace", trace, "--format", "json", "--out")
    assert run(*asked, tmp_path / "a").document["service_levels"] == [1]
    spanned = run(*asked, tmp_path / "b", "--service-level", "span")
    assert len(spanned.document["service_levels"]) == 7
