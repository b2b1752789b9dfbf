"""How far the constants of a design may be off: assumed ones by a range, fitted ones by an error.

A draw takes a value of each constant at once.  Shares from 0 to 1 become values by the quantiles
of a distribution: of an assumption the triangle over its plausible range with its peak at the
value, as of estimates that have a least, a most and a most likely value; of two readings either
with half of the draws; of a fitted constant the normal distribution about the value, cut at
`CUT` standard errors.  Constants are independent (assumption): of a fit, errors of two constants
that make up for each other are drawn apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator

FLOOR = 1e-6  # least value that is drawn of a fitted constant above it: a port takes some bytes
CUT = 3.0  # standard errors on either side of a fitted value that draws stay within
# Fields that change neither cycles nor time: what is drawn, and what fits the device.
WITHOUT_TIME = (
    "dram_pj_per_bit",
    "mac_pj",
    "static_w",
    "memory_w",
    "bram36_mw",
    "uram288_mw",
    "clock_pj_per_ff",
    "logic_mhz",
    "shell_share",
)
OF_DEVICE = ("shell_share",)  # fields of the device of a design


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """The range of a constant, and what it stands on.

    `low` and `high` are the ends that are plausible, or those of a fitted value, `CUT`
    standard errors away and not below `FLOOR`.  ValueError where they do not hold the value.
    """

    value: float
    low: float
    high: float
    error: float | None = None  # standard error of a fit; None without one
    source: str = ""

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.low} <= {self.value} <= {self.high} must hold")

    @classmethod
    def fitted(cls, value: float, error: float, source: str = "") -> "Doubt":
        """That of a constant which was fitted with that standard error."""
        low = max(value - CUT * error, min(value, FLOOR))
        return cls(value=value, low=low, high=value + CUT * error, error=error, source=source)

    @property
    def is_reading(self) -> bool:
        """Whether the constant is a setting of two readings."""
        return isinstance(self.value, bool)

    @property
    def said(self) -> str:
        """The range in words, with what it stands on."""
        words = f"{self.low:g} to {self.high:g}"
        if self.is_reading:
            words = "either" if self.low < self.high else str(bool(self.value)).lower()
        if self.error is not None:
            words = f"{self.value:g}, standard error {self.error:.2g}"
        return f"{words}; {self.source}" if self.source else words

    def at(self, shares: np.ndarray) -> np.ndarray:
        """The values below which those shares, from 0 to 1, of the draws lie: [draw]."""
        if self.is_reading:
            return np.asarray(np.where(shares < 0.5, self.low, self.high), dtype=bool)
        if self.low == self.high:
            return np.full(shares.shape, self.value)
        if self.error is not None:
            return self._normal(shares)
        width, below = self.high - self.low, self.value - self.low
        rising = self.low + np.sqrt(shares * width * below)
        falling = self.high - np.sqrt((1 - shares) * width * (self.high - self.value))
        values = np.where(shares * width < below, rising, falling)
        return np.rint(values).astype(int) if isinstance(self.value, int) else values

    def _normal(self, shares: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr, ndtri  # half a second that most commands do not need

        outside = ndtr(-CUT)
        places = ndtri(outside + shares * (1 - 2 * outside))
        return np.clip(self.value + (self.error or 0.0) * places, self.low, self.high)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Draws:
    """Values of all constants that are in doubt: [draw] each, in the order of the constants."""

    shares: np.ndarray  # [draw, constant], from 0 to 1: where in its range each value lies
    values: Mapping[str, np.ndarray]  # [draw], by constant

    @classmethod
    def of_values(cls, values: Sequence[Mapping[str, Any]]) -> "Draws":
        """The draws of those values, wherever in their ranges they lie."""
        names = list(values[0])
        columns = {name: np.array([own[name] for own in values]) for name in names}
        return cls(shares=np.full((len(values), len(names)), np.nan), values=columns)

    def __len__(self) -> int:
        return len(self.shares)

    def of(self, draw: int) -> dict[str, Any]:
        """The value of each constant in one draw."""
        return {name: values[draw].item() for name, values in self.values.items()}

    def groups(self) -> list[list[int]]:
        """The draws, those together that differ only in what changes no time."""
        found: dict[tuple[Any, ...], list[int]] = {}
        timed = [values for name, values in self.values.items() if name not in WITHOUT_TIME]
        for draw in range(len(self)):
            found.setdefault(tuple(values[draw].item() for values in timed), []).append(draw)
        return list(found.values())


def drawn(doubts: Mapping[str, Doubt], draws: int, *, seed: int) -> Draws:
    """That many draws of all constants at once: scrambled Sobol points.

    `ValueError` where draws is no power of two, for which alone the points are balanced.
    """
    from scipy.stats import qmc  # half a second that most commands do not need

    if draws < 2 or draws & (draws - 1):
        raise ValueError(f"draws must be a power of two, got {draws}")
    shares = np.empty((draws, len(doubts)))
    if doubts:
        shares = qmc.Sobol(len(doubts), rng=seed).random(draws)
    values = {name: doubt.at(shares[:, i]) for i, (name, doubt) in enumerate(doubts.items())}
    return Draws(shares=shares, values=values)


def with_constants(design: Accelerator, values: Mapping[str, Any]) -> Accelerator:
    """The design with other values of some constants, of its device among them."""
    own = {name: value for name, value in values.items() if name not in OF_DEVICE}
    of_device = {name: value for name, value in values.items() if name in OF_DEVICE}
    device = replace(design.device, **of_device) if of_device else design.device
    return replace(design, **own, device=device)
