"""Serving a trace by a latency table: SubNet selection, recaching, the queue, and the outcome."""
