"""`worth`: whether keeping a SubGraph on chip is worth its blocks."""

from functools import partial
from typing import Annotated

import typer

import sushi_dse
from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw


def worth(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    trace: options.TraceName = "random-walk",
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    repeats: Annotated[
        int, typer.Option(help="Seeds of the stream, for intervals.", min=1, max=100)
    ] = 5,
    plot: PlotFile = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Say whether keeping a SubGraph of the weights on chip is worth its blocks.

    Other uses of the same blocks stand beside it: prefetching, half each, larger map buffers, a
    larger array. The verdict is given again under each reading of what was not measured. --plot
    draws what SGS saves over the size of the buffer and the off-chip rate.

    Example: sushi-dse worth --hw vcu118_64x64 --workload resnet50
    """
    from sushi_dse.analysis.worth import worth as judge
    from sushi_dse.evaluation.loading import seeds
    from sushi_dse.report.advice import print_worth
    from sushi_dse.report.progress import warn_if_infeasible

    check_plot(plot)
    load = partial(
        sushi_dse.load_experiment, hw, workload, trace, mode="strict-accuracy", queries=queries
    )
    experiments = [load(seed=one) for one in seeds(trace, seed, repeats)]
    warn_if_infeasible(experiments[0].design)
    found = judge(experiments)
    count, served = len(experiments[0].traced), experiments[0].served
    title = f"{hw}, {workload}, {count} queries of {trace}, {served}, {repeats} seeds"
    print_worth(found, output_format, title=title)
    if plot is not None:
        from sushi_dse.analysis.gain_map import gain_curves
        from sushi_dse.plots.worth import worth_panels

        curves = gain_curves(experiments[0].network, experiments[0].design)
        draw(plot, worth_panels(curves), title)
