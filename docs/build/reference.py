"""The parts of the docs that are collected from the code: commands and assumptions."""

import ast
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import typer

from sushi_dse.cli import app
from sushi_dse.config.hardware_file import hardware_names, load_hardware
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.gati.parameters import Gati

ROOT = Path(__file__).parents[2]
ASSUMED = re.compile(r"\bassumptions?\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
REMARK = re.compile(r"(?P<said>.*?\S)\s+# (?P<text>.*)")
SOURCE = re.compile(r"(?P<said>\w+: \{.*), source: \"(?P<text>.*)\"\}.*")  # of a value in doubt
VALUE = re.compile(r"[A-Z][A-Z_]* = .+|[\w ]+: .+")  # a constant of Python or a key of YAML


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows))


def code(text: str) -> str:
    """A text as code within a table; within backticks the escape of a bar would be shown."""
    return f"<code>{escape(text, quote=False).replace('|', '&#124;')}</code>"


def commands(
    group: typer.core.TyperGroup, path: str
) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command below a group, with its words, in the order of `--help`."""
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, f"{path} {name}")
        else:
            assert isinstance(command, typer.core.TyperCommand)
            yield f"{path} {name}", command


def parameters(
    command: typer.core.TyperCommand | typer.core.TyperGroup, context: typer.Context
) -> str:
    """The arguments and options of a command, as its `--help` explains them."""
    records = [param.get_help_record(context) for param in command.params]
    rows = [(code(name), escape(meaning, quote=False)) for name, meaning in filter(None, records)]
    return table(("parameter", "meaning"), rows)


def cli() -> str:
    """The help, arguments and options of each command."""
    group = typer.main.get_group(app)
    parts = [parameters(group, typer.Context(group))]
    for path, command in commands(group, "sushi-dse"):
        context = typer.Context(command)
        usage = " ".join([path, *command.collect_usage_pieces(context)])
        text, _, example = (command.help or "").partition("Example:")
        example = " ".join(example.split())
        parts += [
            f"## {path}",
            f"```text\n{usage}\n```",
            text.strip(),
            parameters(command, context),
        ]
        parts += [f"Example:\n\n```text\n{example}\n```"]
    return "\n\n".join(parts)


def sentences(text: str) -> list[str]:
    """The sentences of a text that speak of an assumption."""
    return [s for s in SENTENCE_END.split(" ".join(text.split())) if ASSUMED.search(s)]


def of_boards() -> str:
    """The table of the assumptions of hardware files, and the files that state them."""
    boards: dict[str, list[str]] = {}
    for name in hardware_names():
        for text in load_hardware(name).assumptions:
            boards.setdefault(text, []).append(f"`{name}`")
    return table(("assumption", "of"), [(text, ", ".join(names)) for text, names in boards.items()])


def of_policies() -> str:
    """The table of the assumptions in the policies' summaries, and of GATI's parameters."""
    rows = [
        (f"`{name}`", s) for name, policy in POLICIES.items() for s in sentences(policy.summary)
    ]
    return table(
        ("policy", "assumption"), [*rows, *(("`gati`", text) for text in Gati().assumptions())]
    )


def remarks(path: Path) -> Iterator[tuple[str, str]]:
    """The values in a file whose comment in the same line says that they are assumptions."""
    for line in path.read_text(encoding="utf-8").splitlines():
        remark = REMARK.fullmatch(line.strip()) or SOURCE.fullmatch(line.strip())
        if remark and ASSUMED.search(remark["text"]) and VALUE.fullmatch(remark["said"]):
            closing = "}" if remark["said"].count("{") > remark["said"].count("}") else ""
            yield f"`{remark['said']}{closing}`", remark["text"]


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """The functions and classes of a module with a sentence that names an assumption as such."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for sentence in sentences(ast.get_docstring(node) or ""):
                if re.search(r"\(assumption|an assumption", sentence):
                    yield f"`{node.name}`", sentence


def of_values() -> str:
    """The table of values in files and code that a comment or docstring calls an assumption."""
    rows = []
    for folder, pattern in (
        ("hwconfigs", "*.yaml"),
        ("workloads", "*.yaml"),
        ("sushi_dse", "**/*.py"),
    ):
        for path in sorted((ROOT / folder).glob(pattern)):
            found = [*remarks(path), *(docstrings(path) if path.suffix == ".py" else ())]
            rows += [(f"`{path.relative_to(ROOT).as_posix()}`", *row) for row in found]
    return table(("file", "what", "it says"), rows)


def assumptions() -> str:
    """The assumptions about boards, policies and single values."""
    parts = {
        "Boards": of_boards(),
        "Policies": of_policies(),
        "Values, where they stand": of_values(),
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
