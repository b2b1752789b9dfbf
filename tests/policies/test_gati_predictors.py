"""Where GATI may put a cache, the layers of one, and what its answers are worth."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.model.network import Network
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
from sushi_dse.policies.gati.system import gati_system, served_subnet
from sushi_dse.serving.selection import STRICT_LATENCY
from sushi_dse.workload.layers import SuperNet
from tests.policies.gati_cases import RESNET18, WHOLE, closed_loop, shares, streams
from tests.strategies import ZCU104, supernets

agreements = st.floats(0, 1) | st.sampled_from([0.0, 1.0])


# The workload, the places and the layers


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


def test_a_network_of_one_block_has_no_cache() -> None:
    subnet = replace(WHOLE, layers=WHOLE.layers[:1])
    network = Network.of(
        SuperNet(
            name="one", layers=RESNET18.supernet.layers[:1], subnets=(subnet,), accuracy_of="top-1"
        )
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
