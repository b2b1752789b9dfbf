"""Answers about designs, a file an answer."""
