"""The rows of a sweep or search on disk, and the run that they belong to."""
