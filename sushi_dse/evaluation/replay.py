"""What each policy did with each query of a trace, for pictures that metrics are too short for."""

from dataclasses import dataclass

import numpy as np

from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.policies.catalogue import find_policy, serve
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Run:
    """A trace served under one policy."""

    policy: str
    served: Served
    switched: np.ndarray  # [query], whether it brought other weights into the Persistent Buffer


def replay(evaluation: Evaluation, trace: Trace, accelerator: Accelerator) -> list[Run]:
    """A run of `trace` under each policy of `evaluation` on one design, in its order."""
    table = candidate_table(evaluation.network, accelerator)
    runs = []
    for name in evaluation.policies:
        policy, own_table = find_policy(name), table
        if policy.system is not None:
            own_table, _ = policy.system(evaluation.network, accelerator)
        served = serve(
            trace,
            own_table,
            policy,
            mode=MODES[evaluation.mode],
            every=accelerator.recache_every_queries,
        )
        # SubGraphs of two names may hold the same weights: no switch.
        moved = own_table.fetched_bytes + own_table.fetched_bytes.T > 0  # [old, new]
        runs.append(Run(policy=name, served=served, switched=moved[served.cached, served.kept]))
    return runs
