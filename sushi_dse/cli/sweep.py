"""`sweep`: a search space to rows and their front."""

import os
import shlex
import sys
import time
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import names as completion
from sushi_dse.cli import options
from sushi_dse.errors import naming
from sushi_dse.interrupts import interrupts_end

MOST_SWEPT = 10**13  # designs: what a large cluster walks in hours without a trace


class Kept(StrEnum):
    """Which rows of a sweep are stored."""

    all = "all"
    front = "front"


def sweep(
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
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
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results.", show_default="results/<hw>-<workload>-<hash>"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that evaluate designs.", min=1, max=1024, show_default="one a core"
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Evaluate in a Dask cluster: tcp://HOST:PORT, or its scheduler's file.",
            show_default="this machine",
        ),
    ] = None,
    subnets: Annotated[
        int | None,
        typer.Option(
            help="Serve that many SubNets, chosen for the hardware by predicted accuracy.",
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
    output_format: options.Printed = options.Format.table,
) -> None:
    """Evaluate every design of a search space and print the front.

    Run again, it goes on from where it stopped. Example:
    sushi-dse sweep --hw alveo_u50_space --workload ofa_mbv3 --policy sushi --policy no-sgs
    """
    folder = out or Path("results")
    with interrupts_end(
        lambda: f"interrupted; what is finished is kept in {folder}: run the same command to go on"
    ):
        from sushi_dse.analysis.sensitivity import MOST_ROWS, idle_axes
        from sushi_dse.errors import UserError
        from sushi_dse.evaluation.loading import NO_TRACE, load_setting
        from sushi_dse.explore.estimate import estimate_sweep
        from sushi_dse.explore.exact.bounds import refuse_unbounded
        from sushi_dse.explore.exact.folder import read_settled, sweep_exactly
        from sushi_dse.explore.survey import objective_names, objectives, summarise, survey
        from sushi_dse.explore.sweep import block_designs_of, missing_blocks, refuse_given_up
        from sushi_dse.explore.sweep import sweep as run_sweep
        from sushi_dse.policies.names import DEFAULT_POLICIES, STATIC_SUBGRAPH
        from sushi_dse.report.progress import warn, warn_if_reference_infeasible, with_progress
        from sushi_dse.report.views import print_facts, print_sweep
        from sushi_dse.store.folder import Store
        from sushi_dse.store.run import results_name

        if workers and cluster:
            raise UserError(
                "--workers are on this machine, --cluster has its own; give one of them"
            )
        if exact and (trace not in (None, NO_TRACE) or keep == Kept.front):
            raise UserError("--exact is without a trace and keeps its front; leave --trace, --keep")
        started = time.perf_counter()
        trace_name = trace or (NO_TRACE if exact else "random-walk")
        setting = load_setting(
            hw, workload, trace_name, queries=queries, seed=seed, subnets=subnets
        )
        warn_if_reference_infeasible(setting)
        traced, metrics = setting.trace is not None, objectives(objective)
        policies = policy or (DEFAULT_POLICIES if traced else (STATIC_SUBGRAPH,))
        evaluation = setting.evaluation(policies, mode.value)
        block_designs = block_designs_of(evaluation)
        inputs = {**setting.inputs(policies, mode.value), "block_designs": block_designs}
        if not exact and evaluation.space.size > MOST_SWEPT:
            raise UserError(
                f"{hw}: {evaluation.space.size} designs, and a sweep walks {MOST_SWEPT:g} at most; "
                "offer fewer values, or take --exact or `sushi-dse search`"
            )
        if exact and not evaluation.space.axes:
            raise UserError(f"{hw}: is one design, and no space to search; leave --exact out")
        if exact:
            refuse_unbounded(metrics)
            inputs = {**setting.inputs(policies, mode.value), "exact": objective_names(metrics)}
        elif keep == Kept.front:
            evaluation = replace(evaluation, kept_front=tuple(metrics))
            inputs["kept_front"] = objective_names(metrics)
        names = setting.hardware.name, setting.workload.name
        folder = out or Path("results") / results_name(*names, inputs)
        if dry_run:
            if exact:
                raise UserError("--dry-run: what --exact walks is not known before; leave one out")
            estimate = estimate_sweep(
                evaluation,
                block_designs=block_designs,
                workers=workers or os.cpu_count() or 1,
                out=folder,
            )
            print_facts(estimate, output_format.value, title="What this sweep would take")
            return
        command = shlex.join(["sushi-dse", *sys.argv[1:]])
        with Store.open(folder, inputs, command=command) as store, naming(folder):
            for part in chain.from_iterable(store.damaged.values()):
                warn(f"{part}: is damaged; its block is done again")
            given_up, facts = [], {}
            if exact:
                steps = sweep_exactly(evaluation, metrics, store)
                fresh = sum(map(len, with_progress(steps, evaluation.space.size, what="designs")))
                facts = {"exact": read_settled(folder)}
                evaluated = facts["exact"]["walked_designs"] if fresh else 0
            else:
                missing = sum(map(len, missing_blocks(evaluation, store, block_designs)))
                blocks = run_sweep(
                    evaluation,
                    store,
                    workers=workers or os.cpu_count() or 1,
                    cluster=cluster,
                    block_designs=block_designs,
                )
                given_up = [b for b in with_progress(blocks, missing, what="designs") if b.failure]
                evaluated = missing - sum(map(len, given_up))
            if store.parts:
                found = survey(store.rows, metrics)
                summary = summarise(
                    found,
                    metrics,
                    evaluation,
                    evaluated=evaluated,
                    seconds=time.perf_counter() - started,
                    out=folder,
                )
                print_sweep({**summary, **facts}, output_format.value)
                if not exact and keep == Kept.all and not given_up and found.rows <= MOST_ROWS:
                    idle = idle_axes(store.rows, evaluation.space, metrics)
                    if idle:
                        warn(f"{', '.join(idle)}: changed no objective; give one value")
        refuse_given_up(given_up)
