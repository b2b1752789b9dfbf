"""Branches of ONNX networks: whose maps a layer reads, and what it adds."""

from pathlib import Path

from sushi_dse.config.workload_file import load_workload
from sushi_dse.interchange.imports import import_workload
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import Layer
from tests.onnx_nets import Net, resnet18

IMAGE = (1, 8, 16, 16)
Edges = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


def imported(net: Net, output: str, path: Path, shape: tuple[str | int | None, ...]) -> list[Layer]:
    """The layers, which the text of the workload reads back to."""
    workload = import_workload([net.save(path / "net.onnx", output, shape)])
    (subnet,) = workload.supernet.subnets
    (path / "net.yaml").write_text(workload.text)
    assert load_workload(path / "net.yaml").supernet.subnets == (subnet,)
    return list(subnet.layers)


def edges(net: Net, output: str, path: Path) -> Edges:
    """What the layers name, without those that name nothing."""
    layers = imported(net, output, path, IMAGE)
    named = {layer.name: (layer.input_from, layer.adds) for layer in layers}
    return {name: both for name, both in named.items() if any(both)}


def test_the_shortcuts_of_resnet18_are_those_of_the_shipped_network(tmp_path: Path) -> None:
    layers = imported(*resnet18(), tmp_path, (1, 3, 224, 224))
    (shipped,) = load_workload("resnet18").supernet.subnets
    assert list(reads_of(layers)) == list(reads_of(shipped.layers))


def block(net: Net, *, downsample_first: bool) -> str:
    x = net.op("MaxPool", net.conv("x", 8, 8, 1, name="in"), kernel_shape=[2, 2], strides=[2, 2])
    shortcut = net.conv(x, 8, 8, 1, name="down") if downsample_first else ""
    y = net.op("Relu", net.conv(x, 8, 8, 3, name="a"))
    y = net.op("BatchNormalization", net.conv(y, 8, 8, 3, name="b"), *(net.weight(8),) * 4)
    shortcut = shortcut or net.conv(x, 8, 8, 1, name="down")
    return net.conv(net.op("Relu", net.op("Add", y, shortcut)), 8, 4, 1, name="out")


def test_the_layer_that_runs_last_adds_the_other_map(tmp_path: Path) -> None:
    net = Net()
    assert edges(net, block(net, downsample_first=True), tmp_path) == {
        "a": (("in",), ()), "b": ((), ("down",)),
    }  # fmt: skip
    net = Net()
    assert edges(net, block(net, downsample_first=False), tmp_path) == {
        "down": (("in",), ("b",)),
    }  # fmt: skip


def test_maps_that_are_concatenated_are_read_together(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 8, 8, 1, name="squeeze")
    both = net.conv(x, 8, 8, 1, name="one"), net.conv(x, 8, 8, 3, name="three")
    x = net.op("Resize", net.op("Concat", *both, axis=1), "", net.number([1.0, 1.0, 2.0, 2.0]))
    assert edges(net, net.conv(x, 16, 8, 1, name="next"), tmp_path) == {
        "three": (("squeeze",), ()), "next": (("one", "three"), ()),
    }  # fmt: skip


def test_a_gate_is_read_together_with_the_map_that_it_scales(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 8, 8, 3, name="dw", groups=8)
    x = net.op("Mul", x, net.op("HardSigmoid", x))  # a swish reads one map twice
    gate = net.conv(net.op("GlobalAveragePool", x), 8, 8, 1, name="reduce")
    gate = net.op("Sigmoid", net.conv(gate, 8, 8, 1, name="expand"))
    assert edges(net, net.conv(net.op("Mul", x, gate), 8, 8, 1, name="project"), tmp_path) == {
        "project": (("dw", "expand"), ()),
    }  # fmt: skip


def test_a_map_that_was_read_before_it_is_added_to_is_read_beside_the_other(tmp_path: Path) -> None:
    net = Net()
    early, late = net.conv("x", 8, 8, 1, name="early"), ""
    late = net.conv(early, 8, 8, 1, name="late")
    branch = net.conv(late, 8, 8, 1, name="branch")
    total = net.conv(net.op("Add", early, late), 8, 8, 1, name="of_sum")
    output = net.op("Concat", branch, total, axis=1)
    assert edges(net, net.conv(output, 16, 8, 1, name="end"), tmp_path) == {
        "of_sum": (("early", "late"), ()), "end": (("branch", "of_sum"), ()),
    }  # fmt: skip


def test_several_maps_may_be_added_to_one(tmp_path: Path) -> None:
    net = Net()
    first = net.conv("x", 8, 8, 1, name="first")
    second = net.conv(first, 8, 8, 1, name="second")
    third = net.conv(second, 8, 8, 1, name="third")
    total = net.op("Add", net.op("Add", third, first), second)
    total = net.op("Add", total, net.op("Mul", first, net.number(0.5)))
    assert edges(net, net.conv(total, 8, 8, 1, name="end"), tmp_path) == {
        "third": ((), ("first", "second")),
    }  # fmt: skip


def test_the_image_and_its_size_are_no_maps_of_layers(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 8, 8, 1, name="first")
    shape = net.op("Shape", x)
    second = net.op("Add", net.conv("x", 8, 8, 1, name="second"), "x")
    flat = net.op("Reshape", second, shape)
    assert edges(net, net.conv(flat, 8, 8, 1, name="end"), tmp_path) == {}


def test_layers_of_one_name_are_told_apart_where_they_are_read(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 8, 8, 1, name="no_2")
    x = net.conv(x, 8, 8, 1, name="no")
    y = net.conv(x, 8, 8, 1, name="no")
    assert edges(net, net.conv(net.op("Add", x, y), 8, 8, 1, name="end"), tmp_path) == {
        "no_2_2": ((), ("no",)),
    }  # fmt: skip
