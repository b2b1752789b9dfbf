"""The power model against measured boards."""

from dataclasses import replace

import pytest

from sushi_dse.analysis.watts import LOADS, ULTRA96, beyond, busy_w, idle_w, measured_watts
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import flip_flops
from sushi_dse.model.energy import power
from tests.commands import Run
from tests.strategies import zcu104


@pytest.mark.parametrize("name", ["zcu104", "zcu104_measured", "kv260"])
def test_measured_boards_are_within_30_percent_but_for_a_network_pruned_to_half(name: str) -> None:
    rows = measured_watts(load_hardware(name).space.base)
    assert {row["board"] for row in rows} == {"Ultra96", "ZCU104", "ZCU102"}
    assert sum(row["state"] == "idle" for row in rows) == 3
    far = [row for row in rows if abs(float(str(row["error_percent"]))) > 30]
    for row in far:
        assert row["board"] == "Ultra96"
        assert str(row["state"]).startswith(
            ("ResNet-50 pruned to 50 %", "ResNet-50 pruned to 30 %")
        )
        assert abs(float(str(row["error_percent"]))) < 33
    assert beyond(rows).startswith(f"{len(rows) - len(far)} of {len(rows)} are within 30 %")
    assert beyond(rows[:1]) == "1 of 1 are within 30 %"


def design_of_one_core(board: Accelerator) -> Accelerator:
    """An array of 800 multipliers, as large as the core of the Ultra96, with no UltraRAM."""
    return replace(
        board, pe_kernels=800, pe_channels=1, clock_mhz=ULTRA96.clock_mhz, persistent_buffer_kib=0.0
    )


def test_a_core_idles_as_a_design_of_its_size_does() -> None:
    board = zcu104(bram36_mw=0.0)
    own = replace(design_of_one_core(board), pe_kernels=89)  # 801 multipliers: nine an engine
    assert flip_flops(own.macs_per_cycle) == pytest.approx(26_000 + 33.9 * 801)
    assert power(own).idle_w == pytest.approx(idle_w(ULTRA96, board), rel=2e-3)


def test_work_draws_its_macs_and_its_bytes_by_hand() -> None:
    load = LOADS[0]
    board = zcu104(mac_pj=10.0, dram_pj_per_bit=10.0)
    # 3.85e9 MACs of 10 pJ and 25.5e6 bytes of 80 pJ, 23.65 times a second.
    drawn = (38.5e-3 + 2.04e-3) * load.queries_per_s
    assert busy_w(load, board) - idle_w(load.core, board) == pytest.approx(drawn)


def test_the_command_prints_and_draws_it(
    tmp_path_factory: pytest.TempPathFactory, run: Run
) -> None:
    picture = tmp_path_factory.mktemp("watts") / "watts.svg"
    done = run("validate", "--power", "--plot", str(picture), "--format", "json")
    assert len(done.document["rows"]) == 3 + len(LOADS)
    text = picture.read_text(encoding="utf-8")
    assert "measured (W)" in text
    assert "Ultra96, idle" in text


def test_measurements_of_layers_are_no_measurements_of_power(run: Run) -> None:
    done = run("validate", "--power", "--measured", "nowhere.csv")
    assert (done.code, done.out) == (2, "")
    assert "leave --measured" in done.err
