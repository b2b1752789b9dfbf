"""`sweep`: a search space to rows and their front."""

from pathlib import Path
from typing import Annotated

import typer

from sushi_dse.cli import options


def sweep(
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    trace: options.TraceName = "random-walk",
    policy: options.Policies = None,
    mode: options.SelectionMode = options.Mode.strict_latency,
    queries: options.Queries = 2000,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results.", show_default="results/<hw>-<workload>-<hash>"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that evaluate designs.", min=1, show_default="one a core"),
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
    output_format: options.Printed = options.Format.table,
) -> None:
    """Evaluate every design of a search space and print the front.

    Run again, it goes on from where it stopped. Example:
    sushi-dse sweep --hw alveo_u50_space --workload ofa_mbv3 --policy sushi --policy no-sgs
    """
    import os
    import shlex
    import sys
    import time

    from sushi_dse.policies import DEFAULT_POLICIES
    from sushi_dse.report import print_sweep, warn, with_progress
    from sushi_dse.setting import load_setting
    from sushi_dse.store import Store, read_results, results_name
    from sushi_dse.summary import summarise
    from sushi_dse.sweep import BLOCK_DESIGNS, missing_blocks
    from sushi_dse.sweep import sweep as run_sweep

    started = time.perf_counter()
    setting = load_setting(hw, workload, trace, queries=queries, seed=seed, subnets=subnets)
    evaluation = setting.evaluation(policy or DEFAULT_POLICIES, mode.value)
    inputs = {
        **setting.inputs(evaluation.policies, mode.value),
        "block_designs": BLOCK_DESIGNS,
    }
    names = setting.hardware.name, setting.workload.name
    folder = out or Path("results") / results_name(*names, inputs)
    store = Store.open(folder, inputs, command=shlex.join(["sushi-dse", *sys.argv[1:]]))
    for part in store.damaged:
        warn(f"{part}: cannot be read; its block is done again")
    missing = sum(len(designs) for _, designs in missing_blocks(evaluation, store))
    blocks = run_sweep(evaluation, store, workers=workers or os.cpu_count() or 1)
    try:
        evaluated = sum(with_progress(blocks, missing, what="designs"))
    except KeyboardInterrupt:
        warn(f"interrupted; what is finished is in {folder}: run the same command to go on")
        raise typer.Exit(130) from None
    summary = summarise(
        read_results(folder),
        evaluation,
        evaluated=evaluated,
        seconds=time.perf_counter() - started,
        out=folder,
    )
    print_sweep(summary, output_format.value)
