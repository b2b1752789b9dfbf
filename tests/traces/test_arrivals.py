import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.cli import main
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.loading import spanned_trace
from sushi_dse.evaluation.offers import cold_offer
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.traces.describe import describe_trace
from sushi_dse.traces.files import read_trace
from sushi_dse.traces.generators import ARRIVALS, TraceSpec, generate
from sushi_dse.traces.names import ARRIVAL_NAMES, CLOSED_LOOP
from sushi_dse.traces.trace import MAX_MS, FloatArray

SPEC = TraceSpec(accuracy_percent=(76.0, 80.0), latency_ms=(10.0, 50.0))
WITH_A_RATE = sorted(ARRIVALS.keys() - {CLOSED_LOOP})


def arrived_ms(**change: Any) -> FloatArray:
    return generate(replace(SPEC, **change)).arrived_ms


# The mean rate


@pytest.mark.parametrize("change", [
    {"arrivals": "poisson"},
    {"arrivals": "mmpp"},
    {"arrivals": "mmpp", "mean_burst_s": 30.0, "mean_calm_s": 90.0},
    {"arrivals": "diurnal", "amplitude": 1.0},
    {"arrivals": "diurnal", "period_s": 1000.0},
], ids=str)  # fmt: skip
def test_in_every_second_the_rate_is_on_average_the_one_asked_for(
    change: dict[str, Any],
) -> None:
    horizon_ms, wanted, traces = 25e3, 25 * 8.0, 400  # neither a whole day nor a whole cycle
    counts = [
        np.searchsorted(arrived_ms(**change, queries=1500, rate_per_s=8.0, seed=seed), horizon_ms)
        for seed in range(traces)
    ]
    assert max(counts) < 1500
    assert abs(np.mean(counts) - wanted) < 4 * np.std(counts) / traces**0.5


@pytest.mark.parametrize("cv", [0.1, 0.5, 1.0, 3.0])
def test_gamma_gaps_have_the_mean_and_the_variation_asked_for(cv: float) -> None:
    trace = generate(
        replace(SPEC, arrivals="gamma", interarrival_cv=cv, rate_per_s=40, queries=200_000)
    )
    figures = describe_trace(trace)
    assert figures["rate_per_s"] == pytest.approx(40, rel=0.01 * max(cv, 1))
    assert figures["interarrival_cv"] == pytest.approx(cv, rel=0.03)


@pytest.mark.parametrize("arrivals", WITH_A_RATE)
def test_twice_the_rate_is_half_the_time(arrivals: str) -> None:
    # Bursts and days keep their lengths in seconds, so those are halved as well.
    lengths = {name: getattr(SPEC, name) for name in ("mean_burst_s", "mean_calm_s", "period_s")}
    halved = {name: length / 2 for name, length in lengths.items()}
    slow = arrived_ms(arrivals=arrivals, rate_per_s=10)
    fast = arrived_ms(arrivals=arrivals, rate_per_s=20, **halved)
    np.testing.assert_allclose(fast, slow / 2, rtol=1e-9)


@pytest.mark.parametrize("arrivals", WITH_A_RATE)
def test_a_rate_too_small_for_the_clock_is_refused(arrivals: str) -> None:
    with pytest.raises(ValueError, match=r"arrived_ms <= 1e\+15 must hold|changes of rate"):
        generate(replace(SPEC, arrivals=arrivals, rate_per_s=5e-324))


def test_a_trace_up_to_the_end_of_time_is_made() -> None:
    for arrivals in WITH_A_RATE:
        times_ms = arrived_ms(arrivals=arrivals, rate_per_s=1e-9, queries=2, mean_calm_s=1e9)
        assert 0 < times_ms[-1] <= MAX_MS


# Each process against what it is defined by


@pytest.mark.parametrize("change", [
    {"arrivals": "gamma", "interarrival_cv": 1.0},
    {"arrivals": "mmpp", "burst_rate_factor": 1.0},
    {"arrivals": "diurnal", "amplitude": 0.0},
], ids=str)  # fmt: skip
def test_without_its_swing_a_process_is_a_poisson_process(change: dict[str, Any]) -> None:
    times_ms = arrived_ms(**change, queries=100_000)
    gaps_ms = np.diff(times_ms)
    assert gaps_ms.std() / gaps_ms.mean() == pytest.approx(1, rel=0.02)
    assert np.corrcoef(gaps_ms[:-1], gaps_ms[1:])[0, 1] == pytest.approx(0, abs=0.02)
    counts = np.bincount((times_ms // 1000).astype(int))[:-1]
    assert counts.var() / counts.mean() == pytest.approx(1, rel=0.1)


@given(
    st.integers(0, 2**32),
    st.integers(1, 40),
    st.floats(1, 1e4),
    st.floats(0.01, 100),
    st.floats(0.01, 100),
)
def test_bursts_are_those_of_a_walk_through_the_states(
    seed: int, queries: int, factor: float, burst_s: float, calm_s: float
) -> None:
    spec = replace(SPEC, arrivals="mmpp", seed=seed, queries=queries, burst_rate_factor=factor,
                   mean_burst_s=burst_s, mean_calm_s=calm_s)  # fmt: skip
    rng = np.random.default_rng(seed).spawn(3)[2]
    first_rng, length_rng, query_rng = rng.spawn(3)
    share = burst_s / (burst_s + calm_s)
    in_burst = first_rng.random() < share
    now_s = 0.0
    walked = []
    stay_s = length_rng.standard_exponential() * (burst_s if in_burst else calm_s)
    for _ in range(queries):
        work = query_rng.standard_exponential()
        while True:
            rate_per_s = spec.rate_per_s / (1 - share + share * factor) * (factor**in_burst)
            if work < stay_s * rate_per_s:
                break
            work -= stay_s * rate_per_s
            now_s += stay_s
            in_burst = not in_burst
            stay_s = length_rng.standard_exponential() * (burst_s if in_burst else calm_s)
        now_s += work / rate_per_s
        stay_s -= work / rate_per_s
        walked.append(1e3 * now_s)
    np.testing.assert_allclose(generate(spec).arrived_ms, walked, rtol=1e-6)


def test_counts_of_bursts_are_spread_as_in_closed_form() -> None:
    # Index of dispersion over long windows (Fischer and Meier-Hellstern, the MMPP cookbook, 1993).
    burst_s, calm_s, factor, rate_per_s = 0.1, 0.9, 10.0, 20.0
    times_ms = arrived_ms(arrivals="mmpp", mean_burst_s=burst_s, mean_calm_s=calm_s,
                          burst_rate_factor=factor, rate_per_s=rate_per_s,
                          queries=400_000)  # fmt: skip
    counts = np.bincount((times_ms // 20e3).astype(int))[:-1]
    share = burst_s / (burst_s + calm_s)
    calm_per_s = rate_per_s / (1 - share + share * factor)
    switching = 1 / burst_s + 1 / calm_s
    spread = 2 * share * (1 - share) * (calm_per_s * (factor - 1)) ** 2 / (rate_per_s * switching)
    assert counts.var() / counts.mean() == pytest.approx(1 + spread, rel=0.15)


@pytest.mark.parametrize("amplitude", [0.2, 0.8, 1.0])
def test_a_day_has_the_swing_asked_for(amplitude: float) -> None:
    times_ms = arrived_ms(arrivals="diurnal", amplitude=amplitude, period_s=10.0, queries=200_000)
    days = times_ms[times_ms < times_ms[-1] // 10e3 * 10e3] / 10e3
    # The density 1 + a sin(2 pi d) over a day has a first Fourier coefficient of size a / 2.
    assert abs(np.exp(2j * np.pi * days).mean()) == pytest.approx(amplitude / 2, abs=0.01)
    assert abs(np.exp(4j * np.pi * days).mean()) == pytest.approx(0, abs=0.01)


@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(1e-3, 1e6))
def test_a_day_is_done_where_the_integral_of_its_rate_is(
    seed: int, amplitude: float, period_s: float
) -> None:
    spec = replace(SPEC, arrivals="diurnal", seed=seed, amplitude=amplitude, period_s=period_s,
                   queries=30)  # fmt: skip
    rng = np.random.default_rng(seed).spawn(3)[2]
    start = rng.random()
    due_ms = rng.exponential(1e3 / spec.rate_per_s, 30).cumsum()
    times_ms, day_ms = generate(spec).arrived_ms, 1e3 * period_s
    turned = np.cos(2 * np.pi * start) - np.cos(2 * np.pi * (start + times_ms / day_ms))
    reached_ms = times_ms + amplitude * day_ms / (2 * np.pi) * turned
    np.testing.assert_allclose(reached_ms, due_ms, rtol=1e-6, atol=1e-9 * day_ms)


def test_a_burst_is_busier_and_a_clump_tighter_than_chance() -> None:
    peaks: dict[str, dict[str, Any]] = {
        name: describe_trace(generate(replace(SPEC, arrivals=name, queries=5000)))
        for name in WITH_A_RATE
    }
    for name in ("mmpp", "gamma"):
        assert peaks[name]["peak_to_mean_rate"] > 1.5 * peaks["poisson"]["peak_to_mean_rate"]
        assert peaks[name]["interarrival_cv"] > 1.2
    assert peaks["diurnal"]["peak_to_mean_rate"] > peaks["poisson"]["peak_to_mean_rate"]


def test_a_process_gives_the_arrivals_it_gave_before() -> None:
    golden = {
        "diurnal": [2.106194717058511, 8.077235470306377, 44.52076958614248],
        "gamma": [6.106638277059727e-08, 0.000782139906727225, 4.5209485489112975],
        "mmpp": [225.26729585880068, 296.8991187151996, 315.6597965797729],
    }
    assert {CLOSED_LOOP, "poisson", *golden} == set(ARRIVALS)
    for name, wanted in golden.items():
        np.testing.assert_allclose(arrived_ms(arrivals=name, queries=3, seed=1), wanted, rtol=1e-9)


def test_more_changes_of_rate_than_can_be_held_are_refused() -> None:
    spec = replace(SPEC, arrivals="mmpp", rate_per_s=1e-3, mean_burst_s=1e-6, mean_calm_s=1e-6)
    message = (
        "at most 1e+07 changes of rate must be expected, got 2e+12; raise mean_calm_s or rate_per_s"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        generate(spec)


# The load


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.of(load_workload("ofa_resnet50").supernet)


def test_the_capacity_is_that_of_equal_shares_served_cold(network: Network) -> None:
    accelerator = load_hardware("zcu104").space.reference
    offer = cold_offer(network, accelerator)
    cold_ms = latency_table(network, accelerator, candidates(network, accelerator)).latency_ms[:, 0]
    assert offer.capacity_per_s == pytest.approx(1e3 * len(cold_ms) / cold_ms.sum())
    assert offer.latency_ms == (cold_ms.min(), cold_ms.max())
    assert offer.accuracy_percent == (
        network.accuracy_percent.min(),
        network.accuracy_percent.max(),
    )


@pytest.mark.parametrize("arrivals", WITH_A_RATE)
def test_a_load_is_a_rate_as_a_share_of_the_capacity(network: Network, arrivals: str) -> None:
    accelerator = load_hardware("zcu104").space.reference
    capacity = cold_offer(network, accelerator).capacity_per_s
    loaded = spanned_trace(network, accelerator, arrivals=arrivals, load=0.8)
    rated = spanned_trace(network, accelerator, arrivals=arrivals, rate_per_s=0.8 * capacity)
    assert loaded.content_hash() == rated.content_hash()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"load": 0.8, "rate_per_s": 3.0}, "load 0.8 and rate_per_s 3; give one of them"),
        ({"load": 0.0}, "0 < load <= 1000 must hold, got 0.0"),
        ({"load": float("nan")}, "0 < load <= 1000 must hold, got nan"),
        ({"load": 0.8}, "closed-loop arrivals have no load and no rate_per_s; name others"),
        ({"rate_per_s": 3.0}, "closed-loop arrivals have no load and no rate_per_s; name others"),
        ({"rate_per_s": 0.0}, "0 < rate_per_s <= 1e+09 must hold, got 0.0"),
    ],
)
def test_a_load_that_cannot_be_is_refused(
    network: Network, fields: dict[str, float], message: str
) -> None:
    with pytest.raises(UserError) as error:
        spanned_trace(network, load_hardware("zcu104").space.reference, **fields)
    assert str(error.value) == f"trace: {message}"


def test_bursts_at_a_load_are_generated_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "bursts.csv"
    with pytest.raises(SystemExit) as stop:
        main(["trace", "generate", "--arrivals", "mmpp", "--load", "0.5", "--queries", "9000",
              "--mean-burst-s", "0.5", "--mean-calm-s", "1.5", "--out", str(out)])  # fmt: skip
    assert not stop.value.code
    capacity = cold_offer(
        Network.of(load_workload("ofa_resnet50").supernet),
        load_hardware("zcu104").space.reference,
    ).capacity_per_s
    figures: dict[str, Any] = describe_trace(read_trace(out))
    assert figures["rate_per_s"] == pytest.approx(0.5 * capacity, rel=0.2)
    assert figures["interarrival_cv"] > 1.2


def test_a_shell_completes_the_arrivals_that_there_are() -> None:
    assert set(ARRIVAL_NAMES) == set(ARRIVALS)
