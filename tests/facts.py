"""Published and measured figures: a few rows of them lie here; all of them may lie outside.

All rows are in a folder beside the repository, on machines that have it.  Laws are for both.
"""

from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload
from sushi_dse.workload.layers import SuperNet
from tests import paths

FEW = paths.ROOT / "tests" / "data" / "facts"
ALL = paths.ROOT.parent / "shared" / "data"
FOLDERS = {"a few rows": FEW} | ({"all rows": ALL} if ALL.is_dir() else {})

LOG = "AzureLLMInferenceTrace_code.csv"
LOGS = {folder: path / LOG if path == FEW else path / "traces" / LOG
        for folder, path in FOLDERS.items()}  # fmt: skip

BOARD = shipped_folder("hwconfigs") / "zcu104_measured.csv"  # layers by name
BOARD_WITH_SIZES = ALL / "zcu104_measured_conv3x3.csv"
BOARDS = {"by name": BOARD} | ({"with sizes": BOARD_WITH_SIZES} if ALL.is_dir() else {})


def supernet_of_the_board() -> SuperNet:
    """The SuperNet whose layers were measured on the ZCU104."""
    return load_workload("ofa_resnet50").supernet
