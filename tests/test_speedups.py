"""What SLO-NN and GATI gain over the whole network."""

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
from tests.networks import connected, workload
from tests.strategies import ZCU104, zcu104

WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
RESNET18 = workload("resnet18_cifar10")
ALWAYS = {name: (100.0,) * 8 for name in PREDICTORS}


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_loss_stays_under_the_published_one_for_demands_within_a_point(name: str) -> None:
    network = workload(name)
    accuracy_percent = float(network.accuracy_percent.max())
    speedups = speedup_range(
        network, zcu104(), [accuracy_percent - loss for loss in (0, 0.1, 0.3, 1)]
    )
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
