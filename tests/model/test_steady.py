"""Many designs at once against one at a time: the latency table, a trace, brute force."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.evaluation.rows import evaluate, evaluate_front
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.evaluation.tallied import resource_metrics, serving_metrics
from sushi_dse.hardware.accelerator import FIELDS_OF, Accelerator, Dataflow
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.hardware.space import AXIS_ORDER, SearchSpace
from sushi_dse.model import (
    steady_cost as metrics,
)
from sushi_dse.model import (
    steady_layers as layers,
)
from sushi_dse.model import (
    steady_subnets as subnets,
)
from sushi_dse.model.candidate import own_by_value
from sushi_dse.model.jit import Kernel
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import STEADY_METRICS, layers_of, steady_cost
from sushi_dse.model.steady_layers import CHUNK
from sushi_dse.model.steady_subnets import Weights, bytes_before, last_kept
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.names import NO_SGS, STATIC_SUBGRAPH, STEADY_POLICIES
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.serving.by_queue import FIXED, serve_with_rule
from sushi_dse.serving.served import Served
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.strategies import (
    accelerators,
    output_stationary,
    supernets,
    vcu118,
    weight_stationary,
    zcu104,
)
from tests.tables import cell

AXES = AXIS_ORDER[: AXIS_ORDER.index("tile_read_cycles") + 1]  # those that enter a cost
few = settings(max_examples=20)
networks = supernets().map(Network.of)


def between(base: Accelerator, other: Accelerator, names: list[str]) -> SearchSpace:
    """The designs that have each of those fields from `base` or from `other`."""
    own = FIELDS_OF[base.dataflow]
    values = {name: {getattr(base, name), getattr(other, name)} for name in names if name in own}
    return SearchSpace.of(base, {name: sorted(both) for name, both in values.items()})


def spaces(max_axes: int = 4, **changes: Any) -> st.SearchStrategy[SearchSpace]:
    """Up to sixteen small designs."""
    names = st.lists(st.sampled_from(AXES), unique=True, max_size=max_axes)
    one, other = (
        st.builds(between, designs(**changes), designs(**changes), names)
        for designs in (weight_stationary, output_stationary)
    )
    return one | other


def prefetching(design: Accelerator) -> Accelerator:
    """The design with a buffer for the weights of layers to come."""
    if design.dataflow == Dataflow.WEIGHT_STATIONARY:
        return replace(design, dynamic_buffer_tiles=3)
    return replace(design, prefetch_buffer_kib=1.0)


deeper_spaces = st.builds(lambda space: replace(space, base=prefetching(space.base)), spaces(2))


def own_column(table: LatencyTable, subnet: int) -> int:
    """The SubGraph of a SubNet's own weights by value."""
    return table.subgraphs.index(own_by_value(table.subnet_names[subnet]))


@few
@given(networks, spaces() | deeper_spaces)
def test_the_cost_of_a_block_is_that_of_each_latency_table_bit_for_bit(
    network: Network, space: SearchSpace
) -> None:
    cold, warm = steady_cost(network, space.designs(range(len(space))))
    for d in range(len(space)):
        table = candidate_table(network, space.design(d))
        for s in range(len(table.subnet_names)):
            own = own_column(table, s)
            assert [cell(x, s, d) for x in cold] == [cell(x, s, 0) for x in table.cost]
            assert [cell(x, s, d) for x in warm] == [cell(x, s, own) for x in table.cost]


REAL_SPACES = {
    "zcu104": SearchSpace.of(
        zcu104(),
        {
            "pe_kernels": (16, 64),
            "persistent_buffer_kib": (0, 512, 1728, 100_000),
            "streaming_buffer_kib": (32, 256),
            "output_buffer_kib": (64, 784),
            "dram_gb_per_s": (1.2, 19.2),
        },
    ),
    "vcu118": SearchSpace.of(
        vcu118(),
        {
            "pe_pixels": (32, 64),
            "persistent_buffer_kib": (0, 5120),
            "dynamic_buffer_kib": (256, 4096),
            "dram_gb_per_s": (9.6, 19.2),
        },
    ),
}


@pytest.mark.parametrize("board", REAL_SPACES)
@pytest.mark.parametrize("workload", ["ofa_resnet50", "ofa_mbv3"])
def test_so_it_is_of_real_networks(workload: str, board: str) -> None:
    network, space = Network.of(load_workload(workload).supernet), REAL_SPACES[board]
    cold, warm = steady_cost(network, space.designs(range(len(space))))
    for d in range(len(space)):
        table = candidate_table(network, space.design(d))
        own = [own_column(table, s) for s in range(len(table.subnet_names))]
        of_each = np.arange(len(own)), own
        for nothing, cached, field in zip(cold, warm, table.cost, strict=True):
            assert np.array_equal(np.asarray(nothing)[:, d], np.asarray(field)[:, 0])
            assert np.array_equal(np.asarray(cached)[:, d], np.asarray(field)[of_each])


@few
@given(networks, spaces(), st.randoms(use_true_random=False))
def test_a_design_costs_the_same_wherever_it_stands(
    network: Network, space: SearchSpace, random: Any
) -> None:
    numbers = random.choices(range(len(space)), k=CHUNK + 10)
    if random.random() < 0.5:
        numbers.sort()
    each = [np.stack(cost) for cost in steady_cost(network, space.designs(range(len(space))))]
    mixed = [np.stack(cost) for cost in steady_cost(network, space.designs(numbers))]
    for alone, together in zip(each, mixed, strict=True):
        assert np.array_equal(alone[..., numbers], together)


@few
@given(
    networks,
    st.tuples(weight_stationary(), weight_stationary()),
    st.lists(st.sampled_from(AXIS_ORDER), unique=True, max_size=4),
    st.booleans(),
    st.sampled_from(STEADY_POLICIES),
)
def test_the_metrics_of_a_design_are_the_same_whatever_stands_beside_it(
    network: Network,
    both: tuple[Accelerator, Accelerator],
    names: list[str],
    prefetches: bool,
    policy: str,
) -> None:
    one, other = map(prefetching, both) if prefetches else both
    space = between(one, other, names)
    whole = steady_metrics(network, space.designs(range(len(space))), policy)
    for d in range(len(space)):
        alone = steady_metrics(network, space.designs([d]), policy)
        assert {name: values[:, d].tobytes() for name, values in whole.items()} == {
            name: values[:, 0].tobytes() for name, values in alone.items()
        }


@settings(max_examples=15)
@given(networks, spaces(2))
def test_the_compiled_kernels_are_those_of_the_interpreter_bit_for_bit(
    network: Network, space: SearchSpace
) -> None:
    records = layers_of(network)._replace(shapes=network.shapes.view(np.recarray))
    interpreted = records._replace(shape_of=np.arange(len(network.shapes)))
    with pytest.MonkeyPatch.context() as patched:
        compiled = steady_cost(network, space.designs(range(len(space))))
        for module in (layers, metrics, subnets):
            for name, kernel in vars(module).copy().items():
                if isinstance(kernel, Kernel):
                    patched.setattr(module, name, kernel.plain)
        patched.setattr(metrics, "layers_of", lambda _: interpreted)
        slow = steady_cost(network, space.designs(range(len(space))))
    for fast, interpreted_cost in zip(compiled, slow, strict=True):
        assert np.stack(fast).tobytes() == np.stack(interpreted_cost).tobytes()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_buffer_is_full_where_layers_taken_by_value_fill_it(
    value_and_bytes: list[tuple[int, int]], random: Any
) -> None:
    value, weight_bytes = map(list, zip(*value_and_bytes, strict=True))
    key = random.sample(range(len(value)), len(value))
    capacity, guess = random.randrange(sum(weight_bytes)), random.randrange(len(value))
    before = 0
    for layer in sorted(range(len(value)), key=lambda i: (-value[i], key[i])):
        if before + weight_bytes[layer] > capacity:
            break
        before += weight_bytes[layer]
    saved, each = np.array(value, dtype=float)[:, None], np.arange(len(value))
    weights = Weights(saved, each, np.array(key), np.array(weight_bytes))
    of_guess = np.empty(1)
    bytes_before(weights, guess, 0, 1, of_guess)
    found = last_kept(weights, capacity, 0, guess, of_guess[0])
    assert found == (layer, before)


@few
@given(networks, spaces())
def test_a_weight_that_is_on_chip_is_not_fetched(network: Network, space: SearchSpace) -> None:
    designs = space.designs(range(len(space)))
    cold, warm = steady_cost(network, designs)
    weight_bytes = network.weight_bytes[:, None]
    assert np.all(cold.weight_bytes >= weight_bytes)
    assert np.all(cold.weight_bytes - warm.weight_bytes >= warm.cached_weight_bytes)
    capacity = designs.column("persistent_buffer_bytes")
    assert np.all(warm.cached_weight_bytes <= capacity)
    assert np.all((warm.weight_bytes == 0) == (capacity >= weight_bytes))
    assert np.array_equal(warm.compute_cycles, cold.compute_cycles)
    assert np.array_equal(warm.input_bytes, cold.input_bytes)
    assert np.array_equal(warm.output_bytes, cold.output_bytes)


more = st.floats(1.0, 8.0)  # times as much
small_designs = accelerators() | accelerators().map(prefetching)


@pytest.mark.parametrize(
    "name",
    ["dram_gb_per_s", "port_bytes_per_cycle", "clock_mhz", "port_clock_mhz", "output_buffer_kib"],
)
@few
@given(networks, small_designs, more)
def test_more_never_takes_longer_with_the_same_subgraph_on_chip(
    name: str, network: Network, design: Accelerator, factor: float
) -> None:
    faster = replace(design, **{name: getattr(design, name) * factor})
    subgraphs = candidates(network, design)  # with its own one, another design may be unlucky
    slow, fast = (latency_table(network, each, subgraphs).latency_ms for each in (design, faster))
    assert (fast <= slow * (1 + 1e-9)).all()


@few
@given(networks, small_designs, more)
def test_a_larger_persistent_buffer_never_takes_longer(
    network: Network, design: Accelerator, factor: float
) -> None:
    name = "persistent_buffer_kib"
    space = between(design, replace(design, **{name: getattr(design, name) * factor}), [name])
    designs = space.designs(range(len(space)))
    taken = steady_metrics(network, designs, STATIC_SUBGRAPH)["mean_latency_ms"]
    assert np.all(taken[:, -1] <= taken[:, 0] * (1 + 1e-9))


def closed_loop(queries: int) -> Trace:
    """Queries that want nothing."""
    nothing = np.zeros(queries)
    return Trace(arrived_ms=nothing, min_accuracy_percent=nothing, max_latency_ms=np.ones(queries))


def without_first(served: Served) -> Served:
    """What happened to the queries after the first one."""
    arrays: dict[str, Any] = {name: getattr(served, name) for name in served.__slots__}
    later: dict[str, Any] = {name: None if own is None else own[1:] for name, own in arrays.items()}
    return Served(**later)


@few
@given(networks, accelerators(), st.sampled_from(STEADY_POLICIES), st.integers(2, 9))
def test_the_metrics_are_those_of_a_trace_after_the_first_load(
    network: Network, design: Accelerator, policy: str, queries: int
) -> None:
    space = SearchSpace.of(design, {})
    steady = steady_metrics(network, space.designs([0]), policy)
    assert set(steady) == set(STEADY_METRICS) <= set(METRICS)
    table = candidate_table(network, design)
    trace, later = closed_loop(queries), closed_loop(queries - 1)
    for s in range(len(table.subnet_names)):
        kept = own_column(table, s) if policy == STATIC_SUBGRAPH else 0
        served = serve_with_rule(trace, table, FIXED, fixed=s, kept=kept)
        built = POLICIES[policy].has_persistent_buffer
        own = design if built else replace(design, persistent_buffer_kib=0)
        run = PolicyRun(served=without_first(served), table=table, accelerator=own)
        found = {
            **serving_metrics(run, later),
            **resource_metrics(own),
            "gain_over_no_sgs_percent": 100
            * (1 - table.latency_ms[s, kept] / table.latency_ms[s, 0]),
        }
        for name in STEADY_METRICS:
            assert steady[name].shape == (len(table.subnet_names), 1)
            assert steady[name][s, 0] == pytest.approx(found[name], rel=1e-9, abs=1e-9), name


# 128 kernels need more DSPs than the ZCU104 has.
SPACE = SearchSpace.of(
    zcu104(),
    {
        "pe_kernels": (8, 16, 128),
        "persistent_buffer_kib": (4, 8),
        "clock_mhz": (100.0, 150.0),
    },
)
WIDTHS = {"A": 12, "B": 24, "C": 48}
SMALL = Network.of(
    plain_supernet(
        "small",
        [
            PlainSubNet(
                name=name,
                accuracy_percent=70.0 + number,
                layers=tuple(
                    PlainLayer(
                        name=layer,
                        kernels=kernels,
                        channels=channels,
                        kernel_height=1,
                        kernel_width=1,
                        height=7,
                        width=7,
                    )
                    for layer, kernels, channels in (("a", width, 64), ("b", 96, width))
                ),
            )
            for number, (name, width) in enumerate(WIDTHS.items())
        ],
        accuracy_of="top-1",
    )
)
OBJECTIVES = tuple(
    METRICS[name] for name in ("mean_latency_ms", "mean_accuracy_percent", "uram288")
)


def asking(**changes: Any) -> Experiment:
    """The small network on the small space, without a trace."""
    return Experiment(
        **{
            "space": SPACE,
            "network": SMALL,
            "trace": None,
            "policies": STEADY_POLICIES,
            "mode": "strict-latency",
            **changes,
        }
    )


@pytest.mark.parametrize(
    "policies", [STEADY_POLICIES, (NO_SGS,), (STATIC_SUBGRAPH, NO_SGS)], ids=str
)
@pytest.mark.parametrize("designs", [range(12), range(4), range(8, 12), [9, 2, 3]], ids=str)
def test_a_row_stands_for_each_subnet_and_policy_and_what_does_not_fit_is_counted(
    policies: tuple[str, ...], designs: range | list[int]
) -> None:
    block = evaluate(asking(policies=policies), designs)
    reasons = {d: infeasible_reason(SPACE.design(d)) for d in designs}
    fit = [d for d in designs if not reasons[d]]
    rows = block.to_pylist()
    keys = [(row["design"], row["policy"], row["subnet"]) for row in rows]
    assert sorted(map(str, keys)) == sorted(
        map(
            str,
            [(d, p, s) for d in fit for p in policies for s in WIDTHS]
            + [(d, p, None) for d in designs if reasons[d] for p in policies],
        )
    )
    lacking = len(designs) - len(fit)
    assert Counts.of(block.schema) == Counts(
        designs=len(designs),
        infeasible=lacking,
        infeasible_by_resource={"dsp": lacking} if lacking else {},
    )
    for row in rows:
        assert row["infeasible_reason"] == reasons[row["design"]]
        assert {axis.name: row[axis.name] for axis in SPACE.axes} == SPACE.values(row["design"])
        numbers = [row[name] for name in STEADY_METRICS]
        assert all(number is None for number in numbers) == bool(reasons[row["design"]])
        assert not any(number is None for number in numbers) or reasons[row["design"]]


def test_a_row_has_the_metrics_of_its_own_design_policy_and_subnet() -> None:
    rows = evaluate(asking(), range(12)).to_pylist()
    for row in (row for row in rows if not row["infeasible_reason"]):
        own = steady_metrics(SMALL, SPACE.designs([row["design"]]), row["policy"])
        s = list(WIDTHS).index(row["subnet"])
        assert {name: row[name] for name in STEADY_METRICS} == {
            name: own[name][s, 0] for name in STEADY_METRICS
        }


@pytest.mark.parametrize("block", [1, 5])
def test_rows_are_the_same_however_the_designs_are_cut_into_blocks(block: int) -> None:
    def ordered(table: pa.Table) -> list[dict[str, object]]:
        return sorted(table.to_pylist(), key=str)

    parts = [evaluate(asking(), designs) for designs in SPACE.blocks(block)]
    whole = evaluate(asking(), range(12))
    assert all(part.schema.equals(whole.schema) for part in parts)
    assert ordered(pa.concat_tables(parts)) == ordered(whole)


@few
@given(networks, spaces(), st.sets(st.sampled_from(STEADY_METRICS), min_size=1, max_size=3))
def test_the_front_that_is_kept_is_what_no_feasible_row_beats(
    network: Network, space: SearchSpace, names: set[str]
) -> None:
    objectives = [METRICS[name] for name in sorted(names)]
    asked = asking(space=space, network=network)
    rows = [
        row
        for row in evaluate(asked, range(len(space))).to_pylist()
        if not row["infeasible_reason"]
    ]
    costs = [[m.sign * row[m.name] for m in objectives] for row in rows]

    def beaten(cost: list[float]) -> bool:
        return any(
            other != cost and all(a <= b for a, b in zip(other, cost, strict=True))
            for other in costs
        )

    front = [row for row, cost in zip(rows, costs, strict=True) if not beaten(cost)]
    kept = evaluate_front(asked, range(len(space)), objectives)
    assert kept.to_pylist() == front
    assert Counts.of(kept.schema).designs == len(space)


def test_a_block_of_designs_that_do_not_fit_has_no_front() -> None:
    kept = evaluate_front(asking(), range(8, 12), OBJECTIVES)
    assert kept.num_rows == 0
    assert Counts.of(kept.schema).infeasible == 4


@pytest.mark.parametrize("numbers", [[12], [-1], [3, 40, 5]])
def test_a_design_that_the_space_lacks_is_refused(numbers: list[int]) -> None:
    with pytest.raises(IndexError, match=r"0 <= design < 12 must hold"):
        evaluate(asking(), numbers)


@few
@given(networks, accelerators(), st.sampled_from(STEADY_POLICIES))
def test_all_accelerators_that_share_a_device_serve_the_subnet(
    network: Network, base: Accelerator, policy: str
) -> None:
    # Half of the memory's rate is still more than the port takes.
    one = replace(base, dram_gb_per_s=1e6, dram_efficiency=1.0)
    two = replace(one, device=replace(one.device, accelerators=2))
    alone, both = (steady_metrics(network, Designs(each, {}, 1), policy) for each in (one, two))
    assert np.array_equal(alone["mean_latency_ms"], both["mean_latency_ms"])
    for name in ("throughput_queries_per_s", "dsp", "lut", "ff"):
        assert both[name] == pytest.approx(2 * alone[name])
    # What the board itself draws is drawn once.
    board_w = one.static_w + one.memory_w
    blocks = 1e-3 * (one.bram36_mw * both["bram36"] + one.uram288_mw * both["uram288"])
    static_mj = both["static_energy_mj_per_query"]
    assert static_mj == pytest.approx(both["mean_latency_ms"] * (board_w + blocks) / 2)
    drawn_w = both["energy_mj_per_query"] * both["throughput_queries_per_s"] * 1e-3
    assert both["mean_power_w"] == pytest.approx(drawn_w)
