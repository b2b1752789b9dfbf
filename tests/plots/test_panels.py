import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from sushi_dse.analysis.compare import compare_policies
from sushi_dse.errors import UserError
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.evaluation.traced import replay
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.breakdown import subnet_breakdown
from sushi_dse.model.candidate import NOTHING, own_by_value
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.model.validation import LayerError, Validation
from sushi_dse.plots.charts import panel_chart
from sushi_dse.plots.layers import CAUSES, layer_panels
from sushi_dse.plots.marks import listed_rows, mark
from sushi_dse.plots.pages import save_panels
from sushi_dse.plots.panels import Kind, Panel, Series, floats
from sushi_dse.plots.parallel import MOST_LINES, parallel_panel
from sushi_dse.plots.pictures import draw_panel
from sushi_dse.plots.streams import (
    WINDOWS,
    axis_of,
    distribution,
    serving_panels,
    trace_panels,
    windows,
)
from sushi_dse.plots.validation import validation_panels
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.policies.names import policy_label
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import SuperNet
from tests.strategies import (
    accelerators,
    output_stationary,
    supernets,
    weight_stationary,
    zcu104_measured,
)


def of_kind(panel: Panel, kind: str) -> list[Series]:
    return [series for series in panel.series if series.kind == kind]


def roofs(panel: Panel) -> tuple[float, float]:
    """The array's roof in GMAC/s, and the memory's in GB/s."""
    array, memory = of_kind(panel, "line")
    return float(array.y[0]), float(memory.y[0] / memory.x[0])


@settings(max_examples=50)
@given(supernets(), accelerators(), st.integers(0, 99))
def test_no_layer_lies_above_the_roofs_and_its_bar_is_its_time(
    supernet: SuperNet, accelerator: Accelerator, pick: int
) -> None:
    network = Network.of(supernet)
    known = candidates(network, accelerator).candidates
    breakdown = subnet_breakdown(network, accelerator, "A", known[pick % len(known)])
    roofline, cycles = layer_panels(breakdown, accelerator)
    peak, bandwidth = roofs(roofline)
    *layers, whole = of_kind(roofline, "points")
    assert sum(len(series.x) for series in layers) == len(breakdown.lines)
    for series in (*layers, whole):
        assert (series.y <= np.minimum(peak, bandwidth * series.x) * (1 + 1e-9)).all()
    bars = sum(series.y for series in cycles.series)
    latency_us = floats([line.latency_us for line in breakdown.lines])
    np.testing.assert_allclose(bars, latency_us * accelerator.clock_mhz)
    tops = np.zeros(len(breakdown.lines))
    for series in cycles.series:
        assert series.base is not None
        np.testing.assert_allclose(series.base, tops, atol=1e-6)
        tops = tops + series.y


@settings(max_examples=20)
@given(
    supernets(),
    weight_stationary(dynamic_buffer_tiles=8) | output_stationary(prefetch_buffer_kib=2.0),
)
def test_weights_that_come_ahead_lift_a_layer_but_not_the_subnet(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    breakdown = subnet_breakdown(Network.of(supernet), accelerator, "A", NOTHING)
    roofline, _ = layer_panels(breakdown, accelerator)
    peak, bandwidth = roofs(roofline)
    *layers, whole = of_kind(roofline, "points")
    assert all((series.y <= peak * (1 + 1e-9)).all() for series in layers)
    assert whole.y[0] <= min(peak, bandwidth * whole.x[0]) * (1 + 1e-9)


def test_a_layer_without_traffic_stands_at_the_right_edge_and_the_title_says_so() -> None:
    experiment = load_experiment("zcu104", trace="none")
    breakdown = subnet_breakdown(experiment.network, experiment.design, "A", own_by_value("A"))
    quiet = [line for line in breakdown.lines if not line.cost.offchip_bytes]
    roofline, cycles = layer_panels(breakdown, experiment.design)
    assert quiet
    assert "right edge: no off-chip traffic" in roofline.title
    edge = max(series.x.max() for series in of_kind(roofline, "line"))
    xs = np.concatenate([series.x for series in of_kind(roofline, "points")])
    assert (xs == edge).sum() == len(quiet)
    assert cycles.x_names == tuple(line.layer.name for line in breakdown.lines)
    assert {series.name for series in cycles.series} <= {*CAUSES.values(), "launch"}


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_a_distribution_is_the_share_within_and_reaches_one(values: list[int]) -> None:
    series = distribution("sushi", floats(values), 0)
    assert series.y[-1] == 1
    assert series.y[0] == 0
    for bound in range(10):
        drawn = series.y[series.x <= bound].max(initial=0)
        assert drawn == pytest.approx(sum(value <= bound for value in values) / len(values))


def test_a_long_distribution_keeps_both_ends_and_is_drawn_with_few_steps() -> None:
    values = np.random.default_rng(0).exponential(10, 200_000)
    series = distribution("sushi", values, 0)
    assert len(series.x) <= 1001
    assert (series.x[0], series.x[-1], series.y[-1]) == (values.min(), values.max(), 1)
    within = np.searchsorted(np.sort(values), series.x, side="right") / len(values)
    assert np.abs(within - series.y)[1:].max() < 1e-3


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.booleans())
def test_every_query_is_in_one_window(gaps: list[int], closed: bool) -> None:
    arrived_ms = np.zeros(len(gaps)) if closed else np.cumsum(gaps) + 1.0
    demand = floats(np.arange(len(gaps)) % 7 + 70.0)
    trace = Trace(
        arrived_ms=arrived_ms, min_accuracy_percent=demand, max_latency_ms=np.ones(len(gaps))
    )
    _, places = axis_of(trace)
    edges, parts = windows(places)
    assert len(edges) == len(parts) + 1 <= WINDOWS + 1
    assert [query for part in parts for query in range(len(trace))[part]] == list(range(len(trace)))
    for low, high, part in zip(edges, edges[1:], parts, strict=False):
        assert ((places[part] >= low) & (places[part] <= high)).all()
    panels = trace_panels(trace)
    arrivals = [panel for panel in panels if panel.y_label == "queries/s"]
    assert bool(arrivals) == (not closed and arrived_ms[-1] > arrived_ms[0])
    for panel in arrivals:
        (steps,) = of_kind(panel, "steps")
        counted = (steps.y[:-1] * np.diff(steps.x)).sum()
        assert counted == pytest.approx(len(trace))
    means = of_kind(panels[-2], "steps")[0].y[:-1]
    counts = np.array([part.stop - part.start for part in parts])
    assert np.nansum(means * counts) == pytest.approx(demand.sum())
    (band,) = of_kind(panels[-2], "band")
    assert band.base is not None
    known = ~np.isnan(band.y)
    assert (band.base[known] <= band.y[known]).all()


@pytest.fixture(scope="module")
def runs() -> tuple[dict[str, PolicyRun], Trace, list[dict[str, object]]]:
    """Every policy on a small stream, and the metrics that `compare` gives of it."""
    experiment = load_experiment(
        "zcu104", policies=tuple(POLICIES), mode="strict-accuracy", queries=90, seed=1
    )
    rows: list[dict[str, object]] = [{**row} for row in compare_policies(experiment)]
    return replay(experiment), experiment.traced, rows


def test_a_replay_is_what_the_metrics_are_of(
    runs: tuple[dict[str, PolicyRun], Trace, list[dict[str, object]]],
) -> None:
    replayed, _, rows = runs
    assert list(replayed) == [row["policy"] for row in rows]
    for run, row in zip(replayed.values(), rows, strict=True):
        assert run.served.response_ms.mean() == pytest.approx(row["mean_latency_ms"])
        assert run.served.accuracy_percent.mean() == pytest.approx(row["mean_accuracy_percent"])
        assert run.switched.sum() == row["subgraph_switches"]


def test_a_comparison_shows_each_policy_and_each_switch(
    runs: tuple[dict[str, PolicyRun], Trace, list[dict[str, object]]],
) -> None:
    replayed, trace, rows = runs
    latency, accuracy, switches = serving_panels(replayed, trace, "ImageNet top-1")
    assert accuracy.y_label == "ImageNet top-1 (%)"
    names = [policy_label(str(row["policy"])) for row in rows]
    assert [series.name for series in latency.series] == names
    assert [series.name for series in accuracy.series] == ["demanded", *names]
    by_policy = dict(zip(names, (row["subgraph_switches"] for row in rows), strict=True))
    drawn = {series.name: len(series.x) for series in switches.series}
    assert drawn == {name: count for name, count in by_policy.items() if count}
    assert switches.y_names == tuple(drawn)
    still = {name: run for name, run in replayed.items() if not run.switched.any()}
    assert len(serving_panels(still, trace, "top-1")) == 2


def layer_error(subnet: str, measured_us: float, error_percent: float) -> LayerError:
    predicted_us = measured_us * (1 + error_percent / 100)
    return LayerError(
        subnet=subnet, layer="conv", measured_us=measured_us, predicted_us=predicted_us
    )


@given(
    st.lists(
        st.builds(layer_error, st.sampled_from("ABC"), st.floats(1, 1e4), st.floats(-50, 50)),
        min_size=1,
        max_size=20,
    )
)
def test_every_measured_layer_is_drawn_within_the_worst_error(rows: list[LayerError]) -> None:
    errors = Validation(tuple(rows))
    latency, error = validation_panels(errors)
    expected = sorted((row.measured_us, row.predicted_us) for row in rows)
    points = of_kind(latency, "points")
    assert sorted((x, y) for s in points for x, y in zip(s.x, s.y, strict=True)) == expected
    (identity,) = of_kind(latency, "line")
    assert (identity.x == identity.y).all()
    _, worst, opposite = of_kind(error, "line")
    heights = np.concatenate([series.y for series in of_kind(error, "points")])
    assert heights.max() <= worst.y[0] + 1e-9
    assert heights.min() >= opposite.y[0] - 1e-9
    (band,) = of_kind(error, "band")
    assert np.abs(heights).mean() == pytest.approx(band.y[0])


def example() -> Panel:
    """A panel with a series of every kind."""
    x, y = floats([0, 1, 2]), floats([1, 3, 2])
    kinds: tuple[Kind, ...] = ("points", "line", "steps", "bars", "band", "ticks")
    return Panel(
        title="every kind",
        x_label="x (ms)",
        y_label="y (mJ)",
        series=tuple(
            Series(name=f"_a {kind} $", kind=kind, x=x, y=y + i, base=y, look=i)
            if kind in ("bars", "band")
            else Series(name=f"_a {kind} $", kind=kind, x=x, y=y + i, look=i, hover=("a", "b", "c"))
            for i, kind in enumerate(kinds)
        ),
        x_names=("<b>", "$", "_"),
    )


def test_a_picture_shows_every_point_of_every_series() -> None:
    panel, ax = example(), Figure().add_subplot()
    draw_panel(ax, panel)
    by_kind: dict[str, Series] = {series.kind: series for series in panel.series}
    markers = [c for c in ax.collections if type(c) is PathCollection]
    for kind, collection in zip(("points", "ticks"), markers, strict=True):
        expected = np.column_stack([by_kind[kind].x, by_kind[kind].y])
        assert np.asarray(collection.get_offsets()).tolist() == expected.tolist()
    for kind, line in zip(("line", "steps"), ax.lines, strict=True):
        assert np.asarray(line.get_ydata()).tolist() == by_kind[kind].y.tolist()
    (bars,) = (c for c in ax.containers if isinstance(c, BarContainer))
    assert [bar.get_height() for bar in bars] == by_kind["bars"].y.tolist()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (ms)", "y (mJ)")
    legend = ax.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == len(panel.series)


def test_series_side_by_side_differ_in_more_than_colour() -> None:
    ax = Figure().add_subplot()
    x = floats([0, 1])
    draw_panel(
        ax,
        Panel(
            title="",
            x_label="",
            y_label="",
            series=tuple(Series(name=str(i), kind="line", x=x, y=x + i, look=i) for i in range(13)),
        ),
    )
    looks = [(line.get_linestyle(), line.get_marker()) for line in ax.lines]
    assert len(set(looks)) == 13


def test_a_chart_is_a_figure_of_plotly_with_the_same_points() -> None:
    go = pytest.importorskip("plotly.graph_objects", reason="plotly is not installed")
    panel = example()
    chart = panel_chart(panel)
    go.Figure({"data": chart["data"], "layout": chart["layout"]})  # refuses what it does not know
    assert len(chart["data"]) == len(panel.series) + 1  # a band has two edges
    for series in panel.series:
        traces = [t for t in chart["data"] if t["legendgroup"] == series.name]
        assert series.y.tolist() in [trace["y"] for trace in traces]
    assert chart["layout"]["xaxis"]["ticktext"] == ["&lt;b&gt;", "$", "_"]


def test_a_series_checks_itself() -> None:
    x = floats([1, 2])
    with pytest.raises(ValueError, match="of one length"):
        Series(name="a", kind="line", x=x, y=floats([1]))
    with pytest.raises(ValueError, match="of one length"):
        Series(name="a", kind="line", x=x, y=x, shade=floats([1]))
    with pytest.raises(ValueError, match="hover text a point"):
        Series(name="a", kind="line", x=x, y=x, hover=("one",))
    with pytest.raises(ValueError, match="label a point"):
        Series(name="a", kind="line", x=x, y=x, labels=("one",))
    with pytest.raises(ValueError, match="row a point"):
        Series(name="a", kind="line", x=x, y=x, rows=np.array([1]))
    shaded = Series(name="a", kind="line", x=x, y=x, shade=x)
    with pytest.raises(ValueError, match="shades need a colour scale"):
        Panel(title="", x_label="", y_label="", series=(shaded,))


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=20))
def test_the_parts_of_a_series_are_its_points_between_the_gaps(heights: list[int | None]) -> None:
    y = floats([np.nan if height is None else height for height in heights])
    series = Series(name="a", kind="line", x=floats(range(len(y))), y=y)
    parts = [range(len(y))[part] for part in series.parts]
    assert [place for part in parts for place in part] == np.flatnonzero(~np.isnan(y)).tolist()
    for before, after in pairwise(parts):
        assert np.isnan(y[before[-1] + 1 : after[0]]).all()
        assert after[0] > before[-1] + 1


SAVED = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}


@pytest.mark.parametrize("suffix", SAVED)
def test_panels_saved_twice_are_the_same_file(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    paths: Sequence[Path] = [tmp_path / f"{name}{suffix}" for name in ("one", "other")]
    for path in paths:
        save_panels(path, [example()], title="$x_\udc80", command="sushi-dse cost '<script>'")
    one, other = (path.read_bytes() for path in paths)
    assert one.startswith(SAVED[suffix])
    assert one == other


def test_a_page_holds_no_text_unescaped(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="plotly is not installed")
    hostile = "</script><script>alert(1)</script>"
    x = floats([1.0])
    panel = Panel(
        title=hostile, x_label=hostile, y_label=hostile, x_names=(hostile,),
        series=(Series(name=hostile, kind="points", x=x, y=x, hover=(hostile,)),),
    )  # fmt: skip
    save_panels(tmp_path / "page.html", [panel], title=hostile, command=hostile)
    text = (tmp_path / "page.html").read_text()
    assert "<script>alert" not in text
    content = re.search(r'id="content">(.*?)</script>', text)
    assert content is not None
    assert json.loads(content[1])["figures"][0]["title"] == hostile
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert len(text) > 1e6  # plotly.js is in it


def test_a_page_is_one_file_and_touches_no_other(tmp_path: Path) -> None:
    panel = Panel(
        title="a", x_label="x", y_label="y",
        series=(Series(name="b", kind="points", x=np.ones(2), y=np.ones(2)),),
    )  # fmt: skip
    (tmp_path / "plotly.min.js").write_text("// my own")
    save_panels(tmp_path / "page.html", [panel], title="t", command="c")
    assert {path.name for path in tmp_path.iterdir()} == {"plotly.min.js", "page.html"}
    assert (tmp_path / "plotly.min.js").read_text() == "// my own"


def test_the_measured_board_has_launches_in_its_bars() -> None:
    network = load_experiment("zcu104_measured", trace="none").network
    design = zcu104_measured()
    breakdown = subnet_breakdown(network, design, "A", NOTHING)
    _, cycles = layer_panels(breakdown, design)
    (launch,) = (series for series in cycles.series if series.name == "launch")
    assert launch.y[0] == pytest.approx(design.launch_us * design.clock_mhz)


def test_an_unknown_suffix_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"known: \.png, \.svg, \.pdf, \.html$"):
        save_panels(tmp_path / "page.txt", [], title="", command="")


def test_of_many_rows_parallel_lines_that_lie_together_are_drawn_once() -> None:
    rng = np.random.default_rng(5)
    latency = rng.uniform(1, 2, 3000)
    rows = pd.DataFrame({
        "design": np.arange(3000), "policy": np.where(np.arange(3000) % 2, "sushi", "no-sgs"),
        "mean_latency_ms": latency, "energy_mj_per_query": 1 / latency,
        "dsp": rng.uniform(1, 9, 3000), "infeasible_reason": "",
    })  # fmt: skip
    objectives = [METRICS[name] for name in ("mean_latency_ms", "energy_mj_per_query", "dsp")]
    marked = mark(rows, objectives, colour="policy")
    assert len(marked.front) > MOST_LINES
    panel = parallel_panel(marked, listed_rows(marked))
    bundles = [series for series in panel.series if series.emphasis == "faint"]
    lines = sum(int(np.isnan(series.y).sum()) for series in bundles)
    assert 25 <= lines <= MOST_LINES
    assert all(re.search(r"\(\d+ for [\d,]+\)", series.name) for series in bundles)


@pytest.mark.parametrize("gap_ms", [1e-320, 5e-324, 1e-300, 1e-9])
def test_arrivals_however_close_are_drawn_without_a_warning(gap_ms: float) -> None:
    demands = np.full(30, 70.0)
    trace = Trace(
        arrived_ms=gap_ms * np.arange(30.0), min_accuracy_percent=demands, max_latency_ms=demands
    )
    for panel in trace_panels(trace):
        for series in panel.series:
            assert not np.isinf(np.asarray(series.y, dtype=float)).any()
