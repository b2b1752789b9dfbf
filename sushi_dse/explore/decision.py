"""The decision that a sweep ends in: a few named designs, and what is given up between them.

    sweep = Sweep(load_experiment("zcu104_space", service_levels="span"))
    for named in decision(sweep.run(), Setting.of(sweep.experiment)):
        print(named["role"], named["design"], named["given_up"])

A role goes to one of the rows that no other row beats in the objectives and in the share of the
device, so a small design may have one.  A row with several roles is named once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sushi_dse.evaluation.fronts import knee
from sushi_dse.evaluation.levels import AS_GIVEN
from sushi_dse.evaluation.metrics import (
    ACCURACY,
    AREA,
    ENERGY,
    LATENCY,
    LEVEL,
    METRICS,
    SERVED,
)
from sushi_dse.explore.survey import Survey, records
from sushi_dse.hardware.accelerator import Dataflow
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.policies.catalogue import named_policy
from sushi_dse.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from sushi_dse.evaluation.experiment import Experiment

FASTEST = "fastest"
FRUGAL = "most frugal"
SMALL = "most accurate within half of the device"
KNEE = "knee"
CHEAPEST = "cheapest that keeps the middle level"
SHORT = {SMALL: "half the device", CHEAPEST: "cheapest at the middle level"}  # in a figure
HALF = 0.5  # share of the device that a small design stays within
KEPT = 0.99  # share of the demands with which a service level counts as kept
ATTAINED = {"strict-latency": "latency_attainment", "strict-accuracy": "accuracy_attainment"}
MEASURES = (LATENCY, ACCURACY, ENERGY, "mean_power_w", "dsp", "bram36", "uram288", AREA)
# Words for measures that are compared, and the differences that are not worth a word.
COMPARED = {LATENCY: "latency", ENERGY: "energy", AREA: "area"}
LEAST_PERCENT, LEAST_POINTS = 0.5, 0.05
FOLD_FROM_PERCENT = 100  # more than that is said as a multiple

Choice = Callable[["pd.DataFrame"], "pd.DataFrame"]
"""A function from rows to those that a role allows, the best first."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Setting:
    """What the rows of a survey are of: the space of their designs, and how the trace was served.

    `Setting.of` an experiment, or `Setting.stored` of a folder of results.
    """

    space: SearchSpace
    mode: str
    service_levels: tuple[float, ...] = (AS_GIVEN,)  # rising

    @classmethod
    def of(cls, experiment: "Experiment") -> "Setting":
        """The setting of the rows of an experiment."""
        return cls(
            space=experiment.space,
            mode=experiment.mode,
            service_levels=experiment.service_levels,
        )

    @classmethod
    def stored(cls, folder: Path) -> "Setting":
        """The setting of the rows in a folder; `UserError` where its run cannot be read."""
        run = Run.read(folder)
        levels = run.numbers("service_levels", folder)
        return cls(space=run.space(folder), mode=str(run.inputs.get("mode")), service_levels=levels)

    @property
    def middle_level(self) -> float:
        """The level in the middle of the levels, of two the upper one; of a span it is 1."""
        return self.service_levels[len(self.service_levels) // 2]


def named_rows(found: Survey, setting: Setting) -> dict[str, "pd.DataFrame"]:
    """The row of each role that has one, a frame of one row by the name of the role.

    Of equals in what a role asks for, the row goes first that is faster, more accurate, more
    frugal, smaller, in this order.
    """
    rows = found.contenders
    chosen = {
        FASTEST: _best(found.front, LATENCY),
        FRUGAL: _best(found.front, ENERGY),
        SMALL: _best(rows.loc[rows[AREA] <= HALF], ACCURACY),
        KNEE: found.front.iloc[[knee(found.front, found.metrics)]] if len(found.front) else rows,
        CHEAPEST: _best(_keeping(rows, setting), AREA),
    }
    return {role: own for role, own in chosen.items() if len(own)}


def decision(found: Survey, setting: Setting) -> list[dict[str, Any]]:
    """The named designs, by rising latency: role, design, its measures, and what is given up.

    `role` names all roles of a row, `clock_mhz` and the like are of the design with the buffers
    that its policy has, and `given_up` compares it with the knee, and the knee with the fastest.
    There are none without a front.
    """
    by_role = named_rows(found, setting)
    entries: dict[tuple[object, ...], dict[str, Any]] = {}
    for role, rows in by_role.items():
        (row,) = records(rows)
        key = tuple(row.get(name) for name in ("design", *SERVED))
        if key in entries:
            entries[key]["role"] += f", {role}"
        else:
            entries[key] = {"role": role, **_described(row, setting)}
    named = sorted(entries.values(), key=lambda entry: float(entry[LATENCY]))
    for entry in named:
        other = _of_role(named, FASTEST if _has(entry, KNEE) else KNEE)
        entry["given_up"] = given_up(entry, other) if other else ""
    return named


def given_up(entry: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """A sentence on what a design gains over another one, and what it gives up for that."""
    gained: list[str] = []
    lost: list[str] = []
    for name, word in COMPARED.items():
        percent = 100 * (entry[name] / other[name] - 1) if other[name] else 0.0
        if abs(percent) >= LEAST_PERCENT:
            change = f"{abs(percent):.0f} % {'less' if percent < 0 else 'more'}"
            if percent > FOLD_FROM_PERCENT:
                change = f"{entry[name] / other[name]:.1f} times the"
            (gained if percent < 0 else lost).append(f"{change} {word}")
    points = entry[ACCURACY] - other[ACCURACY]
    if abs(points) >= LEAST_POINTS:
        more = "more accuracy" if points > 0 else "less accuracy"
        (gained if points > 0 else lost).append(f"{abs(points):.1f} points {more}")
    than = f"than the {other['role'].split(',')[0]}"
    if not gained and not lost:
        return f"As good {than.replace('than', 'as', 1)}."
    if not gained:
        return f"{_joined(lost)} {than}."
    return f"{_joined(gained)} {than}{f', for {_joined(lost)}' if lost else ''}."


def _joined(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _has(entry: Mapping[str, Any], role: str) -> bool:
    return role in entry["role"].split(", ")


def _of_role(named: Sequence[Mapping[str, Any]], role: str) -> Mapping[str, Any] | None:
    """The entry of a role; None where another has it that is compared with itself, or none does."""
    return next((entry for entry in named if _has(entry, role)), None)


def _best(rows: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """The best row in a metric as a frame, which is empty without rows or without the metric."""
    known = [each for each in (name, LATENCY, ACCURACY, ENERGY, AREA) if each in rows]
    if name not in rows or rows.empty:
        return rows.iloc[:0]
    costs = [METRICS[each].cost(rows) for each in known]
    ties = np.lexsort((rows["policy"].astype(str), rows["design"]))
    order = ties[np.lexsort([cost[ties] for cost in costs[::-1]])]
    return rows.iloc[order[:1]]


def _keeping(rows: "pd.DataFrame", setting: Setting) -> "pd.DataFrame":
    """The rows at the middle service level that keep its demands; none without levels."""
    attained = ATTAINED[setting.mode]
    if LEVEL not in rows or attained not in rows:
        return rows.iloc[:0]
    return rows.loc[(rows[LEVEL] == setting.middle_level) & (rows[attained] >= KEPT)]


def _described(row: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """A row as it stands in a decision: who serves, on what array and buffers, and its measures."""
    accelerator = setting.space.design(int(row["design"]))
    sides = ("pe_kernels", "pe_channels")
    own: tuple[str, ...] = ("dynamic_buffer_tiles",)
    if accelerator.dataflow == Dataflow.OUTPUT_STATIONARY:
        sides, own = ("pe_kernels", "pe_pixels"), ("dynamic_buffer_kib", "prefetch_buffer_kib")
    buffers = (*own, "streaming_buffer_kib", "output_buffer_kib")
    has_buffer = named_policy(row["policy"]).has_persistent_buffer
    return {
        "design": row["design"],
        **{name: row[name] for name in SERVED if name in row},
        **{name: getattr(accelerator, name) for name in sides},
        "persistent_buffer_kib": accelerator.persistent_buffer_kib if has_buffer else 0.0,
        **{name: getattr(accelerator, name) for name in (*buffers, "clock_mhz")},
        "offchip_gb_per_s": accelerator.offchip_gb_per_s,
        **{name: row[name] for name in MEASURES if name in row},
    }
