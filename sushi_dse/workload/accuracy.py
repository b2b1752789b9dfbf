"""Accuracy of a MobileNetV3 SubNet predicted from its depths and expand ratios, without running it.

    accuracy = base + sum over blocks of gain[block, expand ratio]
                + sum over stages of interaction[stage] * optional blocks * width

The base is the smallest SubNet: the least blocks, each at the least expand ratio.  A stage's width
is the sum over its blocks of log(expand ratio / least expand ratio).  The form is linear in its
coefficients and adds up over stages; `benchmarks/accuracy_model.py` fits it.
"""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from sushi_dse.bits import INT8_BITS
from sushi_dse.workload.mobilenet_v3 import MobileNetV3Choice, MobileNetV3Family
from sushi_dse.workload.stages import ratios_by_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyModel:
    """The coefficients of the prediction for one SuperNet, their origin and their error.

    All are in points of accuracy.  `ValueError` where the family needs another number of
    coefficients, one is not finite, or the measured accuracy is no range within 0 to 100.
    """

    family: MobileNetV3Family
    origin: str  # source of the measurements
    resolution: int  # height and width of the images that accuracy was measured on
    measured_subnets: int  # number of SubNets that were measured
    measured_accuracy_percent: tuple[float, float]  # least and greatest measured accuracy
    held_out_rmse_percent: float  # root mean square error on SubNets left out of the fit
    base_accuracy_percent: float  # accuracy of the smallest SubNet
    block_gain_percent: tuple[tuple[float, ...], ...]  # [block of the largest SubNet, expand ratio]
    stage_interaction_percent: tuple[float, ...]  # [stage]
    weight_bits: int = INT8_BITS  # of the weights of every SubNet

    def __post_init__(self) -> None:
        coefficients = self.base_accuracy_percent, *self.stage_interaction_percent
        gains = (gain for row in self.block_gain_percent for gain in row)
        if not all(map(isfinite, (*coefficients, *gains))):
            raise ValueError("finite coefficients must hold")
        least, most = self.measured_accuracy_percent
        if not 0 <= least <= most <= 100:
            raise ValueError(
                "measured_accuracy_percent: 0 <= least <= greatest <= 100 must hold, "
                f"got {least} and {most}"
            )
        blocks, ratios = sum(self.family.max_blocks_per_stage), len(self.family.expand_ratios)
        if [len(row) for row in self.block_gain_percent] != [ratios] * blocks:
            raise ValueError(
                f"block_gain_percent needs {blocks} rows, one for each block of the largest "
                f"SubNet, of {ratios} entries, one for each of expand_ratios"
            )
        if len(self.stage_interaction_percent) != len(self.family.stage_widths):
            raise ValueError(
                "stage_interaction_percent needs one entry for each of the "
                f"{len(self.family.stage_widths)} stages, got {len(self.stage_interaction_percent)}"
            )

    def accuracy_percent(self, choice: MobileNetV3Choice) -> float:
        """The predicted accuracy of `choice` in percent, whatever its own `accuracy_percent` is.

        A choice that the family does not have, or of another resolution, raises a `ValueError`.
        """
        if choice.resolution != self.resolution:
            raise ValueError(
                f"SubNet {choice.name!r}: resolution == {self.resolution} must hold, where "
                f"accuracy was measured, got {choice.resolution}"
            )
        gains = block_choices(self.family, choice) * np.array(self.block_gain_percent)
        interactions = stage_interactions(self.family, choice) * self.stage_interaction_percent
        predicted = self.base_accuracy_percent + gains.sum() + interactions.sum()
        return float(np.clip(predicted, 0, 100))


def block_choices(family: MobileNetV3Family, choice: MobileNetV3Choice) -> np.ndarray:
    """1 where a block has an expand ratio, else 0: [block of the largest SubNet, expand ratio].

    `ValueError` for a choice that the family does not have.
    """
    chosen = np.zeros((sum(family.max_blocks_per_stage), len(family.expand_ratios)))
    for stage, ratios in enumerate(ratios_by_stage(family, choice)):
        first = sum(family.max_blocks_per_stage[:stage])
        for block, ratio in enumerate(ratios, start=first):
            chosen[block, family.expand_ratios.index(ratio)] = 1
    return chosen


def stage_interactions(family: MobileNetV3Family, choice: MobileNetV3Choice) -> np.ndarray:
    """The number of optional blocks times the width of each stage: [stage].

    `ValueError` for a choice that the family does not have.
    """
    least = min(family.expand_ratios)
    return np.array(
        [
            (len(ratios) - fewest) * np.log(np.array(ratios) / least).sum()
            for ratios, fewest in zip(
                ratios_by_stage(family, choice), family.min_blocks_per_stage, strict=True
            )
        ]
    )


def free_gains(family: MobileNetV3Family) -> np.ndarray:
    """Mask of the gains that are not zero by definition: [block of the largest SubNet, ratio].

    The gain of a block that no SubNet lacks is zero at the least expand ratio: the base holds it.
    """
    free = np.ones((sum(family.max_blocks_per_stage), len(family.expand_ratios)), dtype=bool)
    least = family.expand_ratios.index(min(family.expand_ratios))
    for stage, fewest in enumerate(family.min_blocks_per_stage):
        first = sum(family.max_blocks_per_stage[:stage])
        free[first : first + fewest, least] = False
    return free


def features(family: MobileNetV3Family, choice: MobileNetV3Choice) -> np.ndarray:
    """The features that the coefficients multiply: [1, free gains row by row, interactions]."""
    gains = block_choices(family, choice)[free_gains(family)]
    return np.concatenate([[1.0], gains, stage_interactions(family, choice)])
