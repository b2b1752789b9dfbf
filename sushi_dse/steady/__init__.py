"""Many designs at once, without a trace: each SubNet served again and again.

In the steady state a SubNet finds its own SubGraph in the Persistent Buffer, cut by value as
`subgraphs.candidates` cuts it, and no policy has anything to choose.  The figures are those that
`latency_table` gives design by design, bit by bit.
"""

from sushi_dse.steady.metrics import (
    NO_SGS,
    OWN_SUBGRAPH,
    STEADY_METRICS,
    STEADY_POLICIES,
    by_sides,
    layers_of,
    steady_metrics,
)

__all__ = [
    "NO_SGS",
    "OWN_SUBGRAPH",
    "STEADY_METRICS",
    "STEADY_POLICIES",
    "by_sides",
    "layers_of",
    "steady_metrics",
]
