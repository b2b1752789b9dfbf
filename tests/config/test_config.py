import json
import os
from contextlib import suppress
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.boards import boards
from sushi_dse.config.choices import MAX_VALUES, choices, read_count, read_number
from sushi_dse.config.document import MAX_BYTES, parse_document
from sushi_dse.config.hardware_file import hardware_names, load_hardware
from sushi_dse.config.hardware_keys import DATAFLOW_OF, STEMS, HardwareKeys
from sushi_dse.config.scalars import read_scalar
from sushi_dse.config.shipped import PACKAGE, shipped_folder
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import FIELDS_OF, Accelerator, Dataflow
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.model.calibration import FITTED
from tests.hardware_files import EXTENDING_BY, Load

EXTENDING = "extends: zcu104\n"


def refusal(name_or_path: str | Path) -> str:
    """The one line that refuses a hardware file."""
    with pytest.raises(UserError) as refused:
        load_hardware(name_or_path)
    line = str(refused.value)
    assert line.isprintable()
    return line


# --- what is shipped


@pytest.mark.parametrize("name", [n for n in hardware_names() if not n.endswith("_space")])
def test_a_shipped_board_is_one_design_that_fits(name: str) -> None:
    file = load_hardware(name)
    assert (file.name, file.space.base.name, len(file.space)) == (name, name, 1)
    assert infeasible_reason(file.space.base) == ""


@pytest.mark.parametrize(
    ("name", "further", "size", "fitting", "lacking"),
    [
        ("zcu104_space", {"output_buffer_kib"}, 3360, 2000, {"dsp", "clock"}),
        ("alveo_u50_space", set(), 960, 500, {"dsp", "uram288", "clock"}),
    ],
)
def test_a_shipped_space_has_many_designs_that_fit_and_some_that_do_not(
    name: str, further: set[str], size: int, fitting: int, lacking: set[str]
) -> None:
    space = load_hardware(name).space
    assert {axis.name for axis in space.axes} == further | {
        "pe_kernels",
        "pe_channels",
        "persistent_buffer_kib",
        "port_bytes_per_cycle",
        "clock_mhz",
    }
    reasons = [infeasible_reason(space.design(index)) for index in range(len(space))]
    assert len(space) == size
    assert reasons.count("") >= fitting
    assert lacking <= {word.rstrip(":") for reason in reasons for word in reason.split()}
    assert infeasible_reason(space.reference) == ""


def test_a_shipped_space_of_output_stationary_designs_has_hundreds_that_fit() -> None:
    space = load_hardware("vcu118_space").space
    assert space.base.dataflow == Dataflow.OUTPUT_STATIONARY
    assert len(space) == 648
    assert all(infeasible_reason(space.design(index)) == "" for index in range(len(space)))


@pytest.mark.parametrize(
    ("name", "space_name", "off"),
    [
        ("zcu104", "zcu104_space", set[str]()),
        ("alveo_u50", "alveo_u50_space", set[str]()),
        ("vcu118_64x64", "vcu118_space", {"clock_mhz"}),  # which vary around all four arrays
    ],
)
def test_the_board_itself_is_within_its_space(name: str, space_name: str, off: set[str]) -> None:
    design, space = load_hardware(name).space.base, load_hardware(space_name).space
    assert off <= {axis.name for axis in space.axes}
    for axis in space.axes:
        if axis.name in off:
            continue
        assert getattr(design, axis.name) in axis.values


def test_both_zcu104_files_share_the_measured_constants() -> None:
    measured, proper = (load_hardware(n).space.base for n in ("zcu104_measured", "zcu104"))
    fitted = [
        constant.name for constant in FITTED[measured.dataflow] if constant.name != "launch_us"
    ]
    for field in (*fitted, "dram_efficiency", "dram_gb_per_s", "clock_mhz"):
        assert getattr(measured, field) == getattr(proper, field)
    assert measured.layer_by_layer
    assert not proper.layer_by_layer
    assert measured.persistent_buffer_kib == 0


def test_every_shipped_hardware_file_is_known_by_name_and_says_what_it_is() -> None:
    assert hardware_names() == [
        "alveo_u50",
        "alveo_u50_space",
        "kv260",
        "v80",
        "vcu118_32x32",
        "vcu118_32x64",
        "vcu118_32x96",
        "vcu118_64x64",
        "vcu118_space",
        "zcu104",
        "zcu104_large_space",
        "zcu104_measured",
        "zcu104_space",
    ]
    for name in hardware_names():
        assert load_hardware(name).description
        assert all("assumption" in a or "sourced" in a for a in load_hardware(name).assumptions)


# Boards with one part that share a row of the facts, which gives the memory of the last.
OF_ONE_ROW = {"VCU118 / U200": ("VCU118", "Alveo U200"), "KV260": ("KR260", "K26", "KV260")}
WEAKLY_SOURCED = {"Alveo V80"}  # of which there is no row


def test_the_boards_are_those_of_the_facts(facts: Path) -> None:
    published = json.loads((facts / "fpga_devices.json").read_text())["devices"]
    rows = {name: fact for fact in published
            for name in OF_ONE_ROW.get(fact["name"], (fact["name"],))}  # fmt: skip
    assert rows.keys() == boards().keys() - WEAKLY_SOURCED
    assert all("weakly sourced" in boards()[name].source for name in WEAKLY_SOURCED)
    for name, fact in rows.items():
        board = boards()[name]
        for field in ("lut", "bram36", "uram288", "dsp"):
            assert getattr(board, field) == fact[field]
        assert fact["part"] in board.part
        if name != "VCU118":
            assert board.offchip_gb_per_s == fact["offchip_GBps"]
        if name == fact["name"]:
            assert (board.part, board.offchip) == (fact["part"], fact["offchip"])
        assert board.source


def test_the_keys_are_the_fields_of_an_accelerator() -> None:
    about = {"extends", "description", "assumptions", "evidence", "coding"}
    keys = set(HardwareKeys.model_fields) - {*about, *STEMS}
    assert keys == {field.name for field in fields(Accelerator)} - {"name"}
    assert set(STEMS.values()) < keys


def test_shipped_files_are_found_within_the_package_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shipped_folder("hwconfigs").is_dir()
    package = tmp_path / "sushi_dse"
    (package / "hwconfigs").mkdir(parents=True)
    (tmp_path / "workloads").mkdir()
    monkeypatch.setattr("sushi_dse.config.shipped.PACKAGE", package)
    assert PACKAGE.name == "sushi_dse"
    assert shipped_folder("hwconfigs") == package / "hwconfigs"
    assert shipped_folder("workloads") == tmp_path / "workloads"


# --- what a file may say


def test_a_file_that_does_not_describe_itself_says_what_it_changes(load: Load) -> None:
    zcu104 = load_hardware("zcu104").description
    assert load("extends: zcu104\n").description == f"zcu104. {zcu104}"
    described = load("extends: zcu104\nclock: 200 MHz\ndevice: KV260\n").description
    assert described == f"zcu104 with other clock, device. {zcu104}"


def test_a_file_extends_a_name_or_a_path_relative_to_itself(load: Load) -> None:
    Path("bases").mkdir()
    Path("bases/base.yaml").write_text("extends: ./deeper.yaml\nclock: 250 MHz\n")
    Path("bases/deeper.yaml").write_text("extends: zcu104\nclock_mhz: 50\nlaunch_us: 5\n")
    file = load("extends: bases/base.yaml\ndescription: Mine.\npe_kernels: 32\n")
    base = file.space.base
    assert (base.pe_kernels, base.clock_mhz, base.launch_us) == (32, 250, 5)
    assert (file.name, base.name, file.description) == ("my", "my", "Mine.")
    assert (file.assumptions, file.assumed_by) == (load_hardware("zcu104").assumptions, "zcu104")
    zcu104 = load_hardware("zcu104")
    assert len(file.sources) == 3 + len(zcu104.sources)
    assert set(zcu104.sources) < set(file.sources)


def test_the_order_of_keys_changes_no_design(load: Load) -> None:
    lines = ["extends: zcu104", "pe_kernels: [8, 16]", "launch: 2 us", "clock: [100 MHz, 1 GHz]"]
    there, back = load("\n".join(lines)), load("\n".join(reversed(lines)))
    assert there.space == back.space


@pytest.mark.parametrize("stem", STEMS)
def test_a_text_with_a_unit_stands_under_the_key_with_or_without_its_suffix(
    stem: str, load: Load
) -> None:
    field = STEMS[stem]
    text = {"mhz": "128 MHz", "gb_per_s": "16 GB/s", "kib": "0.125 MiB", "us": "128000 ns",
            "pj": "0.5 pJ", "w": "500 mW"}[field.removeprefix(f"{stem}_")]  # fmt: skip
    extending = EXTENDING_BY[DATAFLOW_OF.get(field, Dataflow.WEIGHT_STATIONARY)]
    with_suffix = getattr(load(f"{extending}{field}: {text}").space.base, field)
    without = getattr(load(f"{extending}{stem}: {text}").space.base, field)
    bare = getattr(load(f"{extending}{field}: {with_suffix}").space.base, field)
    assert with_suffix == without == bare


def test_a_list_and_a_range_make_a_search_space(load: Load) -> None:
    space = load(
        f"{EXTENDING}"
        "pe_kernels: {from: 4, to: 64, step: 4}\n"
        "persistent_buffer: {from: 256 KiB, to: 8 MiB, factor: 2}\n"
        "dram: [19.2 GB/s, 4.8 GB/s]\n"
        "clock_mhz: [150]\n"
        "launch_us: {from: 0.1, to: 0.3, step: 0.1}\n"
    ).space
    assert {axis.name: axis.values for axis in space.axes} == {
        "pe_kernels": tuple(range(4, 65, 4)),
        "persistent_buffer_kib": (256, 512, 1024, 2048, 4096, 8192),
        "dram_gb_per_s": (19.2, 4.8),
        "launch_us": (0.1, 0.2, 0.3),
    }
    assert space.base.clock_mhz == 150


def test_a_device_may_be_described_in_the_file(load: Load) -> None:
    device = load(f"{EXTENDING}device: {{lut: 9, bram36: 8, uram288: 0, dsp: 7}}").space.base.device
    assert (device.name, device.lut, device.bram36) == ("my", 9, 8)
    assert (device.uram288, device.dsp) == (0, 7)


def test_only_a_device_by_name_makes_the_table_of_boards_a_source(load: Load) -> None:
    base = load_hardware("zcu104").space.base
    keys = {name: getattr(base, name) for name in FIELDS_OF[base.dataflow]
            if name not in ("name", "device")}  # fmt: skip
    whole = "".join(f"{key}: {str(value).lower()}\n" for key, value in keys.items())
    inline = load(f"{whole}device: {{lut: 9, bram36: 8, uram288: 7, dsp: 6}}")
    named = load(f"{whole}device: KV260")
    assert (len(inline.sources), len(named.sources)) == (1, 2)
    assert "KV260" in named.sources[1]


@given(st.integers(1, 50), st.integers(0, 200), st.integers(1, 20))
def test_a_range_by_step_is_pythons_with_its_end_included(first: int, span: int, step: int) -> None:
    entries = {"from": first, "to": first + span, "step": step}
    assert choices(entries, read_count) == tuple(range(first, first + span + 1, step))


@given(st.integers(1, 999), st.integers(0, 30), st.integers(1, 999))
def test_a_decimal_range_reaches_its_end(first: int, steps: int, step: int) -> None:
    tenths = [Decimal(first + i * step) / 10 for i in range(steps + 1)]
    entries = {"from": float(tenths[0]), "to": float(tenths[-1]), "step": step / 10}
    assert choices(entries, read_number) == tuple(float(tenth) for tenth in tenths)


@given(st.integers(1, 50), st.integers(1, 10**5), st.integers(2, 9))
def test_a_range_by_factor_holds_every_power_up_to_its_end(
    first: int, last: int, factor: int
) -> None:
    last = max(first, last)
    values = choices({"from": first, "to": last, "factor": factor}, read_count)
    assert values == tuple(first * factor**i for i in range(len(values)))
    assert values[-1] <= last < values[-1] * factor


# --- what is refused, and where


@pytest.mark.parametrize(
    ("lines", "place", "wrong"),
    [
        ("pe_kernel: 16", "2:1", "unknown key 'pe_kernel'; did you mean 'pe_kernels'?"),
        ("clock_ghz: 1", "2:1", "unknown key 'clock_ghz'; did you mean 'clock_mhz'?"),
        ("name: mine", "2:1", "unknown key 'name'; known: "),
        ("<<: {a: 1}", "2:1", "unknown key '<<'; known: "),
        # a value without its unit, or with one that does not fit
        ("clock: 100", "2:8", "write 'clock: 100 MHz' or 'clock_mhz: 100'"),
        ("dram: 19.2", "2:7", "write 'dram: 19.2 GB/s' or 'dram_gb_per_s: 19.2'"),
        ("clock: [100 MHz, 200]", "2:18", "write 'clock: 200 MHz' or 'clock_mhz: 200'"),
        ("clock: {from: 1 MHz, to: 9, step: 1 MHz}", "2:26", "write 'clock: 9 MHz'"),
        ("clock: 100 MB", "2:8", "clock: '100 MB' is a size where a frequency is wanted"),
        ("clock_mhz: 100 mhz", "2:12", "unknown unit 'mhz'; did you mean 'MHz'?"),
        ("persistent_buffer: 19.2 GB/s", "2:20", "is a bandwidth where a size is wanted"),
        ("clock_mhz: '100'", "2:12", "'100' has no unit; write '100 MHz'"),
        ("clock_mhz: 9\nclock: 9 MHz", "3:1", "'clock' and 'clock_mhz' are two forms of one key"),
        # wrong types
        ("pe_kernels: abc", "2:13", "pe_kernels: a whole number is wanted, got 'abc'"),
        ("pe_kernels: 16.0", "2:13", "pe_kernels: a whole number is wanted, got 16.0"),
        ("pe_kernels: true", "2:13", "pe_kernels: a whole number is wanted, got true"),
        ("pe_kernels: [[4, 8], 16]", "2:14", "pe_kernels: a whole number is wanted, got [4, 8]"),
        ("fill_cycles: abc", "2:14", "fill_cycles: a number is wanted, got 'abc'"),
        ("clock: true", "2:8", "clock: a number is wanted, got true"),
        ("evidence: conv", "2:11", "evidence: kinds of layers are wanted, as conv3x3: measured"),
        ("evidence: {cnv: measured}", "2:12", "unknown kind of layers 'cnv'; write conv, grouped"),
        ("evidence: {fc1x1: measured}", "2:12", "unknown kind of layers 'fc1x1'"),
        ("evidence: {fc: measurd}", "2:16", "unknown evidence 'measurd'; write measured, same"),
        (
            "evidence: {fc: assumed}\nclock_mhz: [1, 2]",
            "2:1",
            "a design that was measured, and this",
        ),
        ("layer_by_layer: 1", "2:17", "layer_by_layer: true or false is wanted, got 1"),
        ("layer_by_layer: [true, false]", "2:17", "true or false is wanted, got [True, False]"),
        ("description: 5", "2:14", "description: a text is wanted, got 5; put it in quotes"),
        ("description: [a]", "2:14", "description: a text is wanted, got ['a']"),
        ("assumptions: abc", "2:14", "assumptions: a list is wanted, got 'abc'"),
        ("assumptions: [a, 1]", "2:18", "assumptions: a text is wanted, got 1; put it in quotes"),
        ("device: [a]", "2:9", "device: a mapping of keys to values is wanted, got ['a']"),
        ("dataflow: 5", "2:11", "unknown dataflow 5; known: output-stationary, weight-stationary"),
        (
            "dataflow: weight_stationary",
            "2:11",
            "unknown dataflow 'weight_stationary'; did you mean 'weight-stationary'?",
        ),
        ("dataflow: [weight-stationary]", "2:11", "unknown dataflow ['weight-stationary']; "),
        ("pointwise_drain: 1", "2:18", "pointwise_drain: true or false is wanted, got 1"),
        ("device: ZCU105", "2:9", "unknown device 'ZCU105'; did you mean 'ZCU104'?"),
        ("device: ZCU105", "2:9", "a board of your own is {lut: ..., bram36: ..., uram288: "),
        ("device: {lut: 1}", "2:9", "the key 'bram36' is missing here; add it"),
        ("device: {}", "2:9", "the key 'lut' is missing here; add it"),
        (
            "device: {lut: 1, bram36: 1, uram288: -1, dsp: 1}",
            "2:38",
            "uram288 >= 0 must hold, got -1",
        ),
        ("device: {lut: 1, bram: 1}", "2:18", "unknown key 'bram'; did you mean 'bram36'?"),
        # zero, negative, too large
        ("pe_kernels: 0", "2:13", "pe_kernels > 0 must hold, got 0"),
        ("pe_kernels: [4, 8, 0]", "2:20", "pe_kernels > 0 must hold, got 0"),
        ("persistent_buffer: -1 MiB", "2:20", "persistent_buffer_kib >= 0 must hold, got -1024.0"),
        ("launch_us: -1", "2:12", "launch_us >= 0 must hold, got -1.0"),
        ("dram_efficiency: 1.5", "2:18", "dram_efficiency <= 1 must hold, got 1.5"),
        ("recache_every_queries: 8", "2:1", "unknown key 'recache_every_queries'; known:"),
        ("pe_kernels: 99999999999", "2:13", "write 1000000000 at most"),
        ("pe_kernels: 9999999999999999", "2:13", "write 15 digits at most"),
        # lists and ranges
        ("pe_kernels: []", "2:13", "pe_kernels: the list is empty; write a value"),
        ("pe_kernels: [4, 8, 4]", "2:20", "pe_kernels: 4 is offered twice; keep one of them"),
        ("pe_kernels: {from: 4, to: 64}", "2:13", "from, to and either step or factor"),
        ("pe_kernels: {from: 4, step: 64}", "2:13", "from, to and either step or factor"),
        ("pe_kernels: {from: 4, to: 6, step: 1, factor: 2}", "2:13", "either step or factor"),
        ("pe_kernels: {from: 4, to: 64, stp: 4}", "2:31", "unknown key 'stp' of a range"),
        ("pe_kernels: {from: 4, to: 64, step: 0}", "2:37", "step > 0 must hold, got 0"),
        ("pe_kernels: {from: 4, to: 64, factor: 1}", "2:39", "factor > 1 must hold, got 1"),
        ("pe_kernels: {from: 4, to: 64, factor: abc}", "2:39", "a number is wanted, got 'abc'"),
        ("pe_kernels: {from: 0, to: 64, factor: 2}", "2:20", "from > 0 must hold, got 0"),
        ("pe_kernels: {from: 64, to: 4, step: 4}", "2:28", "from <= to must hold, got 64 and 4"),
        ("pe_kernels: {from: 4, to: 20, factor: 1.5}", "2:39", "leads to 13.5, which is no whole"),
        ("launch_us: {from: 0, to: 1, step: 0.0000001}", "2:35", f"over {MAX_VALUES} values"),
        # what YAML reads otherwise than it looks
        (
            "pe_kernels: 010",
            "2:13",
            "010 has a leading zero, which YAML may read as octal; write 10",
        ),
        ("pe_kernels: 1e9", "2:13", "write 1000000000 or 1.0e+9"),
        ("layer_by_layer: no", "2:17", "YAML reads no as true or false; write that, or 'no'"),
        ("description: on", "2:14", "YAML reads on as true or false"),
        ("launch_us: 1:30", "2:12", "YAML reads 1:30 in base 60"),
        ("launch_us: .nan", "2:12", ".nan is not finite"),
        ("launch_us: -.inf", "2:12", "-.inf is not finite"),
        ("launch_us: 1.0e+999", "2:12", "1.0e+999 is not finite"),
        ("pe_kernels: 0x10", "2:13", "0x10 is not decimal"),
        ("launch_us: 1_000", "2:12", "1_000 has an underscore; write 1000"),
        ("pe_kernels:", "2:12", "no value is given; write one or leave the key out"),
        ("pe_kernels: null", "2:13", "no value is given"),
        ("pe_kernels: 8\npe_kernels: 8", "3:1", "duplicate key 'pe_kernels', given in line 2"),
        ("pe_kernels: &a 8\npe_channels: *a", "2:13", "anchors and aliases are refused"),
        ("pe_channels: *a", "2:14", "anchors and aliases are refused"),
        ("pe_kernels: !!int 8", "2:13", "the tag tag:yaml.org,2002:int is refused"),
        ("? [a]\n: 1", "2:3", "a key must be a word"),
        ("device: " + "[" * 20, "2:24", "is nested more than 16 levels deep"),
        # what is no YAML
        ("pe_kernels: a: b", "2:14", "mapping values are not allowed in this context"),
        ("\tpe_kernels: 8", "2:1", "found a tab character that violates indentation"),
        ("---\npe_kernels: 8", "2:1", "found another document"),
        ("clock: \x07", "2:8", "holds a control character"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    lines: str, place: str, wrong: str, load: Load
) -> None:
    with pytest.raises(UserError) as refused:
        load(EXTENDING + lines)
    message = str(refused.value)
    assert message.startswith(f"my.yaml:{place}: ")
    assert wrong in message
    assert message.isprintable()


def test_the_first_mistake_in_the_file_is_the_one_that_is_told(load: Load) -> None:
    lines = ["pe_kernels: 0", "device: {lut: 1}", "clock: 5", "pe_chanels: 9"]
    for start, place in enumerate(["2:13", "2:9", "2:8", "2:1"]):
        with pytest.raises(UserError, match=f"my.yaml:{place}: "):
            load(EXTENDING + "\n".join(lines[start:]))


def test_a_misspelled_key_is_told_before_the_key_that_is_missing_for_it(load: Load) -> None:
    with pytest.raises(UserError, match=r"2:26: unknown key 'bram'; did you mean 'bram36'"):
        load(EXTENDING + "device: {lut: 1, dsp: 1, bram: 1, uram288: 1}")


def test_keys_that_no_file_of_the_chain_gives_are_named(load: Load) -> None:
    Path("base.yaml").write_text("clock: 100 MHz\n")
    with pytest.raises(UserError) as refused:
        load("extends: ./base.yaml\npe_kernels: 16\n")
    assert str(refused.value).startswith(
        "my.yaml: missing: device, coding, pe_channels, port_bytes_per_cycle, dram_gb_per_s, "
    )
    assert "extends: NAME" in str(refused.value)


@pytest.mark.parametrize(
    ("extends", "wrong"),
    [
        ("zcu14", "extends: unknown hardware 'zcu14'; did you mean 'zcu104'?"),
        ("./gone.yaml", "extends: gone.yaml: no such file"),
        ("./", "extends: .: is a folder; name a YAML file"),
        ("./my.yaml", "extends: my.yaml leads back to itself; extend another file"),
        ('"a\\0/b.yaml"', "is no path; name a YAML file"),
    ],
)
def test_a_base_that_cannot_be_had_is_told_where_it_is_named(
    extends: str, wrong: str, load: Load
) -> None:
    with pytest.raises(UserError) as refused:
        load(f"pe_kernels: 16\nextends: {extends}\n")
    assert str(refused.value).startswith("my.yaml:2:10: ")
    assert wrong in str(refused.value)


def test_files_that_extend_each_other_are_refused_where_the_circle_closes(load: Load) -> None:
    Path("other.yaml").write_text("pe_kernels: 8\nextends: ../here/my.yaml\n")
    Path("../here").symlink_to(Path.cwd())
    with pytest.raises(UserError, match=r"^other\.yaml:2:10: extends: .* leads back to itself"):
        load("extends: ./other.yaml\n")


def test_a_mistake_in_a_base_is_told_in_the_base(load: Load) -> None:
    Path("base.yaml").write_text("extends: zcu104\n\nclock: 100\n")
    with pytest.raises(UserError, match=r"^base\.yaml:3:8: "):
        load("extends: ./base.yaml\nclock: 200 MHz\n")


def test_a_space_that_64_bits_cannot_number_is_refused(load: Load) -> None:
    every = "{from: 1, to: 10000, step: 1}"
    with pytest.raises(UserError, match=r"^my\.yaml: at most .* designs .*; offer fewer values"):
        load(f"{EXTENDING}pe_kernels: {every}\npe_channels: {every}\nclock_mhz: {every}\n"
             f"launch_us: {every}\nmac_pj: {every}\n")  # fmt: skip


# --- names and files


def test_an_unknown_name_is_told_the_near_ones() -> None:
    assert refusal("zcu14") == "unknown hardware 'zcu14'; did you mean 'zcu104'?"
    assert refusal("devices").startswith("unknown hardware 'devices'; known: alveo_u50, ")
    assert refusal("").startswith("unknown hardware ''; known: ")


def test_a_name_that_is_a_file_of_the_users_is_told_how_to_write_its_path(load: Load) -> None:
    Path("mine").write_text(EXTENDING)
    assert refusal("mine").endswith("; your own file is ./mine")
    assert load_hardware("./mine").space.base.pe_kernels == 16


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "my.yaml: is empty; write 'key: value' lines"),
        (b"# nothing\n\n", "my.yaml: is empty; write 'key: value' lines"),
        (b"- a\n", "my.yaml:1:1: a mapping is wanted; write 'key: value' lines"),
        (b"zcu104", "my.yaml:1:1: a mapping is wanted; write 'key: value' lines"),
        (bytes(range(1, 256)), "my.yaml: is no text, its byte 127 is no UTF-8; name a YAML file"),
        (b"a: 1\nb: \x00", "my.yaml:2:4: holds a control character; name a YAML file in UTF-8"),
        (b"\xff\xfea\0", "my.yaml: is no text, its byte 0 is no UTF-8; name a YAML file"),
        (b"#" * (MAX_BYTES + 1), f"my.yaml: is larger than {MAX_BYTES} bytes; name a YAML file"),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused(
    content: bytes, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_bytes(content)
    assert refusal("my.yaml").startswith(wrong)


def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for path, wrong in [
        (tmp_path / "gone.yaml", f"{tmp_path}/gone.yaml: no such file"),
        (tmp_path, f"{tmp_path}: is a folder"),
        (tmp_path / "file/my.yaml", "cannot be read: Not a directory"),
        (tmp_path / ("x" * 300 + ".yaml"), "cannot be read: File name too long"),
        (tmp_path / "a\n\udc80.yaml", "a\\n\\udc80.yaml: no such file"),
    ]:
        assert refusal(path).endswith(f"{wrong}; name a YAML file")

    def refuse(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "open", refuse)
    assert refusal("my.yaml") == "my.yaml: may not be read; change its permissions"


def test_a_byte_order_mark_and_the_line_ends_of_other_systems_are_read(load: Load) -> None:
    load(EXTENDING)
    Path("my.yaml").write_bytes(b"\xef\xbb\xbfextends: zcu104\r\nclock: 1\r\n")
    assert refusal("my.yaml").startswith("my.yaml:2:8: ")


# --- scalars and documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("16", 16), ("-3", -3), ("+3", 3), ("0.5", 0.5), ("-.5", -0.5), ("5.", 5.0),
        ("1.0e+9", 1e9), ("1.5E-3", 0.0015), ("0.10526315789473684", 0.10526315789473684),
        ("true", True), ("False", False), ("1.5 MiB", "1.5 MiB"), ("nano", "nano"),
        ("-999999999999999", -999999999999999), ("no way", "no way"),
        ("2024-01-01", "2024-01-01"), ("y", "y"), ("0.65x", "0.65x"),
    ],
)  # fmt: skip
def test_a_scalar_that_yaml_reads_as_it_looks_is_read(text: str, value: object) -> None:
    read = read_scalar(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("1e9", "1000000000 or 1.0e+9"),
        ("1E-3", "0.001 or 1.0e-3"),
        ("1.5e3", "1500 or 1.5e+3"),
        ("-2e3", "-2000 or -2.0e+3"),
        (".5e3", "500 or .5e+3"),
        ("1e30", "1.0e+30"),
        ("010", "10"),
        ("-007.50", "-7.50"),
        ("08", "8"),
        ("1_0.5", "10.5"),
    ],
)
def test_a_number_that_yaml_misreads_is_refused_with_one_that_is_read(
    text: str, mended: str
) -> None:
    with pytest.raises(ValueError, match=r"write ") as refused:
        read_scalar(text)
    assert str(refused.value).endswith(f"write {mended}")
    for form in mended.split(" or "):
        assert read_scalar(form) == float(text.replace("_", ""))


@pytest.mark.parametrize(
    "text",
    ["", "~", "NULL", "Yes", "NO", "On", "OFF", "nan", "-Inf", ".NaN", "infinity", "1e999",
     "9" * 400 + ".0", "0o17", "0b11", "-0xFF", "12:30:45", "1:30.5", "1__0"],
)  # fmt: skip
def test_a_scalar_that_is_not_what_it_looks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"; write "):
        read_scalar(text)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**14), 10**14))
def test_a_number_as_python_and_yaml_write_it_is_read_back(number: float, count: int) -> None:
    assert read_scalar(str(count)) == count
    text = repr(number)
    if "e" not in text:
        assert read_scalar(text) == number


@given(st.text(alphabet="ab:- {}[]'\"&*!?|>#%@\n\t0123456789.e_,<=", max_size=60))
def test_any_text_is_a_document_or_a_one_line_error(text: str) -> None:
    with suppress(UserError):
        document = parse_document(Path("my.yaml"), text)
        assert set(document.key_marks) <= set(document.value_marks)
        assert isinstance(document.content, dict)
