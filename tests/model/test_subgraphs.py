"""Candidate SubGraphs: what they may hold, what is worth holding, and what changing them moves."""

from dataclasses import fields, replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target, own_by_value
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.overlaps import overlap_bits, unserved_bits
from sushi_dse.model.steady_cost import steady_cost
from sushi_dse.model.subgraphs import (
    SubGraphs,
    candidates,
    cut,
    no_subgraph,
    saved_alone,
    saved_with_prefetching,
    value_of,
)
from sushi_dse.model.targets import Targets, targets
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from sushi_dse.workload.weights import shared_weight_bytes
from tests.strategies import accelerators, odd_names, renamed, supernets, weight_stationary, zcu104
from tests.tables import integers

Weight = tuple[int, int, int, int]  # a bit of it: layer, kernel, channel, number
Rectangles = tuple[np.ndarray, np.ndarray]  # kernels, channels: [rectangle, layer]

LAYERS = 2
bits_of_pairs = integers(1, 3, LAYERS).map(lambda bits: bits.astype(np.int64))


def weights(kernels: np.ndarray, channels: np.ndarray, pair_bits: np.ndarray) -> set[Weight]:
    """Every weight of a rectangle, bit by bit."""
    return {
        (layer, kernel, channel, bit)
        for layer in range(len(pair_bits))
        for kernel, channel, bit in product(
            range(kernels[layer]), range(channels[layer]), range(pair_bits[layer])
        )
    }


def rectangles(count: int) -> st.SearchStrategy[Rectangles]:
    """`count` rectangles over two layers; one side alone may be 0."""
    return integers(0, 3, 2, count, LAYERS).map(
        lambda sides: (sides[0].astype(np.int64), sides[1].astype(np.int64))
    )


def target_of(candidate: Candidate, goal: Targets) -> int:
    assert candidate.target is not None
    return goal.targets.index(candidate.target)


@given(rectangles(2), rectangles(3), bits_of_pairs)
def test_the_overlap_of_rectangles_is_the_weights_in_both(
    some: Rectangles, others: Rectangles, pair_bits: np.ndarray
) -> None:
    expected = [
        [len(weights(k, c, pair_bits) & weights(other_k, other_c, pair_bits))
         for other_k, other_c in zip(*others, strict=True)]
        for k, c in zip(*some, strict=True)
    ]  # fmt: skip
    assert overlap_bits(*some, *others, pair_bits).tolist() == expected
    assert overlap_bits.plain(*some, *others, pair_bits).tolist() == expected


@given(rectangles(3), rectangles(2), bits_of_pairs)
def test_unserved_are_the_weights_of_the_new_one_that_neither_the_old_nor_the_subnet_has(
    subgraphs: Rectangles, subnets: Rectangles, pair_bits: np.ndarray
) -> None:
    of_subgraph = [weights(*sides, pair_bits) for sides in zip(*subgraphs, strict=True)]
    of_subnet = [weights(*sides, pair_bits) for sides in zip(*subnets, strict=True)]
    expected = [
        [[len(new - old - subnet) for subnet in of_subnet] for new in of_subgraph]
        for old in of_subgraph
    ]
    assert unserved_bits(*subgraphs, *subnets, pair_bits).tolist() == expected
    assert unserved_bits.plain(*subgraphs, *subnets, pair_bits).tolist() == expected


@given(rectangles(1), bits_of_pairs, st.permutations(range(LAYERS)), st.integers(0, 60))
def test_a_cut_takes_whole_kernels_layer_by_layer_until_one_does_not_fit(
    sides: Rectangles, pair_bits: np.ndarray, order: list[int], capacity: int
) -> None:
    (kernels,), (channels,) = sides
    left, expected = capacity, [0] * LAYERS
    for layer in np.repeat(order, kernels[order]):
        kernel_bits = channels[layer] * pair_bits[layer]
        if kernel_bits > left:
            break
        expected[layer] += 1 if kernel_bits else 0
        left -= kernel_bits
    arguments = kernels, channels, pair_bits, np.array(order), capacity
    assert cut(*arguments).tolist() == expected
    assert cut.plain(*arguments).tolist() == expected


@given(supernets(), accelerators())
def test_a_candidate_fits_the_persistent_buffer_and_lies_within_its_target(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    goal, kept = targets(network), candidates(network, accelerator)
    kept_bytes = (kept.kernels * kept.channels * network.pair_bits).sum(axis=1) / 8
    assert np.all(kept_bytes <= accelerator.persistent_buffer_bytes)
    assert kept.candidates[0] == NOTHING
    assert not kept.kernels[0].any()
    assert not kept.channels[0].any()
    for g, candidate in enumerate(kept.candidates[1:], start=1):
        t = target_of(candidate, goal)
        assert np.all(kept.kernels[g] <= goal.kernels[t])
        # Whole kernels: all channels of the target, or none where no kernel is kept.
        whole = np.where(kept.kernels[g] > 0, goal.channels[t], 0)
        assert np.array_equal(kept.channels[g], whole)


@given(supernets(), accelerators())
def test_a_candidate_leaves_no_room_for_a_kernel_of_the_layer_it_ends_in(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    goal, kept = targets(network), candidates(network, accelerator)
    kept_bytes = (kept.kernels * kept.channels * network.pair_bits).sum(axis=1) / 8
    for g, candidate in enumerate(kept.candidates[1:], start=1):
        t = target_of(candidate, goal)
        missing = np.flatnonzero(kept.kernels[g] < goal.kernels[t])
        kernel_bytes = goal.channels[t] * network.pair_bits / 8
        room = accelerator.persistent_buffer_bytes - kept_bytes[g]
        assert not len(missing) or kernel_bytes[missing].max() > room


@settings(max_examples=50)
@given(supernets(), accelerators(persistent_buffer_kib=1e6))
def test_a_buffer_that_holds_all_holds_each_target_whole(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    goal, kept = targets(network), candidates(network, accelerator)
    for g, candidate in enumerate(kept.candidates[1:], start=1):
        assert np.array_equal(kept.kernels[g], goal.kernels[target_of(candidate, goal)])


@settings(max_examples=50)
@given(supernets(), accelerators(), st.floats(0, 8), st.floats(0, 8))
def test_a_larger_persistent_buffer_beside_its_best_subgraph_slows_no_subnet(
    supernet: SuperNet, accelerator: Accelerator, size_kib: float, other_kib: float
) -> None:
    network = Network.of(supernet)

    def best_ms(kib: float) -> np.ndarray:
        design = replace(accelerator, persistent_buffer_kib=kib)
        table = latency_table(network, design, candidates(network, design))
        return np.asarray(table.latency_ms.min(axis=1))

    small, large = sorted((size_kib, other_kib))
    assert np.all(best_ms(large) <= best_ms(small) * (1 + 1e-12))


@settings(max_examples=50)
@given(supernets())
def test_the_targets_are_the_subnets_and_what_they_have_in_common_and_in_all(
    supernet: SuperNet,
) -> None:
    network = Network.of(supernet)
    goal, names = targets(network), tuple(subnet.name for subnet in supernet.subnets)
    subnet_weights = [
        weights(*sides, network.pair_bits)
        for sides in zip(network.kernels, network.channels, strict=True)
    ]
    of_target = {
        target: weights(goal.kernels[t], goal.channels[t], network.pair_bits)
        for t, target in enumerate(goal.targets)
    }
    shared, union = (Target(how, names) for how in (Combination.SHARED, Combination.UNION))
    expected = {
        Target(Combination.ONE, (name,)): own
        for name, own in zip(names, subnet_weights, strict=True)
    }
    if len(names) > 1:
        expected[shared] = set.intersection(*subnet_weights)
    chain = sorted(subnet_weights, key=len)
    if len(names) > 2 and not all(a <= b for a, b in pairwise(chain)):
        for a, b in combinations(range(len(names)), 2):
            pair = Target(Combination.PAIR, (names[a], names[b]))
            expected[pair] = subnet_weights[a] & subnet_weights[b]
    of_union = of_target.pop(union, set())
    assert of_target == expected
    if len(names) > 1:
        assert set.union(*subnet_weights) <= of_union
        shared_bytes = shared_weight_bytes(supernet, convolutions_only=False)
        assert 0 <= shared_bytes - len(of_target[shared]) / 8 < len(supernet.layers)


def value_by_definition(network: Network, accelerator: Accelerator, target: int) -> list[float]:
    """Cycles that a target layer saves the SubNets it serves, over its bytes: [supernet_layer].

    What a layer saves is how much earlier a SubNet ends with that layer alone on chip.
    """
    goal, supernet = targets(network), network.supernet
    served = range(target, target + 1) if target < len(supernet.subnets) else None
    saved = []
    for place in range(len(network.pair_bits)):
        alone = np.zeros((2, len(network.pair_bits)), dtype=np.int64)
        alone[1, place] = 10**6
        both = SubGraphs((NOTHING, NOTHING), kernels=alone, channels=alone)
        cold, warm = latency_table(network, accelerator, both).latency_ms.T
        cycles = (cold - warm) * 1e3 * accelerator.clock_mhz
        saved.append(0.0)
        for s in served or range(len(supernet.subnets)):
            own = network.kernels[s, place] * network.channels[s, place]
            kernels = min(network.kernels[s, place], goal.kernels[target, place])
            channels = min(network.channels[s, place], goal.channels[target, place])
            saved[place] += kernels * channels / max(own, 1) * cycles[s]
    target_bits = goal.kernels[target] * goal.channels[target] * network.pair_bits
    return [8 * s / max(b, 1) for s, b in zip(saved, target_bits, strict=True)]


def deeper(accelerator: Accelerator, slots: int) -> Accelerator:
    """The design with so many more tiles to prefetch, or KiB."""
    if accelerator.dataflow == Dataflow.WEIGHT_STATIONARY:
        return replace(accelerator, dynamic_buffer_tiles=2 + slots)
    return replace(accelerator, prefetch_buffer_kib=slots)


@settings(max_examples=50)
@given(supernets(), accelerators(), st.integers(0, 6))
def test_the_value_of_a_byte_is_the_cycles_it_saves_with_prefetching_and_without(
    supernet: SuperNet, accelerator: Accelerator, slots: int
) -> None:
    network, design = Network.of(supernet), deeper(accelerator, slots)
    saved = saved_with_prefetching if design.prefetches else saved_alone
    value = value_of(saved(network, design), network)
    table = latency_table(network, design, no_subgraph(network))
    ulps = 1e-9 * float(table.latency_ms.max()) * 1e3 * design.clock_mhz
    for target in range(len(value)):
        expected = value_by_definition(network, design, target)
        assert value[target] == pytest.approx(expected, rel=1e-6, abs=ulps)


@settings(max_examples=50)
@given(supernets(), accelerators(persistent_buffer_kib=0.5), st.integers(1, 6))
def test_with_prefetching_a_cut_by_value_is_that_which_leaves_its_subnets_less_to_wait_for(
    supernet: SuperNet, accelerator: Accelerator, slots: int
) -> None:
    network, design = Network.of(supernet), deeper(accelerator, slots)
    goal, chosen = targets(network), candidates(network, design)

    def waits(kernels: np.ndarray, channels: np.ndarray, target: int) -> float:
        kept = SubGraphs((NOTHING,), kernels=kernels[None], channels=channels[None])
        latency_ms = latency_table(network, design, kept).latency_ms[:, 0]
        return float(latency_ms[target] if target < len(latency_ms) else latency_ms.sum())

    for column, (target, order) in enumerate(goal.cuts, start=1):
        if order is not Order.VALUE:
            continue
        least = min(
            waits(kept, np.where(kept > 0, goal.channels[target], 0), target)
            for saved in (saved_alone, saved_with_prefetching)
            for kept in [
                cut(
                    goal.kernels[target],
                    goal.channels[target],
                    network.pair_bits,
                    np.argsort(-value_of(saved(network, design), network)[target], kind="stable"),
                    8 * design.persistent_buffer_bytes,
                )
            ]
        )
        found = waits(chosen.kernels[column], chosen.channels[column], target)
        assert found == pytest.approx(least, rel=1e-9)


def fully_connected(name: str, inputs: int, outputs: int) -> PlainLayer:
    return PlainLayer(
        name=name,
        kernels=outputs,
        channels=inputs,
        kernel_height=1,
        kernel_width=1,
        height=1,
        width=1,
        fully_connected=True,
    )


def test_value_order_fills_the_buffer_with_the_layer_that_is_bound_by_weights() -> None:
    convolution = PlainLayer(
        name="conv", kernels=64, channels=36, kernel_height=3, kernel_width=3, height=64, width=64
    )
    classifier = fully_connected("classifier", 64, 324)  # 20,736 bytes, as the convolution
    network = Network.of(
        plain_supernet(
            "two layers",
            [PlainSubNet(name="A", accuracy_percent=75.0, layers=(convolution, classifier))],
            accuracy_of="top-1",
        )
    )
    kept = candidates(network, zcu104(persistent_buffer_kib=20.25, pointwise_drain=False))
    assert list(map(str, kept.candidates)) == ["nothing", "A/layers", "A/value"]
    assert kept.kernels.tolist() == [[0, 0], [64, 0], [0, 324]]
    assert kept.channels.tolist() == [[0, 0], [36, 0], [0, 64]]


def test_two_subnets_have_no_pair_beside_what_all_share() -> None:
    subnets = [
        PlainSubNet(
            name=name, accuracy_percent=75.0, layers=(fully_connected("fc", inputs, outputs),)
        )
        for name, inputs, outputs in (("A", 4, 2), ("B", 3, 5))
    ]
    goal = targets(Network.of(plain_supernet("two", subnets, accuracy_of="top-1")))
    assert list(map(str, goal.targets)) == ["A", "B", "shared", "union"]
    assert goal.kernels.tolist() == [[2], [5], [2], [5]]
    assert goal.channels.tolist() == [[4], [3], [3], [4]]


def test_the_candidates_of_ofa_resnet50() -> None:
    network = Network.of(load_workload("ofa_resnet50").supernet)
    kept = candidates(network, zcu104())
    names = set(map(str, kept.candidates))
    assert len(names) == len(kept.candidates) == 1 + 2 * 6 + 2 + 15 + 1
    kept_bytes = (kept.kernels * kept.channels * network.pair_bits).sum(axis=1) / 8
    # Every target is larger than the buffer, and the largest kernel has 4608 bytes.
    assert kept_bytes[1:].min() > zcu104().persistent_buffer_bytes - 4608
    # Value order saves at least twice what layer order saves.
    latency_ms = latency_table(network, zcu104(), kept).latency_ms
    saved_ms = latency_ms[:, :1] - latency_ms
    for s, subnet in enumerate("ABCDEF"):
        own = Target(Combination.ONE, (subnet,))
        by_value, by_layers = (
            kept.index(Candidate(own, order)) for order in (Order.VALUE, Order.LAYERS)
        )
        assert saved_ms[s, by_value] > 2 * saved_ms[s, by_layers]


def numbers_of(table: LatencyTable) -> list[np.ndarray]:
    """All numbers of a table, its SubGraphs' sizes too."""
    plain = [getattr(table, field.name) for field in fields(table)]
    arrays = [value for value in plain if isinstance(value, np.ndarray)]
    sizes = table.subgraphs.kernels, table.subgraphs.channels
    return [*arrays, *sizes, *map(np.asarray, table.cost)]


@settings(max_examples=50)
@given(supernets(), weight_stationary(), st.integers(2, 4), st.data())
def test_no_number_hangs_on_what_subnets_are_named(
    supernet: SuperNet, accelerator: Accelerator, tiles: int, drawn: st.DataObject
) -> None:
    names = drawn.draw(odd_names(len(supernet.subnets)))
    design = replace(accelerator, dynamic_buffer_tiles=tiles)
    before, after = (Network.of(each) for each in (supernet, renamed(supernet, names)))
    table, other = (candidate_table(network, design) for network in (before, after))
    for values, others in zip(numbers_of(table), numbers_of(other), strict=True):
        assert np.array_equal(values, others)
    designs = SearchSpace.of(design, {}).designs([0])
    for costs in zip(steady_cost(before, designs), steady_cost(after, designs), strict=True):
        one, two = map(np.stack, costs)
        assert np.array_equal(one, two)


@settings(max_examples=50)
@given(supernets(), accelerators(), st.data())
def test_candidates_are_the_same_of_subnets_of_any_names(
    supernet: SuperNet, accelerator: Accelerator, drawn: st.DataObject
) -> None:
    names = drawn.draw(odd_names(len(supernet.subnets)))
    new_name = dict(zip((subnet.name for subnet in supernet.subnets), names, strict=True))
    before, after = (
        candidates(Network.of(each), accelerator).candidates
        for each in (supernet, renamed(supernet, names))
    )

    def under_new_names(candidate: Candidate) -> Candidate:
        if candidate.target is None:
            return candidate
        subnets = tuple(new_name[name] for name in candidate.target.subnets)
        return replace(candidate, target=replace(candidate.target, subnets=subnets))

    assert list(after) == list(map(under_new_names, before))
    assert len(set(after)) == len(after)


@given(supernets(), st.data())
def test_a_candidate_is_found_by_its_text_unless_another_has_the_same(
    supernet: SuperNet, drawn: st.DataObject
) -> None:
    names = drawn.draw(odd_names(len(supernet.subnets)))
    kept = candidates(Network.of(renamed(supernet, names)), zcu104())
    texts = [str(candidate) for candidate in kept.candidates]
    for candidate, text in zip(kept.candidates, texts, strict=True):
        if texts.count(text) == 1:
            assert kept.find(text) == candidate
        else:
            with pytest.raises(UserError, match=r"candidates are printed so.*; rename it"):
                kept.find(text)


def three(*names: str, inputs: tuple[int, int, int] = (5, 4, 3)) -> SubGraphs:
    """The candidates of three SubNets of those names, of which none holds another by default."""
    layers = [
        fully_connected("fc", channels, outputs)
        for channels, outputs in zip(inputs, (2, 3, 5), strict=True)
    ]
    subnets = [
        PlainSubNet(name=name, accuracy_percent=75.0, layers=(layer,))
        for name, layer in zip(names, layers, strict=True)
    ]
    return candidates(Network.of(plain_supernet("three", subnets, accuracy_of="top-1")), zcu104())


def test_candidates_are_printed_as_users_type_them() -> None:
    assert " ".join(map(str, three("A", "B", "C").candidates)) == (
        "nothing A/layers A/value B/layers B/value C/layers C/value "
        "shared/layers shared/value A&B/layers A&C/layers B&C/layers union/value"
    )


def test_pairs_of_subnets_that_hold_each_other_have_no_candidate() -> None:
    assert " ".join(map(str, three("A", "B", "C", inputs=(4, 4, 4)).candidates)) == (
        "nothing A/layers A/value B/layers B/value C/layers C/value "
        "shared/layers shared/value union/value"
    )
    network = Network.of(load_workload("us_mobilenet_v1").supernet)
    assert len(candidates(network, zcu104()).candidates) == 2 * 31 + 4


def test_an_unknown_candidate_is_refused_with_the_near_one() -> None:
    with pytest.raises(UserError, match=r"^unknown SubGraph 'A/valeu'; did you mean 'A/value'\?$"):
        three("A", "B", "C").find("A/valeu")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("A", "shared", "C"), "shared/value"),
        (("A", "union", "C"), "union/value"),
        (("A", "B", "A&B"), "A&B/layers"),
        (("A", "A&A", "A&A&A"), "A&A&A/layers"),
    ],
)
def test_a_text_that_two_candidates_have_is_refused(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(UserError, match=f"^SubGraph '{text}': 2 candidates are printed so"):
        three(*names).find(text)


def test_the_own_column_of_a_subnet_is_that_by_value_and_else_the_empty_one() -> None:
    kept = three("A", "B", "C")
    assert kept.candidates[kept.own("B")] == own_by_value("B")
    assert kept.own("shared") == kept.own("D") == 0


def test_a_target_and_its_order_come_together() -> None:
    with pytest.raises(ValueError, match="a target and its order must come together"):
        Candidate(Target(Combination.ONE, ("A",)))


def test_a_subgraph_cannot_be_written_to() -> None:
    network = Network.of(load_workload("resnet18_cifar10").supernet)
    kept, goal = no_subgraph(network), targets(network)
    for sides in (kept.kernels, kept.channels, goal.kernels, goal.channels):
        with pytest.raises(ValueError, match="read-only"):
            sides[0, 0] = 1
