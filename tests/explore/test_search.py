"""`search`: what is asked and told, and that cuts, workers and storages change nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product
from math import inf
from pathlib import Path

import numpy as np
import optuna
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from benchmarks import search as benchmark
from sushi_dse.cli import main
from sushi_dse.errors import UserError
from sushi_dse.evaluation.counts import joined
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import cost_matrix, feasible_rows, hypervolume, reference_point
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.search.batches import SearchBatch, evaluator, neighbour_ranges, searched
from sushi_dse.explore.search.plan import POLICY, SAMPLERS, Search
from sushi_dse.explore.search.storage import JOURNAL_FILE, _Journal, open_study, shown_url
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import read_results
from sushi_dse.store.run import SCHEMA_VERSION
from tests import paths

TINY = str(paths.TINY)
POLICIES = ("no-sgs", "sushi")
OBJECTIVES = ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query")
TRIALS, BATCH = 24, 6

each_sampler = pytest.mark.parametrize("sampler", SAMPLERS)


def experiment_of(policies: Sequence[str]) -> Experiment:
    return load_experiment(TINY, policies=policies, queries=40)


EXPERIMENT = experiment_of(POLICIES)
SWEPT = evaluate(EXPERIMENT, range(EXPERIMENT.space.size))
ROWS = {(row["design"], row["policy"]): row for row in SWEPT.to_pylist()}


def rows_of(designs: Sequence[int]) -> pa.Table:
    """What `evaluate` gives, looked up."""
    per_design = [SWEPT.filter(pa.compute.field("design") == design) for design in designs]
    whole = evaluate(EXPERIMENT, designs).schema.metadata
    return pa.concat_tables(per_design).combine_chunks().replace_schema_metadata(whole)


def plan_of(sampler: str = "nsga2", *, seed: int = 0, names: Sequence[str] = OBJECTIVES) -> Search:
    return Search(EXPERIMENT, names, sampler=sampler, seed=seed, batch=BATCH)


class Recorded:
    """An evaluation that remembers what it was asked."""

    def __init__(self) -> None:
        self.designs: list[int] = []

    def __call__(self, designs: Sequence[int]) -> pa.Table:
        self.designs += designs
        return evaluate(EXPERIMENT, designs)


def run(
    folder: Path,
    plan: Search,
    trials: int = TRIALS,
    made_by: Callable[[Sequence[int]], pa.Table] = rows_of,
    url: str | None = None,
) -> tuple[list[SearchBatch], list[FrozenTrial]]:
    """The steps of a search, and the trials that were not given up."""
    plan = replace(plan, out=folder)
    with plan.opened() as store, open_study(plan, url) as study:
        steps = list(searched(plan, study, store, made_by, trials=trials))
        return steps, study.get_trials(states=(TrialState.COMPLETE,))


def parts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("part-*.parquet")}


@each_sampler
def test_a_design_is_evaluated_once_and_every_trial_is_counted(
    tmp_path: Path, sampler: str
) -> None:
    recorded = Recorded()
    steps, trials = run(tmp_path / "out", plan_of(sampler), made_by=recorded)
    assert len(set(recorded.designs)) == len(recorded.designs)
    asked = {plan_of().row(trial.params)[0] for trial in trials}
    assert set(recorded.designs) == asked
    counts = [(step.evaluated, step.infeasible, step.repeated) for step in steps]
    assert all(sum(count) == len(step) for count, step in zip(counts, steps, strict=True))
    evaluated, infeasible, _ = np.sum(counts, axis=0)
    assert infeasible == sum(ROWS[design, "sushi"]["infeasible_reason"] != "" for design in asked)
    assert evaluated + infeasible == len(asked)
    assert len(trials) == TRIALS


@each_sampler
def test_a_trial_is_told_the_row_that_a_sweep_has(tmp_path: Path, sampler: str) -> None:
    _, trials = run(tmp_path / "out", plan_of(sampler))
    for trial in trials:
        row = ROWS[plan_of().row(trial.params)]
        if row["infeasible_reason"]:
            assert trial.values == [inf, -inf, inf]
            assert trial.constraints["device"] > 0
        else:
            assert trial.values == [row[name] for name in OBJECTIVES]
            assert trial.constraints["device"] <= 0
    stored = read_results(tmp_path / "out").to_dict("records")
    assert {plan_of().row(trial.params)[0] for trial in trials} == {r["design"] for r in stored}
    for row in stored:
        expected = ROWS[row["design"], row["policy"]]
        assert {name: None if value != value else value for name, value in row.items()} == expected


@pytest.mark.parametrize(
    "names",
    [OBJECTIVES[:1], OBJECTIVES[:2], (*OBJECTIVES, "dsp", "p99_latency_ms", "uram288")],
    ids=len,
)
@each_sampler
def test_every_sampler_takes_any_number_of_objectives(
    tmp_path: Path, sampler: str, names: Sequence[str]
) -> None:
    steps, trials = run(tmp_path / "out", plan_of(sampler, names=names))
    assert {len(trial.values) for trial in trials} == {len(names)}
    assert (steps[-1].answers.hypervolume is None) == (len(names) > 5)


@each_sampler
def test_a_space_in_which_nothing_fits_is_searched_without_a_word(
    tmp_path: Path, sampler: str
) -> None:
    space = SearchSpace.of(EXPERIMENT.space.base, {"pe_kernels": [128, 256]})
    plan = replace(plan_of(sampler), experiment=replace(EXPERIMENT, space=space))
    steps, trials = run(tmp_path, plan, made_by=partial(evaluate, plan.experiment))
    assert len(trials) == TRIALS
    assert sum(step.evaluated for step in steps) == 0
    assert (steps[-1].answers.front, steps[-1].answers.hypervolume) == (0, 0.0)


def test_a_trial_chooses_each_design_under_each_policy_in_one_way() -> None:
    plan = plan_of()
    choices = [
        distribution.choices if name == POLICY else range(distribution.high + 1)
        for name, distribution in plan.distributions.items()
    ]
    names = list(plan.distributions)
    rows = [plan.row(dict(zip(names, chosen, strict=True))) for chosen in product(*choices)]
    assert sorted(rows) == sorted(product(range(EXPERIMENT.space.size), POLICIES))


def test_a_policy_alone_is_not_asked_for() -> None:
    plan = replace(plan_of(), experiment=experiment_of(("sushi",)))
    assert POLICY not in plan.distributions
    assert plan.row(dict.fromkeys(plan.distributions, 0)) == (0, "sushi")


@each_sampler
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, sampler: str
) -> None:
    asked = []
    for name, seed in (("first", 0), ("second", 0), ("other", 1)):
        _, trials = run(tmp_path / name, plan_of(sampler, seed=seed))
        asked.append([trial.params for trial in trials])
    assert asked[0] == asked[1] != asked[2]
    assert parts(tmp_path / "first") == parts(tmp_path / "second")


def test_the_hypervolume_is_that_of_all_rows_and_never_falls(tmp_path: Path) -> None:
    plan = plan_of("random")
    steps, _ = run(tmp_path / "out", plan, trials=BATCH)
    first = feasible_rows(read_results(tmp_path / "out"), plan.metrics)
    reference = reference_point(cost_matrix(first, plan.metrics))
    steps, _ = run(tmp_path / "out", plan)
    rows = feasible_rows(read_results(tmp_path / "out"), plan.metrics)
    costs = cost_matrix(rows, plan.metrics)
    assert steps[-1].answers.hypervolume == pytest.approx(hypervolume(costs, reference))
    seen: list[float] = []

    def noted(step: SearchBatch) -> SearchBatch:
        seen.append(step.answers.hypervolume or 0.0)
        return step

    again = replace(plan, out=tmp_path / "again")
    with again.opened() as store, open_study(again) as study:
        for step in searched(again, study, store, rows_of, trials=TRIALS):
            noted(step)
    assert seen == sorted(seen)
    assert seen[0] > 0


@dataclass(frozen=True)
class Result:
    """What a search comes to: its parts, and what was asked."""

    parts: dict[str, bytes]
    asked: list[dict[str, object]]


def result(
    folder: Path,
    plan: Search,
    made_by: Callable[[Sequence[int]], pa.Table] = rows_of,
    url: str | None = None,
) -> Result:
    """What a search comes to, once it has gone on to its end."""
    _, trials = run(folder, plan, made_by=made_by, url=url)
    return Result(parts(folder), [trial.params for trial in trials])


class Cut(BaseException):
    """A kill, as far as a process can play it to itself."""


@contextmanager
def cut_after(lines: int, *, torn: bool) -> Iterator[None]:
    """The journal takes so many lines, perhaps half of another one, and then all ends."""
    written = 0
    append_logs = _Journal.append_logs

    def append_until_cut(self: object, logs: list[dict[str, object]]) -> None:
        nonlocal written
        if written == lines:
            if torn:
                with self._path.open("ab") as file:
                    file.write(json.dumps(logs[0]).encode()[:20])
            raise Cut
        written += 1
        append_logs(self, logs)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Journal, "append_logs", append_until_cut)
        yield


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each sampler's search that nothing cut."""
    folders = {sampler: tmp_path_factory.mktemp(sampler) for sampler in SAMPLERS}
    for sampler, folder in folders.items():
        run(folder, plan_of(sampler))
    return folders


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


def test_a_journal_that_is_broken_is_said_so(tmp_path: Path) -> None:
    run(tmp_path, plan_of())
    journal = tmp_path / JOURNAL_FILE
    journal.write_text("no journal\n" + journal.read_text())
    with pytest.raises(UserError, match="is broken; delete it"):
        run(tmp_path, plan_of())


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, plan_of(), trials=BATCH)
    open_path = Path.open

    def full(path: Path, *arguments: object, **named: object) -> object:
        if path.name == JOURNAL_FILE:
            raise OSError(28, "No space left on device")
        return open_path(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        with pytest.raises(UserError, match="No space left on device"):
            run(tmp_path, plan_of())
    assert len(run(tmp_path, plan_of())[1]) == TRIALS


@given(st.sets(st.integers(0, 40), min_size=1))
def test_runs_hold_each_design_once_and_are_as_long_as_can_be(designs: set[int]) -> None:
    found = neighbour_ranges(sorted(designs))
    assert [design for run in found for design in run] == sorted(designs)
    assert all(a.stop < b.start for a, b in pairwise(found))


@settings(max_examples=10)
@given(st.sets(st.integers(0, EXPERIMENT.space.size - 1), min_size=1))
def test_rows_made_run_by_run_are_those_made_at_once(designs: set[int]) -> None:
    pieces = joined(evaluate(EXPERIMENT, run) for run in neighbour_ranges(sorted(designs)))
    whole = evaluate(EXPERIMENT, sorted(designs))
    assert pieces.equals(whole, check_metadata=True)


def test_workers_change_no_byte(tmp_path: Path, uncut: dict[str, Path]) -> None:
    with evaluator(EXPERIMENT, workers=2) as made_by:
        run(tmp_path, plan_of(), made_by=made_by)
    assert parts(tmp_path) == parts(uncut["nsga2"])


def test_sqlite_changes_no_byte_and_a_search_in_it_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    run(tmp_path / "out", plan_of(), trials=BATCH, url=url)
    run(tmp_path / "out", plan_of(), trials=2 * BATCH, url=url)
    run(tmp_path / "journal", plan_of(), trials=2 * BATCH)
    assert parts(tmp_path / "out") == parts(tmp_path / "journal")
    assert not (tmp_path / "out" / JOURNAL_FILE).exists()


PASSWORD = "s3:cr@t/"
QUOTED = "s3%3Acr%40t%2F"


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a scratch database, whose password is `QUOTED`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(initdb).parent
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to be run by root
    folder = Path("/var/tmp") / f"sushi-dse-test-{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        if user:
            shutil.chown(folder, user)

        def call(name: str, *arguments: str) -> None:
            subprocess.run([programs / name, *arguments], check=True, user=user, cwd="/",
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip

        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        data, port = str(folder / "data"), str(20000 + os.getpid() % 20000)
        call("initdb", "-D", data, "-U", "me", "-A", "scram-sha-256",
             "--pwfile", str(folder / "password"))  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        call("pg_ctl", "-D", data, "-o", f"{options} -c fsync=off", "-w", "start")
        try:
            yield f"postgresql://me:{QUOTED}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def test_a_study_that_another_search_uses_is_refused(tmp_path: Path) -> None:
    def meanwhile(designs: Sequence[int]) -> pa.Table:
        run(tmp_path / "other", plan_of(), url=url)
        return rows_of(designs)

    url = f"sqlite:///{tmp_path / 'studies.db'}"
    with pytest.raises(UserError, match="another search uses this study"):
        run(tmp_path / "out", plan_of(), made_by=meanwhile, url=url)


def test_postgresql_changes_no_byte_and_a_search_in_it_goes_on(
    tmp_path: Path, postgresql: str, uncut: dict[str, Path]
) -> None:
    run(tmp_path / "out", plan_of(), trials=BATCH, url=postgresql)
    found = result(tmp_path / "out", plan_of(), url=postgresql)
    assert found == result(uncut["nsga2"], plan_of())


def test_a_database_that_refuses_says_why_and_keeps_its_secret(
    tmp_path: Path, postgresql: str
) -> None:
    with pytest.raises(UserError, match="password authentication failed") as caught:
        run(tmp_path, plan_of(), url=postgresql.replace(QUOTED, "wr0ng"))
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be used"):
        run(tmp_path, plan_of(), url=postgresql.replace("/postgres", "/none"))


def test_a_database_that_goes_away_is_one_line(tmp_path: Path) -> None:
    database = tmp_path / "studies.db"

    def lose(designs: Sequence[int]) -> pa.Table:
        database.write_bytes(b"gone")
        return rows_of(designs)

    with pytest.raises(UserError, match=r"--storage sqlite:///.*studies\.db: cannot be used"):
        run(tmp_path / "out", plan_of(), made_by=lose, url=f"sqlite:///{database}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@host:1/db", "postgresql+psycopg://me:***@host:1/db"),
        ("postgresql://host/db?user=me&password=hush", "postgresql+psycopg://host/db"),
        ("sqlite:///file.db", "sqlite:///file.db"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_what_is_wrong_with_an_option_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no URL of a database"):
        shown_url("database")
    with pytest.raises(UserError, match="dialects:foo"):
        run(tmp_path, plan_of(), url="foo://host/db")
    with pytest.raises(UserError, match="nsga3 needs 2 or more"):
        replace(plan_of("nsga3"), batch=1)


def command(*arguments: str) -> list[str]:
    policies = [word for name in POLICIES for word in ("--policy", name)]
    return ["search", "--hw", TINY, "--queries", "40", *policies, "--trials", str(TRIALS),
            "--batch", str(BATCH), *arguments]  # fmt: skip


@pytest.fixture
def called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return call


def test_the_document_counts_trials_and_its_front_is_beaten_by_no_row(
    tmp_path: Path, called: Callable[..., tuple[int, str, str]]
) -> None:
    out = str(tmp_path / "out")
    names = ["p99_latency_ms", "energy_mj_per_query"]
    wanted = [word for name in names for word in ("--objective", name)]
    code, printed, said = called(*command("--out", out, "--format", "json", *wanted))
    document = json.loads(printed)
    assert code == 0
    assert "sushi-dse sweep" in said
    assert (document["schema_version"], document["designs"], document["space"]) == (
        SCHEMA_VERSION,
        TRIALS,
        12,
    )
    assert document["evaluated"] + document["infeasible"] + document["repeated"] == TRIALS
    assert (document["out"], document["objectives"]) == (out, names)
    assert document["seconds"] > 0
    rows = [r for r in read_results(Path(out)).to_dict("records") if not r["infeasible_reason"]]
    costs = [[row[name] for name in names] for row in rows]
    unbeaten = {
        (row["design"], row["policy"])
        for row, own in zip(rows, costs, strict=True)
        if not any(o != own and all(a <= b for a, b in zip(o, own, strict=True)) for o in costs)
    }
    assert {(row["design"], row["policy"]) for row in document["front"]} == unbeaten
    code, printed, _ = called("pareto", "show", out, "--format", "json", *wanted)
    assert json.loads(printed)["front"] == document["front"]
    code, printed, _ = called(*command("--out", out, "--format", "json", *wanted))
    again = json.loads(printed)
    assert (again["evaluated"], again["repeated"], again["designs"]) == (0, 0, TRIALS)
    assert again["front"] == document["front"]


@pytest.mark.parametrize("printed", ["table", "jsonl", "markdown"])
def test_a_search_is_printed_in_every_format(
    tmp_path: Path, called: Callable[..., tuple[int, str, str]], printed: str
) -> None:
    code, out, _ = called(*command("--out", str(tmp_path), "--format", printed))
    assert code == 0
    assert "sushi" in out
    assert ("24 trials of nsga2" in out) == (printed == "table")


def test_a_search_needs_a_trace(called: Callable[..., tuple[int, str, str]]) -> None:
    code, _, said = called("search", "--hw", TINY, "--trace", "none")
    assert (code, said.count("\n")) == (2, 1)
    assert "a search is on a trace" in said


def test_a_folder_of_another_search_is_refused(
    tmp_path: Path, called: Callable[..., tuple[int, str, str]]
) -> None:
    called(*command("--out", str(tmp_path), "--sampler", "random"))
    code, _, said = called(*command("--out", str(tmp_path), "--sampler", "tpe"))
    assert code == 2
    assert "search.sampler" in said.splitlines()[-1]


def test_a_password_reaches_neither_the_folder_nor_the_terminal(
    tmp_path: Path, called: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/db"
    arguments = command("--out", str(tmp_path), f"--storage={url}")
    monkeypatch.setattr(sys, "argv", ["sushi-dse", *arguments])
    code, _, said = called(*arguments)
    assert code == 2
    assert said.splitlines()[-1].startswith("error: --storage postgresql+psycopg://me:***@")
    assert "hush" not in said
    assert "--storage=postgresql+psycopg://me:***@" in (tmp_path / "run.json").read_text()
    assert not any(b"hush" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_bar_shows_the_hypervolume_on_a_terminal_and_nothing_elsewhere(
    tmp_path: Path, called: Callable[..., tuple[int, str, str]]
) -> None:
    pty = pytest.importorskip("pty")
    reader, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "sushi_dse", *command("--out", str(tmp_path / "out"))],
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "160"},
    ):
        os.close(terminal)
        said = b""
        with suppress(OSError):  # Linux's end of a terminal
            while block := os.read(reader, 4096):
                said += block
    os.close(reader)
    assert b"hypervolume" in said
    _, _, quiet = called(*command("--out", str(tmp_path / "quiet")))
    assert quiet.count("\n") == 1


def test_an_interrupted_search_says_how_to_go_on_and_goes_on(
    tmp_path: Path, called: Callable[..., tuple[int, str, str]]
) -> None:
    many = ("--sampler", "random", "--trials", "100")
    arguments = command("--out", str(tmp_path / "out"), *many)
    journal = tmp_path / "out" / JOURNAL_FILE
    with subprocess.Popen(
        [sys.executable, "-m", "sushi_dse", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        while not journal.exists() or journal.stat().st_size < 20_000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert "run the same command to go on" in said
    for out in ("out", "whole"):
        assert called(*command("--out", str(tmp_path / out), *many))[0] == 0
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def test_optuna_says_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    run(tmp_path, plan_of("nsga3"))
    assert capfd.readouterr() == ("", "")


def test_the_benchmark_counts_the_designs_that_are_needed() -> None:
    space = benchmark.Enumeration.of(TINY, "ofa_resnet50", OBJECTIVES)
    every = np.flatnonzero(space.fits).tolist()
    assert len(every) == 8
    assert space.share(every) == 1
    assert space.share([]) == 0
    assert all(space.share(every[:n]) <= space.share(every[: n + 1]) for n in range(len(every)))
    for sampler in SAMPLERS:
        needed = benchmark.evaluations_needed(space, sampler, 0, trials=200)
        assert 0 < needed <= len(every)
    assert benchmark.evaluations_needed(space, "random", 0, batch=2, trials=2) == inf
