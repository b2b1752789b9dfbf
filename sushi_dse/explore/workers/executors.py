"""The choice of an executor."""

from sushi_dse.explore.workers.cluster import DaskCluster
from sushi_dse.explore.workers.processes import ProcessPool
from sushi_dse.explore.workers.tasks import Executor, InProcess, Task


def executor_for(task: Task, *, workers: int, cluster: str | None = None) -> Executor:
    """An executor of `task` with so many workers, or in the Dask cluster of that address.

    `UserError` where the cluster cannot be reached.
    """
    if cluster is not None:
        return DaskCluster(task, cluster)
    return InProcess(task) if workers == 1 else ProcessPool(task, workers)
