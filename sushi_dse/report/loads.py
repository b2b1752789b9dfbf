"""The printed load curves of policies: rows, marks, and what a mean load hides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sushi_dse.report.formats import print_rows, print_table
from sushi_dse.report.printing import say
from sushi_dse.report.progress import note
from sushi_dse.report.views import note_caveats, print_standing, rivals_line

if TYPE_CHECKING:  # Kernels take a second to import, and printing needs none.
    from sushi_dse.analysis.loads import LoadCurves

COLUMNS = (
    "policy",
    "load",
    "offered_queries_per_s",
    "mean_latency_ms",
    "p50_latency_ms",
    "p99_latency_ms",
    "slo_attainment",
    "mean_accuracy_percent",
    "mean_power_w",
    "marks",
)


def print_load_curves(found: "LoadCurves", output_format: str, *, title: str) -> None:
    """A row for each policy and load, a row for each policy, and sentences on the marks.

    CSV and JSON lines hold the former rows alone, and the sentences are noted beside them.
    """
    experiment, remarks = found.experiment, load_remarks(found)
    note_caveats(experiment.caveats, output_format)
    document = {
        "inputs": found.inputs,
        "full_load_queries_per_s": found.full_load_per_s,
        "peak_queries": found.peak_queries,
        "peak_to_mean": found.peak_to_mean,
        "policies": found.policies,
        "rows": found.rows,
        "remarks": remarks,
        "standing": experiment.standing.facts,
    }
    if output_format == "markdown":
        say(f"### {title}\n")
    print_rows(
        found.rows, COLUMNS, output_format, document=document, title=title,
        accuracy_of=experiment.network.supernet.accuracy_of,
    )  # fmt: skip
    columns = list(found.policies[0])
    if output_format == "markdown":
        say(f"\n### Knee and capacity at {_target(found)}\n")
        print_rows(found.policies, columns, output_format, document={})
    if output_format == "table":
        print_table(found.policies, columns, title=f"Knee and capacity at {_target(found)}")
        for line in remarks:
            say(line)
        print_standing(experiment.standing.facts)
        if line := rivals_line(found.rows):
            say(line)
    elif output_format != "json":
        for line in remarks:
            note(line)


def _target(found: "LoadCurves") -> str:
    return f"an SLO attainment of {found.experiment.capacity_target:g}"


def load_remarks(found: "LoadCurves") -> list[str]:
    """The sentences on what rows alone do not say, without their periods.

    They are on peaks over capacity that a mean load hides, on policies without a capacity, and on
    knees that lie beyond the loads.
    """
    peaks = (
        f"the busiest {found.peak_queries} successive arrivals come {found.peak_to_mean:.3g} times "
        "as fast as the mean"
    )
    groups: dict[tuple[float, ...], list[str]] = {}
    for curve in found.curves:
        if hidden := found.hidden(curve):
            groups.setdefault(tuple(hidden), []).append(curve.policy)
    over = [f"of {', '.join(names)} at {_loads(hidden)}" for hidden, names in groups.items()]
    said = [
        f"{peaks}: faster than the capacity {'; '.join(over)}, though the mean is within it"
        if over
        else f"{peaks}: no load within a capacity hides a peak over it"
    ]
    best = [
        f"{curve.policy} ({curve.over('slo_attainment').max():.3g})"
        for curve in found.curves
        if not curve.capacity_load
    ]
    if best:
        said.append(
            f"no capacity: {_target(found)} is missed by the slowest arrivals, too, under "
            f"{', '.join(best)}; the best over these loads in brackets, and --slo-target asks "
            "for less"
        )
    beyond = [curve.policy for curve in found.curves if curve.knee_load is None]
    if beyond:
        said.append(
            f"the knee of {', '.join(beyond)} is not between the loads: throughput over mean "
            "latency is greatest at an end of them; ask for loads further out"
        )
    return said


def _loads(loads: Sequence[float]) -> str:
    if len(loads) == 1:
        return f"load {loads[0]:g}"
    return f"loads {loads[0]:g} to {loads[-1]:g}"
