"""`recommend`: the cheapest design that meets demands."""

from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import names as completion
from sushi_dse.cli import options


def recommend(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Folder written by `sushi-dse sweep`.",
            show_default="each design of --hw, without a trace",
        ),
    ] = None,
    max_latency_ms: Annotated[
        float | None, typer.Option(help="The mean latency to stay within.", show_default="any")
    ] = None,
    min_accuracy_percent: Annotated[
        float | None, typer.Option(help="The mean top-1 to reach.", show_default="any")
    ] = None,
    hw: Annotated[
        str | None,
        typer.Option(
            "--hw",
            help="Hardware: a shipped name, or a YAML file.",
            show_default="zcu104_space",
            autocompletion=completion.hardware,
        ),
    ] = None,
    workload: Annotated[
        str | None,
        typer.Option(
            help="Workload: a shipped name, or a YAML file.",
            show_default="ofa_resnet50",
            autocompletion=completion.workloads,
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            help="A policy; repeat it.",
            show_default="those of the folder; static-subgraph without one",
            autocompletion=completion.policies,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="The board whose blocks must hold the design, by its name: sushi-dse describe "
            "device. Clock and bandwidth stay the hardware's.",
            show_default="the hardware's own",
            autocompletion=completion.devices,
        ),
    ] = None,
    cheapest_by: Annotated[
        str,
        typer.Option(
            help="The metric that says what is cheap; of equals, the least energy.",
            autocompletion=completion.metrics,
        ),
    ] = "device_share",
    output_format: options.Printed = options.Format.table,
) -> None:
    """Name the cheapest design that meets demands, and what was nearly as good.

    From the rows of a sweep, or of each design and SubNet without a trace. Where nothing meets the
    demands, it says what comes nearest to each.

    Example: sushi-dse recommend --max-latency-ms 20 --min-accuracy-percent 77 --device KV260
    """
    from sushi_dse.analysis.candidates import device_named, folder_source, space_source
    from sushi_dse.analysis.recommend import Demands
    from sushi_dse.analysis.recommend import recommend as run
    from sushi_dse.config.hardware_file import load_hardware
    from sushi_dse.errors import UserError
    from sushi_dse.evaluation.loading import NO_TRACE, load_setting
    from sushi_dse.evaluation.metrics import find_metric
    from sushi_dse.policies.catalogue import POLICIES
    from sushi_dse.policies.names import STATIC_SUBGRAPH
    from sushi_dse.report.formats import print_rows
    from sushi_dse.report.progress import note, with_progress

    demands = Demands(max_latency_ms=max_latency_ms, min_accuracy_percent=min_accuracy_percent)
    by, board = find_metric(cheapest_by), device_named(device) if device else None
    if results is None:
        named = hw or "zcu104_space"
        setting = load_setting(named, workload or "ofa_resnet50", NO_TRACE, queries=1, seed=0)
        evaluation = setting.evaluation(policy or (STATIC_SUBGRAPH,), options.Mode.strict_latency)
        counted_in = load_hardware(named).space
        source = space_source(evaluation, by, board, counted_in=counted_in)
    elif hw or workload:
        raise UserError(f"{results}: has its own hardware and workload; leave --hw, --workload out")
    else:
        source = folder_source(results, by, board, policies=policy)
    steps = with_progress(source.steps, source.designs, what="designs")
    advice = run((step.rows for step in steps if step.rows is not None), demands, by)
    for remark in source.remarks:
        note(remark)
    rows = advice.rows()
    bufferless = {name for name, known in POLICIES.items() if not known.has_persistent_buffer}
    for name in sorted(bufferless & {row["policy"] for row in rows}):
        note(f"under {name} a design has no Persistent Buffer, and its blocks are not counted")
    title = f"The cheapest by {by.name} on the {source.device}"
    if not len(advice.meeting):
        title = f"No design meets the demands on the {source.device}"
        note(f"{title}; {'the nearest are shown' if rows else 'none fits it'}")
    document = {
        "device": source.device,
        "cheapest_by": by.name,
        "max_latency_ms": max_latency_ms,
        "min_accuracy_percent": min_accuracy_percent,
        "recommended": next((row for row in rows if row["verdict"] == "recommended"), None),
        "rows": rows,
    }
    if rows or output_format == options.Format.json:
        columns = list(rows[0]) if rows else []
        print_rows(rows, columns, output_format.value, document=document, title=title)
