from pathlib import Path

import pytest

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.sweep import Sweep
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.policies.user_imports import imported_files
from tests import paths

POLICY = """
class Mine:
    def select(self, query, table, latency_ms):
        return {choice}

    def recache(self, served, table, cached):
        return 0
"""
BY_ANY_WAY = [
    "import helper",
    "from helper import x",
    "if False:\n    import helper as other",
    "def later():\n    from helper.part import x",
    "import importlib\nimportlib.import_module('helper')",
    "__import__('helper')",
    "import between",
]


def experiment_of(path: Path) -> Experiment:
    return load_experiment(paths.TINY, policies=[f"{path}:Mine"], queries=20)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(POLICY.format(choice=0))
    return path


@pytest.mark.parametrize("way", BY_ANY_WAY)
@pytest.mark.parametrize("place", ["helper.py", "helper/__init__.py", "helper/deep/part.py"])
def test_an_edit_of_what_a_policy_imports_is_another_run(
    policy: Path, monkeypatch: pytest.MonkeyPatch, way: str, place: str
) -> None:
    monkeypatch.syspath_prepend(str(policy.parent))
    text, helper = f"def unused():\n    {way.splitlines()[-1].strip()}\n", policy.parent / place
    helper.parent.mkdir(parents=True, exist_ok=True)
    helper.write_text("x = 1\n")
    (policy.parent / "between.py").write_text("import helper\n")
    policy.write_text(text + POLICY.format(choice=0))
    before = experiment_of(policy).inputs["policy_files"]
    assert experiment_of(policy).inputs["policy_files"] == before
    helper.write_text("x = 2\n")
    assert experiment_of(policy).inputs["policy_files"] != before


def test_what_is_installed_or_not_imported_is_no_part_of_a_policy(policy: Path) -> None:
    (policy.parent / "stranger.py").write_text("x = 1\n")
    assert imported_files(b"import numpy, json, sushi_dse.errors", policy.parent) == {}
    assert imported_files(b"no python", policy.parent) == {}


def test_rows_are_of_the_policy_as_it_was_when_the_command_began(policy: Path) -> None:
    experiment = experiment_of(policy)
    before = evaluate(experiment, range(2))
    policy.write_text(POLICY.format(choice=1))
    assert evaluate(experiment, range(2)).equals(before)
    assert not evaluate(experiment_of(policy), range(2)).equals(before)


def test_a_module_that_is_edited_meanwhile_is_refused(policy: Path) -> None:
    helper = policy.parent / "beside.py"
    helper.write_text("x = 1\n")
    policy.write_text("def later():\n    import beside\n" + POLICY.format(choice=0))
    experiment = experiment_of(policy)
    helper.write_text("x = 2\n")
    with pytest.raises(UserError, match=r"mine\.py: what it imports is not what it was when"):
        evaluate(experiment, range(2))


def test_an_edited_policy_is_never_answered_with_the_old_rows(policy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    Sweep(experiment_of(policy), out=out).run()
    next(out.glob("part-*")).unlink()
    policy.write_text(POLICY.format(choice=1))
    with pytest.raises(UserError, match=r"holds the results of another run: policy_files"):
        Sweep(experiment_of(policy), out=out).run()


def test_what_is_known_of_a_stored_policy_runs_no_file(policy: Path) -> None:
    policy.write_text("raise SystemExit('it was run')")
    assert named_policy(f"{policy}:Mine").has_persistent_buffer
    assert named_policy("gone.py:Mine").recaches
