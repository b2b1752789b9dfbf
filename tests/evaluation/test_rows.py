"""Rows of designs: each metric against its definition, query by query."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import INTERVAL, LEVEL, traced_metric_names
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.evaluation.tallied import resource_metrics, serving_metrics
from sushi_dse.evaluation.traced import REFERENCE_POLICY, Row, policy_rows
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Accelerator, Device
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.energy import Energy, power, switch_buffer_mj
from sushi_dse.model.latency_table import LatencyTable, candidate_table, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.serving.by_queue import BY_MODE
from sushi_dse.serving.queue import Pool
from sushi_dse.serving.selection import MODES
from sushi_dse.serving.served import Served, tally_queries
from sushi_dse.traces.trace import MAX_MS, Trace
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.strategies import accelerators, odd_names, renamed, supernets, zcu104
from tests.tables import cell, number, scaled, traces

ONE_LAYER = Network.of(
    plain_supernet(
        "one",
        [
            PlainSubNet(
                name="A",
                accuracy_percent=70,
                layers=(
                    PlainLayer(
                        name="c",
                        kernels=8,
                        channels=8,
                        kernel_height=1,
                        kernel_width=1,
                        height=4,
                        width=4,
                    ),
                ),
            )
        ],
        accuracy_of="top-1",
    )
)


@given(
    accelerators(),
    *[st.integers(0, 40)] * 3,
    st.lists(st.integers(0, 7), min_size=1, max_size=4, unique=True),
)
@settings(max_examples=20)
def test_a_design_counts_for_each_kind_of_blocks_that_its_device_lacks(
    base: Accelerator, dsp: int, bram36: int, uram288: int, numbers: list[int]
) -> None:
    base = replace(base, clock_mhz=100.0, port_clock_mhz=min(base.port_clock_mhz, 200.0))
    device = Device(name="small", lut=10**6, ff=10**6, dsp=dsp, bram36=bram36, uram288=uram288)
    axes = {"pe_kernels": [1, 9], "streaming_buffer_kib": [4, 90], "persistent_buffer_kib": [0, 99]}
    experiment = Experiment(
        space=SearchSpace.of(replace(base, device=device), axes),
        network=ONE_LAYER,
        trace=None,
        policies=("no-sgs",),
    )
    used = [resources(experiment.space.design(number)) for number in numbers]
    lacking = {
        kind: sum(getattr(each, kind) > getattr(device, kind) for each in used)
        for kind in ("bram36", "dsp", "uram288")
    }
    counts = Counts.of(evaluate(experiment, numbers).schema)
    assert counts.designs == len(numbers)
    assert counts.infeasible == sum(each.device_share > 1 for each in used)
    assert counts.infeasible_by_resource == {kind: n for kind, n in lacking.items() if n}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A trace, and a policy's run of it."""

    run: PolicyRun
    trace: Trace

    @property
    def metrics(self) -> dict[str, float]:
        return serving_metrics(self.run, self.trace)

    @property
    def served(self) -> Served:
        return self.run.served

    @property
    def table(self) -> LatencyTable:
        return self.run.table

    @property
    def accelerator(self) -> Accelerator:
        return self.run.accelerator


ALWAYS = traced_metric_names(capacity=False)
# Those without a latency table of their own; systems have tests of their own.
GENERAL = [name for name, policy in POLICIES.items() if policy.system is None]


@st.composite
def runs(draw: st.DrawFn) -> Ran:
    network = Network.of(draw(supernets()))
    accelerator, trace = draw(accelerators()), draw(traces(max_queries=30))
    policy = POLICIES[draw(st.sampled_from(GENERAL))]
    several = policy.serves_many and not trace.closed_loop
    pool = Pool(draw(st.integers(1, 3)) if several else 1)
    if pool.accelerators > 1 and policy.batch_limit:
        policy = replace(policy, batch_limit=1)
    device = replace(accelerator.device, accelerators=pool.accelerators)
    accelerator = replace(accelerator, device=device)
    table = latency_table(network, accelerator, candidates(network, accelerator))
    trace = scaled(trace, table)
    mode = draw(st.sampled_from(sorted(MODES)))
    every = draw(st.integers(1, 5))
    run = policy.run(network, trace, accelerator, table, mode=mode, every=every, pool=pool)
    return Ran(run=run, trace=trace)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


few = settings(max_examples=40)


@few
@given(runs())
def test_the_tally_is_what_its_source_says(run: Ran) -> None:
    served, table = run.served, run.table
    arguments = (
        (served.cached, served.kept),
        (served.subnet, served.service_ms, served.response_ms, served.accuracy_percent),
        (run.trace.min_accuracy_percent, run.trace.max_latency_ms),
        table.switch_bytes,
        table.fetched_bytes,
    )
    compiled, plain = tally_queries(*arguments), tally_queries.plain(*arguments)
    assert all(np.array_equal(a, b) for a, b in zip(compiled, plain, strict=True))
    assert compiled.served.sum() == len(run.trace)


@given(runs())
def test_energy_and_bytes_of_a_query_add_up_switches_included(run: Ran) -> None:
    table, served = run.table, run.served
    drawn, moving = power(run.accelerator), ("offchip_mj", "buffer_mj", "mac_mj")
    of_table = table.energy_on(run.accelerator)
    energy_mj, offchip_bytes = np.zeros(len(moving)), 0.0
    for s, old, new in zip(served.subnet, served.cached, served.kept, strict=True):
        energy_mj += [getattr(of_table, name)[s, old] for name in moving]
        cost = table.cost
        offchip_bytes += float(cell(cost.weight_bytes, s, old) + cell(cost.input_bytes, s, old))
        offchip_bytes += float(cell(cost.output_bytes, s, old) + table.switch_bytes[old, new, s])
        of_switch = float(table.switch_bytes[old, new, s]) * 8
        energy_mj[0] += of_switch * run.accelerator.dram_pj_per_bit * 1e-9
        energy_mj[1] += switch_buffer_mj(run.accelerator, float(table.fetched_bytes[old, new]))
    service_ms = served.service_ms.sum()
    expected = [*energy_mj, service_ms * drawn.clock_w, service_ms * drawn.static_w]
    metrics, queries = run.metrics, len(run.trace)
    by_cause = [
        metrics[f"{field.name.removesuffix('_mj')}_energy_mj_per_query"] for field in fields(Energy)
    ]
    assert by_cause == pytest.approx([mj / queries for mj in expected], rel=1e-9)
    assert metrics["energy_mj_per_query"] == pytest.approx(sum(by_cause), rel=1e-12)
    assert metrics["offchip_bytes_per_query"] == pytest.approx(offchip_bytes / queries, rel=1e-12)


@few
@given(runs())
def test_bytes_time_and_off_chip_energy_of_a_trace_agree(run: Ran) -> None:
    accelerator, metrics = run.accelerator, run.metrics
    offchip_mj = metrics["offchip_bytes_per_query"] * 8 * accelerator.dram_pj_per_bit * 1e-9
    assert metrics["offchip_energy_mj_per_query"] == pytest.approx(offchip_mj, rel=1e-9)
    static_mj = run.served.service_ms.mean() * power(accelerator).static_w
    assert metrics["static_energy_mj_per_query"] == pytest.approx(static_mj, rel=1e-9)


@few
@given(runs())
def test_what_is_drawn_between_queries_is_told_apart_and_nothing_is_drawn_in_a_closed_loop(
    run: Ran,
) -> None:
    metrics, trace, served = run.metrics, run.trace, run.served
    idle_mj = metrics["energy_with_idle_mj_per_query"] - metrics["energy_mj_per_query"]
    span_ms = served.service_ms.sum()
    if not trace.closed_loop:
        ended_ms = trace.arrived_ms + served.response_ms
        span_ms = ended_ms.max() - trace.arrived_ms[0]
    idle_ms = run.accelerator.device.accelerators * span_ms - served.service_ms.sum()
    drawn_mj = idle_ms * power(run.accelerator).idle_w / len(trace)
    assert idle_mj == pytest.approx(max(drawn_mj, 0), rel=1e-6, abs=1e-6 * span_ms)
    whole_mj = metrics["energy_with_idle_mj_per_query"] * len(trace)
    assert metrics["mean_power_w"] == pytest.approx(whole_mj / span_ms)


@few
@given(runs())
def test_attainment_is_the_share_of_queries_whose_demands_were_met(run: Ran) -> None:
    accurate, in_time, both = 0, 0, 0
    for query, s, response_ms in zip(
        run.trace, run.served.subnet, run.served.response_ms, strict=True
    ):
        is_accurate = bool(run.table.accuracy_percent[s] >= query.min_accuracy_percent)
        is_in_time = bool(response_ms <= query.max_latency_ms)
        accurate, in_time = accurate + is_accurate, in_time + is_in_time
        both += is_accurate and is_in_time
    metrics, queries = run.metrics, len(run.trace)
    assert metrics["accuracy_attainment"] == pytest.approx(accurate / queries)
    assert metrics["latency_attainment"] == pytest.approx(in_time / queries)
    assert metrics["slo_attainment"] == pytest.approx(both / queries)


@few
@given(runs())
def test_a_percentile_is_the_least_response_that_the_share_stays_within(run: Ran) -> None:
    response_ms, metrics = run.served.response_ms.tolist(), run.metrics
    for percent in (50, 95, 99):
        enough = [
            limit_ms
            for limit_ms in response_ms
            if 100 * sum(r <= limit_ms for r in response_ms) >= percent * len(response_ms)
        ]
        assert metrics[f"p{percent}_latency_ms"] == min(enough)
    assert metrics["mean_latency_ms"] == pytest.approx(mean(response_ms), rel=1e-12)


@few
@given(runs())
def test_the_other_metrics_are_what_they_are_defined_as(run: Ran) -> None:
    table, served, trace, metrics = run.table, run.served, run.trace, run.metrics
    on_chip = [cell(table.cost.cached_weight_bytes, s, g) for s, g in pairs(served)]
    weights = [float(table.weight_bytes[s]) for s in served.subnet]
    assert metrics["persistent_buffer_hit_share"] == pytest.approx(sum(on_chip) / sum(weights))
    kept = np.hstack([table.subgraphs.kernels, table.subgraphs.channels])
    changes = (kept[served.cached] != kept[served.kept]).any(axis=1)
    assert metrics["subgraph_switches"] == changes.sum()
    accuracies = [float(table.accuracy_percent[s]) for s in served.subnet]
    assert metrics["mean_accuracy_percent"] == pytest.approx(mean(accuracies))
    busy_ms = float(served.service_ms.sum())
    possible = run.accelerator.macs_per_cycle * run.accelerator.clock_mhz * 1e3 * busy_ms
    macs = sum(float(table.macs[s]) for s in served.subnet)
    assert metrics["array_utilisation"] == pytest.approx(macs / possible)
    assert metrics["array_utilisation"] <= 1 + 1e-12
    span_ms = busy_ms
    if not trace.closed_loop:
        span_ms = (trace.arrived_ms + served.response_ms).max() - trace.arrived_ms[0]
    assert metrics["throughput_queries_per_s"] == pytest.approx(1e3 * len(trace) / span_ms)


def pairs(served: Served) -> list[tuple[int, int]]:
    return list(zip(served.subnet.tolist(), served.cached.tolist(), strict=True))


def layer(name: str, kernels: int, channels: int, size: int) -> PlainLayer:
    return PlainLayer(
        name=name,
        kernels=kernels,
        channels=channels,
        kernel_height=1,
        kernel_width=1,
        height=size,
        width=size,
    )


SMALL = Network.of(
    plain_supernet(
        "small",
        [
            PlainSubNet(
                name=name,
                accuracy_percent=accuracy_percent,
                layers=(
                    layer("a", width, 64, 7),
                    layer("b", 512, width, 7),
                    layer("c", 512, 512, 1),
                ),
            )
            for name, width, accuracy_percent in (
                ("A", 128, 71.0),
                ("B", 256, 73.0),
                ("C", 512, 75.0),
            )
        ],
        accuracy_of="top-1",
    )
)
SPACE = SearchSpace.of(
    zcu104(),
    {
        "pe_kernels": (8, 16, 128),  # 128 kernels need more DSPs than the ZCU104 has
        "persistent_buffer_kib": (128, 256),
        "clock_mhz": (100.0, 200.0),
    },
)


def walk(queries: int = 40, first_ms: float = 0.0, gap_ms: float = 0.0) -> Trace:
    rng = np.random.default_rng(7)
    return Trace(
        arrived_ms=first_ms + gap_ms * np.arange(float(queries)),
        min_accuracy_percent=rng.uniform(70, 76, queries),
        max_latency_ms=rng.uniform(0.05, 0.5, queries),
    )


def asking(mode: str = "strict-accuracy", trace: Trace | None = None) -> Experiment:
    return Experiment(
        space=SPACE,
        network=SMALL,
        trace=trace or walk(),
        policies=tuple(POLICIES),
        mode=mode,
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_row_has_every_metric_once_and_a_number_for_each(mode: str) -> None:
    for row in evaluate(asking(mode), range(8)).to_pylist():
        axes = [axis.name for axis in SPACE.axes]
        who = {"design", *axes, "policy", INTERVAL, LEVEL}
        assert set(row) == {*who, *ALWAYS, "infeasible_reason"}
        assert all(isfinite(number(row, name)) for name in ALWAYS)
        assert row["infeasible_reason"] == ""


def test_a_design_that_does_not_fit_has_a_reason_and_no_metrics() -> None:
    rows = evaluate(asking(), range(8, 12)).to_pylist()
    assert [row["policy"] for row in rows] == list(POLICIES) * 4
    for row in rows:
        assert row["infeasible_reason"] == "dsp: needs 5184, ZCU104 has 1728"
        assert row["pe_kernels"] == 128
        assert [row[name] for name in ALWAYS] == [None] * len(ALWAYS)


@pytest.mark.parametrize("gap_ms", [0.0, 0.2])
@pytest.mark.parametrize("block", [1, 3, 5, 12])
def test_rows_are_the_same_however_the_designs_are_cut_into_blocks(
    block: int, gap_ms: float
) -> None:
    experiment = asking(trace=walk(gap_ms=gap_ms))
    whole = evaluate(experiment, range(12))
    parts = [evaluate(experiment, designs) for designs in SPACE.blocks(block)]
    assert pa.concat_tables(parts).combine_chunks().equals(whole)


def test_the_rows_of_a_design_do_not_depend_on_the_one_before() -> None:
    rows = evaluate(asking(), range(12)).to_pylist()
    alone = [
        row for design in reversed(range(12)) for row in evaluate(asking(), [design]).to_pylist()
    ]
    assert sorted(alone, key=order_of) == sorted(rows, key=order_of)


def test_a_policy_that_changes_the_subgraph_has_a_row_for_each_interval() -> None:
    intervals = (2, 5, 40)
    several = replace(asking(), recache_every_queries=intervals)
    rows = evaluate(several, range(4)).to_pylist()
    for name, policy in POLICIES.items():
        own = [row[INTERVAL] for row in rows if row["policy"] == name and row["design"] == 2]
        assert own == (list(intervals) if policy.recaches else [None])
    for interval in intervals:
        alone = evaluate(replace(asking(), recache_every_queries=(interval,)), range(4)).to_pylist()
        assert [row for row in rows if row[INTERVAL] in (interval, None)] == alone


def test_an_interval_moves_only_policies_that_change_the_subgraph() -> None:
    near, far = (
        {row["policy"]: row for row in evaluate(experiment, [2]).to_pylist()}
        for experiment in (
            replace(asking(), recache_every_queries=(every,)) for every in (1, len(walk()))
        )
    )
    moved = {name for name in POLICIES if near[name] | {INTERVAL: 0} != far[name] | {INTERVAL: 0}}
    assert moved <= {name for name, policy in POLICIES.items() if policy.recaches}
    assert "last-subnet" in moved


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "banana"}, "unknown mode 'banana'; known: strict-accuracy, strict-latency"),
        ({"mode": "strict-acuracy"}, "did you mean 'strict-accuracy'?"),
        ({"policies": ()}, "no policy is named"),
        ({"policies": ("sushy",)}, "unknown policy 'sushy'; did you mean 'sushi'?"),
        ({"policies": ("sushi", "gati", "sushi")}, "a policy is named twice"),
        ({"trace": None}, "--policy sushi chooses by the queries of a trace"),
        ({"recache_every_queries": ()}, "--recache-every: 1 to"),
        ({"recache_every_queries": (8, 0)}, "--recache-every: 1 to"),
        ({"recache_every_queries": (8, 8)}, "names one interval twice"),
        ({"batch_limit": 0}, "--batch-limit: 1 to 256 queries must be given, got 0"),
        ({"batch_limit": 257}, "--batch-limit: 1 to 256 queries must be given, got 257"),
    ],
    ids=str,
)
def test_an_experiment_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        replace(asked(walk(), ("sushi",)), **changes)


def test_what_rows_depend_on_is_in_the_inputs_of_an_experiment(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("class Mine:\n    def select(self, *_): return 0\n    recache = select\n")
    experiment = asked(walk(), ("sushi", f"{mine}:Mine"))
    others = [
        replace(experiment, policies=("sushi",)),
        replace(experiment, mode="strict-latency"),
        replace(experiment, trace=walk(gap_ms=1.0)),
        replace(experiment, recache_every_queries=(4,)),
        replace(experiment, service_levels=(1.0, 1.5)),
        replace(experiment, space=SPACE),
        replace(experiment, space=SearchSpace(axes=(), base=zcu104(launch_us=7.0))),
    ]
    inputs = [json.dumps(one.inputs) for one in (experiment, *others)]
    assert len(set(inputs)) == len(inputs)
    mine.write_text(mine.read_text().replace("return 0", "return 1"))
    assert json.dumps(replace(experiment).inputs) == inputs[0]  # a file is read once
    assert json.dumps(asked(walk(), ("sushi", f"{mine}:Mine")).inputs) not in inputs
    assert json.dumps(replace(experiment, policy_files=()).inputs) not in inputs


def test_the_batch_limit_is_an_input_of_the_rows_of_policies_that_batch() -> None:
    crowd = walk(gap_ms=0.01)
    batching, other = asked(crowd, ("batching",)), asked(crowd, ("sushi",))
    assert replace(batching, batch_limit=2).inputs != batching.inputs
    assert replace(other, batch_limit=2).inputs == other.inputs
    rows = [evaluate(replace(batching, batch_limit=limit), [0]) for limit in (1, 2, 8)]
    one, two, eight = (table["offchip_bytes_per_query"][0].as_py() for table in rows)
    assert one > two > eight
    unbatched = evaluate(asked(crowd, ("no-sgs",)), [0])
    for name in traced_metric_names(capacity=False):
        assert rows[0][name].to_pylist() == unbatched[name].to_pylist(), name


def order_of(row: Row) -> tuple[int, str]:
    return int(str(row["design"])), str(row["policy"])


def test_a_block_has_its_columns_in_one_order_and_type() -> None:
    block = evaluate(asking(), range(7, 9))
    axes = [axis.name for axis in SPACE.axes]
    assert block.column_names == [
        *("design", *axes, "policy", INTERVAL, LEVEL),
        *(*ALWAYS, "infeasible_reason"),
    ]
    types = {field.name: str(field.type) for field in block.schema}
    assert types.pop("design") == types.pop(INTERVAL) == "int64"
    assert types.pop("policy") == types.pop("infeasible_reason") == "string"
    assert set(types.values()) == {"double"}


def asked(trace: Trace, policies: tuple[str, ...], mode: str = "strict-accuracy") -> Experiment:
    space = SearchSpace(axes=(), base=zcu104())
    return Experiment(space=space, network=SMALL, trace=trace, policies=policies, mode=mode)


def rows_of(trace: Trace, mode: str = "strict-accuracy", /, **changes: float) -> dict[str, Row]:
    accelerator = zcu104(**{"persistent_buffer_kib": 128} | changes)
    table = latency_table(SMALL, accelerator, candidates(SMALL, accelerator))
    rows = policy_rows(asked(trace, tuple(POLICIES), mode), accelerator, table)
    return {str(row["policy"]): row for row in rows}


@pytest.mark.parametrize("mode", MODES)
def test_the_gain_is_latency_saved_against_no_sgs_which_gains_nothing(mode: str) -> None:
    rows = rows_of(walk(), mode)
    reference_ms = number(rows[REFERENCE_POLICY], "mean_latency_ms")
    assert rows[REFERENCE_POLICY]["gain_over_no_sgs_percent"] == 0
    for row in rows.values():
        saved = 100 * (reference_ms - number(row, "mean_latency_ms")) / reference_ms
        assert row["gain_over_no_sgs_percent"] == pytest.approx(saved, abs=1e-9)
    assert number(rows["offline-optimum"], "gain_over_no_sgs_percent") > 0


def test_the_gain_is_counted_from_no_sgs_where_that_is_not_asked_for() -> None:
    accelerator = zcu104(persistent_buffer_kib=128)
    table = latency_table(SMALL, accelerator, candidates(SMALL, accelerator))
    (row,) = policy_rows(asked(walk(), ("sushi",)), accelerator, table)
    assert row == rows_of(walk())["sushi"]


@pytest.mark.parametrize(
    "trace",
    [
        walk(queries=1),
        walk(queries=1, first_ms=5.0),
        walk(queries=1, first_ms=MAX_MS),
        walk(queries=2, first_ms=MAX_MS),
        walk(queries=5, first_ms=1.0),  # all at once
        walk(queries=5, gap_ms=1e9),
    ],
    ids=["one", "one later", "one at the end of time", "two at the end of time", "a burst", "rare"],
)
@pytest.mark.parametrize("changes", [{}, {"persistent_buffer_kib": 0}, {"launch_us": 0}], ids=str)
def test_every_metric_is_a_number_on_odd_traces(trace: Trace, changes: dict[str, float]) -> None:
    for row in rows_of(trace, "strict-accuracy", **changes).values():
        assert all(isfinite(number(row, name)) for name in ALWAYS)
        assert number(row, "throughput_queries_per_s") > 0


def test_without_a_persistent_buffer_no_policy_differs_from_no_sgs_in_time() -> None:
    every_row = rows_of(walk(), persistent_buffer_kib=0)
    rows = {name: every_row[name] for name in GENERAL if POLICIES[name].selection == BY_MODE}
    assert {row["mean_latency_ms"] for row in rows.values()} == {
        rows[REFERENCE_POLICY]["mean_latency_ms"]
    }
    for name in ("persistent_buffer_hit_share", "subgraph_switches"):
        assert {row[name] for row in rows.values()} == {0}


@given(accelerators(), st.sampled_from(sorted(POLICIES)))
def test_a_policy_without_a_persistent_buffer_does_without_its_blocks(
    accelerator: Accelerator, name: str
) -> None:
    if not POLICIES[name].has_persistent_buffer:
        accelerator = replace(accelerator, persistent_buffer_kib=0)
    used = resources(accelerator)
    metrics = resource_metrics(accelerator)
    assert metrics == used.by_name
    assert metrics.keys() == {*RESOURCE_KINDS, "device_share"}
    if not infeasible_reason(accelerator):
        assert used.device_share <= 1


def rows_of_all_policies(
    supernet: SuperNet, accelerator: Accelerator, trace: Trace, mode: str
) -> list[Row]:
    network = Network.of(supernet)
    table = candidate_table(network, accelerator)
    experiment = Experiment(
        space=SearchSpace.of(accelerator, {}),
        network=network,
        trace=scaled(trace, table),
        policies=tuple(POLICIES),
        mode=mode,
    )
    return list(policy_rows(experiment, accelerator, table))


@settings(max_examples=25)
@given(supernets(), accelerators(), traces(), st.sampled_from(list(MODES)), st.data())
def test_no_metric_of_any_policy_hangs_on_what_subnets_are_named(
    supernet: SuperNet, accelerator: Accelerator, trace: Trace, mode: str, drawn: st.DataObject
) -> None:
    names = drawn.draw(odd_names(len(supernet.subnets)))
    first, second = (
        rows_of_all_policies(each, accelerator, trace, mode)
        for each in (supernet, renamed(supernet, names))
    )
    assert first == second


def test_a_subnet_with_an_ampersand_in_its_name_gains_what_it_gained_without() -> None:
    supernet = load_workload("resnet18_cifar10").supernet
    queries = 20
    trace = Trace(
        arrived_ms=np.zeros(queries),
        min_accuracy_percent=np.full(queries, 70.0),
        max_latency_ms=np.full(queries, 9.0),
    )
    gains = [
        {row["policy"]: row["gain_over_no_sgs_percent"] for row in rows}
        for rows in (
            rows_of_all_policies(each, zcu104(), trace, "strict-latency")
            for each in (supernet, renamed(supernet, ["R&18"]))
        )
    ]
    assert gains[0] == gains[1]
    static = gains[1]["static-subgraph"]
    assert isinstance(static, float)
    assert static > 0.5  # the order of value, which the name must not take from it
