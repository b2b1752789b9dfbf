"""`explain`: why a design is where it is."""

from enum import StrEnum
from typing import Annotated

import typer

import sushi_dse
from sushi_dse.cli import names as completion
from sushi_dse.cli import options
from sushi_dse.policies.names import STATIC_SUBGRAPH, SUSHI


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
    trace: options.TraceOrNone = "random-walk",
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
    recache_every: options.RecacheEvery = 8,
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

    Example: sushi-dse explain 160 --policy sushi
    """
    from sushi_dse.analysis.explain import explain as run
    from sushi_dse.explore.survey import objectives
    from sushi_dse.hardware.space import find_design
    from sushi_dse.report.advice import print_explanation
    from sushi_dse.report.progress import designs_bar, note, warn_of_design

    served = policy or (STATIC_SUBGRAPH if trace == "none" else SUSHI)
    experiment = sushi_dse.load_experiment(
        hw, workload, trace, policies=[served], mode=mode, queries=queries, seed=seed,
        recache_every_queries=[recache_every],
    )  # fmt: skip
    number = find_design(experiment.space, design)
    warn_of_design(experiment, number)
    found = run(
        experiment, number, objectives(objective),
        samples=samples, seed=seed, on_trace=indices == Level.trace, bar=designs_bar,
    )  # fmt: skip
    print_explanation(found, output_format, title=f"Design {number} of {hw}, {workload}, {served}")
    for remark in found.remarks:
        note(remark)
