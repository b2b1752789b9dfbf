"""The choice of listed SubNets for a stream, against every choice there is."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.errors import UserError
from sushi_dse.evaluation.choice import chosen_for_stream, stream_on
from sushi_dse.evaluation.loading import load_experiment, spanned_trace
from sushi_dse.evaluation.subnets import unbeaten
from sushi_dse.model.latency_table import cold_latency_ms
from sushi_dse.model.network import Network
from sushi_dse.serving.selection import MODES, select_subnet
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from tests.commands import Run
from tests.networks import workload
from tests.paths import ROOT, TINY
from tests.workload.test_caveats import layer

DESIGN = load_hardware("zcu104").space.base


def networks() -> st.SearchStrategy[Network]:
    """Networks of a layer each, of which some are slower and no more accurate than another."""
    sized = st.tuples(st.integers(1, 12), st.sampled_from([60, 61, 65, 70, 75]))

    def made(subnets: list[tuple[int, int]]) -> Network:
        return Network.of(plain_supernet("some", [
            PlainSubNet(name=str(i), accuracy_percent=accuracy,
                        layers=(layer("a", 64, 160 * wide),))
            for i, (wide, accuracy) in enumerate(subnets)
        ], accuracy_of="top-1"))  # fmt: skip

    return st.lists(sized, min_size=1, max_size=6).map(made)


def streams(network: Network) -> st.SearchStrategy[Trace]:
    """Streams whose demands are those of SubNets, and beyond all of them."""
    cold_ms = cold_latency_ms(network, DESIGN).tolist()
    demand = st.tuples(
        st.sampled_from([0.0, *network.accuracy_percent.tolist(), 99.0]),
        st.sampled_from([min(cold_ms) / 2, *cold_ms, 2 * max(cold_ms)]),
    )
    return st.lists(demand, min_size=1, max_size=8).map(
        lambda demands: Trace(
            arrived_ms=np.zeros(len(demands)),
            min_accuracy_percent=np.array([accuracy for accuracy, _ in demands]),
            max_latency_ms=np.array([latency for _, latency in demands]),
        )
    )


def served(network: Network, rows: tuple[int, ...], trace: Trace, mode: str) -> list[int]:
    """The SubNet of each query, of those in `rows`, by the rule that serves queries."""
    cold_ms = cold_latency_ms(network, DESIGN)
    kept = list(rows)
    return [
        rows[select_subnet(MODES[mode], network.accuracy_percent[kept], cold_ms[kept], *demands)]
        for demands in zip(trace.min_accuracy_percent, trace.max_latency_ms, strict=True)
    ]


def worth(network: Network, rows: tuple[int, ...], trace: Trace, mode: str) -> tuple[int, float]:
    """The number of queries whose strict demand is kept, and the sum of what is optimised."""
    cold_ms, accuracy_percent = cold_latency_ms(network, DESIGN), network.accuracy_percent
    chosen = served(network, rows, trace, mode)
    if mode == "strict-latency":
        return int((cold_ms[chosen] <= trace.max_latency_ms).sum()), float(
            accuracy_percent[chosen].sum()
        )
    met = int((accuracy_percent[chosen] >= trace.min_accuracy_percent).sum())
    return met, -float(cold_ms[chosen].sum())


@settings(max_examples=40, deadline=None)
@given(st.data(), networks(), st.sampled_from(list(MODES)))
def test_no_other_choice_of_as_many_serves_a_stream_better(
    data: st.DataObject, network: Network, mode: str
) -> None:
    trace = data.draw(streams(network))
    front = unbeaten(cold_latency_ms(network, DESIGN), network.accuracy_percent)
    count = data.draw(st.integers(1, len(front)))
    names = [subnet.name for subnet in network.supernet.subnets]
    found = chosen_for_stream(network, DESIGN, trace, mode, count)
    rows = tuple(names.index(subnet.name) for subnet in found.supernet.subnets)
    assert len(rows) == count
    assert list(rows) == sorted(rows)
    own = worth(network, rows, trace, mode)
    # A dominated SubNet in place of the fastest could answer what none answers in time better.
    others = combinations(sorted(front.tolist()), count)
    best = max(worth(network, other, trace, mode) for other in others)
    assert own[0] == best[0]
    assert own[1] == pytest.approx(best[1])


@settings(max_examples=40, deadline=None)
@given(st.data(), networks(), st.sampled_from(list(MODES)))
def test_queries_fall_on_subnets_as_the_rule_of_selection_says(
    data: st.DataObject, network: Network, mode: str
) -> None:
    trace = data.draw(streams(network))
    found = stream_on(network, DESIGN, trace, mode)
    rows = tuple(range(len(network.kernels)))
    chosen, cold_ms = served(network, rows, trace, mode), cold_latency_ms(network, DESIGN)
    met, _ = worth(network, rows, trace, mode)
    assert found.sums["slo_attainment"] == pytest.approx(met / len(trace))
    assert found.sums["mean_latency_ms"] == pytest.approx(cold_ms[chosen].mean())
    accuracy = network.accuracy_percent[chosen].mean()
    assert found.sums["mean_accuracy_percent"] == pytest.approx(accuracy)
    assert found.queries.sum() == len(trace)


def test_more_widths_serve_a_stream_no_worse() -> None:
    network = workload("us_mobilenet_v1")
    trace = spanned_trace(network, DESIGN, demands="random-walk", queries=300)
    accuracies = [
        stream_on(
            chosen_for_stream(network, DESIGN, trace, "strict-latency", count),
            DESIGN, trace, "strict-latency",
        ).sums["mean_accuracy_percent"]
        for count in (1, 2, 4, 8, 30)
    ]  # fmt: skip
    assert accuracies == sorted(accuracies)
    everything = stream_on(network, DESIGN, trace, "strict-latency")
    assert accuracies[-1] == pytest.approx(everything.sums["mean_accuracy_percent"])


def test_what_cannot_be_chosen_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    asked = ("subnets", "--workload", "slimmable_resnet50", "--queries", "20")
    code, out, err = run(*asked, "--choose", "5")
    assert (code, out) == (2, "")
    assert "5 SubNets are asked for, and of the 4 that slimmable_resnet50 lists 4 are" in err
    code, _, err = run(*asked, "--choose", "2", "--trace", "none")
    assert code == 2
    assert "name a --trace" in err
    with pytest.raises(UserError, match="no slower on"):
        load_experiment(TINY, "slimmable_resnet50", "phases", queries=20, subnets=9)
    text = (ROOT / "workloads" / "slimmable_resnet50.yaml").read_text(encoding="utf-8")
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text(text.replace(", accuracy_percent: 72.1", ""), encoding="utf-8")
    code, _, err = run("subnets", "--workload", str(unknown), "--queries", "20")
    assert code == 2
    assert "the accuracy of '0.5x' is not known; give its accuracy_percent" in err


def test_a_sweep_serves_the_chosen_subnets_on_the_stream_of_all_of_them() -> None:
    everything = load_experiment(TINY, "slimmable_resnet50", "phases", queries=50)
    few = load_experiment(TINY, "slimmable_resnet50", "phases", queries=50, subnets=2)
    assert few.trace is not None
    assert everything.trace is not None
    assert np.array_equal(few.trace.max_latency_ms, everything.trace.max_latency_ms)
    reference = few.space.reference
    expected = chosen_for_stream(everything.network, reference, everything.trace, few.mode, 2)
    assert few.network.supernet == expected.supernet
    assert few.inputs != everything.inputs


def test_the_command_prints_the_chosen_ones_and_what_the_stream_comes_to(run: Run) -> None:
    asked = ("subnets", "--workload", "us_mobilenet_v2", "--queries", "50", "--choose", "3")
    code, out, _ = run(*asked)
    assert code == 0
    assert "listed" in out
    code, out, _ = run(*asked, "--format", "csv")
    assert code == 0
    assert out.count("\n") == 4
