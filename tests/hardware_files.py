"""Hardware files that tests write."""

from collections.abc import Callable

from sushi_dse.config.hardware_file import HardwareFile
from sushi_dse.hardware.accelerator import Dataflow

# The first line of a file that extends one of that dataflow.
EXTENDING_BY = {
    Dataflow.WEIGHT_STATIONARY: "extends: zcu104\n",
    Dataflow.OUTPUT_STATIONARY: "extends: vcu118_64x64\n",
}
Load = Callable[[str], HardwareFile]
