"""What SLO-NN and GATI gain over the whole network, and the pages that show it."""

import pytest

from docs.build.speedups import (
    PUBLISHED_LOSS_PERCENT,
    PUBLISHED_SPEEDUP,
    PUBLISHED_SPEEDUPS,
    best_speedup,
    speedup_range,
)
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.policies.gati.predictors import PREDICTORS
from sushi_dse.policies.gati.system import gati_system
from sushi_dse.policies.slo_nn.parameters import FREE, SloNn
from sushi_dse.policies.slo_nn.system import slo_nn_system
from tests import paths
from tests.networks import connected, workload
from tests.strategies import ZCU104, zcu104

SLO_NN_PAGE = paths.ROOT / "docs" / "slo_nn.md"
GATI_PAGE = paths.ROOT / "docs" / "gati.md"
WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
RESNET18 = workload("resnet18_cifar10")
ALWAYS = {name: (100.0,) * 8 for name in PREDICTORS}


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_loss_stays_under_the_published_one_for_demands_within_a_point(name: str) -> None:
    network = workload(name)
    top1_percent = float(network.top1_percent.max())
    speedups = speedup_range(network, zcu104(), [top1_percent - loss for loss in (0, 0.1, 0.3, 1)])
    for target in speedups:
        assert target.accuracy_percent >= target.target_percent
        assert 0 <= target.loss_percent < PUBLISHED_LOSS_PERCENT
        assert PUBLISHED_SPEEDUPS[0] < target.speedup < PUBLISHED_SPEEDUPS[1]


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_speed_up_never_rises_with_the_accuracy_target(name: str) -> None:
    speedups = speedup_range(workload(name), zcu104(), queries=2000)
    targets, gains = zip(*((s.target_percent, s.speedup) for s in speedups), strict=True)
    assert sorted(targets, reverse=True) == list(targets)
    assert sorted(gains) == list(gains)
    fractions = [s.mean_fraction for s in speedups]
    assert sorted(fractions, reverse=True) == fractions


def test_a_demand_above_the_network_takes_all_nodes_and_gains_nothing() -> None:
    parameters = SloNn(activator=FREE, common_share=0.0)
    (target,) = speedup_range(
        connected(30, 40, 10), zcu104(), [99.0], parameters=parameters, queries=64
    )
    assert (target.mean_fraction, target.loss_percent) == (1, 0)
    assert target.speedup == pytest.approx(1)


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_page_of_slo_nn_shows_the_speed_ups_that_are_measured(name: str) -> None:
    page = SLO_NN_PAGE.read_text(encoding="utf-8")
    network = workload(name)
    for target in speedup_range(network, zcu104()):
        below = network.top1_percent.max() - target.target_percent
        row = (
            f"| `{name}` | {below:.1f} | {target.mean_fraction:.3f} | {target.speedup:.2f}x "
            f"| {target.loss_percent:.3f} |"
        )
        assert row in page


def test_the_page_shows_how_far_the_difficulty_of_the_inputs_moves_the_speed_up() -> None:
    page = SLO_NN_PAGE.read_text(encoding="utf-8")
    networks = {f"`{name}`": workload(name) for name in WORKLOADS}
    networks["three layers of 4096 nodes"] = connected(784, 4096, 4096, 4096, 10)
    for name, network in networks.items():
        target_percent = float(network.top1_percent.max()) - PUBLISHED_LOSS_PERCENT
        free, _ = slo_nn_system(network, zcu104(), parameters=SloNn(activator=FREE))
        table, _ = slo_nn_system(network, zcu104())
        cells = [
            f"{free.macs[-1] / free.macs[0]:.0f}x",
            f"{free.latency_ms[-1, 0] / table.latency_ms[0, 0]:.1f}x",
        ]
        for exponent in (0.25, 1, 2, 4, 16, 64):
            parameters = SloNn(difficulty_exponent=exponent)
            (target,) = speedup_range(network, zcu104(), [target_percent], parameters=parameters)
            cells.append(f"{target.speedup:.1f}x")
        assert f"| {name} | {' | '.join(cells)} |" in page


def test_the_best_speedup_rises_with_locality_towards_its_ceiling() -> None:
    found = best_speedup(RESNET18, ZCU104)
    speedups = [at.speedup for at in found.by_locality]
    assert speedups == sorted(speedups)
    assert found.best.speedup == speedups[-1] < found.ceiling
    hits = [at.hit_share for at in found.by_locality]
    assert hits == sorted(hits)
    assert speedups[0] < PUBLISHED_SPEEDUP == found.published < found.ceiling
    certain, _ = gati_system(RESNET18, ZCU104, parameters=Gati(agreement_percent=ALWAYS))
    assert found.ceiling == pytest.approx(found.whole_network_ms / certain.latency_ms[0, 1])
    for at in found.by_locality:
        assert at.speedup == pytest.approx(found.whole_network_ms / at.latency_ms)


def test_the_page_of_gati_shows_the_speedups_that_the_model_gives() -> None:
    found = best_speedup(RESNET18, ZCU104)
    text = GATI_PAGE.read_text(encoding="utf-8")
    for at in found.by_locality:
        row = (
            f"| {at.locality:g} | {100 * at.hit_share:.2f} | {at.latency_ms:.2f} "
            f"| {at.speedup:.2f} | {at.accuracy_percent:.2f} |"
        )
        assert row in text
    assert f"{found.ceiling:.2f}x" in text
    assert f"{found.whole_network_ms:.2f} ms" in text
