"""Where residency, prefetching and batching each save most."""

import numpy as np
import pytest

from sushi_dse.analysis.load_map import MODE, WAYS, RateLine, load_map
from sushi_dse.analysis.repeats import RELEVANT_PERCENT
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.loading import spanned_trace
from sushi_dse.evaluation.metrics import GAIN
from sushi_dse.evaluation.traced import policy_rows
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.latency_table import candidate_table
from sushi_dse.plots.worth import map_panel
from tests.networks import workload
from tests.strategies import vcu118, zcu104
from tests.tables import number

FEW = {"loads": (0.1, 0.95)}


def test_a_way_saves_what_the_best_of_its_policies_gains_on_the_stream_at_that_load() -> None:
    network, design = workload("ofa_resnet50"), zcu104()
    (line,) = load_map(network, design, factors=(1.0,), loads=(0.9,), queries=300)
    (mean_ms,) = (
        number(row, "mean_latency_ms")
        for row in policy_rows(
            Experiment(
                space=SearchSpace(axes=(), base=design), network=network, policies=("no-sgs",),
                mode=MODE, trace=spanned_trace(network, design, queries=300),
            ),
            design, candidate_table(network, design),
        )
    )  # fmt: skip
    # A Poisson process at another rate is the same one in another unit of time.
    unit = spanned_trace(network, design, queries=300, arrivals="poisson", rate_per_s=1.0)
    busy = 300 * mean_ms / (unit.arrived_ms[-1] - unit.arrived_ms[0])
    trace = spanned_trace(
        network, design, queries=300, arrivals="poisson", rate_per_s=float(0.9 / busy)
    )
    experiment = Experiment(
        space=SearchSpace(axes=(), base=design), network=network, mode=MODE, trace=trace,
        policies=tuple(name for names in WAYS.values() for name in names),
    )  # fmt: skip
    rows = policy_rows(experiment, design, candidate_table(network, design))
    gains = {str(row["policy"]): number(row, GAIN) for row in rows}
    for way, names in WAYS.items():
        expected = max(gains[name] for name in names)
        assert line.saved_percent[way][0] == pytest.approx(expected, rel=1e-6), way


def test_the_best_way_is_that_which_saves_most_and_none_where_that_is_too_little() -> None:
    least = RELEVANT_PERCENT
    saved = {
        "residency": np.array([least, 9.0, -1.0]),
        "prefetching": np.array([0.0, 8.0, 0.9 * least]),
        "batching": np.array([-5.0, 70.0, 0.5 * least]),
    }
    line = RateLine(offchip_gb_per_s=1.0, loads=np.array([0.1, 0.5, 0.9]), saved_percent=saved)
    assert line.best == ["residency", "batching", None]
    panel = map_panel([line], "where")
    (texts,) = (series for series in panel.series if series.kind == "texts")
    assert texts.labels == (f"{least:.0f} %", "70 %")
    assert [series.x.tolist() for series in panel.series[:4]] == [[0.0], [], [1.0], [2.0]]


def test_residency_wins_on_a_large_array_behind_a_slow_bus_and_batching_in_a_long_queue() -> None:
    network = workload("ofa_resnet50")
    slow, fast = load_map(network, vcu118(), factors=(0.25, 4.0), **FEW)  # type: ignore[arg-type]
    assert slow.best == ["residency", "residency"]
    assert fast.best[1] == "batching"
    (small,) = load_map(network, zcu104(), factors=(1.0,), **FEW)  # type: ignore[arg-type]
    assert small.best[1] == "batching"
    assert small.best[0] != "batching"
