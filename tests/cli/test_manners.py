"""Manners of the command line: completion, one-line mistakes, silence, pipes, estimates."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from sushi_dse.cli import app, main
from sushi_dse.cli import names as completion
from sushi_dse.config.boards import boards
from sushi_dse.config.hardware_file import hardware_names
from sushi_dse.config.workload_file import workload_names
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import METRICS
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.explore.blocks import part_of
from sushi_dse.explore.estimate import PIECES, estimate_sweep, pieces
from sushi_dse.explore.sweep import Sweep
from sushi_dse.policies.catalogue import POLICIES
from sushi_dse.store.parts import part_bytes
from sushi_dse.traces.generators import DEMANDS
from tests import paths

ROOT = paths.ROOT
TINY = str(ROOT / "tests" / "data" / "tiny.yaml")
WRITERS = {"export", "schema", "calibrate", "pareto plot", "workload import"}  # print no rows


def ends(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> tuple[object, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    said = capsys.readouterr()
    return stop.value.code or 0, said.out, said.err


def program(arguments: Sequence[str], **keywords: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "sushi_dse", *arguments], stderr=subprocess.PIPE, text=True,
        **keywords,
    )  # fmt: skip


# Completion


@pytest.mark.parametrize(
    ("complete", "names"),
    [
        (completion.hardware, hardware_names()),
        (completion.workloads, workload_names()),
        (completion.policies, POLICIES),
        (completion.metrics, METRICS),
        (completion.devices, boards()),
        (completion.demands, DEMANDS),
        (completion.traces, DEMANDS),
    ],
    ids=["hardware", "workloads", "policies", "metrics", "devices", "demands", "traces"],
)
def test_every_name_and_no_other_is_completed(
    complete: completion.Completion, names: Sequence[str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert complete("") == sorted(names)
    for name in names:
        assert complete(name[:2]) == sorted(n for n in names if n.startswith(name[:2]))
    assert complete("\0") == []


def test_files_of_the_users_own_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("boards/mine.yaml", "boards/mine.csv", "boards/deep/x.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert completion.hardware("bo") == ["boards/"]
    assert completion.hardware("boards/") == ["boards/deep/", "boards/mine.yaml"]
    assert completion.traces("boards/m") == ["boards/mine.csv"]
    assert completion.hardware(f"{tmp_path}/boards/m") == [f"{tmp_path}/boards/mine.yaml"]
    assert completion.hardware("gone/") == []


SLOW = {"numpy", "yaml", "numba", "pandas", "pyarrow"}


def completed(*words: str) -> list[str]:
    """What bash is given when the last of `words` is being typed."""
    environment = os.environ | {
        "COMP_WORDS": " ".join(["sushi-dse", *words]), "COMP_CWORD": str(len(words)),
        "_SUSHI_DSE_COMPLETE": "complete_bash", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    script = (
        "import sys\nfrom sushi_dse.cli import main\ntry:\n    main()\nfinally:\n"
        f"    print(*sorted({SLOW!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    *names, imported = done.stdout.splitlines()
    assert imported == "", "a shell asks at each press of a key"
    return names


def test_the_names_that_a_shell_completes_import_nothing_slow() -> None:
    slow = SLOW | {"pydantic"}  # which typer imports by itself to complete
    script = f"import sys, sushi_dse.cli.names\nprint(*sorted({slow!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "\n"


def test_a_shell_completes_names_and_imports_nothing_slow() -> None:
    assert completed("compare", "policies", "--policy", "sl") == ["slackfit", "slo-nn"]
    assert completed("describe", "metric", "p9") == ["p95_latency_ms", "p99_latency_ms"]
    assert "alveo_u50" in completed("cost", "--hw", "alv")


NAMED = {"hw", "workload", "policy", "device", "objective", "trace", "colour", "cheapest_by"}


def test_every_option_that_takes_a_name_is_completed() -> None:
    def commands(group: Any) -> Iterator[Any]:
        for command in group.commands.values():
            yield from commands(command) if hasattr(command, "commands") else [command]

    for command in commands(typer.main.get_command(app)):
        for option in command.params:
            if option.param_type_name == "option" and option.name in NAMED:
                assert option.shell_complete(typer.Context(command), ""), (
                    f"{command.name} {option.name}"
                )


# Mistakes on the command line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("sweep", "--queries", "x"),
            "--queries: 'x' should be a valid integer; see sushi-dse sweep --help",
        ),
        (
            ("sweep", "--queries=0"),
            "--queries: '0' should be greater than or equal to 1; see sushi-dse sweep --help",
        ),
        (
            ("describe", "metric", "--format", "yml"),
            "--format: 'yml' is not one of 'table', 'json', 'jsonl', 'csv', 'markdown'; "
            "see sushi-dse describe --help",
        ),
        (
            ("pareto", "show"),
            "Missing argument 'results'; see sushi-dse pareto show --help",
        ),
        (
            ("paretto", "show"),
            "No such command 'paretto'. Did you mean 'pareto'?; see sushi-dse --help",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_usage_error_is_one_line_that_says_what_and_where_to_look(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], line: str
) -> None:
    assert ends(capsys, arguments) == (2, "", f"error: {line}\n")


@settings(max_examples=30)
@given(st.lists(st.sampled_from(
    ["sweep", "pareto", "show", "cost", "--hw", "--queries", "=", "--queries=", "--", "-", "-x",
     "--seed", "-1", "1e3", "--format", "é\n", "[red]", "describe", "trace", "--quiet"]
), min_size=1, max_size=4).filter(lambda words: "--hw" in words or "-x" in words))  # fmt: skip
def test_no_words_on_the_command_line_end_in_a_traceback(words: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sushi_dse.config.hardware_file.load_hardware", refuse)
        with pytest.raises(SystemExit) as stop:  # an option that wants a value takes the "x"
            main([*words, "x", "--no-such-option"])
    assert stop.value.code == 2


def refuse(name: str) -> None:
    raise AssertionError(f"{name} was read for a command that cannot be")


def test_a_group_without_a_command_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ends(capsys, ["pareto"])
    assert code == 2
    assert "hypervolume" in out + err
    assert "error:" not in err


# Silence, colours, pipes


@pytest.mark.parametrize("place", ["first", "last"])
def test_quiet_leaves_results_and_errors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    def quiet(*words: str) -> list[str]:
        return ["--quiet", *words] if place == "first" else [*words, "--quiet"]

    out = str(tmp_path / "trace.csv")
    generate = ("trace", "generate", "--queries", "9", "--out", out)
    assert "wrote" in ends(capsys, generate)[2]
    assert ends(capsys, quiet(*generate)) == (0, "", "")
    code, printed, said = ends(capsys, quiet("trace", "describe", out))
    assert (code, said) == (0, "")
    assert "9" in printed
    code, _, said = ends(capsys, quiet("trace", "describe", "missing.csv"))
    assert code == 2
    assert said.startswith("error: missing.csv")


def test_no_color_is_respected_where_colour_is_forced() -> None:
    for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {
            "FORCE_COLOR": "1", "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **variables
        }  # fmt: skip
        help_text = program(["--help"], stdout=subprocess.PIPE, env=environment).communicate()[0]
        assert bool(re.search(r"\x1b\[[\d;]*3\d", help_text)) == coloured


@pytest.mark.parametrize("printed", ["table", "json"])
def test_a_reader_that_leaves_is_no_error_and_a_full_disk_is_one_line(printed: str) -> None:
    arguments = ["describe", "metric", "--format", printed]
    with program(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = program(arguments, stdout=full)
        assert (
            process.communicate()[1]
            == "error: standard output: No space left on device; mend that\n"
        )
    assert process.returncode == 2


# Formats


def options_of(group: Any, prefix: str = "") -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= options_of(command, f"{prefix}{name} ")
        else:
            found[f"{prefix}{name}"] = {word: p for p in command.params for word in p.opts}
    return found


COMMANDS = options_of(typer.main.get_group(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_prints_rows_prints_them_in_every_format(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    if name in WRITERS or name.startswith(("trace generate", "trace import")):
        assert "--format" not in COMMANDS[name]
        return
    assert "--format" in COMMANDS[name]
    code, _, said = ends(capsys, [*name.split(), "--format", "yml"])
    assert code == 2
    for form in ("table", "json", "jsonl", "markdown"):
        assert f"'{form}'" in said


# Estimates


@given(st.integers(1, 10**9), st.integers(1, 20_000))
def test_the_sample_is_spread_over_the_space_in_pieces_of_one_length(
    designs: int, length: int
) -> None:
    sample = sorted(pieces(designs, length), key=lambda piece: piece[0])
    assert all(before[-1] < after[0] for before, after in pairwise(sample))
    assert 0 <= sample[0][0] <= sample[-1][-1] < designs
    assert all(len(piece) == length for piece in sample[:-1])
    assert sum(map(len, sample)) == min(designs, PIECES * length)
    assert sample[-1][-1] >= designs // 2  # not of its first designs alone


@pytest.mark.parametrize("trace", ["random-walk", "none"])
def test_an_estimate_counts_exactly_and_is_near_in_bytes_and_time(
    tmp_path: Path, trace: str
) -> None:
    policies = ["sushi", "no-sgs"] if trace != "none" else ["no-sgs"]
    experiment = load_experiment(TINY, trace=trace, policies=policies, queries=200)
    designs = experiment.space.size
    sweep = Sweep(experiment, out=tmp_path / "gone")
    estimate: dict[str, Any] = estimate_sweep(sweep, workers=2)
    started = time.perf_counter()
    rows = evaluate(experiment, range(designs))
    seconds = time.perf_counter() - started
    assert (estimate["designs"], estimate["blocks"], estimate["workers"]) == (designs, 1, 1)
    assert estimate["finished_blocks"] == 0
    assert abs(estimate["rows"] - rows.num_rows) <= 0.5 * rows.num_rows
    assert 0.5 < estimate["bytes_on_disk"] / len(part_bytes(rows)) < 2
    assert 0.02 < estimate["seconds"] / seconds < 50  # of a machine that others use too
    assert not list(tmp_path.iterdir())


def test_an_estimate_of_kept_fronts_is_of_fronts() -> None:
    experiment = load_experiment("zcu104_space", trace="none", policies=["no-sgs"])
    sweep = Sweep(experiment, ["mean_latency_ms"], how="front")
    estimate = estimate_sweep(sweep, workers=1)
    whole = part_of(experiment, sweep.metrics, range(experiment.space.size))
    assert estimate["rows"] == pq.read_metadata(pa.BufferReader(whole)).num_rows
