import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.errors import UserError
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.files import YAML_SUFFIXES
from sushi_dse.files import write_named as write_text
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.interchange.chosen import Chosen, chosen_design
from sushi_dse.interchange.exports import FORMATS, hardware_yaml
from sushi_dse.interchange.hls import hls_header
from sushi_dse.interchange.timeloop_out import timeloop_architecture
from sushi_dse.store.run import RUN_FILE, SCHEMA_VERSION, Run
from tests import paths
from tests.strategies import (
    accelerators,
    output_stationary,
    printable_text,
    weight_stationary,
    zcu104,
)

TINY = str(paths.TINY)
KIB = 1024
VERSIONS = f'{{"schema_version": {SCHEMA_VERSION}, "model_version": 1, "inputs": %s}}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(scope="module")
def run(folder: Path) -> tuple[Path, SearchSpace]:
    """A folder with the `run.json` of a sweep, and the space that was swept."""
    experiment = load_experiment(TINY, "resnet18_cifar10", "independent", queries=2)
    (folder / RUN_FILE).write_bytes(Run(inputs=experiment.inputs).content)
    return folder, experiment.space


def chosen(design: Accelerator, *assumptions: str) -> Chosen:
    return Chosen(accelerator=design, origin="Design 3 of mine", assumptions=assumptions)


# --- which design


def test_a_design_of_results_is_that_of_the_space_that_was_swept(
    run: tuple[Path, SearchSpace],
) -> None:
    path, space = run
    for number in range(space.size):
        assert chosen_design(str(path), number).accelerator == space.design(number)
    with pytest.raises(UserError, match=r"has no design 12; they are 0 to 11$"):
        chosen_design(str(path), 12)
    with pytest.raises(UserError, match=r"has 12 designs; name one, --design 0 to 11$"):
        chosen_design(str(path), None)


def test_a_design_of_a_hardware_file_needs_a_number_only_where_there_are_several() -> None:
    assert chosen_design("zcu104", None).accelerator == load_hardware("zcu104").space.base
    assert chosen_design("zcu104", None).assumptions == load_hardware("zcu104").assumptions
    assert chosen_design(TINY, 7).accelerator == load_hardware(TINY).space.design(7)
    with pytest.raises(UserError, match="did you mean 'zcu104'"):
        chosen_design("zcu105", None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"inputs": 3}', "[" * 100_000, "\xff", VERSIONS % "{}",
     VERSIONS % '{"hardware": {"base": {}, "axes": {}}}',
     VERSIONS % '{"hardware": {"base": {"device": {"x": 1}}, "axes": {}}}'],
)  # fmt: skip
def test_a_broken_run_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(text)
    with pytest.raises(UserError, match=r"run\.json: is broken"):
        chosen_design(str(tmp_path), 0)


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no run\.json; name the folder of a sweep"):
        chosen_design(str(tmp_path), 0)


# --- our own YAML


@given(accelerators(), st.lists(printable_text()))
def test_a_design_as_yaml_reads_back_to_the_same_accelerator(
    folder: Path, design: Accelerator, assumptions: list[str]
) -> None:
    path = folder / "mine.yaml"
    path.write_text(hardware_yaml(chosen(design, *assumptions)), encoding="utf-8")
    file = load_hardware(path)
    assert file.space.size == 1
    assert replace(file.space.base, name=design.name) == design
    assert (file.name, file.assumptions) == ("mine", tuple(assumptions))


# --- Timeloop


class Loader(yaml.SafeLoader):
    """Reads what Timeloop does: nodes with tags."""


def node(loader: Loader, tag: str, value: Any) -> dict[str, Any]:
    return {"tag": tag} | {str(k): v for k, v in loader.construct_mapping(value, deep=True).items()}


Loader.add_multi_constructor("!", node)


@given(weight_stationary(multiplier_bits=8))
def test_a_timeloop_architecture_has_the_array_and_the_buffers_in_its_units(
    design: Accelerator,
) -> None:
    text = timeloop_architecture(chosen(design))
    architecture = yaml.load(text, Loader=Loader)["architecture"]
    assert architecture["version"] == 0.4
    nodes = {entry["name"]: entry for entry in architecture["nodes"]}
    assert list(nodes)[-1] == "mac"
    meshes = [entry["spatial"] for entry in nodes.values() if "spatial" in entry]
    count = 1
    for mesh in meshes:
        count *= mesh.get("meshX", 1) * mesh.get("meshY", 1)
    assert count == design.macs_per_cycle
    sizes = {
        "persistent_buffer": design.persistent_buffer_bytes,
        "streaming_buffer": int(design.streaming_buffer_kib * KIB),
        "output_buffer": int(design.output_buffer_kib * KIB),
        "dynamic_buffer": design.dynamic_buffer_bytes,
    }
    for name, size_bytes in sizes.items():
        assert (name in nodes) == (size_bytes > 0)
        if size_bytes:
            attributes = nodes[name]["attributes"]
            assert attributes["depth"] * attributes["width"] == size_bytes * 8
    dram = nodes["DRAM"]["attributes"]
    cycle_s = nodes["system"]["attributes"]["global_cycle_seconds"]
    assert dram["shared_bandwidth"] == design.bytes_per_cycle
    assert dram["shared_bandwidth"] / cycle_s == pytest.approx(design.offchip_gb_per_s * 1e9)


@given(output_stationary())
def test_timeloop_refuses_an_output_stationary_design_in_one_line(design: Accelerator) -> None:
    with pytest.raises(UserError) as refused:
        timeloop_architecture(chosen(design))
    assert str(refused.value) == (
        "Design 3 of mine is output-stationary, and the timeloop export speaks of "
        "weight-stationary designs; export it as yaml or hls"
    )


def test_timeloop_refuses_multipliers_of_other_bits_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^Design 3 of mine has multipliers of 4 bits, and the "):
        timeloop_architecture(chosen(zcu104(multiplier_bits=4)))


def test_each_dataspace_of_timeloop_is_kept_by_one_buffer_and_none_by_the_persistent_one() -> None:
    text = timeloop_architecture(chosen(zcu104()))
    nodes = yaml.load(text, Loader=Loader)["architecture"]["nodes"]
    kept = {
        entry["name"]: entry["constraints"]["dataspace"]["keep"]
        for entry in nodes
        if "constraints" in entry
    }
    assert kept == {
        "persistent_buffer": [],
        "streaming_buffer": ["Inputs"],
        "output_buffer": ["Outputs"],
        "dynamic_buffer": ["Weights"],
        "weight_register": ["Weights"],
    }
    assert "Persistent Buffer keeps weights from query to query" in text
    assert max(map(len, text.splitlines())) <= 100


# --- HLS


DEFINITION = re.compile(r"#define SUSHI_(\w+) ([\d.e+-]+)  /\* .+ \*/")


def defined(design: Accelerator) -> dict[str, float]:
    """The values that a header defines, by name."""
    lines = hls_header(chosen(design)).splitlines()
    assert str(design.dataflow) in lines[0]
    return {m[1]: float(m[2]) for line in lines if (m := DEFINITION.fullmatch(line))}


def of_both(design: Accelerator) -> dict[str, float]:
    """What designs of both dataflows have."""
    return {
        "PE_KERNELS": design.pe_kernels,
        "MACS_PER_CYCLE": design.macs_per_cycle,
        "MULTIPLIER_BITS": design.multiplier_bits,
        "PERSISTENT_BUFFER_BYTES": design.persistent_buffer_bytes,
        "STREAMING_BUFFER_BYTES": int(design.streaming_buffer_kib * KIB),
        "OUTPUT_BUFFER_BYTES": int(design.output_buffer_kib * KIB),
        "CLOCK_MHZ": design.clock_mhz,
        "DRAM_BYTES_PER_CYCLE": design.bytes_per_cycle,
    }


@given(weight_stationary())
def test_a_header_defines_the_array_and_the_buffers(design: Accelerator) -> None:
    assert defined(design) == of_both(design) | {
        "PE_CHANNELS": design.pe_channels,
        "TAPS_PER_ENGINE": 9,
        "DYNAMIC_BUFFER_TILES": design.dynamic_buffer_tiles,
        "DYNAMIC_BUFFER_BYTES": design.dynamic_buffer_bytes,
    }


@given(output_stationary(), st.integers(0, 4 * KIB), st.integers(0, 4 * KIB))
def test_a_header_defines_what_an_output_stationary_design_has(
    drawn: Accelerator, dynamic_bytes: int, prefetch_bytes: int
) -> None:
    design = replace(
        drawn, dynamic_buffer_kib=dynamic_bytes / KIB, prefetch_buffer_kib=prefetch_bytes / KIB
    )
    assert defined(design) == of_both(design) | {
        "PE_PIXELS": design.pe_pixels,
        "DYNAMIC_BUFFER_BYTES": dynamic_bytes,
        "PREFETCH_BUFFER_BYTES": prefetch_bytes,
        "PORT_CLOCK_MHZ": design.port_clock_mhz,
    }


@pytest.mark.parametrize(("compiler", "suffix"), [("gcc", ".c"), ("g++", ".cpp")])
def test_a_header_compiles(compiler: str, suffix: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not here")
    origin = "Design 0 of */ int x; /* mine"
    header = Chosen(accelerator=zcu104(), origin=origin, assumptions=())
    (tmp_path / "design.h").write_text(hls_header(header))
    source = tmp_path / f"main{suffix}"
    source.write_text(
        '#include "design.h"\n#include "design.h"\n'
        "int weights[SUSHI_MACS_PER_CYCLE == 1296 ? 1 : -1];\n"
        "double bus = SUSHI_DRAM_BYTES_PER_CYCLE;\n"
    )
    command = [compiler, "-Wall", "-Werror", "-c", str(source), "-o", str(tmp_path / "main.o")]
    subprocess.run(command, check=True)


# --- files


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_written_whole_or_refused(form: str, tmp_path: Path) -> None:
    make, suffixes = FORMATS[form]
    text = make(chosen(zcu104()))
    path = tmp_path / f"design{suffixes[0]}"
    write_text(path, text, suffixes)
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UserError, match="the file must end in"):
        write_text(tmp_path / "design.txt", text, suffixes)
    with pytest.raises(UserError, match=r"there is no folder .*; make it first"):
        write_text(tmp_path / "gone" / path.name, text, suffixes)
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "folder.yaml", text, YAML_SUFFIXES)
