"""The serving policies by name: each chooses SubNets and SubGraphs, or brings its own system."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sushi_dse.errors import UserError, near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies import names
from sushi_dse.policies.equal_area import equal_area_system
from sushi_dse.policies.gati.stream import serve_gati
from sushi_dse.policies.gati.system import gati_system
from sushi_dse.policies.policy import Policy
from sushi_dse.policies.slo_nn.stream import serve_slo_nn
from sushi_dse.policies.slo_nn.system import slo_nn_system
from sushi_dse.policies.user_file import UserFile, is_user_policy, user_service
from sushi_dse.serving.batch_rules import BATCH_LIMIT, BUCKETS
from sushi_dse.serving.by_queue import (
    BY_COST,
    BY_LOAD,
    BY_SLACK,
    FIXED,
    LOAD_QUERIES,
    MAX_UTILISATION,
)
from sushi_dse.serving.hindsight import best_static
from sushi_dse.serving.optimum import offline_optimum
from sushi_dse.serving.recaching import EXPECTED, LAST, MEMORY, NEAREST
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace

if TYPE_CHECKING:
    import pandas as pd


def serve(
    trace: Trace,
    table: LatencyTable,
    policy: str,
    *,
    mode: str,
    recache_every_queries: int = 8,
) -> Served:
    """The queries of `trace` as the policy of that name serves them, first come, first served.

    A policy that batches does so on a `batch_table`.  `mode` is one of `MODES`; the arrays of the
    result are [query], times in ms.  `UserError` with the near names where a name is unknown,
    `ValueError` where the interval is not above 0.
    """
    if recache_every_queries < 1:
        raise ValueError(f"recache_every_queries >= 1 must hold, got {recache_every_queries}")
    return find_policy(policy).served(trace, table, mode=mode, every=recache_every_queries)


POLICIES: dict[str, Policy] = {
    names.NO_SGS: Policy(
        summary="The same array without a Persistent Buffer: every weight is loaded for every "
        "query. What the other policies gain is counted from here.",
        has_persistent_buffer=False,
    ),
    names.SUSHI: Policy(
        summary="SushiSched: after every recache interval it averages the encodings of the SubNets "
        "that it served, and keeps the candidate SubGraph nearest to that average. The first "
        "interval starts with an empty buffer.",
        recaching=NEAREST,
        recaches=True,
    ),
    names.STATIC_SUBGRAPH: Policy(
        summary="One SubGraph for the whole trace, the best in hindsight; loading it is charged to "
        "the first query. It knows the trace: a bound for every policy that never changes the "
        "SubGraph.",
        plan=best_static,
    ),
    names.LATENCY_AWARE: Policy(
        summary="After every recache interval it takes the SubGraph with the least expected "
        "latency over the next interval: expected demand times the table's column, plus the "
        "cost of the change. Demand is expected by a Markov chain of which SubNet follows which, "
        f"learned as the stream goes by; what was seen fades by a factor of {MEMORY} a time "
        "(assumption).",
        recaching=EXPECTED,
        recaches=True,
    ),
    names.LAST_SUBNET: Policy(
        summary="After every recache interval it keeps what fits of the SubNet served last, most "
        "saved cycles per byte first.",
        recaching=LAST,
        recaches=True,
    ),
    names.OFFLINE_OPTIMUM: Policy(
        summary="The best SubGraph of every interval with the whole trace known, by dynamic "
        "programming over recache points, the cost of changes included. A bound: no policy that "
        "selects SubNets by the same rule serves the trace in less time (strict accuracy), or more "
        "accurately (strict latency).",
        plan=offline_optimum,
        recaches=True,
    ),
    names.CLIPPER: Policy(
        summary="One SubNet for the whole trace, without a Persistent Buffer, as Clipper serves a "
        "model: the one that meets both demands of most queries, the fastest of equals. It is "
        "chosen in hindsight. Batches grow by a query while they are within the strictest deadline "
        "in them, and shrink by a tenth after one that is not.",
        selection=FIXED,
        has_persistent_buffer=False,
        batch_limit=BATCH_LIMIT,
    ),
    names.MODEL_SWITCHING: Policy(
        summary="Model switching by load, without a Persistent Buffer: the most accurate SubNet "
        f"that keeps the accelerator under {MAX_UTILISATION:.0%} busy at the rate of the last "
        f"{LOAD_QUERIES} arrivals (assumptions), or the fastest. A closed loop has no load: the "
        "most accurate is served.",
        selection=BY_LOAD,
        has_persistent_buffer=False,
    ),
    names.INFAAS: Policy(
        summary="INFaaS, without a Persistent Buffer: the cheapest variant, in time of the "
        "accelerator, that meets both demands of the query after its wait; the fastest where none "
        "does.",
        selection=BY_COST,
        has_persistent_buffer=False,
    ),
    names.SLACKFIT: Policy(
        summary="SlackFit (SuperServe, NSDI 2025), without a Persistent Buffer: the most accurate "
        "SubNet that fits the slack of the most urgent query waiting; the fastest where none does. "
        "Where several wait, the largest batch of the latency bucket nearest below that slack "
        f"({BUCKETS} buckets: assumption).",
        selection=BY_SLACK,
        has_persistent_buffer=False,
        batch_limit=BATCH_LIMIT,
    ),
    names.EQUAL_AREA: Policy(
        summary="The fair rival of SGS: the Persistent Buffer's blocks given to the Dynamic "
        "Buffer, which then prefetches weights across tiles and layers. Nothing is kept from query "
        "to query.",
        system=equal_area_system,
    ),
    names.BATCHING: Policy(
        summary="SubNets selected as under no-sgs, and queries that wait together and get the same "
        "SubNet share one pass over its weights: the oldest ones, while none that would be in time "
        "alone becomes late, and while joining takes no longer than a pass of one's own. Nothing "
        "is kept on chip.",
        has_persistent_buffer=False,
        batch_limit=BATCH_LIMIT,
    ),
    names.SGS_BATCHING: Policy(
        summary="Batches as under batching, SubGraphs as under sushi: after every recache interval "
        "the next batch brings in the SubGraph nearest to the average of the SubNets served.",
        recaching=NEAREST,
        recaches=True,
        batch_limit=BATCH_LIMIT,
    ),
    names.SLO_NN: Policy(
        summary="SLO-NN: of the most accurate SubNet's nodes a fraction is computed, another for "
        "each query. Strict accuracy: the least whose estimated confidence meets the demand; "
        "strict latency: the largest that meets the deadline. The Persistent Buffer keeps what all "
        "fractions use. Confidence, activator and common part are assumptions (docs/slo_nn.md).",
        system=slo_nn_system,
        trades_accuracy=True,
        service=serve_slo_nn,
    ),
    names.GATI: Policy(
        summary="GATI: small predictors behind the blocks of the most accurate SubNet; the first "
        "answer that a selector accepts ends the query. Predictors cost traffic and compete for "
        "the Persistent Buffer; hits follow locality, fall after a shift and come back on "
        "retraining. All of its rates are assumptions (docs/gati.md).",
        system=gati_system,
        trades_accuracy=True,
        service=serve_gati,
    ),
}


def find_policy(name: str) -> Policy:
    """The policy of that name, or the class in a user's file (`./mine.py:MyPolicy`), which is run.

    `UserError` with the near names where there is none, or with the error of the file.  The
    `summary` of each of `POLICIES` says what it does.
    """
    return policy_of(UserFile.read(name)) if is_user_policy(name) else named_policy(name)


def policy_of(file: UserFile) -> Policy:
    """The policy in a user's file, which is run."""
    return replace(named_policy(file.name), service=user_service(file))


def named_policy(name: str) -> Policy:
    """The policy of that name; of a user's what is known without its file, which is not run.

    `UserError` with the near names where there is none.
    """
    if is_user_policy(name):
        return Policy(summary=f"The user's policy {name}.", recaches=True)
    if name not in POLICIES:
        raise UserError(
            f"unknown policy {name!r}; {near_names(name, POLICIES)}; a policy of your own is "
            "path/to/file.py:ClassName"
        )
    return POLICIES[name]


def shareable(
    policies: Sequence[str], accelerators: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The policies that serve on so many accelerators, and a sentence on the others, if any.

    `UserError` where no policy is left.
    """
    left_out = [
        name for name in policies if accelerators > 1 and not named_policy(name).serves_many
    ]
    if not left_out:
        return tuple(policies), ()
    sentence = f"{', '.join(left_out)} left out: of one accelerator, and there are {accelerators}"
    kept = tuple(name for name in policies if name not in left_out)
    if not kept:
        raise UserError(f"{sentence}; name another policy")
    return kept, (sentence,)


def has_persistent_buffer(name: str) -> bool:
    """Whether a policy has a Persistent Buffer; one of a user's own is taken to have it."""
    return name not in POLICIES or POLICIES[name].has_persistent_buffer


def as_served(name: str, accelerator: Accelerator) -> Accelerator:
    """`accelerator` with the buffers that it has under a policy that has no system of its own."""
    return (
        accelerator
        if has_persistent_buffer(name)
        else replace(accelerator, persistent_buffer_kib=0.0)
    )


def own_buffers(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Rows of results with the Persistent Buffer that each has under its policy."""
    if "persistent_buffer_kib" not in rows:
        return rows
    has = rows["policy"].map(has_persistent_buffer).to_numpy(dtype=bool)
    return rows.assign(persistent_buffer_kib=rows["persistent_buffer_kib"].where(has, 0.0))
