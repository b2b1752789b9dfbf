"""The commands of the workflows for continuous integration, run as they stand in a scratch folder.

Left out are the steps that check out, set up and install.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests import paths

DOCS = paths.ROOT / "docs"
PAGE = (DOCS / "continuous_integration.md").read_text(encoding="utf-8")
GITHUB = yaml.safe_load((DOCS / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((DOCS / "ci" / "gitlab-ci.yml").read_text(encoding="utf-8"))
STEPS = [s for s in GITHUB["jobs"]["compare"]["steps"] if "run" in s and s["name"] != "Install"]
JOB = GITLAB["sushi-dse"]
WORKFLOWS: dict[str, tuple[dict[str, str], list[str], str]] = {
    "github": (GITHUB["env"], [step["run"] for step in STEPS], "summary.md"),
    "gitlab": (JOB["variables"], JOB["script"], "comparison.md"),
}


def bash(
    command: str, folder: Path, variables: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """As the runners do it: a shell that ends at the first command that fails."""
    own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=folder, env=os.environ | variables | own | summary, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page's command for the baseline stores."""
    folder = tmp_path_factory.mktemp("baseline")
    (command,) = re.findall(r"^ +(sushi-dse compare policies .* > baseline\.json)$", PAGE, re.M)
    assert bash(command, folder, {}).returncode == 0
    document: dict[str, Any] = json.loads((folder / "baseline.json").read_text(encoding="utf-8"))
    return document


def write(folder: Path, document: dict[str, Any]) -> None:
    (folder / "baseline.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_passes_on_its_baseline_and_keeps_what_it_promises(
    tmp_path: Path, baseline: dict[str, Any], name: str
) -> None:
    variables, commands, summary = WORKFLOWS[name]
    write(tmp_path, baseline)
    for command in commands:
        done = bash(command, tmp_path, variables)
        assert done.returncode == 0, done.stderr
    rows = (tmp_path / summary).read_text(encoding="utf-8").splitlines()
    assert sum(row.startswith("|") for row in rows) == 2 + len(baseline["rows"])
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    (suite,) = ElementTree.parse(tmp_path / "comparison.xml").getroot()
    assert (suite.get("failures"), int(suite.get("tests", 0)) > 100) == ("0", True)


@pytest.mark.parametrize(("name", "code"), [("github", 1), ("gitlab", 0)])
def test_a_workflow_fails_on_a_regression_and_says_where_the_question_is_another(
    tmp_path: Path, baseline: dict[str, Any], name: str, code: int
) -> None:
    variables, (_, command), _ = WORKFLOWS[name]
    changed = json.loads(json.dumps(baseline))
    if code == 1:
        changed["rows"][1]["mean_latency_ms"] *= 0.9
    else:
        changed["inputs"]["trace"]["sha256"] = "another"
    write(tmp_path, changed)
    done = bash(command, tmp_path, variables)
    assert done.returncode == code
    said = "missed: sushi.mean_latency_ms" if code == 1 else "other inputs: trace.sha256"
    assert said in done.stderr
    if code == 1:  # the report of what failed is there all the same
        (suite,) = ElementTree.parse(tmp_path / "comparison.xml").getroot()
        assert suite.get("failures") == "1"


def test_what_the_workflows_keep_is_what_their_commands_write() -> None:
    (upload,) = [s for s in GITHUB["jobs"]["compare"]["steps"] if "upload" in s.get("uses", "")]
    assert upload["if"] == "always()"
    assert JOB["artifacts"]["when"] == "always"
    kept = [*JOB["artifacts"]["paths"], JOB["artifacts"]["reports"]["junit"]]
    for shown, (_, commands, _) in (
        (upload["with"]["path"].split(), WORKFLOWS["github"]),
        (kept, WORKFLOWS["gitlab"]),
    ):
        for path in shown:
            assert any(re.search(rf"(--plot|>) {path}\b", command) for command in commands), path


def test_the_workflows_compare_as_the_baseline_is_made() -> None:
    assert GITHUB["env"] == JOB["variables"]
    assert f"compare policies {JOB['variables']['COMPARISON']} --format json" in PAGE


def test_the_documented_schema_and_exit_codes_are_those_of_the_program() -> None:
    from sushi_dse.cli import EXIT_INCOMPLETE, EXIT_USAGE
    from sushi_dse.interrupts import EXIT_INTERRUPTED
    from sushi_dse.store.run import SCHEMA_VERSION

    assert f"Its `schema_version` is {SCHEMA_VERSION}:" in PAGE
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.M)]
    assert codes == [0, 1, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_INTERRUPTED]
