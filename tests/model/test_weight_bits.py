"""What weights of other bits change: bytes in proportion, and time never for the worse with less.

That the costs of any bits are those of the equations is held by the oracles of the other files,
whose layers have weights of 4, 8 and 16 bits.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.bits import BITS
from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.batches import in_batches
from sushi_dse.model.latency_table import candidate_table, latency_table
from sushi_dse.model.layer import layer_cost
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import steady_cost
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.gati.choice import cache_options
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.workload.layers import Layer, SuperNet
from sushi_dse.workload.weights import shared_weight_bytes, with_weight_bits
from tests import networks
from tests.strategies import accelerators, layers, supernets, zcu104

ROUNDING = 1 + 1e-9
few = settings(max_examples=40)
cuts = st.integers(0, 45)


@given(layers())
def test_four_bits_take_half_the_bytes_of_eight_and_an_odd_one_rounds_up(layer: Layer) -> None:
    four, eight, sixteen = (replace(layer, weight_bits=bits) for bits in BITS)
    assert eight.weight_bytes == eight.weights == layer.weights
    assert four.weight_bytes == (eight.weight_bytes + 1) // 2
    assert sixteen.weight_bytes == 2 * eight.weight_bytes
    assert four.macs == eight.macs == sixteen.macs
    assert four.input_bytes == sixteen.input_bytes
    assert four.output_bytes == sixteen.output_bytes


@given(layers(), accelerators(), cuts, cuts)
def test_the_bytes_of_a_layer_follow_its_bits_and_fewer_never_slow_it(
    layer: Layer, accelerator: Accelerator, kernels: int, channels: int
) -> None:
    costs = [
        layer_cost(
            replace(layer, weight_bits=bits),
            accelerator,
            cached_kernels=kernels,
            cached_channels=channels,
        )
        for bits in BITS
    ]
    of_maps = ("compute_cycles", "input_cycles", "input_bytes", "output_bytes",
               "streaming_buffer_read_bytes", "streaming_buffer_write_bytes",
               "output_buffer_bytes")  # fmt: skip
    for less, more in pairwise(costs):
        assert less.cycles <= more.cycles * ROUNDING
        # What exceeds an output-stationary Dynamic Buffer of the same size is loaded again.
        assert 2 * less.weight_bytes <= more.weight_bytes
        if accelerator.dataflow == Dataflow.WEIGHT_STATIONARY:
            assert 2 * less.weight_bytes == more.weight_bytes
        assert 2 * less.cached_weight_bytes == more.cached_weight_bytes
        assert 2 * less.dynamic_buffer_read_bytes == more.dynamic_buffer_read_bytes
        assert 2 * less.persistent_buffer_read_bytes == more.persistent_buffer_read_bytes
        assert all(getattr(less, name) == getattr(more, name) for name in of_maps)


def deeper(accelerator: Accelerator, slots: int) -> Accelerator:
    """The design with so many more tiles to prefetch, or KiB."""
    if accelerator.dataflow == Dataflow.WEIGHT_STATIONARY:
        return replace(accelerator, dynamic_buffer_tiles=2 + slots)
    return replace(accelerator, prefetch_buffer_kib=slots)


def of_each_width(supernet: SuperNet) -> list[Network]:
    return [Network.of(with_weight_bits(supernet, bits)) for bits in BITS]


@few
@given(supernets(), accelerators(), st.integers(0, 6), st.integers(1, 3))
def test_fewer_bits_slow_no_subnet_under_any_subgraph_prefetching_or_not_and_in_batches(
    supernet: SuperNet, accelerator: Accelerator, slots: int, batch: int
) -> None:
    design = deeper(accelerator, slots)
    each = [in_batches(network, batch) for network in of_each_width(supernet)]
    kept = candidates(each[-1], design)  # What fits at 16 bits fits at fewer.
    tables = [latency_table(network, design, kept) for network in each]
    for less, more in pairwise(tables):
        assert np.all(less.latency_ms <= more.latency_ms * ROUNDING)
        times = 1 if each[0].of_request.any() else 2  # Those of the request keep their bits.
        assert np.all(times * np.asarray(less.cost.weight_bytes) <= more.cost.weight_bytes)
        assert np.array_equal(less.switch_bytes, -(-more.switch_bytes // 2))
        assert np.array_equal(less.fetched_bytes, -(-more.fetched_bytes // 2))
        assert np.array_equal(2 * less.weight_bytes, more.weight_bytes)


@few
@given(supernets(), accelerators(persistent_buffer_kib=1.0))
def test_half_the_bits_in_half_the_buffer_are_cut_alike_in_layer_order(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    _, eight, sixteen = of_each_width(supernet)
    whole = candidates(sixteen, accelerator)
    half = candidates(eight, replace(accelerator, persistent_buffer_kib=0.5))
    by_layers = [str(one).endswith("/layers") for one in whole.candidates]
    assert np.array_equal(whole.kernels[by_layers], half.kernels[by_layers])
    assert np.array_equal(whole.channels[by_layers], half.channels[by_layers])


@few
@given(supernets(), accelerators())
def test_subnets_in_their_steady_state_cost_what_the_table_says_at_any_bits(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    designs = SearchSpace.of(accelerator, {}).designs([0])
    for network in of_each_width(supernet):
        cold, warm = steady_cost(network, designs)
        table = candidate_table(network, accelerator)
        for name in ("weight_bytes", "cached_weight_bytes", "exposed_load_cycles"):
            of_table = np.asarray(getattr(table.cost, name))
            own = of_table[np.arange(len(table.own_subgraph)), table.own_subgraph]
            assert np.allclose(getattr(cold, name)[:, 0], of_table[:, 0], rtol=1e-12, atol=0)
            assert np.allclose(getattr(warm, name)[:, 0], own, rtol=1e-9, atol=1e-9)


def test_the_weights_of_caches_have_the_most_bits_of_their_network() -> None:
    (subnet,) = networks.workload("resnet18_cifar10").supernet.subnets
    wide = replace(
        subnet,
        layers=(*(replace(x, weight_bits=4) for x in subnet.layers[:-1]), subnet.layers[-1]),
    )
    caches = cache_options(wide, zcu104(), Gati())
    own, others = caches.layers[: len(wide.layers)], caches.layers[len(wide.layers) :]
    assert [layer.weight_bits for layer in own] == [4] * (len(own) - 1) + [8]
    assert {layer.weight_bits for layer in others} == {8}
    whole = cache_options(subnet, zcu104(), Gati())
    assert caches.weight_bits[: len(own) - 1].sum() * 2 == whole.weight_bits[: len(own) - 1].sum()


@given(supernets())
def test_what_subnets_share_follows_the_bits(supernet: SuperNet) -> None:
    four, eight, _ = (with_weight_bits(supernet, bits) for bits in BITS)
    shared, half = (shared_weight_bytes(own, convolutions_only=False) for own in (eight, four))
    assert 0 <= 2 * half - shared <= len(supernet.layers)


@pytest.mark.parametrize("bits", [0, 3, 32, -8])
def test_weights_of_other_bits_are_refused(bits: int) -> None:
    supernet = networks.workload("resnet18_cifar10").supernet
    with pytest.raises(ValueError, match=rf"weight_bits must be one of 4, 8, 16, got {bits}$"):
        with_weight_bits(supernet, bits)


def test_the_cuts_of_a_supernet_layer_have_weights_of_the_same_bits() -> None:
    supernet = networks.workload("resnet18_cifar10").supernet
    (subnet,) = supernet.subnets
    first = replace(subnet.layers[0], weight_bits=4)
    with pytest.raises(ValueError, match=r"has weight_bits 4, SuperNet layer 'stem' has 8"):
        replace(supernet, subnets=(replace(subnet, layers=(first, *subnet.layers[1:])),))
