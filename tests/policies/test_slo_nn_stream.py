"""What SLO-NN does with a stream: laws, and limits that have a closed form."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.evaluation.tallied import serving_metrics
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.model.network import Network
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.policies.slo_nn.parameters import SloNn, agreement
from sushi_dse.policies.slo_nn.stream import (
    difficulties,
    least_fractions,
    serve_slo_nn,
)
from sushi_dse.policies.slo_nn.system import slo_nn_system
from sushi_dse.serving.selection import STRICT_ACCURACY, STRICT_LATENCY
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace
from tests.networks import connected, workload
from tests.policies.slo_nn_cases import WORKLOADS, demanding, every_mode, few, parameter_sets
from tests.strategies import accelerators, amounts, supernets, zcu104
from tests.tables import integers, scaled, traces


@st.composite
def streams(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of `serve_slo_nn` but for the mode: some demands can be met, some cannot."""
    parameters = draw(parameter_sets())
    network, accelerator = Network.of(draw(supernets())), draw(accelerators())
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    trace = scaled(draw(traces(12)), table)
    column = st.lists(st.integers(0, 4), min_size=len(trace), max_size=len(trace))
    trace = replace(
        trace,
        input_difficulty=np.array(draw(column)) / 4,
        colocation_slowdown=1 + np.array(draw(column)) / 2,
    )
    return {"trace": trace, "table": table, "every": 2, "parameters": parameters}


def latency_of(stream: dict[str, Any], query: int) -> np.ndarray:
    """The time of each row for that query, by definition: [row]."""
    table: LatencyTable = stream["table"]
    kept = int(table.fetched_bytes[0, 1] > 0)
    latency_ms = table.latency_ms[:, kept]
    if query == 0:
        latency_ms = table.latency_ms[:, 0] + table.switch_ms[0, kept]
    return np.asarray(stream["trace"].slowdown[query] * latency_ms)


def confidence_of(stream: dict[str, Any], query: int) -> list[float]:
    """The confidence of each row for that query, by definition."""
    p: SloNn = stream["parameters"]
    hard = stream["trace"].input_difficulty[query] ** p.difficulty_exponent
    needed = p.easiest_fraction + (1 - p.easiest_fraction) * hard
    lacking = [max(0.0, 1 - fraction / needed) for fraction in p.fractions]
    accuracy_percent = float(stream["table"].accuracy_percent[-1])
    return [accuracy_percent * (1 - share**p.ranking_exponent) for share in lacking]


# What a stream is served with


@every_mode
@given(streams())
@few
def test_a_demand_that_can_be_met_is_met_by_the_right_fraction(
    mode: int, stream: dict[str, Any]
) -> None:
    trace, grid = stream["trace"], stream["parameters"].fractions
    done = serve_slo_nn(mode=mode, **stream)
    for query in range(len(trace)):
        row, service_ms = int(done.subnet[query]), latency_of(stream, query)
        confidence = confidence_of(stream, query)
        assert done.accuracy_percent[query] == pytest.approx(confidence[row], rel=1e-12)
        assert done.service_ms[query] == service_ms[row]
        if mode == STRICT_ACCURACY:
            demand = trace.min_accuracy_percent[query]
            assert row == len(grid) - 1 or confidence[row] >= demand * (1 - 1e-12)
            assert all(too_low <= demand * (1 + 1e-12) for too_low in confidence[:row])
        else:
            wait_ms = done.response_ms[query] - service_ms[row]
            limit_ms = trace.max_latency_ms[query]
            assert row == 0 or done.response_ms[query] <= limit_ms
            assert (wait_ms + service_ms[row + 1 :] > limit_ms * (1 - 1e-12)).all()


@every_mode
@given(streams())
@few
def test_queries_wait_for_those_before_them(mode: int, stream: dict[str, Any]) -> None:
    trace, served = stream["trace"], serve_slo_nn(mode=mode, **stream)
    free_ms = 0.0
    for query in range(len(trace)):
        if trace.closed_loop:
            assert served.response_ms[query] == served.service_ms[query]
        else:
            free_ms = max(free_ms, trace.arrived_ms[query]) + served.service_ms[query]
            answered_ms = free_ms - trace.arrived_ms[query]
            assert served.response_ms[query] == pytest.approx(answered_ms, rel=1e-9)


@given(streams(), st.integers(0, 5))
@few
def test_a_stricter_accuracy_demand_never_lowers_the_fraction(
    stream: dict[str, Any], points: int
) -> None:
    loose = stream["trace"]
    strict = replace(loose, min_accuracy_percent=loose.min_accuracy_percent + points)
    before = serve_slo_nn(mode=STRICT_ACCURACY, **stream)
    after = serve_slo_nn(mode=STRICT_ACCURACY, **stream | {"trace": strict})
    assert (after.subnet >= before.subnet).all()


def in_closed_loop(stream: dict[str, Any]) -> dict[str, Any]:
    trace = stream["trace"]
    return stream | {"trace": replace(trace, arrived_ms=np.zeros(len(trace)))}


@given(streams().map(in_closed_loop), amounts(0.1, 1.0))
@few
def test_a_nearer_deadline_never_raises_the_fraction(stream: dict[str, Any], part: float) -> None:
    far = stream["trace"]
    near = replace(far, max_latency_ms=far.max_latency_ms * part)
    before = serve_slo_nn(mode=STRICT_LATENCY, **stream)
    after = serve_slo_nn(mode=STRICT_LATENCY, **stream | {"trace": near})
    assert (after.subnet <= before.subnet).all()


@every_mode
@given(streams().map(in_closed_loop), amounts(1.0, 3.0))
@few
def test_a_slower_machine_never_raises_the_fraction(
    mode: int, stream: dict[str, Any], factor: float
) -> None:
    slow = stream["trace"].slowdown * factor
    slower = stream | {"trace": replace(stream["trace"], colocation_slowdown=slow)}
    before, after = serve_slo_nn(mode=mode, **stream), serve_slo_nn(mode=mode, **slower)
    assert (after.subnet <= before.subnet).all()
    if mode == STRICT_ACCURACY:
        assert (after.subnet == before.subnet).all()


@given(streams(), amounts(0.0, 1.0))
@few
def test_a_harder_input_never_takes_fewer_nodes(stream: dict[str, Any], part: float) -> None:
    difficulty = stream["trace"].input_difficulty * part
    easier = stream | {"trace": replace(stream["trace"], input_difficulty=difficulty)}
    hard, easy = (serve_slo_nn(mode=STRICT_ACCURACY, **s) for s in (stream, easier))
    assert (easy.subnet <= hard.subnet).all()


@every_mode
@given(streams(), accelerators())
@few
def test_energy_and_bytes_add_up(
    mode: int, stream: dict[str, Any], accelerator: Accelerator
) -> None:
    network, parameters = connected(30, 40, 50, 10), stream["parameters"]
    table, _ = slo_nn_system(network, accelerator, parameters=parameters)
    trace = stream["trace"]
    served = serve_slo_nn(mode=mode, **stream | {"table": table})
    metrics = serving_metrics(PolicyRun(served=served, table=table, accelerator=accelerator), trace)
    kinds = ("offchip", "buffer", "mac", "clock", "static")
    total_mj = sum(metrics[f"{kind}_energy_mj_per_query"] for kind in kinds)
    offchip_bytes = np.asarray(table.cost.offchip_bytes)[served.subnet, served.cached].sum()
    offchip_bytes += table.switch_bytes[0, served.kept[0], served.subnet[0]]
    whole_bytes = metrics["offchip_bytes_per_query"] * len(trace)
    assert metrics["energy_mj_per_query"] == pytest.approx(total_mj, rel=1e-12)
    assert whole_bytes == pytest.approx(offchip_bytes, rel=1e-12)
    assert metrics["offchip_energy_mj_per_query"] == pytest.approx(
        whole_bytes / len(trace) * accelerator.dram_pj_per_bit * 8e-9, rel=1e-9
    )


# Difficulty, and limits that have a closed form


@given(parameter_sets(), amounts(0.0, 1.0), amounts(0.0, 1.0), amounts(0.01, 1.0))
def test_agreement_rises_with_the_nodes_and_falls_with_the_difficulty(
    parameters: SloNn, easy: float, hard: float, fraction: float
) -> None:
    easy, hard = sorted((easy, hard))
    slack = 1 + 1e-12
    few, many = (parameters.agreement(f, hard) for f in (fraction / 2, fraction))
    assert few <= many * slack
    assert parameters.agreement(fraction, hard) <= parameters.agreement(fraction, easy) * slack
    assert parameters.agreement(1.0, hard) == 1
    assert 0 <= few <= many <= 1


def served_all(network: Network, parameters: SloNn, trace: Trace, difficulty: np.ndarray) -> Served:
    table, _ = slo_nn_system(network, zcu104(), parameters=parameters)
    trace = replace(trace, input_difficulty=difficulty)
    return serve_slo_nn(trace, table, STRICT_ACCURACY, 8, parameters=parameters)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("hardest", [False, True])
def test_inputs_of_one_difficulty_give_the_speed_up_of_one_fraction(
    name: str, hardest: bool
) -> None:
    network, parameters = workload(name), SloNn(common_share=0.0)
    trace = demanding("min_accuracy_percent", float(network.accuracy_percent.max()))
    done = served_all(network, parameters, trace=trace, difficulty=np.full(200, float(hardest)))
    table, _ = slo_nn_system(network, zcu104(), parameters=parameters)
    row = len(parameters.fractions) - 1 if hardest else 0
    assert (done.subnet == row).all()
    assert (done.response_ms == table.latency_ms[row, 0]).all()
    assert (done.accuracy_percent == network.accuracy_percent.max()).all()


@pytest.mark.parametrize("below_percent", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("difficulty_exponent", [0.5, 2.0, 4.0])
def test_the_speed_up_of_even_difficulties_has_a_closed_form(
    below_percent: float, difficulty_exponent: float
) -> None:
    network = workload("ofa_mbv3")
    parameters = SloNn(difficulty_exponent=difficulty_exponent, common_share=0.0)
    table, _ = slo_nn_system(network, zcu104(), parameters=parameters)
    accuracy_percent = float(network.accuracy_percent.max())
    enough = 1 - (below_percent / accuracy_percent) ** (1 / parameters.ranking_exponent)
    easiest, grid = parameters.easiest_fraction, np.array(parameters.fractions)
    share = np.clip((grid / enough - easiest) / (1 - easiest), 0, 1) ** (1 / difficulty_exponent)
    share[-1] = 1  # of the inputs, that each fraction is enough for
    trace = demanding("min_accuracy_percent", accuracy_percent - below_percent, 4000)
    even = (np.arange(4000) + 0.5) / 4000
    done = served_all(network, parameters, trace=trace, difficulty=even)
    closed_form_ms = float(np.diff(share, prepend=0) @ table.latency_ms[:, 0])
    assert done.response_ms.mean() == pytest.approx(closed_form_ms, rel=2e-3)


def test_the_same_seed_gives_the_same_bits_and_a_longer_stream_begins_with_them() -> None:
    network = connected(30, 40, 10)
    short, long = difficulties(50, 7), difficulties(80, 7)
    assert (long[:50] == short).all()
    assert ((long >= 0) & (long < 1)).all()
    assert (difficulties(50, 8) != short).any()
    table, _ = slo_nn_system(network, zcu104())
    trace = demanding("min_accuracy_percent", 79.0, 50)
    first, again, other = (serve_slo_nn(trace, table, 0, 1, seed=seed) for seed in (7, 7, 8))
    assert first.subnet.tobytes() == again.subnet.tobytes()
    assert first.subnet.tobytes() != other.subnet.tobytes()


@every_mode
def test_a_trace_brings_its_own_difficulty_and_slowdown(mode: int) -> None:
    table, _ = slo_nn_system(connected(30, 40, 10), zcu104())
    plain = demanding("max_latency_ms", float(table.latency_ms[3, 1]), 40)
    plain = replace(plain, min_accuracy_percent=np.full(40, 79.0))
    bringing = replace(plain, input_difficulty=difficulties(40, 3))

    def answers(trace: Trace, seed: int) -> list[bytes]:
        done = serve_slo_nn(trace, table, mode, 1, seed=seed)
        return [array.tobytes() for array in (done.subnet, done.service_ms, done.accuracy_percent)]

    assert answers(bringing, 0) == answers(bringing, 3) == answers(plain, 3)
    assert answers(plain, 0) != answers(plain, 3)
    slowed = replace(bringing, colocation_slowdown=1 + difficulties(40, 4))
    assert answers(slowed, 0) != answers(bringing, 0)


@given(
    integers(55, 80, 6),
    integers(1, 10, 6),
    st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True),
    st.sampled_from([0.5, 1.0, 2.0, 2.7]),
)
def test_the_first_fraction_that_meets_a_demand_is_that_of_the_whole_matrix(
    demands: np.ndarray, tenths: np.ndarray, steps: list[int], exponent: float
) -> None:
    fractions = np.array([*sorted(steps), 10]) / 10
    asked = demands, tenths / 10, fractions, 79.3, exponent
    wanted = least_fractions(*asked)
    assert wanted.tolist() == least_fractions.plain(*asked).tolist()
    meets = 79.3 * agreement(fractions, tenths[:, None] / 10, exponent) >= demands[:, None]
    assert wanted.tolist() == [[*np.flatnonzero(row), len(steps)][0] for row in meets]
