"""What GATI does with a stream: hits, exits, waiting and deadlines."""

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs.build.speedups import expected_exits
from sushi_dse.evaluation.tallied import serving_metrics
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.gati.parameters import PUBLISHED_AGREEMENT_PERCENT, Gati
from sushi_dse.policies.gati.stream import Rates, answer_percent, first_accepted, serve_gati
from sushi_dse.policies.gati.system import GatiTable, gati_system
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.serving.selection import MODES, STRICT_ACCURACY, STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace
from tests.policies.gati_cases import (
    ALL_CONVOLUTIONS,
    RESNET18,
    closed_loop,
    expected_ms,
    streams,
    system,
)
from tests.strategies import ZCU104
from tests.tables import integers, traces


@pytest.fixture(scope="module")
def table() -> GatiTable:
    """The table of the default parameters on the ZCU104."""
    return system()


def same(one: Served, other: Served, queries: int) -> bool:
    """Whether the first queries of two runs are the same, bit for bit."""
    return all(
        getattr(one, field.name)[:queries].tobytes()
        == getattr(other, field.name)[:queries].tobytes()
        for field in fields(one)
        if field.name != "order"  # as they came
    )


def test_hits_fall_after_a_shift_and_come_back_with_retraining(table: GatiTable) -> None:
    parameters = Gati(mean_queries_between_shifts=800)
    queries, seed = 20_000, 8
    served = serve_gati(
        closed_loop(queries), table, STRICT_LATENCY, 8, parameters=parameters, seed=seed
    )
    freshness = parameters.freshness(queries, np.random.default_rng(seed).spawn(2)[1])
    shifts = np.flatnonzero((freshness[1:] == 0) & (freshness[:-1] > 0.9)) + 1
    assert len(shifts) > 5
    at_first = served.subnet == 0
    before = np.mean([at_first[shift - 50 : shift].mean() for shift in shifts])
    after = np.mean([at_first[shift : shift + 10].mean() for shift in shifts])
    assert after < 0.5 * before
    levels = [at_first[freshness == share].mean() for share in (0, 0.5, 0.75, 0.875)]
    assert levels == sorted(levels)
    fresh = expected_exits(table)[0][0]
    assert at_first[freshness > 0.99].mean() == pytest.approx(fresh, abs=0.03)


@settings(max_examples=20)
@given(
    parameters=streams,
    seed=st.integers(0, 5),
    localities=st.lists(st.floats(0, 0.99), min_size=2, max_size=5),
)
def test_more_locality_never_loses_a_hit_nor_time(
    table: GatiTable, parameters: Gati, seed: int, localities: list[float]
) -> None:
    trace = closed_loop(300)
    runs = [
        serve_gati(
            trace,
            table,
            STRICT_LATENCY,
            8,
            parameters=replace(parameters, locality=locality),
            seed=seed,
        )
        for locality in sorted(localities)
    ]
    for less, more in pairwise(runs):
        assert (more.subnet <= less.subnet).all()
        assert (more.service_ms <= less.service_ms).all()


def test_the_first_accepted_answer_ends_a_query() -> None:
    """Shares of exits over a long stream without shifts against the acceptances in closed form."""
    parameters = Gati(mean_queries_between_shifts=float("inf"), locality=0.3)
    table, _ = gati_system(RESNET18, ZCU104, parameters=parameters, keep=ALL_CONVOLUTIONS)
    accepted = []
    for percent in PUBLISHED_AGREEMENT_PERCENT["Conv(3,1)"]:
        odds = percent / (100 - percent) / 0.7 if percent < 100 else np.inf
        agreement = 1 / (1 + 1 / odds)
        recall, precision = 1 - 0.2 * (1 - agreement), 1 - 0.05 * (1 - agreement)
        accepted.append(agreement * recall / precision)
    shares = np.diff([0, *accepted, 1])
    assert expected_exits(table)[0] == pytest.approx(shares)
    served = serve_gati(closed_loop(30_000), table, STRICT_LATENCY, 8)
    counts = np.bincount(served.subnet, minlength=9)
    assert counts / 30_000 == pytest.approx(shares, abs=0.01)
    assert served.service_ms[1:].mean() == pytest.approx(expected_ms(table), rel=0.01)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_same_seed_gives_the_same_bits_and_a_longer_stream_begins_alike(mode: int) -> None:
    table, trace, longer = system(), closed_loop(500, accuracy=90), closed_loop(900, accuracy=90)
    once, again = (serve_gati(trace, table, mode, 8, seed=4) for _ in range(2))
    assert same(once, again, 500)
    assert same(once, serve_gati(longer, system(), mode, 3, seed=4), 500)
    assert not same(once, serve_gati(trace, table, mode, 8, seed=5), 500)


@given(
    trace=traces(max_queries=20),
    parameters=streams,
    mode=st.sampled_from(list(MODES.values())),
    seed=st.integers(0, 9),
)
def test_queries_are_served_in_turn_and_deadlines_count_from_arrival(
    table: GatiTable, trace: Trace, parameters: Gati, mode: int, seed: int
) -> None:
    served = serve_gati(trace, table, mode, 8, parameters=parameters, seed=seed)
    free_ms = 0.0
    for query, asked in enumerate(trace):
        column = int(query > 0)
        starts_ms = max(free_ms, asked.arrived_ms)
        if trace.closed_loop:
            starts_ms = asked.arrived_ms
        latency_ms = table.latency_ms[:, column]
        if query == 0:
            latency_ms = latency_ms + table.switch_ms[0, 1]
        row = served.subnet[query]
        assert served.service_ms[query] == latency_ms[row]
        free_ms = starts_ms + served.service_ms[query]
        assert served.response_ms[query] == pytest.approx(free_ms - asked.arrived_ms)
        waited_ms = starts_ms - asked.arrived_ms
        if mode == STRICT_LATENCY and waited_ms + latency_ms[0] <= asked.max_latency_ms - 1e-9:
            assert served.response_ms[query] <= asked.max_latency_ms + 1e-9
    assert np.array_equal(served.cached[1:], served.kept[:-1])
    assert served.cached[0] == 0


@given(trace=traces(max_queries=20), parameters=streams, seed=st.integers(0, 9))
def test_an_accuracy_that_the_whole_network_has_is_met(
    table: GatiTable, trace: Trace, parameters: Gati, seed: int
) -> None:
    demands = replace(trace, min_accuracy_percent=trace.min_accuracy_percent + 20.5)  # 89.5 to 94.5
    served = serve_gati(demands, table, STRICT_ACCURACY, 8, parameters=parameters, seed=seed)
    reachable = demands.min_accuracy_percent <= 93.0
    met = served.accuracy_percent >= demands.min_accuracy_percent
    assert np.array_equal(met, reachable)
    assert (served.accuracy_percent[~reachable] == 93.0).all()


def test_a_deadline_takes_the_answer_of_the_last_exit_in_time_though_it_was_refused() -> None:
    table, _ = gati_system(RESNET18, ZCU104, parameters=Gati(locality=0.0), keep=ALL_CONVOLUTIONS)
    deadline_ms = float(table.latency_ms[2, 1])
    trace = closed_loop(2000, latency_ms=deadline_ms)
    served = serve_gati(trace, table, STRICT_LATENCY, 8)
    free = serve_gati(closed_loop(2000), table, STRICT_LATENCY, 8)
    assert (served.response_ms[1:] <= deadline_ms).all()
    assert (served.subnet[1:] == np.minimum(free.subnet, 2)[1:]).all()
    forced = free.subnet > 2
    assert forced.any()
    assert served.accuracy_percent[forced].max() < served.accuracy_percent[~forced].min()


def test_the_metrics_of_a_run_are_those_of_its_queries() -> None:
    table, accelerator = gati_system(RESNET18, ZCU104)
    trace = closed_loop(1000)
    served = serve_gati(trace, table, STRICT_LATENCY, 8)
    metrics = serving_metrics(PolicyRun(served=served, table=table, accelerator=accelerator), trace)
    assert metrics["mean_latency_ms"] == pytest.approx(served.response_ms.mean())
    assert metrics["subgraph_switches"] == 1
    offchip_bytes = np.asarray(table.cost.offchip_bytes)[served.subnet, served.cached].sum()
    offchip_bytes += table.switch_bytes[0, 1, served.subnet[0]]
    assert metrics["offchip_bytes_per_query"] == pytest.approx(offchip_bytes / 1000)
    parts = [
        metrics[f"{part}_energy_mj_per_query"]
        for part in ("offchip", "buffer", "mac", "clock", "static")
    ]
    assert metrics["energy_mj_per_query"] == pytest.approx(sum(parts))


def test_a_table_of_something_else_is_refused() -> None:
    plain = latency_table(RESNET18, ZCU104, candidates(RESNET18, ZCU104))
    with pytest.raises(ValueError, match="the table must come from gati_system"):
        serve_gati(closed_loop(1), plain, STRICT_LATENCY, 8)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@given(integers(0, 9, 8), integers(0, 3, 8), integers(60, 80, 8), integers(0, 10, 3), st.data())
def test_the_kernels_compute_what_their_source_and_the_matrix_say(
    mode: int,
    ninths: np.ndarray,
    thirds: np.ndarray,
    demands: np.ndarray,
    tenths: np.ndarray,
    data: st.DataObject,
) -> None:
    parameters = Gati(selector_recall=data.draw(st.sampled_from([0.0, 0.7, 1.0])))
    agreement = np.array([*np.sort(tenths) / 10, 1.0])
    shares = (parameters.locality, parameters.shift_loss)
    selector = (parameters.selector_recall, parameters.selector_precision)
    rates = Rates(agreement, 77.7, *shares, *selector)
    stream = ninths / 9, thirds / 3
    wanted = first_accepted(mode, *stream, demands, rates)
    assert wanted.tolist() == first_accepted.plain(mode, *stream, demands, rates).tolist()
    row = np.minimum(wanted, data.draw(st.integers(0, 3)))
    percent = answer_percent(row, wanted, stream[1], rates)
    assert percent.tobytes() == answer_percent.plain(row, wanted, stream[1], rates).tobytes()
    now = parameters.agreement_now(agreement[:, None], stream[1])  # [row, query]
    right, refused = 77.7 * parameters.precision(now), 77.7 * parameters.refused_agreement(now)
    accepted = stream[0] < parameters.acceptance(now)
    if mode == STRICT_ACCURACY:
        accepted &= right >= demands
    accepted[-1] = True
    assert wanted.tolist() == accepted.argmax(axis=0).tolist()
    of_row = np.where(row < wanted, refused[row, np.arange(8)], right[row, np.arange(8)])
    assert percent.tobytes() == of_row.tobytes()
