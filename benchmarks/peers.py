"""How fast ZigZag, which searches a mapping for each layer, is beside this tool on this machine.

    python -m venv zigzag && zigzag/bin/pip install zigzag-dse six
    python -m benchmarks.peers zigzag/bin/python

ZigZag (Mei et al., 2021, doi:10.1109/TC.2021.3059962) evaluates its own ResNet-18 on its own array,
both of which it ships, and keeps the fastest mapping that it finds of each layer.  This tool
evaluates its SubNets of ResNet-50 on designs around the ZCU104, in the one mapping that these have.
So the rates compare how soon a user has an answer, and not two programs at one task.
"""

import json
import subprocess
import sys
import time

from benchmarks.beside_c import Figures
from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.report.formats import print_document

DESIGNS = range(1000, 2000)

# Prints the layers and the seconds of ZigZag as it is by default, its start left out.
PROGRAM = """
import json, logging, tempfile, time
from importlib.metadata import version
from pathlib import Path

import zigzag
from zigzag.api import get_hardware_performance_zigzag

inputs = Path(zigzag.__file__).parent / "inputs"
logging.disable(logging.CRITICAL)
with tempfile.TemporaryDirectory() as folder:
    started = time.perf_counter()
    _, _, ((_, layers),) = get_hardware_performance_zigzag(
        workload=str(inputs / "workload" / "resnet18.onnx"),
        accelerator=str(inputs / "hardware" / "tpu_like.yaml"),
        mapping=str(inputs / "mapping" / "tpu_like.yaml"),
        opt="latency",
        dump_folder=folder,
        loma_show_progress_bar=False,
    )
    seconds = time.perf_counter() - started
facts = {"version": version("zigzag-dse"), "layers": len(layers), "seconds": seconds}
print(json.dumps(facts))
"""


def peer_figures(python: str) -> Figures:
    """The rate of ZigZag under that interpreter, in layers a second."""
    command = [python, "-c", PROGRAM]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    facts = json.loads(ended.stdout.splitlines()[-1])
    return {**facts, "layers_per_s": facts["layers"] / facts["seconds"]}


def own_figures() -> Figures:
    """The rate of this tool in layers a second: each SubNet on each design, without a trace."""
    experiment = load_experiment("zcu104_space", "ofa_resnet50", "none")
    evaluate(experiment, DESIGNS)  # Kernels are loaded.
    started = time.perf_counter()
    counts = Counts.of(evaluate(experiment, DESIGNS).schema)
    seconds = time.perf_counter() - started
    layers = (counts.designs - counts.infeasible) * len(experiment.network.shapes)
    return {"layers": layers, "seconds": seconds, "layers_per_s": layers / seconds}


if __name__ == "__main__":
    (interpreter,) = sys.argv[1:]
    print_document(
        {
            "peer": "zigzag-dse",
            "per_layer": "the fastest of the mappings that are searched",
            "peer_rate": peer_figures(interpreter),
            "own_per_layer": "the one mapping of the array",
            "own_rate": own_figures(),
        }
    )
