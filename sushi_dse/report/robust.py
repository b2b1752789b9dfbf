"""What is printed of the front under draws of the constants in doubt."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.report.formats import print_rows
from sushi_dse.report.printing import say
from sushi_dse.report.surveys import print_decision
from sushi_dse.report.views import tell_caveats
from sushi_dse.units import label

if TYPE_CHECKING:
    from sushi_dse.explore.robust import Robustness

MOST_ROWS = 20  # of a table; other formats have all designs
ABOUT = ("front_share", "fitting_share", "regret_percent", "thrown_off_by", "total")


def print_robust(
    found: "Robustness",
    named: Sequence[Mapping[str, Any]],
    output_format: str,
    *,
    accuracy_of: str,
    caveats: Sequence[str] = (),
) -> None:
    """Print the designs by the share of draws in which they are on the front, and the decision.

    accuracy_of: the metric of the accuracies; caveats: sentences on how the workload was made.
    """
    document = {**found.document, "accuracy_of": accuracy_of, "decision": list(named),
                "caveats": list(caveats)}  # fmt: skip
    rows: Sequence[Mapping[str, Any]] = found.rows
    title = f"Designs by the share of {found.draws} draws in which they are on the front"
    if output_format in ("table", "markdown"):
        rows = [_shown(row, found) for row in folded(rows)[:MOST_ROWS]]
    columns = list(rows[0])
    print_rows(
        rows, columns, output_format, document=document, title=title, accuracy_of=accuracy_of
    )
    if output_format == "table":
        nominal = sum(row["on_nominal_front"] for row in found.rows)
        often = sum(row["front_share"] >= 0.5 for row in found.rows)
        say(
            f"{len(found.rows)} designs are on the front now or in some draw, {nominal} now, "
            f"{often} in half of the draws\n"
            f"drawn: {', '.join(label(name) for name in found.doubts) or 'nothing is in doubt'}\n"
            f"evaluated: {found.evaluated} of {found.fitting} rows x draws, those within reach of "
            "a front"
        )
        print_decision(named)
    tell_caveats(caveats, output_format)


def folded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows, those of designs that agree in all but their number and axes once; `alike` counts.

    Such are designs that differ in a buffer for which the policy has no use.
    """
    found: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(
            float(f"{value:.4g}") if isinstance(value, float) else value
            for name, value in row.items()
            if name not in ("design", *AXIS_ORDER)
        )
        found.setdefault(key, {**row, "alike": 0})["alike"] += 1
    return list(found.values())


def _shown(row: Mapping[str, Any], found: "Robustness") -> dict[str, Any]:
    """The columns of a table, the bands of an objective in a cell."""
    names = [metric.name for metric in found.metrics]
    bounds = {f"{end}_{name}" for name in names for end in ("low", "high")}
    shown = {k: v for k, v in row.items() if k not in {*names, *bounds, *ABOUT, "first_order"}}
    shown["now"] = "yes" if shown.pop("on_nominal_front") else ""
    alike = shown.pop("alike")
    for name in names:
        low, high = row[f"low_{name}"], row[f"high_{name}"]
        shown[name] = "" if low is None else f"{low:.4g} to {high:.4g}"
    return {**shown, **{name: row[name] for name in ABOUT}, "alike": alike}
