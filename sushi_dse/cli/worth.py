"""`worth`: whether keeping a SubGraph on chip is worth its blocks."""

from functools import partial
from typing import Annotated

import typer

import sushi_dse
from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw
from sushi_dse.traces.names import DEMAND_NAMES


def worth(
    hw: options.Hardware = "zcu104",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
    trace: options.TraceName = "random-walk",
    queries: options.Queries = 2000,
    arrivals: options.Arrivals = None,
    load: options.Load = None,
    batch_limit: options.BatchLimit = 8,
    seed: options.Seed = 0,
    repeats: Annotated[
        int | None,
        typer.Option(
            help="Seeds of the stream, for intervals.",
            min=1,
            max=100,
            show_default="5; 1 for a file",
        ),
    ] = None,
    doubt: Annotated[
        int,
        options.doubt(
            "Judge under so many draws of all constants that are in doubt, too: a power of two."
        ),
    ] = 0,
    accelerators: Annotated[
        int,
        typer.Option(help="Small designs, parts of the large one, that serve one queue beside it."),
    ] = 2,
    plot: PlotFile = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Say whether keeping a SubGraph of the weights on chip is worth its blocks.

    Other uses of the same blocks stand beside it: prefetching, half each, larger map buffers; and a
    larger array, which takes multipliers besides. Each has the load that it carries, and that which
    --accelerators small designs, parts of its own, carry on the same device. Batching takes no
    blocks, but queries that wait, and so stands beside, with SGS and without. The verdict is given
    again under each reading of what was not measured, and with --doubt under draws of all
    constants: in how many SGS pays, and which constant is worth measuring first. --plot draws what
    SGS saves over the size of the buffer and the off-chip rate, as a mean over the SubNets, and
    where residency, prefetching and batching each win.

    Example: sushi-dse worth --hw vcu118_64x64 --workload resnet50
    """
    from sushi_dse.analysis.worth import SEEDS
    from sushi_dse.analysis.worth import worth as judge
    from sushi_dse.evaluation.loading import seeds
    from sushi_dse.report.advice import print_worth
    from sushi_dse.report.progress import warn_if_infeasible

    check_plot(plot)
    options.power_of_two("--doubt", doubt)
    experiment_of = partial(
        sushi_dse.load_experiment, hw, workload, trace, mode="strict-accuracy", queries=queries,
        weight_bits=weight_bits, arrivals=arrivals, load=load, batch_limit=batch_limit,
    )  # fmt: skip
    several = seeds(trace, seed, repeats or (SEEDS if trace in DEMAND_NAMES else 1))
    experiments = [experiment_of(seed=one) for one in several]
    warn_if_infeasible(experiments[0].design)
    found, doubted = judge(experiments, accelerators), None
    if doubt:
        from sushi_dse.analysis.worth_doubt import doubted_worth

        doubted = doubted_worth(experiments, draws=doubt)
    count, served = len(experiments[0].traced), experiments[0].served
    runs = f"{len(several)} seed{'s' if len(several) > 1 else ''}"
    title = f"{hw}, {workload}, {count} queries of {trace}, {served}, {runs}"
    print_worth(found, output_format, title=title, doubted=doubted)
    if plot is not None:
        from sushi_dse.analysis.gain_map import gain_curves
        from sushi_dse.analysis.load_map import MAPPED, load_map
        from sushi_dse.plots.worth import map_panel, worth_panels

        network, design = experiments[0].network, experiments[0].design
        curves, lines = gain_curves(network, design), load_map(network, design)
        panels = (*worth_panels(curves), map_panel(lines, MAPPED))
        draw(plot, panels, f"{hw}, {workload}: mean over the SubNets, no stream but in the last")
