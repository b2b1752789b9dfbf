"""Confidence intervals over repeated runs: a paired bootstrap over seeds.

All policies serve the same trace of each seed, so gains are paired by seed, and only the seeds are
random.  Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sushi_dse.policies.names import ASSUMED_RATES

CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 0  # seed of the resampling, so that equal runs give equal intervals

ComparedRow = Mapping[str, object]


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """The percentile interval of the mean of `values`, one for each seed; a point where they agree.

    The result is (low, high).
    """
    sample = np.asarray(values, dtype=float)
    if len(sample) == 1 or np.ptp(sample) == 0:
        return float(sample[0]), float(sample[0])
    rng = np.random.default_rng(SEED)
    chosen = rng.integers(0, len(sample), size=(RESAMPLES, len(sample)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(sample[chosen].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def verdict(low: float, high: float) -> str:
    """The verdict on a gain with the confidence interval (low, high).

    >>> verdict(0.1, 0.4), verdict(-0.1, 0.4), verdict(-0.4, -0.1)
    ('faster', 'no difference', 'slower')
    """
    return "faster" if low > 0 else "slower" if high < 0 else "no difference"


def summarise_repeats(repeats: Sequence[Sequence[ComparedRow]]) -> list[dict[str, object]]:
    """A row for each policy: the mean of each metric over the seeds, and its `_low` and `_high`.

    A policy whose rates are assumptions has no verdict but that.

    repeats: [seed][policy], the same policies in the same order for each seed.
    """
    rows: list[dict[str, object]] = []
    for runs in zip(*repeats, strict=True):
        row: dict[str, object] = {"policy": runs[0]["policy"]}
        for name in runs[0]:
            values = [run[name] for run in runs]
            if name == "policy" or not all(isinstance(value, float) for value in values):
                continue
            numbers = [float(value) for value in values if isinstance(value, float)]
            row[name] = float(np.mean(numbers))
            row[f"{name}_low"], row[f"{name}_high"] = bootstrap_interval(numbers)
        gain = "gain_over_no_sgs_percent"
        carried = verdict(float(str(row[f"{gain}_low"])), float(str(row[f"{gain}_high"])))
        row["verdict"] = "assumed rates" if row["policy"] in ASSUMED_RATES else carried
        rows.append(row)
    return rows
