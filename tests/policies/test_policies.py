"""The contract of every policy, and the two rules that choose a SubGraph as they go."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.catalogue import POLICIES, find_policy
from sushi_dse.policies.names import DEFAULT_POLICIES, POLICY_NAMES, STEADY_POLICIES
from sushi_dse.policies.policy import Policy
from sushi_dse.serving.by_queue import BY_MODE
from sushi_dse.serving.recaching import (
    EXPECTED,
    FIRST,
    FORGOTTEN,
    MEMORY,
    NEAREST,
    TOTAL,
    UNSEEN,
    cheapest_subgraph,
    even,
    expect_all,
    expect_next,
    nearest_subgraph,
    no_rivals,
)
from sushi_dse.serving.selection import MODES, unsigned
from sushi_dse.serving.served import Served
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import SuperNet
from tests.strategies import supernets, zcu104
from tests.tables import cases, integers, table_of, tables, traces

# Those that serve what any latency table holds; a system of its own has tests of its own.
GENERAL = {name: policy for name, policy in POLICIES.items() if policy.service is None}
every_policy = pytest.mark.parametrize("policy", GENERAL.values(), ids=GENERAL)
causal_policies = pytest.mark.parametrize(
    "name", ["no-sgs", "sushi", "latency-aware", "last-subnet", "infaas", "sgs-batching"]
)
modes = pytest.mark.parametrize("mode", MODES)
intervals = st.integers(1, 5)


def first(trace: Trace, queries: int) -> Trace:
    return Trace(
        arrived_ms=trace.arrived_ms[:queries],
        min_accuracy_percent=trace.min_accuracy_percent[:queries],
        max_latency_ms=trace.max_latency_ms[:queries],
    )


def latencies(served: Served, table: LatencyTable) -> np.ndarray:
    """What each SubNet would have taken, the change of the SubGraph included: [query, subnet]."""
    return np.asarray(
        table.latency_ms[:, served.cached].T + table.switch_ms[served.cached, served.kept]
    )


@every_policy
@modes
@settings(max_examples=30)
@given(case=cases(), every=intervals)
def test_every_policy_meets_the_contract(
    policy: Policy, mode: str, case: tuple[Trace, LatencyTable], every: int
) -> None:
    trace, table = case
    served = policy.served(trace, table, mode=mode, every=every)
    queries = np.arange(len(trace))
    # The buffer is empty at first, and changes at recache points alone.
    assert served.cached[0] == 0
    assert np.array_equal(served.cached[1:], served.kept[:-1])
    assert not np.any((served.kept != served.cached) & (queries % every != 0))
    # The query pays for what it was served by.
    latency_ms = latencies(served, table)
    service_ms = latency_ms[queries, served.subnet]
    assert np.array_equal(served.service_ms, service_ms)
    assert np.all(served.response_ms >= served.service_ms)
    # No other SubNet beats the one selected.
    more_accurate = table.accuracy_percent > table.accuracy_percent[served.subnet, None]
    assert not np.any(more_accurate & (latency_ms < service_ms[:, None]))
    # A demand that can be met is met, by the policies that select by it.
    if policy.selection != BY_MODE:
        return
    meets = latency_ms <= trace.max_latency_ms[:, None]
    if mode == "strict-accuracy":
        meets = table.accuracy_percent >= trace.min_accuracy_percent[:, None]
    assert np.array_equal(meets[queries, served.subnet], meets.any(axis=1))


@every_policy
def test_a_policy_says_what_it_does(policy: Policy) -> None:
    assert policy.summary.endswith(".")


@modes
@settings(max_examples=20)
@given(cases(), intervals)
def test_no_sgs_never_caches_anything(
    mode: str, case: tuple[Trace, LatencyTable], every: int
) -> None:
    served = POLICIES["no-sgs"].served(*case, mode=mode, every=every)
    assert not served.cached.any()
    assert not served.kept.any()


def test_the_policies_that_keep_nothing_are_told() -> None:
    told = {
        name for name, policy in POLICIES.items() if replace(policy, batch_limit=1).keeps_nothing
    }
    assert told == {"no-sgs", "clipper", "model-switching", "infaas", "slackfit", "batching"}


@modes
@pytest.mark.parametrize("name", ["no-sgs", "clipper", "model-switching", "infaas", "slackfit"])
@settings(max_examples=15)
@given(case=cases(), every=intervals, other_ms=st.floats(0, 10))
def test_a_policy_that_keeps_nothing_sees_what_is_not_cached_alone(
    name: str, mode: str, case: tuple[Trace, LatencyTable], every: int, other_ms: float
) -> None:
    trace, table = case
    policy = replace(POLICIES[name], batch_limit=1)
    latency_ms = np.array(table.latency_ms)
    latency_ms[:, 1:] = other_ms
    switch_ms = table.switch_ms + other_ms
    switch_ms[0, 0] = 0.0  # To stay is free.
    other = replace(table, latency_ms=latency_ms, switch_ms=switch_ms)
    one, same = (
        policy.tallied(Streams([trace]), each, mode=mode, every=every) for each in (table, other)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))


@causal_policies
@modes
@settings(max_examples=25)
@given(case=cases(), every=intervals, queries=st.integers(1, 20))
def test_a_causal_policy_does_not_look_ahead(
    name: str, mode: str, case: tuple[Trace, LatencyTable], every: int, queries: int
) -> None:
    trace, table = case
    whole = POLICIES[name].served(trace, table, mode=mode, every=every)
    part = POLICIES[name].served(first(trace, queries), table, mode=mode, every=every)
    for field in ("subnet", "cached", "kept", "service_ms"):
        assert np.array_equal(getattr(whole, field)[:queries], getattr(part, field))


def shifting_case() -> tuple[Trace, LatencyTable]:
    """Six queries for SubNet 0 and twelve for SubNet 1; SubGraphs 1 and 2 are theirs in turn."""
    table = table_of(
        latency_ms=np.array([[3.0, 2.0, 7.0], [4.0, 8.0, 2.0]]),
        switch_ms=np.zeros((3, 3, 2)),
        accuracy_percent=np.array([70.0, 75.0]),
        of_subnets=np.array([[1, 1], [3, 3]]),
        encodings=np.array([[0, 0], [1, 1], [3, 3]]),
    )
    min_accuracy_percent = np.repeat([70.0, 75.0], [6, 12])
    trace = Trace(
        arrived_ms=np.zeros(18),
        min_accuracy_percent=min_accuracy_percent,
        max_latency_ms=np.where(min_accuracy_percent > 70, 9.0, 2.0),
    )
    return trace, table


def test_sushi_forgets_what_it_served_before_the_last_interval() -> None:
    served = POLICIES["sushi"].served(*shifting_case(), mode="strict-accuracy", every=2)
    assert served.subnet.tolist() == [0] * 6 + [1] * 12
    assert served.kept.tolist() == [0] * 2 + [1] * 6 + [2] * 10


def nearest_by_definition(served: np.ndarray, of_subnets: np.ndarray, encodings: np.ndarray) -> int:
    """The candidate of least squared distance to the average of the SubNets' encodings."""
    queries = int(served.sum())
    mean = [Fraction(int(total), queries) for total in served @ of_subnets]
    distances = [
        sum((int(e) - m) ** 2 for e, m in zip(encoding, mean, strict=True))
        for encoding in encodings[1:]
    ]
    return 1 + distances.index(min(distances))


@given(
    integers(0, 3, 3).filter(lambda served: served.any()),
    integers(0, 4, 3, 4),
    st.integers(2, 5).flatmap(lambda subgraphs: integers(0, 4, subgraphs, 4)),
)
def test_sushi_keeps_the_subgraph_nearest_to_the_mean_encoding(
    served: np.ndarray, of_subnets: np.ndarray, encodings: np.ndarray
) -> None:
    served, of_subnets, encodings = (x.astype(np.int64) for x in (served, of_subnets, encodings))
    dot, norm = of_subnets @ encodings.T, (encodings**2).sum(axis=1)
    expected = nearest_by_definition(served, of_subnets, encodings)
    assert nearest_subgraph(served.astype(float), dot.astype(float), norm.astype(float)) == expected


def test_sushi_keeps_nothing_where_there_is_no_candidate() -> None:
    assert nearest_subgraph(np.ones(3), np.zeros((3, 1)), np.zeros(1)) == 0


@settings(max_examples=50)
@given(supernets(), traces(max_queries=20), intervals)
def test_sushi_averages_the_encodings_of_the_last_interval(
    supernet: SuperNet, trace: Trace, every: int
) -> None:
    network = Network.of(supernet)
    accelerator = zcu104(persistent_buffer_kib=1)
    subgraphs = candidates(network, accelerator)
    table = latency_table(network, accelerator, subgraphs)
    served = POLICIES["sushi"].served(trace, table, mode="strict-accuracy", every=every)
    of_subnets = np.hstack([network.kernels, network.channels])
    encodings = np.hstack([subgraphs.kernels, subgraphs.channels])
    assert not served.kept[:every].any()
    for start in range(every, len(trace), every):
        counts = np.bincount(served.subnet[start - every : start], minlength=len(of_subnets))
        expected = nearest_by_definition(counts, of_subnets, encodings)
        assert served.kept[start] == expected


def expected_by_definition(
    followed: np.ndarray, last: int, queries: int
) -> tuple[list[Fraction], list[Fraction]]:
    """Powers of the chain's matrix, in fractions."""
    subnets = range(len(followed))
    chain = [[Fraction(x) / sum(map(Fraction, row)) for x in row] for row in followed.tolist()]
    now = [Fraction(subnet == last) for subnet in subnets]
    steps = []
    for _ in range(queries):
        now = [sum((now[s] * chain[s][n] for s in subnets), Fraction(0)) for n in subnets]
        steps.append(now)
    return steps[0], [sum((step[n] for step in steps), Fraction(0)) for n in subnets]


def chain_of(followed: np.ndarray) -> np.ndarray:
    """Those weights as the kernel has them: with a next SubNet of no weight where that is even."""
    chain = np.zeros((len(followed), even(len(followed))))
    chain[:, : len(followed)] = followed
    return chain


def demand(followed: np.ndarray, last: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """The expected counts of SubNets in the next query, and in all of them."""
    chain = chain_of(followed)
    rows = np.full((5, chain.shape[1]), np.nan)
    expect_next(chain, unsigned(last), rows)
    expect_all(chain, queries, rows)
    return rows[FIRST, : len(followed)], rows[TOTAL, : len(followed)]


def cheapest_by_definition(
    followed: np.ndarray, last: int, queries: int, table: LatencyTable, cached: int
) -> int:
    """The SubGraph of least expected latency, all of which are computed; the first from `cached`.

    The sums are those of the kernel in the same order, and so are the ties.
    """
    subnets, subgraphs = table.latency_ms.shape
    first, total = [1 / subnets] * subnets, [queries * (1 / subnets)] * subnets
    if last >= 0:
        first, total = (counts.tolist() for counts in demand(followed, last, queries))
    order = [(cached + place) % subgraphs for place in range(subgraphs)]
    costs: list[float] = []
    for new in order:
        cost_ms = 0.0
        for subnet in range(subnets):
            cost_ms += total[subnet] * table.latency_ms[subnet, new]
            cost_ms += first[subnet] * table.switch_ms[cached, new, subnet]
        costs.append(cost_ms)
    return int(order[costs.index(min(costs))])


def cheapest(
    followed: np.ndarray, last: int, queries: int, table: LatencyTable, cached: int
) -> int:
    """What `cheapest_subgraph` chooses, with rivals that it does not know yet."""
    chain, rivals = chain_of(followed), no_rivals(table.latency_ms.shape[1])
    rows = np.full((5, chain.shape[1]), np.nan)
    times = table.latency_ms, table.switch_ms
    return int(cheapest_subgraph(chain, last, queries, *times, cached, rivals, rows))


@given(integers(1, 4, 3, 3), st.integers(0, 2), st.integers(1, 6))
def test_demand_is_expected_by_the_powers_of_the_chain(
    followed: np.ndarray, last: int, queries: int
) -> None:
    first, total = demand(followed, last, queries)
    by_definition = expected_by_definition(followed, last, queries)
    assert first.tolist() == pytest.approx([float(x) for x in by_definition[0]], rel=1e-12)
    assert total.tolist() == pytest.approx([float(x) for x in by_definition[1]], rel=1e-12)
    assert total.sum() == pytest.approx(queries)


@settings(max_examples=200)
@given(tables(max_subgraphs=6), st.integers(1, 6), st.sampled_from([1.0, 1 / 7]), st.data())
def test_latency_aware_takes_the_least_expected_latency_and_the_first_of_equals(
    table: LatencyTable, queries: int, unit_ms: float, data: st.DataObject
) -> None:
    """Whatever it leaves out: SubGraphs that cannot win, and sums that decide nothing."""
    subnets, subgraphs = table.latency_ms.shape
    followed = data.draw(integers(0, 4, subnets, subnets)) + np.eye(subnets)
    last = data.draw(st.integers(-1, subnets - 1))
    cached = data.draw(st.integers(0, subgraphs - 1))
    table = replace(
        table, latency_ms=table.latency_ms * unit_ms, switch_ms=table.switch_ms * unit_ms / 4
    )
    asked = followed, last, queries, table, cached
    assert cheapest(*asked) == cheapest_by_definition(*asked)


@given(tables(max_subgraphs=4), st.data())
def test_latency_aware_stays_where_a_change_gains_nothing(
    table: LatencyTable, data: st.DataObject
) -> None:
    subnets, subgraphs = table.latency_ms.shape
    cached = data.draw(st.integers(0, subgraphs - 1))
    flat = replace(table, latency_ms=np.repeat(table.latency_ms[:, :1], subgraphs, axis=1))
    assert cheapest(np.ones((subnets, subnets)), 0, 4, flat, cached) == cached


@modes
@settings(max_examples=50)
@example(shifting_case(), 2)
@given(cases(), intervals)
def test_latency_aware_learns_which_subnet_follows_which(
    mode: str, case: tuple[Trace, LatencyTable], every: int
) -> None:
    trace, table = case
    served = POLICIES["latency-aware"].served(trace, table, mode=mode, every=every)
    followed = np.full((len(table.accuracy_percent),) * 2, UNSEEN) + np.eye(
        len(table.accuracy_percent)
    )
    for query, subnet in enumerate(served.subnet):
        if query % every == 0:
            last = int(served.subnet[query - 1]) if query else -1
            cached = int(served.cached[query])
            kept = cheapest_by_definition(followed, last, every, table, cached)
            assert served.kept[query] == kept
        if query:
            followed[served.subnet[query - 1]] *= MEMORY
            followed[served.subnet[query - 1], subnet] += 1


def test_what_faded_long_ago_is_forgotten_and_takes_no_time() -> None:
    """A count of 1e-310 would slow every product with it a hundredfold, and decide nothing."""
    count = 40_000  # SubNets 1 and 2 are never left again after the first queries
    demands = np.full(count, 60.0)
    demands[:6] = [60.0, 70.0, 80.0] * 2
    table = table_of(
        latency_ms=np.array([[1.0, 0.9], [2.0, 1.9], [3.0, 2.9]]), switch_ms=np.zeros((2, 2, 3)),
        accuracy_percent=np.array([60.0, 70.0, 80.0]),
    )  # fmt: skip
    trace = Trace(
        arrived_ms=np.zeros(count), min_accuracy_percent=demands,
        max_latency_ms=np.full(count, 9.0),
    )  # fmt: skip
    served = POLICIES["latency-aware"].served(trace, table, mode="strict-accuracy", every=8)
    assert set(served.subnet[6:].tolist()) == {0}
    assert FORGOTTEN * table.latency_ms.max() < np.finfo(float).eps * table.latency_ms.min()


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_found_by_its_name(name: str) -> None:
    assert find_policy(name) is POLICIES[name]


def test_an_unknown_policy_is_refused_with_the_near_name() -> None:
    with pytest.raises(UserError, match="unknown policy 'suchi'; did you mean 'sushi'"):
        find_policy("suchi")


def test_the_policies_have_the_names_that_a_shell_completes() -> None:
    assert tuple(POLICIES) == POLICY_NAMES


def test_the_default_policies_are_policies_and_one_is_the_reference() -> None:
    assert set(DEFAULT_POLICIES) | set(STEADY_POLICIES) <= set(POLICIES)
    assert "no-sgs" in DEFAULT_POLICIES


def test_the_causal_policies_are_the_ones_without_a_plan() -> None:
    causal = {name for name, policy in POLICIES.items() if policy.recaching in (NEAREST, EXPECTED)}
    assert causal == {"sushi", "latency-aware", "sgs-batching"}
