import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from sushi_dse.interchange.onnx_operators import CONVOLUTIONS, PRODUCTS, UNCHARGED
from sushi_dse.interchange.shapes import parse_shapes
from sushi_dse.workload.layers import PlainLayer, SubNet
from tests.onnx_nets import FLOAT, Net, counted_by_onnx, mobilenet_v1, resnet18

Import = Callable[..., ImportedWorkload]


def imported(path: Path, **options: Any) -> ImportedWorkload:
    return import_workload([path], **options)


def layers_of(path: Path, **options: Any) -> tuple[PlainLayer, ...]:
    (subnet,) = imported(path, **options).supernet.subnets
    return subnet.layers


def read_back(workload: ImportedWorkload, folder: Path) -> tuple[SubNet, ...]:
    path = folder / "my_net.yaml"
    path.write_text(workload.text, encoding="utf-8")
    return load_workload(path).supernet.subnets


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as refused:
        imported(path, **options)
    line = str(refused.value)
    assert line.isprintable()
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


# --- what is counted


@pytest.mark.parametrize(
    ("make", "layers", "macs", "weights"),
    [(resnet18, 21, 1_814_073_344, 11_678_912), (mobilenet_v1, 28, 568_740_352, 4_209_088)],
)
def test_a_known_network_has_its_known_macs_and_weights(
    make: Callable[[], tuple[Net, str]], layers: int, macs: int, weights: int, tmp_path: Path
) -> None:
    net, output = make()
    workload = imported(net.save(tmp_path / "net.onnx", output))
    (subnet,) = read_back(workload, tmp_path)
    assert (len(subnet.layers), subnet.macs, subnet.weight_bytes) == (layers, macs, weights)
    assert subnet.layers[-1].fully_connected
    assert {layer.kind for layer in subnet.layers} <= {"conv", "dwconv", "fc"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@st.composite
def networks(draw: st.DrawFn) -> tuple[Net, str, tuple[int, ...]]:
    """A chain of convolutions of any window, stride, padding and groups, and a product."""
    net, x = Net(), "x"
    channels = draw(st.integers(1, 6))
    shape = (1, channels, draw(st.integers(1, 24)), draw(st.integers(1, 24)))
    for _ in range(draw(st.integers(1, 3))):
        groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
        kernels = groups * draw(st.integers(1, 3))
        window = [draw(st.integers(1, 4)), draw(st.integers(1, 4))]
        attributes: dict[str, Any] = {
            "strides": [draw(st.integers(1, 3)), draw(st.integers(1, 3))],
            "dilations": [draw(st.integers(1, 2)), draw(st.integers(1, 2))],
            "group": groups,
        }
        padding = draw(st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID"]))
        if padding == "pads":
            attributes["pads"] = draw(st.lists(st.integers(0, 3), min_size=4, max_size=4))
        else:
            attributes["auto_pad"] = padding
        weight = net.weight(kernels, channels // groups, *window)
        x, channels = net.op("Relu", net.op("Conv", x, weight, **attributes)), kernels
    if draw(st.booleans()):
        x = net.op("Gemm", net.op("Flatten", net.op("GlobalMaxPool", x)), net.weight(channels, 7))
    return net, x, shape


@given(networks())
def test_an_imported_network_reads_back_with_the_macs_that_onnx_counts(
    folder: Path, drawn: tuple[Net, str, tuple[int, ...]]
) -> None:
    net, output, shape = drawn
    try:
        expected = counted_by_onnx(net.model(output, shape))
    except onnx.shape_inference.InferenceError:
        assume(False)
    path = net.save(folder / "net.onnx", output, shape)
    workload, wrong = None, ""
    try:
        workload = imported(path)
    except UserError as error:
        wrong = str(error)
    if workload is None:  # onnx infers maps even behind a window larger than its input
        assert "is larger than its" in wrong
        return
    (subnet,) = read_back(workload, folder)
    assert [(layer.macs, layer.weight_bytes) for layer in subnet.layers] == expected
    assert (subnet,) == workload.supernet.subnets


@pytest.mark.parametrize(
    ("shapes", "attributes", "rows"),
    [
        (((1, 5, 16), (16, 8)), {}, 5),
        (((1, 16), (16, 8)), {}, 1),
        (((1, 3, 4, 16), (16, 8)), {}, 12),
        (((1, 5, 16), (1, 16, 8)), {}, 5),
        (((16,), (16, 8)), {}, 1),
    ],
)
def test_a_product_with_constant_weights_is_a_layer_over_its_rows(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], attributes: dict[str, Any], rows: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    net = Net()
    output = net.op("MatMul", "x", net.weight(*shapes[1]), name="p", **attributes)
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", output, shapes[0]))
    assert (layer.channels, layer.kernels, layer.output_height) == (16, 8, rows)
    assert layer.fully_connected == (rows == 1)
    assert layer.macs == rows * 16 * 8


def test_weights_may_stand_on_the_left(tmp_path: Path) -> None:
    net = Net()
    output = net.op("MatMul", net.weight(8, 16), "x")
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", output, (16, 5)))
    assert (layer.kernels, layer.channels, layer.output_height) == (8, 16, 5)


def test_a_gemm_is_read_as_it_is_transposed(tmp_path: Path) -> None:
    net = Net()
    output = net.op("Gemm", "x", net.weight(8, 16), transA=1, transB=1)
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", output, (16, 5)))
    assert (layer.kernels, layer.channels, layer.output_height) == (8, 16, 5)


def test_quantised_weights_are_weights(tmp_path: Path) -> None:
    net = Net()
    weight = net.op("DequantizeLinear", net.weight(8, 3, 3, 3), net.weight())
    scale, zero = net.weight(), net.weight()
    x = net.op("Conv", "x", weight, pads=[1] * 4)
    x = net.op("QLinearConv", x, scale, zero, net.weight(4, 8, 1, 1), scale, zero, scale, zero)
    first, second = layers_of(net.save(tmp_path / "net.onnx", x))
    assert (first.kernels, second.kernels, second.channels) == (8, 4, 8)


def test_a_convolution_along_a_line_has_one_row(tmp_path: Path) -> None:
    net = Net()
    output = net.op("Conv", "x", net.weight(8, 4, 5), strides=[2], pads=[2, 2])
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", output, (1, 4, 100)))
    assert (layer.kernel_height, layer.kernel_width) == (1, 5)
    assert (layer.output_height, layer.output_width) == (1, 50)
    assert (layer.stride, layer.padding) == ((1, 2), (0, 0, 2, 2))


def test_weights_are_never_read(tmp_path: Path) -> None:
    net, output = resnet18()
    whole = imported(net.save(tmp_path / "net.onnx", output))
    path = tmp_path / "outside.onnx"
    onnx.save(
        net.model(output), path, save_as_external_data=True, location="weights", size_threshold=0
    )
    (tmp_path / "weights").unlink()
    assert imported(path).supernet.subnets[0].layers == whole.supernet.subnets[0].layers


def test_a_weight_that_serves_several_layers_counts_for_each_and_is_told(tmp_path: Path) -> None:
    net = Net()
    weight = net.weight(3, 3, 3, 3)
    x = net.op("Conv", net.op("Conv", "x", weight, pads=[1] * 4), weight, pads=[1] * 4)
    workload = imported(net.save(tmp_path / "net.onnx", x))
    assert workload.supernet.subnets[0].weight_bytes == 2 * 81
    assert any("serve several layers" in line for line in workload.networks[0].notes)


def test_what_is_made_of_weights_alone_is_no_work(tmp_path: Path) -> None:
    net = Net()
    folded = net.op("MatMul", net.weight(27, 9), net.weight(9, 8))
    (layer,) = layers_of(net.save(tmp_path / "n.onnx", net.op("MatMul", "x", folded), (1, 27)))
    assert (layer.channels, layer.kernels) == (27, 8)


# --- sizes


def of_shape(net: Net, source: str, side: int) -> str:
    """A side of a tensor as one element of another's shape, as exporters write it."""
    index = net.number(side)
    return net.op("Unsqueeze", net.op("Gather", net.op("Shape", source), index), net.number([0]))


def shuffled(net: Net, source: str) -> str:
    """The channels of `source` shuffled in two groups, by what its shape is when it runs."""
    batch, channels, height, width = (of_shape(net, source, side) for side in range(4))
    half = net.op("Div", channels, net.number([2]))
    groups = net.op("Concat", batch, net.number([2]), half, height, width, axis=0)
    swapped = net.op("Transpose", net.op("Reshape", source, groups), perm=[0, 2, 1, 3, 4])
    back = net.op("Concat", batch, net.number([-1]), height, width, axis=0)
    return net.op("Reshape", swapped, back)


def padded(net: Net, source: str) -> str:
    """One pixel about the map: the pads of the last axes, as an exporter turns them round."""
    pads = net.number([1, 1, 1, 1])
    rest = net.op("Sub", net.number([8]), net.op("Shape", pads))
    pairs = net.op("Concat", pads, net.op("ConstantOfShape", rest), axis=0)
    pairs = net.op("Reshape", net.op("Cast", pairs, to=TensorProto.INT64), net.number([-1, 2]))
    least = -(2**63) + 1
    turned = net.op("Slice", pairs, *(net.number([n]) for n in (-1, least, 0, -1)))
    widths = net.op("Reshape", net.op("Transpose", turned, perm=[1, 0]), net.number([-1]))
    return net.op("Pad", source, net.op("Cast", widths, to=TensorProto.INT64))


def scaled(net: Net, source: str) -> str:
    """The map at half its size, by arithmetic on floating-point numbers."""
    sides = net.op("Slice", net.op("Shape", source), net.number([2]), net.number([4]))
    half = net.op("Div", net.op("Cast", sides, to=FLOAT), net.number(2.0))
    sides = net.op("Cast", net.op("Floor", half), to=TensorProto.INT64)
    first = net.op("Slice", net.op("Shape", source), net.number([0]), net.number([2]))
    return net.op("Resize", source, "", "", net.op("Concat", first, sides, axis=0))


@pytest.mark.parametrize(
    ("step", "height"), [(shuffled, 32), (padded, 36), (scaled, 8)], ids=["channels", "pad", "size"]
)
def test_a_shape_that_a_network_computes_is_followed(
    step: Callable[[Net, str], str], height: int, tmp_path: Path
) -> None:
    net = Net()
    last = net.conv("x", 3, 8, 3)
    for _ in range(2):
        last = step(net, last)
    path = net.save(tmp_path / "net.onnx", net.conv(last, 8, 4, 1), ("N", 3, 32, 32))
    assert [layer.height for layer in layers_of(path)] == [32, height]


def test_a_computed_shape_that_is_none_is_told_at_its_reader(tmp_path: Path) -> None:
    net = Net()
    side = net.op("Div", of_shape(net, "x", 1), net.number([0]))
    huge = net.op("ConstantOfShape", net.number([2**40]))
    shape = net.op("Concat", side, huge, axis=0)
    path = net.save(tmp_path / "net.onnx", net.conv(net.op("Reshape", "x", shape), 8, 4, 1))
    assert "cannot be inferred behind 't6' (Reshape); give the network's" in refusal(path)
    net.weights[1].raw_data = b"torn"
    path = net.save(tmp_path / "torn.onnx", net.conv(net.op("Reshape", "x", shape), 8, 4, 1))
    assert "cannot" in refusal(path)


def test_an_open_batch_is_one_and_other_open_sides_are_asked_for(tmp_path: Path) -> None:
    net = Net()
    output = net.conv("x", 3, 8, 3)
    path = net.save(tmp_path / "net.onnx", output, ("N", 3, 32, 32))
    assert "batch of input 'x' set to 1" in imported(path).networks[0].notes
    assert layers_of(path)[0].height == 32
    assert layers_of(path, input_shapes={"": (1, 3, 64, 48)})[0].width == 48
    path = net.save(tmp_path / "net.onnx", output, ("N", 3, "H", "W"))
    assert "'x' is ?x3x?x?; give it, such as --input-shape 1x3x224x224" in refusal(path)
    assert layers_of(path, input_shapes={"x": (1, 3, 64, 48)})[0].height == 64


@pytest.mark.parametrize(
    ("shapes", "wrong"),
    [
        ({"y": (1, 3, 8, 8)}, "no input 'y'; known: x"),
        ({"": (1, 4, 8, 8)}, "1 groups of 3 channels do not fit an input of 4"),
        ({"": (2, 3, 8, 8)}, "a batch of 2; give it one query by --input-shape x=1x3x8x8"),
        ({"": (3, 8, 8)}, "weights of 4 dimensions do not fit an input of 3"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(
    shapes: dict[str, tuple[int, ...]], wrong: str, tmp_path: Path
) -> None:
    net = Net()
    path = net.save(tmp_path / "net.onnx", net.conv("x", 3, 8, 3))
    assert wrong in refusal(path, input_shapes=shapes)


@pytest.mark.parametrize(
    "text", ["", "3", "1x0x2x2", "1x-3", "x", "1x3x9999999999", "1,3", "a=", "²", "1x٣"]
)
def test_a_shape_that_is_none_is_refused(text: str) -> None:
    if text == "3":
        assert parse_shapes([text]) == {"": (3,)}
        return
    with pytest.raises(UserError, match="--input-shape"):
        parse_shapes([text])


def test_one_of_several_inputs_is_named(tmp_path: Path) -> None:
    net = Net()
    model = net.model(net.op("Add", net.conv("x", 3, 8, 3), "y"), ("N", 3, None, None))
    model.graph.input.append(helper.make_tensor_value_info("y", FLOAT, [1]))
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    line = refusal(path, input_shapes={"": (1, 3, 8, 8)})
    assert line == "--input-shape: name the input, NAME=SHAPE; its inputs: x, y"
    assert layers_of(path, input_shapes={"x": (1, 3, 8, 8)})[0].height == 8
    assert "the size of input 'x' is ?x3x?x?" in refusal(path, input_shapes={"y": (2,)})
    with pytest.raises(UserError, match="one shape for each input is wanted"):
        parse_shapes(["x=1", "x=2"])


def test_sparse_weights_have_the_shape_that_they_stand_for(tmp_path: Path) -> None:
    net = Net()
    model = net.model(net.op("MatMul", "x", "sparse"), (1, 16))
    values = helper.make_tensor("sparse", FLOAT, [2], [1.0, 2.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [2], [3, 70])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [16, 8]))
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    (layer,) = layers_of(path)
    assert (layer.channels, layer.kernels) == (16, 8)


def test_what_onnx_cannot_infer_is_told_in_its_words(tmp_path: Path) -> None:
    net = Net()
    output = net.op("Conv")
    net.nodes.append(helper.make_node("Relu", ["x"], ["r"]))
    line = refusal(net.save(tmp_path / "net.onnx", output))
    assert line.startswith("onnx cannot infer its shapes: ")


# --- what is no layer


def test_the_free_operators_are_of_onnx_and_are_named(tmp_path: Path) -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    assert not (UNCHARGED | CONVOLUTIONS.keys() | PRODUCTS.keys()) - known
    assert not UNCHARGED & (CONVOLUTIONS.keys() | PRODUCTS.keys())
    net, output = resnet18()
    (network,) = imported(net.save(tmp_path / "net.onnx", output)).networks
    assert network.uncharged == {
        "Relu": 17, "Add": 8, "MaxPool": 1, "GlobalAveragePool": 1, "Flatten": 1
    }  # fmt: skip
    assert any(line.endswith("Relu 17, Add 8, MaxPool 1, GlobalAveragePool 1, Flatten 1")
               for line in network.notes)  # fmt: skip


def attention(net: Net) -> str:
    scores = net.op("MatMul", "x", net.op("Transpose", "x", perm=[0, 1, 3, 2]), name="scores")
    return net.op("Softmax", scores)


UNSUPPORTED: dict[str, Callable[[Net], str]] = {
    "'scores' (MatMul of two activations)": attention,
    "'up' (ConvTranspose over 3 axes)": lambda net: net.op(
        "ConvTranspose", "x", net.weight(3, 4, 3, 3, 3), name="up"
    ),
    "'dyn' (Conv with weights that are computed)": lambda net: net.op("Conv", "x", "x", name="dyn"),
    "'mine' (Fancy of com.me)": lambda net: net.op("Fancy", "x", name="mine", domain="com.me"),
    "'e' (Einsum)": lambda net: net.op("Einsum", "x", equation="abcd->ab", name="e"),
    "'new' (NotInTheStandard)": lambda net: net.op("NotInTheStandard", "x", name="new"),
}


@pytest.mark.parametrize("named", UNSUPPORTED)
def test_work_that_no_layer_can_do_is_named_and_refused_or_skipped(
    named: str, tmp_path: Path
) -> None:
    net = Net()
    odd = UNSUPPORTED[named](net)
    path = net.save(tmp_path / "net.onnx", net.op("Add", odd, net.conv("x", 3, 8, 3)))
    assert f"no layer can do the work of {named}; " in refusal(path)
    workload = imported(path, skip_unsupported=True)
    assert len(workload.supernet.subnets[0].layers) == 1
    assert workload.warnings == [f"1 operators of SubNet net are left out of every count: {named}"]
    assert read_back(workload, tmp_path) == workload.supernet.subnets


def test_a_recurrence_and_a_loop_are_refused(tmp_path: Path) -> None:
    net = Net()
    x = net.op("LSTM", "x", net.weight(1, 16, 3), net.weight(1, 16, 4), hidden_size=4, name="lstm")
    assert "'lstm' (LSTM)" in refusal(net.save(tmp_path / "net.onnx", x, (1, 1, 3)))


def test_weights_in_a_stack_and_over_three_axes_are_no_layer(tmp_path: Path) -> None:
    net = Net()
    net.op("MatMul", "x", net.weight(3, 8, 4), name="stack")
    line = refusal(net.save(tmp_path / "net.onnx", "t0", (1, 3, 8, 8)))
    assert "'stack' (MatMul with 3 matrices of weights)" in line
    net = Net()
    net.op("Conv", "x", net.weight(2, 3, 1, 1, 1), name="cube")
    line = refusal(net.save(tmp_path / "net.onnx", "t0", (1, 3, 8, 8, 8)))
    assert "'cube' (Conv over 3 axes)" in line


def test_a_network_without_a_layer_is_refused(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path / "net.onnx", net.op("Relu", "x"))
    assert "no convolution" in refusal(path)


# --- several networks


def small(width: int, *, size: int = 3) -> tuple[Net, str]:
    net = Net()
    x = net.op("Relu", net.conv("x", 3, width, size, name="first"))
    return net, net.conv(x, width, 2 * width, 1, name="second")


def test_an_imported_network_names_the_metric_of_its_accuracy_or_one_of_its_own(
    tmp_path: Path,
) -> None:
    net, output = small(4)
    path = net.save(tmp_path / "small.onnx", output)
    assert import_workload([path]).supernet.accuracy_of == "accuracy of small"
    assert import_workload([path], name="n" * 100).supernet.accuracy_of.endswith("n" * 100)
    assert (
        import_workload([path], accuracy_of="ImageNet top-1").supernet.accuracy_of
        == "ImageNet top-1"
    )
    with pytest.raises(UserError, match=r"^--accuracy-of: the metric's name is wanted"):
        import_workload([path], accuracy_of="a\nb")


def test_networks_of_like_layers_are_one_supernet_of_rectangles(tmp_path: Path) -> None:
    paths = []
    for width in (4, 8):
        net, output = small(width)
        paths.append(net.save(tmp_path / f"w{width}.onnx", output))
    workload = import_workload(paths, accuracy_percent=[60, 70.5], name="both")
    assert [layer.kernels for layer in workload.supernet.layers] == [8, 16]
    assert [subnet.name for subnet in workload.supernet.subnets] == ["w4", "w8"]
    assert [subnet.accuracy_percent for subnet in read_back(workload, tmp_path)] == [60, 70.5]
    with pytest.raises(UserError, match="give --accuracy-percent once for each"):
        import_workload(paths)
    with pytest.raises(UserError, match="2 networks are read, 1 figures given"):
        import_workload(paths, accuracy_percent=[1])


def test_networks_of_other_layers_are_no_supernet(tmp_path: Path) -> None:
    (first, out), (other, other_out) = small(4), small(4, size=5)
    paths = [first.save(tmp_path / "a.onnx", out), other.save(tmp_path / "b.onnx", other_out)]
    with pytest.raises(UserError, match=r"b\.onnx: its layer 1 'first' is a 5x5 conv, in a\.onnx"):
        import_workload(paths, accuracy_percent=[1, 2])
    other.save(tmp_path / "b.onnx", other.conv(other_out, 8, 8, 3))
    with pytest.raises(UserError, match=r"b\.onnx: has 3 layers, a\.onnx has 2"):
        import_workload(paths, accuracy_percent=[1, 2])


# --- hostile files


def test_names_that_mean_something_to_a_terminal_or_yaml_lose_it(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 3, 4, 1, name="\x1b[31m{a: &b, !c}\n# [/red]")
    x = net.conv(x, 4, 4, 1, name="no")
    x = net.conv(x, 4, 4, 1, name="no")
    subnet = read_back(imported(net.save(tmp_path / "net.onnx", x)), tmp_path)[0]
    assert [layer.name for layer in subnet.layers] == ["_31m_a:_b_c_/red_", "no", "no_2"]


@pytest.mark.parametrize("content", [b"", b"\x08", b"no protobuf at all", b"\x7fELF" * 99])
def test_a_file_that_is_no_onnx_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    assert "ONNX network" in refusal(path)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    assert refusal(tmp_path / "folder.onnx") == "is a folder; name an ONNX file"
    assert "no such file" in refusal(tmp_path / "gone.onnx")


TORN = small(4)[0].model(small(4)[1]).SerializeToString()


@given(st.integers(0, len(TORN) - 1), st.integers(0, 255), st.booleans())
def test_a_torn_or_changed_file_ends_in_one_line_or_in_layers(
    folder: Path, place: int, byte: int, torn: bool
) -> None:
    content = TORN[:place] if torn else TORN[:place] + bytes([byte]) + TORN[place + 1 :]
    path = folder / "torn.onnx"
    path.write_bytes(content)
    line = ""
    try:
        assert imported(path, skip_unsupported=True).supernet.subnets
    except UserError as error:
        line = str(error)
    assert line.isprintable()


@pytest.mark.parametrize("sides", [(2**40, 3, 1, 1), (2**21, 3, 1, 1), (4, 3, 2**30, 2**30)])
def test_sizes_that_no_network_has_are_refused_at_once(
    sides: tuple[int, ...], tmp_path: Path
) -> None:
    net = Net()
    net.weights.append(TensorProto(name="huge", data_type=FLOAT, dims=sides))
    path = net.save(tmp_path / "net.onnx", net.op("Conv", "x", "huge"))
    started = time.perf_counter()
    with pytest.raises(UserError) as refused:
        imported(path)
    assert str(refused.value).isprintable()
    assert time.perf_counter() - started < 2


def test_a_line_that_no_memory_holds_is_refused_at_once(tmp_path: Path) -> None:
    net = Net()
    net.weights.append(helper.make_tensor("side", TensorProto.INT64, [1], [2**40]))
    line = net.op("Reshape", "x", "side")
    line = net.op("Add", line, line)
    path = net.save(tmp_path / "net.onnx", net.op("MatMul", line, net.weight(4, 4)))
    started = time.perf_counter()
    assert "4 rows of weights do not fit 1099511627776 inputs" in refusal(path)
    assert time.perf_counter() - started < 2


def test_many_operators_are_no_trouble(tmp_path: Path) -> None:
    net = Net()
    names = [f"y{i}" for i in range(20_000)]
    net.nodes = [helper.make_node("Bomb", ["x"], [name]) for name in names]
    net.nodes.append(helper.make_node("Sum", names, ["y"]))
    path = net.save(tmp_path / "net.onnx", "y")
    started = time.perf_counter()
    assert "and 19997 more" in refusal(path)
    assert time.perf_counter() - started < 60  # Work by pairs of operators would take hours.


def test_an_attribute_of_another_type_is_refused(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path / "net.onnx", net.op("Conv", "x", net.weight(4, 3, 1, 1), strides=2.5))
    assert "(Conv): its attribute strides is float" in refusal(path)


def test_without_onnx_one_line_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.startswith("sushi_dse.interchange.onnx")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"pip install 'sushi-dse\[onnx\]'"):
        imported(tmp_path / "net.onnx")
