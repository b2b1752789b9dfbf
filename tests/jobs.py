"""Work for the tests of workers, and a Dask cluster; workers import it by name."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import paths

ROOT = paths.ROOT


def squares(block: range) -> bytes:
    return repr([number * number for number in block]).encode()


def slow(block: range) -> bytes:
    time.sleep(30)
    return squares(block)


def hangs_at_2(block: range) -> bytes:
    if block.start == 2:
        time.sleep(600)
    return squares(block)


def raises_at_2(block: range) -> bytes:
    if block.start == 2:
        raise ArithmeticError("two\nlines")
    return squares(block)


def dies_at_2(block: range) -> bytes:
    if block.start == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(block)


def dies_once(marker: Path, block: range) -> bytes:
    """As `squares`, but the first worker to come to block 2 dies there."""
    if block.start == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(block)


class Unloadable:
    """Work that no worker can unpickle."""

    def __call__(self, block: range) -> bytes:
        return squares(block)

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


@dataclass(frozen=True)
class Cluster:
    file: str  # that of the scheduler
    scheduler: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return str(json.loads(Path(self.file).read_text())["address"])


def certificates(folder: Path) -> dict[str, str]:
    """The settings by which Dask's processes know each other by a certificate of their own."""
    certificate, key = str(folder / "own.pem"), str(folder / "own.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
         "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    settings = {f"{prefix}CA_FILE": certificate}
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"{prefix}{who}__CERT": certificate, f"{prefix}{who}__KEY": key}
    return settings


@contextmanager
def dask_cluster(
    folder: Path, workers: int = 2, tls: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A scheduler and workers, each a process of its own, as on hosts of their own."""
    file = str(folder / "scheduler.json")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s",  # to a worker that has died
        **(tls or {}),
    }
    protocol = ["--protocol", "tls"] if tls else []

    def start(name: str, kind: str, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", file]
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*command, "--no-dashboard", *protocol, *arguments],
                env=environment, cwd=folder, start_new_session=True, stdout=log, stderr=log,
            )  # fmt: skip

    scheduler = start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0")
    started = [scheduler]
    try:
        while not (Path(file).exists() and Path(file).read_text().endswith("}")):
            assert scheduler.poll() is None
            time.sleep(0.02)
        for name in (f"worker-{number}" for number in range(workers)):  # each as on its own host
            own = str(folder / name)
            started.append(start(name, "worker", "--nthreads", "1", "--local-directory", own))
        yield Cluster(file=file, scheduler=scheduler)
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
