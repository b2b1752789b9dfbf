"""GATI: learned caches at hidden layers, the first accepted answer ends the query.

Balasubramanian et al., "Accelerating Deep Learning Inference via Learned Caches" (2021).  The
network is the most accurate SubNet of the workload; a cache is a small predictor network and a
selector that accepts or refuses its answer.  The rows of the latency table are exits.
`docs/gati.md` explains the model and lists what is assumed.
"""

from sushi_dse.gati.parameters import (
    PUBLISHED_AGREEMENT_PERCENT,
    PUBLISHED_SPEEDUP,
    Gati,
)
from sushi_dse.gati.predictors import PREDICTORS, Place, cache_layers, places
from sushi_dse.gati.stream import (
    BestSpeedup,
    Speedup,
    best_speedup,
    expected_exits,
    serve_gati,
)
from sushi_dse.gati.system import GatiTable, gati_system

__all__ = [
    "PREDICTORS",
    "PUBLISHED_AGREEMENT_PERCENT",
    "PUBLISHED_SPEEDUP",
    "BestSpeedup",
    "Gati",
    "GatiTable",
    "Place",
    "Speedup",
    "best_speedup",
    "cache_layers",
    "expected_exits",
    "gati_system",
    "places",
    "serve_gati",
]
