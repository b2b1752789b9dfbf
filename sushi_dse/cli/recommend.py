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
        float | None, typer.Option(help="The mean accuracy to reach.", show_default="any")
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
            help="The metric that says what is cheap; of equals, the lesser shares of the device "
            "decide, then the power.",
            autocompletion=completion.metrics,
        ),
    ] = "device_share",
    output_format: options.Printed = options.Format.table,
) -> None:
    """Name the cheapest design that meets demands, and what was nearly as good.

    From the rows of a sweep, or of each design and SubNet without a trace. Where nothing meets the
    demands, it says what comes nearest to each, and ends with code 1.

    Example: sushi-dse recommend --max-latency-ms 20 --min-accuracy-percent 77 --device KV260
    """
    from sushi_dse.analysis.candidates import bufferless, source_of
    from sushi_dse.analysis.recommend import Demands, explain_command
    from sushi_dse.analysis.recommend import recommend as run
    from sushi_dse.evaluation.experiment import served_words
    from sushi_dse.evaluation.metrics import find_metric
    from sushi_dse.report.advice import print_advice
    from sushi_dse.report.progress import note, with_progress
    from sushi_dse.store.run import Run

    demands = Demands(max_latency_ms=max_latency_ms, min_accuracy_percent=min_accuracy_percent)
    by = find_metric(cheapest_by)
    source = source_of(results, by, hw=hw, workload=workload, policies=policy, device=device)
    demands.refuse_unknown(source.unknown_accuracy)
    steps = with_progress(source.steps, source.designs, what="designs")
    tables = (step.rows for step in steps if step.rows is not None)
    advice = run(tables, demands, by, source.device)
    for remark in (*source.remarks, *bufferless(advice.policies)):
        note(remark)
    # `explain` speaks of the hardware's own device.
    why = "" if device else explain_command(advice, results, hw=hw, workload=workload)
    served = Run.read(results).served if results else served_words("", 0)
    print_advice(
        advice, demands, by, output_format,
        next_step=why, served=served, accuracy_of=source.accuracy_of, caveats=source.caveats,
    )  # fmt: skip
    if not len(advice.meeting):
        raise typer.Exit(1)
