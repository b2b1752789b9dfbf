"""`search`: a space too large to sweep, explored by samplers that learn."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import sushi_dse
from sushi_dse.cli import options
from sushi_dse.cli.usage import command_line, kept_in
from sushi_dse.interrupts import interrupts_end


class Sampler(StrEnum):
    """What proposes designs."""

    nsga2 = "nsga2"
    nsga3 = "nsga3"
    tpe = "tpe"
    random = "random"


def search(
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    weight_bits: options.WeightBits = None,
    trace: options.TraceName = "random-walk",
    policy: options.SweptPolicies = None,
    mode: options.SelectionMode = options.Mode.strict_latency,
    recache_every: options.RecacheEvery = 8,
    queries: options.Queries = 2000,
    arrivals: options.Arrivals = None,
    load: options.Load = None,
    accelerators: options.Accelerators = 1,
    routing: options.Routing = options.RoutingRule.suited,
    batch_limit: options.BatchLimit = 8,
    slo_target: options.SloTarget = 0.99,
    seed: Annotated[
        int, typer.Option(help="Seed of the sampler, and of a synthetic trace.", min=0)
    ] = 0,
    objective: options.Objectives = None,
    sampler: Annotated[
        Sampler, typer.Option(help="What proposes designs; docs/search.md compares them.")
    ] = Sampler.nsga2,
    trials: Annotated[
        int, typer.Option(help="Proposals in all; run again with more to go on.", min=1, max=10**6)
    ] = 400,
    batch: Annotated[
        int,
        typer.Option(
            help="Proposals before any is answered; a generation of nsga2 and nsga3.",
            min=1,
            max=10**6,
        ),
    ] = 20,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Database that keeps what was proposed: postgresql://USER:PASSWORD@HOST/DATABASE.",
            show_default="a journal in the folder of the results",
        ),
    ] = None,
    out: options.Out = None,
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that evaluate designs; the rows are the same.", min=1, max=1024
        ),
    ] = 1,
    output_format: options.Printed = options.Format.table,
) -> None:
    """Search a space that is too large to sweep, and print the front of what was evaluated.

    Run again, it goes on from where it stopped. Example:
    sushi-dse search --hw alveo_u50_space --sampler tpe --trials 200 --objective p99_latency_ms
    --objective device_share
    """
    folder = out or Path("results")
    with interrupts_end(lambda: kept_in(folder)):
        from sushi_dse.explore.search.batches import is_quick_to_sweep, search_summary
        from sushi_dse.report.progress import note, searched, warn_if_reference_infeasible
        from sushi_dse.report.surveys import print_sweep

        started = time.perf_counter()
        experiment = sushi_dse.load_experiment(
            hw, workload, trace, policies=policy, mode=mode, queries=queries, seed=seed,
            weight_bits=weight_bits,
            recache_every_queries=[recache_every], arrivals=arrivals, load=load,
            capacity_target=options.target_of(objective, slo_target),
            accelerators=accelerators, routing=routing,
            batch_limit=batch_limit,
        )  # fmt: skip
        warn_if_reference_infeasible(experiment)
        plan = sushi_dse.Search(
            experiment, objective, sampler=str(sampler), seed=seed, batch=batch, out=out
        )
        folder = plan.folder
        with plan.opened(command=command_line()) as store:
            steps = searched(plan, store, trials=trials, workers=workers, storage=storage)
            found = plan.survey()
            summary = search_summary(plan, found, steps, since=started)
        if is_quick_to_sweep(plan, trials):
            size = experiment.space.size
            note(f"`sushi-dse sweep` evaluates all of this space ({size}), for an exact front")
        print_sweep(summary, found, output_format)
