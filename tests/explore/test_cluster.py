"""What a cluster may do to a command: hang, fall silent, or be reached by certificates alone."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

import dask.config
import pytest

from sushi_dse.errors import IncompleteError, UserError
from sushi_dse.explore.workers import cluster as cluster_module
from sushi_dse.explore.workers.executors import executor_for
from sushi_dse.explore.workers.tasks import results
from tests.jobs import certificates, dask_cluster, hangs_at_2, squares

BLOCKS = [range(first, first + 2) for first in range(0, 8, 2)]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting ends after a second, and not after half a minute."""
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1)
    monkeypatch.setattr(cluster_module, "SILENT_S", 1)


@pytest.fixture
def of_dask(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of Dask from the environment, for as long as a test lasts."""
    yield
    monkeypatch.undo()
    dask.config.refresh()


def refusal(address: str) -> str:
    with pytest.raises(UserError) as refused:
        executor_for(squares, workers=1, cluster=address)
    return str(refused.value)


@pytest.mark.usefixtures("of_dask")
def test_a_cluster_is_reached_by_tls_with_its_certificates_and_not_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificates(tmp_path)
    with dask_cluster(tmp_path, workers=1, tls=own) as cluster:
        assert cluster.address.startswith("tls://")
        assert "TLS needs certificates; set comm.tls.ca-file" in refusal(cluster.address)
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        dask.config.refresh()
        for named in (cluster.address, cluster.file):
            with closing(executor_for(squares, workers=1, cluster=named)) as executor:
                assert dict(results(executor, BLOCKS)) == {b: squares(b) for b in BLOCKS}
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT", str(tmp_path / "none.pem"))
        dask.config.refresh()
        assert "its certificates cannot be used" in refusal(cluster.address)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "said", [b"", b"\0" * 64, b"\xff" * 64, b"HTTP/1.1 200 OK\r\n\r\n"], ids=["", "0", "ff", "http"]
)
def test_a_port_that_accepts_and_is_no_scheduler_is_refused_in_time(said: bytes) -> None:
    held: list[socket.socket] = []

    def accept(server: socket.socket) -> None:
        with suppress(OSError):  # The test has ended.
            while True:
                held.append(server.accept()[0])
                held[-1].sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=accept, args=(server,), daemon=True).start()
        started = time.monotonic()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert "no scheduler answers there" in refusal(address)
        assert time.monotonic() - started < 10


@pytest.mark.usefixtures("soon")
def test_a_scheduler_that_falls_silent_is_given_up_in_time(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, workers=1) as cluster:
        with closing(executor_for(squares, workers=1, cluster=cluster.file)) as executor:
            steps = results(executor, BLOCKS * 100)
            next(steps)
            os.kill(cluster.scheduler.pid, signal.SIGSTOP)
            started = time.monotonic()
            with pytest.raises(IncompleteError, match="answers no more; what is finished is kept"):
                list(steps)
        assert time.monotonic() - started < 15
        os.kill(cluster.scheduler.pid, signal.SIGCONT)


@pytest.mark.parametrize("kind", ["processes", "cluster"])
def test_a_block_that_hangs_is_one_line_and_what_is_finished_is_kept(
    tmp_path: Path, kind: str
) -> None:
    with dask_cluster(tmp_path, workers=2) as cluster:
        place = cluster.file if kind == "cluster" else None
        with closing(executor_for(hangs_at_2, workers=2, cluster=place)) as executor:
            done: list[tuple[range, object]] = []
            steps = map(done.append, results(executor, BLOCKS, patience_s=3))
            with pytest.raises(IncompleteError, match=r"no block has ended for 3 s, and \d are"):
                list(steps)
    assert done == [(block, squares(block)) for block, _ in done]
    assert done
