from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.breakdown import subnet_breakdown
from sushi_dse.model.candidate import NOTHING, own_by_value
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.layer import layer_cost
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.workload.layers import PlainLayer, SuperNet, around
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.strategies import accelerators, supernets, zcu104
from tests.tables import cell


def two_layers() -> SuperNet:
    conv = PlainLayer(name="conv", kernels=16, channels=9, kernel_height=3, kernel_width=3,
                      height=8, width=8, padding=around(1))  # fmt: skip
    last = PlainLayer(name="fc", kernels=10, channels=16, kernel_height=1, kernel_width=1,
                      height=1, width=1, fully_connected=True)  # fmt: skip
    return plain_supernet(
        "two",
        [PlainSubNet(name="only", accuracy_percent=70.0, layers=(conv, last))],
        accuracy_of="top-1",
    )


@given(supernets(), accelerators(), st.data())
def test_a_breakdown_adds_up_to_the_cell_of_the_latency_table(
    supernet: SuperNet, accelerator: Accelerator, drawn: st.DataObject
) -> None:
    network = Network.of(supernet)
    subgraphs = candidates(network, accelerator)
    table = latency_table(network, accelerator, subgraphs)
    s = drawn.draw(st.integers(0, len(supernet.subnets) - 1))
    g = drawn.draw(st.integers(0, len(subgraphs.candidates) - 1))
    subnet = supernet.subnets[s]
    broken = subnet_breakdown(network, accelerator, subnet.name, subgraphs.candidates[g])
    assert (broken.subnet, broken.subgraph) == (subnet.name, subgraphs.candidates[g])
    assert [line.layer for line in broken.lines] == list(subnet.layers)
    assert broken.cost == tuple(cell(field, s, g) for field in table.cost)
    assert broken.latency_ms == pytest.approx(table.latency_ms[s, g], rel=1e-9)
    assert broken.macs == subnet.macs
    assert broken.weight_bytes == subnet.weight_bytes
    for cause in ("offchip_mj", "buffer_mj", "mac_mj", "static_mj", "total_mj"):
        of_cells = getattr(table.energy_on(accelerator), cause)
        expected = of_cells[s, 0] if cause == "mac_mj" else of_cells[s, g]  # no SubGraph changes it
        assert getattr(broken.energy, cause) == pytest.approx(expected, rel=1e-9)


@given(supernets(), accelerators())
def test_the_array_is_never_used_more_than_wholly(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    for candidate in candidates(network, accelerator).candidates:
        broken = subnet_breakdown(network, accelerator, supernet.subnets[0].name, candidate)
        assert 0 < broken.array_utilisation <= 1 + 1e-9


def test_a_breakdown_is_that_of_its_layers() -> None:
    design, network = zcu104(), Network.of(two_layers())
    broken = subnet_breakdown(network, design, "only", NOTHING)
    conv, last = network.supernet.subnets[0].layers
    first_line, last_line = broken.lines
    assert first_line.cost == layer_cost(conv, design, is_first=True)
    assert last_line.cost == layer_cost(last, design, is_last=True)
    assert first_line.latency_us == design.launch_us + first_line.cost.cycles / design.clock_mhz
    assert broken.latency_ms * 1e3 == pytest.approx(first_line.latency_us + last_line.latency_us)
    assert broken.launch_us == design.launch_us
    assert broken.array_utilisation == pytest.approx(
        broken.macs / (1296 * 100 * broken.latency_ms * 1e3)
    )


def test_what_is_cached_is_not_fetched() -> None:
    network = Network.of(two_layers())
    cold, warm = (
        subnet_breakdown(network, zcu104(), "only", candidate)
        for candidate in (NOTHING, own_by_value("only"))
    )
    assert cold.cost.weight_bytes == warm.cost.cached_weight_bytes == cold.weight_bytes
    assert cold.cost.cached_weight_bytes == warm.cost.weight_bytes == 0
    assert warm.latency_ms < cold.latency_ms
    assert warm.energy.total_mj < cold.energy.total_mj


def test_a_layer_by_layer_design_fetches_every_map() -> None:
    network = Network.of(two_layers())
    apart = replace(zcu104(), layer_by_layer=True)
    broken = subnet_breakdown(network, apart, "only", NOTHING)
    assert [line.cost.output_bytes for line in broken.lines] == [16 * 8 * 8, 10]
    assert all(line.cost.input_bytes > 0 for line in broken.lines)


def test_an_unknown_subnet_is_refused_with_the_near_one() -> None:
    with pytest.raises(UserError) as error:
        subnet_breakdown(Network.of(two_layers()), zcu104(), "onl", NOTHING)
    assert str(error.value) == "two has no SubNet 'onl'; did you mean 'only'?"


def test_a_candidate_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        subnet_breakdown(Network.of(two_layers()), zcu104(), "only", own_by_value("onl"))


@given(supernets(), st.integers(3, 60))
def test_the_layers_of_a_deeper_buffer_add_up_to_its_latency_table(
    supernet: SuperNet, tiles: int
) -> None:
    network, deep = Network.of(supernet), zcu104(dynamic_buffer_tiles=tiles)
    subgraphs = candidates(network, deep)
    table = latency_table(network, deep, subgraphs)
    for s, subnet in enumerate(supernet.subnets):
        for g in (0, len(subgraphs.candidates) - 1):
            found = subnet_breakdown(network, deep, subnet.name, subgraphs.candidates[g])
            assert found.latency_ms == pytest.approx(table.latency_ms[s, g], rel=1e-9)
