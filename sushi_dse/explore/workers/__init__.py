"""Executors of a task over blocks of designs: this process, a pool of processes, a Dask cluster.

`results` hands blocks to an executor, a few at a time, and yields the result or failure of each.
An executor gets the task once for each of its workers, and after that only blocks.  The result of a
block does not depend on the executor; a block that fails, or ends its worker, is tried again.
"""
