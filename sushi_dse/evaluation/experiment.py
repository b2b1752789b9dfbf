"""What designs are evaluated on."""

from dataclasses import dataclass

from sushi_dse.evaluation.metrics import Metric
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.traces.trace import Trace


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation:
    """What a block of designs is evaluated on: a space, SubNets, a trace, and policies by name.

    `mode` is `strict-accuracy` or `strict-latency`.  `Setting.evaluation` makes one and checks it.
    """

    space: SearchSpace
    network: Network
    trace: Trace | None  # None: each SubNet in its steady state
    policies: tuple[str, ...]
    mode: str
    kept_front: tuple[Metric, ...] = ()  # of a block its front alone is kept; () keeps all rows
