"""The caches that GATI keeps, against every choice of caches that there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.network import Network
from sushi_dse.policies.gati.choice import all_choices, cache_options, least_expected
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.policies.gati.predictors import (
    PREDICTORS,
    cache_points,
)
from sushi_dse.policies.gati.system import gati_system, served_subnet
from sushi_dse.workload.layers import SuperNet
from tests.policies.gati_cases import RESNET18, SLOW, WHOLE, designs, expected_ms, shares, system
from tests.strategies import ZCU104, accelerators, supernets, zcu104_measured


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
