"""The printed result of `reproduce`, in the formats of `formats`."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sushi_dse.report.formats import (
    PROSE_CHARACTERS,
    csv_text,
    markdown,
    print_document,
    print_lines,
    print_table,
)
from sushi_dse.report.printing import say

if TYPE_CHECKING:  # Kernels take a second to import, and printing needs none.
    from sushi_dse.analysis.reproduce import Reproduction

INDENT = 2  # characters before a remark, as before the first column of a table
SAID_ELSEWHERE = ("source", "hw", "workload")  # columns of what is measured, for JSON alone


class Part(NamedTuple):
    """A part of the output, by its key in JSON."""

    name: str
    title: str
    rows: Sequence[Mapping[str, Any]]


def parts_of(found: "Reproduction") -> list[Part]:
    """The parts in the order in which they are printed: what is measured leads."""
    return [
        Part(
            "measured",
            "Measured on the VCU118: what weights that stay on chip save, and what the model says",
            found.measured,
        ),
        Part(
            "headlines",
            "Published, and modelled: the mean over a stream, and the best SubNet alone",
            found.headlines,
        ),
        Part(
            "without_overlap",
            "Latency saved, and if nothing moved over the bus while a layer computes",
            found.without_overlap,
        ),
        Part(
            "map",
            "Where the published latency gain is reached: the most that a SubNet saves",
            found.gain_map,
        ),
        Part("reasons", "Why they differ", found.reasons),
    ]


def print_reproduction(found: "Reproduction", output_format: str) -> None:
    """What is measured first, then what is published beside the model's figures, and why."""
    parts = parts_of(found)
    if output_format == "json":
        print_document({part.name: part.rows for part in parts} | {"remarks": found.remarks})
    elif output_format == "jsonl":
        for part in parts:
            print_lines({"part": part.name, **row} for row in part.rows)
    elif output_format == "csv":
        rows = [{"part": part.name, **_shown(row)} for part in parts for row in part.rows]
        say(csv_text(rows), end="")
    else:
        for part in parts:
            _print_part(part, found.remarks.get(part.name, ()), output_format)


def _print_part(part: Part, remarks: Sequence[str], output_format: str) -> None:
    rows = [_shown(row) for row in part.rows]
    columns = [name for name in rows[0] if part.name != "measured" or name not in SAID_ELSEWHERE]
    if output_format == "markdown":
        say("\n\n".join([part.title, markdown(rows, columns), *remarks]), end="\n\n")
        return
    print_table(rows, columns, title=part.title)
    for said in remarks:
        filled = textwrap.wrap(said, PROSE_CHARACTERS - INDENT)
        say("\n".join(" " * INDENT + line for line in filled))
    say()


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its published figures as text: each is the best of what its authors tried."""
    if "published" not in row:
        return dict(row)
    return {**row, "published": ", ".join(f"up to {each['up_to']:g}" for each in row["published"])}
