"""Timeloop problems as they are published: their shape stands in a file that they include."""

from pathlib import Path

import pytest

from sushi_dse.errors import UserError
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from sushi_dse.workload.layers import PlainLayer

INCLUDE = "{{include_text('../problem_base.yaml')}}\n"
PROBLEM = "problem:\n  <<<: *problem_base\n  instance:\n    %s\n"
CONVOLUTION = "C: 64\n    M: 128\n    P: 28\n    Q: 14\n    R: 3\n    S: 5\n    HStride: 2"


def imported(folder: Path, text: str) -> ImportedWorkload:
    path = folder / "conv.yaml"
    path.write_text(text)
    return import_workload([path])


def layer_of(folder: Path, text: str) -> PlainLayer:
    (layer,) = imported(folder, text).supernet.subnets[0].layers
    return layer


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as refused:
        imported(folder, text)
    return str(refused.value).removeprefix(f"{folder / 'conv.yaml'}:")


@pytest.mark.parametrize(
    "include",
    [
        INCLUDE,
        "{{ include_text('base.yaml') }}\n{{include('x', 'y')}}\n",
        f"# a layer\n\n{INCLUDE}\n",
    ],
)
def test_a_problem_behind_an_include_is_its_instance(include: str, tmp_path: Path) -> None:
    layer = layer_of(tmp_path, include + PROBLEM % CONVOLUTION)
    assert (layer.kernels, layer.channels, layer.kernel_width, layer.kernel_height) == (
        128,
        64,
        3,
        5,
    )
    assert (layer.output_width, layer.output_height, layer.stride) == (28, 14, (2, 1))


def test_sizes_that_an_include_may_tell_are_one_and_that_is_said(tmp_path: Path) -> None:
    workload = imported(tmp_path, INCLUDE + PROBLEM % "C: 256\n    M: 1000")
    (layer,) = workload.supernet.subnets[0].layers
    assert (layer.fully_connected, layer.macs) == (True, 256_000)
    note = "1 files include others, which are not read: a size that they leave out is 1"
    assert note in workload.networks[0].notes
    missing = refusal(tmp_path, "problem:\n  instance: {C: 256, M: 1000}\n")
    assert missing == "2:13: the size R is missing here; add it"


def test_the_output_channels_may_be_called_k(tmp_path: Path) -> None:
    by_m = layer_of(tmp_path, INCLUDE + PROBLEM % CONVOLUTION)
    assert layer_of(tmp_path, INCLUDE + PROBLEM % CONVOLUTION.replace("M:", "K:")) == by_m
    both = refusal(tmp_path, INCLUDE + PROBLEM % f"K: 8\n    {CONVOLUTION}")
    assert both.startswith("5:8: K and M both: the output channels have one name")
    shape = "  shape: {name: c, dimensions: [C, K, R, S, N, P, Q]}\n"
    instance = "  instance: {C: 4, K: 8, R: 1, S: 1, P: 2, Q: 2, N: 1}\n"
    assert layer_of(tmp_path, f"problem:\n{shape}{instance}").kernels == 8


def test_a_size_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    line = refusal(tmp_path, INCLUDE + PROBLEM % f"Hpad: 1\n    {CONVOLUTION}")
    assert line.startswith("5:11: 'Hpad' is no size of a convolution; ")
    kept = "densities: {Inputs: 0.5}\n    " + CONVOLUTION
    assert layer_of(tmp_path, INCLUDE + PROBLEM % kept).channels == 64


def test_a_mistake_behind_an_include_keeps_its_line(tmp_path: Path) -> None:
    line = refusal(tmp_path, INCLUDE + PROBLEM % CONVOLUTION.replace("P: 28", "P: x"))
    assert line.startswith("7:8: P: a whole number from 1 to")
    template = INCLUDE + PROBLEM % CONVOLUTION.replace("P: 28", "P: {{ x }}")
    assert refusal(tmp_path, template).startswith("7:8: is a template; give the file")
