"""Many designs at once."""

from collections.abc import Mapping
from copy import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator


class Designs:
    """Many designs at once: an `Accelerator` of which some fields are arrays, [design].

    The arithmetic is the Accelerator's own, so what it derives is an array too, or a number where
    all designs agree.
    """

    macs_per_cycle: Any = Accelerator.macs_per_cycle
    bytes_per_cycle: Any = Accelerator.bytes_per_cycle
    persistent_buffer_bytes: Any = Accelerator.persistent_buffer_bytes
    dynamic_buffer_bytes: Any = Accelerator.dynamic_buffer_bytes
    resident_map_bytes: Any = Accelerator.resident_map_bytes

    def __init__(
        self, base: Accelerator, columns: Mapping[str, np.ndarray], count: int | None = None
    ) -> None:
        """`base` with those fields as columns; `count` where there is no column to tell it."""
        self._count = len(next(iter(columns.values()))) if count is None else count
        for field in fields(base):
            setattr(self, field.name, columns.get(field.name, getattr(base, field.name)))

    if TYPE_CHECKING:  # the fields are those of an Accelerator

        def __getattr__(self, name: str) -> Any: ...

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> np.ndarray:
        """A field, or what is derived from fields, of each design: [design]."""
        return np.broadcast_to(getattr(self, name), self._count)

    def design(self, place: int) -> Accelerator:
        """The design at that place."""
        own = self.only(np.array([place]))
        return Accelerator(
            **{
                field.name: value.item() if isinstance(value, np.ndarray) else value
                for field in fields(Accelerator)
                for value in [getattr(own, field.name)]
            }
        )

    def only(self, chosen: np.ndarray) -> "Designs":
        """The designs that are chosen; by a mask, or by their places."""
        return self.changed(
            **{
                name: value[chosen]
                for name, value in vars(self).items()
                if isinstance(value, np.ndarray)
            }
        )

    def changed(self, **columns: Any) -> "Designs":
        """The designs with other values of some fields, each an array or one value for all."""
        changed = copy(self)
        for name, value in columns.items():
            setattr(changed, name, value)
        changed._count = max(
            (len(value) for value in vars(changed).values() if isinstance(value, np.ndarray)),
            default=self._count,
        )
        return changed
