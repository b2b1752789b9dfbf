"""Files to values: hardware files to search spaces, workload files to SuperNets.

Every mistake in a file is raised here, as a `UserError` of one line that begins with its place.
"""
