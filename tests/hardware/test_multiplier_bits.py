"""Multipliers of other bits: their DSPs, their energy, the buffers of their weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from sushi_dse.bits import BITS
from sushi_dse.config.hardware_file import hardware_names, load_hardware
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.hardware.banks import widths
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.breakdown import subnet_breakdown
from sushi_dse.model.candidate import NOTHING
from sushi_dse.model.energy import own_mac_pj
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.model.network import Network
from sushi_dse.workload.layers import SuperNet
from sushi_dse.workload.weights import with_weight_bits
from tests import networks
from tests.strategies import accelerators, supernets, vcu118, zcu104


def of_bits(accelerator: Accelerator) -> list[Accelerator]:
    return [replace(accelerator, multiplier_bits=bits) for bits in BITS]


def test_the_multipliers_of_shipped_boards_take_eight_bits() -> None:
    spaces = [load_hardware(name).space for name in hardware_names()]
    assert {space.base.multiplier_bits for space in spaces} == {8}
    assert not any(axis.name == "multiplier_bits" for space in spaces for axis in space.axes)


def test_four_of_four_bits_share_a_dsp_and_one_of_sixteen_takes_one() -> None:
    assert [resources(each).dsp for each in of_bits(zcu104())] == [324, 648, 1296]
    assert [resources(each).dsp for each in of_bits(vcu118())] == [1024, 2048, 4096]


@given(accelerators())
def test_wider_multipliers_take_more_dsps_and_energy_and_no_other_time(
    accelerator: Accelerator,
) -> None:
    four, eight, sixteen = of_bits(accelerator)
    used = [resources(each) for each in (four, eight, sixteen)]
    assert [each.dsp for each in used] == [
        -(-accelerator.macs_per_cycle // in_a_dsp) for in_a_dsp in (4, 2, 1)
    ]
    assert used[0].lut == used[1].lut == used[2].lut
    assert 4 * own_mac_pj(four) == 2 * own_mac_pj(eight) == own_mac_pj(sixteen)
    assert own_mac_pj(eight) == accelerator.mac_pj
    assert four.macs_per_cycle == sixteen.macs_per_cycle
    assert four.bytes_per_cycle == sixteen.bytes_per_cycle


@given(accelerators())
def test_the_words_of_weights_hold_what_the_multipliers_take_in_a_cycle(
    accelerator: Accelerator,
) -> None:
    for design in of_bits(accelerator):
        wide, eight = widths(design), widths(replace(design, multiplier_bits=8))
        assert 8 * wide.weights >= design.multiplier_bits * eight.weights
        assert 8 * (wide.weights - 1) < design.multiplier_bits * eight.weights
        assert (wide.inputs, wide.outputs) == (eight.inputs, eight.outputs)
        if design.dataflow == Dataflow.WEIGHT_STATIONARY:
            tile_bits = design.macs_per_cycle * design.multiplier_bits
            assert 8 * (design.tile_bytes - 1) < tile_bits <= 8 * design.tile_bytes


@given(accelerators())
def test_many_designs_of_several_bits_are_each_counted_as_alone(accelerator: Accelerator) -> None:
    each = of_bits(accelerator)
    many = resources(Designs.of(each))
    for kind in ("dsp", "bram36", "uram288"):
        of_all = np.broadcast_to(getattr(many, kind), len(each))
        assert of_all.tolist() == [getattr(resources(one), kind) for one in each]


@given(supernets(), accelerators())
def test_narrow_weights_run_on_wide_multipliers_at_their_rate_and_energy(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(with_weight_bits(supernet, 4))
    designs = of_bits(accelerator)
    tables = [candidate_table(network, each) for each in designs]
    for table in tables[1:]:
        assert np.array_equal(table.latency_ms, tables[0].latency_ms)
    of_each = [table.energy_on(each) for table, each in zip(tables, designs, strict=True)]
    joules = [np.asarray(own.mac_mj) for own in of_each]
    assert np.allclose(4 * joules[0], joules[2], rtol=1e-12, atol=0)
    assert np.array_equal(2 * joules[1], joules[2])


@pytest.mark.parametrize("bits", [0, 2, 5, 32])
def test_multipliers_of_other_bits_are_refused(bits: int) -> None:
    message = rf"^multiplier_bits must be one of 4, 8, 16, got {bits}$"
    with pytest.raises(ValueError, match=message):
        zcu104(multiplier_bits=bits)
    with pytest.raises(ValueError, match=message):
        SearchSpace.of(zcu104(), {"multiplier_bits": sorted([4, bits, 16])})


@pytest.mark.parametrize(
    ("value", "place", "got"),
    [
        ("5", "2:18", "5"),
        ("[4, 6]", "2:22", "6"),
        ("{from: 4, to: 16, factor: 2}", "2:18", ""),
        ("{value: 8, plausible: [4, 16]}", "2:18", ""),
        ("true", "2:18", "true"),
    ],
)
def test_a_mistake_in_the_key_is_one_line_with_its_place(
    value: str, place: str, got: str, tmp_path: Path
) -> None:
    path = tmp_path / "hw.yaml"
    path.write_text(f"extends: zcu104\nmultiplier_bits: {value}\n")
    message = rf"hw.yaml:{place}: multiplier_bits: 4, 8 or 16 is wanted, or a list of them, got "
    with pytest.raises(UserError, match=message + got):
        load_hardware(path)


def test_the_bits_of_multipliers_are_an_axis(tmp_path: Path) -> None:
    path = tmp_path / "hw.yaml"
    path.write_text("extends: zcu104\nmultiplier_bits: [8, 16]\n")
    space = load_hardware(path).space
    assert [(axis.name, axis.values) for axis in space.axes] == [("multiplier_bits", (8, 16))]
    experiment = load_experiment(path, "resnet18_cifar10", "none")
    assert [design.multiplier_bits for design in map(space.design, range(2))] == [8, 16]
    assert experiment.inputs["workload"]["weight_bits"] == "8"  # type: ignore[index] # of JSON


WIDE = r"^resnet18_cifar10: layer 'stem' has weights of 16 bits, and zcu104 has multipliers of 8; "


def test_weights_that_a_board_has_no_multiplier_for_are_refused_in_one_line() -> None:
    supernet = networks.workload("resnet18_cifar10").supernet
    wide = Network.of(with_weight_bits(supernet, 16))
    board = load_hardware("zcu104").space
    with pytest.raises(UserError, match=WIDE + "give the hardware 'multiplier_bits: 16'"):
        Experiment(space=board, network=wide, trace=None, policies=("static-subgraph",))
    with pytest.raises(UserError, match=WIDE):
        subnet_breakdown(wide, board.base, "R18", NOTHING)
    either = SearchSpace.of(board.base, {"multiplier_bits": [4, 16]})
    eight = Network.of(supernet)
    with pytest.raises(UserError, match="weights of 8 bits, and zcu104 has multipliers of 4; "):
        Experiment(space=either, network=eight, trace=None, policies=("static-subgraph",))
