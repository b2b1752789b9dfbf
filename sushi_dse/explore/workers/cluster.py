"""A Dask cluster: the workers of its scheduler, on whatever hosts they are."""

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
from sushi_dse.explore.workers.work import GO_ON, Outcome, Work, attempt, failure_of
from sushi_dse.files import read_json

BLOCKS_A_WORKER = 4  # more of them would only wait, and be lost with the worker
CONNECT_S = 5  # to a scheduler, and to it again, before it is taken to have gone
LOOK_S = 0.5  # from one look at who works there to the next
GIVE_ONE = "give tcp://HOST:PORT, or what `dask scheduler --scheduler-file` writes"


class Cluster:
    """The workers of a Dask cluster, few or many, and those that join later."""

    def __init__(self, work: Work, address: str) -> None:
        self.address = address
        self.client = _client(address)
        with warnings.catch_warnings(action="ignore"):  # of a long trace, which is sent once
            # A task and not scattered data: Dask makes it again if all who had it have died.
            self.work = self.client.submit(pickle.loads, pickle.dumps(work), pure=False)
        self.blocks: dict[Any, range] = {}  # by future
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.workers, self.looked_s = 0, -LOOK_S

    @property
    def capacity(self) -> int:
        """Some blocks for each worker there is; where none is yet, for the first to come."""
        if time.monotonic() - self.looked_s > LOOK_S:
            try:
                self.workers = len(self.client.nthreads())
            except Exception:
                raise self._gone() from None
            self.looked_s = time.monotonic()
        return BLOCKS_A_WORKER * max(self.workers, 1)

    def start(self, block: range) -> None:
        """Hand the block to the scheduler."""
        future = self.client.submit(attempt, self.work, block, pure=False)
        self.blocks[future] = block
        future.add_done_callback(self.ended.put)

    def finished(self) -> Iterable[tuple[range, Outcome]]:
        """What has ended; Dask itself goes on with the blocks of workers that die."""
        try:
            future = self.ended.get(timeout=LOOK_S)
        except queue.Empty:
            return []
        try:
            outcome = future.result()
        except Exception as error:  # not the work's, which are values
            if future.status != "error":
                raise self._gone() from None
            outcome = failure_of(error)  # for instance, that worker by worker died of it
            if self.work.status == "error":
                raise UserError(
                    f"--cluster {self.address}: no worker there can do the work ({outcome.reason})"
                    "; install the same sushi-dse on every host"
                ) from None
        return [(self.blocks.pop(future), outcome)]

    def _gone(self) -> IncompleteError:
        return IncompleteError(f"the scheduler at {self.address} has gone; {GO_ON}")

    def close(self) -> None:
        """Let the cluster forget what is under way."""
        self.client.close(timeout=1)


def _client(address: str) -> Any:
    """Dask's client of the scheduler at tcp://HOST:PORT, or of the one that wrote a file."""
    try:
        import dask.config
        import distributed
    except ImportError:
        raise UserError("--cluster needs Dask: pip install 'sushi-dse[dask]'") from None
    for name in ("distributed", "distributed.client"):  # what matters of it becomes one line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S} s"})
    untyped: Any = distributed
    url = address if "://" in address else _address_in(Path(address))

    async def greet() -> None:  # for a client that does not come about prints tracebacks
        await (await untyped.comm.connect(url, timeout=CONNECT_S)).close()

    try:
        asyncio.run(greet())
        return untyped.Client(url, set_as_default=False)
    except Exception:  # whatever answers there, or does not
        raise UserError(
            f"--cluster {address}: no scheduler answers there; start one with `dask scheduler`"
        ) from None


def _address_in(file: Path) -> str:
    """The address in the file that a scheduler wrote."""
    try:
        return str(read_json(file, GIVE_ONE)["address"])
    except UserError as error:
        raise UserError(f"--cluster {error}") from None
    except (TypeError, KeyError):
        raise UserError(f"--cluster {file}: not the file of a scheduler; {GIVE_ONE}") from None
