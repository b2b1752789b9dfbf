"""`pareto robust`: the front under draws of the constants in doubt."""

import os
from typing import Annotated

import typer

from sushi_dse.cli import options
from sushi_dse.cli.plotting import PlotFile, check_plot, draw
from sushi_dse.errors import naming


def robust(
    results: options.Results,
    objective: options.Objectives = None,
    draws: Annotated[
        int, typer.Option(help=options.DRAWS_HELP, min=2, max=options.MOST_DRAWS)
    ] = 256,
    draw_seed: Annotated[int, typer.Option(help="Seed of the draws.", min=0)] = 0,
    where: options.Where = None,
    reach_percent: Annotated[
        float,
        typer.Option(
            help="On a trace, rows that are predicted to be further from the front of a draw are "
            "not evaluated in it.",
            min=0,
            max=1000,
        ),
    ] = 1.0,
    hw: options.HardwareOrSwept = None,
    workload: options.WorkloadOrSwept = None,
    trace: options.TraceOrSwept = None,
    mode: options.ModeOrSwept = None,
    queries: options.QueriesOrSwept = None,
    seed: options.SeedOrSwept = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes.", min=1, max=1024, show_default="one a core")
    ] = None,
    plot: PlotFile = None,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Print in how many draws of the assumed and fitted constants each design is on the front.

    All constants are drawn at once. Beside the share stand the share of draws in which the design
    fits its device, the regret where it is off the front (by how much it would have to be better,
    of what the front spans), the constant that decides most often, and the objectives from the 5 %
    to the 95 % bound.

    Example: sushi-dse pareto robust results/default --draws 64
    """
    from sushi_dse.analysis.swept import whole_experiment
    from sushi_dse.analysis.where import kept_parts
    from sushi_dse.explore.decision import Setting, decision
    from sushi_dse.explore.robust import robustness
    from sushi_dse.explore.survey import objectives, survey
    from sushi_dse.report.robust import print_robust
    from sushi_dse.store.run import Run
    from sushi_dse.store.seeds import mean_parts

    check_plot(plot)
    options.power_of_two("--draws", draws)
    metrics = objectives(objective, Run.read(results).names("unknown_accuracy", results))
    given = {"hw": hw, "workload": workload, "trace": trace, "mode": mode, "queries": queries,
             "seed": seed}  # fmt: skip
    experiment = whole_experiment(results, {k: v for k, v in given.items() if v is not None})
    with naming(results):
        parts = kept_parts(mean_parts(results), where)
        found = robustness(
            experiment, parts, metrics, draws=draws, seed=draw_seed,
            reach_percent=reach_percent, workers=workers or os.cpu_count() or 1,
        )  # fmt: skip
        named = decision(survey(parts, metrics), Setting.of(experiment), found)
    accuracy_of = experiment.network.supernet.accuracy_of
    print_robust(found, named, output_format, accuracy_of=accuracy_of, caveats=experiment.caveats)
    if plot is not None:
        from sushi_dse.plots.robust import robust_panels

        draw(plot, robust_panels(found, accuracy_of), "")
