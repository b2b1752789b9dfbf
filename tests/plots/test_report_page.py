import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest

from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.plots.charts import panel_chart
from sushi_dse.plots.front import front_panel
from sushi_dse.plots.marks import listed_rows, mark
from sushi_dse.plots.parallel import parallel_panel
from sushi_dse.plots.report import MOST_ROWS, save_report
from tests.browsers import opened

pytest.importorskip("plotly", reason="plotly is not installed")

OBJECTIVES = [METRICS[name] for name in ("mean_latency_ms", "mean_accuracy_percent", "dsp")]
HOSTILE = "./mine.py:<img src=x onerror=alert(1)>&amp;</script>"
POLICIES = ("no-sgs", "sushi", HOSTILE)
# Puts what the charts hold into the page, where a dump of it shows them.
PROBE = """<script>
addEventListener("load", () => {
  const probe = document.createElement("pre");
  probe.id = "probe";
  probe.textContent = JSON.stringify([...document.querySelectorAll(".chart")].map((chart) =>
    chart.data.map(({ y, hovertext, customdata }) =>
      ({ y, hovertext: hovertext ?? [], rows: customdata ?? [] }))));
  const box = (found) => {
    if (!found) return null;
    const { top, bottom } = found.getBoundingClientRect();
    return { top, bottom };
  };
  const layout = document.createElement("pre");
  layout.id = "layout";
  layout.textContent = JSON.stringify({
    page: document.documentElement.scrollWidth, window: innerWidth,
    background: getComputedStyle(document.body).backgroundColor,
    charts: [...document.querySelectorAll(".chart")].map((chart) => ({
      ink: chart.layout.font.color, legend: box(chart.querySelector(".legend .bg")),
      plot: box(chart.querySelector(".nsewdrag")),
    })),
  });
  document.body.append(probe, layout);
});
</script></body>"""


def sweep_rows(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "design": np.arange(count) // len(POLICIES),
            "pe_kernels": rng.choice([8.0, 16.0, 32.0], count),
            "policy": np.array(POLICIES)[np.arange(count) % len(POLICIES)],
            "mean_latency_ms": rng.uniform(5, 40, count),
            "mean_accuracy_percent": rng.uniform(75, 80, count),
            "dsp": rng.integers(1, 2000, count).astype(float),
            "infeasible_reason": "",
        }
    )


def saved(folder: Path, rows: pd.DataFrame) -> Path:
    path = folder / "report.html"
    save_report(
        path,
        mark(rows, OBJECTIVES, designs=[4]),
        columns=[name for name in rows.columns if name != "infeasible_reason"],
        commands={"swept by": f"sushi-dse sweep --policy '{HOSTILE}'"},
        inputs={"policies": list(POLICIES)},
        title=f"Designs of {HOSTILE}",
    )
    return path


Page = Callable[..., str]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """What a browser makes of the report under a fragment: the page as it stands in the end."""
    folder = tmp_path_factory.mktemp("report")
    path = saved(folder, sweep_rows(600))
    path.write_text(path.read_text().replace("</body>", PROBE))

    def dump(*options: str, **fragment: str) -> str:
        address = f"{path.as_uri()}#{urlencode(fragment)}"
        return opened(address, folder / "profile", *options)

    return dump


def table(page: str) -> list[list[str]]:
    """The cells of the rows that are listed."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    assert body is not None
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    return [[unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


def element(page: str, name: str) -> str:
    found = re.search(rf'<\w+ id="{name}"[^>]*>(.*?)</\w+>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_a_browser_lists_the_front_and_names_each_point(browser: Page) -> None:
    page = browser()
    marked = mark(sweep_rows(600), OBJECTIVES)
    listed = table(page)
    assert [row[1:4] for row in listed] == [
        [str(row["design"]), f"{row['pe_kernels']:.0f}", row["policy"]]
        for _, row in marked.front.iterrows()
    ]
    assert [row[0] for row in listed].count("knee") == 1
    assert element(page, "status") == f"{len(listed)} of {len(listed)} rows match."
    assert "hidden" in re.search(r'<p id="problem"[^>]*>', page)[0]  # type: ignore[index]
    assert "<img" not in page
    front, parallel = json.loads(element(page, "probe"))
    texts = [text for trace in front for text in trace["hovertext"]]
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert any(f"<br>policy: {escaped}<br>mean latency (ms): " in text for text in texts)
    drawn = {row for trace in front for row in trace["rows"]}
    assert drawn == set(range(600))
    lines = [trace for trace in parallel if trace["rows"]]
    heights = {
        (row, place): y
        for trace in lines
        for place, (row, y) in enumerate(zip(trace["rows"], trace["y"], strict=True))
        if y is not None
    }
    assert len({row for row, _ in heights}) >= len(listed)


def test_a_fragment_filters_and_sorts_table_and_charts(browser: Page) -> None:
    rows = sweep_rows(600)
    page = browser(filter="sushi pe_kernels>=16 mean_latency_ms<20", rows="all",
                   sort="-mean_accuracy_percent")  # fmt: skip
    kept = rows.loc[
        (rows["policy"] == "sushi") & (rows["pe_kernels"] >= 16) & (rows["mean_latency_ms"] < 20)
    ].sort_values("mean_accuracy_percent", ascending=False)
    listed = table(page)
    assert [row[1] for row in listed] == kept["design"].astype(str).tolist()
    assert element(page, "status") == f"{len(kept)} of 600 rows match."
    assert 'aria-sort="descending"' in page
    front, _ = json.loads(element(page, "probe"))
    shown = {
        row
        for trace in front
        if trace["rows"]
        for row, y in zip(trace["rows"], trace["y"], strict=True)
        if y is not None
    }
    assert len(shown) == len(kept)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("pe_kernel>=16", "unknown column pe_kernel; known: mark, design, pe_kernels, "),
        ("dsp<=many", "dsp<=many: a number is wanted after <="),
    ],
)
def test_a_filter_that_means_nothing_is_named_and_hides_nothing(
    browser: Page, given: str, problem: str
) -> None:
    page = browser(filter=given)
    assert problem in element(page, "problem")
    assert table(page)


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_its_window_and_follows_the_mode(
    browser: Page, width: int, scheme: str
) -> None:
    dark = ("--blink-settings=preferredColorScheme=0",) if scheme == "dark" else ()
    page = browser(f"--window-size={width},2000", *dark)
    layout = json.loads(element(page, "layout"))
    assert layout["page"] <= layout["window"]  # nothing scrolls sideways but the table in its frame
    paper = (22, 24, 28) if scheme == "dark" else (255, 255, 255)
    assert layout["background"] == f"rgb{paper}"
    for chart in layout["charts"]:
        assert chart["ink"] == ("#e8e8e8" if scheme == "dark" else "#202020")
        legend, plot = chart["legend"], chart["plot"]
        assert legend is None or legend["bottom"] <= plot["top"] or legend["top"] >= plot["bottom"]


def test_any_stored_column_can_be_bounded(tmp_path: Path) -> None:
    """The table shows no infeasible designs' reason, and filters by what it does not show."""
    text = saved(tmp_path, sweep_rows(60).assign(p99_latency_ms=1.0)).read_text()
    content = re.search(r'id="content">(.*?)</script>', text)
    assert content is not None
    columns = {column["name"]: column["listed"] for column in json.loads(content[1])["columns"]}
    assert columns["p99_latency_ms"] is True
    path = tmp_path / "few.html"
    rows = sweep_rows(60).assign(p99_latency_ms=1.0)
    save_report(path, mark(rows, OBJECTIVES), columns=["design", "policy"], commands={},
                inputs=None, title="few")  # fmt: skip
    content = re.search(r'id="content">(.*?)</script>', path.read_text())
    assert content is not None
    columns = {column["name"]: column["listed"] for column in json.loads(content[1])["columns"]}
    assert (columns["design"], columns["p99_latency_ms"]) == (True, False)
    assert "infeasible_reason" not in columns


def test_a_report_is_one_file_offline_and_holds_no_text_unescaped(tmp_path: Path) -> None:
    text = saved(tmp_path, sweep_rows(60)).read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert re.findall(r'<[^>]*\b(?:src|href)="', text[: text.index('id="content"')]) == []
    assert "default-src 'none'" in text
    assert "<img src" not in text[: text.index("<script>")]
    assert text.count("</script>") == 3
    assert unescape(text).count(f"sushi-dse sweep --policy '{HOSTILE}'") == 1


def test_the_same_results_make_the_same_report(tmp_path: Path) -> None:
    first = saved(tmp_path, sweep_rows(60)).read_bytes()
    assert saved(tmp_path, sweep_rows(60)).read_bytes() == first


def test_a_report_holds_so_many_rows_the_front_and_the_chosen_always() -> None:
    rows = sweep_rows(3 * MOST_ROWS)
    marked = mark(rows, OBJECTIVES, designs=[7])
    listed = listed_rows(marked, MOST_ROWS)
    assert len(listed) == MOST_ROWS
    names = listed[["design", "policy"]].apply(tuple, axis=1)
    assert names.is_unique
    front = marked.front[["design", "policy"]].apply(tuple, axis=1)
    assert names[: len(front)].tolist() == front.tolist()
    assert set(marked.chosen[["design", "policy"]].apply(tuple, axis=1)) <= set(names)
    assert listed.loc[listed["mark"] == "knee", "design"].tolist() == [
        marked.knee_row["design"].iloc[0]
    ]


def test_a_front_longer_than_a_page_keeps_its_ends_and_its_knee() -> None:
    count = 2 * MOST_ROWS
    rows = sweep_rows(count)
    along = np.linspace(0, 1, count)
    rows["mean_latency_ms"], rows["dsp"] = 1 + along, 1 + (1 - along) ** 2
    marked = mark(rows, [OBJECTIVES[0], OBJECTIVES[2]])
    assert len(marked.front) == count
    listed = listed_rows(marked, MOST_ROWS)
    assert len(listed) == MOST_ROWS
    knee = marked.knee_row["mean_latency_ms"].iloc[0]
    assert listed.loc[listed["mark"] == "knee", "mean_latency_ms"].tolist() == [knee]
    assert {1.0, 2.0} <= set(listed["mean_latency_ms"])


@pytest.mark.parametrize("colour", ["policy", "mean_latency_ms"])
def test_the_charts_are_figures_of_plotly_that_show_every_listed_row(colour: str) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    rows = sweep_rows(300)
    rows["mean_latency_ms"] **= 3  # over decades, so both scales are logarithmic
    marked = mark(rows, OBJECTIVES, colour="policy" if colour == "policy" else METRICS[colour],
                  designs=[4])  # fmt: skip
    listed = listed_rows(marked)
    front, parallel = (panel_chart(p(marked, listed)) for p in (front_panel, parallel_panel))
    for chart in (front, parallel):
        go.Figure({"data": chart["data"], "layout": chart["layout"]})
        entries = [trace["name"] for trace in chart["data"] if trace["showlegend"]]
        assert len(set(entries)) == len(entries)
    traces = [trace for trace in front["data"] if trace["mode"] == "markers"]
    points = {row: (x, y) for t in traces
              for row, x, y in zip(t["customdata"], t["x"], t["y"], strict=True)}  # fmt: skip
    assert len(points) == len(rows)
    for row, (x, y) in points.items():
        at = [listed[metric.name][row] for metric in marked.axes]
        assert (x, y) == pytest.approx(at, rel=1e-6)
