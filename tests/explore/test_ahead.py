"""Kernels that are compiled ahead of a sweep are those that it needs."""

import subprocess
import sys

from tests.paths import ROOT

# Prints the kernels of serving that a sweep compiles for other types than those compiled ahead.
PROGRAM = """
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.evaluation.rows import evaluate
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.explore.workers import ahead
from sushi_dse.serving import hindsight, streams

if __name__ == "__main__":
    experiment = load_experiment(
        "tests/data/tiny.yaml",
        policies=["no-sgs", "static-subgraph", "latency-aware", "infaas", "clipper"],
        queries=20,
    )
    policies = [experiment.policy(name) for name in experiment.policies]
    ahead.compile_serving(policies, experiment.mode, range(1))
    assert all(policy.kernel for policy in policies)
    kernels = streams.tally_by_rules, hindsight.static_subgraphs, streams.tally_by_queue
    before = [len(kernel.dispatcher.signatures) for kernel in kernels]
    evaluate(experiment, range(1))
    print(before, [len(kernel.dispatcher.signatures) for kernel in kernels])
"""


def test_a_sweep_finds_compiled_what_is_compiled_ahead_of_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.stdout == "[1, 1, 1] [1, 1, 1]\n", done.stderr
