"""The parameters of GATI: agreement of predictors, acceptance of selectors, shifts of streams.

An agreement is the share of queries, 0 to 1, on which a predictor answers as the whole network
does.  No locality or shift moves an agreement of 0 or of 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import TypeVar

import numpy as np

from sushi_dse.model.jit import kernel_part
from sushi_dse.traces.trace import FloatArray

# Agreement of each predictor with the whole network after blocks 1 to 8 of ResNet-18 on CIFAR-10
# (Balasubramanian et al., 2021).
PUBLISHED_AGREEMENT_PERCENT: dict[str, tuple[float, ...]] = {
    "FC(1024)": (55.14, 60.68, 78.64, 85.34, 94.50, 99.19, 99.95, 100.0),
    "Pool(4096)": (55.19, 68.34, 78.26, 84.61, 92.49, 99.01, 99.95, 100.0),
    "Conv(3,1)": (57.63, 66.04, 75.91, 82.64, 93.28, 98.28, 99.94, 100.0),
}
PUBLISHED_BLOCKS = 8

SHARES = ("selector_recall", "shift_loss", "recovery")
SIZES = ("retrain_every_queries", "pooled_inputs", "hidden_nodes", "conv_kernels")


Number = TypeVar("Number", float, FloatArray)


@kernel_part
def agreement_now(
    agreement: Number, freshness: Number, locality: float, shift_loss: float
) -> Number:
    """`Gati.agreement_now` under those parameters."""
    wide = 1 - locality
    odds = freshness + (1 - freshness) * (1 - shift_loss) * wide
    return agreement * odds / (agreement * odds + (1 - agreement) * wide)


@kernel_part
def rising_to_1(at_0: float, agreement: Number) -> Number:
    """A share that rises linearly with the agreement, from `at_0` to 1."""
    return 1 - (1 - at_0) * (1 - agreement)


@kernel_part
def acceptance(agreement: Number, recall: float, precision: float) -> Number:
    """`Gati.acceptance` of a selector of that recall and precision near an agreement of 0."""
    return agreement * rising_to_1(recall, agreement) / rising_to_1(precision, agreement)


@kernel_part
def refused_agreement(agreement: Number, recall: float, precision: float) -> Number:
    """`Gati.refused_agreement` of a selector of that recall and precision near agreement 0."""
    refused = 1 - acceptance(agreement, recall, precision)
    agreeing = agreement * (1 - rising_to_1(recall, agreement))
    none = refused <= 0  # 1 where none is refused, for then a quotient of ones is wanted
    share: Number = (agreeing * (1 - none) + none) / (refused * (1 - none) + none)
    return share


@dataclass(frozen=True, slots=True, kw_only=True)
class Gati:
    """The parameters of GATI; each default but the agreements' is an assumption.

    Raises `ValueError` where one is out of range.
    """

    # Agreement after each published block by the name of a predictor in `PREDICTORS`.
    agreement_percent: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: dict(PUBLISHED_AGREEMENT_PERCENT)
    )
    # Recall and precision are those at an agreement near 0; both rise to 1 with the agreement.
    selector_recall: float = 0.8  # share of the agreeing answers that a selector accepts
    selector_precision: float = 0.95  # share of the accepted answers that agree
    # The locality is 1 - (n - 1) / (N - 1) where n of the N classes are asked for at a time.
    locality: float = 0.5
    mean_queries_between_shifts: float = 1000.0  # infinite where the stream never shifts
    shift_loss: float = 0.75  # share of the odds of agreement that a shift takes from stale caches
    retrain_every_queries: int = 100
    recovery: float = 0.5  # share of the lost odds that one retraining restores
    memory_limit_bytes: float | None = None  # limit of all caches; None: the network's weights
    pooled_inputs: int = 4096  # most values that a predictor reads
    hidden_nodes: int = 1024  # nodes in the hidden layer of FC(1024)
    conv_kernels: int = 16  # kernels of the convolution of Conv(3,1)

    def __post_init__(self) -> None:
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"0 <= {name} <= 1 must hold, got {getattr(self, name)}")
        if self.shift_loss == 1:
            raise ValueError("shift_loss < 1 must hold: stale odds of zero say nothing")
        if not 0 < self.selector_precision <= 1:
            raise ValueError(
                f"0 < selector_precision <= 1 must hold, got {self.selector_precision}"
            )
        if not 0 <= self.locality < 1:
            raise ValueError(f"0 <= locality < 1 must hold, got {self.locality}")
        if not self.mean_queries_between_shifts >= 1:
            raise ValueError(
                "mean_queries_between_shifts >= 1 must hold, "
                f"got {self.mean_queries_between_shifts}"
            )
        for name in SIZES:
            if not getattr(self, name) >= 1:
                raise ValueError(f"{name} >= 1 must hold, got {getattr(self, name)}")
        limit = self.memory_limit_bytes
        if limit is not None and (isnan(limit) or limit < 0):
            raise ValueError(f"memory_limit_bytes >= 0 must hold, got {limit}")
        self._check_agreements()

    def _check_agreements(self) -> None:
        for name, percents in self.agreement_percent.items():
            if len(percents) != PUBLISHED_BLOCKS:
                raise ValueError(
                    f"agreement_percent of {name!r} needs one entry for each of "
                    f"{PUBLISHED_BLOCKS} blocks, got {len(percents)}"
                )
            if not all(0 <= percent <= 100 for percent in percents):
                raise ValueError(
                    f"0 <= agreement_percent <= 100 must hold, got {percents} of {name!r}"
                )

    def agreement_now(self, agreement: FloatArray, freshness: FloatArray | float) -> FloatArray:
        """Agreement on the recent classes of caches of that freshness, from 1 fresh to 0 stale.

        The odds of agreeing over all classes are multiplied by 1 / (1 - locality) where the caches
        know the recent classes, and by (1 - shift_loss) where they know other ones.

        >>> Gati().agreement_now(np.array([0.0, 0.5, 1.0]), 1.0).round(3).tolist()
        [0.0, 0.667, 1.0]
        """
        fresh = np.asarray(freshness)
        return np.asarray(agreement_now(agreement, fresh, self.locality, self.shift_loss))

    def recall(self, agreement: FloatArray) -> FloatArray:
        """Share of the agreeing answers that the selector accepts."""
        return np.asarray(rising_to_1(self.selector_recall, agreement))

    def precision(self, agreement: FloatArray) -> FloatArray:
        """Share of the accepted answers that agree."""
        return np.asarray(rising_to_1(self.selector_precision, agreement))

    def acceptance(self, agreement: FloatArray) -> FloatArray:
        """Share of all answers that the selector accepts; never falls with the agreement.

        >>> Gati().acceptance(np.array([0.0, 0.5, 1.0])).round(3).tolist()
        [0.0, 0.462, 1.0]
        """
        return np.asarray(acceptance(agreement, self.selector_recall, self.selector_precision))

    def refused_agreement(self, agreement: FloatArray) -> FloatArray:
        """Share of the refused answers that agree; 1 where none is refused."""
        selector = self.selector_recall, self.selector_precision
        return np.asarray(refused_agreement(agreement, *selector))

    def freshness(self, queries: int, rng: np.random.Generator) -> FloatArray:
        """How well the caches know the stream at each query, 1 fresh to 0 stale: [query].

        At each query but the first the stream shifts with chance 1 / mean_queries_between_shifts,
        and freshness falls to 0.  A retraining comes before a shift at the same query.
        """
        number = np.arange(queries)
        shifts = rng.random(queries) < 1 / self.mean_queries_between_shifts
        shifts[:1] = False
        latest = np.maximum.accumulate(np.where(shifts, number, -1))
        retrainings = number // self.retrain_every_queries - latest // self.retrain_every_queries
        return np.where(latest < 0, 1.0, 1 - (1 - self.recovery) ** retrainings)

    def assumptions(self) -> tuple[str, ...]:
        """The assumptions of the model as sentences, with the values of the parameters."""
        return (
            "Agreements are those of ResNet-18 on CIFAR-10; on another network they are placed at "
            "the ends of its blocks nearest in fraction of MACs, and interpolated there.",
            f"Selectors accept {self.selector_recall:g} of the agreeing answers and are right in "
            f"{self.selector_precision:g} of what they accept, where the agreement is near 0; both "
            "rise to 1 with it.",
            f"Locality {self.locality:g} divides the odds of disagreement by "
            f"{1 / (1 - self.locality):g}; the stream shifts every "
            f"{self.mean_queries_between_shifts:g} queries on average, which takes "
            f"{self.shift_loss:g} of the odds of agreement over all classes.",
            f"Caches are retrained every {self.retrain_every_queries} queries, off the accelerator "
            f"and at no cost; each brings back {self.recovery:g} of what is lost.",
            f"A predictor reads at most {self.pooled_inputs} values of the map, averaged; FC(1024) "
            f"has {self.hidden_nodes} hidden nodes, Conv(3,1) {self.conv_kernels} kernels; a "
            "selector is Linear(classes, 1).",
            "An answer that disagrees with the whole network counts as wrong.",
        )
