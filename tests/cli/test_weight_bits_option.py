"""A workload counted at other bits by an option, and hardware without multipliers for them."""

import json
from pathlib import Path

import pytest

from tests.commands import Run

CARRIED = "weights count 4 bits, and accuracies are those at 8: carried over"
CIFAR = ("--workload", "resnet18_cifar10")
SHORT = ("--queries", "30")
FOUR = ("--weight-bits", 4)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text("extends: zcu104\npe_kernels: [8, 16]\n")
    Path("int4.yaml").write_text("extends: zcu104\nmultiplier_bits: 4\n")
    Path("either.yaml").write_text("extends: zcu104\nmultiplier_bits: [4, 8]\n")


def test_a_cost_at_four_bits_moves_half_the_weights_and_says_what_is_carried_over(run: Run) -> None:
    words = ("cost", *CIFAR, "--format", "json")
    eight, four = run(*words).document, run(*words, *FOUR).document
    assert 2 * four["total"]["weight_bytes"] == eight["total"]["weight_bytes"]
    assert 2 * four["total"]["offchip_weight_bytes"] == eight["total"]["offchip_weight_bytes"]
    assert four["total"]["macs"] == eight["total"]["macs"]
    assert four["total"]["latency_ms"] < eight["total"]["latency_ms"]
    assert four["caveats"][-1].startswith(CARRIED)
    assert CARRIED in run("cost", *CIFAR, *FOUR).out.replace("\n", " ")


@pytest.mark.parametrize(
    "words",
    [
        ("subnets",),
        ("compare", "policies", "--policy", "sushi", "--policy", "no-sgs", *SHORT),
        ("explain", "--hw", "space.yaml", "--samples", 2, *SHORT),
    ],
    ids=lambda words: words[0],
)
def test_each_result_at_other_bits_says_so(words: tuple[str, ...], run: Run) -> None:
    done = run(*words, *CIFAR, *FOUR, "--format", "json")
    assert done.code == 0
    assert CARRIED in done.out
    assert CARRIED not in run(*words, *CIFAR, "--weight-bits", 8, "--format", "json").out


def test_a_sweep_records_the_bits_and_what_reads_it_serves_them_again(run: Run) -> None:
    words = ("sweep", "--hw", "space.yaml", *CIFAR, *SHORT, "--service-level", "1")
    assert run(*words, *FOUR, "--out", "four", "--policy", "sushi").code == 0
    inputs = json.loads(Path("four/run.json").read_text())["inputs"]
    assert inputs["workload"]["weight_bits"] == "4"
    assert inputs["caveats"][0].startswith(CARRIED)
    asked = ("--hw", "space.yaml", *CIFAR, *SHORT)
    assert run("explain", "--results", "four", "--samples", 2, *asked, *FOUR).code == 0
    assert run("explain", "--results", "four", "--samples", 2, *asked).code == 2
    refused = run(*words, "--out", "four", "--policy", "sushi")
    assert refused.code == 2


def test_an_exact_sweep_at_other_bits_is_verified_at_these(run: Run) -> None:
    words = ("--hw", "space.yaml", *CIFAR, *FOUR)
    assert run("sweep", *words, "--exact", "--out", "exact").code == 0
    assert run("pareto", "verify", "exact", *words).code == 0
    assert run("pareto", "verify", "exact", *words[:-2]).code == 2


@pytest.mark.parametrize("bits", [0, 3, 32])
def test_other_bits_are_refused_in_one_line(bits: int, run: Run) -> None:
    done = run("cost", "--weight-bits", bits)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: --weight-bits {bits}: give one of 4, 8, 16\n"


@pytest.mark.parametrize(
    "words",
    [
        ("cost",),
        ("subnets",),
        ("compare", "policies", *SHORT),
        ("worth", *SHORT),
        ("sweep", *SHORT),
    ],
    ids=lambda words: words[0],
)
def test_weights_without_a_multiplier_are_refused_in_one_line(
    words: tuple[str, ...], run: Run
) -> None:
    done = run(*words, "--hw", "int4.yaml", *CIFAR)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: resnet18_cifar10: layer 'stem' has weights of 8 bits, and int4 has multipliers of "
        "4; give the hardware 'multiplier_bits: 8', or the workload narrower weights\n"
    )


def test_an_axis_of_multipliers_trades_dsps_for_nothing_at_four_bits(run: Run) -> None:
    words = ("sweep", "--hw", "either.yaml", *CIFAR, "--trace", "none", "--out", "axis")
    assert run(*words).code == 2
    assert run(*words, *FOUR, "--objective", "mean_latency_ms", "--objective", "dsp").code == 0
    front = run("pareto", "show", "axis", "--format", "json").document["front"]
    assert [(row["multiplier_bits"], row["dsp"]) for row in front] == [(4, 324)]
