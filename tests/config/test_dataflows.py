from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.hardware_keys import DATAFLOW_OF, STEMS
from sushi_dse.config.writing import hardware_text
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import OWN_FIELDS, Accelerator, Dataflow
from tests.hardware_files import EXTENDING_BY, Load
from tests.strategies import accelerators, vcu118, zcu104

DESIGNS = {design.dataflow: design for design in (zcu104(), vcu118())}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@pytest.mark.parametrize("field", DATAFLOW_OF)
def test_a_key_of_the_other_dataflow_is_refused_where_it_stands(field: str, load: Load) -> None:
    dataflow = DATAFLOW_OF[field]
    (other,) = set(Dataflow) - {dataflow}
    value = str(getattr(DESIGNS[dataflow], field)).lower()
    with pytest.raises(UserError) as refused:
        load(f"{EXTENDING_BY[other]}\n{field}: {value}\n")
    assert str(refused.value) == (
        f"my.yaml:3:1: {field!r} is a key of {dataflow} designs, and this one is {other}; "
        f"leave it out, or write 'dataflow: {dataflow}'"
    )


@pytest.mark.parametrize(("stem", "field"), STEMS.items())
def test_so_is_a_key_with_its_unit_in_the_value(stem: str, field: str, load: Load) -> None:
    if field in DATAFLOW_OF:
        (other,) = set(Dataflow) - {DATAFLOW_OF[field]}
        text = {"mhz": "1 MHz", "kib": "1 KiB"}[field.removeprefix(f"{stem}_")]
        with pytest.raises(UserError, match=rf"^my\.yaml:2:1: '{stem}' is a key of "):
            load(f"{EXTENDING_BY[other]}{stem}: {text}\n")


@pytest.mark.parametrize("dataflow", Dataflow)
def test_a_file_extends_no_file_of_the_other_dataflow(dataflow: Dataflow, load: Load) -> None:
    (other,) = set(Dataflow) - {dataflow}
    own = "".join(f"{field}: {str(getattr(DESIGNS[dataflow], field)).lower()}\n"
                  for field in OWN_FIELDS[dataflow])  # fmt: skip
    wrong = (
        f"a file of {dataflow} designs extends one of {other} designs; "
        f"extend one of {dataflow} designs"
    )
    text = f"{EXTENDING_BY[other]}dataflow: {dataflow}\n{own}"
    with pytest.raises(UserError) as refused:
        load(text)
    assert str(refused.value) == f"my.yaml:2:11: {wrong}"
    Path("base.yaml").write_text(text)
    with pytest.raises(UserError) as refused:
        load("extends: ./base.yaml\nclock: 200 MHz\n")
    assert str(refused.value) == f"base.yaml:2:11: {wrong}"


def test_a_file_that_names_no_dataflow_is_weight_stationary(load: Load) -> None:
    whole = hardware_text(zcu104(), origin="mine", assumptions=())
    named = load(whole).space.base
    line = 'dataflow: "weight-stationary"\n'
    assert line in whole
    assert load(whole.replace(line, "")).space.base == named
    Path("base.yaml").write_text("pe_pixels: 32\n")
    with pytest.raises(UserError, match=r"^base\.yaml:1:1: 'pe_pixels' is a key of "):
        load("extends: ./base.yaml\nclock: 200 MHz\n")


@given(accelerators(), st.lists(st.sampled_from(["a", "b: c", "#"])))
def test_the_text_of_a_design_reads_back_to_it(
    drawn: Path, design: Accelerator, assumptions: list[str]
) -> None:
    path = drawn / "design.yaml"
    path.write_text(hardware_text(design, origin="Mine", assumptions=assumptions))
    file = load_hardware(path)
    assert file.space.size == 1
    assert replace(file.space.base, name=design.name, device=design.device) == design
    assert file.assumptions == tuple(assumptions)
