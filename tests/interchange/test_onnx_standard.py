"""What of an ONNX file counts: what its outputs depend on, in standard operators, for one query."""

from math import prod
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from sushi_dse.errors import UserError
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from sushi_dse.workload.layers import PlainLayer
from tests.onnx_nets import FLOAT, Net

RUNTIME = "com.microsoft"


def imported(path: Path, **options: Any) -> ImportedWorkload:
    return import_workload([path], **options)


def layers_of(path: Path, **options: Any) -> tuple[PlainLayer, ...]:
    (subnet,) = imported(path, **options).supernet.subnets
    return subnet.layers


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as refused:
        imported(path, **options)
    line = str(refused.value)
    assert line.isprintable()
    return line.removeprefix(f"{path}: ")


def saved(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("standard")


# --- what reaches an output


def test_what_reaches_no_output_does_not_count(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 3, 8, 3)
    net.op("Softmax", net.conv(x, 8, 1000, 1))
    net.op("NotInTheStandard", x)
    workload = imported(net.save(tmp_path / "net.onnx", net.op("Relu", x)))
    assert [layer.kernels for layer in workload.supernet.layers] == [8]
    note = "3 operators reach no output of the network, and do not count"
    assert note in workload.networks[0].notes


def test_what_a_branch_reads_reaches_its_output(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 3, 8, 3)
    same = helper.make_node("Identity", [x], ["t"])
    branch = helper.make_graph([same], "t", [], [helper.make_empty_tensor_value_info("t")])
    chosen = net.op("If", "c", then_branch=branch, else_branch=branch, name="choose")
    model = net.model(chosen, (1, 3, 8, 8))
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    path = saved(model, tmp_path / "net.onnx")
    assert len(layers_of(path, skip_unsupported=True)) == 1


def test_an_input_that_nobody_reads_needs_no_size(tmp_path: Path) -> None:
    net = Net()
    model = net.model(net.conv("x", 3, 8, 3), (1, 3, 8, 8))
    model.graph.input.append(helper.make_tensor_value_info("y", FLOAT, ["a", "b"]))
    assert len(layers_of(saved(model, tmp_path / "net.onnx"))) == 1


def test_a_branch_is_work_of_no_layer_whatever_it_asks(tmp_path: Path) -> None:
    """A condition that is constant makes no constant of what the branch reads from outside."""
    net = Net()
    x = net.conv("x", 3, 8, 3)
    same = helper.make_node("Relu", [x], ["t"])
    branch = helper.make_graph([same], "t", [], [helper.make_empty_tensor_value_info("t")])
    yes = net.op("Constant", value=helper.make_tensor("v", TensorProto.BOOL, [], [True]))
    chosen = net.op("If", yes, then_branch=branch, else_branch=branch, name="choose")
    behind = net.op("Conv", chosen, net.weight(4, 8, 1, 1), name="second")
    path = saved(net.model(behind, (1, 3, 8, 8)), tmp_path / "net.onnx")
    assert refusal(path).startswith("no layer can do the work of 'choose' (If)")
    workload = imported(path, skip_unsupported=True)
    assert [layer.kernels for layer in workload.supernet.layers] == [8, 4]
    assert "'choose' (If)" in workload.warnings[0]


def test_a_name_that_two_operators_make_is_refused(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 3, 8, 3)
    model = net.model(x, (1, 3, 8, 8))
    model.graph.node.append(model.graph.node[0])
    path = saved(model, tmp_path / "net.onnx")
    assert refusal(path) == f"makes {x!r} twice; export it again"


def test_a_network_whose_outputs_nothing_makes_is_refused(tmp_path: Path) -> None:
    net = Net()
    net.conv("x", 3, 8, 3)
    path = saved(net.model("elsewhere", (1, 3, 8, 8)), tmp_path / "net.onnx")
    assert refusal(path) == "no operator of it reaches an output; export it again"


# --- the cause before its effect


def test_what_lies_behind_work_of_no_layer_is_named_after_it(tmp_path: Path) -> None:
    net = Net()
    x = net.conv("x", 3, 8, 3)
    odd = net.op("Relu", net.op("Strange", x, name="odd", domain="com.me"))
    x = net.op("Conv", odd, net.weight(4, 8, 1, 1), name="second")
    x = net.op("Conv", x, net.weight(2, 4, 1, 1), name="third")
    path = net.save(tmp_path / "net.onnx", x, (1, 3, 8, 8))
    named = "'odd' (Strange of com.me), 'second' (Conv behind 'odd'), 'third' (Conv behind 'odd')"
    assert refusal(path).startswith(f"no layer can do the work of {named}; ")
    workload = imported(path, skip_unsupported=True)
    assert [layer.kernels for layer in workload.supernet.layers] == [8]
    assert workload.warnings == [f"3 operators of SubNet net are left out of every count: {named}"]


# --- one query


@pytest.mark.parametrize(
    ("shape", "weight", "kind"),
    [
        ((8, 784), (784, 10), "MatMul"),
        ((8, 784), (784, 10), "Gemm"),
        ((3, 4, 16), (16, 8), "MatMul"),
        ((2, 3, 8, 8), (5, 3, 1, 1), "Conv"),
    ],
)
def test_a_batch_is_refused_whatever_reads_it(
    shape: tuple[int, ...], weight: tuple[int, ...], kind: str, tmp_path: Path
) -> None:
    net = Net()
    path = net.save(tmp_path / "net.onnx", net.op(kind, "x", net.weight(*weight)), shape)
    one = (1, *shape[1:])
    mend = f"--input-shape x={'x'.join(map(str, one))}"
    assert refusal(path).startswith(f"input 'x' has a batch of {shape[0]}; give it one query by")
    assert mend in refusal(path)
    macs = sum(layer.macs for layer in layers_of(path, input_shapes={"x": one}))
    path = net.save(tmp_path / "one.onnx", net.nodes[-1].output[0], one)
    assert sum(layer.macs for layer in layers_of(path)) == macs
    assert "has a batch of" in refusal(path, input_shapes={"x": shape})


def test_rows_that_are_no_batch_count(tmp_path: Path) -> None:
    net = Net()
    x = net.op("ReduceMean", net.op("MatMul", "x", net.weight(16, 8)), axes=[0], keepdims=1)
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", x, (5, 16)))
    assert layer.output_height == 5
    x = net.op("MatMul", "x", net.weight(16, 16))
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", x, (16,)))
    assert layer.fully_connected


# --- functions of the file


def block(calls: int = 1, name: str = "Block", inner: str = "Conv") -> onnx.FunctionProto:
    """A function that runs `inner` so often, one after the other."""
    domain = "my.pkg" if inner != "Conv" else ""
    tensors = ["x", *(f"t{i}" for i in range(calls - 1)), "y"]
    nodes = [
        helper.make_node(inner, [tensors[i], "w"], [tensors[i + 1]], domain=domain)
        for i in range(calls)
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.pkg", 1)]
    return helper.make_function("my.pkg", name, ["x", "w"], ["y"], nodes, opsets)


def with_functions(net: Net, output: str, *functions: onnx.FunctionProto) -> onnx.ModelProto:
    model = net.model(output, (1, 8, 8, 8))
    model.opset_import.append(helper.make_opsetid("my.pkg", 1))
    model.functions.extend(functions)
    return model


def test_a_function_of_the_file_is_what_it_calls(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Block", "x", net.weight(8, 8, 1, 1), domain="my.pkg")
    x = net.op("Twice", x, net.weight(8, 8, 1, 1), domain="my.pkg")
    model = with_functions(net, x, block(), block(2, "Twice", "Block"))
    layers = layers_of(saved(model, tmp_path / "net.onnx"))
    assert [layer.macs for layer in layers] == [8 * 8 * 64] * 3


# --- transposed convolutions, and operators of ONNX Runtime


@given(
    st.tuples(*[st.integers(1, 3)] * 4),
    st.tuples(*[st.integers(1, 3)] * 2),
    st.tuples(*[st.integers(2, 6)] * 2),
    st.integers(1, 3),
)
def test_a_transposed_convolution_keeps_weights_and_outputs(
    folder: Path,
    factors: tuple[int, int, int, int],
    stride: tuple[int, int],
    size: tuple[int, int],
    groups: int,
) -> None:
    channels, kernels, *steps = factors
    window = [step * s for step, s in zip(steps, stride, strict=True)]
    net = Net()
    weight = net.weight(channels * groups, kernels, *window)
    output = net.op("ConvTranspose", "x", weight, strides=list(stride), group=groups)
    shape = (1, channels * groups, *size)
    (layer,) = layers_of(net.save(folder / "net.onnx", output, shape))
    made = [s * (side - 1) + k for side, s, k in zip(size, stride, window, strict=True)]
    assert layer.weight_bytes == channels * groups * kernels * prod(window)
    assert layer.output_bytes == kernels * groups * prod(made)
    assert layer.macs == layer.weight_bytes * prod(made) // prod(stride)


def test_a_transposed_convolution_of_an_odd_window_keeps_weights_and_macs(tmp_path: Path) -> None:
    net = Net()
    output = net.op("ConvTranspose", "x", net.weight(8, 4, 3, 3), strides=[2, 2], pads=[1] * 4)
    workload = imported(net.save(tmp_path / "net.onnx", output, (1, 8, 5, 6)))
    ((layer, remark),) = workload.networks[0].layers
    assert (layer.weight_bytes, layer.macs) == (8 * 4 * 9, 8 * 4 * 9 * 5 * 6)
    assert remark == "transposed by 2 2: its outputs are counted on the map of its input"


def test_quantised_operators_of_the_runtime_are_the_standard_ones(tmp_path: Path) -> None:
    net = Net()
    s, z = net.weight(), net.weight()
    x = net.op("QLinearConv", "x", s, z, net.weight(8, 3, 1, 1), s, z, s, z)
    x = net.op("QLinearAdd", x, s, z, x, s, z, s, z, domain=RUNTIME)
    x = net.op("QLinearGlobalAveragePool", x, s, z, s, z, domain=RUNTIME, channels_last=0)
    x = net.op("Flatten", x)
    x = net.op("QGemm", x, s, z, net.weight(10, 8), s, z, "", s, z, domain=RUNTIME, transB=1)
    workload = imported(net.save(tmp_path / "net.onnx", x, (1, 3, 4, 4)))
    assert [layer.macs for layer in workload.supernet.subnets[0].layers] == [24 * 16, 80]
    assert workload.networks[0].uncharged == {"Add": 1, "GlobalAveragePool": 1, "Flatten": 1}
