"""Where blocks are done: in this process, in processes of their own, or in a Dask cluster.

`results` hands blocks to a place, a few at a time, and gives back what came of each.  A place gets
the work once for each of its workers, and after that only blocks.  What a block gives does not
depend on where it is done; one that fails, or ends its worker, is tried again.
"""

from sushi_dse.workers.cluster import Cluster
from sushi_dse.workers.places import GO_ON, TRIES, Failure, Here, Place, Work, results
from sushi_dse.workers.processes import Processes

__all__ = ["GO_ON", "TRIES", "Failure", "Place", "Work", "place_for", "results"]


def place_for(work: Work, *, workers: int, cluster: str | None = None) -> Place:
    """The place that does `work` with so many workers, or in the cluster of that name.

    `UserError` where the cluster cannot be reached.
    """
    if cluster is not None:
        return Cluster(work, cluster)
    return Here(work) if workers == 1 else Processes(work, workers)
