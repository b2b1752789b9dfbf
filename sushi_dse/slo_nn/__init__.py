"""SLO-NN: for each query only a fraction of the nodes of every layer is computed.

"Dynamic Network Adaptation at Inference" (Mendoza et al., 2022).  The network is the most accurate
SubNet of the workload, a node is a kernel, and the rows of the latency table are node fractions.
An activator ranks the nodes for each query and estimates the confidence of each fraction.
`docs/slo_nn.md` explains the model and lists what is assumed.
"""

from sushi_dse.slo_nn.parameters import FREE, Activator, SloNn
from sushi_dse.slo_nn.stream import (
    PUBLISHED_LOSS_PERCENT,
    PUBLISHED_SPEEDUPS,
    Speedup,
    difficulties,
    serve_slo_nn,
    speedup_range,
)
from sushi_dse.slo_nn.system import (
    COMMON,
    fraction_network,
    hashing_activator,
    scaled_layers,
    slo_nn_system,
)

__all__ = [
    "COMMON",
    "FREE",
    "PUBLISHED_LOSS_PERCENT",
    "PUBLISHED_SPEEDUPS",
    "Activator",
    "SloNn",
    "Speedup",
    "difficulties",
    "fraction_network",
    "hashing_activator",
    "scaled_layers",
    "serve_slo_nn",
    "slo_nn_system",
    "speedup_range",
]
