"""The cost kernel beside C in several processes, and the worst of them, as one JSON document.

    python -m benchmarks.every_process

The rate of a process depends on where its arrays come to lie: vector code is slowed by stores that
cross a cache line, and all stores to an array do where it begins at an odd multiple of 16 bytes.
"""

import argparse
import json
import subprocess
import sys

from benchmarks.beside_c import Figures, compiled
from benchmarks.kernels import cost_figures
from sushi_dse.report.formats import print_document

PROCESSES = 6
SHOWN = ("layer_evaluations_per_s", "c_layer_evaluations_per_s", "ratio_to_c", "median_ratio_to_c",
         "same_bits_as_exact_c", "line_offset_bytes")  # fmt: skip


def own_figures() -> Figures:
    """The figures of this process."""
    with compiled() as libraries:
        found = cost_figures(libraries)
    return {name: found[name] for name in SHOWN}


def main() -> None:
    """Start the processes one after the other and print what each measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", action="store_true", help="measure in this process alone")
    if parser.parse_args().one:
        print(json.dumps(own_figures()))
        return
    command = [sys.executable, "-m", "benchmarks.every_process", "--one"]
    each = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(PROCESSES)
    ]
    by = "layer_evaluations_per_s" if each[0]["ratio_to_c"] is None else "ratio_to_c"
    print_document({"worst": min(each, key=lambda found: found[by]), "processes": each})


if __name__ == "__main__":
    main()
