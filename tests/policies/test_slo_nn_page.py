"""The page on SLO-NN shows what the code computes."""

import numpy as np
import pytest

from sushi_dse.policies.slo_nn.parameters import FREE, Activator, SloNn
from sushi_dse.policies.slo_nn.system import slo_nn_system
from tests import paths
from tests.networks import workload
from tests.policies.slo_nn_cases import WORKLOADS
from tests.strategies import ZCU104, zcu104, zcu104_measured

PAGE = paths.ROOT / "docs" / "slo_nn.md"


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


def test_the_page_shows_what_the_accelerator_does_to_the_limit() -> None:
    page = PAGE.read_text(encoding="utf-8")
    designs = {
        "ZCU104": zcu104(),
        "an array 64 kernels wide": zcu104(pe_kernels=64),
        "a quarter of the bandwidth": zcu104(port_bytes_per_cycle=ZCU104.port_bytes_per_cycle / 4),
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
