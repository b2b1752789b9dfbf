import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.model.network import NEVER_HELD, LayerShape, Network, layer_shape, layer_shapes
from sushi_dse.workload.layers import Layer, SuperNet, around
from tests.strategies import layers, packed_bytes, supernets

ARRAYS = Network.__slots__[2:]


def layer(**changes: Any) -> Layer:
    sizes: dict[str, Any] = {"kernels": 8, "channels": 6, "kernel_height": 3, "kernel_width": 3,
             "height": 10, "width": 4, "stride": (2, 2), "padding": around(1)}  # fmt: skip
    return Layer(name="layer", supernet_layer=0, **sizes | changes)


def test_the_counts_of_a_3x3_layer_are_those_counted_by_hand() -> None:
    counted = layer(stride=(2, 1), padding=(1, 2, 3, 4), weight_bits=4)
    assert layer_shape(counted, is_first=True) == LayerShape(
        kernels=8,
        channels=6,
        channels_per_group=6,
        groups=1,
        kernel_height=3,
        kernel_width=3,
        taps=9,
        pair_bits=9 * 4,
        passes=1,
        is_pointwise=0,
        height=10,
        width=4,
        padded_height=13,
        padded_width=11,
        pad_top=1,
        pad_left=3,
        stride_height=2,
        stride_width=1,
        output_height=6,
        output_width=9,
        input_bytes=6 * 10 * 4,
        output_bytes=8 * 6 * 9,
        shortcut_bytes=0,
        input_holds=NEVER_HELD,
        output_holds=8 * 6 * 9,
        shortcut_holds=0,
        maps=1,
    )


@pytest.mark.parametrize(
    ("height", "width", "passes"),
    [(1, 1, 1), (3, 3, 1), (1, 3, 1), (2, 2, 1), (4, 1, 2), (5, 5, 4), (7, 7, 9), (3, 5, 2),
     (9, 4, 6)],
)  # fmt: skip
def test_a_window_larger_than_3x3_takes_several_passes(
    height: int, width: int, passes: int
) -> None:
    shape = layer_shape(layer(kernel_height=height, kernel_width=width, padding=around(4)))
    assert shape.passes == passes
    assert shape.is_pointwise == (height == width == 1)


@given(layers())
def test_the_counts_agree_with_the_layer(layer: Layer) -> None:
    shape = layer_shape(layer)
    assert shape.kernels * shape.channels_per_group * shape.taps == layer.weights
    assert shape.pair_bits == shape.taps * layer.weight_bits
    outputs = shape.output_height * shape.output_width
    assert outputs * layer.weights == layer.macs
    assert shape.kernels * outputs == shape.output_bytes == layer.output_bytes
    assert shape.channels * shape.height * shape.width == shape.input_bytes == layer.input_bytes
    assert shape.taps <= 9 * shape.passes


def test_only_the_ends_of_a_network_have_their_maps_in_dram_always() -> None:
    chain = layer_shapes([layer()] * 3)
    assert (chain["input_holds"] == NEVER_HELD).tolist() == [True, False, False]
    assert (chain["output_holds"] == NEVER_HELD).tolist() == [False, False, True]
    alone = layer_shapes([layer()] * 3, alone=True)
    assert (alone["input_holds"] == NEVER_HELD).all()
    assert (alone["output_holds"] == NEVER_HELD).all()


@given(st.lists(layers(), min_size=2, max_size=5))
def test_a_map_stays_on_chip_if_both_of_its_sizes_do(network: list[Layer]) -> None:
    shapes = layer_shapes(network)
    assert shapes["output_holds"][:-1].tolist() == shapes["input_holds"][1:].tolist()
    assert shapes["output_holds"][:-1].tolist() == [
        max(before.output_bytes, after.input_bytes) for before, after in pairwise(network)
    ]


@given(supernets())
def test_a_network_holds_each_layer_of_each_subnet(supernet: SuperNet) -> None:
    network = Network.of(supernet)
    assert len(network.shapes) == len(network.supernet_layer) == network.starts[-1]
    for s, subnet in enumerate(supernet.subnets):
        own = slice(network.starts[s], network.starts[s + 1])
        assert network.shapes[own].tolist() == layer_shapes(subnet.layers).tolist()
        assert network.supernet_layer[own].tolist() == [x.supernet_layer for x in subnet.layers]
        assert network.accuracy_percent[s] == subnet.accuracy_percent
        assert network.macs[s] == subnet.macs
        own_weights = [layer for layer in subnet.layers if not layer.of_request]
        assert network.weight_bytes[s] == sum(map(packed_bytes, own_weights))
        sizes = {x.supernet_layer: (x.kernels, x.channels_per_group) for x in own_weights}
        assert list(zip(network.kernels[s], network.channels[s], strict=True)) == [
            sizes.get(number, (0, 0)) for number in range(len(supernet.layers))
        ]


@given(supernets())
def test_the_rectangles_of_a_subnet_are_its_weights(supernet: SuperNet) -> None:
    network = Network.of(supernet)
    bits = (network.kernels * network.channels * network.pair_bits).sum(axis=1)
    assert bits.tolist() == (network.weight_bytes * 8).tolist()


@given(supernets())
def test_the_arrays_cannot_be_written_to_and_survive_a_pickle_so(supernet: SuperNet) -> None:
    network = Network.of(supernet)
    copy = pickle.loads(pickle.dumps(network))
    for name in ARRAYS:
        assert np.array_equal(getattr(copy, name), getattr(network, name))
        for owner in (network, copy):
            with pytest.raises(ValueError, match="read-only"):
                getattr(owner, name)[0] = 0
