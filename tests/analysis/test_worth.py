"""Whether SGS is worth its blocks."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.analysis.gain_map import gain_curves
from sushi_dse.analysis.repeats import RELEVANT_PERCENT
from sushi_dse.analysis.split import capacities, capacity_per_s, pressed, split
from sushi_dse.analysis.worth import (
    BATCHED,
    BOTH,
    HALF,
    JUDGED,
    MAPS,
    PREFETCHING,
    SGS_USES,
    USES,
    Gains,
    Worth,
    beside_batching,
    holds,
    judged,
    larger_array,
    readings,
    worth,
)
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.equal_area import with_larger_maps
from tests.commands import Run
from tests.strategies import accelerators, zcu104


@cache
def experiments(hw: str, workload: str, seeds: int = 2) -> list[Experiment]:
    return [
        load_experiment(hw, workload, mode="strict-accuracy", queries=60, seed=seed)
        for seed in range(seeds)
    ]


@cache
def found(hw: str, workload: str) -> Worth:
    return worth(experiments(hw, workload))


BOARDS = pytest.mark.parametrize(
    ("hw", "workload"),
    [("zcu104", "ofa_resnet50"), ("vcu118_64x64", "resnet50"), ("alveo_u50", "ofa_mbv3")],
)


def gains(**latency: float) -> Gains:
    """Gains without rows: those of the uses named, the others 0, the same for both seeds."""
    named = {use.name: 0.0 for use in JUDGED}
    named |= {SGS_USES[0].name: latency.get("sgs", 0.0), HALF.name: latency.get("half", 0.0),
              PREFETCHING.name: latency.get("prefetching", 0.0),
              MAPS.name: latency.get("maps", 0.0)}  # fmt: skip
    return Gains(rows=(), latency={name: np.full(2, value) for name, value in named.items()})


@given(*[st.floats(-10, 40)] * 4, st.booleans())
def test_a_verdict_is_carried_by_a_relevant_difference(
    sgs: float, half: float, prefetching: float, maps: float, prefetches: bool
) -> None:
    verdict, because = judged(
        gains(sgs=sgs, half=half, prefetching=prefetching, maps=maps), prefetches
    )
    own = max(sgs, 0.0)  # the other uses of SGS save nothing here
    rival = max(prefetching, maps) if prefetches else maps
    wins = own - rival >= RELEVANT_PERCENT and own >= RELEVANT_PERCENT
    both = half - rival >= RELEVANT_PERCENT and half >= RELEVANT_PERCENT
    parted = prefetches and both and (not wins or half - own >= RELEVANT_PERCENT)
    assert verdict == ("partly" if parted else "yes" if wins else "no")
    assert because


def test_half_each_that_saves_more_than_all_for_sgs_is_no_plain_yes() -> None:
    verdict, because = judged(gains(sgs=34.2, half=52.7, prefetching=32.1))
    assert verdict == "partly"
    assert "half of them each save 52.7 %" in because


def test_what_an_interval_does_not_carry_is_no_win() -> None:
    spread = gains(sgs=5.0)
    name = SGS_USES[0].name
    spread = Gains(rows=(), latency={**spread.latency, name: np.array([10.0, 0.0])})
    assert judged(spread)[0] == "no"
    assert judged(gains(sgs=5.0))[0] == "yes"


@BOARDS
def test_the_verdict_follows_from_the_rows_and_every_reading_is_judged(
    hw: str, workload: str
) -> None:
    own = found(hw, workload)
    rows = {str(row["use"]): float(str(row["latency_saved_percent"])) for row in own.rows}
    assert list(rows) == [use.name for use in USES]
    best = max(rows[use.name] for use in SGS_USES)
    assert own.gain_percent["mean"] == pytest.approx(best)
    assert own.gain_percent["low"] <= best <= own.gain_percent["high"]
    assert own.verdict in ("yes", "no", "partly")
    rival = max(rows[PREFETCHING.name], rows[MAPS.name])
    if own.verdict == "yes":
        assert best - rival >= RELEVANT_PERCENT
    told = [row["verdict"] for row in own.readings]
    assert f"{own.verdict} in {told.count(own.verdict)} of {len(told)}" in holds(own)
    assert len({tuple(row.items()) for row in own.readings}) == len(told)


def test_batching_takes_no_blocks_and_what_sgs_saves_beside_it_is_told() -> None:
    own = found("zcu104", "ofa_resnet50")
    (batched,) = (row for row in own.rows if row["use"] == BATCHED.name)
    assert not any(value for name, value in batched.items() if name.startswith("more_"))
    assert batched["latency_saved_percent"] == 0
    assert "in a closed loop no two queries wait" in own.beside_batching
    saved = {BATCHED.name: np.array([50.0, 60.0]), BOTH.name: np.array([60.0, 68.0])}
    said = beside_batching(Gains(rows=(), latency=saved), closed_loop=False)
    assert said.startswith("batching takes no blocks and saves 55 % (")
    assert said.endswith("SGS, SushiSched saves 20 % of what is left")  # 40 of 50, 32 of 40


def test_what_was_measured_is_no_reading() -> None:
    zcu = list(readings(experiments("zcu104", "ofa_resnet50")[0], zcu104()))
    assert {setting["pointwise_drain"] for setting, _ in zcu} == {True, False}
    assert len(zcu) == 2
    vcu = experiments("vcu118_64x64", "resnet50")[0]
    assert len(list(readings(vcu, vcu.design))) == 1
    u50 = experiments("alveo_u50", "ofa_mbv3")[0]
    assert len(list(readings(u50, u50.design))) == 8


def test_residency_pays_on_the_vcu118_where_nothing_prefetches() -> None:
    own = found("vcu118_64x64", "resnet50")
    assert own.gain_percent["mean"] > 20
    verdicts = {row["prefetching"]: row["verdict"] for row in own.readings}
    assert verdicts[False] == "yes"


@given(accelerators())
def test_other_uses_take_no_more_blocks_and_a_wider_array_fits(design: Accelerator) -> None:
    maps, blocks = with_larger_maps(design), resources(design)
    assert resources(maps).bram36 <= blocks.bram36
    assert resources(maps).uram288 <= blocks.uram288
    assert maps.streaming_buffer_kib >= design.streaming_buffer_kib
    wider = larger_array(design)
    assert wider.pe_kernels >= design.pe_kernels
    assert wider.pe_kernels == design.pe_kernels or not infeasible_reason(wider)


def test_the_curves_pass_through_the_design_itself() -> None:
    experiment = experiments("zcu104", "ofa_resnet50")[0]
    curves = gain_curves(experiment.network, experiment.design)
    (own,) = (curve for curve in curves if curve.is_own)
    assert own.offchip_gb_per_s == experiment.design.offchip_gb_per_s
    assert own.own_mib in own.buffer_mib
    for curve in curves:
        assert np.all(np.diff(curve.saved_percent) >= -1e-9)
        larger = replace(experiment.design, persistent_buffer_kib=KIB * curve.buffer_mib[-1])
        assert resources(larger).device_share <= 1


def test_a_trace_of_ones_own_is_judged_once(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "stream.csv"
    assert run("trace", "generate", "--queries", "50", "--out", str(path)).code == 0
    done = run("worth", "--trace", str(path))
    assert (done.code, done.err) == (0, "")
    assert ", 1 seed " in done.out


def test_a_design_without_a_persistent_buffer_is_refused() -> None:
    first = experiments("zcu104", "ofa_resnet50")[0]
    bare = SearchSpace(axes=(), base=replace(first.design, persistent_buffer_kib=0.0))
    with pytest.raises(UserError, match="has no Persistent Buffer to judge"):
        worth([replace(first, space=bare)])


def test_the_command_prints_the_verdict_and_ends_well(tmp_path_factory: pytest.TempPathFactory,
                                                      run: Run) -> None:  # fmt: skip
    picture = tmp_path_factory.mktemp("worth") / "worth.svg"
    command = ("worth", "--queries", "50", "--repeats", "2")
    done = run(*command, "--plot", str(picture))
    assert done.code == 0
    assert done.out.startswith("Is SGS worth its blocks (strict-accuracy)? ")
    assert "your board" in picture.read_text(encoding="utf-8")
    document = run(*command, "--format", "json").document
    assert {"verdict", "gain_percent", "rows", "readings", "because"} <= set(document)


@BOARDS
def test_halves_take_no_more_multipliers_than_the_whole_and_carry_what_is_said(
    hw: str, workload: str
) -> None:
    own = found(hw, workload)
    design = experiments(hw, workload)[0].design
    assert resources(split(design, 2)).dsp <= resources(design).dsp
    for use, row in zip(USES, own.rows, strict=True):
        whole, halves = row["capacity_queries_per_s"], row["capacity_of_parts_queries_per_s"]
        assert isinstance(whole, float)
        assert whole > 0
        fits = infeasible_reason(split(use.design(design), 2)) == ""
        assert isinstance(halves, float) == (fits and POLICIES[use.policy].serves_many)


def test_of_a_design_that_two_halves_equal_they_carry_more_by_pooling() -> None:
    # Each layer is bound by its launch, so that half of the array is as fast as all of it.
    base = zcu104(launch_us=1e6, device=replace(zcu104().device, uram288=10**4, lut=10**6))
    first = experiments("zcu104", "ofa_resnet50")[0]
    streams = [pressed(first, base, seed=1)]
    one = capacity_per_s(streams, base, "no-sgs")
    two = capacity_per_s(streams, split(base, 2), "no-sgs")
    assert one is not None
    assert two is not None
    assert two > 2.1 * one


def test_arrivals_of_ones_own_stay_as_they_are() -> None:
    first = load_experiment("zcu104", queries=9, arrivals="poisson")
    own = replace(first, is_trace_made=False)
    assert pressed(own, own.design, seed=1).trace is own.trace
    made = pressed(first, first.design, seed=1).traced
    assert len(set(made.max_latency_ms.tolist())) == 1
    assert not np.array_equal(made.arrived_ms, first.traced.arrived_ms)


def test_a_single_query_has_no_capacity() -> None:
    one = load_experiment("zcu104", queries=1)
    design = one.design
    assert capacities([one], design, [("no-sgs", design)], 2) == [
        {"capacity_queries_per_s": None, "capacity_of_parts_queries_per_s": None}
    ]
