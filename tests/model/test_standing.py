"""What a latency stands on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.evidence import BOARD_FIELDS, Calibration, Evidence
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.breakdown import subnet_breakdown
from sushi_dse.model.layer import layer_cost, layer_latency_us
from sushi_dse.model.network import Network
from sushi_dse.model.standing import (
    borrowed_constants,
    evidence_of,
    layer_latencies_us,
    refitted_evidence,
    standing,
)
from sushi_dse.model.subgraphs import candidates
from sushi_dse.workload.layers import Layer, SuperNet
from tests.strategies import accelerators, layers, supernets, weight_stationary, zcu104

KINDS = ("conv1x1", "conv3x3", "conv", "grouped", "dwconv3x3", "dwconv", "fc")


def calibrations(board: Accelerator) -> st.SearchStrategy[Calibration]:
    """Evidence for some kinds of layers, measured on `board`."""
    found = st.dictionaries(st.sampled_from(KINDS), st.sampled_from(list(Evidence)))
    return found.map(lambda evidence: Calibration(board=board, evidence=evidence))


@given(supernets(), accelerators(), st.data())
def test_the_shares_of_a_subnet_are_those_of_its_breakdown(
    supernet: SuperNet, design: Accelerator, data: st.DataObject
) -> None:
    network, calibration = Network.of(supernet), data.draw(calibrations(design))
    found = standing(
        network, SearchSpace(axes=(), base=design, calibration=calibration), caveats=("one",)
    )
    nothing = candidates(network, design).candidates[0]
    shares = [
        subnet_breakdown(network, design, subnet.name, nothing, calibration).latency_shares
        for subnet in supernet.subnets
    ]
    for evidence in Evidence:
        own = [share[evidence] for share in shares]
        assert found.shares[evidence] == pytest.approx((min(own), max(own)), abs=1e-9)
    for share in shares:
        assert sum(share.values()) == pytest.approx(1)


@given(supernets(), accelerators())
def test_the_latency_of_every_layer_adds_up_to_that_of_the_breakdown(
    supernet: SuperNet, design: Accelerator
) -> None:
    network = Network.of(supernet)
    latency_us = layer_latencies_us(network, design)
    nothing = candidates(network, design).candidates[0]
    for i, subnet in enumerate(supernet.subnets):
        lines = subnet_breakdown(network, design, subnet.name, nothing).lines
        own = latency_us[network.starts[i] : network.starts[i + 1]]
        assert own == pytest.approx([line.latency_us for line in lines])


@given(layers(), accelerators(), st.sampled_from(BOARD_FIELDS), st.data())
def test_nothing_is_measured_on_a_board_with_another_device_memory_or_clock(
    layer: Layer, design: Accelerator, name: str, data: st.DataObject
) -> None:
    calibration = data.draw(calibrations(design))
    value = getattr(design, name)
    other = replace(value, dsp=value.dsp + 1) if name == "device" else value / 2
    if other == value:  # A field that the dataflow does not have is 0.
        return
    moved = replace(design, **{name: other})
    assert calibration.changed(moved) == (name,)
    assert evidence_of(layer, moved, calibration) != Evidence.MEASURED
    assumed = evidence_of(layer, design, calibration) == Evidence.ASSUMED
    assert (evidence_of(layer, moved, calibration) == Evidence.ASSUMED) == assumed
    axes = SearchSpace.of(design, {name: [value, other]}) if name != "device" else None
    for space in filter(None, (SearchSpace(axes=(), base=moved), axes)):
        assert borrowed_constants(replace(space, calibration=calibration)) != ""
    assert borrowed_constants(SearchSpace(axes=(), base=design, calibration=calibration)) == ""


@given(layers(), accelerators(), st.data())
def test_the_narrower_kind_decides_and_one_that_is_not_named_is_assumed(
    layer: Layer, design: Accelerator, data: st.DataObject
) -> None:
    evidence = data.draw(calibrations(design)).evidence
    named = [evidence[kind] for kind in layer.operators if kind in evidence]
    calibration = Calibration(board=design, evidence=evidence)
    expected = named[0] if named else Evidence.ASSUMED
    assert evidence_of(layer, design, calibration) == expected
    assert evidence_of(layer, design, None) == Evidence.ASSUMED


@given(st.lists(layers(), max_size=3), st.data())
def test_constants_fitted_anew_stand_on_the_layers_of_the_fit_alone(
    measured: list[Layer], data: st.DataObject
) -> None:
    board = zcu104()
    before = data.draw(calibrations(board))
    after = Calibration(board=board, evidence=refitted_evidence(measured, before))
    kinds = {kind for kind, found in after.evidence.items() if found == Evidence.MEASURED}
    assert kinds == {layer.operators[0] for layer in measured}
    for layer in measured:
        assert evidence_of(layer, board, after) == Evidence.MEASURED


@given(layers(), weight_stationary(), st.data())
def test_a_tile_that_drains_hides_more_so_that_a_cached_weight_saves_no_more(
    layer: Layer, design: Accelerator, data: st.DataObject
) -> None:
    other = replace(design, pointwise_drain=not design.pointwise_drain)
    drained, plain = (design, other) if design.pointwise_drain else (other, design)
    kernels = data.draw(st.integers(0, layer.kernels))
    channels = data.draw(st.integers(0, layer.channels_per_group))

    def waits(board: Accelerator, k: int, c: int) -> float:
        return layer_cost(layer, board, cached_kernels=k, cached_channels=c).exposed_load_cycles

    saved = [waits(board, 0, 0) - waits(board, kernels, channels) for board in (drained, plain)]
    assert saved[0] <= saved[1] + 1e-6 * max(abs(saved[1]), 1)
    latency_us = [layer_latency_us(layer_cost(layer, board), board) for board in (drained, plain)]
    assert latency_us[0] >= latency_us[1] * (1 - 1e-12)


def test_the_shipped_boards_say_what_was_measured() -> None:
    network = Network.of(load_workload("ofa_resnet50").supernet)
    measured = {
        name: standing(network, load_hardware(name).space, caveats=()).shares[Evidence.MEASURED]
        for name in ("zcu104_measured", "zcu104", "alveo_u50", "vcu118_64x64", "vcu118_32x32")
    }
    for board in ("zcu104_measured", "zcu104"):
        assert 0.3 < measured[board][0] < measured[board][1] < 0.9  # 3x3 layers alone
    assert measured["alveo_u50"] == (0, 0)
    for board in ("vcu118_64x64", "vcu118_32x32"):
        assert 0.8 < measured[board][0] < measured[board][1] < 1  # all but the classifier


def test_a_line_names_the_board_that_was_measured_and_what_is_assumed() -> None:
    assert borrowed_constants(load_hardware("zcu104").space) == ""
    assert borrowed_constants(load_hardware("vcu118_32x32").space) == ""
    assert borrowed_constants(load_hardware("alveo_u50").space) == (
        "its constants are those of zcu104_measured, measured on ZCU104 at 100 MHz and 2.026 GB/s; "
        "assumed are Alveo U50 at 200 MHz and 32.42 GB/s"
    )
    line = borrowed_constants(load_hardware("zcu104_space").space)
    assert "ZCU104 at 100 to 250 MHz and 2.026 to 13.44 GB/s" in line
    own = SearchSpace(axes=(), base=zcu104())
    assert borrowed_constants(own).startswith("no board was measured")
