"""Processes of their own on this machine, made by `spawn` on every system."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing import connection, resource_tracker
from types import ModuleType

from sushi_dse.errors import IncompleteError
from sushi_dse.explore.workers.work import GO_ON, TRIES, Failure, Outcome, Work, attempt
from sushi_dse.interrupts import SIGNALS

BLOCKS_A_PROCESS = 2  # one is done while the other waits in the worker
SAFE_PATH = "PYTHONSAFEPATH"  # what a new interpreter reads
READY = "ready"  # what a process says first


class Processes:
    """Processes of their own on this machine, made when there is a block for them."""

    def __init__(self, work: Work, count: int) -> None:
        self.payload = pickle.dumps(work)
        self.count = count
        self.capacity = BLOCKS_A_PROCESS * count
        self.workers: list[_Worker] = []
        self.stillborn = 0  # workers in a row that died before they were ready

    def start(self, block: range) -> None:
        """Give the block to the worker with the fewest."""
        if len(self.workers) < self.count:
            self.workers.append(_Worker(self.payload))
        min(self.workers, key=lambda worker: len(worker.blocks)).start(block)

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """Results as they come; a failure for the block that a worker died of."""
        news = connection.wait([worker.pipe for worker in self.workers])
        for worker in [worker for worker in self.workers if worker.pipe in news]:
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._bury(worker)
                continue
            if message == READY:
                self.stillborn = 0
                worker.begin()
            else:
                yield worker.blocks.popleft(), message

    def _bury(self, worker: "_Worker") -> Iterator[tuple[range, Outcome]]:
        """Blame the first block of a worker that died; the others go to living ones."""
        self.workers.remove(worker)
        code = worker.end()
        if worker.ready and worker.blocks:
            yield worker.blocks.popleft(), Failure(f"its worker died ({code})")
        elif not worker.ready:
            self.stillborn += 1
            if self.stillborn > TRIES * self.count:
                raise IncompleteError(f"worker processes die as they start ({code}); {GO_ON}")
        for block in worker.blocks:
            self.start(block)

    def close(self) -> None:
        """End the workers; they hold nothing that is not to be had again."""
        for worker in self.workers:
            worker.end()


class _Worker:
    """A process that does blocks, one after the other, and the pipe to it."""

    def __init__(self, payload: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.payload, self.blocks, self.ready = payload, deque[range](), False
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _signals_held(), _own_modules():
            self.process.start()
        theirs.close()

    def start(self, block: range) -> None:
        self.blocks.append(block)
        if self.ready:
            self._send(pickle.dumps(block))

    def begin(self) -> None:
        """Send the work, and the blocks that came before it could be sent."""
        self.ready = True
        for message in (self.payload, *map(pickle.dumps, self.blocks)):
            self._send(message)

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # it has died: the pipe's end will say so
            self.pipe.send_bytes(message)

    def end(self) -> str:
        """Kill the process; how it ended."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


@contextlib.contextmanager
def _own_modules() -> Iterator[None]:
    """Let a process that is made import nothing but what it is told, neither by name nor by chance.

    A file in the working folder may be named as one of the standard library, and the script that
    asks for workers would, imported by one of them, ask for workers of its own.
    """
    before, script = os.environ.get(SAFE_PATH), sys.modules["__main__"]
    os.environ[SAFE_PATH] = "1"
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back while a process is made: from it, until it can deal with them, and here.

    A terminal sends its Ctrl-C to every process.  One that starts would print a traceback of it, as
    it would if this one ended before it had said all that a process is told at its start.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    held: list[int] = []
    handlers = {n: signal.signal(n, lambda number, _: held.append(number)) for n in SIGNALS}
    if hasattr(signal, "pthread_sigmask"):  # not on Windows; inherited, as handlers are not
        resource_tracker.ensure_running()  # which unblocks them when it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for caught in held:
            signal.raise_signal(caught)


def _serve(pipe: "connection.Connection") -> None:
    """Do what comes through the pipe, until it closes; the body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which ends this
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the command has gone
        pipe.send(READY)
        work = attempt(pickle.loads, pipe.recv_bytes())
        while True:
            block = pipe.recv()
            pipe.send(work if isinstance(work, Failure) else attempt(work, block))


def _end_with_parent() -> None:
    """End this process when the one that made it ends, by whatever way."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
