"""What `explain` speaks of: a design and its policy, by name or from the rows of a folder."""

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sushi_dse.analysis.candidates import folder_source
from sushi_dse.analysis.recommend import Demands, recommend
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import NO_TRACE, RECACHE_EVERY_QUERIES, Experiment
from sushi_dse.evaluation.fronts import cost_matrix, feasible_rows
from sushi_dse.evaluation.levels import AS_GIVEN
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import AREA, INTERVAL, LEVEL, Metric, find_metric
from sushi_dse.hardware.space import find_design
from sushi_dse.policies.names import STATIC_SUBGRAPH, SUSHI
from sushi_dse.store.parts import rows_of
from sushi_dse.store.run import Run
from sushi_dse.store.seeds import mean_parts

# What a sweep takes where its command does not say it.
DEFAULTS = {"hw": "zcu104_space", "workload": "ofa_resnet50", "trace": "random-walk"}
NUMBERS = (
    "queries",
    "seed",
    "subnets",
    "accelerators",
    "batch-limit",
    "weight-bits",
)  # whole numbers
WORDS = (*DEFAULTS, "mode", "arrivals", "routing")
ALIKE = ("hardware", "workload", "trace", "mode")  # inputs that must be those of the rows


class Wanted(NamedTuple):
    """Which row of a design: what a user asked for, or None where any will do."""

    policy: str | None
    recache_every_queries: int | None
    service_level: float | None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `load_experiment`; the defaults where nothing was asked for."""
        every, level = self.recache_every_queries, self.service_level
        return {
            "policies": None if self.policy is None else [self.policy],
            "recache_every_queries": [RECACHE_EVERY_QUERIES if every is None else every],
            "service_levels": [AS_GIVEN if level is None else level],
        }

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows that are so; what none of them has is no reason to leave any out."""
        for name, value in zip(("policy", INTERVAL, LEVEL), self, strict=True):
            if name in rows and (rows[name] == value).any():
                rows = rows[(rows[name] == value) | (rows[name].isna() & (name == INTERVAL))]
        return rows

    def or_of(self, row: "pd.Series[Any]") -> "Wanted":
        """What was asked for, and what the row has where nothing was."""
        found = {name: row.get(name) for name in ("policy", INTERVAL, LEVEL)}
        policy, every, level = (None if pd.isna(value) else value for value in found.values())
        return Wanted(
            policy=str(policy) if self.policy is None else self.policy,
            recache_every_queries=self.recache_every_queries or (every and int(every)),
            service_level=level if self.service_level is None else self.service_level,
        )


def explained_design(
    design: str | None,
    results: Path | None,
    metrics: Sequence[Metric],
    *,
    policy: str | None,
    recache_every: int | None,
    service_level: float | None = None,
    given: Mapping[str, Any],
) -> tuple[Experiment, int]:
    """The experiment under one policy, and the number of the design in its space.

    `given` are the arguments of `load_experiment` by name; None stands for its default, or for what
    the command that swept `results` says.  Of a folder the design is by default the one that
    `recommend` names without a demand; policy, interval and service level are those of the row that
    it names, or of the best row of a design that is named: in the metrics in their order.
    `UserError` where the folder is of other inputs.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    if results is None:
        asked = {**DEFAULTS, **asked}
        served = policy or (STATIC_SUBGRAPH if asked["trace"] == NO_TRACE else SUSHI)
        wanted = Wanted(served, recache_every, service_level)
        experiment = load_experiment(**asked, **wanted.arguments)
        return experiment, find_design(experiment.space, design)
    number, wanted = _row_of(results, design, Wanted(policy, recache_every, service_level), metrics)
    return swept_experiment(results, wanted, asked), number


def swept_experiment(folder: Path, wanted: Wanted, given: Mapping[str, Any]) -> Experiment:
    """The experiment that the rows in `folder` are of, under one policy, interval and level.

    Names that are not `given` are those of the command that swept the folder.  `UserError` unless
    hardware, workload, trace and mode are those of the rows.
    """
    as_given = wanted._replace(service_level=AS_GIVEN)  # A level need not suit another mode.
    experiment = _loaded(folder, given, as_given.arguments)
    return replace(experiment, service_levels=wanted.arguments["service_levels"])


def whole_experiment(folder: Path, given: Mapping[str, Any]) -> Experiment:
    """The experiment of the rows in `folder`, under all of their policies, levels and seeds.

    Names that are not `given` are those of the command that swept the folder.  `UserError` unless
    hardware, workload, trace and mode are those of the rows.
    """
    run = Run.read(folder)
    seeds = run.inputs.get("seeds") or {}
    arguments = {
        "policies": run.names("policies", folder),
        "recache_every_queries": [int(n) for n in run.numbers("recache_every_queries", folder)],
        "repeats": max(len(seeds), 1),
    }
    experiment = _loaded(folder, given, arguments)
    return replace(experiment, service_levels=run.numbers("service_levels", folder))


def _loaded(folder: Path, given: Mapping[str, Any], arguments: Mapping[str, Any]) -> Experiment:
    """The experiment of names and arguments; `UserError` unless it is that of the rows."""
    run = Run.read(folder)
    asked = {**DEFAULTS, **options_of(run.command), **given}
    experiment = load_experiment(**asked, **arguments)
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

    >>> options_of("sushi-dse sweep --hw zcu104 --load=0.9 --weight-bits 4 --policy sushi")
    {'hw': 'zcu104', 'load': 0.9, 'weight_bits': 4}
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
            found[name.replace("-", "_")] = int(value)
        elif option == "--load":
            with suppress(ValueError):
                found[name] = float(value)
    return found


def _parted(word: str) -> list[str]:
    """An option and its value apart where an equals sign joins them."""
    return word.split("=", 1) if word.startswith("--") else [word]


def _row_of(
    folder: Path, design: str | None, asked: Wanted, metrics: Sequence[Metric]
) -> tuple[int, Wanted]:
    """The number of the design of a folder that is explained, and of which of its rows.

    Where the design has no such row, what was not asked for is the default.
    """
    run = Run.read(folder)
    space, stored = run.space(folder), run.names("policies", folder)
    chosen = None if asked.policy is None else [asked.policy]
    if design is None:
        source = folder_source(folder, find_metric(AREA), None, policies=chosen)
        tables = (asked.of(step.rows) for step in source.steps if step.rows is not None)
        rows = recommend(tables, Demands(), find_metric(AREA), source.device).meeting
        if rows.empty:
            raise UserError(f"{folder}: has no feasible row to explain; name a design")
        number = int(rows["design"].iloc[0])
    else:
        number = find_design(space, design)
        rows = asked.of(rows_of(mean_parts(folder)))
        rows = feasible_rows(rows[rows["design"] == number], metrics)
        rows = rows.iloc[np.lexsort(cost_matrix(rows, metrics).T[::-1])]
    if len(rows):
        return number, asked.or_of(rows.iloc[0])
    return number, Wanted(asked.policy or (SUSHI if SUSHI in stored else stored[0]), *asked[1:])
