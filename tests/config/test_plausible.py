"""Values that stand with the range in which they are plausible, and the keys of a board."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sushi_dse.analysis.catalogue import device_facts, hardware_facts
from sushi_dse.config.boards import boards
from sushi_dse.config.hardware_file import HardwareFile, hardware_names, load_hardware
from sushi_dse.errors import UserError

Load = Callable[[str], HardwareFile]
EXTENDING = "extends: zcu104\n"
BLOCKS = "lut: 90000, bram36: 300, uram288: 90, dsp: 900"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A function that loads the hardware file of a text."""

    def of_text(text: str) -> HardwareFile:
        path = tmp_path / "my.yaml"
        path.write_text(text, encoding="utf-8")
        return load_hardware(path)

    return of_text


@pytest.mark.parametrize(
    ("line", "key", "value", "ends"),
    [
        ("mac_pj: {value: 12, plausible: [6, 15]}", "mac_pj", 12.0, (6.0, 15.0)),
        ("mac: {value: 12 pJ, plausible: [6 pJ, 15 pJ]}", "mac_pj", 12.0, (6.0, 15.0)),
        ("pe_kernels: {value: 8, plausible: [8, 8]}", "pe_kernels", 8, (8, 8)),
        ("launch_us: {value: 1 us, plausible: [0.5, 2 us]}", "launch_us", 1.0, (0.5, 2.0)),
    ],
)
def test_a_value_with_its_plausible_range_is_one_value_and_no_axis(
    load: Load, line: str, key: str, value: float, ends: tuple[float, float]
) -> None:
    file = load(EXTENDING + line)
    assert getattr(file.space.base, key) == value
    assert file.space.axes == ()
    doubt = file.space.doubts[key]
    assert (doubt.low, doubt.high) == ends
    assert doubt.error is None


@pytest.mark.parametrize(
    ("line", "key", "value", "error", "least"),
    [
        ("launch_us: {value: 67, error: 2}", "launch_us", 67.0, 2.0, 61.0),
        ("launch: {value: 1 ms, error: 2 us}", "launch_us", 1000.0, 2.0, 994.0),
        ("fill_cycles: {value: 0, error: 1, source: a fit}", "fill_cycles", 0.0, 1.0, 0.0),
        ("port_bytes_per_cycle: {value: 2, error: 9}", "port_bytes_per_cycle", 2.0, 9.0, 1e-6),
    ],
)
def test_a_fitted_value_stands_with_its_standard_error(
    load: Load, line: str, key: str, value: float, error: float, least: float
) -> None:
    file = load(EXTENDING + line)
    assert getattr(file.space.base, key) == value
    assert file.space.doubts[key].error == error
    assert file.space.doubts[key].low == pytest.approx(least)
    assert hardware_facts(str(file.path))[f"fitted {key}"] == file.space.doubts[key].said


def test_of_a_setting_either_reading_may_be_plausible(load: Load) -> None:
    file = load(EXTENDING + "pointwise_drain: {value: false, plausible: [false, true]}")
    assert file.space.base.pointwise_drain is False
    assert file.space.doubts["pointwise_drain"].is_reading
    assert "pointwise_drain" not in load(EXTENDING + "pointwise_drain: true").space.doubts


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("mac_pj: {value: 5, plausible: [6, 15]}", "2:17", "5 is outside its plausible range, 6 "),
        ("mac_pj: {value: 12, plausible: [15, 6]}", "2:32", "from 15 to 6 is reversed"),
        ("mac_pj: {value: 12, plausable: [6, 15]}", "2:21", "unknown key 'plausable' beside a "),
        ("mac_pj: {value: 12}", "2:9", "value and plausible are wanted, such as {value: 12"),
        ("mac_pj: {plausible: [6, 15]}", "2:9", "value and plausible are wanted"),
        ("mac_pj: {value: 12, plausible: 6}", "2:32", "two ends of a range are wanted"),
        ("mac_pj: {value: 12, plausible: [6]}", "2:32", "two ends of a range are wanted"),
        ("mac_pj: {value: 12, plausible: [6, false]}", "2:36", "a number is wanted, got false"),
        ("mac_pj: {value: [12], plausible: [6, 15]}", "2:17", "a number is wanted, got [12]"),
        ("mac_pj: {value: 12, plausible: [-6, 15]}", "2:33", "mac_pj >= 0 must hold, got -6"),
        (
            "dram_efficiency: {value: 0.9, plausible: [0.5, 1.2]}",
            "2:48",
            "dram_efficiency <= 1 must hold, got 1.2",
        ),
        (f"device: {{{BLOCKS}, shell_share: 1}}", "2:71", "0 <= shell_share < 1 must hold, got 1"),
        (f"device: {{{BLOCKS}, shell_share: [0.1]}}", "2:71", "shell_share: one number is wanted"),
        (
            f"device: {{{BLOCKS}, shell_share: {{from: 0, to: 0.2, step: 0.1}}}}",
            "2:71",
            "shell_share: one number is wanted",
        ),
        (
            f"device: {{{BLOCKS}, shell_share: {{value: 0.3, plausible: [0, 0.1]}}}}",
            "2:79",
            "0.3 is outside its plausible range, 0 to 0.1",
        ),
        (
            f"device: {{{BLOCKS}, speed_grade: 4}}",
            "2:71",
            "unknown speed_grade 4; write one of ",
        ),
        ("coding: vhdl", "2:9", "unknown coding 'vhdl'; "),
        ("mac_pj: {value: 5, plausible: [6, 15]}", "2:17", "widen the range, or correct the value"),
        ("mac_pj: {value: 12, error: -1}", "2:28", "0 <= error <= 1e+06 times the value must hold"),
        ("mac_pj: {value: 12, error: few}", "2:28", "few"),
        ("mac_pj: {value: 12, error: 1, plausible: [6, 15]}", "2:21", "keep one of them"),
        ("mac_pj: {value: 12, error: 1, source: 3}", "2:39", "a text is wanted, got 3"),
        ("pointwise_drain: 1", "2:18", "true or false is wanted, got 1"),
        ("pointwise_drain: [true, false]", "2:18", "true or false is wanted"),
        ("pointwise_drain: {value: true, plausible: [true, false]}", "2:43", "is reversed"),
        ("logic_mhz: [200, 250]", "2:12", "one number is wanted"),
        ("logic_mhz: {value: 0, plausible: [0, 9]}", "2:20", "logic_mhz > 0 must hold, got 0"),
    ],
)
def test_a_mistake_in_an_assumed_value_is_placed(
    load: Load, line: str, place: str, message: str
) -> None:
    with pytest.raises(UserError) as refused:
        load(EXTENDING + line)
    assert f"my.yaml:{place}: " in str(refused.value)
    assert message in str(refused.value)


def test_a_file_that_sets_another_value_leaves_the_range_of_its_base_behind(load: Load) -> None:
    assert "dram_efficiency" in load_hardware("zcu104").space.doubts
    assert "dram_efficiency" not in load(EXTENDING + "dram_efficiency: 0.95").space.doubts
    assert "output_buffer_kib" not in load_hardware("zcu104_space").space.doubts  # an axis


def test_a_board_of_ones_own_has_a_shell_a_grade_and_two_flip_flops_to_a_lut(load: Load) -> None:
    share = "shell_share: {value: 0.1, plausible: [0, 0.2]}"
    file = load(EXTENDING + f"device: {{{BLOCKS}, {share}, speed_grade: 3}}\ncoding: rtl")
    device = file.space.base.device
    assert (device.ff, device.shell_share, device.speed_grade) == (180_000, 0.1, 3)
    assert device.left("dsp") == 810
    assert file.space.doubts["shell_share"].high == 0.2
    assert file.space.base.logic_mhz == 325
    assert load(EXTENDING + "coding: hls\nlogic_mhz: 280").space.base.logic_mhz == 280
    assert load(EXTENDING + f"device: {{ff: 7, {BLOCKS}}}").space.base.device.ff == 7


def test_each_shipped_range_is_described() -> None:
    for name in hardware_names():
        facts = hardware_facts(name)
        for key, doubt in load_hardware(name).space.doubts.items():
            kind = "plausible" if doubt.error is None else "fitted"
            assert facts[f"{kind} {key}"] == doubt.said
            assert doubt.source or doubt.error is not None
    assert str(hardware_facts("zcu104")["plausible dram_pj_per_bit"]).startswith("10 to 40; ")


def test_each_shipped_board_has_two_flip_flops_to_a_lut_and_says_what_its_shell_takes() -> None:
    for name, board in boards().items():
        assert board.ff == 2 * board.lut
        facts = device_facts(name)
        assert facts["shell_share"] == board.shell_share.values[0]
        assert ("plausible shell_share" in facts) == (board.shell_share.doubt is not None)
