"""Sweeps, searches and exact fronts: the designs to evaluate, the executors, and the survey."""
