from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import OWN_FIELDS, Accelerator, Dataflow, Device
from sushi_dse.hardware.space import AXIS_ORDER, MAX_DESIGNS, Axis, SearchSpace

OF_THE_OTHER = OWN_FIELDS[Dataflow.OUTPUT_STATIONARY]
ONES: dict[str, Any] = {name: 1 for name in AXIS_ORDER if name not in OF_THE_OTHER}
ONES["dynamic_buffer_tiles"] = 2
ONES["multiplier_bits"] = 8
BASE = Accelerator(
    name="tiny",
    device=Device(name="board", lut=10**6, ff=10**6, bram36=1, uram288=1, dsp=1),
    logic_mhz=325.0,
    dataflow=Dataflow.WEIGHT_STATIONARY,
    layer_by_layer=False,
    **ONES,
)
SPACE = SearchSpace.of(
    BASE,
    {
        "static_w": [4, 8],
        "clock_mhz": [200.0],
        "pe_kernels": [8, 16, 32],
        "dram_gb_per_s": [4.8, 9.6, 19.2],
    },
)


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    names = draw(
        st.lists(
            st.sampled_from(["pe_kernels", "pe_channels", "clock_mhz", "launch_us", "static_w"]),
            unique=True,
            max_size=4,
        )
    )
    return SearchSpace.of(
        BASE,
        {
            name: draw(st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True))
            for name in names
        },
    )


def test_every_number_of_an_accelerator_may_be_an_axis() -> None:
    numbers = [f.name for f in fields(Accelerator) if type(getattr(BASE, f.name)) in (int, float)]
    # The clock that logic attains is no choice of a design.
    assert sorted([*AXIS_ORDER, "logic_mhz"]) == sorted(numbers)


def test_axes_stand_in_canonical_order_and_a_single_value_becomes_the_bases() -> None:
    assert [axis.name for axis in SPACE.axes] == [
        "pe_kernels",
        "dram_gb_per_s",
        "static_w",
    ]
    assert SPACE.base.clock_mhz == 200
    assert len(SPACE) == SPACE.size == 3 * 3 * 2


def test_the_last_axis_is_the_fastest() -> None:
    first, second, third = (SPACE.values(index) for index in range(3))
    assert first == {"pe_kernels": 8, "dram_gb_per_s": 4.8, "static_w": 4}
    assert second == {**first, "static_w": 8}
    assert third == {**first, "dram_gb_per_s": 9.6}


def test_a_space_without_axes_is_its_base_alone() -> None:
    space = SearchSpace.of(BASE, {})
    assert len(space) == 1
    assert space.design(0) == space.reference == BASE
    assert space.values(0) == {}
    assert space.index(BASE) == 0
    assert list(space.blocks(10)) == [range(1)]


def test_the_reference_is_in_the_middle_of_each_axis() -> None:
    reference = SPACE.reference
    assert (reference.pe_kernels, reference.dram_gb_per_s) == (16, 9.6)
    assert reference.static_w == 8


@given(spaces())
def test_numbers_and_designs_are_one_to_one(space: SearchSpace) -> None:
    designs = [space.design(index) for index in range(len(space))]
    assert len(set(designs)) == len(space)
    assert [space.index(design) for design in designs] == list(range(len(space)))
    assert space.reference in designs


@given(spaces())
def test_the_values_of_a_number_lead_back_to_it(space: SearchSpace) -> None:
    for index in range(len(space)):
        assert space.index_of_values(space.values(index)) == index
        assert all(getattr(space.design(index), k) == v for k, v in space.values(index).items())


@given(spaces(), st.randoms(use_true_random=False))
def test_many_designs_at_once_are_those_of_their_numbers(space: SearchSpace, random: Any) -> None:
    numbers = random.choices(range(len(space)), k=random.randint(1, 9))
    designs, digits = space.designs(numbers), space.digits(np.array(numbers))
    assert len(designs) == len(numbers)
    assert digits.shape == (len(space.axes), len(numbers))
    for place, number in enumerate(numbers):
        assert designs.design(place) == space.design(number)
        pairs = zip(space.axes, digits[:, place], strict=True)
        assert {axis.name: axis.values[digit] for axis, digit in pairs} == space.values(number)


@pytest.mark.parametrize("numbers", [[-1], [18], [0, 17, 18, 3]])
def test_a_number_among_many_that_no_design_has_is_refused(numbers: list[int]) -> None:
    with pytest.raises(IndexError, match=r"0 <= design < 18 must hold, got (-1|18)"):
        SPACE.designs(numbers)


def test_no_numbers_are_no_designs() -> None:
    assert len(SPACE.designs([])) == 0
    assert SPACE.digits([]).shape == (3, 0)


@given(spaces(), st.integers(1, 50))
def test_blocks_cover_the_space_once_and_in_order(space: SearchSpace, block_size: int) -> None:
    blocks = list(space.blocks(block_size))
    assert [index for block in blocks for index in block] == list(range(len(space)))
    assert all(len(block) == block_size for block in blocks[:-1])
    assert 1 <= len(blocks[-1]) <= block_size


@pytest.mark.parametrize("index", [-1, 18])
def test_a_number_that_no_design_has_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match="0 <= design < 18"):
        SPACE.design(index)


def test_a_design_off_the_axes_has_no_number() -> None:
    design = SPACE.design(0)
    with pytest.raises(ValueError, match="pe_kernels: 9 is not on the axis"):
        SPACE.index(replace(design, pe_kernels=9))
    with pytest.raises(ValueError, match="field off the axes"):
        SPACE.index(replace(design, launch_us=9.0))
    with pytest.raises(ValueError, match="pe_kernels: None"):
        SPACE.index_of_values({})


def test_a_block_holds_a_design_at_least() -> None:
    with pytest.raises(ValueError, match="block_size >= 1"):
        list(SPACE.blocks(0))


def test_an_axis_offers_different_values_of_a_number_of_the_accelerator() -> None:
    with pytest.raises(ValueError, match="an axis must be one of pe_kernels"):
        SearchSpace.of(BASE, {"layer_by_layer": [0, 1]})
    with pytest.raises(ValueError, match="pe_pixels is of output-stationary designs"):
        SearchSpace.of(BASE, {"pe_pixels": [8, 16]})
    with pytest.raises(ValueError, match="no value twice"):
        Axis(name="pe_kernels", values=(8, 8))
    with pytest.raises(ValueError, match="two values at least"):
        Axis(name="pe_kernels", values=(8,))


def test_a_space_refuses_axes_out_of_order_and_values_that_no_accelerator_takes() -> None:
    kernels = Axis(name="pe_kernels", values=(8, 16))
    channels = Axis(name="pe_channels", values=(8, 16))
    with pytest.raises(ValueError, match="in the order"):
        SearchSpace(axes=(channels, kernels), base=BASE)
    with pytest.raises(ValueError, match="in the order"):
        SearchSpace(axes=(kernels, kernels), base=BASE)
    with pytest.raises(ValueError, match="pe_kernels > 0"):
        SearchSpace.of(BASE, {"pe_kernels": [8, 0, 16]})


def test_designs_that_64_bits_cannot_number_are_refused() -> None:
    many = range(1, 10**5)
    names = ("pe_kernels", "pe_channels", "clock_mhz", "launch_us")
    with pytest.raises(ValueError, match=f"at most {MAX_DESIGNS} designs"):
        SearchSpace.of(BASE, dict.fromkeys(names, many))
