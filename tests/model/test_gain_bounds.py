"""What SGS can gain at most, by bytes and by load share, holds for what it gains."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.rivals import around
from benchmarks.supernets import TABLES, bounds, supernets
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.model.network import Network

BASE = load_hardware("zcu104").space.base
NETWORKS = {name: Network.of(supernet) for name, supernet in supernets().items()}


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["alphanet", "ofa_mbv3", "ofa_resnet50", "slimmable_resnet50"]),
    st.sampled_from([8, 16, 64]),
    st.sampled_from([0.5, 1.6875, 8.0, 32.0]),
    st.sampled_from([1.0, 5.0, 20.0]),
)
def test_sgs_gains_no_more_than_its_bounds(
    name: str, kernels: int, mib: float, rate: float
) -> None:
    found = bounds(NETWORKS[name], around(BASE, kernels, mib, rate))
    assert 0 <= found["sgs"] <= found["by_bytes"] + 1e-9
    assert found["sgs"] <= found["all_on_chip"] + 1e-9
    assert found["all_on_chip"] <= found["by_load_share"] + 1e-9


@pytest.mark.parametrize("name", ["us_mobilenet_v1", "us_mobilenet_v2"])
def test_a_buffer_that_holds_the_supernet_gains_all_there_is(name: str) -> None:
    found = bounds(NETWORKS[name], around(BASE, 64, 8.0, 5.0))
    assert found["sgs"] == pytest.approx(found["all_on_chip"])


def test_every_supernet_that_is_shipped_is_in_the_table_of_what_is_shared() -> None:
    lines = TABLES["supernets-shared"]().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == list(NETWORKS)
