"""Designs to rows: metrics, the experiment that asks for them, and the fronts of the rows."""
