from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given

from sushi_dse.config.document import parse_document
from sushi_dse.config.keys import Keys, checked
from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import WorkloadFile, load_workload, workload_names
from sushi_dse.config.workload_keys import (
    AlphaNetChoiceKeys,
    AlphaNetKeys,
    LayerKeys,
    MobileNetV3Keys,
    PlainChoiceKeys,
    PlainKeys,
    ResNetChoiceKeys,
    ResNetKeys,
    SlimmableChoiceKeys,
    SlimmableKeys,
    StagedChoiceKeys,
)
from sushi_dse.config.writing import workload_text
from sushi_dse.errors import UserError
from sushi_dse.workload.alphanet import AlphaNetChoice, AlphaNetFamily
from sushi_dse.workload.layers import Layer, PlainLayer
from sushi_dse.workload.mobilenet_v3 import MobileNetV3Choice, MobileNetV3Family
from sushi_dse.workload.plain import PlainSubNet
from sushi_dse.workload.resnet import ResNetChoice, ResNetFamily
from sushi_dse.workload.slimmable import SlimmableChoice, SlimmableFamily
from sushi_dse.workload.weights import shared_weight_bytes
from tests.strategies import ungrouped_layers

RESNET = (shipped_folder("workloads") / "ofa_resnet50.yaml").read_text()
SIZES = "channels: 3, kernel_height: 3, kernel_width: 3, height: 8, width: 8, padding: 1"
BLOCKS = (PlainSubNet(name="A", accuracy_percent=70, layers=tuple(
    PlainLayer(name=name, kernels=8, channels=8, kernel_height=1, kernel_width=1, height=4, width=4,
               block=block)
    for name, block in [("stem", ""), ("a", "first"), ("b", "first"), ("c", "second")]
)),)  # fmt: skip
PLAIN = f"""\
family: layers
name: two
accuracy_of: top-1
description: Two networks.
subnets:
  - name: A
    accuracy_percent: 70
    layers:
      - {{name: c, kernels: 8, {SIZES}}}
      - {{name: f, kernels: 10, channels: 8, kernel_height: 1, kernel_width: 1, height: 1,
         width: 1, fully_connected: true}}
  - name: B
    accuracy_percent: 71.5
    layers:
      - {{name: c, kernels: 16, {SIZES}}}
"""
POINT = "kernels: 4, channels: 4, kernel_height: 1, kernel_width: 1, height: 8, width: 8"
THREE = f"""\
family: layers
accuracy_of: top-1
subnets:
  - name: A
    accuracy_percent: 70
    layers:
      - {{name: c, {POINT}}}
      - {{name: d, {POINT}}}
      - {{name: e, {POINT}, LAST}}
"""
Load = Callable[[str], WorkloadFile]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a text as the workload file `my.yaml` of the working folder."""
    monkeypatch.chdir(tmp_path)

    def of_text(text: str) -> WorkloadFile:
        Path("my.yaml").write_text(text)
        return load_workload("my.yaml")

    return of_text


def test_the_shipped_workloads_are_known_by_name() -> None:
    assert workload_names() == [
        "alphanet",
        "gemma_3n",
        "ofa_mbv3",
        "ofa_resnet50",
        "resnet18",
        "resnet18_cifar10",
        "resnet34",
        "resnet50",
        "slimmable_resnet50",
        "squeezenet",
        "us_mobilenet_v1",
        "us_mobilenet_v2",
        "vgg16",
    ]
    resnet, mobilenet = load_workload("ofa_resnet50"), load_workload("ofa_mbv3")
    assert resnet.name == "ofa_resnet50"
    assert [subnet.name for subnet in resnet.supernet.subnets] == list("ABCDEF")
    assert [subnet.name for subnet in mobilenet.supernet.subnets] == list("ABCDEFG")
    assert shared_weight_bytes(resnet.supernet) == 7916296
    assert shared_weight_bytes(mobilenet.supernet) == 2674656
    assert resnet.sources == (RESNET,)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (AlphaNetKeys, AlphaNetFamily),
        (AlphaNetChoiceKeys, AlphaNetChoice),
        (SlimmableKeys, SlimmableFamily),
        (SlimmableChoiceKeys, SlimmableChoice),
        (ResNetKeys, ResNetFamily),
        (ResNetChoiceKeys, ResNetChoice),
        (MobileNetV3Keys, MobileNetV3Family),
        (StagedChoiceKeys, MobileNetV3Choice),
        (PlainChoiceKeys, PlainSubNet),
        (LayerKeys, PlainLayer),
    ],
)
def test_the_keys_are_the_fields_of_the_values(keys: type[Keys], value: type) -> None:
    beside_the_family = {"family", "description", "subnets", "accuracy_model"}
    if "family" in keys.model_fields:
        beside_the_family.add("weight_bits")
    written = set(keys.model_fields) - beside_the_family
    assert written == {field.name for field in fields(value)}
    for field in fields(value):
        has_default = field.name == "name" and "family" in keys.model_fields
        required = field.default.__class__.__name__ == "_MISSING_TYPE" and not has_default
        assert keys.model_fields[field.name].is_required() == required


def test_a_network_may_be_listed_layer_by_layer(load: Load) -> None:
    file = load(PLAIN)
    assert (file.name, file.description) == ("two", "Two networks.")
    whole, part = file.supernet.subnets
    assert [layer.kernels for layer in whole.layers] == [8, 10]
    assert whole.layers[1].fully_connected
    assert part.accuracy_percent == 71.5
    assert file.supernet.layers[0].kernels == 16


@pytest.mark.parametrize(
    ("keys", "stride", "padding"),
    [
        ("stride: 2, padding: 1", (2, 2), (1, 1, 1, 1)),
        ("stride: [2, 1], padding: [0, 1, 2, 3]", (2, 1), (0, 1, 2, 3)),
        ("stride: [2, 2], padding: [1, 1, 1, 1]", (2, 2), (1, 1, 1, 1)),
        ("padding: [0, 0, 0, 0]", (1, 1), (0, 0, 0, 0)),
    ],
)
def test_stride_and_padding_are_one_number_or_one_for_each_side(
    keys: str, stride: tuple[int, int], padding: tuple[int, int, int, int], load: Load
) -> None:
    (layer,) = load(PLAIN.replace("padding: 1", keys)).supernet.subnets[1].layers
    assert (layer.stride, layer.padding) == (stride, padding)


@given(ungrouped_layers())
def test_a_layer_is_written_shortest_and_read_back(layer: Layer) -> None:
    plain = PlainLayer(**{field.name: getattr(layer, field.name) for field in fields(PlainLayer)})
    text = workload_text(
        [PlainSubNet(name="A", accuracy_percent=70, layers=(plain,))], accuracy_of="top-1"
    )
    (read,) = checked(parse_document(Path("my.yaml"), text), PlainKeys).subnets[0].layers
    assert read.model_dump() == {field.name: getattr(plain, field.name) for field in fields(plain)}
    for key, sides in {"stride": plain.stride, "padding": plain.padding}.items():
        written = sides[0] if len(set(sides)) == 1 else list(sides)
        is_default = sides in ((1, 1), (0, 0, 0, 0))
        assert (f"{key}: {written}" in text) == (not is_default)


@pytest.mark.parametrize(
    ("keys", "input_from", "adds"),
    [
        ("adds: c", (), ("c",)),
        ("input_from: [c], adds: [d, c]", ("c",), ("d", "c")),
        ("input_from: [d, c]", ("d", "c"), ()),
        ("input_from: []", (), ()),
    ],
)
def test_a_layer_names_one_or_several_whose_maps_it_reads(
    keys: str, input_from: tuple[str, ...], adds: tuple[str, ...], load: Load, tmp_path: Path
) -> None:
    (subnet,) = load(THREE.replace("LAST", keys)).supernet.subnets
    assert (subnet.layers[2].input_from, subnet.layers[2].adds) == (input_from, adds)
    plain = [PlainLayer(**{f.name: getattr(x, f.name) for f in fields(PlainLayer)})
             for x in subnet.layers]  # fmt: skip
    written = workload_text(
        [PlainSubNet(name="A", accuracy_percent=70, layers=tuple(plain))], accuracy_of="top-1"
    )
    assert load(written).supernet.subnets == (subnet,)


@pytest.mark.parametrize(
    ("keys", "place", "wrong"),
    [
        ("adds: b", "9:106", "adds of layer 'e': no layer is named 'b'; known: c, d, e"),
        ("adds: cc", "9:106", "no layer is named 'cc'; did you mean 'c'?"),
        ("input_from: e", "9:112", "input_from of layer 'e': 'e' must run before it"),
        ("input_from: [c, c]", "9:112", "input_from of layer 'e': names must differ, got c, c"),
        ("adds: 3", "9:106", "adds: a name or a list of names is wanted, got 3"),
        ("adds: [c, 3]", "9:110", "adds: a text is wanted, got 3; put it in quotes"),
        ("adds: {c: d}", "9:106", "adds: a name or a list of names is wanted"),
    ],
)
def test_a_layer_that_is_not_there_before_is_told_in_its_place(
    keys: str, place: str, wrong: str, load: Load
) -> None:
    with pytest.raises(UserError) as refused:
        load(THREE.replace("LAST", keys))
    assert str(refused.value).startswith(f"my.yaml:{place}: ")
    assert wrong in str(refused.value)


def test_one_of_two_layers_of_a_name_cannot_be_meant(load: Load) -> None:
    twice = THREE.replace("name: d", "name: c")
    assert load(twice.replace("LAST", "block: x")).supernet.subnets
    with pytest.raises(UserError, match=r"^my\.yaml:9:106: .*2 layers are named 'c'; rename"):
        load(twice.replace("LAST", "adds: c"))


def test_a_workload_without_a_name_has_its_files(load: Load) -> None:
    assert load(PLAIN.replace("name: two\n", "")).name == "my"
    assert load(RESNET.replace("name: ofa_resnet50\n", "")).supernet.name == "my"


def test_a_subnet_of_the_users_own_is_added(load: Load) -> None:
    own = RESNET[RESNET.index("  - name: F") :].replace("name: F", "name: G")
    subnets = load(RESNET + "\n" + own).supernet.subnets
    assert subnets[-1].macs == subnets[-2].macs
    assert subnets[-1].name == "G"


@pytest.mark.parametrize(
    ("old", "new", "at", "wrong"),
    [
        ("resnet\n", "resnt\n", "resnt", "unknown family 'resnt'; did you mean 'resnet'?"),
        ("family: resnet\n", "family: [a]\n", "[a]", "unknown family ['a']; known: alphanet, "),
        ("    resolution: 160", "    resolutio: 160", "resolutio:",
         "unknown key 'resolutio'; did you mean 'resolution'?"),
        ("stage_widths:", "stag_widths:", "stag_widths", "did you mean 'stage_widths'?"),
        ("    resolution: 160\n", "", "name: A", "the key 'resolution' is missing here; add it"),
        ("resolution: 160", "resolution: 0", "0\n    stem", "resolution > 0 must hold, got 0"),
        ("resolution: 160", "resolution: 99999", "99999", "resolution <= 65536 must hold"),
        ("resolution: 160", "resolution: 160.5", "160.5", "resolution: a whole number is wanted"),
        ("accuracy_percent: 76.3", "accuracy_percent: 176.3", "176.3",
         "accuracy_percent <= 100 must hold"),
        ("accuracy_percent: 76.3", "accuracy_percent: high", "high",
         "accuracy_percent: a number is wanted"),
        ("stem_residual_conv: false", "stem_residual_conv: 0", "0\n    stem_w",
         "stem_residual_conv: true or false is wanted, got 0"),
        ("name: B", "name: 1", "1  #", "name: a text is wanted, got 1; put it in quotes"),
        ("name: B", "name: A", "name: A  # resnet50D_MAC@0.9B", "two SubNets named 'A'"),
        ("[24, 40]", "[24]", "[24]", "stem_widths: write at least 2 entries, got 1"),
        ("[24, 40]", "[24, 40, 3]", "[24, 40, 3]", "stem_widths: write at most 2 entries, got 3"),
        ("[24, 40]", "[24, 41]", "name: A", "41 is not a choice; allowed: 40, 48, 64"),
        ("[2, 2, 5, 2]", "[2, 2, 5]", "[2, 2, 5]\n", "blocks_per_stage needs one entry for each"),
        ("[2, 2, 5, 2]", "[2, 2, 7, 2]", "name: A", "stage 3 has 4 to 6 blocks, got 7"),
        ("[1, 2, 2, 2]", "[1, 2, 2]", "[1, 2, 2]", "stage_strides needs one entry for each"),
        ("[1, 2, 2, 2]", "[1, 2, 2, 0]", "0]", "stage_strides > 0 must hold, got 0"),
        ("expand_ratios: [0.2, 0.25, 0.35]", "expand_ratios: []", "[]", "expand_ratios is empty"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_workload_is_one_line_with_its_place(
    old: str, new: str, at: str, wrong: str, load: Load
) -> None:
    text = RESNET.replace(old, new, 1)
    assert text != RESNET
    start = text.index(at, text.index("family: "))  # behind the comment
    row, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    with pytest.raises(UserError) as refused:
        load(text)
    message = str(refused.value)
    assert message.startswith(f"my.yaml:{row}:{column}: ")
    assert wrong in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("old", "new", "place", "wrong"),
    [
        ("kernel_height: 3", "kernel_height: 5", "12:5", "layer 'c' of SubNet 'B'"),
        ("padding: 1", "padding: -1", "9:109", "padding >= 0 must hold, got -1"),
        ("padding: 1", "padding: [0, 1, -1, 0]", "9:116", "padding >= 0 must hold, got -1"),
        ("padding: 1", "padding: [0, 1]", "9:109",
         "padding: a whole number, or [top, bottom, left, right], is wanted, got [0, 1]"),
        ("padding: 1", "padding: [0, 1, 1, 0.5]", "9:119", "padding: a whole number is wanted"),
        ("padding: 1", "stride: [2, 0]", "9:112", "stride > 0 must hold, got 0"),
        ("padding: 1", "stride: [1, 2, 3]", "9:108",
         "stride: a whole number, or [rows, columns], is wanted, got [1, 2, 3]"),
        ("padding: 1", "stride: true", "9:108", "or [rows, columns], is wanted, got true"),
        ("padding: 1", "groups: 2", "9:108", "groups must divide kernels and channels"),
        ("padding: 1", "paddin: 1", "9:100", "unknown key 'paddin'; did you mean 'padding'?"),
        ("height: 8, width: 8, padding: 1", "height: 2, width: 8", "9:9", "larger than its 2x8"),
        ("layers:\n      - {name: c, kernels: 16", "layers: []\nx:\n      - {name: c, kernels: 16",
         "14:13", "layers: write at least 1 entries, got 0"),
        ("    layers:\n      - {name: c, kernels: 16", "    layers: {a: 1}\nx:\n      - {name: c",
         "14:13", "layers: a list is wanted, got {'a': 1}"),
        ("family: layers\n", "", "1:1", "the key 'family' is missing; known: resnet, "),
        ("family: layers\n", "family: no\n", "1:9", "YAML reads no as true or false"),
        ("accuracy_percent: 70\n", "accuracy_percent: 7e1\n", "7:23", "write 70 or 7.0e+1"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_list_of_layers_is_one_line_with_its_place(
    old: str, new: str, place: str, wrong: str, load: Load
) -> None:
    text = PLAIN.replace(old, new, 1)
    assert text != PLAIN
    with pytest.raises(UserError) as refused:
        load(text)
    assert str(refused.value).startswith(f"my.yaml:{place}: ")
    assert wrong in str(refused.value)


def test_the_first_subnet_that_cannot_be_cut_is_the_one_that_is_told(load: Load) -> None:
    text = RESNET.replace("name: B", "name: A").replace("[0.65, 0.65, 1.0, 1.0]", "[2, 2, 2, 2]")
    row = text[: text.index("name: A  # resnet50D_MAC@0.9B")].count("\n") + 1
    with pytest.raises(UserError, match=rf"^my\.yaml:{row}:5: .* two SubNets named 'A'"):
        load(text)


def test_an_unknown_workload_is_told_the_near_ones() -> None:
    with pytest.raises(UserError, match=r"^unknown workload 'ofa_mbv2'; did you mean 'ofa_mbv3'\?"):
        load_workload("ofa_mbv2")
    with pytest.raises(UserError, match=r"^gone\.yaml: no such file"):
        load_workload(Path("gone.yaml"))


def test_the_blocks_of_listed_layers_are_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "blocks.yaml"
    path.write_text(workload_text(BLOCKS, accuracy_of="top-1"))
    (subnet,) = load_workload(path).supernet.subnets
    assert [layer.block for layer in subnet.layers] == ["", "first", "first", "second"]
    assert "block" not in path.read_text().splitlines()[4]  # The stem is in no block.


@pytest.mark.parametrize(
    ("given", "at", "wrong"),
    [
        ("", "1:1", "the key 'accuracy_of' is missing here; add it"),
        ("accuracy_of: 5\n", "3:14", "accuracy_of: a text is wanted, got 5; put it in quotes"),
        ("accuracy_of: ' '\n", "3:14", "accuracy_of: the metric's name is wanted, such as"),
        (f"accuracy_of: {'a' * 121}\n", "3:14", "120 characters at most"),
        ('accuracy_of: "a\\nb"\n', "3:14", "the metric's name is wanted"),
    ],
)
def test_a_workload_names_the_metric_of_its_accuracies(
    load: Load, given: str, at: str, wrong: str
) -> None:
    assert load(PLAIN).supernet.accuracy_of == "top-1"
    with pytest.raises(UserError) as refused:
        load(PLAIN.replace("accuracy_of: top-1\n", given))
    assert str(refused.value).startswith(f"my.yaml:{at}: ")
    assert wrong in str(refused.value)


def test_every_shipped_workload_names_the_metric_of_its_accuracies() -> None:
    of = {name: load_workload(name).supernet.accuracy_of for name in workload_names()}
    assert of.pop("resnet18_cifar10") == "CIFAR-10 top-1"
    assert of.pop("gemma_3n") == "MMLU"
    assert set(of.values()) == {"ImageNet top-1"}


def test_the_old_name_of_an_accuracy_is_an_unknown_key_whose_name_is_told(load: Load) -> None:
    with pytest.raises(UserError, match=r"unknown key 'top1_percent'; did you mean 'accuracy_perc"):
        load(PLAIN.replace("accuracy_percent: 71.5", "top1_percent: 71.5"))
