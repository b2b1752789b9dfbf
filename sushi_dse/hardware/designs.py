"""Many designs as arrays of the fields of an accelerator."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator


class Designs:
    """Many designs: an `Accelerator` of which some fields are arrays, [design].

    The properties are those of Accelerator, so each is an array too, or a number where all designs
    agree.
    """

    macs_per_cycle: Any = Accelerator.macs_per_cycle
    tile_bytes: Any = Accelerator.tile_bytes
    port_gb_per_s: Any = Accelerator.port_gb_per_s
    offchip_gb_per_s: Any = Accelerator.offchip_gb_per_s
    bytes_per_cycle: Any = Accelerator.bytes_per_cycle
    cycles_per_byte: Any = Accelerator.cycles_per_byte
    port_cycle: Any = Accelerator.port_cycle
    pointwise_drain_cycles: Any = Accelerator.pointwise_drain_cycles
    persistent_buffer_bytes: Any = Accelerator.persistent_buffer_bytes
    dynamic_buffer_bytes: Any = Accelerator.dynamic_buffer_bytes
    prefetch_bytes: Any = Accelerator.prefetch_bytes
    prefetches: Any = Accelerator.prefetches
    output_buffer_bytes: Any = Accelerator.output_buffer_bytes
    resident_map_bytes: Any = Accelerator.resident_map_bytes

    def __init__(
        self, base: Accelerator, columns: Mapping[str, np.ndarray], count: int | None = None
    ) -> None:
        """Make designs that differ from `base` in `columns`, arrays [design] by field.

        `count` is the number of designs, for where there is no column.
        """
        self._count = len(next(iter(columns.values()))) if count is None else count
        for field in fields(base):
            setattr(self, field.name, columns.get(field.name, getattr(base, field.name)))

    @classmethod
    def of(cls, designs: Sequence[Accelerator]) -> "Designs":
        """At least one design, all of which differ in nothing but numbers."""
        columns = {}
        for field in fields(designs[0]):
            values = [getattr(design, field.name) for design in designs]
            if any(value != values[0] for value in values):
                columns[field.name] = np.array(values)
        return cls(designs[0], columns, len(designs))

    if TYPE_CHECKING:  # A type checker does not know the fields, which are those of Accelerator.

        def __getattr__(self, name: str) -> Any: ...

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> np.ndarray:
        """The field or property of that name, of each design: [design]."""
        return np.broadcast_to(getattr(self, name), self._count)

    def design(self, index: int) -> Accelerator:
        """The design at that index, from 0; IndexError where there is none and a field differs."""
        return Accelerator(
            **{
                name: value[index].item() if isinstance(value, np.ndarray) else value
                for name, value in vars(self).items()
                if name != "_count"
            }
        )

    def only(self, chosen: np.ndarray) -> "Designs":
        """The designs that a mask or an array of indices chooses."""
        return self.changed(
            **{
                name: value[chosen]
                for name, value in vars(self).items()
                if isinstance(value, np.ndarray)
            }
        )

    def changed(self, **columns: Any) -> "Designs":
        """The designs with other values of some fields, each an array, [design], or one value."""
        changed = copy(self)
        for name, value in columns.items():
            setattr(changed, name, value)
        changed._count = max(
            (len(value) for value in vars(changed).values() if isinstance(value, np.ndarray)),
            default=self._count,
        )
        return changed
