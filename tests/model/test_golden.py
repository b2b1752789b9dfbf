import json
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sushi_dse.model.cost import LayerCost
from sushi_dse.store.run import MODEL_VERSION
from tests.model import golden

STORED: dict[str, Any] = json.loads(golden.GOLDEN.read_text())
AGAIN = f"run {STORED['command']}"
each_board = pytest.mark.parametrize("board", golden.boards())


@each_board
def test_each_term_of_a_layers_cost_is_what_it_was(board: str) -> None:
    now = {board: golden.computed()[board]}
    assert sorted(golden.moved(STORED["boards"], now)) == []


@each_board
def test_a_shipped_board_has_golden_numbers_of_every_case(board: str) -> None:
    assert board in STORED["boards"], AGAIN
    assert STORED["boards"][board].keys() == golden.cases().keys(), AGAIN


def test_the_golden_numbers_are_of_this_version_of_the_model_and_of_these_layers() -> None:
    assert STORED["model_version"] == MODEL_VERSION, AGAIN
    cases = {name: asdict(case) for name, case in golden.cases().items()}
    assert STORED["cases"] == json.loads(json.dumps(cases)), AGAIN


@pytest.mark.parametrize("term", [*LayerCost._fields, "latency_us", "static_mj"])
def test_every_term_that_moves_is_named(term: str) -> None:
    after = deepcopy(STORED["boards"])
    after["zcu104"]["3x3, cold"][term] += 1
    (line,) = golden.moved(STORED["boards"], after)
    assert line.startswith(f"zcu104, 3x3, cold: {term} was ")


@pytest.mark.parametrize("term", LayerCost._fields)
def test_a_case_on_some_board_has_a_cost_of_every_cause(term: str) -> None:
    assert any(costs[case][term] > 0 for costs in STORED["boards"].values() for case in costs)


def test_numbers_that_moved_are_not_stored_under_one_version_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    golden.main(path)
    stored = json.loads(path.read_text())
    stored["boards"]["zcu104"]["1x1, cold"]["compute_cycles"] += 1
    path.write_text(json.dumps(stored))
    with pytest.raises(SystemExit, match="1x1, cold: compute_cycles was"):
        golden.main(path)
    path.write_text(json.dumps(stored | {"model_version": MODEL_VERSION - 1}))
    golden.main(path)
    assert json.loads(path.read_text())["boards"] == golden.computed()
