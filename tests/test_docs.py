import re
from pathlib import Path

import pytest
import typer

from docs.build import generate
from sushi_dse.cli import app
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.hardware.resources import infeasible_reason
from tests import paths

ROOT = paths.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", generate.DOCUMENTS, ids=lambda path: path.name)
def test_the_figures_in_a_document_are_those_that_commands_print(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "REFERENCE", tmp_path)
    assert generate.generated(document) == document.read_text(encoding="utf-8")
    for made in tmp_path.iterdir():
        shown = ROOT / "results" / "reference" / made.name
        if made.suffix == ".md":
            assert made.read_text(encoding="utf-8") == shown.read_text(encoding="utf-8")
        else:
            assert shown.is_file()


def commands_of(group: typer.core.TyperGroup, prefix: str = "") -> dict[str, str]:
    commands: dict[str, str] = {}
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            commands |= commands_of(command, f"{prefix}{name} ")
        else:
            commands[f"{prefix}{name}"] = command.help or ""
    return commands


COMMANDS = commands_of(typer.main.get_group(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_explained_with_an_example_and_shown_in_the_readme(name: str) -> None:
    assert f"Example: sushi-dse {name}" in " ".join(COMMANDS[name].split()) or (
        f"sushi-dse {name}" in COMMANDS[name]
    )
    assert f"sushi-dse {name}" in README or f"`{name}`" in README


def test_the_readme_opens_with_two_commands() -> None:
    assert re.search(r"```sh\nmake sweep .*\nmake test .*\n```", README)


def test_the_hardware_file_of_the_readme_is_a_search_space(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "my_board.yaml"
    path.write_text(text, encoding="utf-8")
    space = load_hardware(str(path)).space
    assert space.size == 16
    assert not infeasible_reason(space.reference)


def test_no_document_names_a_registry_or_a_path_of_a_machine() -> None:
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "constraints.txt"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pypi\.|index-url|/root/|/home/|/tmp/", text), path.name
