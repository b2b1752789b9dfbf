import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import typer
import yaml

from docs.build.reference import commands
from sushi_dse.cli import app, main
from tests import paths
from tests.browsers import opened

ROOT = paths.ROOT
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/*.md"))}
DOCUMENTS = {"README.md": (ROOT / "README.md").read_text(encoding="utf-8"), **PAGES}
BLOCK = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<file>[^"]+)")?\n'
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
CONSOLE = {  # pages with commands in blocks of `console`, which no test runs, and why
    "quick_start.md": "they install the tool",
}
SKIPPED = {  # pages whose blocks of `sh` no test runs, and why
    "scale_out.md": "a cluster of hosts",
    "search.md": "a search that takes minutes",
}
SHELL = re.compile(r"[|;&`*]|\$")
MENTIONED = re.compile(r"(?:^|[`$ ])sushi-dse((?: (?:[a-z]|--)[\w./:=-]*)+)", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    found = (match for match in BLOCK.finditer(text) if match["language"] == language)
    return [dedent(match["text"]) for match in found]


def lines_to_run(text: str) -> list[str]:
    lines = "".join(blocks(text, "sh")).replace("\\\n", "").splitlines()
    return [line for line in lines if not re.match(r"\s*(#|make |$)", line)]


def nav_files(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    entries = entry.values() if isinstance(entry, dict) else entry
    return [file for child in entries for file in nav_files(child)]


def run_line(line: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a line of a `sh` block prints; its exit code must be 0."""
    words = shlex.split(line, comments=True)
    output = words.pop() if words[-2:-1] == [">"] else None
    words = words[:-1] if output else words
    if words[0] != "sushi-dse" or SHELL.search(line):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout
    printed, said = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "argv", words)
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(said),
        pytest.raises(SystemExit) as ended,
    ):
        main(words[1:])
    assert not ended.value.code, f"{line}: {said.getvalue()}"
    if output:
        Path(output).write_text(printed.getvalue(), encoding="utf-8")
    return printed.getvalue()


def run_page(text: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each command of a page with what it printed; files that have a title are written."""
    done = []
    for match in BLOCK.finditer(text):
        if match["file"]:
            Path(match["file"]).write_text(match["text"], encoding="utf-8")
        elif match["language"] == "python":
            subprocess.run([sys.executable, "-c", match["text"]], check=True)
        else:
            lines = lines_to_run(match[0])
            done += [(line, run_line(line, monkeypatch)) for line in lines]
    return done


RUN = [name for name, text in DOCUMENTS.items() if lines_to_run(text) and name not in SKIPPED]


@pytest.mark.parametrize("name", RUN)
def test_the_commands_of_a_page_run_in_its_order_in_an_empty_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "onnx" in DOCUMENTS[name]:
        pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    done = run_page(DOCUMENTS[name], monkeypatch)
    for (line, printed), (following, _) in pairwise(done):
        goes_on_with = re.search(r" explain (\d+)", following)
        if " recommend " in line and goes_on_with:
            named = re.search(r"recommended +(\d+) ", printed)
            assert named is not None, printed
            assert named[1] == goes_on_with[1]


def test_only_known_pages_have_commands_that_no_test_runs() -> None:
    assert {name for name, text in DOCUMENTS.items() if blocks(text, "console")} == set(CONSOLE)


def known_commands() -> dict[str, set[str]]:
    """The options of each command, by its words; a group stands with none but those of all."""
    group = typer.main.get_command(app)  # which has the options of completion, too
    assert isinstance(group, typer.core.TyperGroup)
    general = {name for param in group.params for name in param.opts} | {"--help"}
    known = {"": general}
    for path, command in commands(group, ""):
        words = path.split()
        known |= {" ".join(words[:end]): general for end in range(1, len(words))}
        options = {name for param in command.params for name in param.opts}
        known[" ".join(words)] = general | {name for name in options if name.startswith("--")}
    return known


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_command_that_a_page_mentions_exists_with_its_options(name: str) -> None:
    known = known_commands()
    for match in MENTIONED.finditer(DOCUMENTS[name]):
        words = [word.rstrip(".,:;") for word in match[1].split()]
        path = next(
            path for n in range(len(words), -1, -1) if (path := " ".join(words[:n])) in known
        )
        assert path or words[0].startswith("--"), match[0]
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known[path], match[0]


def test_each_page_is_in_the_navigation_and_each_entry_is_a_page() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(nav_files(nav)) == sorted(PAGES)


def test_the_site_builds_without_a_warning_and_takes_nothing_from_other_machines(
    tmp_path: Path,
) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    built = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.html")}
    assert set(built) == {name.replace(".md", ".html") for name in PAGES} | {"404.html"}
    for name, text in built.items():
        loaded = [
            tag
            for tag in re.findall(r"<(?:link|script|img|iframe|source)\b[^>]*>", text)
            if re.search(r'(?:src|href)="?(?:https?:)?//', tag)
        ]
        assert not loaded, name
        for image in re.findall(r'<img[^>]*src="([^"]+)"', text):
            assert (tmp_path / image).is_file(), f"{name}: {image}"
    assert not list(tmp_path.rglob("*.py"))
    styles = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.css"))
    assert not re.search(r"(?:@import|url\()\s*[\"']?https?:", styles)
    llms = (tmp_path / "llms.txt").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[[^\]]+\]\(([\w.]+)\): .", llms, re.MULTILINE)
    assert sorted(listed) == sorted(PAGES)
    for name in listed:
        assert (tmp_path / name).read_bytes() == (ROOT / "docs" / name).read_bytes()


def test_the_search_of_the_site_works_from_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", site],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    page = opened(f"{(site / 'index.html').as_uri()}?q=prefetch", tmp_path / "profile")
    assert re.search(r'md-search-result__meta">\d+ matching documents', page)
