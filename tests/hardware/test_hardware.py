from collections.abc import Sequence
from dataclasses import astuple, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.hardware.accelerator import (
    FIELDS_OF,
    OWN_FIELDS,
    TAPS_PER_ENGINE,
    Accelerator,
    Dataflow,
    Device,
)
from sushi_dse.hardware.banks import BRAM36_WORDS, URAM288_WORDS
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import (
    DSP_BITS,
    FF_OF_A_DESIGN,
    FF_PER_MAC,
    LUT_OF_A_DESIGN,
    LUT_PER_MAC,
    Resources,
    infeasible_reason,
    infeasible_reasons,
    overrun,
    resources,
)
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.hardware.timing import array_mhz, attainable_logic_mhz
from tests.strategies import (
    accelerators,
    output_stationary,
    vcu118,
    weight_stationary,
    zcu104,
)

NEVER_NEGATIVE = (
    "persistent_buffer_kib",
    "streaming_buffer_kib",
    "output_buffer_kib",
    "launch_us",
    "fill_cycles",
    "drain_cycles",
    "dram_pj_per_bit",
    "mac_pj",
    "static_w",
)
POSITIVE = (
    "pe_kernels",
    "pe_channels",
    "clock_mhz",
    "port_bytes_per_cycle",
    "dram_gb_per_s",
    "dram_efficiency",
)
NEVER_NEGATIVE_IF_OUTPUT_STATIONARY = (
    "dynamic_buffer_kib",
    "prefetch_buffer_kib",
    "weight_delay_cycles",
    "read_ahead_cycles",
    "tile_read_cycles",
)
POSITIVE_IF_OUTPUT_STATIONARY = ("pe_pixels", "port_clock_mhz")

DERIVED = (
    "macs_per_cycle",
    "port_gb_per_s",
    "offchip_gb_per_s",
    "bytes_per_cycle",
    "persistent_buffer_bytes",
    "dynamic_buffer_bytes",
    "prefetch_bytes",
    "prefetches",
    "output_buffer_bytes",
    "resident_map_bytes",
)


def device(**blocks: int) -> Device:
    roomy = {"lut": 10**6, "ff": 10**6}
    return Device(name="board", **roomy | {"bram36": 10, "uram288": 2, "dsp": 648} | blocks)


@pytest.mark.parametrize("name", [*NEVER_NEGATIVE, *POSITIVE])
@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_negative_or_not_finite_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} >= 0 must hold, got {value}$"):
        zcu104(**{name: value})


@pytest.mark.parametrize(
    "name", [*NEVER_NEGATIVE_IF_OUTPUT_STATIONARY, *POSITIVE_IF_OUTPUT_STATIONARY]
)
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_number_of_the_other_dataflow_is_checked_as_well(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} >= 0 must hold, got {value}$"):
        vcu118(**{name: value})


@pytest.mark.parametrize("name", POSITIVE)
def test_a_zero_is_refused_where_nothing_would_work(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} > 0 must hold, got 0$"):
        zcu104(**{name: 0})


@pytest.mark.parametrize("name", POSITIVE_IF_OUTPUT_STATIONARY)
def test_an_output_stationary_array_has_pixels_and_a_port(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} > 0 must hold, got 0$"):
        vcu118(**{name: 0})


@pytest.mark.parametrize("cycles", [-1, 0, 0.999, float("nan")])
def test_pixels_enter_an_output_stationary_array_one_a_cycle_at_most(cycles: float) -> None:
    with pytest.raises(ValueError, match=f"^pixel_fill_cycles >= [01] must hold, got {cycles}"):
        vcu118(pixel_fill_cycles=cycles)
    assert vcu118(pixel_fill_cycles=1).pixel_fill_cycles == 1


@pytest.mark.parametrize("name", NEVER_NEGATIVE)
def test_a_zero_is_allowed_elsewhere(name: str) -> None:
    assert getattr(zcu104(**{name: 0}), name) == 0


@pytest.mark.parametrize("name", NEVER_NEGATIVE_IF_OUTPUT_STATIONARY)
def test_a_zero_is_allowed_elsewhere_in_the_other_dataflow(name: str) -> None:
    assert getattr(vcu118(**{name: 0}), name) == 0


@pytest.mark.parametrize("design", [zcu104(), vcu118()], ids=list(Dataflow))
def test_a_field_that_the_dataflow_does_not_have_is_refused(design: Accelerator) -> None:
    (other,) = set(Dataflow) - {design.dataflow}
    for name in OWN_FIELDS[other]:
        changes: dict[str, Any] = {name: True if name == "pointwise_drain" else 3}
        wrong = f"^{name} is of {other} designs; this one is {design.dataflow}$"
        with pytest.raises(ValueError, match=wrong):
            replace(design, **changes)


def test_each_dataflow_has_fields_of_its_own_and_no_field_is_of_both() -> None:
    own = [name for names in OWN_FIELDS.values() for name in names]
    assert len(own) == len(set(own))
    for dataflow, design in zip(Dataflow, (zcu104(), vcu118()), strict=True):
        assert design.dataflow == dataflow
        (other,) = set(Dataflow) - {dataflow}
        everything = {field.name for field in fields(design)}
        assert set(FIELDS_OF[dataflow]) == everything - set(OWN_FIELDS[other])


def test_an_efficiency_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^dram_efficiency <= 1 must hold, got 1\.01$"):
        zcu104(dram_efficiency=1.01)
    assert zcu104(dram_efficiency=1).dram_efficiency == 1


@pytest.mark.parametrize("tiles", [0, 1])
def test_a_dynamic_buffer_of_less_than_two_tiles_is_refused(tiles: int) -> None:
    with pytest.raises(ValueError, match=rf"^dynamic_buffer_tiles >= 2 must hold, got {tiles}: "):
        zcu104(dynamic_buffer_tiles=tiles)
    assert zcu104(dynamic_buffer_tiles=3).dynamic_buffer_bytes == 3 * 1296


def test_the_zcu104_multiplies_1296_times_a_cycle() -> None:
    assert zcu104().macs_per_cycle == 16 * 9 * 9 == 1296


def test_the_64x64_array_multiplies_4096_times_a_cycle() -> None:
    assert vcu118().macs_per_cycle == 64 * 64 == 4096


def test_bytes_per_cycle_follow_bandwidth_and_clock() -> None:
    half_of_a_gb_per_s = {
        "dram_gb_per_s": 1.0,
        "dram_efficiency": 0.5,
        "port_bytes_per_cycle": 100.0,
    }
    assert zcu104(clock_mhz=100.0, **half_of_a_gb_per_s).bytes_per_cycle == 5
    assert zcu104(clock_mhz=200.0, **half_of_a_gb_per_s).bytes_per_cycle == 2.5


@given(accelerators())
def test_the_off_chip_rate_is_what_the_port_takes_and_the_memory_gives(
    accelerator: Accelerator,
) -> None:
    is_output_stationary = accelerator.dataflow == Dataflow.OUTPUT_STATIONARY
    port_mhz = accelerator.port_clock_mhz if is_output_stationary else accelerator.clock_mhz
    port_bytes_per_s = accelerator.port_bytes_per_cycle * port_mhz * 1e6
    memory_bytes_per_s = accelerator.dram_gb_per_s * accelerator.dram_efficiency * 1e9
    bytes_per_s = accelerator.bytes_per_cycle * accelerator.clock_mhz * 1e6
    assert bytes_per_s == pytest.approx(min(port_bytes_per_s, memory_bytes_per_s))


def test_buffers_hold_what_their_names_say() -> None:
    design = zcu104(persistent_buffer_kib=1.5, streaming_buffer_kib=3.0, output_buffer_kib=2.0)
    assert design.persistent_buffer_bytes == 1536
    assert design.dynamic_buffer_bytes == 2 * 1296
    assert design.resident_map_bytes == 2048
    assert replace(design, streaming_buffer_kib=1.0).resident_map_bytes == 1024
    assert replace(design, layer_by_layer=True).resident_map_bytes == 0


def test_what_is_there_to_prefetch_is_a_part_of_the_dynamic_buffer() -> None:
    assert (zcu104().prefetch_bytes, zcu104().prefetches) == (0, False)
    deeper = zcu104(dynamic_buffer_tiles=5)
    assert (deeper.prefetch_bytes, deeper.prefetches) == (3 * 1296, True)
    assert (vcu118().prefetch_bytes, vcu118().prefetches) == (0, False)
    other = vcu118(dynamic_buffer_kib=2.0, prefetch_buffer_kib=1.5)
    assert (other.prefetch_bytes, other.prefetches) == (1536, True)
    assert other.dynamic_buffer_bytes == 2048 + 1536


EMPTY = {"persistent_buffer_kib": 0, "streaming_buffer_kib": 0, "output_buffer_kib": 0}
KIB_OF_A_ROW = 512 * 9 * 9 / 1024  # of BRAM in a buffer of nine words of nine bytes: 40.5 KiB


@pytest.mark.parametrize(
    ("changes", "blocks", "expected"),
    [
        # 1296 MACs in 648 DSPs; two tiles of weights, 32 words, in a row of nine BRAM36.
        ({}, {}, (648, 9, 0)),
        # A Persistent Buffer takes URAM: 4,096 words in a row of nine, a byte more in two.
        ({"persistent_buffer_kib": 8 * KIB_OF_A_ROW}, {}, (648, 9, 9)),
        ({"persistent_buffer_kib": 8 * KIB_OF_A_ROW + 1 / 1024}, {}, (648, 9, 18)),
        # What two rows of URAM cannot hold goes to BRAM.
        ({"persistent_buffer_kib": 17.5 * KIB_OF_A_ROW}, {}, (648, 9 + 2 * 9, 18)),
        # Eight UltraRAMs make no row of nine.
        ({"persistent_buffer_kib": 8 * KIB_OF_A_ROW}, {"uram288": 8}, (648, 9 + 72, 0)),
        # The map buffers have rows of their own: of nine words, and of eight for 16 sums.
        ({"streaming_buffer_kib": 5, "output_buffer_kib": 3}, {}, (648, 9 + 9 + 8, 0)),
        ({"streaming_buffer_kib": 41, "output_buffer_kib": 33}, {}, (648, 9 + 18 + 16, 0)),
        # Past 100 BRAM36, maps spill into URAM, rows of nine in place of eight rows of BRAM.
        ({"streaming_buffer_kib": 11 * KIB_OF_A_ROW}, {}, (648, 100, 9)),
        ({"streaming_buffer_kib": 19 * KIB_OF_A_ROW}, {}, (648, 100, 18)),
        # A spill that finds no URAM stays, on a board that has none.
        ({"streaming_buffer_kib": 11 * KIB_OF_A_ROW}, {"uram288": 0}, (648, 108, 0)),
        ({"streaming_buffer_kib": 11 * KIB_OF_A_ROW}, {"uram288": 8}, (648, 100, 9)),
        # Tiles to prefetch into, 16 words each, take the URAM that the Persistent Buffer leaves.
        ({"dynamic_buffer_tiles": 3}, {}, (648, 9, 9)),
        ({"dynamic_buffer_tiles": 2 + 256}, {}, (648, 9, 9)),
        ({"dynamic_buffer_tiles": 2 + 257}, {}, (648, 9, 18)),
        ({"dynamic_buffer_tiles": 2 + 257, "persistent_buffer_kib": 32}, {}, (648, 18, 18)),
        # An odd number of MACs leaves half a DSP idle; one engine needs a word a cycle.
        ({"pe_kernels": 1, "pe_channels": 1}, {}, (5, 1, 0)),
    ],
)
def test_blocks_are_those_counted_by_hand(
    changes: dict[str, Any], blocks: dict[str, int], expected: tuple[int, int, int]
) -> None:
    board = device(**{"bram36": 100, "uram288": 18} | blocks)
    used = resources(zcu104(device=board, **EMPTY | changes))
    assert (used.dsp, used.bram36, used.uram288) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # 4096 MACs in 2048 DSPs; a word of weights has eight channels of each of 128 kernels.
        ({}, (2048, 0, 0)),
        ({"dynamic_buffer_kib": 512}, (2048, 128, 0)),
        ({"dynamic_buffer_kib": 513}, (2048, 256, 0)),
        ({"prefetch_buffer_kib": 12}, (2048, 0, 128)),
        ({"prefetch_buffer_kib": 2 * 4096 + 1}, (2048, 128, 256)),
        ({"dynamic_buffer_kib": 1025}, (2048, 256, 128)),
        # Maps are 16 words wide: 64 KiB in a row of BRAM.
        ({"streaming_buffer_kib": 64, "output_buffer_kib": 65}, (2048, 16 + 32, 0)),
        ({"streaming_buffer_kib": 64 * 17, "output_buffer_kib": 64 * 9}, (2048, 300, 16)),
    ],
)
def test_blocks_of_an_output_stationary_design_are_those_counted_by_hand(
    changes: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    board = device(bram36=300, uram288=256)
    used = resources(vcu118(device=board, **EMPTY | {"dynamic_buffer_kib": 0} | changes))
    assert (used.dsp, used.bram36, used.uram288) == expected


# Look-up tables and flip-flops of cores of AMD's DPU with high use of DSPs (PG338 v1.2, table 9).
DPU = {256: (20177, 31782), 800: (30877, 56267), 1152: (34379, 67481), 2048: (40865, 92630)}


@pytest.mark.parametrize("macs", DPU)
def test_the_fit_of_luts_and_flip_flops_is_as_close_as_is_said(macs: int) -> None:
    lut, ff = DPU[macs]
    assert -0.08 <= (LUT_OF_A_DESIGN + LUT_PER_MAC * macs) / lut - 1 <= 0.18
    assert -0.06 <= (FF_OF_A_DESIGN + FF_PER_MAC * macs) / ff - 1 <= 0.13


def lacked_by(design: Accelerator) -> list[str]:
    """The kinds of blocks that the design lacks, and the clock where it does not attain it."""
    reason = infeasible_reason(design)
    return [words.split(":")[0] for words in reason.split("; ") if words]


def test_a_shell_leaves_a_part_of_each_kind() -> None:
    board = Device(name="card", lut=10**5, ff=10**5, bram36=300, uram288=60, dsp=720)
    shelled = replace(board, shell_share=0.1)
    assert [shelled.left(kind) for kind in ("lut", "bram36", "uram288")] == [90_000, 270, 54]
    # Two of 272 BRAM36 spill, into a row of nine URAM288 beside the Persistent Buffer's 54.
    assert infeasible_reason(zcu104(device=board)) == ""
    assert (
        infeasible_reason(zcu104(device=shelled))
        == "uram288: needs 63, card leaves 54 beside its shell"
    )


@given(accelerators(), st.integers(2, 5))
def test_several_of_a_design_take_its_blocks_each_and_share_the_memory(
    design: Accelerator, count: int
) -> None:
    several = replace(design, device=replace(design.device, accelerators=count))
    one, all_of_them = resources(design), resources(several)
    for kind in ("dsp", "lut", "ff"):
        assert getattr(all_of_them, kind) == count * getattr(one, kind)
    part = replace(
        design.device,
        **{kind: getattr(design.device, kind) // count for kind in ("bram36", "uram288")},
    )
    of_part = resources(replace(design, device=part))
    assert all_of_them.bram36 == count * of_part.bram36
    assert all_of_them.uram288 == count * of_part.uram288
    each = design.dram_gb_per_s * design.dram_efficiency / count
    assert several.offchip_gb_per_s == min(design.port_gb_per_s, each)


def test_a_device_that_does_not_hold_several_says_how_many_there_are() -> None:
    two = zcu104(device=replace(zcu104().device, accelerators=2))
    assert infeasible_reason(two) == "uram288: needs 126 for 2 accelerators, ZCU104 has 96"
    with pytest.raises(ValueError, match="accelerators >= 1"):
        replace(zcu104().device, accelerators=0)


@pytest.mark.parametrize(
    ("design", "reason"),
    [
        (zcu104(clock_mhz=200.0), ""),
        (zcu104(clock_mhz=250.0), ""),
        (
            zcu104(clock_mhz=251.0),
            "clock: needs 251 MHz, 250 MHz is attainable at 38 % of dsp",
        ),
        (
            zcu104(pe_kernels=32, pe_channels=12, clock_mhz=201.0),
            "clock: needs 201 MHz, 200 MHz is attainable at 100 % of dsp",
        ),
        (zcu104(clock_mhz=250.0, logic_mhz=325.0), ""),
        (vcu118(clock_mhz=775.0), ""),
        (
            vcu118(clock_mhz=776.0),
            "clock: needs 776 MHz, 775 MHz is attainable by a DSP of VCU118",
        ),
        (
            vcu118(port_clock_mhz=326.0),
            "clock: needs 326 MHz, 325 MHz is attainable at 30 % of dsp",
        ),
    ],
)
def test_a_clock_that_a_design_does_not_attain_is_a_reason_not_to_fit(
    design: Accelerator, reason: str
) -> None:
    assert infeasible_reason(design) == reason
    assert (overrun(design) > 0) == bool(reason)


def test_what_is_known_to_run_is_attainable() -> None:
    """The designs of `timing`, each with what it takes of its whole device."""
    assert infeasible_reason(zcu104()) == ""  # SushiAccel in HLS at 100 MHz
    known = load_hardware("alveo_u50").space.base  # an array of 87 % of a U50's DSPs
    assert resources(known).dsp / known.device.dsp == pytest.approx(0.87, abs=0.005)
    assert infeasible_reason(replace(known, clock_mhz=275.0, logic_mhz=325.0)) == ""
    assert attainable_logic_mhz(vcu118(), 0.665) >= 300  # AMD's DPU on a K26: 66.5 % of the LUTs
    assert infeasible_reason(vcu118()) == ""  # port and buffers of the VCU118's array at 250 MHz
    assert array_mhz(vcu118()) >= 708.25
    largest_shell = replace(known.device, shell_share=0.129)  # the end of its plausible range
    assert infeasible_reason(replace(known, device=largest_shell)) == ""


@given(accelerators(), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_a_fuller_or_slower_device_attains_no_faster_clock(
    accelerator: Accelerator, share: float, more: float
) -> None:
    slower = replace(accelerator, device=replace(accelerator.device, speed_grade=1))
    attained = attainable_logic_mhz(accelerator, share)
    assert attainable_logic_mhz(accelerator, share + more) <= attained
    assert attainable_logic_mhz(slower, share) < attained
    assert array_mhz(slower) < array_mhz(accelerator)


def test_the_zcu104_takes_54_uram_and_fits() -> None:
    # Nine words wide are the Persistent Buffer, of 21,846 words in six rows of URAM; the Dynamic
    # Buffer, 32 words in one row of BRAM; the Streaming Buffer, 3,237 words in seven.  The Output
    # Buffer is eight words wide, 12,544 words in 25 rows.
    used = resources(zcu104())
    assert used.bram36 == 9 + 7 * 9 + 25 * 8 == 272
    assert used == Resources(
        dsp=648,
        lut=34_604,  # 19,700 + 11.5 * 1,296
        ff=69_935,
        bram36=272,
        uram288=6 * 9,
        device_share=272 / 312,
    )
    assert infeasible_reason(zcu104()) == ""


def test_the_vcu118_fits() -> None:
    assert infeasible_reason(vcu118()) == ""


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 0.9),  # of the DSPs
        ({"pe_kernels": 8, "streaming_buffer_kib": 40}, 0.45),
        ({"streaming_buffer_kib": 400}, 1.0),  # 90 BRAM36, nine of the Dynamic Buffer, one of maps
        ({"pe_kernels": 8, "persistent_buffer_kib": 900}, 0.75),  # 27 of 36 URAM288
        ({"pe_kernels": 32}, 1.8),
    ],
)
def test_the_device_share_is_that_of_the_scarcest_block(
    changes: dict[str, Any], share: float
) -> None:
    board = device(dsp=720, bram36=100, uram288=36)
    small = zcu104(device=board, **EMPTY | {"output_buffer_kib": 1} | changes)
    assert resources(small).device_share == share


@pytest.mark.parametrize(("kind", "taken"), [("lut", 34_604), ("ff", 69_935)])
def test_logic_counts_as_blocks_do(kind: str, taken: int) -> None:
    def on(count: int) -> Accelerator:
        return zcu104(device=device(dsp=10**4, bram36=10**4, uram288=10**4, **{kind: count}))

    assert resources(on(taken)).device_share == 1
    assert infeasible_reason(on(taken - 1)) == f"{kind}: needs {taken}, board has {taken - 1}"


def test_a_block_that_the_device_lacks_counts_only_where_it_is_needed() -> None:
    without = zcu104(device=device(uram288=0, bram36=1000), persistent_buffer_kib=64)
    assert resources(without).device_share == 1  # all of the DSPs
    lacking = replace(without, device=device(dsp=0, bram36=1000))
    assert resources(lacking).device_share == 1e9
    assert infeasible_reason(lacking) == "dsp: needs 648, board has 0"


def test_a_design_that_does_not_fit_says_all_that_is_missing() -> None:
    large = zcu104(
        device=device(dsp=647, bram36=100, uram288=9), persistent_buffer_kib=1024, clock_mhz=300.0
    )  # 18 rows of nine BRAM36 that a row of URAM leaves, one of the Dynamic Buffer
    assert infeasible_reason(large) == (
        "dsp: needs 648, board has 647; bram36: needs 171, board has 100; "
        "uram288: needs 45, board has 9; "
        "clock: needs 300 MHz, 200 MHz is attainable at 100 % of dsp"
    )


@given(
    accelerators(),
    st.builds(
        device, bram36=st.integers(0, 12), uram288=st.integers(0, 3), dsp=st.integers(0, 1200)
    ),
)
def test_blocks_hold_all_buffers_and_a_fit_is_a_share_of_at_most_one(
    accelerator: Accelerator, board: Device
) -> None:
    design = replace(accelerator, device=board)
    used = resources(design)
    assert used.dsp * DSP_BITS >= design.macs_per_cycle * design.multiplier_bits
    maps_kib = design.streaming_buffer_kib + design.output_buffer_kib
    buffer_bytes = design.persistent_buffer_bytes + design.dynamic_buffer_bytes + maps_kib * 1024
    words = used.bram36 * BRAM36_WORDS + used.uram288 * URAM288_WORDS
    assert words * TAPS_PER_ENGINE >= buffer_bytes
    assert ({*lacked_by(design)} <= {"clock"}) == (used.device_share <= 1)
    assert (infeasible_reason(design) == "") == (overrun(design) <= 0)


@given(accelerators(), st.floats(0.0, 200.0))
def test_a_larger_buffer_never_takes_less_of_the_device(
    accelerator: Accelerator, more_kib: float
) -> None:
    before = resources(replace(accelerator, device=device()))
    buffers = ["persistent_buffer_kib", "streaming_buffer_kib", "output_buffer_kib"]
    if accelerator.dataflow == Dataflow.OUTPUT_STATIONARY:
        buffers += ["dynamic_buffer_kib", "prefetch_buffer_kib"]
    for name in buffers:
        larger = replace(
            accelerator, device=device(), **{name: getattr(accelerator, name) + more_kib}
        )
        after = resources(larger)
        for kind, blocks in before.by_name.items():
            assert after.by_name[kind] >= blocks, (name, kind)


def fields_of(design: Accelerator) -> list[str]:
    """The fields that may be an axis of the design's dataflow."""
    return [name for name in AXIS_ORDER if name in FIELDS_OF[design.dataflow]]


def designs_of(each: Sequence[Accelerator], names: Sequence[str]) -> Designs:
    """The accelerators, which differ in the fields named at most."""
    return Designs(
        each[0], {name: np.array([getattr(one, name) for one in each]) for name in names}
    )


@st.composite
def alike(draw: st.DrawFn) -> tuple[list[Accelerator], Designs]:
    """Accelerators that differ in some fields, and the same as one."""
    board = draw(
        st.builds(
            device, bram36=st.integers(0, 12), uram288=st.integers(0, 3), dsp=st.integers(0, 1200)
        )
    )
    of_one_dataflow = draw(st.sampled_from([weight_stationary, output_stationary]))
    drawn = draw(st.lists(of_one_dataflow(device=board), min_size=1, max_size=5))
    varied = sorted(draw(st.sets(st.sampled_from(fields_of(drawn[0])), min_size=1)))
    each = [replace(drawn[0], **{name: getattr(one, name) for name in varied}) for one in drawn]
    return each, designs_of(each, varied)


@given(alike())
def test_what_many_designs_derive_is_what_each_derives(
    case: tuple[list[Accelerator], Designs],
) -> None:
    each, designs = case
    assert len(designs) == len(each)
    for name in (*fields_of(each[0]), *DERIVED):
        assert designs.column(name).tolist() == [getattr(one, name) for one in each]


@given(alike())
def test_many_designs_take_the_blocks_that_each_takes(
    case: tuple[list[Accelerator], Designs],
) -> None:
    each, designs = case
    used = [np.broadcast_to(blocks, len(each)).tolist() for blocks in astuple(resources(designs))]
    assert list(zip(*used, strict=True)) == [astuple(resources(one)) for one in each]
    assert infeasible_reasons(designs) == [infeasible_reason(one) for one in each]


@given(alike(), st.data())
def test_designs_are_chosen_by_place_or_by_mask_and_found_again(
    case: tuple[list[Accelerator], Designs], data: st.DataObject
) -> None:
    each, designs = case
    assert [designs.design(place) for place in range(len(each))] == each
    mask = data.draw(st.lists(st.booleans(), min_size=len(each), max_size=len(each)))
    places = [place for place, chosen in enumerate(mask) if chosen]
    for chosen in (np.array(mask), np.array(places, dtype=int)):
        some = designs.only(chosen)
        assert [some.design(place) for place in range(len(some))] == [each[p] for p in places]


@given(alike(), st.data())
def test_designs_with_another_value_differ_in_that_alone(
    case: tuple[list[Accelerator], Designs], data: st.DataObject
) -> None:
    each, designs = case
    name = data.draw(st.sampled_from(fields_of(each[0])))
    value = getattr(each[0], name) + 1
    values = np.array([value + place for place in range(len(each))])
    if name == "dram_efficiency":
        value, values = 0.5, np.linspace(0.1, 1.0, len(each))
    if name == "multiplier_bits":
        value, values = 4, np.array([4, 8, 16, 8, 4][: len(each)])
    one, several = designs.changed(**{name: value}), designs.changed(**{name: values})
    assert len(one) == len(several) == len(each)
    for place, design in enumerate(each):
        assert one.design(place) == replace(design, **{name: value})
        assert several.design(place) == replace(design, **{name: values[place].item()})
        assert designs.design(place) == design
