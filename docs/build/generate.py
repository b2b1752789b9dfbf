"""Write the parts of README and docs that commands print; run by `make figures`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`.  `tests/test_docs.py` runs the
same functions and compares, so that no figure in the text is older than the model.
"""

import contextlib
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import supernets
from benchmarks.rivals import shown_table
from docs.build import rivals
from docs.build.api import api
from docs.build.figures import FIGURES
from docs.build.reference import assumptions, cli
from docs.build.scale_out import growth, scale
from sushi_dse.cli import main
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.evaluation.metrics import metrics_table_markdown
from sushi_dse.policies.catalogue import POLICIES

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
REFERENCE = ROOT / "results" / "reference"
PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
LOADS = ("compare", "policies", "--policy", "no-sgs", "--policy", "infaas", "--policy", "slackfit",
         "--arrivals", "mmpp", "--slo-target", "0.3", "--loads", "0.1:0.7:4")  # fmt: skip
TIMES = re.compile(r"\bin \d+\.\d s\b")  # times of this machine, which are no figures of the model


def printed(*arguments: str) -> str:
    """The text that a command prints on standard output."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.suppress(SystemExit):
        main(list(arguments))
    return "\n".join(line.rstrip() for line in stream.getvalue().strip("\n").splitlines())


def fenced(*arguments: str) -> str:
    """A command and its output as a fenced block."""
    return f"```text\n$ sushi-dse {' '.join(arguments)}\n{printed(*arguments)}\n```\n"


def calibration() -> str:
    """The fitted constants, and the error of the validation."""
    base = load_hardware("zcu104_measured").space.base
    rows = [
        ("`launch_us`", f"{base.launch_us:.2f}", "a layer's launch from the host"),
        ("`port_bytes_per_cycle`", f"{base.port_bytes_per_cycle:.2f}",
         f"that the port takes: {base.port_gb_per_s:.2f} GB/s at {base.clock_mhz:g} MHz"),
        ("`fill_cycles`", f"{base.fill_cycles:.2f}", "to fill the pipeline with a tile's input"),
        ("`drain_cycles`", f"{base.drain_cycles:.2f}",
         "until the last outputs of a tile have left"),
    ]  # fmt: skip
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    errors = printed("validate").split("By SubNet;")[1]
    return (
        f"| constant | value | of |\n|---|---|---|\n{table}\n\n"
        f"```text\n$ sushi-dse validate\n...\nBy SubNet;{errors}\n```\n"
    )


def sweep() -> str:
    """The output of the default sweep; its front is written to `results/reference`, too."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "default")
        text = TIMES.sub("in a few seconds", printed("sweep", "--out", out))
        text = text.replace(out, "results/default")
        main_plot = Path(folder) / "front.png"
        printed("pareto", "plot", out, "--out", str(main_plot))
        REFERENCE.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(main_plot, REFERENCE / "front.png")
        (REFERENCE / "front.md").write_text(
            "The front of the default sweep, as `sushi-dse pareto show results/default --format "
            "markdown` prints it after `make sweep`.\n\n"
            + printed("pareto", "show", out, "--format", "markdown")
            + "\n",
            encoding="utf-8",
        )
    return f"```text\n$ make sweep\n{text}\n...\n```\n"  # what else it prints is another command's


def exact() -> str:
    """The output of an exact sweep of a thousand million designs, and of its check."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "exact")
        swept = ("sweep", "--hw", "zcu104_large_space", "--exact", "--out")
        front, checked = printed(*swept, out), ("--hw", "zcu104_large_space")
        verified = printed("pareto", "verify", out, *checked)
    return (
        f"```text\n$ sushi-dse {' '.join(swept)} results/exact\n"
        f"{TIMES.sub('in a few seconds', front).replace(out, 'results/exact')}\n"
        f"$ sushi-dse pareto verify results/exact {' '.join(checked)}\n{verified}\n```\n"
    )


def policies() -> str:
    """The table of the policies and their rules."""
    rows = [f"| `{name}` | {policy.summary} |" for name, policy in POLICIES.items()]
    return "\n".join(["| policy | rule |", "|---|---|", *rows])


def reproduction() -> str:
    """The first part of what `reproduce` prints: what was measured."""
    measured = printed("reproduce").partition("\nPublished, and modelled")[0].rstrip()
    return f"```text\n$ sushi-dse reproduce\n{measured}\n...\n```\n"


PARTS: dict[str, Callable[[], str]] = {
    "api": api,
    "assumptions": assumptions,
    "calibration": calibration,
    "cli": cli,
    "exact": exact,
    "compare": lambda: fenced("compare", "policies", "--mode", "strict-accuracy"),
    "loads": lambda: fenced(*LOADS),
    "policies": policies,
    "metrics": metrics_table_markdown,
    "reproduce": reproduction,
    "gati-speedups": rivals.gati_speedups,
    "gati-streams": rivals.gati_streams,
    "rivals": shown_table,
    "slo-nn-boards": rivals.slo_nn_boards,
    "slo-nn-difficulty": rivals.slo_nn_difficulty,
    "slo-nn-speedups": rivals.slo_nn_speedups,
    "growth": growth,
    "scale": scale,
    "supernets-choose": lambda: fenced("subnets", "--workload", "us_mobilenet_v1", "--choose", "4"),
    "sweep": sweep,
    **supernets.TABLES,
}


def generated(document: Path) -> str:
    """The text of a document with every part made anew."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}{PARTS[match['name']]().rstrip()}\n{match[3]}"

    return PART.sub(part, document.read_text(encoding="utf-8"))


def write() -> None:
    """Write every document, the reference results and the figures."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        draw(REFERENCE / name)
    for document in DOCUMENTS:
        document.write_text(generated(document), encoding="utf-8")
        print(f"wrote {document.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    write()
