"""The executor in a Dask cluster, whose workers may be on any hosts.

Dask unpickles what comes from its peers, on both sides: a command trusts the scheduler and every
worker of its cluster as it trusts its own user.
"""

import asyncio
import logging
import pickle
import queue
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sushi_dse.errors import IncompleteError, UserError
from sushi_dse.explore.workers.tasks import GO_ON, Outcome, Task, attempt, failure_of
from sushi_dse.files import read_json

BLOCKS_A_WORKER = 4  # blocks under way for each worker: further ones would be lost with it
CONNECT_S = 5  # timeout of connecting to a scheduler, and of connecting to it again
SILENT_S = 30  # timeout of a scheduler's answer
LOOK_S = 0.5  # time between two counts of the cluster's workers
GIVE_ONE = "give tcp://HOST:PORT, or what `dask scheduler --scheduler-file` writes"
TLS = "tls://"
CERTIFICATES = "comm.tls.ca-file, comm.tls.client.cert and comm.tls.client.key of Dask's settings"


class DaskCluster:
    """The workers of a Dask cluster, those that join later included."""

    def __init__(self, task: Task, address: str) -> None:
        self.address = address
        self.client = _client(address)
        with warnings.catch_warnings(action="ignore"):  # Dask warns that a long trace is large.
            # The task is submitted, not scattered: Dask remakes it if all its workers have died.
            self.task = self.client.submit(pickle.loads, pickle.dumps(task), pure=False)
        self.blocks: dict[Any, range] = {}  # block of each future that is under way
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.workers, self.looked_s = 0, -LOOK_S

    @property
    def capacity(self) -> int:
        """`BLOCKS_A_WORKER` for each worker, and for one where none has joined yet."""
        if time.monotonic() - self.looked_s > LOOK_S:
            try:
                scheduler = self.client.scheduler
                found = self.client.sync(scheduler.ncores, callback_timeout=SILENT_S)
                self.workers = len(found)
            except Exception:
                raise self._gone() from None
            self.looked_s = time.monotonic()
        return BLOCKS_A_WORKER * max(self.workers, 1)

    def start(self, block: range) -> None:
        """Hand the block to the scheduler."""
        future = self.client.submit(attempt, self.task, block, pure=False)
        self.blocks[future] = block
        future.add_done_callback(self.ended.put)

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """At most one block that has ended; Dask itself restarts the blocks of workers that die."""
        try:
            future = self.ended.get(timeout=LOOK_S)
        except queue.Empty:
            return []
        try:
            outcome = future.result(timeout=SILENT_S)
        except Exception as error:  # Errors of the task are values, so this one is Dask's.
            if future.status != "error":
                raise self._gone() from None
            outcome = failure_of(error)  # For instance, the block has killed several workers.
            if self.task.status == "error":
                raise UserError(
                    f"--cluster {self.address}: no worker there can do the work ({outcome.reason})"
                    "; install the same sushi-dse on every host"
                ) from None
        return [(self.blocks.pop(future), outcome)]

    def _gone(self) -> IncompleteError:
        return IncompleteError(f"the scheduler at {self.address} answers no more; {GO_ON}")

    def close(self) -> None:
        """Disconnect, so that the cluster forgets the blocks under way."""
        self.client.close(timeout=1)


def _client(address: str) -> Any:
    """Dask's client of the scheduler at tcp://HOST:PORT, or of the one that wrote the file named.

    `UserError` where Dask is not installed or no scheduler answers.
    """
    try:
        import dask.config
        import distributed
    except ImportError:
        raise UserError("--cluster needs Dask: pip install 'sushi-dse[dask]'") from None
    for name in ("distributed", "distributed.client"):  # Errors are told in one line of our own.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S} s"})
    untyped: Any = distributed
    url = address if "://" in address else _address_in(Path(address))
    security, encrypted = _security(address, is_tls=url.startswith(TLS))

    async def greet() -> None:  # A client that fails to connect would print tracebacks.
        comm = await untyped.comm.connect(url, timeout=CONNECT_S, **encrypted)
        await comm.close()

    try:
        asyncio.run(asyncio.wait_for(greet(), 2 * CONNECT_S))
        return untyped.Client(url, security=security, timeout=CONNECT_S, set_as_default=False)
    except Exception:  # Anything may answer at the address, or nothing.
        hint = f", and share its certificates: {CERTIFICATES}" if url.startswith(TLS) else ""
        raise UserError(
            f"--cluster {address}: no scheduler answers there; start one with `dask scheduler`"
            f"{hint}"
        ) from None


def _security(address: str, *, is_tls: bool) -> tuple[Any, dict[str, Any]]:
    """Dask's security by its settings, and what a connection takes of it.

    `UserError` where certificates are missing or cannot be used.
    """
    import distributed

    untyped: Any = distributed
    try:
        security = untyped.Security()
        taken = security.get_connection_args("client")
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # An SSLError is an OSError.
        raise UserError(
            f"--cluster {address}: its certificates cannot be used ({error}); mend {CERTIFICATES}"
        ) from None
    if is_tls and taken.get("ssl_context") is None:
        raise UserError(f"--cluster {address}: TLS needs certificates; set {CERTIFICATES}")
    return security, taken


def _address_in(file: Path) -> str:
    """The address in the file that a scheduler wrote; `UserError` where it holds none."""
    try:
        return str(read_json(file, GIVE_ONE)["address"])
    except UserError as error:
        raise UserError(f"--cluster {error}") from None
    except (TypeError, KeyError):
        raise UserError(f"--cluster {file}: not the file of a scheduler; {GIVE_ONE}") from None
