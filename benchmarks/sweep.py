"""How much of a sweep on a trace is arithmetic, and how its speed lies to that of other tools."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from benchmarks.beside_c import Figures
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.model import latency_table
from sushi_dse.model.jit import Kernel
from sushi_dse.store.parts import part_bytes

DESIGNS = range(1000, 1128)  # a block of the default space
# Not measured here: as collected when the targets of this project were set; we know of no public
# table to point to.  `python -m benchmarks.peers` measures one of them.
PEERS = {
    "layers_per_s": [355, 1170],
    "of": "the fastest analytical cost models that search a mapping for each layer",
    "per_layer": "a peer searches loop orders and tilings of a layer and evaluates the best; this "
    "tool evaluates the one mapping that its array has, in closed form, so the two "
    "rates compare how soon a user has an answer, and not two programs at one task",
    "source": "collected by hand; python -m benchmarks.peers measures ZigZag beside this tool",
}


def sweep_figures() -> Figures:
    """The time of a block of the default sweep, and its share in compiled kernels."""
    experiment = load_experiment("zcu104_space", service_levels="span")
    evaluate(experiment, DESIGNS[:4])  # Kernels are loaded.
    within = [0.0]
    before = Kernel.__call__
    Kernel.__call__ = _timed(before, within)  # type: ignore[method-assign]
    try:
        latency_table._candidate_counts.cache_clear()
        start = time.process_time()
        table = evaluate(experiment, DESIGNS)
        content = part_bytes(table)
        seconds = time.process_time() - start
    finally:
        Kernel.__call__ = before  # type: ignore[method-assign]
    served = table.num_rows * len(experiment.traced)
    layers = len(DESIGNS) * len(experiment.network.shapes)
    return {
        "designs": len(DESIGNS),
        "rows": table.num_rows,
        "part_bytes": len(content),
        "seconds": seconds,
        "share_in_kernels": within[0] / seconds,
        "queries_per_s": served / seconds,
        "layers_per_s_with_trace": layers / seconds,
        "peers": PEERS,
    }


def _timed(call: Callable[..., Any], within: list[float]) -> Callable[..., Any]:
    """`call`, which adds the seconds that it takes to `within`."""

    @wraps(call)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return call(*args, **kwargs)
        finally:
            within[0] += time.process_time() - start

    return timed
