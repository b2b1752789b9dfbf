"""Printing: results on standard output, progress and warnings on standard error."""
