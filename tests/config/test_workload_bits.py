"""The key `weight_bits` of a workload: for all layers at the top, for one where it is listed."""

from pathlib import Path

import pytest

from sushi_dse.analysis.catalogue import workload_facts
from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload, workload_names
from sushi_dse.errors import UserError
from sushi_dse.evaluation.subnets import served_workload
from sushi_dse.workload.weights import bits_said
from tests.strategies import zcu104

LAYER = "kernels: 4, channels: 4, kernel_height: 3, kernel_width: 3, height: 8, width: 8"
LISTED = f"""\
family: layers
weight_bits: 4
accuracy_of: ImageNet top-1
subnets:
  - name: A
    layers:
      - {{name: one, {LAYER}}}
      - {{name: two, {LAYER}, weight_bits: 16}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def test_a_shipped_workload_has_weights_of_eight_bits() -> None:
    assert {bits_said(load_workload(name).supernet) for name in workload_names()} == {"8"}


@pytest.mark.parametrize("name", ["ofa_resnet50", "ofa_mbv3", "alphanet", "us_mobilenet_v1"])
def test_the_bits_at_the_top_are_those_of_all_layers_of_every_family(
    name: str, tmp_path: Path
) -> None:
    text = (shipped_folder("workloads") / f"{name}.yaml").read_text()
    ours = load_workload(written(tmp_path, f"weight_bits: 4\n{text}")).supernet
    theirs = load_workload(name).supernet
    assert bits_said(ours) == "4"
    for own, other in zip(ours.subnets, theirs.subnets, strict=True):
        assert {layer.weight_bits for layer in own.layers} == {4}
        assert own.macs == other.macs
        assert 0 <= 2 * own.weight_bytes - other.weight_bytes <= len(own.layers)


def test_a_listed_layer_has_bits_of_its_own_or_those_at_the_top(tmp_path: Path) -> None:
    path = written(tmp_path, LISTED)
    (subnet,) = load_workload(path).supernet.subnets
    assert [layer.weight_bits for layer in subnet.layers] == [4, 16]
    assert [layer.weight_bytes for layer in subnet.layers] == [4 * 4 * 9 // 2, 4 * 4 * 9 * 2]
    assert workload_facts(str(path))["weight_bits"] == "4 and 16"


def test_subnets_that_a_model_chooses_have_the_bits_of_their_workload(tmp_path: Path) -> None:
    text = (shipped_folder("workloads") / "ofa_mbv3.yaml").read_text()
    workload = load_workload(written(tmp_path, f"weight_bits: 4\n{text}"))
    assert bits_said(served_workload(workload, zcu104(), 3).supernet) == "4"


@pytest.mark.parametrize("bits", ["5", "32", "four", "8.5", "true", "[4, 8]", "0"])
def test_other_bits_are_refused_in_one_line_with_their_place(bits: str, tmp_path: Path) -> None:
    at_top = LISTED.replace("weight_bits: 4", f"weight_bits: {bits}")
    with pytest.raises(UserError, match=r"own.yaml:2:14: weight_bits: 4, 8 or 16 is wanted, got"):
        load_workload(written(tmp_path, at_top))
    of_layer = LISTED.replace("weight_bits: 16", f"weight_bits: {bits}")
    with pytest.raises(UserError, match=r"own.yaml:8:\d+: weight_bits: 4, 8 or 16 is wanted, got"):
        load_workload(written(tmp_path, of_layer))


def test_subnets_that_share_a_layer_have_weights_of_the_same_bits_in_it(tmp_path: Path) -> None:
    other = LISTED + f"  - name: B\n    layers:\n      - {{name: one, {LAYER}, weight_bits: 8}}\n"
    with pytest.raises(UserError, match=r"own.yaml:9:5: .*'B' has weight_bits 8, .*'one' has 4"):
        load_workload(written(tmp_path, other))
