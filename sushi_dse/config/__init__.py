"""Readers and writers of our own files: hardware files, workload files, measured layers.

Every mistake in a file is raised here, as a `UserError` of one line that begins with the path, line
and column of the mistake.
"""
