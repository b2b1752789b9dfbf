"""The parameters of SLO-NN: its fractions, its activator, and how hard inputs are.

A fraction f of the nodes answers an input of difficulty u as the whole network does with chance
    agreement(f, u) = 1 - max(0, 1 - f / needed(u)) ** ranking_exponent
    needed(u) = easiest_fraction + (1 - easiest_fraction) * u ** difficulty_exponent
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from math import isfinite
from typing import TypeVar

import numpy as np

from sushi_dse.model.jit import kernel_part
from sushi_dse.traces.trace import FloatArray

Number = TypeVar("Number", float, FloatArray)


@kernel_part
def agreement(fraction: Number, needed: Number, ranking_exponent: float) -> Number:
    """Chance that a fraction of the nodes answers as all nodes do, where so many are needed."""
    lacking: Number = np.maximum(1 - fraction / needed, 0.0)
    lost: Number = lacking * lacking if ranking_exponent == 2 else lacking**ranking_exponent
    return 1 - lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Activator:
    """The work of choosing the nodes of a query, all of it ahead of the query's first layer.

    `ValueError` unless each field is finite and 0 or more.
    """

    read_bytes: float  # bytes that are read from DRAM through the Dynamic Buffer
    macs: float
    launches: float = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"activator: {field.name} >= 0 must hold, got {value}")


FREE = Activator(read_bytes=0, macs=0, launches=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SloNn:
    """The parameters of SLO-NN; each default is an assumption.

    `ValueError` where a parameter is out of range.
    """

    fractions: tuple[float, ...] = tuple(step / 20 for step in range(1, 21))  # ascending, up to 1
    # Share of the nodes that every query uses; None stands for the least fraction.
    common_share: float | None = None
    activator: Activator | None = None  # None stands for the `hashing_activator` of the network
    easiest_fraction: float = 0.05  # share of the nodes that the easiest input needs
    difficulty_exponent: float = 2.0  # the greater it is, the more inputs need few nodes
    ranking_exponent: float = 2.0  # the greater it is, the less the lowest ranked nodes matter

    def __post_init__(self) -> None:
        ascend = all(before < after for before, after in pairwise((0.0, *self.fractions)))
        if not (ascend and self.fractions and self.fractions[-1] == 1):
            raise ValueError(f"fractions must ascend from above 0 to 1, got {self.fractions}")
        if not 0 <= self.common <= self.fractions[0]:
            raise ValueError(
                f"0 <= common_share <= {self.fractions[0]}, the least fraction, must hold, "
                f"got {self.common_share}"
            )
        if not 0 < self.easiest_fraction <= 1:
            raise ValueError(f"0 < easiest_fraction <= 1 must hold, got {self.easiest_fraction}")
        for name in ("difficulty_exponent", "ranking_exponent"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} > 0 must hold, got {value}")

    @property
    def common(self) -> float:
        """The share of the nodes that every query uses."""
        return self.fractions[0] if self.common_share is None else self.common_share

    def agreement(self, fraction: FloatArray | float, difficulty: FloatArray | float) -> FloatArray:
        """Chance that a fraction of the nodes answers as all nodes do: 1 for fraction 1.

        It never falls with the fraction, and never rises with the difficulty (0 to 1).  Of arrays
        it is an array of their broadcast shape.

        >>> SloNn().agreement(0.5, np.array([0.0, 1.0])).tolist()
        [1.0, 0.75]
        """
        needed = self.needed_fraction(difficulty)
        return np.asarray(agreement(np.asarray(fraction), needed, self.ranking_exponent))

    def needed_fraction(self, difficulty: FloatArray | float) -> FloatArray:
        """The least fraction of the nodes that answers surely as all nodes do."""
        hard = np.asarray(difficulty) ** self.difficulty_exponent
        return np.asarray(self.easiest_fraction + (1 - self.easiest_fraction) * hard)
