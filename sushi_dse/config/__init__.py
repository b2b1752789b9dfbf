"""Files to values: hardware files to search spaces, workload files to SuperNets.

Every mistake in a file is raised here, as a `UserError` of one line that begins with its place.
"""

from sushi_dse.config.boards import Board, boards
from sushi_dse.config.hardware_file import HardwareFile, hardware_names, load_hardware
from sushi_dse.config.workload_file import WorkloadFile, load_workload, workload_names

__all__ = [
    "Board",
    "HardwareFile",
    "WorkloadFile",
    "boards",
    "hardware_names",
    "load_hardware",
    "load_workload",
    "workload_names",
]
