"""Counts of evaluated and of infeasible designs, which travel with rows in their metadata."""

import json
import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Neither is imported at run time: some readers of rows need no table.
    import numpy as np
    import pyarrow as pa

METADATA_KEY = b"sushi_dse"  # key under which the schema of rows holds their counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Numbers of designs that were evaluated, and of those among them that do not fit their device.

    `infeasible_by_resource` counts a design that lacks several kinds of blocks for each of them.
    `ValueError` unless all counts are whole numbers from 0.
    """

    designs: int = 0
    infeasible: int = 0
    infeasible_by_resource: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = (self.designs, self.infeasible, *self.infeasible_by_resource.values())
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"counts must be whole numbers from 0, got {self}")

    def __add__(self, other: "Counts") -> "Counts":
        lacking = Counter(self.infeasible_by_resource) + Counter(other.infeasible_by_resource)
        return Counts(
            designs=self.designs + other.designs,
            infeasible=self.infeasible + other.infeasible,
            infeasible_by_resource=dict(sorted(lacking.items())),
        )

    @classmethod
    def of_shortages(cls, shortages: Mapping[str, "np.ndarray"]) -> "Counts":
        """The counts of designs of which it is known, by kind, whether they lack blocks: [design].

        At least one kind must be given; `hardware.resources.shortages` gives all of them.
        """
        lacking = {kind: int(some.sum()) for kind, some in sorted(shortages.items())}
        first, *others = shortages.values()
        any_kind = reduce(operator.or_, others, first)
        return cls(
            designs=len(any_kind),
            infeasible=int(any_kind.sum()),
            infeasible_by_resource={kind: count for kind, count in lacking.items() if count},
        )

    @classmethod
    def of(cls, schema: "pa.Schema") -> "Counts":
        """The counts in the metadata of a schema; `ValueError` where there are none."""
        try:
            return cls(**json.loads((schema.metadata or {})[METADATA_KEY]))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"the rows say not what they are of: {error}") from None

    def put_on(self, table: "pa.Table") -> "pa.Table":
        """The rows of `table` with these counts in their metadata."""
        return table.replace_schema_metadata({METADATA_KEY: json.dumps(asdict(self))})


def joined(tables: Iterable["pa.Table"]) -> "pa.Table":
    """The rows of several tables in one, as one evaluation of all their designs would give them."""
    import pyarrow as pa

    tables = list(tables)
    counts = sum((Counts.of(table.schema) for table in tables), Counts())
    whole = pa.concat_tables([table.replace_schema_metadata() for table in tables])
    return counts.put_on(whole.combine_chunks())
