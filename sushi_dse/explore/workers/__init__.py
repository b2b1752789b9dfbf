"""Where blocks are done: in this process, in processes of their own, or in a Dask cluster.

`results` hands blocks to a place, a few at a time, and gives back what came of each.  A place gets
the work once for each of its workers, and after that only blocks.  What a block gives does not
depend on where it is done; one that fails, or ends its worker, is tried again.
"""
