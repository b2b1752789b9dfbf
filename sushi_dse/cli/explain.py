"""`explain` and `recommend`: why a design is where it is, and which one to build."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from sushi_dse.cli import names as completion
from sushi_dse.cli import options


class Level(StrEnum):
    """On what the Sobol indices are evaluated."""

    table = "table"
    trace = "trace"


def explain(
    design: Annotated[
        str | None,
        typer.Argument(
            help="Its number, as `sweep` of the same hardware and trace counts, or "
            "axis=value,axis=value; an axis that is left out stands at its middle.",
            show_default="the middle of each axis",
        ),
    ] = None,
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    trace: Annotated[
        str,
        typer.Option(
            help="Kind of synthetic demand, a .csv or .parquet file, or `none`: each SubNet is "
            "served again and again.",
            autocompletion=completion.traces,
        ),
    ] = "random-walk",
    policy: Annotated[
        str | None,
        typer.Option(
            help="The policy.",
            show_default="sushi; static-subgraph without a trace",
            autocompletion=completion.policies,
        ),
    ] = None,
    objective: options.Objectives = None,
    mode: options.SelectionMode = options.Mode.strict_latency,
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    indices: Annotated[
        Level, typer.Option(help="Sobol indices at table level, without the trace, or on it.")
    ] = Level.table,
    samples: Annotated[
        int, typer.Option(help="Samples of the Sobol indices: a power of two.", min=2, max=2**16)
    ] = 1024,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print why a design is where it is: what bounds it, and what other values would change.

    What bounds each SubNet; each axis moved one value down and up; the Sobol indices of each axis
    over the space; what the next larger array and buffers would buy.

    Example: sushi-dse explain 480 --policy sushi
    """
    from sushi_dse.analysis.explain import (
        describe_design,
        find_design,
        has_own_system,
        mean_metrics,
        moves,
        next_blocks,
        sampled_evaluation,
        what_bounds,
    )
    from sushi_dse.analysis.sensitivity import (
        axes_without_effect,
        in_blocks,
        index_rows,
        sobol_indices,
    )
    from sushi_dse.errors import UserError
    from sushi_dse.evaluation.loading import load_setting
    from sushi_dse.explore.survey import objective_names, objectives
    from sushi_dse.policies.names import STATIC_SUBGRAPH
    from sushi_dse.report.progress import (
        note,
        warn_if_infeasible,
        warn_if_reference_infeasible,
        with_progress,
    )

    if samples & (samples - 1):
        raise UserError(f"--samples: must be a power of two, such as 1024, got {samples}")
    metrics = objectives(objective)
    setting = load_setting(hw, workload, trace, queries=queries, seed=seed)
    warn_if_reference_infeasible(setting)
    chosen = policy or (STATIC_SUBGRAPH if setting.trace is None else "sushi")
    evaluation = setting.evaluation((chosen,), mode.value)
    sampled, names = sampled_evaluation(
        evaluation, objective_names(metrics), on_trace=indices == Level.trace
    )
    number = find_design(evaluation.space, design)
    accelerator = evaluation.space.design(number)
    warn_if_infeasible(accelerator)
    if has_own_system(evaluation):
        note(
            f"{chosen} brings tables of its own; what is at table level here is {STATIC_SUBGRAPH}'s"
        )
    found = []
    if sampled.space.axes:

        def values(numbers: Any) -> dict[str, Any]:
            blocks = with_progress(in_blocks(numbers), len(numbers), what="designs")
            return _stacked(
                [mean_metrics(sampled, sampled.space.designs(b)) for b in blocks], names
            )

        found = sobol_indices(sampled.space, values, samples=samples, seed=seed)
        on = "on the trace" if indices == Level.trace else "at table level, mean over the SubNets"
        note(
            f"Sobol indices: policy {sampled.policies[0]}, {on}; designs that do not fit are "
            f"evaluated too; objectives: {', '.join(names) or 'none'}"
        )
    facts = describe_design(evaluation, number, metrics)
    idle = axes_without_effect(found)
    sections: dict[str, Sequence[Mapping[str, object]]] = {
        "design": [{"fact": name, "value": value} for name, value in facts.items()],
        "bounds": what_bounds(evaluation.network, accelerator, chosen),
        "moves": moves(evaluation, number, metrics),
        "indices": index_rows(found),
        "next_blocks": next_blocks(evaluation, number),
    }
    titles = {
        "design": f"Design {number} of {hw}, {workload}, {chosen}",
        "bounds": "What bounds each SubNet, in its steady state",
        "moves": "One axis moved by one value",
        "indices": "Sobol indices: the share of the variance over the space that an axis explains",
        "next_blocks": "What the next larger array and buffers buy",
    }
    document = {**sections, "design": facts, "policy": chosen, "idle_axes": idle}
    _print_sections(sections, titles, output_format.value, document)
    if idle:
        note(f"axes that changed no objective in any sample: {', '.join(idle)}")


def _stacked(parts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """The metrics of blocks of designs, together: [design]."""
    import numpy as np

    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _print_sections(
    sections: Mapping[str, Sequence[Mapping[str, object]]],
    titles: Mapping[str, str],
    output_format: str,
    document: Mapping[str, object],
) -> None:
    """Several tables; as JSON lines each row says which table it is of."""
    from sushi_dse.report.formats import print_rows

    if output_format == "json":
        print_rows([], [], output_format, document=document)
        return
    for name, rows in sections.items():
        if not rows:
            continue
        if output_format == "markdown":
            print(f"### {titles[name]}\n")
        shown = [{"table": name, **row} for row in rows] if output_format == "jsonl" else rows
        print_rows(shown, list(shown[0]), output_format, document={}, title=titles[name])
        if output_format == "markdown":
            print()
