"""Choosing SubNets to serve: against brute force, and the laws of the families chosen."""

from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.cli import main
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation import subnets as subnet_search
from sushi_dse.evaluation.fronts import hypervolume, non_dominated
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.subnets import (
    SubNetFront,
    chosen_supernet,
    cold_latency_ms,
    largest_hypervolume,
    served_workload,
    subnet_front,
    unbeaten,
)
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.network import Network
from sushi_dse.workload.accuracy import AccuracyModel
from sushi_dse.workload.layers import SuperNet
from sushi_dse.workload.mobilenet_v3 import (
    MobileNetV3Choice,
    MobileNetV3Family,
    mobilenet_v3_supernet,
)
from sushi_dse.workload.rated import known_accuracy_percent
from tests import paths
from tests.networks import accuracy_model
from tests.strategies import accelerators, zcu104, zcu104_measured

TINY = str(paths.TINY)
WORKLOAD = load_workload("ofa_mbv3")
MODEL = accuracy_model("ofa_mbv3")
DESIGNS = {
    "zcu104": zcu104(),
    "wide, layer by layer": zcu104_measured(pe_kernels=64, pe_channels=16),
    "prefetching": zcu104(dynamic_buffer_tiles=64),
}
COUNTS = range(1, 9)
SMALL_FAMILY = MobileNetV3Family(
    name="small",
    accuracy_of="top-1",
    stage_widths=(8, 16),
    stage_strides=(2, 1),
    min_blocks_per_stage=(1, 1),
    max_blocks_per_stage=(2, 2),
    expand_ratios=(2, 4),
    classes=10,
    first_conv_width=8,
    first_block_width=8,
    stage_squeeze_excite=(False, True),
    last_widths=(16, 24),
    kernel_size=3,
)
small_integers = st.integers(0, 3)


def costs_of(supernet: SuperNet, accelerator: Accelerator) -> np.ndarray:
    network = Network.of(supernet)
    return np.column_stack([cold_latency_ms(network, accelerator), -network.accuracy_percent])


@pytest.fixture(scope="module", params=DESIGNS)
def design(request: pytest.FixtureRequest) -> Accelerator:
    return DESIGNS[request.param]


@pytest.fixture(scope="module")
def front(design: Accelerator) -> SubNetFront:
    return subnet_front(MODEL, design)


@pytest.fixture(scope="module")
def families(front: SubNetFront) -> list[SuperNet]:
    return [chosen_supernet(MODEL, front, count) for count in COUNTS]


@st.composite
def small_models(draw: st.DrawFn) -> AccuracyModel:
    """Models of a family of 36 SubNets; whole gains, so that ties are common."""
    gains = draw(st.lists(st.tuples(small_integers, small_integers), min_size=4, max_size=4))
    return AccuracyModel(
        family=SMALL_FAMILY,
        origin="made up",
        resolution=16,
        measured_subnets=1,
        measured_accuracy_percent=draw(st.sampled_from([(0.0, 100.0), (70.0, 73.0)])),
        held_out_rmse_percent=0.0,
        base_accuracy_percent=70.0,
        block_gain_percent=tuple(gains),
        stage_interaction_percent=draw(st.sampled_from([(0.0, 0.0), (1.0, -1.0)])),
    )


def all_choices(model: AccuracyModel) -> list[MobileNetV3Choice]:
    stages = [ratios for blocks in (1, 2) for ratios in product((2, 4), repeat=blocks)]
    choices = [
        MobileNetV3Choice(
            name=str(i),
            accuracy_percent=0,
            resolution=model.resolution,
            blocks_per_stage=(len(first), len(second)),
            block_expand_ratios=(*first, *second),
        )
        for i, (first, second) in enumerate(product(stages, stages))
    ]
    return [replace(choice, accuracy_percent=model.accuracy_percent(choice)) for choice in choices]


def front_of(costs: np.ndarray) -> np.ndarray:
    costs = np.round(costs, 9)  # sums over stages and over layers differ in the last bits
    return np.unique(costs[non_dominated(costs)], axis=0)


@settings(max_examples=40)
@given(small_models(), accelerators())
def test_the_front_is_that_of_all_subnets(model: AccuracyModel, accelerator: Accelerator) -> None:
    least, greatest = model.measured_accuracy_percent
    costs = front_of(costs_of(mobilenet_v3_supernet(model.family, all_choices(model)), accelerator))
    wanted = costs[(-costs[:, 1] >= least) & (-costs[:, 1] <= greatest)]
    if len(wanted):
        found = subnet_front(model, accelerator).costs
        assert front_of(found).tolist() == wanted.tolist()
    else:
        with pytest.raises(UserError, match="no SubNet's predicted accuracy lies within"):
            subnet_front(model, accelerator)


@given(st.lists(st.tuples(small_integers, small_integers), min_size=1))
def test_unbeaten_are_the_rows_that_none_beats_each_once(rows: list[tuple[int, int]]) -> None:
    latency_ms, accuracy_percent = np.array(rows, dtype=float).T
    kept = unbeaten(latency_ms, accuracy_percent)
    front = {
        (a, b) for a, b in rows if not any((c, d) != (a, b) and c <= a and d >= b for c, d in rows)
    }
    assert [rows[row] for row in kept] == sorted(front)
    assert all(rows.index(rows[row]) == row for row in kept)


@given(st.data(), st.integers(1, 7), st.integers(0, 3))
def test_no_other_choice_of_rows_has_a_larger_hypervolume(
    data: st.DataObject, rows: int, margin: int
) -> None:
    distinct = st.lists(st.integers(0, 9), min_size=rows, max_size=rows, unique=True)
    costs = np.column_stack([sorted(data.draw(distinct)), sorted(data.draw(distinct))[::-1]])
    reference = costs.max(axis=0) + margin
    count = data.draw(st.integers(1, rows))
    chosen = largest_hypervolume(costs, reference, count)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == count
    assert hypervolume(costs[chosen], reference) == max(
        hypervolume(costs[list(others)], reference) for others in combinations(range(rows), count)
    )


@pytest.mark.parametrize("count", [0, 3])
def test_more_rows_than_there_are_cannot_be_chosen(count: int) -> None:
    with pytest.raises(ValueError, match=f"1 <= count <= 2 must hold, got {count}"):
        largest_hypervolume(np.array([[1, 2], [2, 1]]), np.array([3, 3]), count)


def test_no_subnet_that_is_served_is_beaten_by_another(
    families: list[SuperNet], design: Accelerator
) -> None:
    for count, family in zip(COUNTS, families, strict=True):
        costs = costs_of(family, design)
        assert [subnet.name for subnet in family.subnets] == [f"s{i}" for i in range(count)]
        assert (np.diff(costs[:, 0]) > 0).all()
        assert (np.diff(costs[:, 1]) < 0).all()


def test_more_subnets_never_lower_the_hypervolume(
    families: list[SuperNet], front: SubNetFront, design: Accelerator
) -> None:
    volumes = [hypervolume(costs_of(family, design), front.reference) for family in families]
    assert (np.diff(volumes) > 0).all()


def test_seven_subnets_reach_from_end_to_end_in_even_steps(
    families: list[SuperNet], front: SubNetFront
) -> None:
    seven = [known_accuracy_percent(subnet) for subnet in families[6].subnets]
    accuracies = [known_accuracy_percent(choice) for choice in front.choices]
    reach = accuracies[-1] - accuracies[0]
    assert seven[0] - accuracies[0] < 0.05 * reach
    assert accuracies[-1] - seven[-1] < 0.05 * reach
    assert max(np.diff(seven)) < 2.5 * min(np.diff(seven))


def test_a_listed_subnet_is_beaten_by_one_that_is_as_fast(
    families: list[SuperNet], design: Accelerator
) -> None:
    chosen, listed = costs_of(families[6], design), costs_of(WORKLOAD.supernet, design)
    for latency_ms, lost in listed:  # whose accuracy was measured
        as_fast = chosen[:, 0] <= latency_ms
        assert chosen[as_fast, 1].min() < lost


def test_no_random_subnet_beats_one_of_the_front(front: SubNetFront, design: Accelerator) -> None:
    rng, family = np.random.default_rng(0), MODEL.family
    choices = [
        MobileNetV3Choice(
            name=str(i),
            accuracy_percent=0,
            resolution=MODEL.resolution,
            blocks_per_stage=tuple(rng.integers(2, 5, 5).tolist()),
            block_expand_ratios=tuple(rng.choice(family.expand_ratios, 20).tolist()),
        )
        for i in range(200)
    ]
    choices = [
        replace(choice, accuracy_percent=MODEL.accuracy_percent(choice)) for choice in choices
    ]
    for latency_ms, lost in costs_of(mobilenet_v3_supernet(family, choices), design):
        as_fast = front.costs[front.costs[:, 0] >= latency_ms + 1e-9]
        assert (as_fast[:, 1] < lost).all()


def test_the_same_family_is_chosen_again() -> None:
    first = served_workload(WORKLOAD, zcu104(), 7)
    subnet_search._stage_networks.cache_clear()
    assert repr(served_workload(WORKLOAD, zcu104(), 7)) == repr(first)
    assert first.name == WORKLOAD.name
    there = served_workload(WORKLOAD, DESIGNS["wide, layer by layer"], 7)
    assert there.supernet != first.supernet


def test_accuracy_is_predicted_within_what_was_measured(front: SubNetFront) -> None:
    least, greatest = MODEL.measured_accuracy_percent
    for choice in front.choices:
        assert choice.accuracy_percent == MODEL.accuracy_percent(choice)
        assert least <= choice.accuracy_percent <= greatest


def test_a_workload_without_a_model_or_with_too_few_subnets_is_refused() -> None:
    with pytest.raises(UserError, match=r"ofa_resnet50\.yaml: has no accuracy_model"):
        served_workload(load_workload("ofa_resnet50"), zcu104(), 7)
    with pytest.raises(UserError, match="SubNets, 1000000 are asked for"):
        served_workload(WORKLOAD, zcu104(), 10**6)
    beyond = replace(MODEL, measured_accuracy_percent=(80.0, 90.0))
    with pytest.raises(UserError, match="no SubNet's predicted accuracy lies within"):
        subnet_front(beyond, zcu104())


def workload_inputs(subnets: int | None) -> object:
    experiment = load_experiment(TINY, "ofa_mbv3", "independent", queries=20, subnets=subnets)
    return experiment.inputs["workload"]


def test_a_run_on_chosen_subnets_is_another_run() -> None:
    assert workload_inputs(3) == workload_inputs(3)
    assert workload_inputs(3) != workload_inputs(None)
    assert workload_inputs(3) != workload_inputs(4)


def test_a_sweep_may_choose_its_subnets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def sweep(*arguments: str) -> int:
        with pytest.raises(SystemExit) as stop:
            main(["sweep", "--hw", TINY, "--queries", "20", "--subnets", "3", *arguments])
        return int(stop.value.code or 0)

    out = ("--out", str(tmp_path / "results"), "--policy", "no-sgs")
    assert sweep("--workload", "ofa_mbv3", *out) == 0
    assert len(list((tmp_path / "results").glob("part-*.parquet"))) == 1
    capsys.readouterr()
    assert sweep("--workload", "vgg16", *out) == 2
    error = capsys.readouterr().err
    assert "3 SubNets are asked for, and of the 1 that vgg16 lists 1 are no slower" in error
    assert error.count("\n") == 1
