"""Batches of queries: the kernel and its source, a slow definition, and what no batch may do."""

from dataclasses import dataclass, replace
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.batches import batch_table
from sushi_dse.model.latency_table import SUMS, LatencyTable, candidate_table
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.serving.batch_kernels import LEARNED, serve_batches
from sushi_dse.serving.batch_rules import BACK_OFF, BUCKETS, LOOKED_AT, Rule
from sushi_dse.serving.batching import batch_arrays, serve_in_batches
from sushi_dse.serving.by_queue import BY_MODE, BY_SLACK, FIXED
from sushi_dse.serving.hindsight import fixed_subnet
from sushi_dse.serving.recaching import nearest_subgraph
from sushi_dse.serving.selection import MODES, most_accurate_within, select_subnet
from sushi_dse.serving.served import Served, tally
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import SuperNet
from tests.strategies import accelerators, supernets
from tests.tables import integers, scaled, table_of, tables, traces

modes = pytest.mark.parametrize("mode", MODES)
intervals = st.integers(1, 5)
modes_of_selection = st.sampled_from(list(MODES.values()))
rules = st.builds(
    Rule,
    selection=st.just(BY_MODE),
    fixed=st.just(0),
    mode=modes_of_selection,
    every=st.integers(0, 5),
) | st.builds(
    Rule,
    selection=st.sampled_from([FIXED, BY_SLACK]),
    fixed=st.just(0),
    mode=modes_of_selection,
    every=st.just(0),
)


@st.composite
def batches(draw: st.DrawFn, max_limit: int = 4) -> LatencyTable:
    """A table of batches that no accelerator gave; a larger one takes no less time."""
    table, limit = draw(tables()), draw(st.integers(2, max_limit))
    shape = limit - 1, *table.latency_ms.shape
    more_ms = np.concatenate([table.latency_ms[None], draw(integers(0, 4, *shape))])
    sizes = np.arange(1, limit + 1)[:, None, None]
    return replace(
        table,
        subnet_names=table.subnet_names * limit,
        accuracy_percent=np.tile(table.accuracy_percent, limit),
        latency_ms=(more_ms.cumsum(axis=0) / sizes).reshape(-1, shape[2]),
        macs=np.tile(table.macs, limit),
        weight_bytes=np.tile(table.weight_bytes, limit),
        sums=draw(integers(0, 9, len(SUMS), limit * shape[1], shape[2])),
        switch_bytes=np.tile(draw(integers(0, 9, shape[2], shape[2], shape[1])), limit),
        switch_ms=np.tile(table.switch_ms, limit),
        encoding_dot=np.tile(table.encoding_dot, (limit, 1)),
        own_subgraph=np.tile(table.own_subgraph, limit),
        batch_limit=limit,
    )


@st.composite
def crowded(draw: st.DrawFn, max_queries: int = 20) -> Trace:
    """Arrivals that often come together, some of them slowed down."""
    trace = draw(traces(max_queries))
    slowdown = draw(integers(1, 2, len(trace))) if draw(st.booleans()) else np.ones(len(trace))
    speed = draw(st.sampled_from([1.0, 4.0]))
    late = draw(st.sampled_from([1.0, 3.0]))
    return replace(
        trace, arrived_ms=trace.arrived_ms / speed, max_latency_ms=trace.max_latency_ms * late,
        colocation_slowdown=slowdown,
    )  # fmt: skip


Batch = tuple[tuple[int, ...], int, int, int, float, float]


def total_ms(table: LatencyTable, size: int, subnet: int, subgraph: int) -> float:
    return float(batch_arrays(table).batch_ms[size - 1, subnet, subgraph])


@dataclass(frozen=True)
class Now:
    """The moment at which a batch begins, and what is known then."""

    trace: Trace
    table: LatencyTable
    rule: Rule
    old: int
    new: int
    start_ms: float

    def alone(self, subnet: int) -> float:
        return self.takes([], subnet)

    def takes(self, members: list[int], subnet: int) -> float:
        """The time of a batch, or of a query alone that nothing slows down."""
        change_ms = self.table.switch_ms[self.old, self.new, subnet]
        slow = max((float(self.trace.slowdown[m]) for m in members), default=1.0)
        return float(slow * (total_ms(self.table, len(members) or 1, subnet, self.old) + change_ms))

    def left(self, query: int) -> float:
        arrived_ms = self.start_ms if self.trace.closed_loop else self.trace.arrived_ms[query]
        return float(arrived_ms + self.trace.max_latency_ms[query]) - self.start_ms

    def wanted(self, query: int) -> int:
        alone_ms = np.array([self.alone(subnet) for subnet in range(self.table.subnets)])
        budget_ms = self.trace.max_latency_ms[query] / self.trace.slowdown[query]
        least_percent = self.trace.min_accuracy_percent[query]
        accuracy_percent = self.table.accuracy_percent[: self.table.subnets]
        return select_subnet(self.rule.mode, accuracy_percent, alone_ms, least_percent, budget_ms)


def joined_by_mode(now: Now, queue: list[int]) -> tuple[list[int], int]:
    members, subnet = queue[:1], now.wanted(queue[0])
    for query in queue[1:]:
        joined = [*members, query]
        if len(joined) > now.table.batch_limit or now.wanted(query) != subnet:
            continue
        in_time = [m for m in joined if now.takes([m], subnet) <= now.left(m)]
        late = [m for m in in_time if now.left(m) < now.takes(joined, subnet)]
        later_ms = total_ms(now.table, 1, subnet, now.new) * now.trace.slowdown[query]
        if not late and now.takes(joined, subnet) - now.takes(members, subnet) <= later_ms:
            members = joined
    return members, subnet


def fitted_by_slack(now: Now, queue: list[int]) -> tuple[list[int], int]:
    slack_ms = min(map(now.left, queue))
    accuracy, subnets = now.table.accuracy_percent, range(now.table.subnets)
    sizes = range(1, min(len(queue), now.table.batch_limit) + 1)
    if len(sizes) == 1:
        own_ms = np.array([now.takes(queue[:1], s) for s in subnets])
        return queue[:1], most_accurate_within(accuracy[: len(subnets)], own_ms, slack_ms)
    all_ms = batch_arrays(now.table).batch_ms[:, :, now.old]
    width_ms = (all_ms.max() - all_ms[0].min()) / BUCKETS or 1.0
    bucket = {
        (b, s): floor((all_ms[b - 1, s] - all_ms[0].min()) / width_ms)
        for b in sizes
        for s in subnets
    }
    fits = [(b, s) for b, s in bucket if now.takes(queue[:b], s) <= slack_ms]
    nearest = max((bucket[choice] for choice in fits), default=0)
    inside = [choice for choice in (fits or bucket) if bucket[choice] == nearest]
    size, subnet = max(inside, key=lambda c: (c[0], accuracy[c[1]], -all_ms[c[0] - 1, c[1]], -c[1]))
    return queue[:size], subnet


def served_by_definition(trace: Trace, table: LatencyTable, rule: Rule) -> list[Batch]:
    """The batches in order: members, SubNet, SubGraphs before and after, time and start."""
    left = list(range(len(trace)))
    free_ms, old, since, counts, most = 0.0, 0, 0, np.zeros(table.subnets), 1.0
    found: list[Batch] = []
    while left:
        start_ms = max(free_ms, float(trace.arrived_ms[left[0]]))
        new = old
        if rule.every and since >= rule.every:
            dot = table.encoding_dot[: table.subnets]
            new = nearest_subgraph(counts, dot, table.encoding_norm)
            counts, since = np.zeros(table.subnets), 0
        now = Now(trace, table, rule, old, new, start_ms)
        queue = [q for q in left if trace.arrived_ms[q] <= start_ms]
        queue = queue[:1] if trace.closed_loop else queue
        if rule.selection == FIXED:
            members, subnet = queue[: int(most)], rule.fixed
        else:
            choose = joined_by_mode if rule.selection == BY_MODE else fitted_by_slack
            members, subnet = choose(now, queue)
        took_ms = now.takes(members, subnet)
        if took_ms > min(trace.max_latency_ms[members]):
            most = max(most * BACK_OFF, 1.0)
        elif len(members) == int(most):
            most = min(most + 1, table.batch_limit)
        found.append((tuple(members), subnet, old, new, took_ms, start_ms))
        free_ms, old, since = start_ms + took_ms, new, since + len(members)
        counts[subnet] += len(members)
        left = [q for q in left if q not in members]
    return found


@settings(max_examples=200)
@given(crowded(), batches(), rules)
def test_batches_are_those_of_the_definition(trace: Trace, table: LatencyTable, rule: Rule) -> None:
    served = serve_in_batches(trace, table, rule)
    assert served.order is not None
    place = 0
    for members, subnet, old, new, took, start in served_by_definition(trace, table, rule):
        assert tuple(served.order[place : place + len(members)]) == members
        place += len(members)
        for member in members:
            assert served.subnet[member] == (len(members) - 1) * table.subnets + subnet
            assert served.cached[member] == old
            assert served.kept[member] == (new if member == members[-1] else old)
            assert served.service_ms[member] * len(members) == pytest.approx(took)
            if not trace.closed_loop:
                answered_ms = trace.arrived_ms[member] + served.response_ms[member]
                assert answered_ms == pytest.approx(start + took)
    assert place == len(trace)


@settings(max_examples=40)
@given(crowded(60), batches(LEARNED + 6), st.sampled_from([1.0, 8.0]))
def test_large_batches_of_slackfit_are_those_of_the_definition(
    trace: Trace, table: LatencyTable, late: float
) -> None:
    """Of a queue that grows, whether its choices are learned or not."""
    trace = replace(
        trace, arrived_ms=trace.arrived_ms / 16, max_latency_ms=trace.max_latency_ms * late
    )
    served = serve_in_batches(trace, table, Rule(BY_SLACK, 0, 0, 0))
    rows = np.empty(len(trace), dtype=np.int64)
    for members, subnet, *_ in served_by_definition(trace, table, Rule(BY_SLACK, 0, 0, 0)):
        rows[list(members)] = (len(members) - 1) * table.subnets + subnet
    assert served.subnet.tolist() == rows.tolist()


@settings(max_examples=60)
@given(crowded(), batches(), rules)
def test_the_kernel_computes_what_its_source_says(
    trace: Trace, table: LatencyTable, rule: Rule
) -> None:
    # Thirds and sevenths do not add up exactly, so another order of the sums would show.
    thirds = replace(
        trace, arrived_ms=trace.arrived_ms / 3, max_latency_ms=trace.max_latency_ms / 7
    )
    queries = (*thirds.columns, thirds.slowdown)
    seventh = batch_arrays(replace(table, latency_ms=table.latency_ms / 7))
    compiled = serve_batches(rule, queries, seventh)
    for fast, plain in zip(compiled, serve_batches.plain(rule, queries, seventh), strict=True):
        assert fast.tobytes() == plain.tobytes()


def same(served: Served, other: Served) -> None:
    for name in ("subnet", "cached", "kept", "service_ms", "response_ms", "accuracy_percent"):
        assert getattr(served, name).tobytes() == getattr(other, name).tobytes(), name


BATCHING = {"batching": "no-sgs", "sgs-batching": "sushi"}
both = pytest.mark.parametrize("name", BATCHING)


@both
@modes
@settings(max_examples=60)
@given(trace=crowded(), table=tables(), every=intervals)
def test_batches_of_one_are_the_queue_without_batches(
    name: str, mode: str, trace: Trace, table: LatencyTable, every: int
) -> None:
    """On the kernel of batches, and as the policy serves a table of single queries."""
    table = replace(table, latency_ms=table.latency_ms / 7)
    expected = POLICIES[BATCHING[name]].served(trace, table, mode=mode, every=every)
    rule = Rule(BY_MODE, 0, MODES[mode], every if name == "sgs-batching" else 0)
    same(serve_in_batches(trace, table, rule), expected)
    same(POLICIES[name].served(trace, table, mode=mode, every=every), expected)


@both
@modes
@settings(max_examples=30)
@given(trace=crowded(), table=batches(), every=intervals)
def test_in_a_closed_loop_nothing_is_batched(
    name: str, mode: str, trace: Trace, table: LatencyTable, every: int
) -> None:
    closed = replace(trace, arrived_ms=np.zeros(len(trace)))
    singles = replace(
        table,
        accuracy_percent=table.accuracy_percent[: table.subnets],
        latency_ms=table.latency_ms[: table.subnets],
        encoding_dot=table.encoding_dot[: table.subnets],
        switch_ms=table.switch_ms[:, :, : table.subnets],
        own_subgraph=table.own_subgraph[: table.subnets],
        batch_limit=1,
    )
    expected = POLICIES[BATCHING[name]].served(closed, singles, mode=mode, every=every)
    same(POLICIES[name].served(closed, table, mode=mode, every=every), expected)


@settings(max_examples=100)
@given(crowded(), batches(), st.sampled_from(list(MODES.values())), st.integers(0, 5))
def test_no_batch_makes_a_query_late_that_would_be_in_time_alone(
    trace: Trace, table: LatencyTable, mode: int, every: int
) -> None:
    served = serve_in_batches(trace, table, Rule(BY_MODE, 0, mode, every))
    assert served.order is not None
    size = 1 + served.subnet // table.subnets
    subnet = served.subnet % table.subnets
    place = 0
    while place < len(trace):
        members = served.order[place : place + size[served.order[place]]]
        place += len(members)
        assert len(members) <= table.batch_limit
        assert members[0] == members.min()
        wait_ms = served.response_ms[members] - len(members) * served.service_ms[members]
        new = served.kept[members[-1]]
        for member, waited_ms in zip(members, wait_ms, strict=True):
            own = total_ms(table, 1, subnet[member], served.cached[member])
            own += table.switch_ms[served.cached[member], new, subnet[member]]
            if waited_ms + own * trace.slowdown[member] <= trace.max_latency_ms[member]:
                assert served.response_ms[member] <= trace.max_latency_ms[member] + 1e-9


@settings(max_examples=40)
@given(crowded(), batches(), rules, intervals)
def test_the_sums_over_streams_are_those_over_their_queries(
    trace: Trace, table: LatencyTable, rule: Rule, every: int
) -> None:
    name = {BY_MODE: "sgs-batching", FIXED: "clipper", BY_SLACK: "slackfit"}[rule.selection]
    mode = list(MODES)[rule.mode]
    slower = replace(trace, max_latency_ms=trace.max_latency_ms * 2)
    sums = POLICIES[name].tallied(Streams([trace, slower]), table, mode=mode, every=every)
    for run, own in enumerate((trace, slower)):
        served = POLICIES[name].served(own, table, mode=mode, every=every)
        one = tally(served, own, table)
        for field, value in zip(sums._fields, one, strict=True):
            assert getattr(sums, field)[run].tobytes() == value[0].tobytes(), field
        assert one.served.sum() == len(own)
        assert one.service_ms[0] == pytest.approx(served.service_ms.sum())
        answered_ms = own.arrived_ms + served.response_ms
        if not own.closed_loop:
            assert one.last_ms[0] == pytest.approx(answered_ms.max() - own.arrived_ms[-1])
        assert served.order is not None
        moved = table.switch_bytes[served.cached, served.kept, served.subnet]
        assert one.switch_bytes[0] == moved[served.cached != served.kept].sum()


def together(count: int, max_latency_ms: float) -> Trace:
    """Queries that arrive at the same time; those that are late whatever comes share a batch."""
    return Trace(
        arrived_ms=np.ones(count),
        min_accuracy_percent=np.zeros(count),
        max_latency_ms=np.full(count, max_latency_ms),
    )


def one_subnet(limit: int) -> LatencyTable:
    """A batch of b takes 4 + b ms."""
    sizes = np.arange(1, limit + 1)
    table = table_of(latency_ms=((4.0 + sizes) / sizes)[:, None], switch_ms=np.zeros((1, 1, limit)))
    return replace(table, batch_limit=limit)


def sizes_of(served: Served, table: LatencyTable) -> list[int]:
    """The sizes of the batches, in order."""
    assert served.order is not None
    left, sizes = served.order.tolist(), []
    while left:
        sizes.append(1 + int(served.subnet[left[0]]) // table.subnets)
        left = left[sizes[-1] :]
    return sizes


def test_queries_wait_together_as_far_as_their_deadline_and_the_limit_allow() -> None:
    table = one_subnet(4)
    for deadline_ms, sizes in ((5.0, [1, 4, 1]), (6.5, [2, 4]), (7.0, [3, 3]), (99.0, [4, 2])):
        served = POLICIES["batching"].served(
            together(6, deadline_ms), table, mode="strict-accuracy", every=6
        )
        assert sizes_of(served, table) == sizes, deadline_ms


def test_a_batch_may_be_larger_than_the_queue_is_looked_at_by_default() -> None:
    table = one_subnet(LOOKED_AT + 6)
    served = POLICIES["batching"].served(
        together(LOOKED_AT + 8, 99.0), table, mode="strict-accuracy", every=1
    )
    assert sizes_of(served, table) == [LOOKED_AT + 6, 2]


def test_clippers_batch_grows_by_one_and_shrinks_by_a_tenth() -> None:
    table = one_subnet(16)
    served = POLICIES["clipper"].served(together(60, 9.0), table, mode="strict-accuracy", every=1)
    # 5 queries take 9 ms and 6 exceed it: 6 -> 5.4 -> 6.4 -> 5.76 -> 6.76 -> 6.084 -> 5.4756.
    assert sizes_of(served, table)[:11] == [1, 2, 3, 4, 5, 6, 5, 6, 5, 6, 6]


def test_slackfit_takes_the_largest_batch_of_the_bucket_nearest_below_the_slack() -> None:
    """The larger SubNet alone and the smaller one in a batch of two take about as long."""
    latency_ms = np.array([[10.0], [20.0], [19.8 / 2], [40.0 / 2]])
    table = table_of(
        latency_ms=latency_ms, switch_ms=np.zeros((1, 1, 4)),
        accuracy_percent=np.array([70.0, 80.0, 70.0, 80.0]),
    )  # fmt: skip
    table = replace(table, batch_limit=2)
    for queries, slack_ms, row in ((1, 21.0, 1), (2, 21.0, 2), (2, 19.9, 2), (2, 15.0, 0),
                                   (2, 99.0, 3), (2, 5.0, 0)):  # fmt: skip
        served = POLICIES["slackfit"].served(
            together(queries, slack_ms), table, mode="strict-latency", every=1
        )
        assert served.subnet[0] == row, (queries, slack_ms)


@settings(max_examples=15)
@given(supernets(), accelerators(persistent_buffer_kib=1.0), crowded(), st.integers(1, 3))
def test_a_design_is_served_in_batches_on_its_own_table(
    supernet: SuperNet, accelerator: Accelerator, trace: Trace, limit: int
) -> None:
    network = Network.of(supernet)
    single = candidate_table(network, accelerator)
    table = batch_table(network, accelerator, single, limit)
    trace = scaled(trace, single)
    policy = replace(POLICIES["sgs-batching"], batch_limit=limit)
    run = policy.run(network, trace, accelerator, single, mode="strict-accuracy", every=2)
    assert run.table is table
    if limit == 1:
        expected = POLICIES["sushi"].served(trace, single, mode="strict-accuracy", every=2)
        same(run.served, expected)
    assert fixed_subnet(trace, table) == fixed_subnet(trace, single)
