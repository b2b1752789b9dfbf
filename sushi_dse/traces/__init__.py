"""Queries and traces of them: generators, importers of request logs, colocation, and files."""
