from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.evaluation.traced import serving_metrics
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.energy import energy
from sushi_dse.model.latency_table import SUMS, LatencyTable, latency_table
from sushi_dse.model.layer import layer_cost
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.slo_nn.parameters import FREE, Activator, SloNn
from sushi_dse.policies.slo_nn.stream import (
    difficulties,
    serve_slo_nn,
)
from sushi_dse.policies.slo_nn.system import (
    fraction_network,
    hashing_activator,
    kept_sizes,
    scaled_layers,
    slo_nn_system,
)
from sushi_dse.serving.selection import MODES, STRICT_ACCURACY, STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import MAX_MS, Trace
from sushi_dse.workload.layers import PlainLayer, SubNet, SuperNet
from sushi_dse.workload.plain import PlainSubNet
from tests import paths
from tests.networks import connected, network_of, workload
from tests.strategies import accelerators, amounts, supernets, zcu104, zcu104_measured
from tests.tables import scaled, traces

PAGE = paths.ROOT / "docs" / "slo_nn.md"
WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
ENDLESS = Activator(read_bytes=1e30, macs=0)
few = settings(max_examples=30)  # a table takes a while to make
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


def conv(kernels: int, channels: int, groups: int = 1) -> PlainLayer:
    return PlainLayer(
        name="conv",
        kernels=kernels,
        channels=channels,
        kernel_height=3,
        kernel_width=3,
        height=4,
        width=4,
        padding=1,
        groups=groups,
    )


def whole_of(network: Network) -> SubNet:
    return network.supernet.subnets[int(network.top1_percent.argmax())]


@st.composite
def parameter_sets(draw: st.DrawFn, **changes: Any) -> SloNn:
    """Grids of a few tenths, with as much in common as may be, or less."""
    fractions = (*sorted(draw(st.sets(st.integers(1, 9), max_size=5))), 10)
    drawn: dict[str, Any] = {
        "fractions": tuple(tenths / 10 for tenths in fractions),
        "common_share": draw(st.sampled_from([None, 0.0, 0.05, 0.1])),
        "activator": draw(st.sampled_from([None, FREE, Activator(read_bytes=500, macs=7)])),
        "easiest_fraction": draw(amounts(0.01, 1.0)),
        "difficulty_exponent": draw(amounts(0.1, 8.0)),
        "ranking_exponent": draw(amounts(0.1, 4.0)),
    }
    return SloNn(**drawn | changes)


@st.composite
def streams(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of `serve_slo_nn` but for the mode: some demands can be met, some cannot."""
    parameters = draw(parameter_sets())
    network, accelerator = Network.of(draw(supernets())), draw(accelerators())
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    trace = scaled(draw(traces(12)), table)
    column = st.lists(st.integers(0, 4), min_size=len(trace), max_size=len(trace))
    trace = replace(
        trace,
        input_difficulty=np.array(draw(column)) / 4,
        colocation_slowdown=1 + np.array(draw(column)) / 2,
    )
    return {"trace": trace, "table": table, "every": 2, "parameters": parameters}


def demanding(demand: str, value: float, queries: int = 200) -> Trace:
    """A closed loop in which every query makes the one demand."""
    demands = {"min_accuracy_percent": 0.0, "max_latency_ms": MAX_MS} | {demand: value}
    columns = {name: np.full(queries, number) for name, number in demands.items()}
    return Trace(arrived_ms=np.zeros(queries), **columns)


def latency_of(stream: dict[str, Any], query: int) -> np.ndarray:
    """The time of each row for that query, by definition: [row]."""
    table: LatencyTable = stream["table"]
    kept = int(table.fetched_bytes[0, 1] > 0)
    latency_ms = table.latency_ms[:, kept]
    if query == 0:
        latency_ms = table.latency_ms[:, 0] + table.switch_ms[0, kept]
    return np.asarray(stream["trace"].slowdown[query] * latency_ms)


def confidence_of(stream: dict[str, Any], query: int) -> list[float]:
    """The confidence of each row for that query, by definition."""
    p: SloNn = stream["parameters"]
    hard = stream["trace"].input_difficulty[query] ** p.difficulty_exponent
    needed = p.easiest_fraction + (1 - p.easiest_fraction) * hard
    lacking = [max(0.0, 1 - fraction / needed) for fraction in p.fractions]
    top1_percent = float(stream["table"].top1_percent[-1])
    return [top1_percent * (1 - share**p.ranking_exponent) for share in lacking]


# The network at a fraction


@given(supernets(), accelerators(), parameter_sets(activator=FREE))
@few
def test_fraction_1_is_the_whole_network_bit_for_bit(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    network = Network.of(supernet)
    table, same = slo_nn_system(network, accelerator, parameters=parameters)
    whole = latency_table(network, accelerator, candidates(network, accelerator))
    best = int(network.top1_percent.argmax())
    assert same is accelerator
    assert table.subnet_names[-1] == "1.0"
    assert table.top1_percent[-1] == whole.top1_percent[best]
    assert table.latency_ms[-1, 0] == whole.latency_ms[best, 0]
    assert (table.sums[:, -1, 0] == whole.sums[:, best, 0]).all()
    for field, of_whole in zip(table.cost, whole.cost, strict=True):
        assert field[-1, 0] == of_whole[best, 0]


@given(supernets(), accelerators(), parameter_sets())
@few
def test_more_nodes_never_take_less_time_or_traffic_or_guess_worse(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    table, _ = slo_nn_system(Network.of(supernet), accelerator, parameters=parameters)
    for quantity in (table.latency_ms, *table.sums[[SUMS.index("macs")]], table.cost.offchip_bytes):
        assert (quantity[1:] >= quantity[:-1] * (1 - 1e-12)).all()
    assert (np.diff(table.top1_percent) >= -1e-12).all()


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
    subnet = PlainSubNet(name="flat", top1_percent=50.0, layers=(conv(10, 3), head))
    kept = scaled_layers(whole_of(network_of(subnet)).layers, 0.25)
    assert [layer.kernels for layer in kept] == [3, 10]
    assert [layer.channels for layer in kept] == [3, 3 * 16]


def test_a_grouped_layer_keeps_whole_groups_but_at_the_ends() -> None:
    chain = (conv(12, 6, groups=3), conv(24, 12, groups=4), conv(8, 24, groups=2))
    layers = whole_of(network_of(PlainSubNet(name="g", top1_percent=50.0, layers=chain))).layers
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
    assert (table.cost.cached_weight_bytes[:, 1] == table.fetched_bytes[0, 1]).all()


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
    assert added["mac_mj"] == pytest.approx(macs * accelerator.mac_pj * 1e-9, rel=1e-6, abs=1e-12)
    static_mj = added_ms * accelerator.static_w
    assert added["static_mj"] == pytest.approx(static_mj, rel=1e-6, abs=1e-9)


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


# What a stream is served with


@every_mode
@given(streams())
@few
def test_a_demand_that_can_be_met_is_met_by_the_right_fraction(
    mode: int, stream: dict[str, Any]
) -> None:
    trace, grid = stream["trace"], stream["parameters"].fractions
    done = serve_slo_nn(mode=mode, **stream)
    for query in range(len(trace)):
        row, service_ms = int(done.subnet[query]), latency_of(stream, query)
        confidence = confidence_of(stream, query)
        assert done.accuracy_percent[query] == pytest.approx(confidence[row], rel=1e-12)
        assert done.service_ms[query] == service_ms[row]
        if mode == STRICT_ACCURACY:
            demand = trace.min_accuracy_percent[query]
            assert row == len(grid) - 1 or confidence[row] >= demand * (1 - 1e-12)
            assert all(too_low <= demand * (1 + 1e-12) for too_low in confidence[:row])
        else:
            wait_ms = done.response_ms[query] - service_ms[row]
            limit_ms = trace.max_latency_ms[query]
            assert row == 0 or done.response_ms[query] <= limit_ms
            assert (wait_ms + service_ms[row + 1 :] > limit_ms * (1 - 1e-12)).all()


@every_mode
@given(streams())
@few
def test_queries_wait_for_those_before_them(mode: int, stream: dict[str, Any]) -> None:
    trace, served = stream["trace"], serve_slo_nn(mode=mode, **stream)
    free_ms = 0.0
    for query in range(len(trace)):
        if trace.closed_loop:
            assert served.response_ms[query] == served.service_ms[query]
        else:
            free_ms = max(free_ms, trace.arrived_ms[query]) + served.service_ms[query]
            answered_ms = free_ms - trace.arrived_ms[query]
            assert served.response_ms[query] == pytest.approx(answered_ms, rel=1e-9)


@given(streams(), st.integers(0, 5))
@few
def test_a_stricter_accuracy_demand_never_lowers_the_fraction(
    stream: dict[str, Any], points: int
) -> None:
    loose = stream["trace"]
    strict = replace(loose, min_accuracy_percent=loose.min_accuracy_percent + points)
    before = serve_slo_nn(mode=STRICT_ACCURACY, **stream)
    after = serve_slo_nn(mode=STRICT_ACCURACY, **stream | {"trace": strict})
    assert (after.subnet >= before.subnet).all()


def in_closed_loop(stream: dict[str, Any]) -> dict[str, Any]:
    trace = stream["trace"]
    return stream | {"trace": replace(trace, arrived_ms=np.zeros(len(trace)))}


@given(streams().map(in_closed_loop), amounts(0.1, 1.0))
@few
def test_a_nearer_deadline_never_raises_the_fraction(stream: dict[str, Any], part: float) -> None:
    far = stream["trace"]
    near = replace(far, max_latency_ms=far.max_latency_ms * part)
    before = serve_slo_nn(mode=STRICT_LATENCY, **stream)
    after = serve_slo_nn(mode=STRICT_LATENCY, **stream | {"trace": near})
    assert (after.subnet <= before.subnet).all()


@every_mode
@given(streams().map(in_closed_loop), amounts(1.0, 3.0))
@few
def test_a_slower_machine_never_raises_the_fraction(
    mode: int, stream: dict[str, Any], factor: float
) -> None:
    slow = stream["trace"].slowdown * factor
    slower = stream | {"trace": replace(stream["trace"], colocation_slowdown=slow)}
    before, after = serve_slo_nn(mode=mode, **stream), serve_slo_nn(mode=mode, **slower)
    assert (after.subnet <= before.subnet).all()
    if mode == STRICT_ACCURACY:
        assert (after.subnet == before.subnet).all()


@given(streams(), amounts(0.0, 1.0))
@few
def test_a_harder_input_never_takes_fewer_nodes(stream: dict[str, Any], part: float) -> None:
    difficulty = stream["trace"].input_difficulty * part
    easier = stream | {"trace": replace(stream["trace"], input_difficulty=difficulty)}
    hard, easy = (serve_slo_nn(mode=STRICT_ACCURACY, **s) for s in (stream, easier))
    assert (easy.subnet <= hard.subnet).all()


@every_mode
@given(streams(), accelerators())
@few
def test_energy_and_bytes_add_up(
    mode: int, stream: dict[str, Any], accelerator: Accelerator
) -> None:
    network, parameters = connected(30, 40, 50, 10), stream["parameters"]
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    trace = stream["trace"]
    served = serve_slo_nn(mode=mode, **stream | {"table": table})
    metrics = serving_metrics(served, trace, table, accelerator)
    kinds = ("offchip", "buffer", "mac", "static")
    total_mj = sum(metrics[f"{kind}_energy_mj_per_query"] for kind in kinds)
    offchip_bytes = table.cost.offchip_bytes[served.subnet, served.cached].sum()
    offchip_bytes += table.switch_bytes[0, served.kept[0], served.subnet[0]]
    whole_bytes = metrics["offchip_bytes_per_query"] * len(trace)
    assert metrics["energy_mj_per_query"] == pytest.approx(total_mj, rel=1e-12)
    assert whole_bytes == pytest.approx(offchip_bytes, rel=1e-12)
    assert metrics["offchip_energy_mj_per_query"] == pytest.approx(
        whole_bytes / len(trace) * accelerator.dram_pj_per_bit * 8e-9, rel=1e-9
    )


@given(supernets(), accelerators(), parameter_sets())
@few
def test_a_table_with_an_activator_agrees_with_itself(
    supernet: SuperNet, accelerator: Accelerator, parameters: SloNn
) -> None:
    table, _ = slo_nn_system(Network.of(supernet), accelerator, parameters=parameters)
    sums = dict(zip(SUMS, table.sums, strict=True))
    weight_bytes = table.cost.weight_bytes + table.cost.cached_weight_bytes
    again = energy(accelerator, table.cost, table.macs[:, None], table.latency_ms * 1e3)
    assert weight_bytes == pytest.approx(sums["weight_bytes"])
    assert sums["weight_bytes"][:, 0] == pytest.approx(table.weight_bytes)
    assert sums["offchip_bytes"] == pytest.approx(table.cost.offchip_bytes)
    assert sums["cached_weight_bytes"] == pytest.approx(table.cost.cached_weight_bytes)
    assert sums["macs"][:, 1] == pytest.approx(table.macs)
    for kind in ("offchip_mj", "buffer_mj", "mac_mj", "static_mj"):
        of_costs = np.broadcast_to(getattr(again, kind), sums[kind].shape)
        assert sums[kind] == pytest.approx(of_costs, rel=1e-9, abs=1e-15)
        of_table = np.broadcast_to(getattr(table.energy, kind), sums[kind].shape)
        assert sums[kind] == pytest.approx(of_table, rel=1e-12)


# Difficulty, and limits that have a closed form


@given(parameter_sets(), amounts(0.0, 1.0), amounts(0.0, 1.0), amounts(0.01, 1.0))
def test_agreement_rises_with_the_nodes_and_falls_with_the_difficulty(
    parameters: SloNn, easy: float, hard: float, fraction: float
) -> None:
    easy, hard = sorted((easy, hard))
    slack = 1 + 1e-12
    few, many = (parameters.agreement(f, hard) for f in (fraction / 2, fraction))
    assert few <= many * slack
    assert parameters.agreement(fraction, hard) <= parameters.agreement(fraction, easy) * slack
    assert parameters.agreement(1.0, hard) == 1
    assert 0 <= few <= many <= 1


def served_all(network: Network, parameters: SloNn, trace: Trace, difficulty: np.ndarray) -> Served:
    table, _ = slo_nn_system(network, zcu104(), parameters=parameters)
    trace = replace(trace, input_difficulty=difficulty)
    return serve_slo_nn(trace, table, STRICT_ACCURACY, 8, parameters=parameters)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("hardest", [False, True])
def test_inputs_of_one_difficulty_give_the_speed_up_of_one_fraction(
    name: str, hardest: bool
) -> None:
    network, parameters = workload(name), SloNn(common_share=0.0)
    trace = demanding("min_accuracy_percent", float(network.top1_percent.max()))
    done = served_all(network, parameters, trace=trace, difficulty=np.full(200, float(hardest)))
    table, _ = slo_nn_system(network, zcu104(), parameters=parameters)
    row = len(parameters.fractions) - 1 if hardest else 0
    assert (done.subnet == row).all()
    assert (done.response_ms == table.latency_ms[row, 0]).all()
    assert (done.accuracy_percent == network.top1_percent.max()).all()


@pytest.mark.parametrize("below_percent", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("difficulty_exponent", [0.5, 2.0, 4.0])
def test_the_speed_up_of_even_difficulties_has_a_closed_form(
    below_percent: float, difficulty_exponent: float
) -> None:
    network = workload("ofa_mbv3")
    parameters = SloNn(difficulty_exponent=difficulty_exponent, common_share=0.0)
    table, _ = slo_nn_system(network, zcu104(), parameters=parameters)
    top1_percent = float(network.top1_percent.max())
    enough = 1 - (below_percent / top1_percent) ** (1 / parameters.ranking_exponent)
    easiest, grid = parameters.easiest_fraction, np.array(parameters.fractions)
    share = np.clip((grid / enough - easiest) / (1 - easiest), 0, 1) ** (1 / difficulty_exponent)
    share[-1] = 1  # of the inputs, that each fraction is enough for
    trace = demanding("min_accuracy_percent", top1_percent - below_percent, 4000)
    even = (np.arange(4000) + 0.5) / 4000
    done = served_all(network, parameters, trace=trace, difficulty=even)
    closed_form_ms = float(np.diff(share, prepend=0) @ table.latency_ms[:, 0])
    assert done.response_ms.mean() == pytest.approx(closed_form_ms, rel=2e-3)


def test_the_mean_of_the_needed_work_bounds_the_speed_up_as_the_page_says() -> None:
    e, k = SloNn().easiest_fraction, SloNn().difficulty_exponent
    needed = e + (1 - e) * ((np.arange(100_000) + 0.5) / 100_000) ** k
    squared = 1 / (e**2 + 2 * e * (1 - e) / (k + 1) + (1 - e) ** 2 / (2 * k + 1))
    linear = 1 / (e + (1 - e) / (k + 1))
    assert 1 / (needed**2).mean() == pytest.approx(squared, rel=1e-6)
    assert 1 / needed.mean() == pytest.approx(linear, rel=1e-6)
    page = PAGE.read_text(encoding="utf-8")
    assert f"shrink by f^2: {squared:.1f}x by default" in page
    assert f"shrink by f:   {linear:.1f}x by default" in page


def test_the_same_seed_gives_the_same_bits_and_a_longer_stream_begins_with_them() -> None:
    network = connected(30, 40, 10)
    short, long = difficulties(50, 7), difficulties(80, 7)
    assert (long[:50] == short).all()
    assert ((long >= 0) & (long < 1)).all()
    assert (difficulties(50, 8) != short).any()
    table, _ = slo_nn_system(network, zcu104())
    trace = demanding("min_accuracy_percent", 79.0, 50)
    first, again, other = (serve_slo_nn(trace, table, 0, 1, seed=seed) for seed in (7, 7, 8))
    assert first.subnet.tobytes() == again.subnet.tobytes()
    assert first.subnet.tobytes() != other.subnet.tobytes()


@every_mode
def test_a_trace_brings_its_own_difficulty_and_slowdown(mode: int) -> None:
    table, _ = slo_nn_system(connected(30, 40, 10), zcu104())
    plain = demanding("max_latency_ms", float(table.latency_ms[3, 1]), 40)
    plain = replace(plain, min_accuracy_percent=np.full(40, 79.0))
    bringing = replace(plain, input_difficulty=difficulties(40, 3))

    def answers(trace: Trace, seed: int) -> list[bytes]:
        done = serve_slo_nn(trace, table, mode, 1, seed=seed)
        return [array.tobytes() for array in (done.subnet, done.service_ms, done.accuracy_percent)]

    assert answers(bringing, 0) == answers(bringing, 3) == answers(plain, 3)
    assert answers(plain, 0) != answers(plain, 3)
    slowed = replace(bringing, colocation_slowdown=1 + difficulties(40, 4))
    assert answers(slowed, 0) != answers(bringing, 0)


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


# The page


def test_the_page_shows_what_the_accelerator_does_to_the_limit() -> None:
    page = PAGE.read_text(encoding="utf-8")
    designs = {
        "ZCU104": zcu104(),
        "an array 64 kernels wide": zcu104(pe_kernels=64),
        "a quarter of the bandwidth": zcu104(dram_gb_per_s=4.8),
        "each layer launched from the host, as measured": zcu104_measured(),
    }
    for label, accelerator in designs.items():
        limits = []
        for name in WORKLOADS:
            free, paid = (
                slo_nn_system(workload(name), accelerator, parameters=parameters)[0]
                for parameters in (SloNn(activator=FREE), SloNn())
            )
            limits.append(f"{free.latency_ms[-1, 0] / paid.latency_ms[0, 0]:.1f}x")
        assert f"| {label} | {' | '.join(limits)} |" in page


def test_the_page_shows_what_the_persistent_buffer_saves() -> None:
    table, _ = slo_nn_system(workload("ofa_resnet50"), zcu104())
    saved_ms = float((table.latency_ms[:, 0] - table.latency_ms[:, 1]).mean())
    assert f"it saves {saved_ms:.2f} ms of a query" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_parameter() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in (*SloNn.__slots__, *Activator.__slots__):
        assert f"`{name}`" in page
