import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sushi_dse.config.boards import PATH as BOARDS
from sushi_dse.config.boards import boards
from sushi_dse.config.choices import RANGE_KEYS
from sushi_dse.config.document import Location, parse_document, read_document
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.hardware_keys import HardwareKeys
from sushi_dse.config.keys import checked
from sushi_dse.config.schema import SCHEMAS, header_line, json_schema
from sushi_dse.config.shipped import HARDWARE, WORKLOADS, shipped_folder, shipped_names
from sushi_dse.config.workload_file import FAMILIES, load_workload
from sushi_dse.config.workload_keys import FAMILY_KEYS
from sushi_dse.config.writing import yaml_text
from sushi_dse.errors import UserError
from sushi_dse.interchange.chosen import Chosen
from sushi_dse.interchange.exports import hardware_yaml
from sushi_dse.units import UNITS
from tests import paths
from tests.strategies import accelerators

TINY = paths.TINY
FILES = [
    *[("hw", shipped_folder(HARDWARE) / f"{name}.yaml") for name in shipped_names(HARDWARE)],
    *[("workload", shipped_folder(WORKLOADS) / f"{n}.yaml") for n in shipped_names(WORKLOADS)],
    ("hw", TINY),
]
VALIDATORS = {kind: Draft202012Validator(json_schema(kind)) for kind in SCHEMAS}
LOAD: dict[str, Any] = {"hw": load_hardware, "workload": load_workload}


def accepts(kind: str, content: object) -> bool:
    return bool(VALIDATORS[kind].is_valid(content))


def tool_accepts(kind: str, content: object, path: Path) -> bool:
    """Whether the tool reads a file of that content; JSON is YAML but for its exponents."""
    path.write_text(text_of(content), encoding="utf-8")
    try:
        LOAD[kind](path)
    except UserError:
        return False
    return True


def text_of(content: Any) -> str:
    if isinstance(content, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {text_of(v)}" for k, v in content.items()) + "}"
    if isinstance(content, list):
        return "[" + ", ".join(map(text_of, content)) + "]"
    return yaml_text(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_one_of_its_dialect_and_names_no_other_file(kind: str) -> None:
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    references = [value for key, value in entries(schema) if key == "$ref"]
    assert all(reference.startswith("#/$defs/") for reference in references)
    assert header_line(kind) == f"# yaml-language-server: $schema={kind}.schema.json"


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        yield str(key), child
        if isinstance(child, dict | list):
            yield from entries(child)


@pytest.mark.parametrize(("kind", "path"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_every_file_that_is_shipped_is_valid(kind: str, path: Path) -> None:
    assert [
        error.message for error in VALIDATORS[kind].iter_errors(read_document(path).content)
    ] == []


def test_the_table_of_boards_is_valid() -> None:
    content = read_document(BOARDS).content
    assert accepts("devices", content)
    assert not accepts("devices", {"mine": {"lut": 1}})
    for name in boards():
        assert accepts("hw", {"device": name})
    assert not accepts("hw", {"device": "ZCU10"})


def test_every_family_and_every_key_of_hardware_has_its_schema() -> None:
    assert FAMILY_KEYS.keys() == FAMILIES.keys()
    assert json_schema("hw")["properties"].keys() == HardwareKeys.model_fields.keys()
    assert not accepts("workload", {"family": "resnext"})
    assert not accepts("workload", {"subnets": []})


def mappings(content: Any, at: Location = ()) -> Iterator[Location]:
    """Where in a file there are keys."""
    if isinstance(content, dict):
        yield at
    for key, child in content.items() if isinstance(content, dict) else enumerate(content):
        if isinstance(child, dict | list):
            yield from mappings(child, (*at, key))


def at(content: Any, location: Location) -> Any:
    for part in location:
        content = content[part]
    return content


@pytest.mark.parametrize(("kind", "path"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_an_unknown_key_anywhere_is_refused_by_both(kind: str, path: Path, tmp_path: Path) -> None:
    content = read_document(path).content
    locations = list(mappings(content))
    for location in [*locations[:12], *locations[-3:]]:
        changed = deepcopy(content)
        at(changed, location)["unknown"] = 1
        assert not accepts(kind, changed)
        assert not tool_accepts(kind, changed, tmp_path / "my.yaml")


ODD: list[Any] = [
    0, -1, 1, 2, 8, 0.5, 1.0, 8.0, 2**16, 10**9, 10**14, True, False, "", "1 MiB", "16", "no",
    "ZCU104", "zcu104", "100 MHz", ".5 GB/s", "2 us", "1e3 KiB", "0.1 W", "1 pJ", [], [1], [1, 2],
    "output-stationary", "c", ["c"],
    [4, 8.5], [[1]], ["1 MiB", "2 MiB"], {}, {"from": 4, "to": 8, "step": 2},
    {"from": 4, "to": 8, "factor": 2},
    {"from": "1 MiB", "to": "4 MiB", "factor": 2}, {"from": "1 us", "to": "2 us", "step": "1 us"},
    {"value": 2, "plausible": [1, 4]}, {"value": 8.5, "plausible": [8.5, 9]},
    {"value": "1 MiB", "plausible": ["1 MiB", "2 MiB"]}, {"value": 2, "plausible": 4}, "hls",
    {"value": "2 us", "plausible": ["1 us", "2 us"]}, {"value": 2}, {"plausible": [1, 2]},
    {"from": 4, "to": 8}, {"lut": 1, "bram36": 1, "uram288": 0, "dsp": 1, "shell_share": 0.1},
    {"lut": 1, "bram36": 1, "uram288": 0, "dsp": 1},
]  # fmt: skip


@pytest.mark.parametrize("key", HardwareKeys.model_fields)
def test_a_value_that_the_tool_takes_for_a_key_its_schema_takes(key: str) -> None:
    taken = 0
    for value in ODD:
        document = parse_document(Path("my.yaml"), text_of({key: value}))
        with suppress(UserError):
            checked(document, HardwareKeys)
            assert accepts("hw", {key: value}), value
            taken += 1
    assert taken


WORKLOADS_IN_BRIEF = [
    {"family": "layers", "accuracy_of": "top-1", "subnets": [
        {"name": "A", "accuracy_percent": 70, "layers": [
        {"name": "c", "kernels": 8, "channels": 4, "kernel_height": 1, "kernel_width": 1,
         "height": 8, "width": 8, "padding": 1, "groups": 2},
        {"name": "d", "kernels": 8, "channels": 8, "kernel_height": 3, "kernel_width": 5,
         "height": 8, "width": 8, "stride": [2, 1], "padding": [0, 1, 2, 2], "adds": "c"}]}]},
    *[read_document(path).content for kind, path in FILES if kind == "workload"],
]  # fmt: skip


@given(st.sampled_from(WORKLOADS_IN_BRIEF), st.data())
def test_a_workload_that_the_tool_reads_its_schema_accepts(
    folder: Path, workload: dict[str, Any], data: st.DataObject
) -> None:
    content = deepcopy(workload)
    content["subnets"] = content["subnets"][:1]
    within = at(content, data.draw(st.sampled_from(list(mappings(content)))))
    within[data.draw(st.sampled_from(list(within)))] = deepcopy(data.draw(st.sampled_from(ODD)))
    if tool_accepts("workload", content, folder / "my.yaml"):
        assert accepts("workload", content)


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("stride", (2, [2, 1]), (0, [1], [1, 0], [1, 2, 3], 1.5, "2", True)),
        ("padding", (0, [0, 1, 2, 3]), (-1, [1, 1], [0, 0, 0, -1], [0] * 5, None)),
        ("adds", ("c", ["c"], ["c", "d"], []), (1, [1], None, {"c": "d"})),
        ("input_from", ("c", ["c"]), (True, [["c"]])),
    ],
)
def test_the_schema_takes_one_value_or_a_list(
    key: str, right: tuple[object, ...], wrong: tuple[object, ...]
) -> None:
    workload: Any = deepcopy(WORKLOADS_IN_BRIEF[0])
    layer = workload["subnets"][0]["layers"][1]
    for values, valid in ((right, True), (wrong, False)):
        for value in values:
            layer[key] = value
            assert accepts("workload", workload) == valid, value


def test_the_schema_knows_units_and_ranges() -> None:
    for right in ("1.5 MiB", ["1 MiB", "2MiB"], {"from": "1 MiB", "to": "4 MiB", "factor": 2}):
        assert accepts("hw", {"persistent_buffer": right})
    wrong: tuple[object, ...] = (
        "1.5",
        "1.5 MHz",
        "1.5 mib",
        1,
        [],
        {"from": "1 MiB", "to": "4 MiB"},
        None,
    )
    for value in wrong:
        assert not accepts("hw", {"persistent_buffer": value})
    for key in RANGE_KEYS:
        assert key in json.dumps(json_schema("hw"))
    assert all(accepts("hw", {"clock": f"1 {unit.symbol}"}) == (unit.dimension == "frequency")
               for unit in UNITS.values())  # fmt: skip


@given(accelerators())
def test_what_the_tool_writes_is_valid(folder: Path, design: Any) -> None:
    path = folder / "written.yaml"
    path.write_text(hardware_yaml(Chosen(accelerator=design, origin="Mine", assumptions=("x",))))
    assert accepts("hw", read_document(path).content)
