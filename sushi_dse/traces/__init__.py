"""Queries, the traces they come in, where traces come from and the files that hold them."""
