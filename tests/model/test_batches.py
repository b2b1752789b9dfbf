"""Batches: b queries that share one pass over the weights, against b passes and a simulation."""

import pickle
from dataclasses import replace
from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.model.batches import batch_table, in_batches
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.model.layer import array_of, layer_cost_of
from sushi_dse.model.network import SHAPE, LayerShape, Network, layer_shape, layer_shapes, stacked
from sushi_dse.model.weight_stationary import streamed_pixels, strips_of
from sushi_dse.workload.layers import Layer, SuperNet, around
from tests.model.simulated import SIMULATED
from tests.networks import workload
from tests.strategies import (
    accelerators,
    depthwise_layers,
    fully_connected_layers,
    layers,
    supernets,
    ungrouped_layers,
    vcu118,
    zcu104,
)

ROUNDING = 1 + 1e-9
PADDING_READ = 1.2  # 1.09 in 6,000 layers drawn
sizes = st.integers(1, 6)
cuts = st.integers(0, 250)


def batch_cost(
    layer: Layer, accelerator: Accelerator, maps: int, kernels: int = 0, channels: int = 0
) -> LayerCost:
    """The cost of a batch of a layer that neither reads its map from DRAM nor writes it there."""
    of_one = np.array([layer_shape(layer)], dtype=SHAPE)
    shape = LayerShape(*map(int, stacked(of_one, maps)[0]))
    return LayerCost(*layer_cost_of(shape, array_of(accelerator), kernels, channels))


@settings(max_examples=150)
@given(
    ungrouped_layers() | fully_connected_layers() | depthwise_layers(),
    accelerators(),
    sizes,
    cuts,
    cuts,
)
def test_a_batch_costs_what_its_tiles_cost_one_by_one(
    layer: Layer, accelerator: Accelerator, maps: int, kernels: int, channels: int
) -> None:
    simulated = SIMULATED[accelerator.dataflow]
    expected = simulated(layer, accelerator, kernels, channels, False, False, maps)
    cost = batch_cost(layer, accelerator, maps, kernels, channels)
    for name, value, wanted in zip(LayerCost._fields, cost, expected, strict=True):
        slack = 1e-9 * expected.cycles if name.endswith("cycles") else 0.0
        assert isclose(value, wanted, rel_tol=1e-9, abs_tol=slack), name


@settings(max_examples=150)
@given(layers(), accelerators(layer_by_layer=True), st.integers(1, 5), cuts, cuts)
def test_one_more_query_takes_longer_but_no_longer_than_a_pass_of_its_own(
    layer: Layer, accelerator: Accelerator, maps: int, kernels: int, channels: int
) -> None:
    one, less, more = (
        batch_cost(layer, accelerator, b, kernels, channels) for b in (1, maps, maps + 1)
    )
    assert less.compute_cycles <= more.compute_cycles
    assert less.cycles <= more.cycles * ROUNDING
    assert more.weight_bytes <= less.weight_bytes + one.weight_bytes
    is_exact = accelerator.dataflow == Dataflow.WEIGHT_STATIONARY
    # An output-stationary tile in the middle is charged for padding as if it were read.
    assert more.cycles <= (less.cycles + one.cycles) * (ROUNDING if is_exact else PADDING_READ)


@given(layers(), accelerators(), cuts, cuts)
def test_a_batch_of_one_is_the_query_itself(
    layer: Layer, accelerator: Accelerator, kernels: int, channels: int
) -> None:
    shapes = layer_shapes([layer, replace(layer, name="next")])
    assert stacked(shapes, 1).tobytes() == shapes.tobytes()
    of_one = batch_cost(layer, accelerator, 1, kernels, channels)
    shape = layer_shape(layer)
    assert of_one == LayerCost(*layer_cost_of(shape, array_of(accelerator), kernels, channels))


def test_strips_of_a_batch_hold_whole_maps_or_a_part_of_one() -> None:
    """Maps of 4 rows x 5 outputs and 8 kernels: 640 bytes of sums, or 160 a row."""
    layer = Layer(name="c", kernels=8, channels=64, kernel_height=3, kernel_width=3, height=4,
                  width=5, padding=around(1), supernet_layer=0)  # fmt: skip
    (shape,) = stacked(layer_shapes([layer]), 5)
    for held_bytes, strips in ((640, 5), (1279, 5), (1280, 3), (3200, 1), (480, 10), (160, 20)):
        assert strips_of(shape, 8, 9, held_bytes) == (strips, 1)
    assert strips_of(shape, 8, 9, 159) == (20, 2)
    assert streamed_pixels(shape, 3, 1) == 5 * 6 * 7
    assert streamed_pixels(shape, 10, 1) == (5 * 6 + 5 * 2) * 7  # a seam in each map


def rows(table: LatencyTable, queries: int) -> slice:
    return slice((queries - 1) * table.subnets, queries * table.subnets)


@settings(max_examples=30)
@given(supernets(), accelerators(), st.integers(1, 4))
def test_a_row_of_a_batch_table_is_a_querys_share_of_its_batch(
    supernet: SuperNet, accelerator: Accelerator, limit: int
) -> None:
    network = Network.of(supernet)
    table = candidate_table(network, accelerator)
    batches = batch_table(network, accelerator, table, limit)
    assert (batches.batch_limit, batches.subnets) == (limit, len(table.accuracy_percent))
    for b in range(1, limit + 1):
        own = latency_table(in_batches(network, b), accelerator, table.subgraphs)
        of_rows = rows(batches, b)
        for name in ("latency_ms", "macs", "weight_bytes"):
            share = getattr(batches, name)[of_rows]
            assert share.tobytes() == (getattr(own, name) / b).tobytes()
        assert batches.sums[:, of_rows].tobytes() == (own.sums / b).tobytes()
        for name in ("switch_bytes", "switch_ms"):  # a switch is the batch's, and the SubNet's
            assert np.array_equal(getattr(batches, name)[:, :, of_rows], getattr(table, name))
        assert np.array_equal(batches.accuracy_percent[of_rows], table.accuracy_percent)


def test_a_batch_table_of_one_is_the_table() -> None:
    network, accelerator = workload("ofa_resnet50"), zcu104()
    table = candidate_table(network, accelerator)
    assert batch_table(network, accelerator, table, 1) is table
    with pytest.raises(ValueError, match="batch_limit >= 1 must hold, got 0"):
        batch_table(network, accelerator, table, 0)


@pytest.mark.parametrize("design", [zcu104(), vcu118()], ids=lambda design: design.name)
def test_queries_of_a_batch_of_resnet50_share_its_weights_and_its_time(design: Accelerator) -> None:
    network = workload("ofa_resnet50")
    table = batch_table(network, design, candidate_table(network, design), 8)
    one, eight = table.latency_ms[rows(table, 1)], table.latency_ms[rows(table, 8)]
    assert np.all(eight < one)
    assert np.all(8 * eight > one)
    loaded = np.asarray(table.cost.weight_bytes)
    for b in range(2, 9):
        assert np.all(loaded[rows(table, b)] <= loaded[rows(table, b - 1)])
        assert np.all(table.latency_ms[rows(table, b)] <= one)
    assert np.all(loaded[rows(table, 8)][:, 0] < 0.5 * loaded[rows(table, 1)][:, 0])


def test_a_network_of_batches_is_pickled_with_its_batch() -> None:
    network = in_batches(workload("ofa_resnet50"), 3)
    again = pickle.loads(pickle.dumps(network))
    assert again.batch == 3
    assert again.shapes.tobytes() == network.shapes.tobytes()
