"""The strides, the paddings and the dilation of an imported convolution."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.interchange.imports import ImportedWorkload, import_workload
from sushi_dse.interchange.network import convolution
from sushi_dse.workload.layers import PlainLayer, SubNet
from tests.onnx_nets import Net


def imported(path: Path) -> ImportedWorkload:
    return import_workload([path])


def layers_of(path: Path) -> tuple[PlainLayer, ...]:
    (subnet,) = imported(path).supernet.subnets
    return subnet.layers


def read_back(workload: ImportedWorkload, folder: Path) -> tuple[SubNet, ...]:
    path = folder / "my_net.yaml"
    path.write_text(workload.text, encoding="utf-8")
    return load_workload(path).supernet.subnets


SIDES = st.tuples(st.integers(1, 5), st.integers(1, 5))
PADS = st.tuples(st.integers(0, 4), st.integers(0, 4))


@given(
    SIDES, st.tuples(st.integers(1, 20), st.integers(1, 20)), st.tuples(PADS, PADS), SIDES, SIDES
)
def test_a_layer_has_the_outputs_of_its_convolution(
    window: tuple[int, int],
    size: tuple[int, int],
    pads: tuple[tuple[int, int], tuple[int, int]],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    outputs = [
        (s + sum(p) - span) // step + 1
        for s, p, span, step in zip(size, pads, spans, stride, strict=True)
    ]
    assume(min(outputs) > 0)
    arguments: dict[str, Any] = {"kernels": 4, "channels": 6, "groups": 2, "window": window}
    arguments |= {"size": size, "pads": pads, "stride": stride, "dilation": dilation}
    layer, remark = convolution("c", **arguments)
    assert [layer.output_height, layer.output_width] == outputs
    assert layer.weight_bytes == 4 * 3 * window[0] * window[1]
    assert layer.stride == stride
    assert bool(remark) == (spans != list(window))
    shrunk = [span - k for span, k in zip(spans, window, strict=True)]
    for axis, side in enumerate((layer.height, layer.width)):
        pad = layer.padding[2 * axis : 2 * axis + 2]
        if shrunk[axis] == 0:
            assert (side, pad) == (size[axis], pads[axis])
        else:  # the padding gives way first, so that no more of the input is left out than must be
            assert side + sum(pad) == size[axis] + sum(pads[axis]) - shrunk[axis]
            assert side == size[axis] or sum(pad) == 0


def test_a_convolution_is_padded_on_each_side_as_it_says(tmp_path: Path) -> None:
    net = Net()
    output = net.conv("x", 3, 8, 3, stride=2, pads=[0, 1, 1, 2], name="stem")
    workload = imported(net.save(tmp_path / "net.onnx", output, (1, 3, 224, 224)))
    layer = workload.supernet.subnets[0].layers[0]
    assert (layer.height, layer.padding) == (224, (0, 1, 1, 2))
    assert (layer.output_height, layer.output_width) == (112, 113)
    assert "stride: 2, padding: [0, 1, 1, 2]}\n" in workload.text
    assert workload.networks[0].notes == []


@pytest.mark.parametrize(
    ("automatic", "padding"), [("SAME_UPPER", (0, 1, 2, 2)), ("SAME_LOWER", (1, 0, 2, 2))]
)
def test_same_padding_keeps_the_map_or_divides_it_by_the_stride(
    automatic: str, padding: tuple[int, ...], tmp_path: Path
) -> None:
    net = Net()
    weight = net.weight(8, 3, 3, 5)
    output = net.op("Conv", "x", weight, strides=[2, 1], auto_pad=automatic)
    (layer,) = layers_of(net.save(tmp_path / "net.onnx", output))
    assert layer.padding == padding
    assert (layer.output_height, layer.output_width) == (112, 224)


def test_strides_of_rows_and_columns_may_differ(tmp_path: Path) -> None:
    net = Net()
    output = net.conv("x", 3, 16, 3, strides=[2, 1])
    workload = imported(net.save(tmp_path / "net.onnx", output, (1, 3, 32, 32)))
    (layer,) = workload.supernet.subnets[0].layers
    assert (layer.stride, layer.output_height, layer.output_width) == ((2, 1), 16, 32)
    assert layer.macs == 16 * 27 * 16 * 32
    assert "stride: [2, 1], padding: 1}\n" in workload.text
    assert read_back(workload, tmp_path) == workload.supernet.subnets


def test_a_dilated_window_is_a_plain_one_with_less_padding(tmp_path: Path) -> None:
    net = Net()
    output = net.conv("x", 3, 8, 3, pads=[2] * 4, dilations=[2, 2])
    workload = imported(net.save(tmp_path / "net.onnx", output))
    layer = workload.supernet.subnets[0].layers[0]
    assert (layer.height, layer.padding, layer.output_height) == (224, (1, 1, 1, 1), 224)
    assert "# dilation 2 2: counted on a 224x224 input with padding 1 1 1 1\n" in workload.text
    assert any("1 layers" in line for line in workload.networks[0].notes)
