"""`explain`: why a design is where it is."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
            show_default="the middle of each axis; of a folder, the one that recommend names",
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help="Folder written by `sushi-dse sweep`: explain a design of its rows. Hardware, "
            "workload and trace are those of its command.",
            show_default="none",
        ),
    ] = None,
    hw: options.HardwareOrSwept = None,
    workload: options.WorkloadOrSwept = None,
    weight_bits: options.WeightBits = None,
    trace: options.TraceOrSwept = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="The policy.",
            show_default="sushi; static-subgraph without a trace; of a folder, that of the row "
            "that recommend names, or of the best row of the design",
            autocompletion=completion.policies,
        ),
    ] = None,
    objective: options.Objectives = None,
    mode: options.ModeOrSwept = None,
    recache_every: options.RecacheOrSwept = None,
    service_level: options.LevelOrSwept = None,
    queries: options.QueriesOrSwept = None,
    seed: options.SeedOrSwept = None,
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

    Example: sushi-dse explain 160 --policy sushi
    """
    from sushi_dse.analysis.explain import explain as run
    from sushi_dse.analysis.swept import explained_design
    from sushi_dse.explore.survey import objectives
    from sushi_dse.report.advice import print_explanation
    from sushi_dse.report.progress import designs_bar, note, warn_of_design
    from sushi_dse.store.run import Run

    unknown = Run.read(results).names("unknown_accuracy", results) if results else ()
    metrics = objectives(objective, unknown)
    given = {"hw": hw, "workload": workload, "trace": trace, "mode": mode, "queries": queries,
             "seed": seed, "weight_bits": weight_bits}  # fmt: skip
    experiment, number = explained_design(
        design, results, metrics, policy=policy, recache_every=recache_every,
        service_level=service_level, given=given,
    )  # fmt: skip
    metrics = objectives(objective, experiment.unknown_accuracy)
    warn_of_design(experiment, number)
    found = run(
        experiment, number, metrics,
        samples=samples, seed=seed or 0, on_trace=indices == Level.trace, bar=designs_bar,
    )  # fmt: skip
    names = ", ".join((*experiment.names, found.policy, experiment.served))
    title = f"Design {number} of {names}"
    print_explanation(found, output_format, title=title, caveats=experiment.caveats,
                      accuracy_of=experiment.network.supernet.accuracy_of)  # fmt: skip
    for remark in found.remarks:
        note(remark)
