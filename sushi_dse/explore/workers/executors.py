"""The choice of an executor."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sushi_dse.errors import UserError
from sushi_dse.explore.workers.cluster import DaskCluster
from sushi_dse.explore.workers.processes import ProcessPool
from sushi_dse.explore.workers.tasks import Executor, InProcess, Task
from sushi_dse.store.code import code_facts, differing_code


@dataclass(frozen=True, slots=True)
class SameCode:
    """A task that is done only where the code is that of the process which asked for it."""

    task: Task
    asked_by: Mapping[str, str] = field(default_factory=code_facts)

    def __call__(self, block: range) -> bytes:
        """What the task gives; `UserError` in a process with other code."""
        differs = differing_code(self.asked_by)
        if differs:
            raise UserError(
                f"a worker would compute otherwise than this command ({differs}); install the same "
                "sushi-dse, Python and libraries on every host, or run again if they were changed "
                "meanwhile"
            )
        return self.task(block)


def executor_for(task: Task, *, workers: int, cluster: str | None = None) -> Executor:
    """An executor of `task` with so many workers, or in the Dask cluster of that address.

    A worker with other code than this process has is refused.  `UserError` where the cluster cannot
    be reached.
    """
    if cluster is not None:
        return DaskCluster(SameCode(task), cluster)
    return InProcess(task) if workers == 1 else ProcessPool(SameCode(task), workers)
