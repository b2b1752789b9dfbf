"""The metric that accuracies are of: where it is shown, and where two of them are not compared."""

import json
from pathlib import Path

import pytest

from tests.commands import Run
from tests.paths import TINY

LAYER = "{name: c, kernels: 8, channels: 3, kernel_height: 3, kernel_width: 3, height: 8, width: 8}"
SERVED = ("--queries", "8", "--policy", "no-sgs")
NETWORK = f"""\
family: layers
name: net
accuracy_of: METRIC
subnets:
  - name: A
    accuracy_percent: 62.5
    layers: [{LAYER}]
"""


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """As elsewhere, in a folder with two files of one network, that differ in the metric."""
    monkeypatch.chdir(tmp_path)
    for name, metric in (("mmlu", "MMLU"), ("imagenet", "ImageNet top-1")):
        Path(f"{name}.yaml").write_text(NETWORK.replace("METRIC", metric))
    return run


def test_results_name_the_metric_of_their_accuracies(run: Run) -> None:
    given = ("--hw", TINY, "--workload", "mmlu.yaml", "--queries", "8")
    swept = ("sweep", *given, "--policy", "no-sgs")
    shown = run(*swept, "--out", "swept")
    assert "the front of mean latency (ms), mean MMLU (%), energy" in shown.out
    assert run(*swept, "--out", "again", "--format", "json").document["accuracy_of"] == "MMLU"
    inputs = json.loads(Path("swept/run.json").read_text())["inputs"]
    assert inputs["workload"]["accuracy_of"] == "MMLU"
    objectives = ("--objective", "mean_latency_ms", "--objective", "mean_accuracy_percent")
    for command in (
        ("pareto", "show", "swept"),
        ("pareto", "hypervolume", "swept", *objectives),
        ("pareto", "robust", "swept", "--draws", "2", *given),
        ("recommend", "swept"),
        ("subnets", "--workload", "mmlu.yaml", "--queries", "8"),
        ("describe", "workload", "mmlu.yaml"),
    ):
        assert run(*command, "--format", "json").document["accuracy_of"] == "MMLU"
    assert "| mean MMLU (%) |" in run("recommend", "swept", "--format", "markdown").out


def test_results_of_another_metric_are_refused_by_a_line_that_names_both(run: Run) -> None:
    swept = ("sweep", "--hw", TINY, *SERVED, "--out", "swept")
    assert run(*swept, "--workload", "mmlu.yaml").code == 0
    done = run(*swept, "--workload", "imagenet.yaml")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert 'workload.accuracy_of was "MMLU" and is "ImageNet top-1" now' in done.err

    compared = ("compare", "policies", *SERVED)
    stored = run(*compared, "--workload", "mmlu.yaml", "--format", "json")
    Path("baseline.json").write_text(stored.out)
    done = run(*compared, "--workload", "imagenet.yaml", "--baseline", "baseline.json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: baseline.json: its accuracy is 'MMLU' and that of this comparison is "
        "'ImageNet top-1', which do not compare; take those of one metric\n"
    )
