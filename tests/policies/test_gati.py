"""GATI against closed forms, against every choice of caches there is, and in its laws."""

import re
from dataclasses import fields, replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.build.speedups import expected_exits
from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.traced import serving_metrics
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.latency_table import SUMS, latency_table
from sushi_dse.model.layer import LayerCost, layer_cost, layer_latency_us, total_cost
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.catalogue import PolicyRun
from sushi_dse.policies.gati.choice import all_choices, cache_options, least_expected
from sushi_dse.policies.gati.parameters import PUBLISHED_AGREEMENT_PERCENT, Gati
from sushi_dse.policies.gati.predictors import (
    PREDICTORS,
    PUBLISHED_MACS,
    PUBLISHED_TOTAL_MACS,
    CachePoint,
    agreement_at,
    cache_layers,
    cache_points,
)
from sushi_dse.policies.gati.stream import serve_gati
from sushi_dse.policies.gati.system import GatiTable, gati_system, served_subnet
from sushi_dse.serving.selection import MODES, STRICT_ACCURACY, STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import SuperNet
from tests import paths
from tests.strategies import ZCU104, accelerators, supernets, zcu104, zcu104_measured
from tests.tables import traces

DOCUMENT = paths.ROOT / "docs" / "gati.md"
RESNET18 = Network.of(load_workload("resnet18_cifar10").supernet)
WHOLE = RESNET18.supernet.subnets[0]
BLOCKS = range(1, 9)
ALL_CONVOLUTIONS = {block: "Conv(3,1)" for block in BLOCKS}
NEVER = {name: (0.0,) * 8 for name in PREDICTORS}
ALWAYS = {name: (100.0,) * 8 for name in PREDICTORS}
SLOW = zcu104(dram_gb_per_s=0.5)  # caching is worth more here

shares = st.floats(0, 1)
streams = st.builds(
    Gati,
    selector_recall=shares,
    selector_precision=st.floats(0.01, 1),
    locality=st.floats(0, 0.99),
    mean_queries_between_shifts=st.floats(1, 30) | st.just(float("inf")),
    shift_loss=st.floats(0, 0.99),
    retrain_every_queries=st.integers(1, 10),
    recovery=shares,
)
agreements = st.floats(0, 1) | st.sampled_from([0.0, 1.0])
designs = st.sampled_from([ZCU104, SLOW, zcu104_measured(), zcu104(persistent_buffer_kib=64.0)])


def system(accelerator: Accelerator = ZCU104, **changes: Any) -> GatiTable:
    return gati_system(RESNET18, accelerator, parameters=Gati(**changes))[0]


@pytest.fixture(scope="module")
def table() -> GatiTable:
    """The table of the default parameters on the ZCU104."""
    return system()


def closed_loop(queries: int, *, accuracy: float = 0.0, latency_ms: float = 1e9) -> Trace:
    return Trace(
        arrived_ms=np.zeros(queries),
        min_accuracy_percent=np.full(queries, accuracy),
        max_latency_ms=np.full(queries, latency_ms),
    )


def same(one: Served, other: Served, queries: int) -> bool:
    """Whether the first queries of two runs are the same, bit for bit."""
    return all(
        getattr(one, field.name)[:queries].tobytes()
        == getattr(other, field.name)[:queries].tobytes()
        for field in fields(one)
    )


def expected_ms(table: GatiTable) -> float:
    return float(expected_exits(table)[0] @ table.latency_ms[:, -1])


# The workload, the cache points and the layers


def test_the_workload_is_the_resnet_18_of_cifar_10() -> None:
    assert [subnet.name for subnet in RESNET18.supernet.subnets] == ["R18"]
    assert WHOLE.weight_bytes == 11_173_962 - 9_600 - 10  # parameters less norms' and the bias
    assert WHOLE.macs == PUBLISHED_TOTAL_MACS
    assert WHOLE.layers[0].input_bytes == 3 * 32 * 32
    assert WHOLE.layers[-1].kernels == 10
    for before, after in pairwise(WHOLE.layers[:-1]):
        if "downsample" not in before.name + after.name:
            assert after.input_bytes == before.output_bytes


def test_on_resnet_18_cache_points_are_ends_of_blocks_with_the_published_agreements() -> None:
    ends = cache_points(WHOLE)
    assert len(ends) == 8
    assert [WHOLE.layers[end.layers].name for end in ends] == [
        "s1.b1.conv1", "s2.b0.conv1", "s2.b1.conv1", "s3.b0.conv1", "s3.b1.conv1", "s4.b0.conv1",
        "s4.b1.conv1", "classifier",
    ]  # fmt: skip
    assert [(end.channels, end.height, end.width) for end in ends[::2]] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4),
    ]  # fmt: skip
    cumulative = np.cumsum([layer.macs for layer in WHOLE.layers])
    assert tuple(cumulative[[end.layers - 1 for end in ends]]) == PUBLISHED_MACS
    for percents in PUBLISHED_AGREEMENT_PERCENT.values():
        assert [agreement_at(end, percents) for end in ends] == [x / 100 for x in percents]


@pytest.mark.parametrize("workload", ["ofa_resnet50", "ofa_mbv3"])
def test_on_another_network_cache_points_are_ends_of_blocks_and_agreements_are_interpolated(
    workload: str,
) -> None:
    subnet = served_subnet(Network.of(load_workload(workload).supernet))
    ends, published = cache_points(subnet), PUBLISHED_AGREEMENT_PERCENT["FC(1024)"]
    assert 6 <= len(ends) <= 8
    for end in ends:
        block = subnet.layers[end.layers - 1].block
        assert not block or subnet.layers[end.layers].block != block
        fraction = end.macs_fraction
        after = sum(macs <= fraction * PUBLISHED_TOTAL_MACS for macs in PUBLISHED_MACS)
        around = [0.0, *published, 100.0][after : after + 2]
        assert around[0] <= 100 * agreement_at(end, published) <= around[1]


@given(supernets())
def test_cache_points_lie_within_any_network_in_running_order(supernet: SuperNet) -> None:
    for subnet in supernet.subnets:
        ends = [end.layers for end in cache_points(subnet)]
        assert ends == sorted(set(ends))
        assert len(ends) <= 8
        assert all(0 < end < len(subnet.layers) for end in ends)


@pytest.mark.parametrize("workload", ["resnet18_cifar10", "ofa_resnet50", "ofa_mbv3"])
def test_renaming_layers_changes_no_number(workload: str) -> None:
    supernet = load_workload(workload).supernet
    subnets = tuple(
        replace(
            subnet,
            layers=tuple(replace(x, name=f"x.{i // 2}.{i}") for i, x in enumerate(subnet.layers)),
        )
        for subnet in supernet.subnets
    )
    table, _ = gati_system(Network.of(supernet), SLOW)
    other, _ = gati_system(Network.of(replace(supernet, subnets=subnets)), SLOW)
    assert table.kept
    assert other.kept == table.kept
    assert other.latency_ms.tobytes() == table.latency_ms.tobytes()
    assert other.sums.tobytes() == table.sums.tobytes()


def test_a_network_of_one_block_has_no_cache() -> None:
    subnet = replace(WHOLE, layers=WHOLE.layers[:1])
    network = Network.of(
        SuperNet(name="one", layers=RESNET18.supernet.layers[:1], subnets=(subnet,))
    )
    table, _ = gati_system(network, ZCU104)
    assert table.subnet_names == ("whole network",)
    served = serve_gati(closed_loop(3), table, STRICT_LATENCY, 8)
    assert not served.subnet.any()
    assert served.accuracy_percent.tolist() == [93.0] * 3


@pytest.mark.parametrize("end", cache_points(WHOLE), ids=lambda end: f"{end.channels}x{end.height}")
def test_a_cache_is_made_of_the_layers_that_the_page_lists(end: CachePoint) -> None:
    sizes = {
        name: [
            (layer.name, layer.channels, layer.kernels, layer.output_height, layer.weight_bytes)
            for layer in cache_layers(end, 3, name, 10, Gati())
        ]
        for name in PREDICTORS
    }
    side = {64: 8, 128: 5, 256: 4, 512: 2}[end.channels]
    values = end.channels * side**2
    assert values <= 4096
    selector = ("cache3.selector", 10, 1, 1, 10)
    assert sizes["FC(1024)"] == [
        ("cache3.hidden", values, 1024, 1, values * 1024),
        ("cache3.scores", 1024, 10, 1, 10240),
        selector,
    ]
    assert sizes["Pool(4096)"] == [("cache3.scores", values, 10, 1, values * 10), selector]
    channels = end.channels
    assert sizes["Conv(3,1)"] == [
        ("cache3.window", channels, 16, side, channels * 16 * 9),
        ("cache3.scores", 16 * side**2, 10, 1, 16 * side**2 * 10),
        selector,
    ]


# Agreement, selector and stream


@given(streams, agreements, agreements, shares)
def test_what_is_accepted_and_right_adds_up_to_the_agreement(
    parameters: Gati, one: float, other: float, freshness: float
) -> None:
    pair = np.array(sorted((one, other)))
    for agreement in (pair, parameters.agreement_now(pair, freshness)):
        accepted = parameters.acceptance(agreement)
        right = accepted * parameters.precision(agreement)
        right += (1 - accepted) * parameters.refused_agreement(agreement)
        assert right == pytest.approx(agreement, abs=1e-9)
        assert accepted[0] <= accepted[1] + 1e-12
        for share in (accepted, parameters.precision(agreement), parameters.recall(agreement)):
            assert ((share >= 0) & (share <= 1 + 1e-12)).all()


@given(streams, shares)
def test_no_stream_and_no_selector_moves_an_agreement_of_none_or_of_all(
    parameters: Gati, freshness: float
) -> None:
    ends = np.array([0.0, 1.0])
    now = parameters.agreement_now(ends, freshness)
    assert now.tolist() == [0, 1]
    assert parameters.acceptance(now).tolist() == [0, 1]
    assert parameters.precision(now)[1] == 1


@given(streams, agreements, shares, shares)
def test_agreement_rises_with_freshness_and_with_locality(
    parameters: Gati, agreement: float, one: float, other: float
) -> None:
    known = np.array([agreement])
    low, high = (parameters.agreement_now(known, share) for share in sorted((one, other)))
    assert low <= high + 1e-12
    at = [replace(parameters, locality=share * 0.99) for share in sorted((one, other))]
    low, high = (given_locality.agreement_now(known, one) for given_locality in at)
    assert low <= high + 1e-12


def test_locality_is_the_share_of_classes_that_are_not_asked_for() -> None:
    """Bayes: odds against nine other classes, and against the one that is still asked for."""
    agreement, classes, recent = 0.6, 10, 2
    parameters = Gati(locality=1 - (recent - 1) / (classes - 1))
    per_class = (1 - agreement) / (classes - 1)  # what the predictor gives each other class
    wanted = agreement / (agreement + (recent - 1) * per_class)
    assert parameters.agreement_now(np.array(agreement), 1.0) == pytest.approx(wanted)


def test_caches_are_stale_after_a_shift_and_each_retraining_brings_half_back() -> None:
    parameters = Gati(mean_queries_between_shifts=50, retrain_every_queries=10, recovery=0.5)
    freshness = parameters.freshness(400, np.random.default_rng(3))
    shifts = np.random.default_rng(3).random(400) < 1 / 50
    wanted, now = [], 1.0
    for query in range(400):
        if query % 10 == 0:
            now += (1 - now) / 2
        if shifts[query] and query:
            now = 0.0
        wanted.append(now)
    assert shifts.sum() > 3
    assert freshness == pytest.approx(wanted)


def test_a_stream_that_never_shifts_stays_fresh() -> None:
    parameters = Gati(mean_queries_between_shifts=float("inf"))
    assert (parameters.freshness(1000, np.random.default_rng(0)) == 1).all()


def test_hits_fall_after_a_shift_and_come_back_with_retraining(table: GatiTable) -> None:
    parameters = Gati(mean_queries_between_shifts=800)
    queries, seed = 20_000, 8
    served = serve_gati(
        closed_loop(queries), table, STRICT_LATENCY, 8, parameters=parameters, seed=seed
    )
    freshness = parameters.freshness(queries, np.random.default_rng(seed).spawn(2)[1])
    shifts = np.flatnonzero((freshness[1:] == 0) & (freshness[:-1] > 0.9)) + 1
    assert len(shifts) > 5
    at_first = served.subnet == 0
    before = np.mean([at_first[shift - 50 : shift].mean() for shift in shifts])
    after = np.mean([at_first[shift : shift + 10].mean() for shift in shifts])
    assert after < 0.5 * before
    levels = [at_first[freshness == share].mean() for share in (0, 0.5, 0.75, 0.875)]
    assert levels == sorted(levels)
    fresh = expected_exits(table)[0][0]
    assert at_first[freshness > 0.99].mean() == pytest.approx(fresh, abs=0.03)


@settings(max_examples=20)
@given(
    parameters=streams,
    seed=st.integers(0, 5),
    localities=st.lists(st.floats(0, 0.99), min_size=2, max_size=5),
)
def test_more_locality_never_loses_a_hit_nor_time(
    table: GatiTable, parameters: Gati, seed: int, localities: list[float]
) -> None:
    trace = closed_loop(300)
    runs = [
        serve_gati(
            trace,
            table,
            STRICT_LATENCY,
            8,
            parameters=replace(parameters, locality=locality),
            seed=seed,
        )
        for locality in sorted(localities)
    ]
    for less, more in pairwise(runs):
        assert (more.subnet <= less.subnet).all()
        assert (more.service_ms <= less.service_ms).all()


# Limits


@settings(max_examples=10)
@given(designs, streams)
def test_caches_that_never_agree_are_not_kept_and_if_kept_add_their_latency(
    accelerator: Accelerator, parameters: Gati
) -> None:
    never = replace(parameters, agreement_percent=NEVER)
    table, same_accelerator = gati_system(RESNET18, accelerator, parameters=never)
    assert same_accelerator is accelerator
    assert not table.kept
    alone_us = sum(
        layer_latency_us(
            layer_cost(layer, accelerator, is_first=i == 0, is_last=i == 20), accelerator
        )
        for i, layer in enumerate(WHOLE.layers)
    )
    assert table.latency_ms[-1, 0] == pytest.approx(alone_us / 1e3)
    kept, _ = gati_system(RESNET18, accelerator, parameters=never, keep=ALL_CONVOLUTIONS)
    caches_us = sum(
        layer_latency_us(layer_cost(layer, accelerator), accelerator)
        for i, end in enumerate(cache_points(WHOLE))
        for layer in cache_layers(end, i + 1, "Conv(3,1)", 10, never)
    )
    assert kept.latency_ms[-1, 0] == pytest.approx((alone_us + caches_us) / 1e3)
    served = serve_gati(closed_loop(50), kept, STRICT_LATENCY, 8)
    assert (served.subnet == 8).all()
    assert (served.accuracy_percent == 93.0).all()
    assert (served.service_ms[1:] == kept.latency_ms[8, -1]).all()


@settings(max_examples=10)
@given(designs, streams)
def test_caches_that_always_agree_end_every_query_at_the_first_cache_point(
    accelerator: Accelerator, parameters: Gati
) -> None:
    always = replace(parameters, agreement_percent=ALWAYS)
    table, _ = gati_system(RESNET18, accelerator, parameters=always)
    assert list(table.kept) == [1]
    block_us = sum(
        layer_latency_us(layer_cost(layer, accelerator, is_first=i == 0), accelerator)
        for i, layer in enumerate(WHOLE.layers[:3])
    )
    cache = cache_layers(cache_points(WHOLE)[0], 1, table.kept[1], 10, always)
    cache_us = sum(
        layer_latency_us(
            layer_cost(layer, accelerator, is_last=layer is cache[-1]),
            accelerator,
        )
        for layer in cache
    )
    assert table.latency_ms[0, 0] == pytest.approx((block_us + cache_us) / 1e3)
    for mode in MODES.values():
        trace = closed_loop(50, accuracy=93.0)
        served = serve_gati(trace, table, mode, 8)
        assert (served.subnet == 0).all()
        assert (served.accuracy_percent == 93.0).all()


def test_the_first_accepted_answer_ends_a_query() -> None:
    """Shares of exits over a long stream without shifts against the acceptances in closed form."""
    parameters = Gati(mean_queries_between_shifts=float("inf"), locality=0.3)
    table, _ = gati_system(RESNET18, ZCU104, parameters=parameters, keep=ALL_CONVOLUTIONS)
    accepted = []
    for percent in PUBLISHED_AGREEMENT_PERCENT["Conv(3,1)"]:
        odds = percent / (100 - percent) / 0.7 if percent < 100 else np.inf
        agreement = 1 / (1 + 1 / odds)
        recall, precision = 1 - 0.2 * (1 - agreement), 1 - 0.05 * (1 - agreement)
        accepted.append(agreement * recall / precision)
    shares = np.diff([0, *accepted, 1])
    assert expected_exits(table)[0] == pytest.approx(shares)
    served = serve_gati(closed_loop(30_000), table, STRICT_LATENCY, 8)
    counts = np.bincount(served.subnet, minlength=9)
    assert counts / 30_000 == pytest.approx(shares, abs=0.01)
    assert served.service_ms[1:].mean() == pytest.approx(expected_ms(table), rel=0.01)


# The choice of caches


@settings(max_examples=15)
@given(supernets(), accelerators(), shares, st.floats(0, 2))
def test_no_other_choice_of_caches_within_the_limit_has_less_expected_latency(
    supernet: SuperNet, accelerator: Accelerator, recall: float, limit: float
) -> None:
    network = Network.of(supernet)
    subnet = served_subnet(network)
    parameters = Gati(
        selector_recall=recall,
        locality=0.2,
        pooled_inputs=20,
        hidden_nodes=3,
        conv_kernels=2,
        memory_limit_bytes=limit * subnet.weight_bytes,
    )
    least = np.inf
    for names in product((None, *PREDICTORS), repeat=len(cache_points(subnet))):
        keep = {i: name for i, name in enumerate(names, start=1) if name}
        table, _ = gati_system(network, accelerator, parameters=parameters, keep=keep)
        if table.cache_bytes <= limit * subnet.weight_bytes:
            least = min(least, expected_ms(table))
    chosen, _ = gati_system(network, accelerator, parameters=parameters)
    assert chosen.cache_bytes <= limit * subnet.weight_bytes
    assert expected_ms(chosen) == pytest.approx(least, rel=1e-9)


@pytest.mark.parametrize("accelerator", [ZCU104, SLOW], ids=["zcu104", "slow memory"])
@pytest.mark.parametrize("limit", [1e5, 1e6, 2e7])
def test_of_all_65536_choices_the_first_one_of_least_expected_latency_is_taken(
    accelerator: Accelerator, limit: float
) -> None:
    caches = cache_options(WHOLE, accelerator, Gati())
    choices = all_choices(8, 4)
    assert len(choices) == 65536
    lower_us, upper_us = caches.bounds_us(choices)
    expected_us = np.concatenate([caches.expected_us(part) for part in np.array_split(choices, 16)])
    assert (lower_us <= expected_us * (1 + 1e-9)).all()
    assert (expected_us <= upper_us * (1 + 1e-9)).all()
    within = np.where(caches.cache_bytes(choices) <= limit, expected_us, np.inf)
    assert least_expected(caches, limit).tolist() == choices[within.argmin()].tolist()


@settings(max_examples=20)
@given(designs, st.lists(st.sampled_from([None, *PREDICTORS]), min_size=8, max_size=8))
def test_the_latency_that_a_choice_expects_is_that_of_its_table(
    accelerator: Accelerator, names: list[str | None]
) -> None:
    keep = {i: name for i, name in enumerate(names, start=1) if name}
    table, _ = gati_system(RESNET18, accelerator, keep=keep)
    caches = cache_options(WHOLE, accelerator, Gati())
    options = np.array([[[None, *PREDICTORS].index(name) for name in names]])
    assert caches.expected_us(options)[0] == pytest.approx(expected_ms(table) * 1e3, rel=1e-12)
    assert caches.cache_bytes(options)[0] == table.cache_bytes
    assert len(table.subnet_names) == len(keep) + 1


@pytest.mark.parametrize("accelerator", [ZCU104, SLOW, zcu104_measured()])
def test_a_larger_memory_limit_never_raises_the_expected_latency(accelerator: Accelerator) -> None:
    limits = [0, 1e4, 3e4, 1e5, 2e5, 3e5, 1e6, 1e7, float("inf")]
    tables = [system(accelerator, memory_limit_bytes=limit) for limit in limits]
    latencies = [expected_ms(table) for table in tables]
    assert latencies == sorted(latencies, reverse=True)
    assert not tables[0].kept
    assert latencies[-1] < latencies[0] / 2
    assert system(accelerator).cache_bytes <= WHOLE.weight_bytes


def test_without_a_predictor_to_choose_from_nothing_is_kept() -> None:
    table = system(agreement_percent={})
    assert not table.kept
    assert table.cache_bytes == 0


# The table


@settings(max_examples=20)
@given(supernets(), accelerators())
def test_a_row_is_the_cost_of_its_layers_under_each_column(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    end_count = len(cache_points(served_subnet(network)))
    table, _ = gati_system(
        network, accelerator, keep={i + 1: "Conv(3,1)" for i in range(end_count)}
    )
    subnet = served_subnet(network)
    running, rows = [], []
    for i, end in enumerate(
        [0, *(end.layers for end in cache_points(subnet)), len(subnet.layers)][1:]
    ):
        running += subnet.layers[
            sum(x.name.partition(".")[0][:5] != "cache" for x in running) : end
        ]
        if i < end_count:
            running += cache_layers(
                cache_points(subnet)[i], i + 1, "Conv(3,1)", subnet.layers[-1].kernels, Gati()
            )
        rows.append(list(running))
    for column, kernels in enumerate(table.subgraphs.kernels):
        for row, layers in enumerate(rows):
            costs = [
                layer_cost(
                    layer,
                    accelerator,
                    cached_kernels=int(kernels[i]),
                    cached_channels=int(table.subgraphs.channels[column, i]),
                    is_first=i == 0,
                    is_last=i == len(layers) - 1,
                )
                for i, layer in enumerate(layers)
            ]
            total, found = total_cost(costs), LayerCost(*(x[row, column] for x in table.cost))
            assert found == pytest.approx(total)
            latency_us = sum(layer_latency_us(cost, accelerator) for cost in costs)
            assert table.latency_ms[row, column] == pytest.approx(latency_us / 1e3)


@settings(max_examples=20)
@given(designs, st.booleans())
def test_energy_and_bytes_add_up_and_the_cache_weights_cost_traffic(
    accelerator: Accelerator, choose: bool
) -> None:
    table, _ = gati_system(RESNET18, accelerator, keep=None if choose else ALL_CONVOLUTIONS)
    sums = dict(zip(SUMS, table.sums, strict=True))
    in_energy = sum(sums[name] for name in ("offchip_mj", "buffer_mj", "mac_mj", "static_mj"))
    assert in_energy == pytest.approx(np.asarray(table.energy.total_mj))
    assert sums["offchip_bytes"] == pytest.approx(np.asarray(table.cost.offchip_bytes))
    moved = table.cost.weight_bytes + table.cost.cached_weight_bytes
    assert (moved == sums["weight_bytes"]).all()
    assert sums["weight_bytes"][-1, 0] == WHOLE.weight_bytes + table.cache_bytes
    assert table.cost.weight_bytes[-1, 0] == WHOLE.weight_bytes + table.cache_bytes


def test_caches_come_first_in_the_persistent_buffer_and_the_layers_get_the_rest() -> None:
    table, _ = gati_system(RESNET18, ZCU104, keep=ALL_CONVOLUTIONS)
    of_all_rows = Target(Combination.UNION, table.subnet_names)
    assert table.subgraphs.candidates == (NOTHING, Candidate(of_all_rows, Order.VALUE))
    assert (table.latency_ms[:, 1] <= table.latency_ms[:, 0]).all()
    kept_bytes = table.cost.cached_weight_bytes[-1, 1]
    assert 0 <= ZCU104.persistent_buffer_bytes - kept_bytes < 512 * 9  # less than a kernel is left
    alone, _ = gati_system(RESNET18, ZCU104, keep={})
    of_layers = alone.cost.cached_weight_bytes[-1, 1]
    assert table.cost.cached_weight_bytes[-1, 1] <= of_layers + 512 * 9
    small = replace(ZCU104, persistent_buffer_kib=8.0)  # not even the caches fit
    table, _ = gati_system(RESNET18, small, keep=ALL_CONVOLUTIONS)
    assert table.cost.weight_bytes[-1, 1] >= WHOLE.weight_bytes


def test_without_a_persistent_buffer_there_is_one_column_and_no_switch() -> None:
    table = system(zcu104_measured())
    assert table.subgraphs.candidates == (NOTHING,)
    served = serve_gati(closed_loop(4), table, STRICT_LATENCY, 8)
    assert not served.cached.any()
    assert not served.kept.any()


def test_gati_serves_the_most_accurate_subnet() -> None:
    network = Network.of(load_workload("ofa_resnet50").supernet)
    assert served_subnet(network).name == "F"
    table, _ = gati_system(network, ZCU104)
    assert table.top1_percent[-1] == network.top1_percent.max()
    assert (np.diff(table.top1_percent) >= 0).all()


# Serving


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_same_seed_gives_the_same_bits_and_a_longer_stream_begins_alike(mode: int) -> None:
    table, trace, longer = system(), closed_loop(500, accuracy=90), closed_loop(900, accuracy=90)
    once, again = (serve_gati(trace, table, mode, 8, seed=4) for _ in range(2))
    assert same(once, again, 500)
    assert same(once, serve_gati(longer, system(), mode, 3, seed=4), 500)
    assert not same(once, serve_gati(trace, table, mode, 8, seed=5), 500)


@given(
    trace=traces(max_queries=20),
    parameters=streams,
    mode=st.sampled_from(list(MODES.values())),
    seed=st.integers(0, 9),
)
def test_queries_are_served_in_turn_and_deadlines_count_from_arrival(
    table: GatiTable, trace: Trace, parameters: Gati, mode: int, seed: int
) -> None:
    served = serve_gati(trace, table, mode, 8, parameters=parameters, seed=seed)
    free_ms = 0.0
    for query, asked in enumerate(trace):
        column = int(query > 0)
        starts_ms = max(free_ms, asked.arrived_ms)
        if trace.closed_loop:
            starts_ms = asked.arrived_ms
        latency_ms = table.latency_ms[:, column]
        if query == 0:
            latency_ms = latency_ms + table.switch_ms[0, 1]
        row = served.subnet[query]
        assert served.service_ms[query] == latency_ms[row]
        free_ms = starts_ms + served.service_ms[query]
        assert served.response_ms[query] == pytest.approx(free_ms - asked.arrived_ms)
        waited_ms = starts_ms - asked.arrived_ms
        if mode == STRICT_LATENCY and waited_ms + latency_ms[0] <= asked.max_latency_ms - 1e-9:
            assert served.response_ms[query] <= asked.max_latency_ms + 1e-9
    assert np.array_equal(served.cached[1:], served.kept[:-1])
    assert served.cached[0] == 0


@given(trace=traces(max_queries=20), parameters=streams, seed=st.integers(0, 9))
def test_an_accuracy_that_the_whole_network_has_is_met(
    table: GatiTable, trace: Trace, parameters: Gati, seed: int
) -> None:
    demands = replace(trace, min_accuracy_percent=trace.min_accuracy_percent + 20.5)  # 89.5 to 94.5
    served = serve_gati(demands, table, STRICT_ACCURACY, 8, parameters=parameters, seed=seed)
    reachable = demands.min_accuracy_percent <= 93.0
    met = served.accuracy_percent >= demands.min_accuracy_percent
    assert np.array_equal(met, reachable)
    assert (served.accuracy_percent[~reachable] == 93.0).all()


def test_a_deadline_takes_the_answer_of_the_last_exit_in_time_though_it_was_refused() -> None:
    table, _ = gati_system(RESNET18, ZCU104, parameters=Gati(locality=0.0), keep=ALL_CONVOLUTIONS)
    deadline_ms = float(table.latency_ms[2, 1])
    trace = closed_loop(2000, latency_ms=deadline_ms)
    served = serve_gati(trace, table, STRICT_LATENCY, 8)
    free = serve_gati(closed_loop(2000), table, STRICT_LATENCY, 8)
    assert (served.response_ms[1:] <= deadline_ms).all()
    assert (served.subnet[1:] == np.minimum(free.subnet, 2)[1:]).all()
    forced = free.subnet > 2
    assert forced.any()
    assert served.accuracy_percent[forced].max() < served.accuracy_percent[~forced].min()


def test_the_metrics_of_a_run_are_those_of_its_queries() -> None:
    table, accelerator = gati_system(RESNET18, ZCU104)
    trace = closed_loop(1000)
    served = serve_gati(trace, table, STRICT_LATENCY, 8)
    run = PolicyRun(served=served, table=table, accelerator=accelerator)
    metrics = serving_metrics(run, trace)
    assert metrics["mean_latency_ms"] == pytest.approx(served.response_ms.mean())
    assert metrics["subgraph_switches"] == 1
    offchip_bytes = table.cost.offchip_bytes[served.subnet, served.cached].sum()
    offchip_bytes += table.switch_bytes[0, 1, served.subnet[0]]
    assert metrics["offchip_bytes_per_query"] == pytest.approx(offchip_bytes / 1000)
    parts = [
        metrics[f"{part}_energy_mj_per_query"] for part in ("offchip", "buffer", "mac", "static")
    ]
    assert metrics["energy_mj_per_query"] == pytest.approx(sum(parts))


def test_a_table_of_something_else_is_refused() -> None:
    plain = latency_table(RESNET18, ZCU104, candidates(RESNET18, ZCU104))
    with pytest.raises(ValueError, match="the table must come from gati_system"):
        serve_gati(closed_loop(1), plain, STRICT_LATENCY, 8)


# The page


def test_the_page_names_every_parameter_with_its_default() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in Gati.__dataclass_fields__:
        assert f"`{name}`" in text
    for percents in PUBLISHED_AGREEMENT_PERCENT.values():
        assert " | ".join(f"{percent:g}" for percent in percents) in text
    for name in ("selector_recall", "selector_precision", "locality", "shift_loss", "recovery",
                 "pooled_inputs", "hidden_nodes", "conv_kernels"):  # fmt: skip
        assert re.search(rf"`{name}` \| {getattr(Gati(), name):g} \|", text), name


# Mistakes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"selector_recall": 1.5}, "0 <= selector_recall <= 1 must hold, got 1.5"),
        ({"recovery": -0.1}, "0 <= recovery <= 1"),
        ({"shift_loss": 1}, "shift_loss < 1 must hold"),
        ({"shift_loss": float("nan")}, "0 <= shift_loss <= 1"),
        ({"selector_precision": 0}, "0 < selector_precision <= 1"),
        ({"locality": 1}, "0 <= locality < 1 must hold, got 1"),
        ({"mean_queries_between_shifts": 0.5}, "mean_queries_between_shifts >= 1"),
        ({"retrain_every_queries": 0}, "retrain_every_queries >= 1"),
        ({"pooled_inputs": 0}, "pooled_inputs >= 1"),
        ({"memory_limit_bytes": -1}, "memory_limit_bytes >= 0"),
        ({"memory_limit_bytes": float("nan")}, "memory_limit_bytes >= 0"),
        ({"agreement_percent": {"Pool(4096)": (50.0,)}}, "one entry for each of 8 blocks, got 1"),
        ({"agreement_percent": {"Pool(4096)": (101.0,) * 8}}, "0 <= agreement_percent <= 100"),
    ],
)
def test_a_parameter_out_of_range_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Gati(**changes)


def test_an_unknown_predictor_or_cache_point_is_refused_with_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown predictor 'Pool\(409\)'.*Pool\(4096\)"):
        gati_system(RESNET18, ZCU104, parameters=Gati(agreement_percent={"Pool(409)": (1,) * 8}))
    with pytest.raises(ValueError, match=r"unknown predictor 'FC'"):
        gati_system(RESNET18, ZCU104, keep={1: "FC"})
    with pytest.raises(ValueError, match="1 <= cache point <= 8 must hold, got 9"):
        gati_system(RESNET18, ZCU104, keep={9: "FC(1024)"})


def test_what_is_assumed_is_said_with_the_values_of_the_parameters() -> None:
    sentences = Gati(recovery=0.25).assumptions()
    assert any("0.25 of what is lost" in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)
