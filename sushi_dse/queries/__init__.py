"""Queries, the traces they come in, where traces come from and the files that hold them."""

from sushi_dse.queries.files import read_trace, write_trace
from sushi_dse.queries.generators import (
    ARRIVALS,
    CLOSED_LOOP,
    DEMANDS,
    LIMITS,
    Arrival,
    Demand,
    TraceSpec,
    generate,
)
from sushi_dse.queries.importers import AZURE_LLM, Imported, import_log, rank_places
from sushi_dse.queries.logs import TIME_UNITS, LogColumns
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
    "AZURE_LLM",
    "CLOSED_LOOP",
    "COLUMNS",
    "DEMANDS",
    "LIMITS",
    "MAX_MS",
    "TIME_UNITS",
    "Arrival",
    "Demand",
    "FloatArray",
    "Imported",
    "LogColumns",
    "Query",
    "Trace",
    "TraceSpec",
    "describe_trace",
    "generate",
    "import_log",
    "rank_places",
    "read_trace",
    "write_trace",
]
