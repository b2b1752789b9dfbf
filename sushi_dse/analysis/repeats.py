"""Confidence intervals over repeated runs: Student's t over seeds.

All policies serve the same trace of each seed, so gains are paired by seed, and only the seeds are
random.  A bootstrap of so few values covers too little: at two seeds half of what it says.  Source:
Student, The Probable Error of a Mean, Biometrika 6 (1908).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sushi_dse.evaluation.metrics import GAIN, METRICS, other_accuracy
from sushi_dse.policies.names import ASSUMED_RATES, NO_SGS

CONFIDENCE = 0.95
RELEVANT_PERCENT = 1.0  # least difference of latency that counts: assumption

ComparedRow = Mapping[str, object]


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The interval of the mean of `values`, one for each seed; a point where they agree.

    The result is (low, high), and as wide as can be said of so few values: at one seed a point.
    """
    sample = np.asarray(values, dtype=float)
    if len(sample) == 1 or np.ptp(sample) == 0:
        return float(sample[0]), float(sample[0])
    from scipy.special import stdtrit  # SciPy would delay a comparison of one seed.

    quantile = stdtrit(len(sample) - 1, (1 + CONFIDENCE) / 2)
    half = quantile * sample.std(ddof=1) / np.sqrt(len(sample))
    return float(sample.mean() - half), float(sample.mean() + half)


def verdict(low: float, high: float, at_least_percent: float = RELEVANT_PERCENT) -> str:
    """The verdict on a gain with the confidence interval (low, high), whose middle is the mean.

    A win or a loss is carried by the interval, and is `at_least_percent` on average.

    >>> verdict(1.1, 1.4), verdict(0.1, 0.4), verdict(-0.1, 4.4), verdict(-4, -1)
    ('faster', 'no relevant difference', 'no difference', 'slower')
    """
    if low <= 0 <= high:
        return "no difference"
    if abs(low + high) / 2 < at_least_percent:
        return "no relevant difference"
    return "faster" if low > 0 else "slower"


def summarise_repeats(
    repeats: Sequence[Sequence[ComparedRow]], at_least_percent: float = RELEVANT_PERCENT
) -> list[dict[str, object]]:
    """A row for each policy: the mean of each metric over the seeds, and its `_low` and `_high`.

    The reference has no verdict; a policy whose rates are assumptions, or which serves another
    accuracy, has none but that.

    repeats: [seed][policy], the same policies in the same order for each seed.
    """
    rows: list[dict[str, object]] = []
    for runs in zip(*repeats, strict=True):
        row: dict[str, object] = {"policy": runs[0]["policy"]}
        for name in runs[0]:
            values = [run[name] for run in runs]
            if name not in METRICS or not all(isinstance(value, float) for value in values):
                continue
            numbers = [float(value) for value in values if isinstance(value, float)]
            row[name] = float(np.mean(numbers))
            row[f"{name}_low"], row[f"{name}_high"] = mean_interval(numbers)
        low, high = (float(str(row[f"{GAIN}_{end}"])) for end in ("low", "high"))
        row["verdict"] = verdict(low, high, at_least_percent)
        if row["policy"] in ASSUMED_RATES:
            row["verdict"] = "assumed rates"
        elif other_accuracy(row):
            row["verdict"] = "other accuracy"
        elif row["policy"] == NO_SGS:
            row["verdict"] = None
        rows.append(row)
    return rows
