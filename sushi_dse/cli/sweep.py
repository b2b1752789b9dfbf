"""`sweep`: a search space to rows and their front."""

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import sushi_dse
from sushi_dse.cli import names as completion
from sushi_dse.cli import options
from sushi_dse.cli.usage import command_line, kept_in
from sushi_dse.errors import UserError, naming
from sushi_dse.interrupts import interrupts_end
from sushi_dse.traces.names import DEMAND_NAMES, RANDOM_WALK


class Kept(StrEnum):
    """Which rows of a sweep are stored."""

    all = "all"
    front = "front"


def sweep(
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
    trace: Annotated[
        str | None,
        typer.Option(
            help="Kind of synthetic demand, a .csv or .parquet file, or `none`: each SubNet is "
            "served again and again, and has a row of its own, under static-subgraph where no "
            "--policy is named.",
            show_default="random-walk; none with --exact",
            autocompletion=completion.traces,
        ),
    ] = None,
    policy: options.SweptPolicies = None,
    objective: options.Objectives = None,
    mode: options.SelectionMode = options.Mode.strict_latency,
    recache_every: options.RecacheIntervals = None,
    service_level: options.ServiceLevels = None,
    queries: options.Queries = 2000,
    arrivals: options.Arrivals = None,
    load: options.Load = None,
    accelerators: options.Accelerators = 1,
    routing: options.Routing = options.RoutingRule.suited,
    batch_limit: options.BatchLimit = 8,
    slo_target: options.SloTarget = 0.99,
    seed: options.Seed = 0,
    repeats: options.Repeats = 1,
    out: options.Out = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that evaluate designs.", min=1, max=1024, show_default="one a core"
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Evaluate in a Dask cluster that is trusted: tcp:// or tls://HOST:PORT, or its "
            "scheduler's file.",
            show_default="this machine",
        ),
    ] = None,
    subnets: Annotated[
        int | None,
        typer.Option(
            help="Serve that many SubNets, chosen for the hardware: by predicted accuracy, or if "
            "the workload has no accuracy model of those that it lists, for the stream.",
            min=1,
            max=32,  # candidate SubGraphs grow with the pairs of SubNets
            show_default="those that the workload lists",
        ),
    ] = None,
    keep: Annotated[
        Kept, typer.Option(help="Rows to store: all, or of each block those of its front.")
    ] = Kept.all,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Without a trace: find the front without walking the whole space, with a "
            "certificate that `pareto verify` checks.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Time a few designs, print what the sweep would take, and write nothing.",
        ),
    ] = False,
    doubt: Annotated[
        int,
        options.doubt(
            "Name a robust design, too, by so many draws of all constants that are in doubt: "
            "a power of two. `pareto robust` says more."
        ),
    ] = 0,
    tolerance_percent: options.Tolerance = 0.1,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Evaluate every design of a search space, print the front and the designs to decide between.

    With --repeats, rows are stored for each seed, and the front is that of their means.

    Run again, it goes on from where it stopped. Example:
    sushi-dse sweep --hw alveo_u50_space --workload ofa_mbv3 --policy sushi --policy no-sgs
    """
    folder = out or Path("results")
    with interrupts_end(lambda: kept_in(folder)):
        from sushi_dse.analysis.sensitivity import idle_axes
        from sushi_dse.evaluation.levels import asked_levels
        from sushi_dse.report.progress import swept, warn_if_reference_infeasible, warn_of_idle
        from sushi_dse.report.surveys import print_sweep
        from sushi_dse.report.views import print_facts

        started = time.perf_counter()
        options.power_of_two("--doubt", doubt)
        how = _way(exact=exact, keep=keep, trace=trace, places=(workers, cluster))
        name = trace or ("none" if exact else RANDOM_WALK)
        experiment = sushi_dse.load_experiment(
            hw, workload, name, policies=policy, mode=mode, queries=queries, seed=seed,
            subnets=subnets, weight_bits=weight_bits,
            recache_every_queries=recache_every, repeats=repeats,
            service_levels=asked_levels(service_level, synthetic=name in DEMAND_NAMES),
            arrivals=arrivals, load=load,
            capacity_target=options.target_of(objective, slo_target),
            accelerators=accelerators, routing=routing,
            batch_limit=batch_limit,
        )  # fmt: skip
        warn_if_reference_infeasible(experiment)
        plan = sushi_dse.Sweep(experiment, objective, how=how, out=out)
        folder, at_once = plan.folder, workers or os.cpu_count() or 1
        if dry_run:
            estimate = sushi_dse.estimate_sweep(plan, workers=at_once)
            return print_facts(estimate, output_format, title="What this sweep would take")
        with plan.opened(command=command_line()) as store, naming(folder):
            steps = swept(plan, store, workers=at_once, cluster=cluster)
            idle = idle_axes(plan, store)
            if store.parts:
                found = plan.survey()
                robust = plan.robust(draws=doubt, workers=at_once) if doubt else None
                summary = plan.summary(found, steps, since=started, robust=robust)
                summary["idle_axes"] = idle
                print_sweep(summary, found, output_format, tolerance_percent)
            warn_of_idle(idle)
        plan.refuse_given_up(steps)


def _way(
    *, exact: bool, keep: Kept, trace: str | None, places: tuple[int | None, str | None]
) -> str:
    """How a sweep goes about it, by its options; `UserError` where they exclude each other."""
    if all(places):
        raise UserError("--workers are on this machine, --cluster has its own; give one of them")
    if exact and (trace not in (None, "none") or keep == Kept.front):
        raise UserError("--exact is without a trace and keeps its front; leave --trace, --keep")
    return "exact" if exact else {Kept.all: "walk", Kept.front: "front"}[keep]
