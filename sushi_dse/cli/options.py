"""Options that several commands take."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sushi_dse.cli import names as completion
from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import CAPACITY
from sushi_dse.policies.names import DEFAULT_POLICIES


class Format(StrEnum):
    """How results are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    markdown = "markdown"


class Mode(StrEnum):
    """Which demand of a query is kept at all costs."""

    strict_accuracy = "strict-accuracy"
    strict_latency = "strict-latency"


class RoutingRule(StrEnum):
    """Which of several accelerators that are free serves a query."""

    suited = "suited"
    free = "free"


Hardware = Annotated[
    str,
    typer.Option(
        "--hw",
        help="Hardware: a shipped name, or a YAML file.",
        autocompletion=completion.hardware,
    ),
]
Workload = Annotated[
    str,
    typer.Option(
        help="Workload: a shipped name, or a YAML file.", autocompletion=completion.workloads
    ),
]
BITS_HELP = "Bits of each weight: 4, 8 or 16; the workload's accuracies are carried over."
WeightBits = Annotated[
    int | None, typer.Option("--weight-bits", help=BITS_HELP, show_default="the workload's")
]
TraceName = Annotated[
    str,
    typer.Option(
        "--trace",
        help="Kind of synthetic demand, or a .csv or .parquet file.",
        autocompletion=completion.traces,
    ),
]
SWEPT = "or that of the folder's command"
HardwareOrSwept = Annotated[
    str | None,
    typer.Option(
        "--hw",
        help="Hardware: a shipped name, or a YAML file.",
        show_default=f"zcu104_space, {SWEPT}",
        autocompletion=completion.hardware,
    ),
]
WorkloadOrSwept = Annotated[
    str | None,
    typer.Option(
        "--workload",
        help="Workload: a shipped name, or a YAML file.",
        show_default=f"ofa_resnet50, {SWEPT}",
        autocompletion=completion.workloads,
    ),
]
TraceOrSwept = Annotated[
    str | None,
    typer.Option(
        "--trace",
        help="Kind of synthetic demand, a .csv or .parquet file, or `none`: each SubNet is served "
        "again and again.",
        show_default=f"random-walk, {SWEPT}",
        autocompletion=completion.traces,
    ),
]
ModeOrSwept = Annotated[
    Mode | None,
    typer.Option(
        "--mode",
        help="How the SubNet of a query is selected.",
        show_default=f"strict-latency, {SWEPT}",
    ),
]
QueriesOrSwept = Annotated[
    int | None,
    typer.Option(
        "--queries",
        help="Queries of a synthetic trace.",
        min=1,
        max=10**8,
        show_default=f"2000, {SWEPT}",
    ),
]
SeedOrSwept = Annotated[
    int | None,
    typer.Option(
        "--seed",
        help="Seed of a synthetic trace, and of samples.",
        min=0,
        show_default=f"0, {SWEPT}",
    ),
]
RecacheOrSwept = Annotated[
    int | None,
    typer.Option(
        "--recache-every",
        help="Queries after which a policy may change the SubGraph: the scheduler's interval.",
        min=1,
        max=10**9,
        show_default="8, or that of the row explained",
    ),
]
LevelOrSwept = Annotated[
    float | None,
    typer.Option(
        "--service-level",
        help="How lax the deadlines are, or with --mode strict-accuracy how high the demands: 1 is "
        "the stream as it is.",
        min=0,
        show_default="1, or that of the row explained",
    ),
]
Arrivals = Annotated[
    str | None,
    typer.Option(
        "--arrivals",
        help="How the queries of a synthetic trace arrive.",
        show_default="closed-loop",
        autocompletion=completion.arrivals,
    ),
]
Load = Annotated[
    float | None,
    typer.Option(
        "--load",
        help="Rate of those arrivals: a share of what the reference design serves back to back.",
        show_default="0.5",
    ),
]
Accelerators = Annotated[
    int,
    typer.Option(
        help="Accelerators of a design that share its device and serve one queue, each with a "
        "SubGraph of its own. A synthetic stream, and its --load, are those of one.",
    ),
]
Routing = Annotated[
    RoutingRule,
    typer.Option(
        help="Which of several free accelerators serves a query: the one whose SubGraph suits it "
        "best, or the first.",
    ),
]
SloTarget = Annotated[
    float,
    typer.Option(
        "--slo-target",
        help="Share of the queries whose demands are to be met, for capacity_queries_per_s.",
    ),
]
BatchLimit = Annotated[
    int,
    typer.Option(
        "--batch-limit",
        help="Queries that a policy which batches serves at once, at most; 1: one by one.",
        min=1,
        max=256,
    ),
]
Queries = Annotated[int, typer.Option(help="Queries of a synthetic trace.", min=1, max=10**8)]
Repeats = Annotated[
    int, typer.Option(help="Seeds, from --seed on; each gives rows of its own.", min=1, max=1000)
]
Seed = Annotated[int, typer.Option(help="Seed of a synthetic trace.", min=0)]
POLICY_HELP = (
    "A policy, or ./mine.py:Mine, a class of your own: its file is code, and is run; repeat it."
)
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        help=POLICY_HELP,
        show_default="all",
        autocompletion=completion.policies,
    ),
]
SweptPolicies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        help=POLICY_HELP,
        show_default=", ".join(DEFAULT_POLICIES),
        autocompletion=completion.policies,
    ),
]
INTERVAL_HELP = "Queries after which a policy may change the SubGraph: the scheduler's interval."
RecacheEvery = Annotated[int, typer.Option("--recache-every", help=INTERVAL_HELP, min=1, max=10**9)]
RecacheIntervals = Annotated[
    list[int] | None,
    typer.Option(
        "--recache-every",
        help=f"{INTERVAL_HELP} Repeat it: a row says which.",
        min=1,
        max=10**9,
        show_default="8",
    ),
]
ServiceLevels = Annotated[
    list[str] | None,
    typer.Option(
        "--service-level",
        help="How lax the stream's deadlines are, or with --mode strict-accuracy how high its "
        "demands: 1 is the stream as it is, `span` seven levels from what the smallest SubNet "
        "keeps to what the largest does. Repeat it: a row says which.",
        show_default="span for a synthetic demand, else 1",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the results.", show_default="results/<hw>-<workload>-<hash>"),
]
SelectionMode = Annotated[
    Mode, typer.Option("--mode", help="How the SubNet of a query is selected.")
]
Printed = Annotated[Format, typer.Option("--format", help="How results are printed.")]
Tolerance = Annotated[
    float,
    typer.Option(
        "--tolerance-percent",
        help="Rows of the front that differ by no more in any objective are shown once.",
        min=0,
    ),
]
MOST_DRAWS = 2**14
DRAWS_HELP = (
    "Draws of all constants that are in doubt, by the ranges of the hardware file: a power of two."
)
Where = Annotated[
    str | None,
    typer.Option(
        help="Only rows that are so, before the front is taken: 'dsp < 900 and policy = sushi'.",
        show_default="all rows",
    ),
]
Results = Annotated[Path, typer.Argument(help="Folder written by `sushi-dse sweep`.")]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="A metric to trade off; repeat it.",
        autocompletion=completion.metrics,
        show_default="mean_latency_ms, mean_accuracy_percent, energy_mj_per_query",
    ),
]


def doubt(words: str) -> Any:
    """The option for a number of draws that may be none, with that help."""
    return typer.Option(help=words, min=0, max=MOST_DRAWS, show_default="none")


def target_of(objectives: Sequence[str] | None, slo_target: float) -> float | None:
    """The target of a capacity, where that is an objective."""
    return slo_target if CAPACITY in (objectives or ()) else None


def power_of_two(option: str, number: int) -> None:
    """Raise `UserError` unless a number is a power of two, from 2 on, or 0."""
    if number == 1 or number & (number - 1):
        raise UserError(f"{option} {number}: give a power of two, as {2 ** number.bit_length()}")
