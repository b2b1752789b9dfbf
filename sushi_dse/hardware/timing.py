"""The clock that a design attains, by how it was written, the device's speed grade and its share.

Sources are thin: SushiAccel in HLS ran at 100 MHz on a ZCU104, AMD's DPU in RTL runs at 300 MHz on
a K26 of which it and its application take 67 % of the LUTs and 81 % of the UltraRAMs, an RTL design
that takes 87 % of a U50's DSPs at 275 MHz, and the output-stationary array at 708 MHz on a VCU118,
its port and its buffers at 250.  So the constants are assumptions.
"""

from enum import StrEnum
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.doubt import Doubt


class Coding(StrEnum):
    """How a design was written, which decides the clock that its logic attains."""

    HLS = "hls"
    RTL = "rtl"


# MHz of a pipelined DSP48E2 by speed grade (AMD DS923 and DS925): no design clocks one faster.
DSP_MHZ = {1: 645, 2: 775, 3: 891}
# Logic of speed grade 2 on a device that is half empty, where a hardware file does not say it.
# Other grades: assumption, in proportion to their DSPs.
LOGIC_MHZ = {
    Coding.HLS: Doubt(
        value=250.0,
        low=100.0,
        high=300.0,
        source="assumption; of HLS, whose measured 100 MHz is what was asked for",
    ),
    Coding.RTL: Doubt(
        value=325.0,
        low=300.0,
        high=400.0,
        source="assumption; of RTL, as a DPU at 300 MHz on a K26, an array at 275 on a full U50",
    ),
}
LOGIC_KINDS = ("dsp", "lut", "ff")  # what crowds: memory does not, as on the K26 (assumption)
CROWDED_SHARE = 0.5  # of a device, above which routes are longer; assumption, plausible 0.4 to 0.7
# What of the clock is lost for each share above that; assumption, plausible 0.2 to 0.8.
CROWDING_LOSS = 0.4


def attainable_logic_mhz(accelerator: Accelerator | Designs, share: Any) -> Any:
    """The clock that logic and buffers attain, of a design, or of each of many.

    share: of the whole device that the design takes, the largest of `LOGIC_KINDS`; a design that
    takes more than there is, is judged as one that takes all of it.
    """
    speed = DSP_MHZ[accelerator.device.speed_grade] / DSP_MHZ[2]
    crowded = np.clip(share, CROWDED_SHARE, 1) - CROWDED_SHARE
    return accelerator.logic_mhz * speed * (1 - CROWDING_LOSS * crowded)


def array_mhz(accelerator: Accelerator | Designs) -> float:
    """The most that the array attains where it has a clock of its own: that of its DSPs."""
    return DSP_MHZ[accelerator.device.speed_grade]


def _clocks(accelerator: Accelerator | Designs, share: Any) -> list[tuple[Any, Any]]:
    """The clocks that a design wants, each with the one that it attains.

    An output-stationary design has two: the array's, which only DSPs run at, and the port's.
    """
    attainable = attainable_logic_mhz(accelerator, share)
    if accelerator.dataflow == Dataflow.WEIGHT_STATIONARY:
        return [(accelerator.clock_mhz, attainable)]
    array = (accelerator.clock_mhz, array_mhz(accelerator))
    return [(accelerator.port_clock_mhz, attainable), array]


def overclocking(accelerator: Accelerator | Designs, share: Any) -> Any:
    """The clock that a design wants over the one that it attains: above 1 it does not run.

    Of several clocks the largest ratio.
    """
    return np.max([wanted / most for wanted, most in _clocks(accelerator, share)], axis=0)


def is_too_fast(accelerator: Accelerator | Designs, share: Any) -> Any:
    """Whether a design, or each of many, wants a clock that it does not attain."""
    ratios = [wanted > most for wanted, most in _clocks(accelerator, share)]
    return np.logical_or.reduce(np.broadcast_arrays(*ratios))
