from pathlib import Path

import pytest

from sushi_dse.cli import main
from tests import paths
from tests.commands import Run

TINY = str(paths.TINY)
MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept") / "results"
    with pytest.raises(SystemExit) as stop:
        main(["sweep", "--hw", TINY, "--queries", "60", "--out", str(folder)])
    assert not stop.value.code
    return folder


@pytest.fixture
def trace(tmp_path: Path, run: Run) -> Path:
    path = tmp_path / "trace.csv"
    assert run("trace", "generate", "--queries", 50, "--arrivals", "mmpp", "--out", path)[0] == 0
    return path


COMMANDS = {
    "cost": ("cost", "--subnet", "F", "--subgraph", "F/value"),
    "validate": ("validate",),
    "compare": ("compare", "policies", "--queries", "60"),
    "describe": ("trace", "describe"),
}


@pytest.mark.parametrize("suffix", [".png", ".html"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_plot_is_written_beside_what_is_printed(
    tmp_path: Path, run: Run, trace: Path, name: str, suffix: str
) -> None:
    command = (*COMMANDS[name], *([trace] if name == "describe" else []))
    plot = tmp_path / f"plot{suffix}"
    code, out, err = run(*command, "--plot", plot)
    assert code == 0
    assert plot.read_bytes().startswith(MAGIC[suffix])
    assert err.splitlines() == [f"wrote {plot}"]
    assert "│" in out or "─" in out  # the table


@pytest.mark.parametrize("name", [*COMMANDS, "pareto"])
@pytest.mark.parametrize("file", ["plot.jpg", "missing/plot.png"])
def test_a_plot_that_cannot_be_written_stops_the_command_before_it_prints(
    tmp_path: Path, run: Run, trace: Path, swept: Path, name: str, file: str
) -> None:
    command = {"describe": ("trace", "describe", trace), "pareto": ("pareto", "plot", swept)}.get(
        name, COMMANDS.get(name, ())
    )
    option = "--out" if name == "pareto" else "--plot"
    code, out, err = run(*command, option, tmp_path / file)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert file in err


def test_a_missed_threshold_still_draws(tmp_path: Path, run: Run) -> None:
    plot = tmp_path / "plot.svg"
    condition = ("--fail-if", "sushi.mean_latency_ms > 0")
    assert run(*COMMANDS["compare"], *condition, "--plot", plot)[0] == 1
    assert plot.exists()


def test_a_front_of_what_does_not_differ_says_so(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "results"
    assert (
        run(
            "sweep",
            "--policy",
            "no-sgs",
            "--queries",
            9,
            "--hw",
            "zcu104",
            "--service-level",
            1,
            "--out",
            out,
        )[0]
        == 0
    )
    code, _, err = run("pareto", "plot", out)
    assert code == 0
    assert "mean_accuracy_percent is the same in every row; --objective names others" in err


@pytest.mark.parametrize("suffix", MAGIC)
def test_a_front_is_drawn_with_labels(tmp_path: Path, run: Run, swept: Path, suffix: str) -> None:
    path = tmp_path / f"front{suffix}"
    code, out, err = run("pareto", "plot", swept, "--label", 3, "--label", 0, "--out", path)
    assert (code, out, err) == (0, "", f"wrote {path}\n")
    assert path.read_bytes().startswith(MAGIC[suffix])


def test_four_objectives_are_drawn_in_parallel_and_a_kind_can_be_named(
    tmp_path: Path, run: Run, swept: Path
) -> None:
    objectives = [
        word
        for name in ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query", "dsp")
        for word in ("--objective", name)
    ]
    drawn = {}
    for kind in ((), ("--kind", "parallel"), ("--kind", "front")):
        path = tmp_path / f"{'-'.join(kind)}plot.png"
        assert run("pareto", "plot", swept, *objectives, *kind, "--out", path)[0] == 0
        drawn[kind] = path.read_bytes()
    assert drawn[()] == drawn["--kind", "parallel"] != drawn["--kind", "front"]


def test_a_report_says_which_commands_made_it(tmp_path: Path, run: Run, swept: Path) -> None:
    path = tmp_path / "report.html"
    assert run("pareto", "plot", swept, "--colour", "dsp", "--out", path)[0] == 0
    text = path.read_text()
    assert "<dt>swept by</dt><dd><code>sushi-dse" in text
    assert "<dt>drawn by</dt><dd><code>sushi-dse" in text
    assert '"name":"dsp"' in text  # the colour is a column too
    code, _, err = run("pareto", "plot", swept, "--kind", "front", "--out", path)
    assert code == 2
    assert "leave --kind out" in err


def test_a_report_of_a_folder_without_its_run_is_refused(
    tmp_path: Path, run: Run, swept: Path
) -> None:
    for part in swept.glob("part-*"):
        (tmp_path / part.name).write_bytes(part.read_bytes())
    code, _, err = run("pareto", "plot", tmp_path, "--out", tmp_path / "report.html")
    assert code == 2
    said = f"error: {tmp_path}: holds no run.json; name the folder of a sweep"
    assert err.splitlines() == [said]


def test_a_design_that_is_not_there_cannot_be_labelled(
    tmp_path: Path, run: Run, swept: Path
) -> None:
    code, _, err = run("pareto", "plot", swept, "--label", 99, "--out", tmp_path / "front.png")
    assert code == 2
    assert "design 99 cannot be labelled" in err


def test_a_folder_that_is_not_there_is_told_before_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    plots = (("plot", "gone"), ("plot", "gone", "--out", "a.svg"), ("plot", "gone", "--x", "dsp"))
    for words in (*plots, ("show", "gone"), ("hypervolume", "gone")):
        done = run("pareto", *words)
        assert (done.code, done.err) == (
            2,
            "error: gone: no such folder; name the folder of a sweep\n",
        )
