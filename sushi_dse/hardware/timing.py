"""The clock that a design attains, by how it was written, the device's speed grade and its share.

Sources are thin: SushiAccel in HLS ran at 100 MHz on a ZCU104, AMD's DPU in RTL runs at 300 MHz on
a K26 of which it and its application take 67 % of the LUTs and 81 % of the UltraRAMs, an RTL design
that takes 87 % of a U50's DSPs at 275 MHz, and the output-stationary array at 708 MHz on a VCU118,
its port and its buffers at 250.  So the constants are assumptions.
"""

from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator, Coding, Dataflow
from sushi_dse.hardware.designs import Designs

# MHz of a pipelined DSP48E2 by speed grade (AMD DS923 and DS925): no design clocks one faster.
DSP_MHZ = {1: 645, 2: 775, 3: 891}
# Logic of speed grade 2 on a device that is half empty.  HLS: the measured 100 MHz is the clock
# that was asked for, not a limit.  Assumption: 250, the highest that we think of as usual;
# plausible 100 to 300.  RTL: assumption, plausible 300 to 400, so that the designs above attain
# what they ran at.  Other grades: assumption, in proportion to their DSPs.
LOGIC_MHZ = {Coding.HLS: 250, Coding.RTL: 325}
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
    return LOGIC_MHZ[Coding(accelerator.coding)] * speed * (1 - CROWDING_LOSS * crowded)


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
