"""What `explain` says of a design is what evaluating the design and its neighbours gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.analysis.explain import describe_design, moves, next_blocks, what_bounds
from sushi_dse.analysis.mean_metrics import at_table_level, mean_metrics, sampled_experiment
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import find_metric
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.hardware.accelerator import Accelerator, Device
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.hardware.space import SearchSpace, find_design
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import as_served, has_persistent_buffer
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import SuperNet
from tests.strategies import accelerators, odd_names, renamed, supernets, vcu118, zcu104
from tests.tables import number

NETWORK = load_workload("resnet18_cifar10").supernet
AXES: dict[str, list[float]] = {
    "pe_kernels": [8, 4, 16],  # not in order
    "persistent_buffer_kib": [0.0, 2.0, 40.0],
    "clock_mhz": [100.0, 200.0],
    "launch_us": [0.0, 10.0],
}
METRICS = [find_metric("mean_latency_ms"), find_metric("energy_mj_per_query")]
TRACE = Trace(
    arrived_ms=np.zeros(9),
    min_accuracy_percent=np.tile([60.0, 80.0, 70.0], 3),
    max_latency_ms=np.full(9, 1.0),
)
ROOMY = Device(name="roomy", lut=10**6, ff=10**6, bram36=10**6, uram288=10**6, dsp=10**6)


@st.composite
def evaluations(draw: st.DrawFn) -> Experiment:
    """Small spaces on a board that holds all of their designs, with a trace and without."""
    traced = draw(st.booleans())
    policies = ["no-sgs", "sushi"] if traced else ["no-sgs", "static-subgraph"]
    design = replace(draw(accelerators()), device=ROOMY, logic_mhz=325.0)
    port_clock_mhz = min(design.port_clock_mhz, 300.0)  # the fastest that is attained there
    space = SearchSpace.of(replace(design, port_clock_mhz=port_clock_mhz), AXES)
    return Experiment(
        space=space,
        network=Network.of(draw(supernets())),
        trace=TRACE if traced else None,
        policies=(draw(st.sampled_from(policies)),),
        mode="strict-accuracy",
    )


def row_of(experiment: Experiment, design: int, name: str) -> float:
    """The metric as a sweep has it; of several SubNets, the mean."""
    return float(np.mean(evaluate(experiment, [design])[name].to_numpy()))


@settings(max_examples=20)
@given(evaluations(), st.data())
def test_a_move_is_the_neighbour_evaluated_again(
    experiment: Experiment, data: st.DataObject
) -> None:
    space = experiment.space
    own = data.draw(st.integers(0, space.size - 1))
    here, rows = space.values(own), moves(experiment, own, METRICS)
    wanted = set()
    for axis in space.axes:
        below = [v for v in axis.values if v < here[axis.name]]
        above = [v for v in axis.values if v > here[axis.name]]
        wanted |= {(axis.name, v) for v in [*sorted(below)[-1:], *sorted(above)[:1]]}
    assert {(row["axis"], row["to"]) for row in rows} == wanted
    for row in rows:
        assert space.values(int(number(row, "design"))) == {**here, str(row["axis"]): row["to"]}
        for metric in METRICS:
            before = row_of(experiment, own, metric.name)
            after = row_of(experiment, int(number(row, "design")), metric.name)
            change = 0.0 if before == after else 100 * (after / before - 1)
            assert row[f"{metric.name}_change_percent"] == pytest.approx(change, abs=1e-6)


@settings(max_examples=20)
@given(evaluations(), st.data())
def test_the_next_blocks_are_those_that_the_larger_design_takes(
    experiment: Experiment, data: st.DataObject
) -> None:
    own = data.draw(st.integers(0, experiment.space.size - 1))
    rows = next_blocks(experiment, own)
    (policy,) = experiment.policies
    here = resources(as_served(policy, experiment.space.design(own)))
    assert has_persistent_buffer(policy) == any("persistent" in str(row["step"]) for row in rows)
    for row in rows:
        more = [number(row, f"more_{kind}") for kind in ("dsp", "bram36", "uram288")]
        left = [number(row, f"{kind}_left") for kind in ("dsp", "bram36", "uram288")]
        used = [here.dsp, here.bram36, here.uram288]
        total = [a + b + c for a, b, c in zip(used, more, left, strict=True)]
        assert total == [ROOMY.dsp, ROOMY.bram36, ROOMY.uram288]
        is_on_axis = str(row["step"]).split()[0] in AXES
        # A tile, or what an axis offers next, may fit the row of blocks that was begun.
        if "tiles" not in str(row["step"]) and not is_on_axis:
            assert number(row, f"more_{row['resource']}") > 0, row
        assert ("trace_latency_change_percent" in row) == (experiment.trace is not None)


def without_trace(space: SearchSpace) -> Experiment:
    return Experiment(
        space=space,
        network=Network.of(NETWORK),
        trace=None,
        policies=("static-subgraph",),
        mode="strict-accuracy",
    )


def test_a_step_takes_the_next_value_on_the_axis_or_an_eighth_more_in_whole_blocks() -> None:
    base = zcu104(persistent_buffer_kib=1728.0, output_buffer_kib=256.0)
    experiment = without_trace(SearchSpace.of(base, {"pe_kernels": [32, 16]}))
    steps = [row["step"] for row in next_blocks(experiment, 1)]
    assert steps == [
        "pe_kernels 16 to 32",
        "pe_channels 9 to 11",
        "dynamic_buffer_tiles 2 to 3",
        "streaming_buffer_kib 256 to 324, output_buffer_kib 256 to 288",
        "persistent_buffer_kib 1728 to 2268",
    ]
    buffer = next_blocks(experiment, 1)[-1]
    assert number(buffer, "latency_change_percent") < 0
    assert buffer["more_uram288"] == 9


def test_what_grows_in_an_output_stationary_design_is_its_own_array_and_buffers() -> None:
    base = vcu118(device=ROOMY, streaming_buffer_kib=256.0, output_buffer_kib=256.0)
    rows = next_blocks(without_trace(SearchSpace.of(base, {"pe_pixels": [64, 96]})), 0)
    assert [(row["resource"], row["step"]) for row in rows] == [
        ("dsp", "pe_kernels 64 to 72"),
        ("dsp", "pe_pixels 64 to 96"),
        ("bram36", "dynamic_buffer_kib 4096 to 4608"),
        ("uram288", "prefetch_buffer_kib 0 to 4096"),
        ("bram36", "streaming_buffer_kib 256 to 320, output_buffer_kib 256 to 320"),
        ("uram288", "persistent_buffer_kib 20480 to 24576"),
    ]
    assert [row[f"more_{row['resource']}"] for row in rows] == [256, 1024, 128, 128, 32, 128]


def test_a_neighbour_that_does_not_fit_is_told_with_what_it_lacks() -> None:
    space = SearchSpace.of(zcu104(), {"pe_kernels": [16, 1000]})
    experiment = Experiment(
        space=space,
        network=Network.of(NETWORK),
        trace=TRACE,
        policies=("sushi",),
        mode="strict-accuracy",
    )
    (row,) = moves(experiment, 0, METRICS)
    assert row["lacks"] == infeasible_reason(space.design(1)) != ""
    assert isinstance(row["mean_latency_ms_change_percent"], float)
    assert describe_design(experiment, 1, METRICS)["fits"] == f"no: {row['lacks']}"


@settings(max_examples=30)
@given(accelerators(), supernets(), st.sampled_from(["no-sgs", "sushi"]))
def test_the_causes_of_a_latency_add_up_to_it(
    accelerator: Accelerator, supernet: SuperNet, policy: str
) -> None:
    network = Network.of(supernet)
    space = SearchSpace.of(accelerator, {})
    steady = Experiment(
        space=space, network=network, trace=TRACE, policies=(policy,), mode="strict-accuracy"
    )
    rows = what_bounds(network, accelerator, policy)
    mean_ms = mean_metrics(at_table_level(steady), space.designs([0]))["mean_latency_ms"][0]
    assert np.mean([row["latency_ms"] for row in rows]) == pytest.approx(mean_ms)
    for row in rows:
        shares = [
            number(row, f"{c}_percent") for c in ("compute", "weights", "activations", "launch")
        ]
        assert sum(shares) == pytest.approx(100)
        layers = [number(row, f"{c}_bound") for c in ("compute", "weights", "activations")]
        assert sum(layers) == row["layers"]
        assert row["cached"] == "nothing" or policy == "sushi"


@settings(max_examples=30)
@given(accelerators(), supernets(), st.sampled_from(["no-sgs", "sushi"]), st.data())
def test_what_bounds_a_subnet_does_not_hang_on_its_name(
    accelerator: Accelerator, supernet: SuperNet, policy: str, drawn: st.DataObject
) -> None:
    names = drawn.draw(odd_names(len(supernet.subnets)))
    first, second = (
        what_bounds(Network.of(each), accelerator, policy)
        for each in (supernet, renamed(supernet, names))
    )
    for row, other, name in zip(first, second, names, strict=True):
        cached = f"{name}/value" if policy == "sushi" else "nothing"
        assert other == row | {"subnet": name, "cached": cached}


@given(st.integers(0, 35))
def test_a_design_is_found_by_its_number_and_by_its_values(number: int) -> None:
    space = SearchSpace.of(zcu104(), AXES)
    text = ",".join(f"{name}={value}" for name, value in space.values(number).items())
    assert find_design(space, str(number)) == find_design(space, text) == number


def test_axes_that_are_not_named_stand_in_the_middle() -> None:
    space = SearchSpace.of(zcu104(), AXES)
    assert space.design(find_design(space, None)) == space.reference
    chosen = space.values(find_design(space, "clock_mhz=100"))
    middle = space.values(find_design(space, None))
    assert chosen == {**middle, "clock_mhz": 100.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("36", "0 to 35"),
        ("9" * 5000, "give a number"),
        ("", "give a number"),
        ("clock", "give a number"),
        ("clok_mhz=1", "clock_mhz"),
        ("clock_mhz=150", "100, 200"),
        ("clock_mhz=nan", "100, 200"),
    ],
)
def test_a_design_that_is_none_is_told_with_what_there_is(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as error:
        find_design(SearchSpace.of(zcu104(), AXES), text)
    assert len(str(error.value)) < 200


def test_indices_are_of_the_table_unless_the_trace_is_asked_for() -> None:
    space = SearchSpace.of(zcu104(), AXES)
    experiment = Experiment(
        space=space,
        network=Network.of(NETWORK),
        trace=TRACE,
        policies=("sushi",),
        mode="strict-accuracy",
    )
    names = ["p99_latency_ms", "mean_accuracy_percent", "energy_mj_per_query"]
    steady, known = sampled_experiment(experiment, names, on_trace=False)
    assert (steady.trace, steady.policies, known) == (None, ("static-subgraph",), names[2:])
    assert [axis.name for axis in steady.space.axes] == list(AXES)
    assert sampled_experiment(experiment, names, on_trace=True) == (experiment, names)


def test_a_design_takes_in_an_explanation_what_its_row_says() -> None:
    for policy in ("no-sgs", "static-subgraph", "equal-area"):
        experiment = load_experiment("zcu104", policies=[policy], queries=20)
        (row,) = evaluate(experiment, [0]).to_pylist()
        facts = describe_design(experiment, 0, [find_metric("mean_latency_ms")])
        for kind in ("dsp", "lut", "ff", "bram36", "uram288"):
            assert facts[f"takes {kind}"] == row[kind], (policy, kind)
        assert facts["device_share"] == row["device_share"]
