import os
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text

from sushi_dse.errors import UserError
from sushi_dse.evaluation.fronts import front
from sushi_dse.evaluation.metrics import METRICS, Metric
from sushi_dse.plots.charts import panel_chart
from sushi_dse.plots.files import check_plot_file, save_figure
from sushi_dse.plots.front import front_panel, front_picture
from sushi_dse.plots.marks import Colour, Marked, listed_rows, mark, staircase
from sushi_dse.plots.pages import save_panels
from sushi_dse.plots.panels import Panel
from sushi_dse.plots.parallel import parallel_panel
from sushi_dse.plots.pictures import draw_panel, panels_figure
from sushi_dse.plots.style import (
    CLOUD_MARKER,
    COLOUR_MAP,
    COLOURS,
    FRONT_MARKER,
    MARKERS,
    SHADES,
    look,
)

LATENCY, ACCURACY = METRICS["mean_latency_ms"], METRICS["mean_accuracy_percent"]
ENERGY, ATTAINMENT = METRICS["energy_mj_per_query"], METRICS["slo_attainment"]
MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Results as of a sweep: few levels of accuracy, two policies, designs that do not fit."""
    rng = np.random.default_rng(0)
    count = 120
    frame = pd.DataFrame(
        {
            "design": np.arange(count) // 2,
            "policy": np.where(np.arange(count) % 2, "sushi", "no-sgs"),
            LATENCY.name: rng.uniform(5, 40, count),
            ACCURACY.name: rng.choice([75, 76.5, 78, 79.5], count),
            ENERGY.name: rng.uniform(10, 60, count),
            ATTAINMENT.name: rng.uniform(0, 1, count),
            "infeasible_reason": "",
        }
    )
    frame.loc[:9, "infeasible_reason"] = "dsp: needs 9, tiny has 8"
    frame.loc[:9, [m.name for m in (LATENCY, ACCURACY, ENERGY, ATTAINMENT)]] = np.nan
    return frame


def drawn(rows: pd.DataFrame, objectives: Sequence[Metric], colour: Colour = "policy") -> Axes:
    figure = panels_figure([panel_of(mark(rows, objectives, colour=colour))], "")
    figure.draw_without_rendering()
    return figure.axes[0]


def panel_of(marked: Marked) -> Panel:
    return front_panel(marked, listed_rows(marked))


def save_front(path: Path, marked: Marked) -> None:
    save_panels(path, [panel_of(marked)], title="", command="")


def save_parallel(path: Path, marked: Marked) -> None:
    save_panels(path, [parallel_panel(marked, listed_rows(marked))], title="", command="")


def legend_of(ax: Axes) -> Legend:
    figure = ax.get_figure(root=True)
    assert figure is not None
    (legend,) = figure.legends
    return legend


def legend_texts(ax: Axes) -> set[str]:
    return {text.get_text() for text in legend_of(ax).get_texts()}


def points(ax: Axes, width: float) -> list[PathCollection]:
    """The markers of that width in points."""
    return [
        collection
        for collection in ax.collections
        if isinstance(collection, PathCollection)
        and collection.get_sizes()[0] == width**2
        and np.size(collection.get_offsets())  # else it is there for the legend
    ]


def offsets(collections: Sequence[PathCollection]) -> set[tuple[float, float]]:
    return {(float(x), float(y)) for c in collections for x, y in np.asarray(c.get_offsets())}


def knee_name(rows: pd.DataFrame, objectives: Sequence[Metric]) -> str:
    marked = mark(rows, objectives)
    row = marked.knee_row.iloc[0]
    return f"design {row['design']}, {row['policy']}"


def pairs(frame: pd.DataFrame, x: Metric, y: Metric) -> set[tuple[float, float]]:
    return set(zip(frame[x.name], frame[y.name], strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12),
    st.tuples(st.integers(-1, 6), st.integers(-1, 6)),
)
def test_the_staircase_is_the_edge_of_what_the_rows_dominate(
    costs: list[tuple[int, int]], probe: tuple[int, int]
) -> None:
    corners = staircase(np.array(costs), np.array([7, 7]))
    x, y = probe[0] + 0.5, probe[1] + 0.5
    dominated = any(a <= x and b <= y for a, b in costs)
    # Under the line at x lies the lowest corner among those at or before x.
    heights = [height for at, height in corners if at <= x]
    assert dominated == bool(heights and min(heights) <= y)
    steps = np.abs(np.diff(corners, axis=0))
    assert (steps.min(axis=1) == 0).all()  # each step goes along one axis
    assert corners[0, 1] == 7
    assert corners[-1, 0] == 7


@pytest.mark.parametrize(
    ("x", "y"),
    [(LATENCY, ACCURACY), (ACCURACY, LATENCY), (LATENCY, ENERGY), (ACCURACY, ATTAINMENT)],
    ids=["min-max", "max-min", "min-min", "max-max"],
)
def test_the_staircase_bounds_all_points_and_touches_the_front(
    rows: pd.DataFrame, x: Metric, y: Metric
) -> None:
    ax = drawn(rows, (x, y))
    line = ax.lines[0]
    corners = pd.DataFrame(np.asarray(line.get_xydata()), columns=[x.name, y.name])
    corner_x, corner_y = x.cost(corners), y.cost(corners)
    feasible = rows.loc[rows["infeasible_reason"] == ""]
    for x_cost, y_cost in zip(x.cost(feasible), y.cost(feasible), strict=True):
        assert corner_y[corner_x <= x_cost].min() <= y_cost
    assert pairs(front(rows, (x, y)), x, y) <= pairs(corners, x, y)
    ends = [ax.get_xlim()[0 if x.maximise else 1], ax.get_ylim()[0 if y.maximise else 1]]
    assert [corners[x.name].iloc[-1], corners[y.name].iloc[0]] == ends


def test_the_axes_have_names_and_units(rows: pd.DataFrame) -> None:
    ax = drawn(rows, (LATENCY, ACCURACY), ENERGY)
    assert ax.get_xlabel() == "mean latency (ms)"
    assert ax.get_ylabel() == "mean accuracy (%)"
    named = mark(rows, (LATENCY, ACCURACY), accuracy_of="MMLU", colour=ENERGY)
    assert front_picture(named, None).y_label == "mean MMLU (%)"
    figure = ax.get_figure(root=True)
    assert figure is not None
    assert [other.get_ylabel() for other in figure.axes[1:]] == ["energy (mJ per query)"]


@pytest.mark.parametrize("colour", ["policy", ENERGY], ids=["policy", "energy"])
def test_all_feasible_rows_are_drawn_and_the_front_is_outlined(
    rows: pd.DataFrame, colour: Colour
) -> None:
    ax = drawn(rows, (LATENCY, ACCURACY, ENERGY), colour)
    feasible = rows.loc[rows["infeasible_reason"] == ""]
    cloud, outlined = points(ax, CLOUD_MARKER), points(ax, FRONT_MARKER)
    assert offsets(cloud) | offsets(outlined) == pairs(feasible, LATENCY, ACCURACY)
    assert offsets(outlined) == pairs(front(rows, (LATENCY, ACCURACY, ENERGY)), LATENCY, ACCURACY)
    assert all(collection.get_rasterized() for collection in cloud)
    assert not any(collection.get_rasterized() for collection in outlined)
    assert CLOUD_MARKER < FRONT_MARKER


def test_the_legend_of_two_objectives_has_one_front(rows: pd.DataFrame) -> None:
    count = len(front(rows, (LATENCY, ACCURACY)))
    ax = drawn(rows, (LATENCY, ACCURACY), ENERGY)
    assert legend_of(ax).get_title().get_text() == (
        f"Outlined: front of mean latency and mean accuracy, {count} of 110 rows"
    )
    assert legend_texts(ax) == {
        "front",
        f"knee: {knee_name(rows, (LATENCY, ACCURACY))}",
        f"other rows, {beyond(rows, ax)} beyond the axes",
    }


def beyond(rows: pd.DataFrame, ax: Axes) -> int:
    """How many feasible rows lie outside of what the axes show."""
    known = rows.loc[rows["infeasible_reason"] == ""]
    inside = known[LATENCY.name].between(*ax.get_xlim())
    return int((~(inside & known[ACCURACY.name].between(*ax.get_ylim()))).sum())


def test_the_legend_of_three_objectives_says_which_front_is_which(rows: pd.DataFrame) -> None:
    count = len(front(rows, (LATENCY, ACCURACY, ENERGY)))
    ax = drawn(rows, (LATENCY, ACCURACY, ENERGY))
    assert legend_of(ax).get_title().get_text() == (
        f"Outlined: front of mean latency, mean accuracy and energy, {count} of 110 rows"
    )
    assert legend_texts(ax) == {
        "front of the two axes alone",
        f"knee: {knee_name(rows, (LATENCY, ACCURACY, ENERGY))}",
        "no-sgs",
        "sushi",
    }


def test_a_front_of_one_row_is_drawn(rows: pd.DataFrame) -> None:
    ax = drawn(rows.iloc[[20]], (LATENCY, ACCURACY))
    assert legend_of(ax).get_title().get_text().endswith(" mean accuracy, 1 of 1 row")
    assert offsets(points(ax, FRONT_MARKER)) == pairs(rows.iloc[[20]], LATENCY, ACCURACY)


@pytest.mark.parametrize("colour", ["policy", ENERGY], ids=["policy", "energy"])
def test_no_legend_covers_the_axes(rows: pd.DataFrame, colour: Colour) -> None:
    ax = drawn(rows, (LATENCY, ACCURACY, ENERGY), colour)
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = legend_of(ax).get_window_extent()
    assert not any(box.padded(-1).overlaps(other.get_window_extent()) for other in figure.axes)
    assert all(figure.bbox.padded(1).contains(*corner) for corner in box.corners())


def test_each_policy_has_a_colour_and_a_marker_of_its_own() -> None:
    looks = [look(i)[:2] for i in range(len(COLOURS) * len(MARKERS))]
    assert len(set(looks)) == len(looks)
    assert len({marker for _, marker in looks[: len(MARKERS)]}) == len(MARKERS)


def test_lighter_means_better_also_in_grey() -> None:
    shades = mpl.colormaps[COLOUR_MAP](np.linspace(*SHADES, 256))[:, :3]
    luminance = shades @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) >= 0).all()
    for metric in (ENERGY, ATTAINMENT):
        frame = pd.DataFrame(
            {
                LATENCY.name: [1.0, 2],
                ACCURACY.name: [75.0, 76],
                metric.name: [0.2, 0.9],
                "design": [0, 1],
                "policy": "sushi",
                "infeasible_reason": "",
            }
        )
        (outlined,) = points(drawn(frame, (LATENCY, ACCURACY), metric), FRONT_MARKER)
        low, high = np.asarray(outlined.get_facecolor())[:, :3] @ [0.2126, 0.7152, 0.0722]
        assert (high > low) == metric.maximise


def test_values_over_decades_are_drawn_on_a_logarithmic_axis_and_bar(rows: pd.DataFrame) -> None:
    wide = rows.copy()
    wide.loc[wide.index[-1], [LATENCY.name, ENERGY.name]] *= 1000
    named = [int(wide["design"].iloc[-1])]  # Axes span the front and what is named.
    marked = mark(wide, (LATENCY, ACCURACY), colour=ENERGY, designs=named)
    ax = panels_figure([panel_of(marked)], "").axes[0]
    figure = ax.get_figure(root=True)
    assert figure is not None
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert figure.axes[1].get_yscale() == "log"
    assert {"10", "100", "1,000"} <= {text.get_text() for text in ax.get_xticklabels()}
    assert "10,000" in {text.get_text() for text in figure.axes[1].get_yticklabels()}
    assert ax.get_xlim()[0] > 0
    assert drawn(rows, (LATENCY, ACCURACY)).get_xscale() == "linear"


@pytest.mark.parametrize(
    ("colour", "names"),
    [
        ("policy", "mean_latency_ms, mean_accuracy_percent"),
        (ENERGY, "mean_latency_ms, mean_accuracy_percent, energy_mj_per_query"),
    ],
    ids=["policy", "energy"],
)
def test_nothing_feasible_is_refused(rows: pd.DataFrame, colour: Colour, names: str) -> None:
    with pytest.raises(UserError, match=f"^no feasible row has {names}: there is nothing to draw"):
        drawn(rows.iloc[:10], (LATENCY, ACCURACY), colour)


@pytest.mark.parametrize(
    ("suffix", "colour"), [(".png", "policy"), (".svg", ENERGY), (".pdf", "policy")], ids=MAGIC
)
def test_a_plot_drawn_twice_is_the_same_file(
    rows: pd.DataFrame, tmp_path: Path, suffix: str, colour: Colour
) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "other")]
    for path in paths:
        marked = mark(rows, (LATENCY, ACCURACY, ENERGY), colour=colour, designs=[7, 30])
        save_front(path, marked)
    one, other = (path.read_bytes() for path in paths)
    assert one.startswith(MAGIC[suffix])
    assert one == other
    assert not re.search(rb"CreationDate|dc:date|Matplotlib v", one)
    assert sorted(os.listdir(tmp_path)) == [f"one{suffix}", f"other{suffix}"]


def test_the_suffix_is_read_without_regard_to_case(rows: pd.DataFrame, tmp_path: Path) -> None:
    save_front(tmp_path / "FRONT.PNG", mark(rows, (LATENCY, ACCURACY)))
    assert (tmp_path / "FRONT.PNG").read_bytes().startswith(MAGIC[".png"])


@pytest.mark.parametrize("name", ["front.jpg", "front", "front.png.gz"])
def test_another_suffix_is_refused_by_naming_those_that_work(
    rows: pd.DataFrame, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UserError, match=r"cannot draw to this kind of file; known: \.png, \.svg, "):
        save_front(tmp_path / name, mark(rows, (LATENCY, ACCURACY)))
    assert os.listdir(tmp_path) == []


def test_a_plot_needs_two_objectives(rows: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="two objectives at least"):
        mark(rows, (LATENCY,))


def test_a_file_that_cannot_be_written_is_an_error_in_one_line(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "folder.svg").mkdir()
    marked = mark(rows, (LATENCY, ACCURACY))
    with pytest.raises(
        UserError, match=r"folder\.svg: cannot be written \([^\n]+\); choose another$"
    ):
        save_front(tmp_path / "folder.svg", marked)
    with pytest.raises(UserError, match=r"missing is no folder; make it first$"):
        save_front(tmp_path / "missing" / "front.svg", marked)
    assert os.listdir(tmp_path) == ["folder.svg"]


def test_drawing_leaves_the_settings_of_matplotlib_alone(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    before = dict(mpl.rcParams)
    save_front(tmp_path / "front.svg", mark(rows, (LATENCY, ACCURACY)))
    assert dict(mpl.rcParams) == before


def fronts(objectives: int) -> st.SearchStrategy[list[tuple[int, ...]]]:
    return st.lists(st.tuples(*[st.integers(0, 9)] * objectives), min_size=1, max_size=12)


def results(costs: Sequence[Sequence[float]], objectives: Sequence[Metric]) -> pd.DataFrame:
    """Rows with those costs, smaller is better."""
    frame = pd.DataFrame({"design": range(len(costs)), "policy": "sushi", "infeasible_reason": ""})
    for metric, column in zip(objectives, zip(*costs, strict=True), strict=True):
        frame[metric.name] = [-float(c) if metric.maximise else float(c) for c in column]
    return frame


@settings(max_examples=40)
@given(fronts(3), st.integers(1, 5), st.integers(-3, 3))
def test_the_knee_is_on_the_front_whatever_the_units(
    costs: list[tuple[int, ...]], scale: int, offset: int
) -> None:
    objectives = (LATENCY, ACCURACY, ENERGY)
    marked = mark(results(costs, objectives), objectives)
    design = marked.knee_row["design"].iloc[0]
    beaten = any(
        other != costs[design] and all(a <= b for a, b in zip(other, costs[design], strict=True))
        for other in costs
    )
    assert not beaten
    rescaled = [(scale * a + offset, b, 8 * c) for a, b, c in costs]
    assert mark(results(rescaled, objectives), objectives).knee == marked.knee


@settings(max_examples=40)
@given(fronts(3))
def test_no_row_of_the_front_is_less_bad_at_its_worst_than_the_knee(
    costs: list[tuple[int, ...]],
) -> None:
    objectives = (LATENCY, ACCURACY, ENERGY)
    marked = mark(results(costs, objectives), objectives)
    columns = [list(metric.cost(marked.front)) for metric in objectives]
    worst = [
        max((own[row] - min(own)) / ((max(own) - min(own)) or 1) for own in columns)
        for row in range(len(marked.front))
    ]
    assert worst[marked.knee] == min(worst)


@settings(max_examples=20)
@given(fronts(3))
def test_every_row_is_drawn_once_in_the_cloud_or_on_the_front(costs: list[tuple[int, ...]]) -> None:
    objectives = (LATENCY, ACCURACY, ENERGY)
    frame = results(costs, objectives)
    marked = mark(frame, objectives, colour="policy")
    ax = Figure().add_subplot()
    draw_panel(ax, panel_of(marked))
    off_front, on_front = frame.loc[~marked.on_front], frame.loc[marked.on_front]
    assert offsets(points(ax, CLOUD_MARKER)) == pairs(off_front, LATENCY, ACCURACY)
    assert offsets(points(ax, FRONT_MARKER)) == pairs(on_front, LATENCY, ACCURACY)
    assert offsets(points(ax, 2.4 * FRONT_MARKER)) == pairs(marked.knee_row, LATENCY, ACCURACY)


@pytest.mark.parametrize("colour", ["policy", ENERGY], ids=["policy", "energy"])
def test_parallel_coordinates_have_a_line_a_front_row_that_ends_at_best_and_worst(
    rows: pd.DataFrame, colour: Colour
) -> None:
    objectives = (LATENCY, ACCURACY, ENERGY, ATTAINMENT)
    marked = mark(rows, objectives, colour=colour)
    listed = listed_rows(marked)
    panel = parallel_panel(marked, listed)
    ax = Figure().add_subplot()
    draw_panel(ax, panel)
    bundles = [c for c in ax.collections if isinstance(c, LineCollection)]
    lines = np.concatenate([np.array(bundle.get_segments()) for bundle in bundles])
    assert lines.shape == (len(marked.front), len(objectives), 2)
    heights = lines[:, :, 1]
    assert heights.min(axis=0).tolist() == [0] * 4
    assert heights.max(axis=0).tolist() == [1] * 4
    assert ax.yaxis_inverted()  # 0, the best, is on top
    faint = [series for series in panel.series if series.emphasis == "faint"]
    for place, metric in enumerate(objectives):
        best = marked.front[metric.name].agg("max" if metric.maximise else "min")
        on_top = [int(row) for series in faint if series.rows is not None
                  for row in series.rows[(series.x == place) & (series.y == 0)]]  # fmt: skip
        assert set(listed[metric.name][on_top]) == {best}
    (star,) = (series for series in panel.series if series.kind == "stars")
    assert star.y[:-1].tolist() in heights.tolist()
    assert star.rows is not None
    assert set(listed["mark"][star.rows]) == {"knee"}


def test_a_chosen_design_is_drawn_in_parallel_coordinates_off_the_front_too(
    rows: pd.DataFrame,
) -> None:
    objectives = (LATENCY, ACCURACY)
    off = next(d for d in rows["design"][10:] if d not in set(front(rows, objectives)["design"]))
    marked = mark(rows, objectives, designs=[off, off])
    panel = parallel_panel(marked, listed_rows(marked))
    (line,) = (series for series in panel.series if series.name.startswith(f"design {off}, "))
    assert ((line.y[:-1] >= 0) & (line.y[:-1] <= 1)).all()
    ax = Figure().add_subplot()
    draw_panel(ax, panel)
    assert sum(f"design {off}, " in str(drawn.get_label()) for drawn in ax.lines) == 1


def test_an_objective_that_is_the_same_in_every_row_is_told(rows: pd.DataFrame) -> None:
    assert mark(rows, (LATENCY, ACCURACY)).flat == ()
    even = rows.assign(**{ACCURACY.name: np.where(rows.index % 2, 70.0, 70.0 + 1e-13)})
    assert mark(even, (LATENCY, ACCURACY)).flat == (ACCURACY.name,)


def test_labels_name_the_knee_and_the_chosen_designs_inside_the_axes(
    rows: pd.DataFrame,
) -> None:
    marked = mark(rows, (LATENCY, ACCURACY), designs=[30, 7, 30])
    ax = panels_figure([panel_of(marked)], "").axes[0]
    texts = [child for child in ax.get_children() if isinstance(child, Annotation)]
    rings = next(series for series in panel_of(marked).series if series.kind == "rings")
    labelled = [text for text in rings.labels if text]
    assert sorted(labelled) == ["30", "7"]
    assert [text.get_text() for text in texts] == [
        f"knee: {marked.knee_row['design'].iloc[0]}",
        *labelled,
    ]
    boxes = [Text.get_window_extent(text) for text in texts]
    inside = ax.get_window_extent()
    assert all(inside.padded(1).contains(*corner) for box in boxes for corner in box.corners())
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_a_design_that_cannot_be_labelled_is_refused_with_the_reason(rows: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="design 0 cannot be labelled: it does not fit: dsp: needs"):
        mark(rows, (LATENCY, ACCURACY), designs=[0])
    with pytest.raises(UserError, match=r"design 99 .* the results have designs 0 to 59; "):
        mark(rows, (LATENCY, ACCURACY), designs=[99])
    lacking = rows.assign(**{ENERGY.name: np.where(rows["design"] == 9, np.nan, 1.0)})
    with pytest.raises(UserError, match="design 9 cannot be labelled: it lacks a metric"):
        mark(lacking, (LATENCY, ENERGY), designs=[9])


def test_of_three_objectives_the_accuracy_is_the_colour_and_a_flat_one_is_no_axis(
    rows: pd.DataFrame,
) -> None:
    marked = mark(rows, (LATENCY, ACCURACY, ENERGY))
    assert (marked.colour, *marked.axes) == (ACCURACY, LATENCY, ENERGY)
    assert mark(rows, (LATENCY, ENERGY)).colour == "policy"
    level = mark(rows.assign(**{LATENCY.name: 1.0}), (LATENCY, ENERGY, ACCURACY), colour="policy")
    assert set(level.axes) == {ENERGY, ACCURACY}


def test_the_designs_of_a_decision_are_ringed_and_labelled_by_their_roles(
    rows: pd.DataFrame,
) -> None:
    objectives = (LATENCY, ACCURACY, ENERGY)
    front = mark(rows, objectives).front
    fastest, frugal = front.iloc[[0]], front.loc[[front[ENERGY.name].idxmin()]]
    named = {"fastest": fastest, "most frugal": frugal}
    marked = mark(rows, objectives, named=named)
    (rings,) = (s for s in panel_of(marked).series if s.kind == "rings")
    words = {f"{role}: {row['design'].iloc[0]}" for role, row in named.items()}
    assert set(rings.labels) == words
    low, high = panel_of(marked).x_range or (0, 0)
    assert low < marked.axis_rows[LATENCY.name].min() <= marked.axis_rows[LATENCY.name].max() < high


def test_a_name_may_hold_anything(rows: pd.DataFrame, tmp_path: Path) -> None:
    names = {"sushi": "_$x$\\frac{\n<b>漢" + 99 * "long", "no-sgs": "$"}
    strange = rows.assign(policy=rows["policy"].map(names))
    marked = mark(strange, (LATENCY, ACCURACY, ENERGY), colour="policy", designs=[30])
    save_front(tmp_path / "front.svg", marked)
    save_parallel(tmp_path / "parallel.pdf", marked)
    ax = panels_figure([panel_of(marked)], "").axes[0]
    letters = {text.replace("\\$", "$") for text in legend_texts(ax)}
    assert "$" in letters
    assert any(text.startswith(" _$x$\\frac{ <b>漢long") for text in letters)


def test_a_vector_file_of_many_rows_is_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    costs = rng.uniform(1, 2, (50_000, 2))
    marked = mark(results(costs.tolist(), (LATENCY, ENERGY)), (LATENCY, ENERGY))
    save_front(tmp_path / "front.svg", marked)
    assert (tmp_path / "front.svg").stat().st_size < 2_000_000


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_parallel_coordinates_drawn_twice_are_the_same_file(
    rows: pd.DataFrame, tmp_path: Path, suffix: str
) -> None:
    marked = mark(rows, (LATENCY, ACCURACY, ENERGY), colour=ENERGY, designs=[30])
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "other")]
    for path in paths:
        save_parallel(path, marked)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_page_is_no_picture_and_needs_plotly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="is no picture"):
        save_figure(Figure(), tmp_path / "front.html")
    monkeypatch.setattr("sushi_dse.plots.files.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^[^\n]*pip install 'sushi-dse\[html\]'$"):
        check_plot_file(tmp_path / "report.html")


@settings(max_examples=15, deadline=None)  # a figure takes matplotlib long the first time
@given(fronts(3), st.sampled_from(["policy", ENERGY]))
def test_both_pens_mark_the_rows_that_no_other_row_beats(
    costs: list[tuple[int, ...]], colour: Colour
) -> None:
    objectives = (LATENCY, ACCURACY, ENERGY)
    frame = results(costs, objectives).assign(
        policy=["sushi" if sum(c) % 2 else "b" for c in costs]
    )
    marked = mark(frame, objectives, colour=colour)
    listed = listed_rows(marked)
    best = {
        place
        for place, row in enumerate(costs)
        if not any(o != row and all(a <= b for a, b in zip(o, row, strict=True)) for o in costs)
    }
    expected = pairs(frame.iloc[sorted(best)], LATENCY, ACCURACY)
    flat, parallel = front_panel(marked, listed), parallel_panel(marked, listed)
    chart = panel_chart(flat)
    outlined = [
        trace
        for trace, series in zip(chart["data"], flat.series, strict=True)
        if series.emphasis == "strong"
    ]
    shown = [int(row) for trace in outlined for row in trace["customdata"]]
    assert sorted(listed["design"][shown]) == sorted(best)
    assert {xy for t in outlined for xy in zip(t["x"], t["y"], strict=True)} == expected
    ax = Figure().add_subplot()
    draw_panel(ax, flat)
    assert offsets(points(ax, FRONT_MARKER)) == expected
    lines = Figure().add_subplot()
    draw_panel(lines, parallel)
    bundles = [c for c in lines.collections if isinstance(c, LineCollection)]
    assert sum(len(bundle.get_segments()) for bundle in bundles) == len(best)
    faint = [series.name for series in parallel.series if series.emphasis == "faint"]
    traces = [trace for trace in panel_chart(parallel)["data"] if trace["name"] in faint]
    on_lines = {int(row) for trace in traces for row in trace["customdata"]}
    assert set(listed["design"][sorted(on_lines)]) == best
