"""Several accelerators behind one queue, against one accelerator, a plain simulator and queues."""

from bisect import bisect
from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.names import CLIPPER, SUSHI
from sushi_dse.policies.policy import Policy
from sushi_dse.serving.by_queue import BY_MODE, serve_by_queue
from sushi_dse.serving.capacity import capacities_per_s
from sushi_dse.serving.kernel import columns_of, serve_by_rules
from sushi_dse.serving.many import serve_on_many, serve_with_many
from sushi_dse.serving.queue import FREE, ROUTINGS, SUITED, Pool
from sushi_dse.serving.recaching import EXPECTED, LAST, NEAREST, SCHEDULED
from sushi_dse.serving.selection import MODES, STRICT_ACCURACY, select_subnet
from sushi_dse.serving.served import tally
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import FloatArray, Trace
from tests.tables import accelerator_cases, cases, table_of, tables, traces

SHARED = [name for name, policy in POLICIES.items() if policy.serves_many]
GENERAL = [name for name in SHARED if POLICIES[name].system is None]
pools = st.builds(Pool, st.integers(2, 4), st.sampled_from(sorted(ROUTINGS.values())))
modes = st.sampled_from(sorted(MODES))
policies = st.sampled_from([POLICIES[name] for name in GENERAL])
intervals = st.integers(1, 5)
few = settings(max_examples=40)
Case = tuple[Trace, LatencyTable]


def arriving(trace: Trace) -> bool:
    return not trace.closed_loop


open_traces = traces(max_queries=20).filter(arriving)
open_cases = st.tuples(open_traces, tables()) | accelerator_cases().filter(
    lambda case: arriving(case[0])
)


def test_only_policies_of_one_accelerator_serve_no_more() -> None:
    of_one = {"offline-optimum", "slo-nn", "gati", "batching", "sgs-batching"}
    assert set(POLICIES) - set(SHARED) == of_one
    for name in set(POLICIES) - set(SHARED):
        trace = Trace(
            arrived_ms=np.array([1.0]),
            min_accuracy_percent=np.zeros(1),
            max_latency_ms=np.ones(1),
        )
        with pytest.raises(ValueError, match="of one accelerator, got 2"):
            POLICIES[name].served(
                trace, table_of(np.ones((1, 1)), np.zeros((1, 1, 1))), mode="strict-latency",
                every=1, pool=Pool(2),
            )  # fmt: skip


@few
@given(cases(), st.sampled_from([NEAREST, EXPECTED, LAST, SCHEDULED]), modes, intervals,
       st.sampled_from(sorted(ROUTINGS.values())), st.integers(0, 2))  # fmt: skip
def test_a_pool_of_one_is_one_accelerator(
    case: Case, recaching: int, mode: str, every: int, routing: int, kept: int
) -> None:
    trace, table = case
    scheduled = kept % table.latency_ms.shape[1]
    schedule = np.full(len(trace), scheduled)
    code = MODES[mode]
    alone = serve_by_rules(trace, table, recaching, schedule, mode=code, every=every)
    pooled = serve_with_many(
        trace, table, recaching, scheduled, mode=code, every=every, pool=Pool(1, routing)
    )
    for name in ("subnet", "cached", "kept", "service_ms", "response_ms", "accuracy_percent"):
        assert getattr(alone, name).tobytes() == getattr(pooled, name).tobytes(), name
    one, other = tally(alone, trace, table), tally(pooled, trace, table)
    if arriving(trace):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@few
@given(open_cases, policies, modes, intervals, pools)
def test_the_kernels_compute_what_their_sources_say(
    case: Case, policy: Policy, mode: str, every: int, pool: Pool
) -> None:
    trace, table = case
    queries, code = (*trace.columns, trace.slowdown), MODES[mode]
    both: tuple[tuple[np.ndarray, ...], ...]
    if policy.selection == BY_MODE:
        (schedule,) = policy.plan(Streams([trace]), table, code, every)
        first = int(schedule[0])
        ruled = (policy.recaching, code, every, first, queries, columns_of(table), pool)
        both = serve_on_many(*ruled), serve_on_many.plain(*ruled)
    else:
        latency_ms = np.stack([table.latency_ms[:, 0]] * 2)
        rule = policy.selection
        seen = (rule, 0, table.accuracy_percent, latency_ms, queries, pool.accelerators)
        both = serve_by_queue(*seen), serve_by_queue.plain(*seen)
    for fast, plain in zip(*both, strict=True):
        assert fast.tobytes() == plain.tobytes()


@few
@given(open_cases, policies, modes, intervals, pools)
def test_streams_are_tallied_on_a_pool_as_they_are_served(
    case: Case, policy: Policy, mode: str, every: int, pool: Pool
) -> None:
    trace, table = case
    streams = Streams([trace]).faster(np.array([2.0]))
    found = policy.tallied(streams, table, mode=mode, every=every, pool=pool)
    served = policy.served(streams.traces[0], table, mode=mode, every=every, pool=pool)
    alone = tally(served, streams.traces[0], table)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(found, alone, strict=True))
    ends_ms = streams.traces[0].arrived_ms + served.response_ms
    assert found.last_ms[0] == pytest.approx(ends_ms.max() - streams.traces[0].arrived_ms[-1])


@few
@given(open_cases, policies, modes, intervals, pools)
def test_no_query_waits_while_an_accelerator_is_free(
    case: Case, policy: Policy, mode: str, every: int, pool: Pool
) -> None:
    trace, table = case
    served = policy.served(trace, table, mode=mode, every=every, pool=pool)
    wait_ms = served.response_ms - served.service_ms
    assert (wait_ms >= -1e-9).all()
    free_ms = np.zeros(pool.accelerators)
    for query, accelerator in enumerate(served.accelerator):
        start_ms = max(free_ms.min(), trace.arrived_ms[query])
        assert trace.arrived_ms[query] + wait_ms[query] == pytest.approx(start_ms)
        assert free_ms[accelerator] <= start_ms + 1e-9
        free_ms[accelerator] = start_ms + served.service_ms[query]
    lazy = policy.served(trace, table, mode=mode, every=every, pool=Pool(len(trace) + 1))
    assert np.allclose(lazy.response_ms, lazy.service_ms)


def next_of(recaching: int, own: list[int], cached: int, every: int, table: LatencyTable) -> int:
    """The SubGraph that an accelerator keeps next, of a rule that a history alone decides."""
    if not own or len(own) % every:
        return cached
    if recaching == LAST:
        return int(table.own_subgraph[own[-1]])
    counts = np.bincount(own[-every:], minlength=len(table.accuracy_percent))
    if len(table.encoding_norm) == 1:
        return 0
    distance = every * table.encoding_norm - 2 * counts @ table.encoding_dot
    return 1 + int(distance[1:].argmin())


def simulated(case: Case, recaching: int, mode: int, every: int, pool: Pool) -> list[list[float]]:
    """Accelerator, SubNet, SubGraph and response time of each query, by whole histories."""
    trace, table = case
    count = pool.accelerators
    own: list[list[int]] = [[] for _ in range(count)]
    cached, ends_ms, rows = [0] * count, [0.0] * count, []
    for query, (arrived_ms, least, most_ms) in enumerate(zip(*trace.columns, strict=True)):
        start_ms = max(arrived_ms, min(ends_ms))
        offers = []
        for each in range(count):
            if ends_ms[each] > start_ms:
                continue
            new = next_of(recaching, own[each], cached[each], every, table)
            slow = trace.slowdown[query]
            ms = table.latency_ms[:, cached[each]] + table.switch_ms[cached[each], new]
            subnet = select_subnet(mode, table.accuracy_percent, ms, least, most_ms / slow)
            accuracy, own_ms = table.accuracy_percent[subnet], float(ms[subnet] * slow)
            by = (own_ms,) if mode == STRICT_ACCURACY else (-float(accuracy), own_ms)
            key = by if pool.routing == SUITED else ()
            offers.append((*key, each, subnet, new, own_ms))
        *_, each, subnet, new, own_ms = min(offers)
        own[each].append(subnet)
        cached[each], ends_ms[each] = new, start_ms + own_ms
        rows.append([each, subnet, new, ends_ms[each] - arrived_ms])
    return rows


@settings(max_examples=80)
@given(st.tuples(open_traces, tables()), st.sampled_from([NEAREST, LAST]), modes, intervals, pools)
def test_a_plain_simulator_serves_the_same(
    case: Case, recaching: int, mode: str, every: int, pool: Pool
) -> None:
    trace, table = case
    code = MODES[mode]
    found = serve_with_many(trace, table, recaching, 0, mode=code, every=every, pool=pool)
    arrays = found.accelerator, found.subnet, found.kept, found.response_ms
    rows = np.array(simulated((trace, table), recaching, code, every, pool))
    assert np.array_equal(np.stack(arrays, axis=1), rows)


def test_a_query_goes_to_the_accelerator_that_suits_it() -> None:
    # SubGraph 1 is that of SubNet 0 and SubGraph 2 that of SubNet 1; each speeds up its own.
    table = table_of(
        latency_ms=np.array([[3.0, 2.0, 3.0], [4.0, 4.0, 2.0]]),
        switch_ms=np.zeros((3, 3, 2)),
        accuracy_percent=np.array([70.0, 80.0]),
        of_subnets=np.array([[1, 1, 0, 0], [3, 3, 0, 0]]),
        encodings=np.array([[0, 0, 0, 0], [1, 1, 0, 0], [3, 3, 0, 0]]),
    )
    # After two queries each of its own SubNet, the third of each brings its SubGraph.
    trace = Trace(
        arrived_ms=np.array([1.0, 2, 10, 11, 20, 21, 30, 40]),
        min_accuracy_percent=np.array([70.0, 80, 70, 80, 70, 80, 80, 70]),
        max_latency_ms=np.full(8, 9.0),
    )
    found = []
    for routing in (SUITED, FREE):
        pool = Pool(2, routing)
        served = POLICIES[SUSHI].served(trace, table, mode="strict-accuracy", every=2, pool=pool)
        found.append(served.accelerator.tolist())
    assert found == [[0, 1, 0, 1, 0, 1, 1, 0], [0, 1, 0, 1, 0, 1, 0, 0]]


# Queues of several servers

QUERIES = 500_000


def stream(per_ms: float, queries: int, deadline_ms: float = 1e6) -> Trace:
    """Poisson arrivals, at exactly that rate, of queries that want but an answer in time."""
    gaps = np.random.default_rng(11).exponential(1, queries)
    return Trace(
        arrived_ms=(gaps / gaps.mean()).cumsum() / per_ms,
        min_accuracy_percent=np.zeros(queries),
        max_latency_ms=np.full(queries, deadline_ms),
    )


ONE_MS = table_of(np.ones((1, 1)), np.zeros((1, 1, 1)))


def waits(servers: int, load: float, name: str = SUSHI) -> FloatArray:
    """The waits of queries that take a millisecond each: M/D/c."""
    trace = stream(servers * load, QUERIES)
    served = POLICIES[name].served(
        trace, ONE_MS, mode="strict-latency", every=8, pool=Pool(servers)
    )
    waited: FloatArray = served.response_ms - 1
    return waited


def in_system(servers: int, load: float, most: int = 400) -> np.ndarray:
    """Probabilities of so many queries in M/D/c, waiting and served: [number].

    After a service time all that were served have left (Crommelin, 1932): the number at its end is
    what was left over, and those that came meanwhile.  The chain is stepped until it stays.
    """
    rate = servers * load
    came = np.array([exp(-rate) * rate**k / factorial(k) for k in range(100)])
    now: np.ndarray = np.eye(1, most)[0]
    for _ in range(20_000):
        left = np.concatenate([[now[: servers + 1].sum()], now[servers + 1 :], np.zeros(servers)])
        after = np.convolve(left[:most], came)[:most]
        if np.abs(after - now).max() < 1e-13:
            break
        now = after
    return now


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (2, 0.8), (4, 0.6), (3, 0.85)])
@pytest.mark.parametrize("name", [SUSHI, CLIPPER])
def test_waits_are_those_of_m_d_c(servers: int, load: float, name: str) -> None:
    numbers = in_system(servers, load)
    waiting = np.maximum(np.arange(len(numbers)) - servers, 0) @ numbers  # Little's law
    found = waits(servers, load, name)
    assert found.mean() == pytest.approx(waiting / (servers * load), rel=0.02, abs=0.002)
    assert (found > 1e-9).mean() == pytest.approx(1 - numbers[:servers].sum(), rel=0.02)


def share_in_time(servers: int, load: float, whole_ms: int) -> float:
    """The share of queries of M/D/c that wait no longer than a whole number of service times.

    Within one more service time c queries leave each time, so it is the share of those that find
    less than c times as many in the system (Franx, 2001, at whole service times).
    """
    return float(in_system(servers, load)[: servers * (whole_ms + 1)].sum())


@pytest.mark.parametrize(("servers", "whole_ms", "target"), [(2, 2, 0.95), (4, 1, 0.99)])
def test_the_capacity_is_that_of_m_d_c(servers: int, whole_ms: int, target: float) -> None:
    loads = np.linspace(0.3, 0.98, 137).tolist()
    first = bisect(loads, False, key=lambda load: share_in_time(servers, load, whole_ms) < target)
    trace, pool = stream(1.0, QUERIES // 2, 1 + whole_ms + 1e-6), Pool(servers)

    def attainment(streams: Streams) -> FloatArray:
        policy = POLICIES[CLIPPER]
        both = policy.tallied(streams, ONE_MS, mode="strict-latency", every=8, pool=pool).both
        return np.asarray(both / len(trace))

    (found,) = capacities_per_s(
        Streams([trace]), attainment, target=target, greatest_per_s=1e3 * servers
    )
    assert found == pytest.approx(1e3 * servers * loads[first - 1], rel=0.02)
