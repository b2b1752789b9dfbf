import sys
from pathlib import Path

import pytest

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.sweep import Sweep
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.policies.user_imports import imported_files, own_folders
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
    assert imported_files(b"import numpy, json, sushi_dse.errors", [policy.parent]) == {}
    assert imported_files(b"no python", [policy.parent]) == {}
    assert own_folders(policy.parent)[0] == policy.parent
    assert not [path for path in own_folders(policy.parent) if "site-packages" in path.parts]


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


@pytest.mark.parametrize("place", ["beside.py", "far/away.py"])
def test_workers_take_what_a_policy_finds_in_folders_that_it_adds(
    policy: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    helper, out = tmp_path / place, tmp_path / "out"
    helper.parent.mkdir(exist_ok=True)
    helper.write_text("CHOICE = 0\n")
    folder, module = repr(str(helper.parent)), helper.stem
    adds = f"import sys\nsys.path.insert(0, {folder})\nimport {module} as other\n"
    policy.write_text(adds + POLICY.format(choice="other.CHOICE"))
    space = tmp_path / "space.yaml"
    space.write_text("extends: zcu104\nlaunch_us: {from: 1, to: 258, step: 1}\n")
    experiment = load_experiment(space, policies=[f"{policy}:Mine"], queries=5)
    assert Sweep(experiment, out=out).run(workers=2).rows == 258
    helper.write_text("CHOICE = 1\n")
    edited = load_experiment(space, policies=[f"{policy}:Mine"], queries=5)
    with pytest.raises(UserError, match="another run: policy_files"):
        Sweep(edited, out=out).run()


def test_an_edited_module_is_imported_anew_in_the_same_process(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(policy.parent))
    choices = policy.parent / "choices.py"
    policy.write_text("import choices\n" + POLICY.format(choice="choices.CHOICE"))
    found = []
    for choice in (0, 1, 0):  # texts of the same second and size
        choices.write_text(f"CHOICE = {choice}\n")
        found.append(evaluate(experiment_of(policy), range(2)))
    assert found[2].equals(found[0])
    assert not found[1].equals(found[0])
    assert sorted(path.name for path in policy.parent.iterdir()) == ["choices.py", "mine.py"]


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
