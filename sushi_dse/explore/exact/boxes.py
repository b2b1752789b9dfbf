"""Boxes of designs: on each axis a range of ranks, which number its values in rising order."""

from dataclasses import dataclass

import numpy as np

from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.space import SearchSpace

# Axes along which no cost is monotone: they cut layers and words of weights into others.
SIDES = ("pe_kernels", "pe_channels", "pe_pixels", "multiplier_bits")


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes of a space."""

    space: SearchSpace
    low: np.ndarray  # [axis, box]: least rank
    high: np.ndarray  # [axis, box]: greatest rank, included

    @classmethod
    def whole(cls, space: SearchSpace) -> "Boxes":
        """The one box that holds all designs of `space`."""
        last = np.array([[len(axis.values) - 1] for axis in space.axes], dtype=np.int64)
        return cls(space, np.zeros_like(last), last)

    def __len__(self) -> int:
        return int(self.low.shape[1])

    def only(self, chosen: np.ndarray | slice) -> "Boxes":
        """The boxes that a mask, indices or a slice choose."""
        return Boxes(self.space, self.low[:, chosen], self.high[:, chosen])

    @property
    def sizes(self) -> np.ndarray:
        """The number of designs in each box: [box]."""
        return np.asarray((self.high - self.low + 1).prod(axis=0))

    @property
    def has_one_array(self) -> np.ndarray:
        """Whether all designs of a box have the same sides of the array, and bits: [box]."""
        sides = [i for i, axis in enumerate(self.space.axes) if axis.name in SIDES]
        return np.asarray((self.low[sides] == self.high[sides]).all(axis=0))

    def corners(self) -> tuple[Designs, Designs]:
        """The design with the least of each axis, and the one with the most: [box] each."""
        return self.space.designs(self.numbers(self.low)), self.space.designs(
            self.numbers(self.high)
        )

    def numbers(self, ranks: np.ndarray) -> np.ndarray:
        """The numbers, [design], of the designs with those ranks, [axis, design]."""
        numbers = np.zeros(ranks.shape[1], dtype=np.int64)
        for i, axis in enumerate(self.space.axes):
            digit_of_rank = np.argsort(axis.values, kind="stable")
            numbers = numbers * len(axis.values) + digit_of_rank[ranks[i]]
        return numbers

    def designs(self) -> np.ndarray:
        """The numbers of all designs in all boxes, rising: [design]."""
        sizes = self.sizes
        box = np.repeat(np.arange(len(self)), sizes)
        left = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        ranks = np.empty((len(self.low), len(left)), dtype=np.int64)
        for i in range(len(ranks) - 1, -1, -1):
            left, ranks[i] = np.divmod(left, (self.high - self.low + 1)[i, box])
            ranks[i] += self.low[i, box]
        return np.sort(self.numbers(ranks))

    def promising(self) -> np.ndarray:
        """The numbers of both corners and of the middle of each box, rising and distinct."""
        ranks = [self.high, self.low, (self.low + self.high) // 2]
        return np.unique(np.concatenate([self.numbers(each) for each in ranks]))

    def widest_axis(self) -> np.ndarray:
        """The axis on which a box is split: a side of the array first, else the longest: [box]."""
        lengths = (self.high - self.low + 1).astype(float)
        for i, axis in enumerate(self.space.axes):
            if axis.name in SIDES:
                lengths[i] = np.where(lengths[i] > 1, np.inf, lengths[i])
        return np.asarray(lengths.argmax(axis=0))

    def halves(self, axis: np.ndarray) -> "Boxes":
        """The halves of each box, cut on its `axis`, [box]; those of one box are neighbours."""
        low, high = np.repeat(self.low, 2, axis=1), np.repeat(self.high, 2, axis=1)
        box = np.arange(len(self))
        middle = (self.low[axis, box] + self.high[axis, box]) // 2
        high[axis, 2 * box] = middle
        low[axis, 2 * box + 1] = middle + 1
        return Boxes(self.space, low, high)


def joined(parts: list[Boxes]) -> Boxes:
    """The boxes of all parts, at least one."""
    return Boxes(
        parts[0].space,
        np.concatenate([part.low for part in parts], axis=1),
        np.concatenate([part.high for part in parts], axis=1),
    )
