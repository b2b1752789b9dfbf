"""The printed results of the commands, in the formats of `formats`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sushi_dse.errors import printable
from sushi_dse.report.formats import print_rows, print_table
from sushi_dse.report.junit import junit
from sushi_dse.report.printing import say
from sushi_dse.report.progress import note

if TYPE_CHECKING:  # Kernels take a second to import, and printing needs none.
    from sushi_dse.analysis.compare import Checked, Comparison
    from sushi_dse.evaluation.choice import StreamOnSubNets
    from sushi_dse.model.breakdown import Breakdown
    from sushi_dse.model.validation import LayerError, Validation

COMPARISON_COLUMNS = (
    "policy",
    "mean_latency_ms",
    "p99_latency_ms",
    "mean_accuracy_percent",
    "offchip_bytes_per_query",
    "energy_mj_per_query",
    "slo_attainment",
    "persistent_buffer_hit_share",
    "subgraph_switches",
    "gain_over_no_sgs_percent",
)
REPEATS_COLUMNS = (
    "policy",
    "mean_latency_ms",
    "mean_accuracy_percent",
    "energy_mj_per_query",
    "slo_attainment",
    "gain_over_no_sgs_percent",
    "gain_over_no_sgs_percent_low",
    "gain_over_no_sgs_percent_high",
    "verdict",
)
CYCLE_COLUMNS = ("compute_cycles", "exposed_load_cycles", "input_cycles", "output_stall_cycles")


def print_facts(facts: Mapping[str, object], output_format: str, *, title: str) -> None:
    """Named facts, a row each."""
    rows = [{"fact": name, "value": value} for name, value in facts.items()]
    print_rows(rows, ["fact", "value"], output_format, document=facts, title=title)


def print_subnets(
    served: "StreamOnSubNets", listed: "StreamOnSubNets", output_format: str, *, title: str
) -> None:
    """The SubNets that serve a stream, and what it comes to with them and with all that are listed.

    What it comes to stands below a table, and is part of the JSON document.
    """
    rows, caveats = served.rows(), served.network.supernet.caveats
    sums, accuracy_of = {"served": served.sums, "listed": listed.sums}, served.accuracy_of
    print_rows(
        rows, list(rows[0]), output_format,
        document={"accuracy_of": accuracy_of, **sums, "rows": rows, "caveats": list(caveats)},
        title=title, accuracy_of=accuracy_of,
    )  # fmt: skip
    if output_format == "table":
        print_table([{"subnets": which, **own} for which, own in sums.items()],
                    ["subnets", *served.sums], accuracy_of=accuracy_of)  # fmt: skip
    tell_caveats(caveats, output_format)


def print_comparison(
    found: "Comparison", checked: "Checked", output_format: str, *, title: str
) -> None:
    """The rows of a comparison, the checks, what both stand on; JUnit holds the checks alone."""
    note_caveats(found.experiment.caveats, output_format)
    if output_format == "junit":
        say(junit(checked.checks, suite="sushi-dse compare policies"))
        return
    columns = REPEATS_COLUMNS if found.repeats > 1 else COMPARISON_COLUMNS
    if found.experiment.capacity_target is not None:
        columns = (*columns, "capacity_queries_per_s", "queries_per_joule")
    standing, readings = found.experiment.standing.facts, found.drain_readings
    document = {"inputs": found.inputs, "rows": found.rows, "standing": standing,
                "drain_readings": readings, **checked.document}  # fmt: skip
    if output_format == "markdown":
        say(f"### {title}\n")
    accuracy_of = found.experiment.network.supernet.accuracy_of
    print_rows(
        found.rows, columns, output_format, document=document, title=title, accuracy_of=accuracy_of
    )
    if output_format in ("table", "markdown"):
        _print_changes(checked, output_format)
    if output_format == "table":
        if readings:
            say("how 1x1 tiles drain was not measured; the gain of SGS under both readings:")
            print_table(readings, list(readings[0]), accuracy_of=accuracy_of)
        print_standing(standing)
        if line := rivals_line(found.rows):
            say(line)


def rivals_line(rows: Iterable[Mapping[str, object]]) -> str:
    """The sentence on the policies of rows whose rates are assumptions; empty without one."""
    rivals = dict.fromkeys(str(row["policy"]) for row in rows if row["rests_on_assumptions"])
    if not rivals:
        return ""
    return f"no ranking against {', '.join(rivals)} is a finding: their rates are assumptions"


def note_caveats(caveats: Sequence[str], output_format: str) -> None:
    """Note what was presumed or left out beside the formats that have no place for sentences."""
    if output_format not in ("json", "table"):
        for line in caveats:
            note(line)


def tell_caveats(caveats: Sequence[str], output_format: str) -> None:
    """Say what was presumed or left out below a table; note it where JSON does not hold it."""
    if output_format == "table":
        for line in caveats:
            say(line)
    note_caveats(caveats, output_format)


def _print_changes(checked: "Checked", output_format: str) -> None:
    """The checks that were missed, and what changed of the metrics that the comparison shows."""
    changes = [(check, check.change) for check in checked.checks if check.change is not None]
    moved = [check for check, change in changes if change.was != change.now]
    shown = [
        check.row
        for check in checked.checks
        if check.missed or (check in moved and check.metric in COMPARISON_COLUMNS)
    ]
    if shown:
        columns = ("check", "was", "is", "change_percent", "detail", "missed")
        known = [name for name in columns if any(name in row for row in shown)]
        if len(known) == len(columns):
            known.remove("detail")
        rows = [{**dict.fromkeys(known), **row, "missed": "yes" if row["missed"] else ""}
                for row in shown]  # fmt: skip
        if output_format == "markdown":
            say("\n### Checks\n")
        print_rows(rows, known, output_format, document={}, title="Checks")
    if checked.baseline is not None:
        place = printable(str(checked.baseline.place))
        say(f"\n{len(moved)} of {len(changes)} metrics changed against {place}")
        if checked.baseline.differing:
            say(f"which was made with other inputs: {printable(checked.baseline.said)}")


def print_standing(standing: Mapping[str, Any]) -> None:
    """The lines on what latencies stand on: the facts of a `Standing`."""
    shares = [f"{kind} {_percents(*ends)}" for kind, ends in standing["latency_shares"].items()]
    assumed = ", ".join(standing["assumed_layers"])
    say(
        f"latency of a SubNet by what it stands on: {'; '.join(shares)}"
        f"{f' ({assumed})' if assumed else ''}"
    )
    for line in filter(None, [standing["borrowed_constants"], *standing["caveats"]]):
        say(line)


def _percents(least: float, greatest: float) -> str:
    """Two shares as a range of percents."""
    ends = [f"{100 * share:.0f}" for share in (least, greatest)]
    return f"{ends[0]} %" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} %"


WORST_SHOWN = 10  # layers of a long file that a table shows
ALL_SHOWN = 100  # most layers that a table shows one by one


def print_validation(errors: "Validation", left_out: "Validation", output_format: str) -> None:
    """The error of each layer, of each SubNet, over all, and of SubNets left out of the fit.

    left_out: of `leave_one_subnet_out`; without rows its columns are left away.
    """
    whose = "subnet" if all(row.index is None for row in errors.rows) else "network"
    rows = [_layer_error(row, whose, errors.has_gain) for row in errors.rows]
    groups = [(name, errors.of(name), left_out.of(name)) for name in errors.subnets]
    by_subnet = [
        {whose: name, **_errors(validation, others, bool(left_out.rows))}
        for name, validation, others in [*groups, ("all", errors, left_out)]
    ]
    total = by_subnet[-1]
    document = {
        **{name: value for name, value in total.items() if name != whose},
        f"{whose}s": by_subnet[:-1],
        "rows": rows,
    }
    shown, title = rows, "By layer"
    if len(rows) > ALL_SHOWN and output_format == "table":
        shown = sorted(rows, key=lambda row: -abs(row["error_percent"]))[:WORST_SHOWN]
        title = f"The {len(shown)} layers of the largest errors, of {len(rows)}"
    print_rows(shown, list(rows[0]), output_format, document=document, title=title)
    if output_format == "table":
        title = "By network" if whose == "network" else "By SubNet"
        if left_out.rows:
            title += "; left out: the constants fitted on the others alone"
        print_table(by_subnet, list(total), title=title)


def _layer_error(row: "LayerError", whose: str, has_gain: bool) -> dict[str, Any]:
    name: dict[str, Any] = {"subnet": row.subnet, "layer": row.layer}
    if whose == "network":
        name = {"network": row.subnet, "index": row.index}
    names = ["measured_us", "predicted_us", "error_percent"]
    if has_gain:
        names += ["resident_measured_us", "resident_predicted_us", "resident_error_percent",
                  "measured_gain_percent", "predicted_gain_percent"]  # fmt: skip
    return name | {each: getattr(row, each) for each in names}


def _errors(validation: "Validation", others: "Validation", has_left_out: bool) -> dict[str, Any]:
    """The errors over some layers, and those of the model that was fitted on other layers."""
    names = ["mape_percent", "p99_error_percent", "max_error_percent"]
    gain = {}
    if validation.has_gain:
        names += ["resident_mape_percent", "resident_p99_error_percent",
                  "resident_max_error_percent", "gain_error_points"]  # fmt: skip
        gain = {
            name: getattr(validation.total, name)
            for name in ("measured_gain_percent", "predicted_gain_percent")
        }
    errors: dict[str, Any] = {"layers": len(validation.rows)}
    errors |= {name: getattr(validation, name) for name in names} | gain
    if has_left_out:
        errors |= {
            "left_out_mape_percent": others.mape_percent if others.rows else None,
            "left_out_max_error_percent": others.max_error_percent if others.rows else None,
        }
    return errors


def print_breakdown(
    breakdown: "Breakdown",
    output_format: str,
    *,
    title: str,
    borrowed: str,
    caveats: Sequence[str],
) -> None:
    """A line a layer, the total, and the sentences on what they stand on.

    borrowed: on constants of another board, or empty; caveats: on how the workload was made.
    """
    rows = [
        {
            "layer": line.layer.name,
            "kind": line.layer.kind,
            "evidence": str(line.evidence),
            "latency_us": line.latency_us,
            **{name: getattr(line.cost, name) for name in CYCLE_COLUMNS},
            "bound_by": line.cost.bound_by,
            "macs": line.layer.macs,
            "weight_bytes": line.layer.weight_bytes,
            "cached_weight_bytes": line.cost.cached_weight_bytes,
            "offchip_bytes": line.cost.offchip_bytes,
        }
        for line in breakdown.lines
    ]
    cost = breakdown.cost
    total = {
        "latency_ms": breakdown.latency_ms,
        "macs": breakdown.macs,
        "weight_bytes": breakdown.weight_bytes,
        "cached_weight_bytes": cost.cached_weight_bytes,
        "offchip_bytes": cost.offchip_bytes,
        "offchip_weight_bytes": cost.weight_bytes,
        "offchip_input_bytes": cost.input_bytes,
        "offchip_output_bytes": cost.output_bytes,
        "energy_mj": breakdown.energy.total_mj,
        "offchip_energy_mj": breakdown.energy.offchip_mj,
        "buffer_energy_mj": breakdown.energy.buffer_mj,
        "mac_energy_mj": breakdown.energy.mac_mj,
        "clock_energy_mj": breakdown.energy.clock_mj,
        "static_energy_mj": breakdown.energy.static_mj,
        "launch_us": breakdown.launch_us * len(breakdown.lines),
        **{name: getattr(cost, name) for name in CYCLE_COLUMNS},
        "array_utilisation": breakdown.array_utilisation,
        **{
            f"{evidence.replace(' ', '_')}_latency_share": share
            for evidence, share in breakdown.latency_shares.items()
        },
    }
    document = {"subnet": breakdown.subnet, "subgraph": str(breakdown.subgraph), "total": total,
                "layers": rows, "borrowed_constants": borrowed,
                "caveats": list(caveats)}  # fmt: skip
    print_rows(rows, list(rows[0]), output_format, document=document, title=title)
    if output_format == "table":
        print_facts(total, output_format, title="Total")
        if borrowed:
            say(borrowed)
    tell_caveats(caveats, output_format)
