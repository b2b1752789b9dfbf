"""The order of rows from the cheapest on, and what decides it."""

from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.evaluation.metrics import ACCURACY, LATENCY, Metric
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Device

if TYPE_CHECKING:
    import pandas as pd

RUNNING_COST = "mean_power_w"  # the metric that decides between designs of equal shares


def device_shares(rows: "pd.DataFrame", device: Device) -> np.ndarray:
    """The share that each row takes of each kind of blocks that the device's shell leaves.

    The result is [row, kind].  A kind that the device lacks is 0 for rows that take none of it, as
    do all that fit.
    """
    taken = rows[list(RESOURCE_KINDS)].to_numpy(dtype=float)
    there = np.array([device.left(kind) for kind in RESOURCE_KINDS], dtype=float)
    return np.where(taken > 0, taken / np.where(there > 0, there, np.nan), 0.0)


def cheapest_first(rows: "pd.DataFrame", by: Metric, device: Device) -> np.ndarray:
    """The places of the rows, the cheapest first: [row].

    The cheapest is the best in `by`; of equals the one with the least largest share of the device's
    blocks, then the least second share and so on, then the least `RUNNING_COST`, then the fastest,
    the most accurate, the first design.
    """
    shares = np.sort(device_shares(rows, device), axis=1)  # ascending, as the last key counts first
    later = (rows["design"], -rows[ACCURACY], rows[LATENCY], rows[RUNNING_COST])
    return np.lexsort((*later, *shares.T, by.cost(rows)))
