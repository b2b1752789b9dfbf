import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from sushi_dse.model.network import LayerShape, Network, layer_shape, layer_shapes
from sushi_dse.workload.layers import Layer, SuperNet
from tests.strategies import layers, supernets

ARRAYS = Network.__slots__[1:]


def layer(**changes: Any) -> Layer:
    sizes: dict[str, Any] = {"kernels": 8, "channels": 6, "kernel_height": 3, "kernel_width": 3,
             "height": 10, "width": 4, "stride": 2, "padding": 1}  # fmt: skip
    return Layer(name="layer", supernet_layer=0, **sizes | changes)


def test_the_counts_of_a_3x3_layer_are_those_counted_by_hand() -> None:
    assert layer_shape(layer(), is_first=True) == LayerShape(
        kernels=8,
        channels_per_group=6,
        groups=1,
        taps=9,
        passes=1,
        fold=1,
        streamed_pixels=12 * 6,
        streamed_rows=12,
        output_pixels=5 * 2,
        input_bytes=6 * 10 * 4,
        input_word_bytes=8 * 10 * 4,
        output_bytes=8 * 5 * 2,
        is_first=1,
        is_last=0,
    )


def test_a_pointwise_layer_folds_nine_channels_and_streams_its_outputs() -> None:
    shape = layer_shape(layer(kernel_height=1, kernel_width=1, padding=0))
    assert (shape.fold, shape.taps, shape.passes) == (9, 1, 1)
    assert shape.streamed_pixels == shape.output_pixels == 5 * 2
    assert shape.streamed_rows == 0


@pytest.mark.parametrize(
    ("height", "width", "passes"),
    [(3, 3, 1), (1, 3, 1), (2, 2, 1), (4, 1, 2), (5, 5, 4), (7, 7, 9), (3, 5, 2), (9, 4, 6)],
)
def test_a_window_larger_than_3x3_takes_several_passes(
    height: int, width: int, passes: int
) -> None:
    shape = layer_shape(layer(kernel_height=height, kernel_width=width, padding=4))
    assert shape.passes == passes
    assert shape.fold == 1
    assert shape.streamed_pixels == 18 * 12


@pytest.mark.parametrize(("channels", "words"), [(1, 1), (3, 1), (8, 1), (9, 2), (64, 8)])
def test_an_input_lies_in_words_of_eight_channels(channels: int, words: int) -> None:
    assert layer_shape(layer(channels=channels)).input_word_bytes == words * 8 * 10 * 4


@given(layers())
def test_the_counts_agree_with_the_layer(layer: Layer) -> None:
    shape = layer_shape(layer)
    assert shape.kernels * shape.channels_per_group * shape.taps == layer.weight_bytes
    assert shape.output_pixels * layer.weight_bytes == layer.macs
    assert shape.kernels * shape.output_pixels == shape.output_bytes == layer.output_bytes
    assert shape.input_bytes == layer.input_bytes
    assert 0 <= shape.input_word_bytes - shape.input_bytes < 8 * layer.height * layer.width
    assert shape.taps <= 9 * shape.passes


def test_only_the_ends_of_a_network_have_their_maps_in_dram() -> None:
    chain = layer_shapes([layer()] * 3)
    assert chain["is_first"].tolist() == [1, 0, 0]
    assert chain["is_last"].tolist() == [0, 0, 1]
    alone = layer_shapes([layer()] * 3, alone=True)
    assert alone["is_first"].tolist() == alone["is_last"].tolist() == [1, 1, 1]


@given(supernets())
def test_a_network_holds_each_layer_of_each_subnet(supernet: SuperNet) -> None:
    network = Network.of(supernet)
    assert len(network.shapes) == len(network.supernet_layer) == network.starts[-1]
    for s, subnet in enumerate(supernet.subnets):
        own = slice(network.starts[s], network.starts[s + 1])
        assert network.shapes[own].tolist() == layer_shapes(subnet.layers).tolist()
        assert network.supernet_layer[own].tolist() == [x.supernet_layer for x in subnet.layers]
        assert network.top1_percent[s] == subnet.top1_percent
        assert network.macs[s] == subnet.macs
        assert network.weight_bytes[s] == subnet.weight_bytes
        sizes = {x.supernet_layer: (x.kernels, x.channels_per_group) for x in subnet.layers}
        assert list(zip(network.kernels[s], network.channels[s], strict=True)) == [
            sizes.get(number, (0, 0)) for number in range(len(supernet.layers))
        ]


@given(supernets())
def test_the_rectangles_of_a_subnet_are_its_weights(supernet: SuperNet) -> None:
    network = Network.of(supernet)
    rectangles = (network.kernels * network.channels * network.taps).sum(axis=1)
    assert rectangles.tolist() == network.weight_bytes.tolist()


@given(supernets())
def test_the_arrays_cannot_be_written_to_and_survive_a_pickle_so(supernet: SuperNet) -> None:
    network = Network.of(supernet)
    copy = pickle.loads(pickle.dumps(network))
    for name in ARRAYS:
        assert np.array_equal(getattr(copy, name), getattr(network, name))
        for owner in (network, copy):
            with pytest.raises(ValueError, match="read-only"):
                getattr(owner, name)[0] = 0
