"""Commands say what their results stand on."""

from pathlib import Path

import pytest

from tests.commands import Run

SPACE = "extends: zcu104\nclock: [100 MHz, 200 MHz]\nport_bytes_per_cycle: [20.2601, 200]\n"
ASSUMED = "assumed are ZCU104 at 100 to 200 MHz and 2.026 to 13.44 GB/s"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE)
    Path("fast.yaml").write_text("extends: zcu104\nclock: 200 MHz\n")
    Path("own.yaml").write_text("extends: zcu104\npe_kernels: 8\n")
    return tmp_path


def test_a_line_says_where_constants_are_another_boards(files: Path, run: Run) -> None:
    del files
    sweep = ("sweep", "--hw", "space.yaml", "--queries", "20", "--out", "rows")
    for command in (
        ("describe", "hw", "space.yaml"),
        sweep,
        ("search", "--hw", "space.yaml", "--trials", "4", "--queries", "20", "--out", "found"),
        ("recommend", "--hw", "space.yaml"),
        ("recommend", "rows"),
    ):
        done = run(*command)
        assert done.code == 0
        assert ASSUMED in " ".join((done.out + done.err).split()), command
    assert ASSUMED in run(*sweep, "--format", "json").document["standing"]["borrowed_constants"]
    one: list[tuple[str, ...]] = [("cost",), ("compare", "policies", "--queries", "20")]
    for words in one:
        assert "assumed are ZCU104 at 200 MHz" in run(*words, "--hw", "fast.yaml").out
        assert "assumed are" not in run(*words, "--hw", "own.yaml").out


def test_the_share_of_the_latency_on_measured_layers_is_told(files: Path, run: Run) -> None:
    del files
    for hw, least in (("own.yaml", 0.3), ("fast.yaml", 0.0), ("vcu118_64x64", 0.8)):
        compared = run("compare", "policies", "--hw", hw, "--queries", "20", "--format", "json")
        shares = compared.document["standing"]["latency_shares"]
        assert list(shares) == ["measured", "same equations", "assumed"]
        assert least <= shares["measured"][0] <= shares["measured"][1]
        cost = run("cost", "--hw", hw, "--format", "json").document
        own = cost["total"]["measured_latency_share"]
        assert shares["measured"][0] <= own * (1 + 1e-9) <= shares["measured"][1] * (1 + 2e-9)
        latency_us = sum(row["latency_us"] for row in cost["layers"])
        measured = (row for row in cost["layers"] if row["evidence"] == "measured")
        assert own == pytest.approx(sum(row["latency_us"] for row in measured) / latency_us)


def test_a_calibrated_file_stands_on_the_layers_that_it_was_fitted_on(
    files: Path, run: Run
) -> None:
    del files
    assert run("calibrate", "--out", "mine.yaml", "--subnet", "A").code == 0
    facts = run("describe", "hw", "mine.yaml", "--format", "json").document
    assert facts["evidence for conv3x3"] == "measured"
    assert facts["evidence for conv1x1"] == "assumed"
    assert "borrowed constants" not in facts


def test_rivals_whose_rates_are_assumptions_are_marked_in_every_form(files: Path, run: Run) -> None:
    del files
    policies = ("--policy", "sushi", "--policy", "slo-nn", "--policy", "gati", "--queries", "30")
    compare = ("compare", "policies", *policies)
    for repeats in ((), ("--repeats", "3")):
        done = run(*compare, *repeats)
        assert "slo-nn (assumed rates)" in done.out
        assert "no ranking against slo-nn, gati is a finding" in done.out
        assert "gati (assumed rates)" in run(*compare, *repeats, "--format", "markdown").out
        rows = run(*compare, *repeats, "--format", "json").document["rows"]
        marks = {row["policy"]: row["rests_on_assumptions"] for row in rows}
        assert marks == {"sushi": False, "slo-nn": True, "gati": True}
        verdicts = {row.get("verdict") for row in rows if row["rests_on_assumptions"]}
        assert verdicts == ({"assumed rates"} if repeats else {None})
    run("sweep", "--hw", "space.yaml", *policies, "--out", "rows")
    for words in (("pareto", "show", "rows"), ("recommend", "rows", "--policy", "slo-nn")):
        assert "slo-nn (assumed rates)" in run(*words).out
        document = run(*words, "--format", "json").document
        rows = document["front" if words[0] == "pareto" else "rows"]
        assert all(row["rests_on_assumptions"] for row in rows if row["policy"] != "sushi")
    run("pareto", "plot", "rows", "--out", "front.svg")
    run(*compare, "--plot", "served.svg")
    for picture in ("front.svg", "served.svg"):
        assert "slo-nn (assumed rates)" in Path(picture).read_text()
