"""The rates of the parts of a large sweep, for `docs/scale_out.md`.

    python -m benchmarks.scale_out > results/reference/scale_out.json

Blocks from all over `zcu104_large_space` are evaluated without a trace in one process; their parts
are written; and blocks without work go through a Dask cluster of two workers on this machine.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate, only_front
from sushi_dse.explore.blocks import STEADY_BLOCK_DESIGNS
from sushi_dse.explore.survey import objectives
from sushi_dse.explore.workers.executors import executor_for
from sushi_dse.explore.workers.tasks import results
from sushi_dse.store.folder import Store
from sushi_dse.store.parts import part_bytes
from sushi_dse.store.run import Run

SPACE = "zcu104_large_space"
BLOCKS = 64  # blocks that are evaluated, spread evenly over the space
WRITES = 500
TASKS = 1000


def per_s(count: int, work: Callable[[], object]) -> float:
    """The number of things per second where `work` does `count` of them."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """The address of a Dask scheduler with two workers."""
    dask = [sys.executable, "-m", "dask"]
    address = "tcp://127.0.0.1:8786"
    with contextlib.ExitStack() as stack:
        for words in (("scheduler", "--host", "127.0.0.1", "--no-dashboard"),
                      ("worker", address, "--nworkers", "2", "--nthreads", "1")):  # fmt: skip
            process = stack.enter_context(
                subprocess.Popen(
                    [*dask, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            stack.callback(process.terminate)
        yield address


def nothing(block: range) -> bytes:
    """The empty result of a block without work."""
    return b""


def rates(scratch: Path) -> dict[str, object]:
    """The rates, and the sizes of what is stored."""
    experiment, kept = load_experiment(SPACE, trace="none"), objectives(None)
    size, block = experiment.space.size, STEADY_BLOCK_DESIGNS
    blocks = [range(i * size // BLOCKS, i * size // BLOCKS + block) for i in range(BLOCKS)]
    evaluate(experiment, blocks[0])  # Kernels are compiled before the clock starts.
    parts: list[bytes] = []

    def make_parts() -> None:
        parts.extend(part_bytes(only_front(evaluate(experiment, d), kept)) for d in blocks)

    designs_per_s = per_s(BLOCKS * block, make_parts)
    whole = [part_bytes(evaluate(experiment, designs)) for designs in blocks[::8]]
    with Store.open(scratch / "out", Run(inputs={})) as store:

        def write() -> None:
            for block_index in range(WRITES):
                store.write(block_index, parts[block_index % BLOCKS])

        writes_per_s = per_s(WRITES, write)
    with (
        cluster() as address,
        contextlib.closing(executor_for(nothing, workers=1, cluster=address)) as executor,
    ):
        coming = results(executor, (range(i, i + 1) for i in range(2 * TASKS)))
        next(coming)
        tasks_per_s = per_s(TASKS, lambda: list(islice(coming, TASKS)))
    return {
        "command": "python -m benchmarks.scale_out",
        "designs_per_s_and_core": round(designs_per_s),
        "bytes_a_design": round(sum(map(len, whole)) / (len(whole) * block), 1),
        "bytes_a_front": round(sum(map(len, parts)) / len(parts)),
        "written_blocks_per_s": round(writes_per_s),
        "cluster_blocks_per_s": round(tasks_per_s),
    }


if __name__ == "__main__":
    from benchmarks import scale_out  # Workers find `nothing` under this name of the module.

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(scale_out.rates(Path(folder)), indent=2))
