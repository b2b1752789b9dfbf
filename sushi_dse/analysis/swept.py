"""What `explain` speaks of: a design and its policy, by name or from the rows of a folder."""

import json
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sushi_dse.analysis.candidates import folder_source
from sushi_dse.analysis.recommend import Demands, recommend
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import NO_TRACE, RECACHE_EVERY_QUERIES, Experiment
from sushi_dse.evaluation.fronts import cost_matrix, feasible_rows
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import AREA, INTERVAL, Metric, find_metric
from sushi_dse.hardware.space import find_design
from sushi_dse.policies.names import STATIC_SUBGRAPH, SUSHI
from sushi_dse.store.parts import rows_of
from sushi_dse.store.run import Run
from sushi_dse.store.seeds import mean_parts

# What a sweep takes where its command does not say it.
DEFAULTS = {"hw": "zcu104_space", "workload": "ofa_resnet50", "trace": "random-walk"}
NUMBERS = ("queries", "seed", "subnets")  # options whose value is a whole number
WORDS = (*DEFAULTS, "mode")
ALIKE = ("hardware", "workload", "trace", "mode")  # inputs that must be those of the rows


def explained_design(
    design: str | None,
    results: Path | None,
    metrics: Sequence[Metric],
    *,
    policy: str | None,
    recache_every: int | None,
    given: Mapping[str, Any],
) -> tuple[Experiment, int]:
    """The experiment under one policy, and the number of the design in its space.

    `given` are the arguments of `load_experiment` by name; None stands for its default, or for what
    the command that swept `results` says.  Of a folder the design is by default the one that
    `recommend` names without a demand, and the policy that of the row that it names, or of the best
    row of a design that is named: in the metrics in their order.  `UserError` where the folder is
    of other inputs.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    if results is None:
        asked = {**DEFAULTS, **asked}
        served = policy or (STATIC_SUBGRAPH if asked["trace"] == NO_TRACE else SUSHI)
        every = recache_every or RECACHE_EVERY_QUERIES
        experiment = load_experiment(**asked, policies=[served], recache_every_queries=[every])
        return experiment, find_design(experiment.space, design)
    number, served, interval = _row_of(results, design, policy, metrics)
    experiment = swept_experiment(results, served, recache_every or interval, asked)
    return experiment, number


def swept_experiment(
    folder: Path, policy: str, interval: int, given: Mapping[str, Any]
) -> Experiment:
    """The experiment that the rows in `folder` are of, under one policy at one recache interval.

    Names that are not `given` are those of the command that swept the folder.  `UserError` unless
    hardware, workload, trace and mode are those of the rows.
    """
    run = Run.read(folder)
    asked = {**DEFAULTS, **options_of(run.command), **given}
    experiment = load_experiment(**asked, policies=[policy], recache_every_queries=[interval])
    now = json.loads(json.dumps(experiment.inputs))
    other = [name for name in ALIKE if now[name] != run.inputs.get(name)]
    if other:
        raise UserError(
            f"{folder}: its rows are of another {' and '.join(other)} than {asked['hw']}, "
            f"{asked['workload']} and {asked['trace']} give; name what was swept, as by --hw"
        )
    return experiment


def options_of(command: str) -> dict[str, Any]:
    """The arguments of `load_experiment` that a `sweep` or `search` was given on its command line.

    >>> options_of("sushi-dse sweep --hw zcu104 --queries=20 --policy sushi")
    {'hw': 'zcu104', 'queries': 20}
    """
    try:
        words = [part for word in shlex.split(command) for part in _parted(word)]
    except ValueError:  # Text that no shell wrote.
        return {}
    found: dict[str, Any] = {"trace": NO_TRACE} if "--exact" in words else {}
    for option, value in pairwise(words):
        name = option.removeprefix("--")
        if option.startswith("--") and name in WORDS:
            found[name] = value
        elif option.startswith("--") and name in NUMBERS and value.isascii() and value.isdigit():
            found[name] = int(value)
    return found


def _parted(word: str) -> list[str]:
    """An option and its value apart where an equals sign joins them."""
    return word.split("=", 1) if word.startswith("--") else [word]


def _row_of(
    folder: Path, design: str | None, policy: str | None, metrics: Sequence[Metric]
) -> tuple[int, str, int]:
    """Number, policy and recache interval of the row of a folder that is explained."""
    run = Run.read(folder)
    space, chosen = run.space(folder), None if policy is None else [policy]
    if design is None:
        source = folder_source(folder, find_metric(AREA), None, policies=chosen)
        tables = (step.rows for step in source.steps if step.rows is not None)
        found = recommend(tables, Demands(), find_metric(AREA), source.device).meeting
        if found.empty:
            raise UserError(f"{folder}: has no feasible row to explain; name a design")
        number, policy = int(found["design"].iloc[0]), str(found["policy"].iloc[0])
    else:
        number = find_design(space, design)
    rows = _best_first(rows_of(mean_parts(folder)), number, policy, metrics)
    interval = RECACHE_EVERY_QUERIES
    if len(rows) and INTERVAL in rows and pd.notna(rows[INTERVAL].iloc[0]):
        interval = int(rows[INTERVAL].iloc[0])
    stored = run.names("policies", folder)
    best = str(rows["policy"].iloc[0]) if len(rows) else (SUSHI if SUSHI in stored else stored[0])
    return number, policy or best, interval


def _best_first(
    rows: pd.DataFrame, number: int, policy: str | None, metrics: Sequence[Metric]
) -> pd.DataFrame:
    """The feasible rows of a design, under a policy or all, the best in the metrics first."""
    mine = rows[(rows["design"] == number) & ((rows["policy"] == policy) | (policy is None))]
    known = feasible_rows(mine, metrics)
    return known.iloc[np.lexsort(cost_matrix(known, metrics).T[::-1])]
