"""How many designs rows are of, and what those lack that do not fit: it travels with the rows."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a hundredth of a second, and some readers of rows need no table
    import pyarrow as pa

KEY = b"sushi_dse"  # of the metadata of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Designs that were evaluated, and those among them that do not fit their device.

    `infeasible_by_resource` counts a design that lacks several kinds of blocks for each of them.
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
    def of_reasons(cls, designs: int, reasons: Mapping[str, int]) -> "Counts":
        """Of so many designs, of which so many do not fit for each reason that `shortage` gives.

        The reason of a design that fits is empty.
        """
        lacking: Counter[str] = Counter()
        infeasible = 0
        for reason, count in reasons.items():
            infeasible += count if reason else 0
            for shortage in filter(None, reason.split("; ")):
                lacking[shortage.split(":")[0]] += count
        return cls(
            designs=designs,
            infeasible=infeasible,
            infeasible_by_resource=dict(sorted(lacking.items())),
        )

    @classmethod
    def of(cls, schema: "pa.Schema") -> "Counts":
        """The counts that rows of that schema bring along; `ValueError` where there are none."""
        try:
            return cls(**json.loads((schema.metadata or {})[KEY]))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"the rows say not what they are of: {error}") from None

    def put_on(self, table: "pa.Table") -> "pa.Table":
        """The rows of `table` with these counts."""
        return table.replace_schema_metadata({KEY: json.dumps(asdict(self))})


def joined(tables: Iterable["pa.Table"]) -> "pa.Table":
    """The rows of several tables as one evaluation of all their designs has them."""
    import pyarrow as pa

    tables = list(tables)
    counts = sum((Counts.of(table.schema) for table in tables), Counts())
    whole = pa.concat_tables([table.replace_schema_metadata() for table in tables])
    return counts.put_on(whole.combine_chunks())
