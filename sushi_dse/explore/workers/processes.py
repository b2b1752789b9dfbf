"""The executor in a pool of processes on this machine, started by `spawn` on every system."""

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
from sushi_dse.explore.workers.tasks import GO_ON, TRIES, Failure, Outcome, Task, attempt
from sushi_dse.interrupts import SIGNALS

BLOCKS_A_PROCESS = 2  # blocks that a worker holds: one is evaluated while the next one waits
LOOK_S = 0.5  # most time that passes without a look at whether the work goes on
SAFE_PATH = "PYTHONSAFEPATH"  # variable of the environment that a new interpreter reads
READY = "ready"  # first message of a worker process


class ProcessPool:
    """Worker processes on this machine, each started when there is a block for it."""

    def __init__(self, task: Task, count: int) -> None:
        self.payload = pickle.dumps(task)
        self.count = count
        self.capacity = BLOCKS_A_PROCESS * count
        self.workers: list[Worker] = []
        self.stillborn = 0  # number of successive workers that died before they were ready

    def start(self, block: range) -> None:
        """Queue a block at the worker with the fewest."""
        if len(self.workers) < self.count:
            self.workers.append(Worker(self.payload))
        min(self.workers, key=lambda worker: len(worker.blocks)).start(block)

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """The blocks that have ended, with their outcomes; a block fails if its worker dies of it.

        None may have ended.  `IncompleteError` where workers die one after the other as they start.
        """
        news = connection.wait([worker.pipe for worker in self.workers], LOOK_S)
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

    def _bury(self, worker: "Worker") -> Iterator[tuple[range, Outcome]]:
        """The failure of the first block of a dead worker, whose other blocks go to live ones."""
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
        """Kill the workers; whatever they hold can be evaluated again."""
        for worker in self.workers:
            worker.end()


class Worker:
    """A process that evaluates blocks one after the other, and the pipe to it."""

    def __init__(self, payload: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.payload, self.blocks, self.ready = payload, deque[range](), False
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _signals_held(), _own_modules():
            self.process.start()
        theirs.close()

    def start(self, block: range) -> None:
        """Queue a block; it is sent once the process has its task."""
        self.blocks.append(block)
        if self.ready:
            self._send(pickle.dumps(block))

    def begin(self) -> None:
        """Send the task and the queued blocks, which the process reads once it is ready."""
        self.ready = True
        for message in (self.payload, *map(pickle.dumps, self.blocks)):
            self._send(message)

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # `finished` learns of a process that has died.
            self.pipe.send_bytes(message)

    def end(self) -> str:
        """Kill the process; the result says how it ended."""
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
    """Hold back signals, here and in the new process, while a process is being started.

    A terminal sends its Ctrl-C to every process.  A process that is starting would print a
    traceback, on the signal itself or on losing its parent before it is fully set up.
    """
    if threading.current_thread() is not threading.main_thread():  # Only that one gets signals.
        yield
        return
    held: list[int] = []
    handlers = {n: signal.signal(n, lambda number, _: held.append(number)) for n in SIGNALS}
    # A mask is inherited by the new process, which handlers are not; Windows has no masks.
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # The tracker unblocks the signals as it starts.
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
    """Evaluate the blocks that come through the pipe until it closes: the main of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The command handles Ctrl-C and ends its workers.
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # The pipe breaks when the command has ended.
        pipe.send(READY)
        task = attempt(pickle.loads, pipe.recv_bytes())
        while True:
            block = pipe.recv()
            pipe.send(task if isinstance(task, Failure) else attempt(task, block))


def _end_with_parent() -> None:
    """End this process when its parent ends, however that happens."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
