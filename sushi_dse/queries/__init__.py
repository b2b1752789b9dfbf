"""Queries, the traces they come in, where traces come from and the files that hold them."""

from sushi_dse.queries.files import read_trace, write_trace
from sushi_dse.queries.generators import (
    ARRIVALS,
    DEMANDS,
    Arrival,
    Demand,
    TraceSpec,
    generate,
)
from sushi_dse.queries.trace import (
    COLUMNS,
    MAX_MS,
    FloatArray,
    Query,
    Trace,
    describe_trace,
)

__all__ = [
    "ARRIVALS",
    "COLUMNS",
    "DEMANDS",
    "MAX_MS",
    "Arrival",
    "Demand",
    "FloatArray",
    "Query",
    "Trace",
    "TraceSpec",
    "describe_trace",
    "generate",
    "read_trace",
    "write_trace",
]
