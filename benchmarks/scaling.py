r"""How the time and memory of a sweep grow with its designs, as one JSON document.

    python -m benchmarks.scaling --plot results/reference/scaling.png \
        > results/reference/scaling.json

Each row is a run of `sushi-dse sweep` into an empty folder, start and end of the processes
included.  Peak memory is the sum of what each process of the run held at most, pages that they
share counted for each: no less than the run ever held.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from sushi_dse.plots.files import save_figure
from sushi_dse.plots.style import (
    FRONT_MARKER,
    GRID,
    LINE_WIDTH,
    MID_GREY,
    SIZE_INCHES,
    label_plainly,
    look,
)
from sushi_dse.report.formats import print_document

POLICIES = ("no-sgs", "sushi", "static-subgraph", "latency-aware")


class Setting(NamedTuple):
    """The options of a run besides its space."""

    trace: str
    policies: tuple[str, ...]
    queries: int | None = None
    keep: str = "all"  # rows that are kept: `all` or `front`

    @property
    def options(self) -> list[str]:
        """The options as words of the command."""
        words = ["--trace", self.trace, "--keep", self.keep]
        words += [word for policy in self.policies for word in ("--policy", policy)]
        return words + (["--queries", str(self.queries)] if self.queries else [])

    @property
    def title(self) -> str:
        """The setting in a few words."""
        if self.queries is None:
            return f"without a trace, {self.keep} kept"
        return f"{len(self.policies)} policies, {self.queries:,} queries"


WITHOUT_TRACE = Setting("none", ("static-subgraph",))
FRONTS_ALONE = Setting("none", ("static-subgraph",), keep="front")
WITH_TRACE = Setting("random-walk", POLICIES, 10_000)
RUNS = {
    WITHOUT_TRACE: (100, 10_000, 100_000, 1_000_000),
    FRONTS_ALONE: (100, 10_000, 1_000_000, 100_000_000),
    WITH_TRACE: (100, 1000, 10_000),
}
FINE_VALUES = {100: (1, 1), 1000: (2, 5), 10_000: (10, 10), 100_000: (20, 50),
               1_000_000: (100, 100), 100_000_000: (1000, 1000)}  # fmt: skip # of bandwidth, clock
KEYS = ("designs", "seconds")  # figures on the axes of the plot
POLL_S = 0.05
COMMAND = "python -m benchmarks.scaling"
SUSHI_DSE = Path(sys.executable).with_name("sushi-dse")

Row = dict[str, object]


def space_of(designs: int) -> dict[str, object]:
    """A hardware file of so many designs, all of which fit the ZCU104."""
    bandwidths, clocks = FINE_VALUES[designs]
    return {
        "extends": "zcu104",
        "pe_kernels": [8, 12, 16, 20],
        "pe_channels": [6, 8, 9, 12, 16],
        "persistent_buffer_kib": [512, 1024, 1536, 2048, 3072],
        "port_bytes_per_cycle": np.linspace(5, 20, bandwidths).tolist(),
        "clock_mhz": np.linspace(100, 250, clocks).tolist(),
    }


def family(process: int) -> Iterator[int]:
    """A process and its live descendants (Linux)."""
    yield process
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        started = [text for task in tasks for text in (task / "children").read_text().split()]
    except OSError:  # The process has ended.
        return
    for child in started:
        yield from family(int(child))


def peak_kib(process: int) -> int:
    """The peak memory of a process so far, in kB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def measured(command: Sequence[str | Path]) -> tuple[float, float]:
    """Run a command; the result is its seconds, and the sum of its processes' peaks in MiB."""
    peaks: dict[int, int] = {}
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            for member in family(process.pid):
                peaks[member] = max(peaks.get(member, 0), peak_kib(member))
            time.sleep(POLL_S)
        seconds = time.perf_counter() - started
        if process.returncode:
            assert process.stderr is not None
            raise SystemExit(process.stderr.read().decode())
    return seconds, sum(peaks.values()) / 1024


def run(setting: Setting, designs: int, folder: Path) -> Row:
    """The time and memory of a sweep of so many designs into a new folder."""
    hardware, out = folder / "space.yaml", folder / "results"
    hardware.write_text(yaml.safe_dump(space_of(designs)), encoding="utf-8")
    try:
        seconds, peak_mib = measured(
            [SUSHI_DSE, "sweep", "--hw", hardware, "--out", out, *setting.options]
        )
        stored = sum(file.stat().st_size for file in out.iterdir())
    finally:
        shutil.rmtree(out, ignore_errors=True)
    print(f"{setting.title}: {designs:,} designs in {seconds:.1f} s", file=sys.stderr)
    return {
        "setting": setting.title,
        **setting._asdict(),
        "designs": designs,
        "seconds": seconds,
        "designs_per_s": designs / seconds,
        "peak_mib": peak_mib,
        "stored_mib": stored / 2**20,
    }


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw seconds against designs, a line that starts and then grows as they do, and slope 1.

    The line of a kind goes through its first and last run; those between show whether it is so.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    ax = figure.add_subplot(xscale="log", yscale="log")
    for number, setting in enumerate(RUNS):
        own = [row for row in rows if row["setting"] == setting.title]
        designs, seconds = (np.array([row[key] for row in own], float) for key in KEYS)
        design_s = (seconds[-1] - seconds[0]) / (designs[-1] - designs[0])
        start_s = seconds[0] - design_s * designs[0]
        colour, marker, dash, _ = look(number)
        ax.plot(designs, design_s * designs, color=MID_GREY, ls=dash, lw=LINE_WIDTH,
                label=None if number else "slope 1: without the start")  # fmt: skip
        walk = np.geomspace(designs[0], designs[-1])
        ax.plot(walk, start_s + design_s * walk, color=colour, ls=dash, lw=LINE_WIDTH)
        name = f"{setting.title}: {start_s:.1f} s + {1e3 * design_s:.2g} ms a design"
        ax.plot(designs, seconds, color=colour, marker=marker, ls="none", ms=FRONT_MARKER,
                label=name)  # fmt: skip
    least = min(np.array([row["seconds"] for row in rows], float))
    ax.set(xlabel="designs", ylabel="wall time (s)", ylim=(least / 2, None))
    ax.grid(color=GRID, lw=0.8)
    ax.set_axisbelow(True)
    label_plainly(ax.yaxis)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(loc="outside upper left", frameon=False)
    save_figure(figure, path)


def main() -> None:
    """Run all, print the document and, if asked, draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, help="a .png, .svg or .pdf of time against designs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [run(setting, n, Path(folder)) for setting, counts in RUNS.items() for n in counts]
    print_document({"command": COMMAND, "cores": os.cpu_count(), "rows": rows})
    if arguments.plot:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
