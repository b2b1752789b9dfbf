"""The latency table against the cost of each layer, one by one."""

from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.model import jit
from sushi_dse.model.candidate import own_by_value
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.energy import energy, power
from sushi_dse.model.latency_table import (
    SUMS,
    LatencyTable,
    candidate_table,
    cold_latency_ms,
    latency_table,
)
from sushi_dse.model.layer import array_of, layer_cost_of, layer_latency_us
from sushi_dse.model.network import LayerShape, Network, layer_shapes
from sushi_dse.model.subgraphs import SubGraphs, candidates
from sushi_dse.workload.layers import SuperNet
from tests.strategies import accelerators, supernets, vcu118, zcu104
from tests.tables import cell

Made = tuple[Network, Accelerator, LatencyTable]


def make(supernet: SuperNet, accelerator: Accelerator) -> Made:
    network = Network.of(supernet)
    return (
        network,
        accelerator,
        latency_table(network, accelerator, candidates(network, accelerator)),
    )


made = st.builds(make, supernets(), accelerators())
few = settings(max_examples=50)


def costs_of_layers(
    network: Network, accelerator: Accelerator, kept: SubGraphs, subnet: int, subgraph: int
) -> list[LayerCost]:
    """The cost of each layer of a SubNet, under the interpreter."""
    layers, array = network.supernet.subnets[subnet].layers, array_of(accelerator)
    return [
        LayerCost(
            *layer_cost_of(
                LayerShape(*map(int, shape)),
                array,
                int(kept.kernels[subgraph, layer.supernet_layer]),
                int(kept.channels[subgraph, layer.supernet_layer]),
            )
        )
        for layer, shape in zip(layers, layer_shapes(layers), strict=True)
    ]


@few
@given(made)
def test_the_cost_of_a_subnet_is_the_sum_over_its_layers_bit_for_bit(case: Made) -> None:
    network, accelerator, table = case
    for s, g in np.ndindex(table.latency_ms.shape):
        total = [0.0] * len(LayerCost._fields)
        for cost in costs_of_layers(network, accelerator, table.subgraphs, s, g):
            total = [have + more for have, more in zip(total, cost, strict=True)]
        assert [cell(field, s, g) for field in table.cost] == total


@few
@given(made)
def test_the_latency_of_a_subnet_is_the_sum_over_its_layers_launches_included(case: Made) -> None:
    network, accelerator, table = case
    for s, g in np.ndindex(table.latency_ms.shape):
        costs = costs_of_layers(network, accelerator, table.subgraphs, s, g)
        latency_us = sum(layer_latency_us(cost, accelerator) for cost in costs)
        assert table.latency_ms[s, g] == pytest.approx(latency_us / 1e3, rel=1e-12)


@few
@given(made)
def test_the_first_column_caches_nothing_and_no_other_is_slower(case: Made) -> None:
    network, _, table = case
    assert not np.asarray(table.cost.cached_weight_bytes)[:, 0].any()
    assert np.all(np.asarray(table.cost.weight_bytes)[:, 0] >= network.weight_bytes)
    assert np.all(table.latency_ms <= table.latency_ms[:, :1] * (1 + 1e-12))


def neighbours(design: Accelerator) -> list[Accelerator]:
    """The design, and those that differ from it in one thing that a table may depend on."""
    if design.dataflow == Dataflow.WEIGHT_STATIONARY:
        own: list[dict[str, Any]] = [{"dynamic_buffer_tiles": design.dynamic_buffer_tiles + 1}]
    else:  # Less than a byte is no byte, and yet there is room to prefetch.
        own = [{"prefetch_buffer_kib": kib} for kib in (2**-12, 0.5, 0.5 + 2**-12)]
    times: list[dict[str, Any]] = [
        {name: 2 * getattr(design, name)} for name in ("clock_mhz", "launch_us")
    ]
    bytes_held: dict[str, Any] = {"persistent_buffer_kib": design.persistent_buffer_kib + 1}
    return [design, *(replace(design, **changes) for changes in (*own, *times, bytes_held))]


def assert_tables_stand_alone(network: Network, designs: list[Accelerator]) -> None:
    for one in designs:
        table = candidate_table(network, one)
        alone = latency_table(network, one, candidates(network, one))
        assert np.array_equal(table.latency_ms, alone.latency_ms)
        assert np.array_equal(table.sums, alone.sums)
        assert np.array_equal(table.switch_ms, alone.switch_ms)
        assert np.array_equal(table.subgraphs.kernels, alone.subgraphs.kernels)


@few
@given(supernets(), accelerators())
def test_the_table_of_a_design_does_not_depend_on_those_before(
    supernet: SuperNet, design: Accelerator
) -> None:
    assert_tables_stand_alone(Network.of(supernet), neighbours(design))


@pytest.mark.parametrize("launch_us", [0.0, 0.4755])
def test_a_table_knows_prefetch_buffers_apart_that_hold_as_many_whole_bytes(
    launch_us: float,
) -> None:
    network = Network.of(load_workload("ofa_mbv3").supernet)
    assert_tables_stand_alone(
        network, neighbours(vcu118(persistent_buffer_kib=64.0, launch_us=launch_us))
    )


@few
@given(made)
def test_a_weight_comes_from_dram_or_from_the_persistent_buffer(case: Made) -> None:
    network, accelerator, table = case
    both = table.cost.weight_bytes + table.cost.cached_weight_bytes
    assert np.all(both >= network.weight_bytes[:, None])
    reads = table.cost.dynamic_buffer_read_bytes + table.cost.persistent_buffer_read_bytes
    assert np.array_equal(reads, np.broadcast_to(np.asarray(reads)[:, :1], np.shape(reads)))
    assert np.all(table.cost.cached_weight_bytes <= accelerator.persistent_buffer_bytes)


@few
@given(made)
def test_the_sums_are_traffic_and_energy_by_name(case: Made) -> None:
    network, accelerator, table = case
    sums = dict(zip(SUMS, table.sums, strict=True))
    latency_us = 1e3 * table.latency_ms
    for s, g in np.ndindex(table.latency_ms.shape):
        cost = LayerCost(*(cell(field, s, g) for field in table.cost))
        used = energy(accelerator, cost, network.macs[s], latency_us[s, g])
        expected = {
            "offchip_bytes": cost.weight_bytes + cost.input_bytes + cost.output_bytes,
            "weight_bytes": network.weight_bytes[s],
            "cached_weight_bytes": cost.cached_weight_bytes,
            "macs": network.macs[s],
            "offchip_mj": used.offchip_mj,
            "buffer_mj": used.buffer_mj,
            "mac_mj": used.mac_mj,
        }
        assert {name: sums[name][s, g] for name in SUMS} == pytest.approx(expected, rel=1e-12)
    used, drawn = table.energy_on(accelerator), power(accelerator)
    moving = used.total_mj - used.clock_mj - used.static_mj
    assert np.allclose(moving, table.sums[4:].sum(axis=0), rtol=1e-6, atol=1e-9)
    assert np.allclose(used.static_mj, table.latency_ms * drawn.static_w, rtol=1e-12, atol=0)
    assert np.allclose(used.clock_mj, table.latency_ms * drawn.clock_w, rtol=1e-12, atol=0)


@few
@given(made)
def test_a_switch_moves_the_bytes_of_the_new_subgraph_that_are_not_on_chip(case: Made) -> None:
    network, accelerator, table = case
    kept = table.subgraphs
    kept_bits = (kept.kernels * kept.channels * network.pair_bits).sum(axis=1)
    kept_bytes = np.ceil(kept_bits / 8)
    # From an empty buffer all of it is fetched, of which the SubNet brings what it has itself.
    assert np.array_equal(table.fetched_bytes[0], kept_bytes)
    left_bytes = kept_bits / 8 - table.cost.cached_weight_bytes
    assert np.array_equal(table.switch_bytes[0].T, np.ceil(left_bytes))
    assert np.all(table.switch_bytes <= table.fetched_bytes[:, :, None])
    assert np.all(table.switch_bytes >= 0)
    # Staying is free, and giving up bytes brings none.
    stay = np.arange(len(kept_bytes))
    assert not table.switch_bytes[stay, stay].any()
    assert not table.fetched_bytes[stay, stay].any()
    assert not table.fetched_bytes[:, 0].any()
    bytes_per_s = accelerator.offchip_gb_per_s * 1e9
    assert np.allclose(table.switch_ms, 1e3 * table.switch_bytes / bytes_per_s, rtol=1e-12, atol=0)


@few
@given(made)
def test_encodings_alternate_kernels_and_channels_over_the_supernet_layers(case: Made) -> None:
    network, _, table = case

    def encodings(kernels: np.ndarray, channels: np.ndarray) -> np.ndarray:
        return np.stack([kernels, channels], axis=2).reshape(len(kernels), -1)

    of_subnets = encodings(network.kernels, network.channels)
    of_subgraphs = encodings(table.subgraphs.kernels, table.subgraphs.channels)
    assert np.array_equal(table.encoding_dot, of_subnets @ of_subgraphs.T)
    assert np.array_equal(table.encoding_norm, (of_subgraphs**2).sum(axis=1))


def test_a_scheduler_cannot_write_to_the_table() -> None:
    _, _, table = make(load_workload("ofa_mbv3").supernet, zcu104())
    for name in ("latency_ms", "switch_bytes", "switch_ms", "encoding_dot", "encoding_norm"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(table, name)[:] = 0


def test_the_rows_are_the_subnets_and_the_columns_the_subgraphs() -> None:
    network, _, table = make(load_workload("ofa_resnet50").supernet, zcu104())
    assert table.subnet_names == tuple("ABCDEF")
    assert table.latency_ms.shape == (6, len(table.subgraphs.candidates))
    assert table.accuracy_percent is network.accuracy_percent
    # Hardly anything serves a SubNet better than its own weights in the order of their value.
    for s, name in enumerate(table.subnet_names):
        own_ms = table.latency_ms[s, table.subgraphs.index(own_by_value(name))]
        assert own_ms <= 1.001 * table.latency_ms[s].min()


@settings(deadline=None)
@given(supernets(), accelerators(), st.booleans())
def test_cold_latencies_are_the_first_column_to_the_bit_with_numba_or_without(
    supernet: SuperNet, accelerator: Accelerator, is_loaded: bool
) -> None:
    network = Network.of(supernet)
    column = candidate_table(network, accelerator).latency_ms[:, 0]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jit, "_told", Event())
        if is_loaded:
            jit._told.set()
        assert cold_latency_ms(network, accelerator).tobytes() == column.tobytes()
