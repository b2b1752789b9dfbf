"""The results of a sweep on disk, and what they are of."""
