"""Figures of results, as pictures by matplotlib and as pages by plotly.

The functions that begin with `save` write a file, whole or not at all; the same values make the
same bytes.
"""
