"""The way of a user's own network: import, cost, sweep, export, and back in."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from sushi_dse.config.hardware_file import load_hardware
from tests import paths
from tests.commands import Run
from tests.onnx_nets import Net, resnet18

TINY = str(paths.TINY)


@pytest.fixture
def run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """As elsewhere, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return run


def test_an_onnx_network_is_costed_swept_and_its_design_exported(run: Run) -> None:
    net, output = resnet18()
    net.save(Path("resnet18.onnx"), output)
    done = run(
        "workload", "import", "resnet18.onnx", "--out", "r.yaml", "--accuracy-percent", "69.8"
    )
    assert (done.code, done.out) == (0, "")
    assert "resnet18: 21 layers, 1814.1 million MACs, 11.14 MiB of weights" in done.err
    assert "not charged by the cost model: Relu 17, Add 8, MaxPool 1" in done.err
    total = run("cost", "--workload", "r.yaml", "--format", "json").document["total"]
    assert (total["macs"], total["weight_bytes"]) == (1_814_073_344, 11_678_912)

    arguments = ("--hw", TINY, "--workload", "r.yaml", "--queries", "8", "--policy", "no-sgs")
    front = run("sweep", *arguments, "--out", "swept", "--format", "json").document["front"]
    design = str(front[0]["design"])
    assert run("export", "swept", "--design", design, "--out", "mine.yaml").code == 0
    again = run("sweep", "--hw", "mine.yaml", *arguments[2:], "--out", "again", "--format", "json")
    for key in ("mean_latency_ms", "energy_mj_per_query", "dsp"):
        assert again.document["front"][0][key] == front[0][key]
    for form, name in (("timeloop", "arch.yaml"), ("hls", "design.h")):
        done = run("export", "swept", "--design", design, "--to", form, "--out", name)
        assert f"Design {design} of swept" in done.err
        assert f"Design {design} of swept" in Path(name).read_text()


def test_what_cannot_be_read_ends_with_code_2_and_one_line(run: Run) -> None:
    net = Net()
    read = net.op("LSTM", "x", name="lstm")
    net.save(Path("net.onnx"), net.op("Add", read, net.conv("x", 3, 8, 3)))
    Path("bad.yaml").write_text("a: &a [1]\n")
    for arguments in (
        ("net.onnx", "--out", "x.yaml"),
        ("net.onnx", "--out", "x.txt", "--skip-unsupported"),
        ("net.onnx", "--out", "x.yaml", "--skip-unsupported", "--name", "a b"),
        ("net.onnx", "--out", "x.yaml", "--skip-unsupported", "--input-shape", "1x3"),
        ("gone.onnx", "--out", "x.yaml"),
        ("bad.yaml", "--out", "x.yaml"),
    ):
        done = run("workload", "import", *arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert not Path("x.yaml").exists()
    done = run("workload", "import", "net.onnx", "--out", "x.yaml", "--skip-unsupported")
    assert (
        "warning: 1 operators of SubNet net are left out of every count: 'lstm' (LSTM)" in done.err
    )
    assert "the accuracy is not known; give it by --accuracy-percent" in done.err


@pytest.mark.parametrize("kind", ["hw", "workload", "devices"])
def test_a_schema_is_printed_with_the_line_by_which_an_editor_finds_it(run: Run, kind: str) -> None:
    done = run("schema", kind)
    assert done.document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert f"# yaml-language-server: $schema={kind}.schema.json" in done.err


def test_a_design_that_does_not_fit_is_exported_with_a_warning(run: Run) -> None:
    done = run("export", TINY, "--design", "9", "--out", "big.yaml")
    assert done.code == 0
    assert "warning: the design does not fit its device: dsp" in done.err


PAGE = (paths.ROOT / "docs" / "bring_your_own.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_does_what_it_says(run: Run) -> None:
    for language, block in BLOCKS:
        if language == "python":
            exec(block, {})
        elif language == "yaml":
            Path("mine.yaml").write_text(block)
            assert load_hardware("mine.yaml").space.base.clock_mhz == 200
        for line in block.splitlines() if language == "sh" else ():
            program, *arguments = shlex.split(line)
            if program == "cp":
                shutil.copy(*arguments)
                continue
            assert program == "sushi-dse"
            outputs = [arguments.pop(), arguments.pop()] if ">" in arguments else []
            done = run(*arguments)
            assert done.code == 0, done.err
            if outputs:
                Path(outputs[0]).write_text(done.out)
    (layer,) = [line for line in Path("my_net.yaml").read_text().splitlines() if "stem" in line]
    assert "kernels: 16, channels: 3" in layer
    assert json.loads(Path("hw.schema.json").read_text())["type"] == "object"


def test_networks_that_no_workload_holds_are_refused_before_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    layer = "- {id: %d, operator_type: Conv, loop_dims: [K, C], loop_sizes: [8, 16]}\n"
    names = [f"net{i}.yaml" for i in range(33)]
    for name in names:
        Path(name).write_text(layer % 0)
    accuracy = ["--accuracy-percent", "70"]
    done = run("workload", "import", *names, *accuracy * 33, "--out", "all.yaml")
    assert (done.code, Path("all.yaml").exists()) == (2, False)
    assert "makes no workload: subnets: write at most 32 entries, got 33" in done.err
    assert run("workload", "import", *names[1:], *accuracy * 32, "--out", "all.yaml").code == 0
    assert run("describe", "workload", "all.yaml").code == 0
    Path("long.yaml").write_text("".join(layer % i for i in range(4200)))
    done = run("workload", "import", "long.yaml", "--out", "long_net.yaml")
    assert (done.code, Path("long_net.yaml").exists()) == (2, False)
    assert "layers: write at most 4096 entries, got 4200" in done.err
