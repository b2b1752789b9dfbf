"""The place that does blocks, by what is asked for."""

from sushi_dse.explore.workers.cluster import Cluster
from sushi_dse.explore.workers.processes import Processes
from sushi_dse.explore.workers.work import Here, Place, Work


def place_for(work: Work, *, workers: int, cluster: str | None = None) -> Place:
    """The place that does `work` with so many workers, or in the cluster of that name.

    `UserError` where the cluster cannot be reached.
    """
    if cluster is not None:
        return Cluster(work, cluster)
    return Here(work) if workers == 1 else Processes(work, workers)
