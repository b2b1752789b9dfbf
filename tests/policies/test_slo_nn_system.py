"""SLO-NN's table: the network at each fraction, what is kept of it, and its activator."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.energy import energy, power
from sushi_dse.model.latency_table import SUMS, latency_table
from sushi_dse.model.layer import layer_cost
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.slo_nn.parameters import FREE, Activator, SloNn
from sushi_dse.policies.slo_nn.stream import serve_slo_nn
from sushi_dse.policies.slo_nn.system import (
    fraction_network,
    hashing_activator,
    kept_sizes,
    scaled_layers,
    slo_nn_system,
)
from sushi_dse.serving.selection import STRICT_ACCURACY
from sushi_dse.workload.layers import PlainLayer, SubNet, SuperNet, around
from sushi_dse.workload.plain import PlainSubNet
from tests.networks import connected, network_of, workload
from tests.policies.slo_nn_cases import WORKLOADS, demanding, every_mode, few, parameter_sets
from tests.strategies import accelerators, amounts, supernets, zcu104
from tests.tables import cell

ENDLESS = Activator(read_bytes=1e30, macs=0)


def conv(kernels: int, channels: int, groups: int = 1) -> PlainLayer:
    return PlainLayer(
        name="conv",
        kernels=kernels,
        channels=channels,
        kernel_height=3,
        kernel_width=3,
        height=4,
        width=4,
        padding=around(1),
        groups=groups,
    )


def whole_of(network: Network) -> SubNet:
    return network.supernet.subnets[int(network.accuracy_percent.argmax())]


# The network at a fraction


@given(supernets(), accelerators(), parameter_sets(activator=FREE))
@few
def test_fraction_1_is_the_whole_network_bit_for_bit(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    network = Network.of(supernet)
    table, same = slo_nn_system(network, accelerator, parameters=parameters)
    whole = latency_table(network, accelerator, candidates(network, accelerator))
    best = int(network.accuracy_percent.argmax())
    assert same is accelerator
    assert table.subnet_names[-1] == "1.0"
    assert table.accuracy_percent[-1] == whole.accuracy_percent[best]
    assert table.latency_ms[-1, 0] == whole.latency_ms[best, 0]
    assert (table.sums[:, -1, 0] == whole.sums[:, best, 0]).all()
    for field, of_whole in zip(table.cost, whole.cost, strict=True):
        assert cell(field, -1, 0) == cell(of_whole, best, 0)


@given(supernets(), accelerators(), parameter_sets())
@few
def test_more_nodes_never_take_less_time_or_traffic_or_guess_worse(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    table, _ = slo_nn_system(Network.of(supernet), accelerator, parameters=parameters)
    for quantity in (table.latency_ms, *table.sums[[SUMS.index("macs")]], table.cost.offchip_bytes):
        assert (quantity[1:] >= quantity[:-1] * (1 - 1e-12)).all()
    assert (np.diff(table.accuracy_percent) >= -1e-12).all()


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_step_of_the_fraction_takes_longer_on_the_workloads(name: str) -> None:
    table, _ = slo_nn_system(workload(name), zcu104())
    assert (np.diff(table.latency_ms, axis=0) > 0).all()


@pytest.mark.parametrize("tenths", range(1, 11))
def test_work_falls_with_the_square_of_the_fraction_but_at_the_ends(tenths: int) -> None:
    network = connected(30, 100, 200, 50, 7)
    f = tenths / 10
    scaled_macs = sum(layer.macs for layer in scaled_layers(whole_of(network).layers, f))
    assert scaled_macs == round(f**2 * (100 * 200 + 200 * 50) + f * (30 * 100 + 50 * 7))


@pytest.mark.parametrize("percent", range(1, 101))
def test_of_100_kernels_as_many_stay_as_the_percentage_says(percent: int) -> None:
    layers = whole_of(connected(10, 100, 10)).layers
    assert kept_sizes(layers, percent / 100) == [(percent, 10, 1), (10, percent, 1)]


@given(supernets(), st.integers(1, 10))
@few
def test_channels_are_the_kernels_that_the_layer_before_kept(
    supernet: SuperNet, tenths: int
) -> None:
    layers = supernet.subnets[0].layers
    kept = scaled_layers(layers, tenths / 10)
    assert kept[0].channels == layers[0].channels
    assert kept[-1].kernels == layers[-1].kernels
    for before, layer in pairwise(kept):
        has_all_its_groups = before is kept[0] or layer is kept[-1]
        if not (has_all_its_groups and max(before.groups, layer.groups) > 1):
            assert layer.channels == before.kernels


def test_a_flattened_map_loses_all_the_pixels_of_a_kernel() -> None:
    head = whole_of(connected(160, 10)).layers[0]
    subnet = PlainSubNet(name="flat", accuracy_percent=50.0, layers=(conv(10, 3), head))
    kept = scaled_layers(whole_of(network_of(subnet)).layers, 0.25)
    assert [layer.kernels for layer in kept] == [3, 10]
    assert [layer.channels for layer in kept] == [3, 3 * 16]


def test_a_grouped_layer_keeps_whole_groups_but_at_the_ends() -> None:
    chain = (conv(12, 6, groups=3), conv(24, 12, groups=4), conv(8, 24, groups=2))
    layers = whole_of(network_of(PlainSubNet(name="g", accuracy_percent=50.0, layers=chain))).layers
    assert kept_sizes(layers, 0.5) == [(2, 2, 3), (6, 3, 2), (4, 6, 2)]


def test_a_network_of_one_layer_has_nothing_to_drop() -> None:
    layers = whole_of(connected(30, 20)).layers
    assert scaled_layers(layers, 0.1) == layers


# What the Persistent Buffer keeps


@given(supernets(), accelerators(), parameter_sets())
@few
def test_only_what_all_node_sets_share_is_kept_and_it_fits(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    network = Network.of(supernet)
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    least = fraction_network(network, parameters)
    common = Target(Combination.SHARED, table.subnet_names)
    assert table.subgraphs.candidates == (NOTHING, Candidate(common, Order.VALUE))
    assert not table.subgraphs.kernels[0].any()
    assert (table.subgraphs.kernels[1] <= least.kernels[0]).all()
    assert (table.subgraphs.channels[1] <= least.channels[0]).all()
    assert table.fetched_bytes[0, 1] <= accelerator.persistent_buffer_bytes
    assert (table.latency_ms[:, 1] <= table.latency_ms[:, 0] * (1 + 1e-12)).all()
    kept_bytes = np.ceil(np.asarray(table.cost.cached_weight_bytes)[:, 1])
    assert (kept_bytes == table.fetched_bytes[0, 1]).all()


def test_the_common_part_fills_the_buffer_in_value_order() -> None:
    network = workload("ofa_resnet50")
    roomy, _ = slo_nn_system(network, zcu104())
    narrow, _ = slo_nn_system(network, zcu104(persistent_buffer_kib=40))
    wanted, kept = (table.subgraphs.kernels[1] for table in (roomy, narrow))
    channels = roomy.subgraphs.channels[1]
    worth = []
    for i in range(len(wanted)):
        costs = [
            layer_cost(layer, zcu104(), cached_kernels=k, cached_channels=int(channels[i]),
                       is_first=i == 0, is_last=i == len(wanted) - 1)
            for k in (0, int(wanted[i]))
            for layer in (s.layers[i] for s in fraction_network(network, SloNn()).supernet.subnets)
        ]  # fmt: skip
        cold, warm = costs[: len(costs) // 2], costs[len(costs) // 2 :]
        saved = sum(c.cycles for c in cold) - sum(c.cycles for c in warm)
        worth.append(saved / sum(c.cached_weight_bytes for c in warm))
    value = np.array(worth)
    assert kept.any()
    assert (kept < wanted).any()
    assert value[kept > 0].min() >= value[kept < wanted].max()


def test_node_sets_with_nothing_in_common_keep_the_buffer_empty() -> None:
    parameters = SloNn(common_share=0.0)
    table, _ = slo_nn_system(connected(30, 40, 10), zcu104(), parameters=parameters)
    done = serve_slo_nn(demanding("max_latency_ms", 1.0), table, 0, 1, parameters=parameters)
    assert not done.kept.any()
    assert not done.cached.any()
    assert (table.latency_ms[:, 0] == table.latency_ms[:, 1]).all()


def test_the_common_part_comes_in_with_the_first_query_and_stays() -> None:
    table, _ = slo_nn_system(workload("ofa_mbv3"), zcu104())
    trace = demanding("min_accuracy_percent", 76.0, 9)
    trace = replace(trace, input_difficulty=np.full(9, 0.5))
    served = serve_slo_nn(trace, table, STRICT_ACCURACY, 1)
    row = served.subnet[0]
    assert served.cached.tolist() == [0] + [1] * 8
    assert (served.kept == 1).all()
    assert served.service_ms[0] == table.latency_ms[row, 0] + table.switch_ms[0, 1, row]
    assert (served.service_ms[1:] == table.latency_ms[row, 1]).all()


# The activator


@given(supernets(), accelerators(), amounts(0.0, 1e6), amounts(0.0, 1e6), st.integers(0, 2))
@few
def test_the_activator_adds_its_time_bytes_and_energy_to_every_fraction(
    supernet: SuperNet, accelerator: Accelerator, read_bytes: float, macs: float, launches: int
) -> None:
    network = Network.of(supernet)
    activator = Activator(read_bytes=read_bytes, macs=macs, launches=launches)
    free, paid = (
        slo_nn_system(network, accelerator, parameters=SloNn(activator=a))[0]
        for a in (FREE, activator)
    )
    cycles = read_bytes / accelerator.bytes_per_cycle + macs / accelerator.macs_per_cycle
    added_ms = 1e-3 * (launches * accelerator.launch_us + cycles / accelerator.clock_mhz)
    added = dict(zip(SUMS, paid.sums - free.sums, strict=True))
    assert paid.latency_ms == pytest.approx(free.latency_ms + added_ms, rel=1e-12)
    assert added["offchip_bytes"] == pytest.approx(read_bytes, rel=1e-9, abs=1e-6)
    assert added["macs"] == pytest.approx(macs, rel=1e-9, abs=1e-6)
    mac_pj = accelerator.mac_pj * accelerator.multiplier_bits / 8
    assert added["mac_mj"] == pytest.approx(macs * mac_pj * 1e-9, rel=1e-6, abs=1e-12)
    of_paid, of_free = paid.energy_on(accelerator), free.energy_on(accelerator)
    more_mj = np.asarray(of_paid.static_mj) - np.asarray(of_free.static_mj)
    static_mj = added_ms * power(accelerator).static_w
    assert more_mj == pytest.approx(static_mj, rel=1e-6, abs=1e-9)


@every_mode
def test_a_free_activator_adds_nothing_and_an_endless_one_makes_every_query_late(mode: int) -> None:
    network, accelerator = workload("ofa_mbv3"), zcu104()
    free, endless = (SloNn(activator=activator) for activator in (FREE, ENDLESS))
    late, _ = slo_nn_system(network, accelerator, parameters=endless)
    trace = demanding("min_accuracy_percent", 0.0)
    done = serve_slo_nn(trace, late, mode, 8, parameters=endless)
    assert (done.response_ms > trace.max_latency_ms).all()
    table, _ = slo_nn_system(network, accelerator, parameters=free)
    fractions = fraction_network(network, free)
    plain = latency_table(fractions, accelerator, table.subgraphs)
    assert (table.latency_ms == plain.latency_ms).all()
    assert (table.sums == plain.sums).all()


def test_a_wider_network_has_a_dearer_activator() -> None:
    narrow, wide = (hashing_activator(whole_of(connected(9, n, n, 5)).layers) for n in (10, 50))
    assert narrow.read_bytes - 4 * 20 * 2 == wide.read_bytes - 4 * 100 * 2 == 4 * 16 * 64
    assert wide.macs - narrow.macs == 4 * 80
    assert narrow.launches == 1


@given(supernets(), accelerators(), parameter_sets())
@few
def test_a_table_with_an_activator_agrees_with_itself(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    table, _ = slo_nn_system(Network.of(supernet), accelerator, parameters=parameters)
    sums = dict(zip(SUMS, table.sums, strict=True))
    weight_bytes = table.cost.weight_bytes + table.cost.cached_weight_bytes
    again = energy(accelerator, table.cost, table.macs[:, None], table.latency_ms * 1e3)
    # Weights that the buffer of the layer that runs cannot keep are loaded more than once.
    assert (np.asarray(weight_bytes) >= sums["weight_bytes"] * (1 - 1e-9)).all()
    assert sums["weight_bytes"][:, 0] == pytest.approx(table.weight_bytes)
    assert sums["offchip_bytes"] == pytest.approx(table.cost.offchip_bytes)
    assert sums["cached_weight_bytes"] == pytest.approx(table.cost.cached_weight_bytes)
    assert sums["macs"][:, 1] == pytest.approx(table.macs)
    for kind in ("offchip_mj", "buffer_mj", "mac_mj"):
        of_costs = np.broadcast_to(getattr(again, kind), sums[kind].shape)
        assert sums[kind] == pytest.approx(of_costs, rel=1e-9, abs=1e-15)


# Input that is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fractions": ()}, "fractions must ascend"),
        ({"fractions": (0.5,)}, "from above 0 to 1"),
        ({"fractions": (0.0, 1.0)}, "fractions must ascend"),
        ({"fractions": (0.5, 0.5, 1.0)}, "fractions must ascend"),
        ({"fractions": (0.5, float("nan"), 1.0)}, "fractions must ascend"),
        ({"common_share": 0.06}, "0 <= common_share <= 0.05, the least fraction"),
        ({"common_share": -0.1}, "common_share"),
        ({"easiest_fraction": 0.0}, "0 < easiest_fraction <= 1"),
        ({"easiest_fraction": 1.1}, "0 < easiest_fraction <= 1"),
        ({"difficulty_exponent": 0.0}, "difficulty_exponent > 0"),
        ({"ranking_exponent": float("inf")}, "ranking_exponent > 0"),
    ],
)
def test_parameters_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SloNn(**changes)


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["read_bytes", "macs", "launches"])
def test_an_activator_costs_a_finite_amount(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"activator: {name} >= 0 must hold"):
        Activator(**{"read_bytes": 1.0, "macs": 1.0} | {name: value})


def test_a_table_of_other_fractions_is_refused() -> None:
    table, _ = slo_nn_system(connected(30, 40, 10), zcu104())
    trace, other = demanding("max_latency_ms", 1.0, 4), SloNn(fractions=(0.5, 1.0))
    with pytest.raises(ValueError, match="rows of the table must be the fractions"):
        serve_slo_nn(trace, table, 0, 1, parameters=other)
