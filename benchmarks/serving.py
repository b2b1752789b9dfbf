"""The speed of serving a trace: the kernels beside the same loops in C, and every policy whole."""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from benchmarks.beside_c import (
    Figures,
    Libraries,
    agreement,
    integers,
    pointers,
    rates,
    seconds_of,
)
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment, spanned_trace
from sushi_dse.model.batches import batch_table
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.policy import Policy
from sushi_dse.serving.batch_kernels import serve_batches
from sushi_dse.serving.batch_rules import BATCH_LIMIT, LOOKED_AT, Rule
from sushi_dse.serving.batching import batch_arrays
from sushi_dse.serving.by_queue import BY_MODE, serve_by_queue
from sushi_dse.serving.hindsight import fixed_subnet
from sushi_dse.serving.kernel import columns_of, serve_queries
from sushi_dse.serving.optimum import offline_optimum
from sushi_dse.serving.queue import one_subgraph_ms
from sushi_dse.serving.recaching import NEAREST, SCHEDULED
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace

WORKLOAD = "ofa_resnet50"
SUBGRAPHS = 31  # columns of the latency table that the kernels serve on
EVERY = 8  # queries between two recache points
QUERIES = 10_000
MANY_QUERIES = 100_000
LOAD = 0.9  # share of the accelerator's capacity that the open loop asks for
POLICY_SECONDS = 0.2  # time of measuring each policy
IN_C = ("sushi", "latency-aware", "offline-optimum", "model-switching", "infaas", "slackfit")

Call = Callable[[], list[np.ndarray]]


def streams(experiment: Experiment, queries: int) -> dict[str, Trace]:
    """A closed loop and an open one of random-walk demands, by the name of their arrivals."""

    def drawn(load: float | None, arrivals: str) -> Trace:
        return spanned_trace(
            experiment.network,
            experiment.design,
            load=load,
            arrivals=arrivals,
            demands="random-walk",
            queries=queries,
            seed=0,
        )

    return {"closed loop": drawn(None, "closed-loop"), "poisson": drawn(LOAD, "poisson")}


def kernel_call(policy: Policy, trace: Trace, table: LatencyTable, mode: int) -> Call:
    """The call of the kernel that serves under a policy; of a plan, the call that makes it."""
    queries = (*trace.columns, trace.slowdown)
    if policy.selection != BY_MODE:
        latency_ms = one_subgraph_ms(table, 0)
        seen = policy.selection, 0, table.accuracy_percent, latency_ms, queries, 1
        return lambda: list(serve_by_queue(*seen)[:3])  # The one accelerator serves all queries.
    if policy.recaching == SCHEDULED:
        return lambda: [offline_optimum(Streams([trace]), table, mode, EVERY)[0]]
    ruled = policy.recaching, mode, EVERY, np.zeros(0, np.int64), queries, columns_of(table)
    return lambda: list(serve_queries(*ruled))


def c_call(
    library: ctypes.CDLL, policy: Policy, trace: Trace, table: LatencyTable, mode: int
) -> Call:
    """The same call in C, whose results are new arrays as those of `kernel_call`."""
    count, windows = len(trace), -(-len(trace) // EVERY)
    columns = (*trace.columns, trace.slowdown)
    own_ms = np.ascontiguousarray(table.latency_ms[:, 0])
    of_windows = integers(mode, EVERY, count)
    given = [
        *pointers(*columns),
        *integers(*table.latency_ms.shape),
        *pointers(table.accuracy_percent, table.latency_ms, table.switch_ms),
    ]
    seen = [
        *integers(policy.selection, count),
        *pointers(*trace.columns),
        *integers(len(own_ms)),
        *pointers(table.accuracy_percent, own_ms),
    ]
    encodings = pointers(table.encoding_dot, table.encoding_norm)

    def serve() -> list[np.ndarray]:
        results = [np.empty(count, dtype=np.int64), np.empty(count)]
        in_queue = policy.selection != BY_MODE
        waits = in_queue or not trace.closed_loop
        results.append(np.empty(count) if waits else results[1])
        if in_queue:
            library.serve_by_queue(*seen, *pointers(*results))
            return results
        results.append(np.empty(windows, dtype=np.int64))
        if policy.recaching == NEAREST:
            library.serve_sushi(*of_windows, *given, *encodings, *pointers(*results))
        else:
            library.serve_aware(*of_windows, *given, *pointers(*results))
        return results

    def plan() -> list[np.ndarray]:
        schedule = np.empty(windows, dtype=np.int64)
        library.optimal_schedule(*of_windows, *given[1:], *pointers(schedule))  # without arrivals
        return [schedule]

    chosen = plan if policy.plan is offline_optimum else serve
    return lambda _kept=(columns, own_ms): chosen()  # type: ignore[misc]


def batch_calls(
    policy: Policy, trace: Trace, table: LatencyTable, libraries: Libraries | None
) -> tuple[Call, list[Call]]:
    """The call of the kernel that serves in batches of one fixed SubNet, and the same in C."""
    arrays, count = batch_arrays(table), len(trace)
    rule = Rule(selection=policy.selection, fixed=fixed_subnet(trace, table), mode=0, every=0)
    batch_ms = np.ascontiguousarray(arrays.batch_ms[:, :, 0])
    queries = (*trace.columns, trace.slowdown)

    def c(library: ctypes.CDLL) -> list[np.ndarray]:
        results = [np.empty(count, dtype=np.int64), np.empty(count), np.empty(count)]
        library.serve_clipper(
            *integers(count),
            *pointers(trace.arrived_ms, trace.max_latency_ms, trace.slowdown),
            *integers(*batch_ms.shape),
            *pointers(batch_ms),
            *integers(rule.fixed, max(LOOKED_AT, len(batch_ms))),
            *pointers(*results),
        )
        return results

    in_c: list[Call] = [partial(c, library) for library in libraries or ()]
    return lambda: list(serve_batches(rule, queries, arrays)[:3]), in_c


def trace_figures(libraries: Libraries | None) -> Iterator[Figures]:
    """The rates of the kernels in queries beside C: both modes, closed and open loop."""
    experiment = load_experiment("zcu104", WORKLOAD, queries=QUERIES)
    network, design = experiment.network, experiment.design
    subgraphs = candidate_table(network, design).subgraphs.only(range(SUBGRAPHS))
    table = latency_table(network, design, subgraphs)
    traces = streams(experiment, QUERIES)
    asked = [
        (name, mode, arrivals, trace)
        for (arrivals, trace), name in product(traces.items(), IN_C)
        for mode in (MODES if POLICIES[name].selection == BY_MODE else [None])
    ]
    long = streams(experiment, MANY_QUERIES)["closed loop"]
    asked += [("sushi", mode, "closed loop", long) for mode in MODES]
    asked += [("clipper", None, "poisson", traces["poisson"])]
    in_batches = batch_table(network, design, table, BATCH_LIMIT)
    for name, mode, arrivals, trace in asked:
        given = POLICIES[name], trace, table, MODES[mode] if mode else 0
        if POLICIES[name].batch_limit and name not in IN_C:
            ours, c = batch_calls(POLICIES[name], trace, in_batches, libraries)
        else:
            ours, c = kernel_call(*given), [c_call(each, *given) for each in libraries or ()]
        yield {
            "policy": name,
            "mode": mode,  # None: it selects SubNets by a rule of its own
            "arrivals": arrivals,
            "subnets": len(network.starts) - 1,
            "subgraphs": SUBGRAPHS,
            "queries": len(trace),
            **rates("queries", len(trace), ours, c[0] if c else None),
            **agreement(ours(), *(call() for call in c)),
        }


def policy_figures() -> Iterator[Figures]:
    """The rate of every policy in queries, in both modes, in a closed and in an open loop."""
    experiment = load_experiment("zcu104", WORKLOAD, queries=QUERIES)
    network, design = experiment.network, experiment.design
    table = candidate_table(network, design)
    for name, (arrivals, trace), mode in product(
        POLICIES, streams(experiment, QUERIES).items(), MODES
    ):
        policy = replace(experiment, trace=trace).policy(name)
        own, _ = policy.system_of(network, design, table)

        def serve(
            policy: Policy = policy, trace: Trace = trace, own: LatencyTable = own, mode: str = mode
        ) -> object:
            return policy.served(trace, own, mode=mode, every=EVERY)

        seconds = float(np.median(seconds_of(serve, for_s=POLICY_SECONDS)))
        yield {
            "policy": name,
            "arrivals": arrivals,
            "mode": mode,
            "queries": len(trace),
            "queries_per_s": len(trace) / seconds,
        }
