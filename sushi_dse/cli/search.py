"""`search`: a space too large to sweep, explored by samplers that learn."""

import shlex
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sushi_dse.cli import options
from sushi_dse.interrupts import interrupts_end

if TYPE_CHECKING:
    from sushi_dse.explore.search.batches import Step

QUICK_QUERIES = 4e8  # designs x policies x queries: a sweep of about a minute on two cores


class Sampler(StrEnum):
    """What proposes designs."""

    nsga2 = "nsga2"
    nsga3 = "nsga3"
    tpe = "tpe"
    random = "random"


def search(
    hw: options.Hardware = "zcu104_space",
    workload: options.Workload = "ofa_resnet50",
    trace: options.TraceName = "random-walk",
    policy: options.SweptPolicies = None,
    mode: options.SelectionMode = options.Mode.strict_latency,
    queries: options.Queries = 2000,
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
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results.", show_default="results/<hw>-<workload>-<hash>"),
    ] = None,
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
    with interrupts_end(
        lambda: f"interrupted; what is finished is kept in {folder}: run the same command to go on"
    ):
        from sushi_dse.evaluation.loading import load_setting
        from sushi_dse.explore.search.batches import search as run_search
        from sushi_dse.explore.search.plan import Search
        from sushi_dse.explore.search.rows import evaluator
        from sushi_dse.explore.search.storage import open_study, shown_url
        from sushi_dse.explore.survey import objectives, summarise, survey
        from sushi_dse.policies.names import DEFAULT_POLICIES
        from sushi_dse.report.progress import (
            note,
            warn,
            warn_if_reference_infeasible,
            with_progress,
        )
        from sushi_dse.store.folder import Store
        from sushi_dse.store.run import results_name

        started = time.perf_counter()
        setting = load_setting(hw, workload, trace, queries=queries, seed=seed)
        warn_if_reference_infeasible(setting)
        served = len(setting.traced)
        evaluation = setting.evaluation(policy or DEFAULT_POLICIES, mode.value)
        metrics = objectives(objective)
        plan = Search(
            evaluation=evaluation,
            objectives=tuple(metrics),
            sampler=sampler.value,
            seed=seed,
            batch=batch,
        )
        inputs = {**setting.inputs(evaluation.policies, mode.value), "search": plan.inputs}
        name = results_name(setting.hardware.name, setting.workload.name, inputs)
        folder = out or Path("results") / name
        words = sys.argv[1:]
        if storage is not None:  # which may hold a password
            words = [word.replace(storage, shown_url(storage)) for word in words]
        steps: list[Step] = []
        with (
            Store.open(folder, inputs, command=shlex.join(["sushi-dse", *words])) as store,
            open_study(plan, name, folder, storage) as study,
            evaluator(evaluation, workers=workers) as evaluate,
        ):
            for part in (path for paths in store.damaged.values() for path in paths):
                warn(f"{part}: is damaged; its designs are evaluated again")
            steps += with_progress(
                run_search(plan, study, store, evaluate, trials=trials),
                trials,
                what="trials",
                status=_status,
            )
            summary = summarise(
                survey(store.rows, metrics),
                metrics,
                evaluation,
                evaluated=sum(step.evaluated for step in steps),
                seconds=time.perf_counter() - started,
                out=folder,
            )
        size = evaluation.space.size
        if size <= trials or size * len(evaluation.policies) * served <= QUICK_QUERIES:
            note(f"`sushi-dse sweep` evaluates all of this space ({size}), for an exact front")
        _print(
            {
                **summary,
                "designs": trials,
                "repeated": sum(step.repeated for step in steps),
                "space": size,
                "sampler": plan.sampler,
            },
            output_format.value,
        )


def _status(step: "Step") -> str:
    """What the progress says beside the bar."""
    volume = step.answers.hypervolume
    front = f"front {step.answers.front}"
    return front if volume is None else f"{front}, hypervolume {volume:.4g}"


def _print(summary: dict[str, Any], output_format: str) -> None:
    """The front of a search, and the counts below it."""
    from sushi_dse.errors import printable
    from sushi_dse.report.formats import print_rows
    from sushi_dse.report.views import TABLE_ROWS
    from sushi_dse.units import label

    front, columns = summary["front"], summary.pop("front_columns")
    print_rows(
        front if output_format != "table" else front[:TABLE_ROWS],
        columns,
        output_format,
        document=summary,
        title=f"The front of {', '.join(label(name) for name in summary['objectives'])}",
    )
    if output_format != "table":
        return
    out = printable(str(summary["out"]))
    if len(front) > TABLE_ROWS:
        print(f"  and {len(front) - TABLE_ROWS} more: sushi-dse pareto show {out}")
    print(
        f"{summary['designs']} trials of {summary['sampler']} in a space of {summary['space']} "
        f"designs; {summary['infeasible']} designs met that do not fit\n"
        f"policies: {', '.join(summary['policies'])}; {summary['queries']} queries, "
        f"{summary['mode']}\n"
        f"{summary['evaluated']} designs evaluated now, {summary['repeated']} trials answered from "
        f"the store, in {summary['seconds']:.1f} s\n"
        f"rows: {out}/part-*.parquet"
    )
