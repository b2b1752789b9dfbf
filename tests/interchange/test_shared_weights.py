"""Whether networks share weights is what their files say, and is said where they do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

from sushi_dse.config.workload_file import load_workload
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from tests.commands import Run
from tests.onnx_nets import Net

ASSUMED = "sharing assumed: SubNets count as cuts of the same weights, and"
CONV = "- {id: 0, operator_type: Conv, loop_dims: [K, C], loop_sizes: [8, 16]}\n"


def network(path: Path, conv: np.ndarray, matrix: np.ndarray, *, kind: str = "MatMul") -> Path:
    """A network of those weights: [kernel, channel, row, column], and [input, output]."""
    net = Net()
    size = conv.shape[2]
    x = net.conv("x", conv.shape[1], conv.shape[0], size)
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    turned: dict[str, Any] = {"transB": 1} if kind == "Gemm" else {}
    shape = matrix.shape[::-1] if turned else matrix.shape
    x = net.op(kind, x, net.weight(*shape), **turned)
    for place, values in enumerate((conv, matrix.T if turned else matrix)):
        name = net.weights[place].name
        net.weights[place] = numpy_helper.from_array(np.ascontiguousarray(values), name)
    return net.save(path, x, (1, conv.shape[1], 4, 4))


def both(*paths: Path) -> ImportedWorkload:
    return import_workload(paths, accuracy_percent=[70.0 + i for i in range(len(paths))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


def drawn(seed: int, kernels: int, size: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    conv = generator.normal(size=(kernels, 4, size, size)).astype(np.float32)
    return conv, generator.normal(size=(kernels, 6)).astype(np.float32)


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["MatMul", "Gemm"]))
def test_cuts_of_one_network_share_and_others_are_said_to_be_assumed(
    folder: Path, kernels: int, fewer: int, kind: str
) -> None:
    conv, matrix = drawn(0, 6)
    cut = network(folder / "cut.onnx", conv[:kernels], matrix[:kernels], kind=kind)
    other = network(folder / "other.onnx", conv[:fewer], matrix[:fewer])
    workload = both(cut, other)
    assert "sharing: compared\nequal_weights_percent: 100.0\n" in workload.text
    assert workload.supernet.caveats == ()
    said = "were compared: 100 % of those that files tell are equal"
    assert f"weights that the networks would share {said}" in workload.notes
    alien, words = drawn(1, fewer)
    workload = both(cut, network(folder / "other.onnx", alien, words))
    assert "sharing: assumed\nequal_weights_percent: 0.0\n" in workload.text
    assert workload.supernet.caveats == (f"{ASSUMED} 0 % of those that files tell are equal",)


def test_the_share_of_equal_weights_is_told(tmp_path: Path) -> None:
    conv, matrix = drawn(0, 4)
    first = network(tmp_path / "a.onnx", conv, matrix)
    second = network(tmp_path / "b.onnx", conv, drawn(1, 4)[1])
    shared = conv.size + matrix.size
    workload = both(first, second)
    percent = float(workload.text.split("equal_weights_percent: ")[1].split("\n")[0])
    assert percent == pytest.approx(100 * conv.size / shared)
    assert f"{percent:.3g} % of those that files tell" in workload.supernet.caveats[0]


def test_quantised_and_written_out_weights_are_compared(tmp_path: Path) -> None:
    def quantised(path: Path, seed: int) -> Path:
        net = Net()
        values = np.random.default_rng(seed).integers(-9, 9, (8, 3, 3, 3)).astype(np.int8)
        whole = net.op("Constant", value=numpy_helper.from_array(values))
        weight = net.op("DequantizeLinear", whole, net.weight(), net.weight())
        return net.save(path, net.op("Conv", "x", weight), (1, 3, 8, 8))

    paths = [quantised(tmp_path / f"{name}.onnx", seed) for name, seed in (("a", 0), ("b", 0))]
    assert both(*paths).supernet.caveats == ()
    (caveat,) = both(paths[0], quantised(tmp_path / "c.onnx", 1)).supernet.caveats
    assert caveat.startswith(ASSUMED)


def test_weights_that_no_file_tells_are_assumed_to_be_shared(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.yaml" for name in "ab"]
    for path in paths:
        path.write_text(CONV)
    workload = both(*paths)
    assert workload.supernet.caveats == (f"{ASSUMED} no file tells their weights",)
    assert "equal_weights_percent" not in workload.text
    assert both(paths[0]).supernet.caveats == ()


def test_weights_outside_of_the_file_are_equal_to_none(tmp_path: Path) -> None:
    def external(path: Path) -> Path:
        net = Net()
        output = net.conv("x", 3, 8, 3)
        net.weights[0].ClearField("raw_data")
        net.weights[0].data_location = TensorProto.EXTERNAL
        net.weights[0].external_data.add(key="location", value="elsewhere.bin")
        return net.save(path, output, (1, 3, 8, 8))

    paths = [external(tmp_path / f"{name}.onnx") for name in "ab"]
    assert both(*paths).supernet.caveats == (f"{ASSUMED} no file tells their weights",)


def test_what_is_assumed_or_left_out_stands_in_every_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    skipped = "- {id: 1, operator_type: LSTM, loop_dims: [K, C], loop_sizes: [8, 16]}\n"
    for name in "ab":
        Path(f"{name}.yaml").write_text(CONV + skipped)
    Path("space.yaml").write_text("extends: zcu104\npe_kernels: [8, 16]\n")
    accuracy = ("--accuracy-percent", "70", "--accuracy-percent", "71")
    done = run("workload", "import", "a.yaml", "b.yaml", *accuracy, "--skip-unsupported",
               "--out", "w.yaml")  # fmt: skip
    sentences = (
        f"{ASSUMED} no file tells their weights",
        "1 operators of SubNet a are left out of every count: 'layer1' (LSTM)",
        "1 operators of SubNet b are left out of every count: 'layer1' (LSTM)",
    )
    assert load_workload("w.yaml").supernet.caveats == sentences
    served: tuple[Any, ...] = ("--workload", "w.yaml")
    short = ("--queries", "20")
    sweep = ("sweep", *served, "--hw", "space.yaml", *short, "--out", "rows")
    results = [
        done,
        run("cost", *served),
        run("cost", *served, "--format", "csv"),
        run("describe", "workload", "w.yaml"),
        run("compare", "policies", *served, *short),
        run("compare", "policies", *served, *short, "--format", "junit"),
        run(*sweep),
        run(*sweep, "--format", "markdown"),
        run("search", *served, "--hw", "space.yaml", *short, "--trials", "2", "--out", "found"),
        run("pareto", "show", "rows"),
        run("pareto", "plot", "rows", "--out", "front.svg"),
        run("pareto", "hypervolume", "rows"),
        run("recommend", "rows"),
        run("recommend", "rows", "--format", "csv"),
        run("recommend", *served, "--hw", "space.yaml"),
        run("explain", *served, "--hw", "space.yaml", "0", "--samples", "4", *short),
        run("worth", *served, *short, "--repeats", "2"),
    ]
    for result in results:
        assert result.code == 0
        told = " ".join((result.out + result.err).split())
        assert all(sentence in told for sentence in sentences), told
    cost = run("cost", *served, "--format", "json").document
    compare = run("compare", "policies", *served, *short, "--format", "json").document
    show = run("pareto", "show", "rows", "--format", "json").document
    for caveats in (cost["caveats"], compare["standing"]["caveats"], show["caveats"]):
        assert caveats == list(sentences)
