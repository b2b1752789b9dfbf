"""Weights that are data of the request, such as keys: never kept, and each query's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import candidate_table, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.strategies import accelerators, supernets, zcu104


def attention(name: str, outputs: int, inputs: int, heads: int, *, of_request: bool) -> PlainLayer:
    """A product for each head of keys, whose map is as many pixels as heads share the keys."""
    return PlainLayer(name=name, kernels=heads * outputs, channels=heads * inputs, kernel_height=1,
                      kernel_width=1, height=1, width=4, groups=heads,
                      of_request=of_request)  # fmt: skip


def decoder(heads: int, keys: int, *, of_request: bool = True) -> SuperNet:
    layers = (
        PlainLayer(name="q", kernels=heads * 8, channels=16, kernel_height=1, kernel_width=1,
                   height=1, width=4),
        attention("scores", keys, 8, heads, of_request=of_request),
        attention("mixed", 8, keys, heads, of_request=of_request),
    )  # fmt: skip
    return plain_supernet(
        "small", [PlainSubNet(name="A", accuracy_percent=50.0, layers=layers)], accuracy_of="MMLU"
    )


@given(supernets(), accelerators())
def test_no_subgraph_holds_weights_of_a_request(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    of_request = np.unique(network.supernet_layer[network.of_request])
    found = candidates(network, accelerator)
    assert not found.kernels[:, of_request].any()
    assert not found.channels[:, of_request].any()


@given(st.integers(1, 4), st.integers(1, 300), accelerators(persistent_buffer_kib=1e6))
def test_they_come_from_dram_however_much_is_on_chip(
    heads: int, keys: int, accelerator: Accelerator
) -> None:
    network = Network.of(decoder(heads, keys))
    table = candidate_table(network, accelerator)
    least = np.asarray(table.cost.weight_bytes).min()
    assert least >= 2 * heads * keys * 8
    (subnet,) = network.supernet.subnets
    assert network.weight_bytes == [subnet.weight_bytes] == [heads * 8 * 16]
    assert np.asarray(table.cost.cached_weight_bytes).max() == subnet.weight_bytes


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 300), st.integers(1, 5), accelerators())
def test_a_batch_reads_them_once_a_query_and_what_queries_share_once(
    heads: int, keys: int, queries: int, accelerator: Accelerator
) -> None:
    of_batch, of_one = (Network.of(decoder(heads, keys), b) for b in (queries, 1))
    both = []
    for network in (of_batch, of_one):
        layers = network.shapes
        both.append(layers["kernels"] * layers["channels_per_group"])
        assert (layers["channels"] == layers["groups"] * layers["channels_per_group"]).all()
    assert (both[0] == both[1] * np.where(of_one.of_request, queries, 1)).all()
    for name in ("input_bytes", "output_bytes"):
        assert (of_batch.shapes[name] == queries * of_one.shapes[name]).all()
    assert of_batch.macs == queries * of_one.macs


@pytest.mark.parametrize("queries", [1, 2, 8])
def test_a_batch_of_decoders_takes_less_than_its_queries_alone_and_reads_their_keys(
    queries: int,
) -> None:
    design = zcu104(persistent_buffer_kib=0.0)
    supernet, shared = decoder(2, 64), decoder(2, 64, of_request=False)
    for each, of_keys in ((supernet, queries), (shared, 1)):
        network = Network.of(each, queries)
        table = latency_table(network, design, candidates(network, design))
        assert np.asarray(table.cost.weight_bytes)[0, 0] == 2 * 8 * 16 + of_keys * 2 * 2 * 64 * 8
        alone = Network.of(each)
        one = latency_table(alone, design, candidates(alone, design))
        assert table.latency_ms[0, 0] <= queries * one.latency_ms[0, 0] * (1 + 1e-9)


def test_a_network_of_nothing_else_has_no_weights() -> None:
    layer = attention("scores", 4, 8, 1, of_request=True)
    with pytest.raises(ValueError, match="a layer that is not of_request must be there"):
        plain_supernet("small", [PlainSubNet(name="A", layers=(layer,))], accuracy_of="MMLU")
