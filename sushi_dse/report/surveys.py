"""What is printed of a survey: its front for readers, its counts, and the decision."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sushi_dse.errors import printable
from sushi_dse.evaluation.experiment import served_words
from sushi_dse.explore.folding import TOLERANCE_PERCENT, Folded, folded
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.report.formats import cell_text, print_rows
from sushi_dse.report.printing import say
from sushi_dse.report.views import note_caveats, print_standing, tell_caveats
from sushi_dse.units import label

if TYPE_CHECKING:
    from sushi_dse.explore.survey import Survey

SWEEP_ROWS = 10  # rows of the front that stand above a decision, evenly spaced
LABEL_LETTERS, CELL_LETTERS = 14, 15  # of a decision: with five designs 99 columns
MOST_LETTERS = 100  # of a sentence on a line
# The lines of a decision, and the columns that each of them shows.
LINES = {
    "design": ("design",),
    "array": ("pe_kernels", "pe_channels", "pe_pixels"),
    "multiplier bits": ("multiplier_bits",),
    "persistent KiB": ("persistent_buffer_kib",),
    "streaming KiB": ("streaming_buffer_kib",),
    "output KiB": ("output_buffer_kib",),
    "clock MHz": ("clock_mhz",),
    "off-chip GB/s": ("offchip_gb_per_s",),
    "policy": ("policy",),
    "service level": ("service_level",),
    "SubNet": ("subnet",),
    "demands kept": ("demands_kept",),
    "front share": ("front_share",),
    "latency ms": ("mean_latency_ms",),
    "accuracy %": ("mean_accuracy_percent",),
    "energy mJ": ("energy_mj_per_query",),
    "power W": ("mean_power_w",),
    "DSP": ("dsp",),
    "BRAM36": ("bram36",),
    "URAM288": ("uram288",),
}


def print_sweep(
    summary: Mapping[str, Any],
    found: "Survey",
    output_format: str,
    tolerance_percent: float = TOLERANCE_PERCENT,
) -> None:
    """Some rows of the front of a sweep or of a search, the counts, and the decision."""
    idle = summary.get("idle_axes", ())
    shown = folded(found.front, found.metrics, tolerance_percent=tolerance_percent, idle=idle)
    some = shown.some(SWEEP_ROWS) if output_format == "table" else shown
    print_folded(
        some,
        summary["front"],
        output_format,
        document=summary,
        title=f"{served_words(summary['mode'], summary['queries'] or 0)}: the front of "
        f"{', '.join(label(name, summary['accuracy_of']) for name in summary['objectives'])}",
        accuracy_of=summary["accuracy_of"],
    )
    note_caveats(summary["standing"]["caveats"], output_format)
    if output_format != "table":
        return
    out = printable(str(summary["out"]))
    if len(some.rows) < len(shown.rows):
        more = len(shown.rows) - len(some.rows)
        say(f"  and {more} between them: sushi-dse pareto show {printable(out)}")
    _print_apart(shown, idle, summary["accuracy_of"])
    _print_counts(summary, out)
    print_standing(summary["standing"])
    print_decision(summary["decision"])


def print_folded(
    shown: Folded,
    front: Sequence[Mapping[str, object]],
    output_format: str,
    *,
    document: Mapping[str, object],
    title: str,
    accuracy_of: str,
) -> None:
    """The rows of a folded front as a table or in Markdown; other forms have the whole front.

    accuracy_of: the metric of the accuracies, for the headings.
    """
    rows: Sequence[Mapping[str, object]] = shown.rows
    if output_format in ("jsonl", "csv"):
        rows = front
    print_rows(
        rows, shown.columns, output_format,
        document=document, title=title, accuracy_of=accuracy_of,
    )  # fmt: skip


def print_front(
    shown: Folded,
    front: Sequence[Mapping[str, object]],
    output_format: str,
    *,
    document: Mapping[str, object],
    title: str,
    accuracy_of: str,
    idle: Iterable[str],
    caveats: Sequence[str],
) -> None:
    """All rows of a folded front by accelerator, and what does not differ between them.

    accuracy_of: the metric of the accuracies; caveats: sentences on how the workload was made.
    """
    if output_format == "table":
        shown = replace(shown, rows=list(_without_repeats(shown.grouped.rows)))
    print_folded(
        shown, front, output_format, document=document, title=title, accuracy_of=accuracy_of
    )
    if output_format == "table":
        _print_apart(shown, idle, accuracy_of)
    tell_caveats(caveats, output_format)


def _without_repeats(rows: Iterable[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    """The rows with a design and its axes once, above all rows of that design."""
    before = None
    for row in rows:
        own = ("design", *AXIS_ORDER) if row["design"] == before else ()
        yield {name: None if name in own else value for name, value in row.items()}
        before = row["design"]


def _print_apart(shown: Folded, idle: Iterable[str], accuracy_of: str) -> None:
    """The lines on columns that are left out, as their values are the same or change nothing."""
    same = [
        f"{label(name, accuracy_of)} {cell_text(value)}" for name, value in shown.constant.items()
    ]
    if same:
        say(f"the same in every row: {', '.join(same)}")
    names = [label(name) for name in idle]
    if names:
        say(f"changed no objective: {', '.join(names)}")


def _print_counts(summary: Mapping[str, Any], out: str) -> None:
    served = served_words(summary["mode"], summary["queries"] or 0)
    if summary["queries"] is not None:
        served = f"{summary['queries']} queries, {served}"
        if summary["seeds"] > 1:
            served += f", means over {summary['seeds']} seeds"
    if len(summary["service_levels"]) > 1:
        levels = summary["service_levels"]
        served += f", {len(levels)} service levels, {levels[0]:g} to {levels[-1]:g}"
    done = f"{summary['evaluated']} designs evaluated now"
    if "sampler" in summary:
        say(_trials(summary))
        done += f", {summary['repeated']} trials answered from the store"
    else:
        say(_designs(summary))
    if "exact" in summary:
        say(exact_counts(summary["exact"]))
    say(
        f"policies: {printable(', '.join(summary['policies']))}; {served}\n"
        f"{done}, in {summary['seconds']:.1f} s\n"
        f"rows: {printable(out)}/part-*.parquet"
    )


def _designs(summary: Mapping[str, Any]) -> str:
    """The line with the numbers of feasible designs, and of designs that lack a resource."""
    lacking = ", ".join(f"{n} lack {kind}" for kind, n in summary["infeasible_by_resource"].items())
    feasible = summary["designs"] - summary["infeasible"]
    return (
        f"{summary['designs']} designs: {feasible} feasible, {summary['infeasible']} not"
        f"{f' ({lacking})' if lacking else ''}"
    )


def _trials(summary: Mapping[str, Any]) -> str:
    """The line with the number of trials and the size of the space of a search."""
    return (
        f"{summary['designs']} trials of {summary['sampler']} in a space of {summary['space']} "
        f"designs; {summary['infeasible']} designs met that do not fit"
    )


def exact_counts(settled: Mapping[str, int]) -> str:
    """The line with the numbers of designs and boxes that an exact sweep settled in each way."""
    return (
        f"exact: {settled['walked_designs']} walked, {settled['beaten_designs']} in "
        f"{settled['beaten_boxes']} boxes that the front beats, {settled['infeasible_designs']} in "
        f"{settled['infeasible_boxes']} boxes that do not fit the device"
    )


def print_decision(named: Sequence[Mapping[str, Any]]) -> None:
    """The named designs beside each other, and a sentence on each; nothing without any."""
    if not named:
        return
    say("\nDesigns to decide between\n")
    _print_line("", [entry["role"] for entry in named])
    say("-" * (LABEL_LETTERS + len(named) * (CELL_LETTERS + 2)))
    for line, names in LINES.items():
        cells = [[entry[name] for name in names if name in entry] for entry in named]
        if any(cells):
            _print_line(line, [" x ".join(map(cell_text, own)) for own in cells])
    say()
    for entry in named:
        if not entry["given_up"]:
            continue
        say(textwrap.fill(f"{entry['role']}: {entry['given_up']}", MOST_LETTERS))
    for entry in named:
        if "front_share" in entry:
            say(textwrap.fill(f"{entry['role']}: {doubted(entry)}", MOST_LETTERS))


def doubted(entry: Mapping[str, Any]) -> str:
    """A sentence on how often a named design is on the front under draws of the constants."""
    often = f"on the front in {100 * entry['front_share']:.0f} % of the draws"
    thrown = entry["thrown_off_by"]
    return f"{often}; what decides is {label(thrown)} most of all." if thrown else f"{often}."


def _print_line(name: str, cells: Sequence[str]) -> None:
    """A line of a decision, or several where a cell is broken at its words."""
    parts = [textwrap.wrap(printable(cell), CELL_LETTERS) for cell in cells]
    for number in range(max(map(len, parts), default=0)):
        texts = [own[number] if number < len(own) else "" for own in parts]
        row = "".join(f"  {text:<{CELL_LETTERS}}" for text in texts)
        say(f"{name if number == 0 else '':<{LABEL_LETTERS}}{row}".rstrip())
