import multiprocessing
import os
import pickle
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import distributed
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import IncompleteError, UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import front
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import find_metric
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore import blocks
from sushi_dse.explore import sweep as sweep_module
from sushi_dse.explore.blocks import part_of, steady_block_designs
from sushi_dse.explore.sweep import WAYS, Sweep, SweptBlock
from tests import paths
from tests.jobs import dask_cluster

ROOT = paths.ROOT
TINY = ROOT / "tests" / "data" / "tiny.yaml"
BLOCKS, BLOCK_DESIGNS = 6, 2


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return load_experiment(TINY, policies=["no-sgs", "sushi"], queries=20)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_module, "BLOCK_DESIGNS", BLOCK_DESIGNS)
        yield


def swept(experiment: Experiment, folder: Path, blocks: int | None = None) -> list[SweptBlock]:
    """What a sweep does before it ends, or is killed after so many blocks."""
    sweep = Sweep(experiment, out=folder)
    with sweep.opened() as store:
        steps = sweep.steps(store)
        assert isinstance(steps, Generator)
        with closing(steps):
            return list(islice(steps, blocks))


def parts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("part-*")}


@pytest.fixture(scope="module")
def whole(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    assert sum(map(len, swept(experiment, folder))) == experiment.space.size
    assert len(parts(folder)) == BLOCKS
    return parts(folder)


@settings(max_examples=10)
@given(data=st.data())
def test_a_sweep_that_is_killed_and_damaged_at_random_ends_in_the_same_bytes(
    experiment: Experiment, whole: dict[str, bytes], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(data.draw(st.integers(0, 2), label="kills")):
            swept(experiment, folder, data.draw(st.integers(0, 3), label="blocks before the kill"))
            for part in data.draw(st.sets(st.sampled_from(sorted(whole))), label="damaged"):
                if (folder / part).exists():
                    (folder / part).write_bytes(whole[part][:-1])
        found = {part for part, content in parts(folder).items() if content == whole[part]}
        done = swept(experiment, folder)
        assert len(done) == BLOCKS - len(found)
        assert parts(folder) == whole
        assert swept(experiment, folder) == []


def test_a_worker_that_is_killed_changes_no_byte(
    experiment: Experiment, whole: dict[str, bytes], tmp_path: Path
) -> None:
    sweep = Sweep(experiment, out=tmp_path)
    with sweep.opened() as store:
        steps = sweep.steps(store, workers=2)
        done = [next(steps)]
        killed = multiprocessing.active_children()[0]
        os.kill(killed.pid or 0, signal.SIGKILL)
        done += steps
    assert [step.failure for step in done] == [""] * BLOCKS
    assert parts(tmp_path) == whole


def test_a_cluster_that_dies_costs_nothing_that_is_finished(
    experiment: Experiment,
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sushi_dse.explore.workers.cluster.CONNECT_S", 1)
    out = tmp_path / "out"
    sweep = Sweep(experiment, out=out)
    with dask_cluster(tmp_path) as cluster, sweep.opened() as store:
        steps = sweep.steps(store, cluster=cluster.file)
        next(steps)
        connect: Callable[..., Any] = distributed.Client
        with connect(cluster.address, set_as_default=False) as client:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        next(steps)
        cluster.scheduler.kill()
        with pytest.raises(IncompleteError) as lost:
            list(steps)
    assert str(lost.value) == (
        f"the scheduler at {cluster.file} answers no more; what is finished is kept: run the same "
        "command again to go on"
    )
    assert set(parts(out)) < set(whole)
    swept(experiment, out)
    assert parts(out) == whole


def test_blocks_that_fail_are_given_up_named_and_tried_again_by_the_next_sweep(
    experiment: Experiment, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(experiment: Experiment, designs: range) -> pa.Table:
        if designs.start == 4:
            raise MemoryError
        return evaluate(experiment, designs)

    with monkeypatch.context() as patch:
        patch.setattr(blocks, "evaluate", fails)
        done = swept(experiment, tmp_path)
    given_up = [step for step in done if step.failure]
    assert [step.designs for step in given_up] == [range(4, 6)]
    with pytest.raises(IncompleteError, match=r"after 3 tries: designs 4 to 5 \(MemoryError\);"):
        Sweep.refuse_given_up(given_up)
    with pytest.raises(IncompleteError, match="6 blocks more"):
        Sweep.refuse_given_up(given_up * 9)
    Sweep.refuse_given_up([])
    assert [step.designs for step in swept(experiment, tmp_path)] == [range(4, 6)]
    assert parts(tmp_path) == whole


@pytest.mark.parametrize(
    "kept", [(), ("mean_latency_ms", "energy_mj_per_query")], ids=["all", "front"]
)
def test_a_block_done_in_pieces_is_the_block(
    kept: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = tuple(map(find_metric, kept))
    experiment = load_experiment(TINY, trace="none")
    whole: list[object] = []
    pieces: list[object] = []
    designs = range(experiment.space.size)
    for found, at_once in ((whole, len(designs)), (pieces, 5)):
        monkeypatch.setattr(blocks, "STEADY_BLOCK_DESIGNS", at_once)
        part = part_of(experiment, metrics, designs)
        table = pq.read_table(pa.BufferReader(part))
        found += [table.schema.metadata, *sorted(map(repr, table.to_pylist()))]
    assert pieces == whole


def test_blocks_of_a_large_space_are_large(experiment: Experiment) -> None:
    assert Sweep(experiment).block_designs == BLOCK_DESIGNS
    assert all(size / steady_block_designs(size) <= 65536 for size in (1, 10**9, 10**12, 2**63))
    assert steady_block_designs(10**9) == blocks.STEADY_BLOCK_DESIGNS


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of three blocks, as the command cuts them."""
    path = tmp_path_factory.mktemp("space") / "space.yaml"
    path.write_text("extends: zcu104\nlaunch_us: {from: 1, to: 258, step: 1}\n")
    return path


def has_imported(pid: int, library: str) -> bool:
    return library in Path(f"/proc/{pid}/maps").read_text()


def parts_in(out: Path) -> int:
    return len(list(out.glob("part-*")))


MOMENTS: dict[str, Callable[[int, Path], bool]] = {
    "imports": lambda pid, out: has_imported(pid, "numpy"),
    "start of the workers": lambda pid, out: (out / "run.json").exists(),
    "evaluation": lambda pid, out: parts_in(out) >= 1,
    "summary": lambda pid, out: parts_in(out) == 3,
}


@pytest.mark.parametrize(
    ("moment", "number", "kill"),
    [
        ("imports", signal.SIGINT, os.kill),
        ("start of the workers", signal.SIGINT, os.killpg),  # as a terminal sends it
        ("evaluation", signal.SIGTERM, os.kill),
        ("summary", signal.SIGINT, os.kill),
    ],
)
def test_an_interrupt_ends_all_at_once_and_says_how_to_go_on(
    space: Path, tmp_path: Path, moment: str, number: int, kill: Callable[[int, int], None]
) -> None:
    out = tmp_path / "out"
    command = subprocess.Popen(
        [sys.executable, "-m", "sushi_dse", "sweep", "--hw", str(space), "--queries", "20",
         "--policy", "no-sgs", "--workers", "2", "--out", str(out)],
        cwd=ROOT, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not MOMENTS[moment](command.pid, out):
        assert command.poll() is None
        time.sleep(0.005)
    kill(command.pid, number)
    interrupted = time.monotonic()
    _, said = command.communicate(timeout=10)
    assert time.monotonic() - interrupted < 10  # on a machine that does other work as well
    assert command.returncode == 130
    assert said == (
        f"interrupted; what is finished is kept in {out}: run the same command to go on\n"
    )
    while members(command.pid):
        assert time.monotonic() - interrupted < 10  # on a machine that does other work as well
        time.sleep(0.02)


def members(session: int) -> list[int]:
    """The processes of a session that are alive."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(own) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


STEADY = load_experiment(TINY, "resnet18_cifar10", "none")
NAMES = ["mean_latency_ms", "energy_mj_per_query"]


@pytest.mark.parametrize("how", WAYS)
def test_every_way_of_a_sweep_comes_to_the_same_front(tmp_path: Path, how: str) -> None:
    found = Sweep(STEADY, NAMES, how=how, out=tmp_path / how).run()
    rows = evaluate(STEADY, range(STEADY.space.size)).to_pandas()
    pd.testing.assert_frame_equal(found.front, front(rows, NAMES))
    assert found.counts.designs == STEADY.space.size


def test_a_second_run_from_python_changes_no_byte_and_all_rows_are_to_be_had(
    experiment: Experiment, tmp_path: Path
) -> None:
    sweep = Sweep(experiment, out=tmp_path)
    first = sweep.run()
    before = parts(tmp_path)
    pd.testing.assert_frame_equal(Sweep(experiment, out=str(tmp_path)).run().front, first.front)
    assert parts(tmp_path) == before
    rows = evaluate(experiment, range(experiment.space.size)).to_pandas()
    pd.testing.assert_frame_equal(sweep.to_pandas(), rows)


def test_what_another_sweep_stored_is_not_taken_for_this_ones(
    experiment: Experiment, tmp_path: Path
) -> None:
    Sweep(experiment, out=tmp_path).run()
    other = Sweep(replace(experiment, mode="strict-accuracy"), out=tmp_path)
    for read in (other.run, other.survey, other.to_pandas):
        with pytest.raises(UserError, match='mode was "strict-latency" and is "strict-accuracy"'):
            read()


def test_the_folder_is_named_by_all_that_the_rows_depend_on(experiment: Experiment) -> None:
    sweeps = [
        Sweep(experiment),
        Sweep(experiment, how="front"),
        Sweep(experiment, NAMES, how="front"),
        Sweep(replace(experiment, policies=("sushi",))),
        Sweep(replace(experiment, recache_every_queries=(4, 8))),
        Sweep(STEADY),
        Sweep(STEADY, how="exact"),
    ]
    folders = {sweep.folder for sweep in sweeps}
    assert len(folders) == len(sweeps)
    assert {folder.parent for folder in folders} == {Path("results")}
    assert Sweep(experiment, NAMES).folder == Sweep(experiment).folder  # which keeps all rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"how": "exakt"}, "unknown way to sweep 'exakt'; did you mean 'exact'?"),
        ({"objectives": ["mean_latency"]}, "unknown metric 'mean_latency'; did you mean"),
        ({"objectives": ["dsp", "dsp"]}, "an objective is named twice"),
        ({"how": "exact"}, "--exact is without a trace"),
    ],
    ids=str,
)
def test_a_sweep_that_cannot_be_is_refused(
    experiment: Experiment, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        _ = Sweep(experiment, **changes).metrics


def test_a_script_that_asks_for_workers_is_not_run_by_them(tmp_path: Path) -> None:
    script = tmp_path / "notes.py"
    script.write_text(
        "import sushi_dse as sd\n"
        f"experiment = sd.load_experiment({str(TINY)!r}, policies=['no-sgs'], queries=20)\n"
        "sweep = sd.Sweep(experiment, ['mean_latency_ms'], out='found')\n"
        "import sushi_dse.explore.sweep as module\n"
        "module.BLOCK_DESIGNS = 4\n"
        "print(len(sweep.run(workers=2).front), len(sweep.to_pandas()), repr(sweep)[:5])\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("2 12 Sweep\n", "")


BLOCK_USES_ARRAYS = """
import resource
import numpy as np
from sushi_dse.explore.blocks import keep_freed_memory

keep_freed_memory()
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(100_000) for _ in range(40)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators go their own way")
def test_a_block_takes_the_memory_that_the_last_one_freed() -> None:
    command = [sys.executable, "-c", BLOCK_USES_ARRAYS]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(ended.stdout) < 1000  # of 7,800 pages


def test_a_worker_starts_without_what_reads_files_and_surveys_rows(experiment: Experiment) -> None:
    task = pickle.dumps(partial(part_of, experiment, ()))
    slow = {"pydantic", "pandas", "optuna", "matplotlib", "rich", "typer"}
    script = (
        "import pickle, sys\n"
        f"assert pickle.loads({task!r})(range(2)).startswith(b'PAR1')\n"
        f"print(sorted({slow!r} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stdout == "[]\n"
