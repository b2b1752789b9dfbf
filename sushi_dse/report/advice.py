"""The printed results of `explain` and `recommend`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from sushi_dse.evaluation.metrics import Metric
from sushi_dse.report.formats import print_rows
from sushi_dse.report.printing import say
from sushi_dse.report.progress import note
from sushi_dse.report.views import tell_caveats
from sushi_dse.units import label

if TYPE_CHECKING:  # Kernels take a second to import, and printing needs none.
    from sushi_dse.analysis.explain import Explanation
    from sushi_dse.analysis.recommend import Advice, Demands
    from sushi_dse.analysis.worth import Worth
    from sushi_dse.analysis.worth_doubt import DoubtedWorth

TITLES = {
    "bounds": "What bounds each SubNet, in its steady state",
    "moves": "One axis moved by one value",
    "indices": "Sobol indices: the share of the variance over the space that an axis explains",
    "next_blocks": "What the next larger array and buffers buy",
}


def print_explanation(
    found: "Explanation",
    output_format: str,
    *,
    title: str,
    accuracy_of: str,
    caveats: Sequence[str] = (),
) -> None:
    """Print the tables of an explanation, the first under `title`; JSON lines and CSV name it.

    accuracy_of: the metric of the accuracies; caveats: sentences on how the workload was made.
    """
    if output_format == "json":
        document = {
            **found.tables,
            "design": found.facts,
            "policy": found.policy,
            "idle_axes": found.idle_axes,
            "accuracy_of": accuracy_of,
            "caveats": list(caveats),
        }
        print_rows([], [], output_format, document=document)
        return
    lines = [{"table": name, **row} for name, rows in found.tables.items() for row in rows]
    if output_format in ("jsonl", "csv"):
        print_rows(lines, ["table"], output_format, document={})
        tell_caveats(caveats, output_format)
        return
    for name, rows in found.tables.items():
        if not rows:
            continue
        own_title = TITLES.get(name, title)
        if output_format == "markdown":
            say(f"### {own_title}\n")
        print_rows(
            rows, list(rows[0]), output_format,
            document={}, title=own_title, accuracy_of=accuracy_of,
        )  # fmt: skip
        if output_format == "markdown":
            say()
    tell_caveats(caveats, output_format)


def print_advice(
    advice: "Advice",
    demands: "Demands",
    by: Metric,
    output_format: str,
    *,
    served: str,
    accuracy_of: str,
    next_step: str = "",
    caveats: Sequence[str] = (),
) -> None:
    """Print the cheapest design that meets the demands, its runners-up, and what sets its share.

    `accuracy_of` is the metric of the accuracies, `next_step` a command line that says more about
    the recommended design.
    """
    rows, device = advice.rows(), advice.device.name
    title = f"The cheapest by {by.name} on the {device}; {served}"
    if not len(advice.meeting):
        title = f"No design meets the demands on the {device}; {served}"
        note(f"{title}; {'the nearest are shown' if rows else 'none fits it'}")
    document = {
        "device": device,
        "cheapest_by": by.name,
        "served": served,
        "accuracy_of": accuracy_of,
        **asdict(demands),
        "recommended": next((row for row in rows if row["verdict"] == "recommended"), None),
        "share_set_by": advice.share_set_by,
        "explained_by": next_step,
        "caveats": list(caveats),
        "rows": rows,
    }
    if rows or output_format == "json":
        columns = [name for name in rows[0] if name != "rests_on_assumptions"] if rows else []
        print_rows(
            rows, columns, output_format, document=document, title=title, accuracy_of=accuracy_of
        )
    if output_format == "table" and len(advice.meeting):
        say(advice.share_sentence)
        if next_step:
            say(f"why: {next_step}")
    tell_caveats(caveats, output_format)


def print_worth(
    found: "Worth", output_format: str, *, title: str, doubted: "DoubtedWorth | None" = None
) -> None:
    """Print the verdict in a line, the uses of the blocks, and under which readings it holds.

    doubted: the verdicts under draws of the constants, where they were judged.
    """
    from sushi_dse.analysis.worth import BATCHED, holds

    document = asdict(found)
    if doubted is not None:
        document["doubt"] = {**asdict(doubted), "measure_first": doubted.first}
    if output_format == "table":
        say(f"Is SGS worth its blocks ({found.served})? {found.verdict}: {found.because}.")
    rows = found.rows
    if output_format in ("table", "markdown"):
        rows = [{**row, "use": f"{row['use']}: none fits"}
                if row["use"] != BATCHED.name and not _takes_more(row) else row
                for row in found.rows]  # fmt: skip
    print_rows(
        rows, list(rows[0]), output_format,
        document=document, title=title, accuracy_of=found.accuracy_of,
    )  # fmt: skip
    if output_format == "table":
        say(f"{holds(found)}.")
        say(f"{found.beside_batching[0].upper()}{found.beside_batching[1:]}.")
    if doubted is not None and output_format in ("table", "markdown"):
        _print_doubted(doubted, output_format)
    tell_caveats(found.caveats, output_format)


def _print_doubted(doubted: "DoubtedWorth", output_format: str) -> None:
    """In how many draws SGS pays, and the constants by what knowing them would change."""
    verdicts = ", ".join(f"{name} in {100 * n:.0f} %" for name, n in doubted.shares.items())
    say(f"\nSGS pays in {100 * doubted.pays_share:.0f} % of {doubted.draws} draws: {verdicts}.")
    first = doubted.first
    say(f"Measure first: {label(first)}." if first else "To know one constant changes no verdict.")
    rows = [row for row in doubted.rows if row["changed_share"] or row["total"]]
    if rows:
        title = "Constants by the share of draws in which knowing them puts the verdict right"
        print_rows(rows, list(rows[0]), output_format, document={}, title=title)


def _takes_more(row: Mapping[str, object]) -> bool:
    """Whether a use of blocks takes any, so that there is a design of it."""
    return any(value for name, value in row.items() if name.startswith("more_"))
