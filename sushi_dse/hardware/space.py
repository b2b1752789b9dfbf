"""A search space: an accelerator with several values to choose from for some of its fields.

The number of a design is an integer in mixed radix over the axes, of which the last one varies
fastest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.doubt import Doubt, with_constants
from sushi_dse.hardware.evidence import Calibration

AXIS_ORDER = (
    "pe_kernels",
    "pe_channels",
    "pe_pixels",
    "multiplier_bits",
    "persistent_buffer_kib",
    "dynamic_buffer_tiles",
    "dynamic_buffer_kib",
    "prefetch_buffer_kib",
    "streaming_buffer_kib",
    "output_buffer_kib",
    "dram_gb_per_s",
    "clock_mhz",
    "port_clock_mhz",
    "port_bytes_per_cycle",
    "dram_efficiency",
    "launch_us",
    "fill_cycles",
    "drain_cycles",
    "pixel_fill_cycles",
    "weight_delay_cycles",
    "read_ahead_cycles",
    "tile_read_cycles",
    "dram_pj_per_bit",
    "mac_pj",
    "static_w",
    "memory_w",
    "bram36_mw",
    "uram288_mw",
    "clock_pj_per_ff",
)
MAX_DESIGNS = 2**63 - 1  # The number of a design is a 64-bit integer in the store.
MOST_ACCELERATORS = 1024  # that share a device
MOST_DIGITS = 20  # longest number of a design that is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A field of the accelerator and the values to choose from.

    `ValueError` unless the name is in `AXIS_ORDER` and there are two values or more, all distinct.
    """

    name: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.name not in AXIS_ORDER:
            raise ValueError(f"an axis must be one of {', '.join(AXIS_ORDER)}, got {self.name!r}")
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"{self.name}: two values at least and no value twice must hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Designs that differ from `base` in the fields of `axes`; without axes, `base` alone.

    `calibration` is what their constants were fitted on, None where nothing was measured; `doubts`
    are the ranges of constants of `base`, by field, which change none of the designs.
    ValueError where the axes are out of `AXIS_ORDER`, a value is none that an Accelerator takes,
    or the designs cannot be numbered in 64 bits.
    """

    axes: tuple[Axis, ...]
    base: Accelerator
    calibration: Calibration | None = None
    doubts: Mapping[str, Doubt] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        order = [AXIS_ORDER.index(axis.name) for axis in self.axes]
        if any(before >= after for before, after in pairwise(order)):
            raise ValueError(f"axes once each and in the order {', '.join(AXIS_ORDER)} must hold")
        if self.size > MAX_DESIGNS:
            raise ValueError(f"at most {MAX_DESIGNS} designs must hold, got {self.size}")
        for axis in self.axes:  # All other bounds are intervals, for which both ends suffice.
            is_interval = axis.name != "multiplier_bits"
            for value in (min(axis.values), max(axis.values)) if is_interval else axis.values:
                _with(self.base, {axis.name: value})

    @classmethod
    def of(
        cls,
        base: Accelerator,
        values: Mapping[str, Sequence[float]],
        calibration: Calibration | None = None,
        doubts: Mapping[str, Doubt] | None = None,
    ) -> "SearchSpace":
        """The space of `base` with those values by field; a single value replaces that of `base`.

        `ValueError` as of the class.
        """
        single = {name: choices[0] for name, choices in values.items() if len(choices) == 1}
        several = sorted(set(values) - set(single), key=_order)
        return cls(
            base=_with(base, single),
            axes=tuple(Axis(name=name, values=tuple(values[name])) for name in several),
            calibration=calibration,
            doubts=doubts or {},
        )

    def under(self, values: Mapping[str, Any]) -> "SearchSpace":
        """The space whose designs have other values of some constants, which are no axes."""
        return replace(self, base=with_constants(self.base, values))

    @property
    def size(self) -> int:
        """The number of designs."""
        return prod(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return self.size

    def only_design(self, place: object) -> Accelerator:
        """The design of a space of one; `UserError` that begins with `place` where there are more.

        `place` is what the user named: the hardware, or its file.
        """
        if self.size > 1:
            axes = ", ".join(axis.name for axis in self.axes)
            raise UserError(
                f"{place}: a search space of {self.size} designs ({axes}) where one design is "
                "wanted; give each a single value, or run `sushi-dse sweep`"
            )
        return self.base

    def values(self, index: int) -> dict[str, float]:
        """The value of design number `index` on each axis; IndexError past the last design."""
        if not 0 <= index < self.size:
            raise IndexError(f"0 <= design < {self.size} must hold, got {index}")
        chosen = {}
        for axis in reversed(self.axes):
            index, digit = divmod(index, len(axis.values))
            chosen[axis.name] = axis.values[digit]
        return {axis.name: chosen[axis.name] for axis in self.axes}

    def design(self, index: int) -> Accelerator:
        """Design number `index`; IndexError past the last design."""
        return _with(self.base, self.values(index))

    def designs(self, numbers: Sequence[int] | np.ndarray) -> Designs:
        """The designs of those numbers as arrays; IndexError past the last design."""
        digits = self.digits(numbers)
        columns = {axis.name: np.array(axis.values)[digits[i]] for i, axis in enumerate(self.axes)}
        return Designs(self.base, columns, len(numbers))

    def digits(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """The index of each design's value on each axis: [axis, design].

        IndexError past the last design.
        """
        left = np.asarray(numbers, dtype=np.int64)
        outside = left[(left < 0) | (left >= self.size)]
        if len(outside):
            raise IndexError(f"0 <= design < {self.size} must hold, got {outside[0]}")
        digits = np.empty((len(self.axes), len(left)), dtype=np.int64)
        for i in range(len(self.axes) - 1, -1, -1):
            left, digits[i] = np.divmod(left, len(self.axes[i].values))
        return digits

    def index_of_values(self, values: Mapping[str, float]) -> int:
        """The number of the design with those values; ValueError where an axis lacks its value."""
        index = 0
        for axis in self.axes:
            if axis.name not in values or values[axis.name] not in axis.values:
                raise ValueError(f"{axis.name}: {values.get(axis.name)} is not on the axis")
            index = index * len(axis.values) + axis.values.index(values[axis.name])
        return index

    def index(self, design: Accelerator) -> int:
        """The number of `design`; ValueError where it is not in the space."""
        index = self.index_of_values({axis.name: getattr(design, axis.name) for axis in self.axes})
        if self.design(index) != design:
            raise ValueError(f"{design.name} differs from {self.base.name} in a field off the axes")
        return index

    @property
    def corners(self) -> tuple[Accelerator, Accelerator]:
        """The design of the least value on each axis, and that of the greatest."""
        least = {axis.name: min(axis.values) for axis in self.axes}
        greatest = {axis.name: max(axis.values) for axis in self.axes}
        return _with(self.base, least), _with(self.base, greatest)

    @property
    def reference(self) -> Accelerator:
        """The design in the middle of each axis."""
        middle = {axis.name: axis.values[len(axis.values) // 2] for axis in self.axes}
        return _with(self.base, middle)

    def blocks(self, block_size: int) -> Iterator[range]:
        """The numbers of all designs in order, cut into ranges of `block_size`, the last shorter.

        `ValueError` unless `block_size` is above 0.
        """
        if block_size < 1:
            raise ValueError(f"block_size >= 1 must hold, got {block_size}")
        for start in range(0, self.size, block_size):
            yield range(start, min(start + block_size, self.size))


def _order(name: str) -> int:
    """The position of an axis in `AXIS_ORDER`; a name that is none goes last: `Axis` refuses it."""
    return AXIS_ORDER.index(name) if name in AXIS_ORDER else len(AXIS_ORDER)


def _with(base: Accelerator, values: Mapping[str, Any]) -> Accelerator:
    """`base` with other values on the fields named; ValueError where an Accelerator refuses one."""
    return replace(base, **values)


def shared(space: SearchSpace, accelerators: int) -> SearchSpace:
    """The space with a device that so many accelerators of a design share.

    `UserError` where their number is out of range.
    """
    if not 1 <= accelerators <= MOST_ACCELERATORS:
        raise UserError(
            f"--accelerators: 1 to {MOST_ACCELERATORS} must be given, got {accelerators}"
        )
    device = replace(space.base.device, accelerators=accelerators)
    return replace(space, base=replace(space.base, device=device))


def find_design(space: SearchSpace, text: str | None) -> int:
    """The number of the design that `text` states, as a number or as `axis=value,axis=value`.

    An axis that is not named takes the value in its middle, and so do all axes without a text.
    `UserError` where there is no such design.
    """
    if text is not None and text.strip().isdecimal() and len(text) <= MOST_DIGITS:
        number = int(text)
        if number >= space.size:
            raise UserError(f"design {number}: there is none; they are 0 to {space.size - 1}")
        return number
    axes = {axis.name: axis for axis in space.axes}
    chosen = {name: axis.values[len(axis.values) // 2] for name, axis in axes.items()}
    for entry in text.split(",") if text is not None else ():
        name, equals, value = (word.strip() for word in entry.partition("="))
        if not equals:
            raise UserError(f"design {entry[:40]!r}: give a number, or axis=value,axis=value")
        if name not in axes:
            raise UserError(f"design: unknown axis {name[:40]!r}; {near_names(name, axes)}")
        chosen[name] = _value_on(axes[name], value)
    return space.index_of_values(chosen)


def _value_on(axis: Axis, text: str) -> float:
    known = ", ".join(f"{value:g}" for value in axis.values)
    try:
        return axis.values[axis.values.index(float(text))]
    except ValueError:
        raise UserError(f"{axis.name}={text[:40]}: is not on the axis; it has {known}") from None
