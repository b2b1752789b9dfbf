"""A search that is cut, lost or spread over workers comes to the same bytes."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.explore.search.batches import evaluator
from sushi_dse.explore.search.journal import Journal
from sushi_dse.explore.search.storage import JOURNAL_FILE
from sushi_dse.store.folder import Store
from tests.explore.searches import (
    BATCH,
    EXPERIMENT,
    TRIALS,
    Recorded,
    each_sampler,
    parts,
    plan_of,
    result,
    run,
)


class Cut(BaseException):
    """A kill, as far as a process can play it to itself."""


@contextmanager
def cut_after(lines: int, *, torn: bool) -> Iterator[None]:
    """The journal takes so many lines, perhaps half of another one, and then all ends."""
    written = 0
    append_logs = Journal.append_logs

    def append_until_cut(self: Journal, logs: list[dict[str, object]]) -> None:
        nonlocal written
        if written == lines:
            if torn:
                with self._path.open("ab") as file:
                    file.write(json.dumps(logs[0]).encode()[:20])
            raise Cut
        written += 1
        append_logs(self, logs)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Journal, "append_logs", append_until_cut)
        yield


@each_sampler
def test_a_search_that_was_cut_anywhere_goes_on_to_the_same_bytes(
    tmp_path: Path, sampler: str, uncut: dict[str, Path]
) -> None:
    whole = result(uncut[sampler], plan_of(sampler))
    lines_written = (uncut[sampler] / JOURNAL_FILE).read_bytes().count(b"\n")
    rng = np.random.default_rng(len(sampler))
    for i, lines in enumerate(rng.integers(0, lines_written, 5).tolist()):
        folder = tmp_path / str(i)
        with pytest.raises(Cut), cut_after(lines, torn=bool(i % 2)):
            run(folder, plan_of(sampler))
        assert result(folder, plan_of(sampler)) == whole, lines


@pytest.mark.parametrize(
    "written", [False, True], ids=["before it is written", "before it is told"]
)
def test_a_search_that_was_cut_at_a_part_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool,
    uncut: dict[str, Path]
) -> None:  # fmt: skip
    write = Store.write

    def cut_at_second(store: Store, block: int, content: bytes) -> None:
        if block == 0 or written:
            write(store, block, content)
        if block == 1:
            raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", cut_at_second)
        with pytest.raises(Cut):
            run(tmp_path, plan_of())
    recorded = Recorded()
    run(tmp_path, plan_of(), made_by=recorded)
    assert parts(tmp_path) == parts(uncut["nsga2"])
    again = set(rows_in(tmp_path, 1)).intersection(recorded.designs)
    assert bool(again) != written


def rows_in(folder: Path, block: int) -> list[int]:
    (path,) = folder.glob(f"part-{block:08d}-*.parquet")
    return list(pa.parquet.read_table(path)["design"].to_pylist())


@each_sampler
def test_more_trials_go_on_to_what_they_would_have_been(
    tmp_path: Path, sampler: str, uncut: dict[str, Path]
) -> None:
    run(tmp_path, plan_of(sampler), trials=2 * BATCH)
    recorded = Recorded()
    run(tmp_path, plan_of(sampler), made_by=recorded)
    assert parts(tmp_path) == parts(uncut[sampler])
    steps, _ = run(tmp_path, plan_of(sampler), made_by=recorded)
    assert len(set(recorded.designs)) == len(recorded.designs)
    assert sum(step.evaluated + step.infeasible + step.repeated for step in steps) == 0


def test_trials_need_not_fill_a_batch(tmp_path: Path) -> None:
    for trials in (BATCH + 1, BATCH + 3, TRIALS):
        _, told = run(tmp_path, plan_of(), trials=trials)
        assert len(told) == trials


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"PAR1")],
                         ids=["removed", "damaged"])  # fmt: skip
def test_rows_that_the_folder_lost_are_evaluated_again(
    tmp_path: Path, uncut: dict[str, Path], harm: Callable[[Path], object]
) -> None:
    run(tmp_path, plan_of())
    (path,) = tmp_path.glob("part-00000001-*.parquet")
    lost = set(rows_in(tmp_path, 1))
    harm(path)
    recorded = Recorded()
    steps, _ = run(tmp_path, plan_of(), made_by=recorded)
    assert set(recorded.designs) == lost
    assert sum(step.repeated for step in steps) == 0
    assert parts(tmp_path) == parts(uncut["nsga2"])


def test_a_journal_that_is_lost_is_asked_again_and_answered_from_the_rows(
    tmp_path: Path, uncut: dict[str, Path]
) -> None:
    run(tmp_path, plan_of())
    (tmp_path / JOURNAL_FILE).unlink()
    recorded = Recorded()
    assert result(tmp_path, plan_of(), recorded) == result(uncut["nsga2"], plan_of())
    assert recorded.designs == []


@pytest.fixture(scope="module")
def sound_journal(uncut: dict[str, Path]) -> bytes:
    """A journal as it was at first: Optuna adds a line whenever a study is opened."""
    return (uncut["nsga2"] / JOURNAL_FILE).read_bytes()


@settings(max_examples=25)
@given(data=st.data())
def test_a_journal_that_was_damaged_anywhere_is_asked_again_from_there(
    data: st.DataObject, uncut: dict[str, Path], sound_journal: bytes
) -> None:
    content = sound_journal
    lines = content.splitlines(keepends=True)
    here, there = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    place = data.draw(st.integers(0, len(content) - 1))
    flipped = bytes([content[place] ^ data.draw(st.integers(1, 255))])
    swapped = [*lines]
    swapped[here], swapped[there] = lines[there], lines[here]
    damaged = data.draw(
        st.sampled_from(
            [
                content[:place] + flipped + content[place + 1 :],
                content[:place] + content[place + 1 :],
                content[:place] + b"\n" + content[place:],
                b"".join(lines[:here] + lines[here + 1 :]),
                b"".join([*lines[:here], lines[here], *lines[here:]]),
                b"".join(swapped),
                content[place:],
                content + content,
            ]
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(uncut["nsga2"], folder, dirs_exist_ok=True)
        (Path(folder) / JOURNAL_FILE).write_bytes(damaged)
        recorded = Recorded()
        again = result(Path(folder), plan_of(), recorded)
        assert again == result(uncut["nsga2"], plan_of())
        assert recorded.designs == []


def test_a_journal_of_another_search_is_not_taken_for_ones_own(
    tmp_path: Path, uncut: dict[str, Path]
) -> None:
    run(tmp_path / "other", plan_of(seed=1))
    shutil.copytree(uncut["nsga2"], tmp_path / "own")
    shutil.copy(tmp_path / "other" / JOURNAL_FILE, tmp_path / "own")
    assert result(tmp_path / "own", plan_of()) == result(uncut["nsga2"], plan_of())


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, plan_of(), trials=BATCH)
    open_path = Path.open

    def full(path: Path, *arguments: Any, **named: Any) -> object:
        if path.name == JOURNAL_FILE:
            raise OSError(28, "No space left on device")
        return open_path(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        with pytest.raises(UserError, match="No space left on device"):
            run(tmp_path, plan_of())
    assert len(run(tmp_path, plan_of())[1]) == TRIALS


def test_workers_change_no_byte(tmp_path: Path, uncut: dict[str, Path]) -> None:
    with evaluator(EXPERIMENT, workers=2) as made_by:
        run(tmp_path, plan_of(), made_by=made_by)
    assert parts(tmp_path) == parts(uncut["nsga2"])
