import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import resources
from sushi_dse.model.cost import FIELDS, LayerCost
from sushi_dse.model.energy import (
    SRAM_BYTES,
    SRAM_READ_PJ_PER_BYTE,
    SRAM_WRITE_PJ_PER_BYTE,
    energy,
    power,
    sram_pj_per_byte,
    switch_buffer_mj,
)
from tests.strategies import accelerators, amounts, zcu104
from tests.tables import cell

NOTHING = LayerCost(*[0.0] * FIELDS)
TABLES = pytest.mark.parametrize(
    "pj_per_byte", [SRAM_READ_PJ_PER_BYTE, SRAM_WRITE_PJ_PER_BYTE], ids=["read", "write"]
)
costs = st.builds(LayerCost, *[st.integers(0, 10**7).map(float)] * FIELDS)
capacities = amounts(0.001, 1e8)


@TABLES
def test_the_table_is_met_at_its_points(pj_per_byte: tuple[float, ...]) -> None:
    for capacity_bytes, expected in zip(SRAM_BYTES, pj_per_byte, strict=True):
        assert sram_pj_per_byte(capacity_bytes, pj_per_byte) == pytest.approx(expected, rel=1e-12)


def test_the_table_is_that_of_cacti(facts: Path) -> None:
    with (facts / "cacti_sram.csv").open(encoding="utf-8") as file:
        rows = {
            int(row["size_bytes"]): (float(row["read_pJ_per_B"]), float(row["write_pJ_per_B"]))
            for row in csv.DictReader(file)
            if (row["port_bits"], row["tech_um"], row["cell"]) == ("64", "0.022", "itrs-hp")
        }
    ours = zip(SRAM_BYTES, SRAM_READ_PJ_PER_BYTE, SRAM_WRITE_PJ_PER_BYTE, strict=True)
    for capacity_bytes, read, write in ours:
        assert rows[capacity_bytes] == (read, write)
    for capacity_bytes, (read, write) in rows.items():  # those that lie between our points
        assert sram_pj_per_byte(capacity_bytes, SRAM_READ_PJ_PER_BYTE) == pytest.approx(
            read, rel=0.1
        )
        assert sram_pj_per_byte(capacity_bytes, SRAM_WRITE_PJ_PER_BYTE) == pytest.approx(
            write, rel=0.1
        )


@TABLES
@given(st.tuples(capacities, capacities).map(sorted))
def test_a_larger_memory_never_costs_less(
    pj_per_byte: tuple[float, ...], pair: list[float]
) -> None:
    smaller, larger = (sram_pj_per_byte(capacity, pj_per_byte) for capacity in pair)
    assert 0 < smaller <= larger * (1 + 1e-12)


@TABLES
def test_between_two_points_the_middle_is_their_geometric_mean(
    pj_per_byte: tuple[float, ...],
) -> None:
    middle = (SRAM_BYTES[0] * SRAM_BYTES[1]) ** 0.5
    expected = (pj_per_byte[0] * pj_per_byte[1]) ** 0.5
    assert sram_pj_per_byte(middle, pj_per_byte) == pytest.approx(expected)


@TABLES
def test_past_the_ends_the_nearest_segment_goes_on(pj_per_byte: tuple[float, ...]) -> None:
    above = pj_per_byte[-1] ** 2 / pj_per_byte[-2]
    assert sram_pj_per_byte(2 * SRAM_BYTES[-1], pj_per_byte) == pytest.approx(above)
    below = pj_per_byte[0] ** 2 / pj_per_byte[1]
    assert sram_pj_per_byte(SRAM_BYTES[0] / 2, pj_per_byte) == pytest.approx(below)


@TABLES
def test_a_memory_that_is_not_there_costs_nothing(pj_per_byte: tuple[float, ...]) -> None:
    assert sram_pj_per_byte(0, pj_per_byte) == 0


@pytest.mark.parametrize(
    ("cost", "macs", "expected"),
    [
        # A million bytes over a bus of 15 pJ/bit: 1e6 * 8 * 15 pJ = 0.12 mJ.
        ({"input_bytes": 6e5, "output_bytes": 4e5}, 0, (0.12, 0, 0)),
        # A million bytes from a Persistent Buffer of 512 KiB: 1.935 pJ each.
        ({"persistent_buffer_read_bytes": 1e6}, 0, (0, 1.935e-3, 0)),
        # From DRAM, and through a Dynamic Buffer of 4 KiB, written and read.
        (
            {"weight_bytes": 1e6, "dynamic_buffer_read_bytes": 1e6},
            0,
            (0.12, (0.157 + 0.168) * 1e-3, 0),
        ),
        # A Streaming Buffer of 32 KiB and an Output Buffer of 64 KiB.
        ({"streaming_buffer_read_bytes": 1e6}, 0, (0, 0.5e-3, 0)),
        ({"streaming_buffer_write_bytes": 1e6}, 0, (0, 0.405e-3, 0)),
        ({"output_buffer_bytes": 1e6}, 0, (0, (0.666 + 0.571) * 1e-3, 0)),
        ({}, 1e9, (0, 0, 0.3)),  # 1e9 MACs of 0.3 pJ
    ],
)
def test_each_cause_costs_what_hand_arithmetic_says(
    cost: dict[str, float], macs: float, expected: tuple[float, ...]
) -> None:
    accelerator = zcu104(
        pe_kernels=2048 // 9 + 1,  # two tiles of 2,052 bytes
        pe_channels=1,
        persistent_buffer_kib=512.0,
        streaming_buffer_kib=32.0,
        output_buffer_kib=64.0,
    )
    used, drawn = energy(accelerator, NOTHING._replace(**cost), macs, 1000), power(accelerator)
    parts = (used.offchip_mj, used.buffer_mj, used.mac_mj)
    assert parts == pytest.approx(expected, rel=2e-3)  # the Dynamic Buffer is 4,104 bytes
    assert (used.clock_mj, used.static_mj) == pytest.approx((drawn.clock_w, drawn.static_w))
    assert used.total_mj == pytest.approx(sum(parts) + drawn.idle_w)


@given(accelerators(), costs, st.integers(0, 10**10), amounts(0.0, 1e6))
def test_causes_add_up_and_none_is_negative(
    accelerator: Accelerator, cost: LayerCost, macs: int, latency_us: float
) -> None:
    used = energy(accelerator, cost, macs, latency_us)
    parts = (used.offchip_mj, used.buffer_mj, used.mac_mj, used.clock_mj, used.static_mj)
    assert min(parts) >= 0
    assert used.total_mj == pytest.approx(sum(parts), rel=1e-12)


@given(
    accelerators(),
    costs,
    st.sampled_from([name for name in LayerCost._fields if name.endswith("bytes")]),
    st.integers(1, 10**6),
)
def test_more_bytes_never_cost_less_and_off_chip_they_cost_more(
    accelerator: Accelerator, cost: LayerCost, name: str, more: int
) -> None:
    larger = cost._replace(**{name: getattr(cost, name) + more})
    before, after = (energy(accelerator, c, 0.0, 0.0).total_mj for c in (cost, larger))
    assert after >= before
    if name in ("weight_bytes", "input_bytes", "output_bytes"):
        assert after > before


@given(accelerators(), st.integers(1, 10**7))
def test_a_byte_from_the_persistent_buffer_costs_less_than_one_from_dram(
    accelerator: Accelerator, weight_bytes: int
) -> None:
    cold = energy(accelerator, NOTHING._replace(weight_bytes=float(weight_bytes)), 0.0, 0.0)
    warm = energy(accelerator, NOTHING._replace(cached_weight_bytes=float(weight_bytes)), 0.0, 0.0)
    assert warm.total_mj < cold.total_mj


def test_a_table_of_costs_is_a_table_of_energies() -> None:
    table = LayerCost(*np.arange(FIELDS * 6, dtype=float).reshape(FIELDS, 2, 3))
    macs, latency_us = np.full((2, 3), 7.0), np.full((2, 3), 5.0)
    used = energy(zcu104(), table, macs, latency_us)
    for s in range(2):
        for g in range(3):
            one = LayerCost(*(cell(field, s, g) for field in table))
            expected = energy(zcu104(), one, 7.0, 5.0).total_mj
            assert np.asarray(used.total_mj)[s, g] == pytest.approx(expected)


def test_a_switch_costs_the_writing_of_its_bytes() -> None:
    accelerator = zcu104(persistent_buffer_kib=512.0)
    assert switch_buffer_mj(accelerator, 2e6) == pytest.approx(2 * 1.599e-3)


def test_idle_power_is_that_of_device_memory_blocks_and_clock_by_hand() -> None:
    # 1.7 mW for each block RAM, 5 mW for each UltraRAM; 26,000 + 33.9 * 1,296 flip-flops of 0.1 pJ
    # at 200 MHz.
    board = zcu104(bram36_mw=1.7, uram288_mw=5.0, clock_mhz=200.0, static_w=1.0, memory_w=0.5)
    drawn, blocks = power(board), resources(board)
    assert drawn.static_w == pytest.approx(1.5 + 1.7e-3 * blocks.bram36 + 5e-3 * blocks.uram288)
    assert drawn.clock_w == pytest.approx(0.1e-12 * 69_934.4 * 200e6, rel=1e-4)
    assert drawn.idle_w == pytest.approx(drawn.static_w + drawn.clock_w)


@given(accelerators(), st.integers(2, 5))
def test_several_of_a_design_draw_the_power_of_their_board_once(
    design: Accelerator, count: int
) -> None:
    several = replace(design, device=replace(design.device, accelerators=count))
    blocks, drawn = resources(several), power(several)
    of_blocks = design.bram36_mw * blocks.bram36 + design.uram288_mw * blocks.uram288
    whole_w = design.static_w + design.memory_w + 1e-3 * of_blocks
    assert count * drawn.static_w == pytest.approx(whole_w)
    assert drawn.clock_w == power(design).clock_w


@given(accelerators(), st.sampled_from(["pe_kernels", "clock_mhz", "persistent_buffer_kib"]))
def test_a_larger_or_faster_design_draws_no_less_where_it_does_nothing(
    accelerator: Accelerator, name: str
) -> None:
    larger = replace(accelerator, **{name: 2 * getattr(accelerator, name)})
    assert power(larger).idle_w >= power(accelerator).idle_w


@pytest.mark.parametrize(
    "changes", [{"dram_pj_per_bit": 30.0}, {"mac_pj": 0.6}, {"static_w": 1.0}], ids=str
)
def test_a_dearer_part_costs_more(changes: dict[str, Any]) -> None:
    cost = NOTHING._replace(weight_bytes=1e6)
    cheap, dear = (
        energy(accelerator, cost, 1e6, 10.0).total_mj
        for accelerator in (zcu104(), replace(zcu104(), **changes))
    )
    assert dear > cheap
