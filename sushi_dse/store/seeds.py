"""Rows over seeds: of rows that differ by their seed alone, the mean, the least and the most."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from sushi_dse.evaluation.metrics import METRICS, SEED, SERVED
from sushi_dse.store.parts import Part, stored_parts

PLACE = "place"  # column that numbers the stored rows
LEAST, MOST = "least_", "most_"  # what begins the name of a column with the range over the seeds
ALIKE = ("design", *SERVED, "infeasible_reason")  # columns in which such rows agree, but the seed


@dataclass(frozen=True, slots=True)
class MeanPart(Part):
    """The rows of a part over its seeds: the mean of each metric, and its range.

    All seeds of a design are in one part.  Beside the column of a metric there are two more, with
    the least and the most of it over the seeds.
    """

    @property
    def columns(self) -> list[str]:
        """The names of the columns: those stored, without the seed, and the ranges."""
        found = []
        for name in super(MeanPart, self).columns:  # a slotted class is made anew
            ranges = [f"{LEAST}{name}", f"{MOST}{name}"] if name in METRICS else []
            found += [] if name == SEED else [name, *ranges]
        return found

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All columns of the rows, or those named; `UserError` where there is no such column."""
        wanted = self.columns if columns is None else list(columns)
        stems = {name: name.removeprefix(LEAST).removeprefix(MOST) for name in wanted}
        stored = [name for name in ALIKE if name != SEED and name in self.columns]
        asked = list(dict.fromkeys([*stored, *stems.values()]))
        table = Part.read(self, asked)
        metrics = [name for name in asked if name in METRICS]
        keys = [name for name in asked if name not in METRICS]
        sums = [(name, how) for name in metrics for how in ("mean", "min", "max")]
        numbered = table.append_column(PLACE, pa.array(range(table.num_rows), pa.int64()))
        found = numbered.group_by(keys).aggregate([*sums, (PLACE, "min")])
        found = found.sort_by(f"{PLACE}_min")  # Groups come in any order.
        names = {f"{name}_mean": name for name in metrics}
        names |= {f"{name}_min": f"{LEAST}{name}" for name in metrics}
        names |= {f"{name}_max": f"{MOST}{name}" for name in metrics}
        renamed = found.rename_columns([names.get(name, name) for name in found.column_names])
        return renamed.select(wanted).replace_schema_metadata(table.schema.metadata)


def mean_parts(folder: Path) -> list[Part]:
    """The parts in `folder` with their rows over the seeds; those stored where there are none.

    `UserError` as for `stored_parts`.
    """
    parts = stored_parts(folder)
    if SEED not in parts[0].columns:
        return parts
    return [MeanPart(part.path, part.run) for part in parts]
