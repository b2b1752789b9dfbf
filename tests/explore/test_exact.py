"""Exact fronts: they equal walking the whole space, and their certificates hold only for them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import non_dominated
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import METRICS, find_metric
from sushi_dse.explore.exact.bounds import BOUNDED, refuse_unbounded
from sushi_dse.explore.exact.boxes import SIDES, Boxes
from sushi_dse.explore.exact.branch import ExactFront, exact_front
from sushi_dse.explore.exact.certificate import INFEASIBLE, SPLIT, WALKED, Certificate, check
from sushi_dse.explore.exact.problem import Front, Problem
from sushi_dse.hardware.accelerator import FIELDS_OF, Device
from sushi_dse.hardware.resources import fits, infeasible_designs, infeasible_reasons
from sushi_dse.hardware.space import AXIS_ORDER, SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.policies.names import STEADY_POLICIES
from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests import paths
from tests.strategies import accelerators, supernets, zcu104

AXES = {
    "pe_kernels": st.integers(1, 24),
    "pe_channels": st.integers(1, 12),
    "pe_pixels": st.integers(1, 40),
    "multiplier_bits": st.sampled_from((8, 16)),
    "persistent_buffer_kib": st.floats(0.0, 64.0),
    "dynamic_buffer_tiles": st.integers(2, 4),
    "dynamic_buffer_kib": st.floats(0.0, 32.0),
    "prefetch_buffer_kib": st.just(0.0) | st.floats(0.0, 32.0),
    "streaming_buffer_kib": st.floats(0.1, 32.0),
    "output_buffer_kib": st.floats(0.1, 32.0),
    "dram_gb_per_s": st.floats(0.05, 20.0),
    "clock_mhz": st.floats(50.0, 400.0),
    "port_clock_mhz": st.floats(50.0, 400.0),
    "port_bytes_per_cycle": st.floats(0.5, 100.0),
    "dram_efficiency": st.floats(0.05, 1.0),
    "launch_us": st.floats(0.0, 50.0),
    "fill_cycles": st.floats(0.0, 20.0),
    "drain_cycles": st.floats(0.0, 50.0),
    "pixel_fill_cycles": st.floats(1.0, 3.0),
    "weight_delay_cycles": st.floats(0.0, 20.0),
    "read_ahead_cycles": st.floats(0.0, 8.0),
    "tile_read_cycles": st.floats(0.0, 3.0),
    "dram_pj_per_bit": st.floats(0.0, 40.0),
    "mac_pj": st.floats(0.0, 2.0),
    "static_w": st.floats(0.0, 5.0),
    "memory_w": st.floats(0.0, 3.0),
    "bram36_mw": st.floats(0.0, 3.0),
    "uram288_mw": st.floats(0.0, 9.0),
    "clock_pj_per_ff": st.floats(0.0, 0.3),
}


def test_every_axis_is_drawn() -> None:
    assert AXES.keys() == set(AXIS_ORDER)


@st.composite
def problems(draw: st.DrawFn, most_designs: int = 400) -> Problem:
    """Random boards, workloads and objectives; the board may be too small for part of the space."""
    drawn = draw(accelerators())
    known = [name for name in AXES if name in FIELDS_OF[drawn.dataflow]]
    names = draw(st.lists(st.sampled_from(known), min_size=1, max_size=5, unique=True))
    values, size = {}, 1
    for name in names:
        most = min(most_designs // size, 6)
        if most >= 2:
            values[name] = draw(st.lists(AXES[name], min_size=2, max_size=most, unique=True))
            size *= len(values[name])
    device = Device(
        name="board",
        lut=10**6,
        ff=10**6,
        bram36=draw(st.integers(1, 300)),
        uram288=draw(st.integers(0, 60)),
        dsp=draw(st.integers(1, 1200)),
        shell_share=draw(st.sampled_from([0.0, 0.1])),
        speed_grade=draw(st.integers(1, 3)),
        accelerators=draw(st.integers(1, 2)),
    )
    base = replace(drawn, device=device, logic_mhz=draw(st.sampled_from([250.0, 325.0])))
    objectives = draw(st.lists(st.sampled_from(BOUNDED), min_size=1, max_size=4, unique=True))
    policies = draw(st.sampled_from([*((name,) for name in STEADY_POLICIES), STEADY_POLICIES]))
    return Problem(
        experiment=Experiment(
            space=SearchSpace.of(base, values),
            network=Network.of(draw(supernets())),
            trace=None,
            policies=tuple(policies),
        ),
        metrics=tuple(find_metric(name) for name in objectives),
    )


def walked(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """By brute force: number and candidate of each row that no other one beats, in order."""
    designs = problem.experiment.space.designs(range(problem.experiment.space.size))
    numbers = np.flatnonzero(fits(designs))
    if not len(numbers):
        return numbers, numbers
    costs = problem.costs(designs.only(numbers))
    rows = costs.reshape(len(costs), -1).T
    candidate, place = np.divmod(np.flatnonzero(non_dominated(rows)), len(numbers))
    order = np.lexsort((candidate, numbers[place]))
    return numbers[place][order], candidate[order]


def solved(problem: Problem) -> tuple[ExactFront, int]:
    """The exact front, and the count of designs that were said to be settled."""
    search, count = exact_front(problem), 0
    while True:
        try:
            count += len(next(search))
        except StopIteration as end:
            return end.value, count


@settings(max_examples=20)
@given(problems())
def test_an_exact_front_is_that_of_the_whole_space(problem: Problem) -> None:
    found, settled = solved(problem)
    front = found.front
    order = np.lexsort((front.candidates, front.designs))
    designs, candidates = walked(problem)
    assert front.designs[order].tolist() == designs.tolist()
    assert front.candidates[order].tolist() == candidates.tolist()
    assert settled == problem.experiment.space.size
    table = found.certificate.table(problem)
    counts = check(Certificate.of(table, problem), front, problem)
    assert counts["designs"] + counts["designs_left_out"] == problem.experiment.space.size


@given(problems())
def test_designs_that_do_not_fit_are_counted_by_the_axes_that_decide_it(problem: Problem) -> None:
    reasons = infeasible_reasons(
        problem.experiment.space.designs(range(problem.experiment.space.size))
    )
    kinds = Counter(one.split(":")[0] for reason in reasons for one in reason.split("; ") if one)
    assert infeasible_designs(problem.experiment.space) == (sum(map(bool, reasons)), dict(kinds))


@given(problems(), st.data())
def test_no_design_of_a_box_costs_less_than_its_bound(
    problem: Problem, data: st.DataObject
) -> None:
    whole = Boxes.whole(problem.experiment.space)
    ends = [sorted(data.draw(st.tuples(*[st.integers(0, last)] * 2))) for last in whole.high[:, 0]]
    for i, axis in enumerate(problem.experiment.space.axes):
        if axis.name in SIDES:
            ends[i][1] = ends[i][0]
    low, high = np.array(ends, dtype=np.int64).reshape(-1, 2, 1).transpose(1, 0, 2)
    box = Boxes(problem.experiment.space, low, high)
    costs = problem.costs(problem.experiment.space.designs(box.designs()))
    assert (costs >= problem.bounds(box)).all()


@settings(max_examples=40)
@given(problems())
def test_the_halves_of_a_box_hold_its_designs_once(problem: Problem) -> None:
    whole = Boxes.whole(problem.experiment.space)
    if problem.experiment.space.size == 1:
        return
    halves = whole.halves(whole.widest_axis())
    both = [half for place in range(2) for half in halves.only(np.array([place])).designs()]
    assert sorted(both) == list(range(problem.experiment.space.size))


def layer(name: str, kernels: int, channels: int) -> PlainLayer:
    return PlainLayer(
        name=name,
        kernels=kernels,
        channels=channels,
        kernel_height=1,
        kernel_width=1,
        height=4,
        width=4,
    )


def small() -> Problem:
    subnets = [
        PlainSubNet(
            name=name,
            accuracy_percent=accuracy_percent,
            layers=(layer("a", width, 64), layer("b", 64, width), layer("c", 64, 64)),
        )
        for name, width, accuracy_percent in (("A", 64, 71.0), ("B", 128, 73.0))
    ]
    space = SearchSpace.of(
        zcu104(),
        {
            "pe_kernels": (4, 8, 500),  # 500 kernels need more DSPs than the ZCU104 has
            "persistent_buffer_kib": (0, 2, 4, 8, 16),
            "clock_mhz": tuple(50.0 * i for i in range(1, 9)),
            "port_bytes_per_cycle": tuple(1.25 * i for i in range(1, 17)),
        },
    )
    network = Network.of(plain_supernet("small", subnets, accuracy_of="top-1"))
    return Problem(
        experiment=Experiment(space=space, network=network, trace=None, policies=STEADY_POLICIES),
        metrics=tuple(
            map(find_metric, ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query"))
        ),
    )


def test_most_of_a_space_is_left_out_and_each_kind_of_box_occurs() -> None:
    problem = small()
    found, _ = solved(problem)
    counts = check(found.certificate, found.front, problem)
    assert all(found.certificate.counts().values())
    assert counts["designs"] < problem.experiment.space.size / 4


@pytest.mark.parametrize("dram_pj_per_bit", [0.0, 1e-6, 15.0])
@pytest.mark.parametrize("name", BOUNDED)
def test_a_bound_holds_where_reading_off_chip_takes_less_energy_than_a_buffer(
    name: str, dram_pj_per_bit: float
) -> None:
    problem = small()
    space = problem.experiment.space
    cheap = replace(space.base, dram_pj_per_bit=dram_pj_per_bit, pe_kernels=4)
    axes = {axis.name: axis.values for axis in space.axes if axis.name != "pe_kernels"}
    axes["persistent_buffer_kib"] = (
        64.0,
        4096.0,
    )  # whose reads take more than those of a small one
    experiment = replace(problem.experiment, space=SearchSpace.of(cheap, axes))
    problem = replace(problem, experiment=experiment, metrics=(find_metric(name),))
    box = Boxes.whole(problem.experiment.space)
    costs = problem.costs(problem.experiment.space.designs(box.designs()))
    assert (costs >= problem.bounds(box)).all()


def test_a_problem_that_needs_a_trace_is_refused() -> None:
    with pytest.raises(ValueError, match=r"some of mean_latency_ms, .* are wanted, got"):
        replace(small(), metrics=(find_metric("p99_latency_ms"),))
    traced = load_experiment(paths.TINY, policies=["no-sgs"], queries=2)
    with pytest.raises(ValueError, match="an exact front is without a trace"):
        replace(small(), experiment=traced)


def holds(certificate: Certificate, front: Front, problem: Problem) -> bool:
    try:
        check(certificate, front, problem)
    except UserError:
        return False
    return True


def edited(certificate: Certificate, **changes: object) -> Certificate:
    return replace(certificate, **changes)  # type: ignore[arg-type]


def test_a_certificate_that_claims_too_much_is_refused() -> None:
    problem = small()
    found, _ = solved(problem)
    front, sound = found.front, found.certificate
    kind, leaf = sound.kind, np.flatnonzero(sound.kind != SPLIT)
    claims = {
        "another witness": edited(sound, witness=(sound.witness + 1) % len(front.costs)),
        "higher bounds": edited(sound, least=sound.least * 1.5),
        "all boxes infeasible": edited(sound, kind=np.where(kind == WALKED, INFEASIBLE, kind)),
        "a box twice": edited(sound, first_half=np.where(kind == SPLIT, 1, -1)),
        "no halves": edited(sound, first_half=np.full_like(sound.first_half, -1)),
        "other axes": edited(sound, axis=np.where(kind == SPLIT, 0, -1)),
        "a split that is none": edited(
            sound, kind=np.where(np.arange(len(kind)) == leaf[0], SPLIT, kind)
        ),
    }
    held = [claim for claim, certificate in claims.items() if holds(certificate, front, problem)]
    assert held == []


def test_a_front_that_lacks_a_row_or_has_one_more_is_refused() -> None:
    problem = small()
    found, _ = solved(problem)
    worse = problem.front_of(np.array([0]))
    shorter = Front(found.front.costs[1:], found.front.designs[1:], found.front.candidates[1:])
    longer = Front(
        np.concatenate([found.front.costs, worse.costs]),
        np.concatenate([found.front.designs, worse.designs]),
        np.concatenate([found.front.candidates, worse.candidates]),
    )
    assert holds(found.certificate, found.front, problem)
    assert not holds(found.certificate, shorter, problem)
    assert not holds(found.certificate, longer, problem)


def test_a_metric_without_a_bound_is_refused() -> None:
    refuse_unbounded([find_metric(name) for name in BOUNDED])
    for name in set(METRICS) - set(BOUNDED):
        with pytest.raises(UserError, match=name):
            refuse_unbounded([find_metric(name)])
