import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from sushi_dse.errors import IncompleteError, UserError
from sushi_dse.explore.workers.executors import SameCode, executor_for
from sushi_dse.explore.workers.tasks import Failure, Task, results
from sushi_dse.store.code import code_facts
from tests import paths
from tests.jobs import Cluster, Unloadable, dask_cluster, dies_at_2, dies_once, raises_at_2, squares

BLOCKS = [range(first, first + 2) for first in range(0, 20, 2)]
Executors = Callable[[str, Task], closing[Any]]
DONE = {block: squares(block) for block in BLOCKS}
KINDS = ["here", "processes", "cluster"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture
def executors(request: pytest.FixtureRequest) -> Executors:
    def executor_of(kind: str, task: Task) -> closing[Any]:
        if kind == "cluster":
            address = request.getfixturevalue("cluster").file
            return closing(executor_for(task, workers=1, cluster=address))
        return closing(executor_for(task, workers={"here": 1, "processes": 2}[kind]))

    return executor_of


@pytest.mark.parametrize("kind", KINDS)
def test_every_block_is_done_once_wherever_it_is_done(executors: Executors, kind: str) -> None:
    with executors(kind, squares) as executor:
        ended = list(results(executor, BLOCKS))
    assert dict(ended) == DONE
    assert len(ended) == len(BLOCKS)


@pytest.mark.parametrize(("kind", "most"), [("here", 1), ("processes", 4), ("cluster", 8)])
def test_no_more_blocks_are_taken_than_are_under_way(
    executors: Executors, kind: str, most: int
) -> None:
    taken = 0

    def endless() -> Iterator[range]:
        nonlocal taken
        for taken in count(1):
            yield range(taken, taken + 1)

    with executors(kind, squares) as executor:
        for ended, _ in enumerate(islice(results(executor, endless()), 30)):
            assert taken - ended <= most


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_raises_is_given_up_and_the_others_go_on(
    executors: Executors, kind: str
) -> None:
    with executors(kind, raises_at_2) as executor:
        ended = dict(results(executor, BLOCKS))
    assert ended == DONE | {range(2, 4): Failure("ArithmeticError: two lines")}


@pytest.mark.parametrize("kind", ["processes", "cluster"])
def test_a_worker_that_is_killed_costs_no_block(
    executors: Executors, kind: str, tmp_path: Path
) -> None:
    with executors(kind, partial(dies_once, tmp_path / "died")) as executor:
        ended = list(results(executor, BLOCKS))
    assert (tmp_path / "died").exists()
    assert dict(ended) == DONE
    assert len(ended) == len(BLOCKS)


@pytest.mark.parametrize("kind", ["processes", "cluster"])
def test_workers_that_are_all_killed_cost_no_block(executors: Executors, kind: str) -> None:
    with executors(kind, squares) as executor:
        ending = results(executor, BLOCKS)
        first = [next(ending)]
        if kind == "cluster":
            executor.client.wait_for_workers(2, timeout=60)
            pids = list(executor.client.run(os.getpid).values())
        else:
            pids = [process.pid for process in multiprocessing.active_children()]
        assert len(pids) == 2
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        ended = first + list(ending)
    assert dict(ended) == DONE
    assert len(ended) == len(BLOCKS)


def test_a_block_that_kills_its_workers_is_given_up_and_the_others_go_on(
    executors: Executors,
) -> None:
    with executors("processes", dies_at_2) as executor:
        ended = dict(results(executor, BLOCKS))
    assert ended == DONE | {range(2, 4): Failure("its worker died (signal 9)")}


def test_an_error_of_the_user_ends_all(executors: Executors) -> None:
    def refuses(_: range) -> bytes:
        raise UserError("mend it")

    with executors("here", refuses) as executor, pytest.raises(UserError, match="mend it"):
        list(results(executor, BLOCKS))


@pytest.mark.parametrize("kind", ["processes", "cluster"])
@pytest.mark.parametrize("fact", ["sources", "numpy"])
def test_a_worker_with_other_code_is_refused(executors: Executors, kind: str, fact: str) -> None:
    with (
        executors(kind, SameCode(squares, {**code_facts(), fact: "other"})) as executor,
        pytest.raises(UserError, match=rf"otherwise .*\({fact} .* for other\); install the same"),
    ):
        list(results(executor, BLOCKS))


def test_work_that_workers_cannot_take_is_no_endless_loop(executors: Executors) -> None:
    with executors("processes", Unloadable()) as executor:
        ended = dict(results(executor, BLOCKS[:2]))
    assert all(isinstance(end, Failure) and "ValueError" in end.reason for end in ended.values())
    with (
        executors("cluster", Unloadable()) as executor,
        pytest.raises(UserError, match=r"no worker there can do the work .*the same sushi-dse"),
    ):
        list(results(executor, BLOCKS))


def test_workers_that_die_at_once_are_no_endless_loop(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", b"/bin/false")
    with (
        executors("processes", squares) as executor,
        pytest.raises(IncompleteError, match="as they"),
    ):
        list(results(executor, BLOCKS))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:1", " no scheduler answers there; start one with `dask scheduler`"),
        ("http://127.0.0.1:1", " no scheduler answers there"),
        ("tcp://", " no scheduler answers there"),
        ("missing.json", " no such file; give tcp://HOST:PORT, or what"),
        (str(paths.TINY), "1:1: not JSON"),
    ],
)
def test_a_cluster_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setattr("sushi_dse.explore.workers.cluster.CONNECT_S", 0.3)
    with pytest.raises(UserError) as refusal:
        executor_for(squares, workers=1, cluster=address)
    assert str(refusal.value).startswith(f"--cluster {address}:{said}")


def test_a_cluster_without_dask_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install 'sushi-dse\[dask\]'"):
        executor_for(squares, workers=1, cluster="tcp://127.0.0.1:1")


def test_workers_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import multiprocessing, sys\n"
        "from jobs import slow, squares\n"
        "from sushi_dse.explore.workers.executors import executor_for\n"
        "from sushi_dse.explore.workers.tasks import results\n"
        "if __name__ == '__main__':\n"
        "    executor = executor_for(slow, workers=2)\n"
        "    for first in (0, 1):\n"
        "        executor.start(range(first, first + 1))\n"
        "    list(executor.finished())\n"
        "    print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "    list(executor.finished())\n"
    )
    file = tmp_path / "script.py"
    file.write_text(script)
    with subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as command:  # fmt: skip
        assert command.stdout is not None
        pids = [int(pid) for pid in command.stdout.readline().split()]
        command.kill()
    assert len(pids) == 2
    until = time.monotonic() + 2
    while any(map(is_alive, pids)):
        assert time.monotonic() < until
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_imports_no_module_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "struct.py").write_text("raise SystemExit('of the working folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with closing(executor_for(squares, workers=2)) as executor:
        assert dict(results(executor, [range(3)])) == {range(3): squares(range(3))}
    assert "PYTHONSAFEPATH" not in os.environ
