"""The decision that a sweep ends in: a few named designs, and what is given up between them.

    sweep = Sweep(load_experiment("zcu104_space", service_levels="span"))
    for named in decision(sweep.run(), Setting.of(sweep.experiment)):
        print(named["role"], named["design"], named["given_up"])

A role goes to one of the rows that no other row beats in the objectives and in the share of the
device, so a small design may have one, and the cheapest design is that of all rows.  A row with
several roles is named once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sushi_dse.evaluation.cheapest import RUNNING_COST, cheapest_first
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
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Dataflow
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.policies.catalogue import as_served
from sushi_dse.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from sushi_dse.evaluation.experiment import Experiment
    from sushi_dse.explore.robust import Robustness

FASTEST = "fastest"
FRUGAL = "most frugal"
SMALL = "most accurate within half of the device"
KNEE = "knee"
CHEAPEST = "cheapest that keeps the middle level"
ROBUST = "most robust"
ONE_LEVEL = "cheapest that keeps the demands"  # where there is one level alone
SHORT = {  # in a figure
    SMALL: "half the device",
    CHEAPEST: "cheapest at the middle level",
    ONE_LEVEL: "cheapest",
}
HALF = 0.5  # share of the device that a small design stays within
NEARLY = 0.9  # of the largest share of draws, from which a design counts as robust
KEPT = 0.99  # share of the demands with which a service level counts as kept
ATTAINED = {"strict-latency": "latency_attainment", "strict-accuracy": "accuracy_attainment"}
MEASURES = (LATENCY, ACCURACY, ENERGY, RUNNING_COST, "dsp", "bram36", "uram288", AREA)
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


def named_rows(
    found: Survey, setting: Setting, robust: "Robustness | None" = None
) -> dict[str, "pd.DataFrame"]:
    """The row of each role that has one, a frame of one row by the name of the role.

    The most robust, which need not be on the front now, is the knee of the designs that are on it
    in nearly as many draws as any, each by the row that is on it most often.

    Of equals in what a role asks for, the row goes first that is faster, more accurate, more
    frugal, smaller, in this order; the cheapest is that of all rows by `cheapest_first`.
    """
    rows = found.contenders
    cheapest = CHEAPEST if len(setting.service_levels) > 1 else ONE_LEVEL
    chosen = {
        FASTEST: _best(found.front, LATENCY),
        FRUGAL: _best(found.front, ENERGY),
        SMALL: _best(rows.loc[rows[AREA] <= HALF], ACCURACY),
        KNEE: found.front.iloc[[knee(found.front, found.metrics)]] if len(found.front) else rows,
        cheapest: _cheapest_keeping(found, setting),
        ROBUST: found.front.iloc[:0] if robust is None else _most_robust(found, robust),
    }
    return {role: own for role, own in chosen.items() if len(own)}


def _most_robust(found: Survey, robust: "Robustness") -> "pd.DataFrame":
    """The row of a robust design that gives up least, as a frame; empty where none is feasible."""
    import pandas as pd  # It is slow to import, and a front on hand needs none.

    names = [metric.name for metric in found.metrics]
    known = [row for row in robust.rows if all(row[name] is not None for name in names)]
    most = max((row["front_share"] for row in known), default=0.0)
    near = pd.DataFrame([row for row in known if row["front_share"] >= NEARLY * most > 0])
    if near.empty:
        return found.front.iloc[:0]
    own = near.iloc[knee(near, found.metrics)]
    who = [name for name in ("design", *SERVED) if name in near]
    for part in found.parts:
        rows = part.read(who).to_pandas()
        same = [
            (rows[name] == own[name]) | (rows[name].isna() & pd.isna(own[name])) for name in who
        ]
        places = np.flatnonzero(np.logical_and.reduce(same))
        if len(places):
            whole: pd.DataFrame = part.read().slice(int(places[0]), 1).to_pandas()
            return whole
    return found.front.iloc[:0]


def decision(
    found: Survey, setting: Setting, robust: "Robustness | None" = None
) -> list[dict[str, Any]]:
    """The named designs, by rising latency: role, design, its measures, and what is given up.

    `role` names all roles of a row, `clock_mhz` and the like are of the design with the buffers
    that its policy has, and `given_up` compares it with the knee, and the knee with the fastest.
    Beside the front under draws, `robust`, `front_share` is the share of draws in which the design
    is on it, and `thrown_off_by` the constant that decides most often.  There are none without a
    front.
    """
    by_role = named_rows(found, setting, robust)
    entries: dict[tuple[object, ...], dict[str, Any]] = {}
    for role, rows in by_role.items():
        (row,) = records(rows)
        key = tuple(row.get(name) for name in ("design", *SERVED))
        if key in entries:
            entries[key]["role"] += f", {role}"
        else:
            entries[key] = {"role": role, **_described(row, setting), **_doubted(row, robust)}
    named = sorted(entries.values(), key=lambda entry: float(entry[LATENCY]))
    for entry in named:
        other = _other_of_role(named, FASTEST if _has(entry, KNEE) else KNEE, entry)
        entry["given_up"] = given_up(entry, other) if other else ""
    return named


def _doubted(row: Mapping[str, Any], robust: "Robustness | None") -> dict[str, Any]:
    """How often the design of a row is on the front under draws, and what throws it off."""
    if robust is None:
        return {}
    told = robust.by_design.get(int(row["design"]), {})
    return {
        "front_share": told.get("front_share", 0.0),
        "thrown_off_by": told.get("thrown_off_by", ""),
    }


def given_up(entry: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """A sentence on what a design gains over another one, and what it gives up for that."""
    gained: list[str] = []
    lost: list[str] = []
    alike = entry[AREA] == other[AREA]  # then the power tells which takes less
    for name, word in (COMPARED | ({RUNNING_COST: "power"} if alike else {})).items():
        percent = 100 * (entry[name] / other[name] - 1) if other[name] else 0.0
        if abs(percent) >= LEAST_PERCENT:
            change = f"{abs(percent):.0f} % {'less' if percent < 0 else 'more'}"
            if percent > FOLD_FROM_PERCENT:
                change = f"{entry[name] / other[name]:.1f} times the"
            (gained if percent < 0 else lost).append(f"{change} {word}")
    known = entry[ACCURACY] is not None and other[ACCURACY] is not None
    points = entry[ACCURACY] - other[ACCURACY] if known else 0.0
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


def _other_of_role(
    named: Sequence[Mapping[str, Any]], role: str, entry: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The entry of a role; None where no other than `entry` has it."""
    return next((other for other in named if _has(other, role) and other is not entry), None)


def _best(rows: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """The best row in a metric as a frame, which is empty without rows or without the metric."""
    if name not in rows or rows.empty or rows[name].isna().any():
        return rows.iloc[:0]
    known = [each for each in (name, LATENCY, ACCURACY, ENERGY, AREA) if each in rows]
    costs = [METRICS[each].cost(rows) for each in known]
    ties = np.lexsort((rows["policy"].astype(str), rows["design"]))
    order = ties[np.lexsort([cost[ties] for cost in costs[::-1]])]
    return rows.iloc[order[:1]]


def _cheapest_keeping(found: Survey, setting: Setting) -> "pd.DataFrame":
    """The cheapest of all rows at the middle service level that keep its demands, if any does."""
    import pandas as pd  # It is slow to import, and a front on hand needs none.

    attained = ATTAINED[setting.mode]
    if LEVEL not in found.columns or attained not in found.columns:
        return found.front.iloc[:0]
    by, device = METRICS[AREA], setting.space.base.device
    wanted = ["design", LEVEL, attained, AREA, LATENCY, ACCURACY, RUNNING_COST, *RESOURCE_KINDS]
    best = []
    for part in found.parts:
        rows = part.read([*wanted, "infeasible_reason"]).to_pandas()
        kept = (rows[LEVEL] == setting.middle_level) & (rows[attained] >= KEPT)
        rows = rows.loc[kept & (rows["infeasible_reason"] == "")]
        first = cheapest_first(rows, by, device)[:1]
        best += [(part, rows.iloc[[place]]) for place in first]
    if not best:
        return found.front.iloc[:0]
    place = cheapest_first(pd.concat([row for _, row in best]), by, device)[0]
    part, row = best[place]
    whole: pd.DataFrame = part.read().slice(row.index[0], 1).to_pandas()
    return whole


def _described(row: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """A row as it stands in a decision: who serves, on what array and buffers, and its measures."""
    accelerator, attained = setting.space.design(int(row["design"])), ATTAINED[setting.mode]
    widths = [axis.name for axis in setting.space.axes if axis.name == "multiplier_bits"]
    sides = ("pe_kernels", "pe_channels")
    own: tuple[str, ...] = ("dynamic_buffer_tiles",)
    if accelerator.dataflow == Dataflow.OUTPUT_STATIONARY:
        sides, own = ("pe_kernels", "pe_pixels"), ("dynamic_buffer_kib", "prefetch_buffer_kib")
    buffers = (*own, "streaming_buffer_kib", "output_buffer_kib")
    return {
        "design": row["design"],
        **{name: row[name] for name in SERVED if name in row},
        **{name: getattr(accelerator, name) for name in (*sides, *widths)},
        "persistent_buffer_kib": as_served(row["policy"], accelerator).persistent_buffer_kib,
        **{name: getattr(accelerator, name) for name in (*buffers, "clock_mhz")},
        "offchip_gb_per_s": accelerator.offchip_gb_per_s,
        **({"demands_kept": row[attained]} if attained in row else {}),
        **{name: row[name] for name in MEASURES if name in row},
    }
