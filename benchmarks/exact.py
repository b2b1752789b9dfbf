"""Exact fronts beside those of the whole space walked, on random spaces: one JSON document.

    python -m benchmarks.exact [--designs 1000000] [--spaces 20] [--seed 0]

Boards, workloads, axes, policies and objectives are drawn.  A space is walked design by design, and
its front must be the one that branch and bound finds, row by row.
"""

import argparse
import random
import sys
import time
from dataclasses import replace

import numpy as np

from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload, workload_names
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import find_metric
from sushi_dse.explore.exact.bounds import BOUNDED
from sushi_dse.explore.exact.branch import ExactFront, exact_front
from sushi_dse.explore.exact.certificate import Certificate, check
from sushi_dse.explore.exact.problem import Front, Problem
from sushi_dse.hardware.accelerator import Device
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.network import Network
from sushi_dse.policies.names import STEADY_POLICIES
from sushi_dse.report.formats import print_document

RANGES = {  # range of the values of an axis, and their most number
    "pe_kernels": (4, 64, 4),
    "pe_channels": (3, 24, 4),
    "persistent_buffer_kib": (0, 8192, 40),
    "streaming_buffer_kib": (16, 1024, 12),
    "output_buffer_kib": (16, 1024, 12),
    "dram_gb_per_s": (1, 100, 40),
    "clock_mhz": (50, 400, 40),
    "port_bytes_per_cycle": (1, 80, 40),
    "dram_pj_per_bit": (3, 40, 6),
    "static_w": (0.5, 10, 6),
}
WHOLE = {"pe_kernels", "pe_channels"}
MOST_OBJECTIVES = 3  # With more, nearly every design of a large space may be on the front.


def drawn(rng: random.Random, most_designs: int) -> tuple[str, Problem]:
    """A problem of up to so many designs, and the name of its workload."""
    values: dict[str, list[float]] = {}
    size = 1
    for name in rng.sample(list(RANGES), rng.randint(4, len(RANGES))):
        low, high, most = RANGES[name]
        wanted = min(rng.randint(2, most), most_designs // size)
        found = (rng.uniform(low, high) for _ in range(wanted))
        chosen = sorted({round(each) if name in WHOLE else each for each in found})
        if len(chosen) > 1:
            values[name], size = chosen, size * len(chosen)
    device = Device(
        name="drawn",
        lut=10**6,
        ff=10**6,
        bram36=rng.randint(300, 1500),
        uram288=rng.randint(0, 700),
        dsp=rng.randint(1000, 7000),
    )
    base = load_hardware(rng.choice(["zcu104", "kv260", "alveo_u50"])).space.base
    workload = rng.choice(workload_names())
    experiment = Experiment(
        space=SearchSpace.of(replace(base, device=device), values),
        network=Network.of(load_workload(workload).supernet),
        trace=None,
        policies=tuple(rng.sample(STEADY_POLICIES, rng.randint(1, len(STEADY_POLICIES)))),
    )
    return workload, Problem(
        experiment=experiment,
        metrics=tuple(map(find_metric, rng.sample(BOUNDED, rng.randint(1, MOST_OBJECTIVES)))),
    )


def solved(problem: Problem) -> ExactFront:
    """The front that branch and bound finds, with its certificate."""
    search = exact_front(problem)
    while True:
        try:
            next(search)
        except StopIteration as end:
            found: ExactFront = end.value
            return found


def rows(front: Front) -> set[tuple[int, int]]:
    """The design and candidate of each row of a front."""
    return set(zip(front.designs.tolist(), front.candidates.tolist(), strict=True))


def compared(rng: random.Random, most_designs: int) -> dict[str, object]:
    """The comparison of one space, walked and by branch and bound."""
    workload, problem = drawn(rng, most_designs)
    started = time.perf_counter()
    found = solved(problem)
    exact_s = time.perf_counter() - started
    counts = check(Certificate.of(found.certificate.table(problem), problem), found.front, problem)
    started = time.perf_counter()
    walked = problem.front_of(np.arange(problem.experiment.space.size))
    print(f"{problem.experiment.space.size} designs", file=sys.stderr)
    return {
        "designs": problem.experiment.space.size,
        "workload": workload,
        "axes": [axis.name for axis in problem.experiment.space.axes],
        "policies": problem.experiment.policies,
        "objectives": [metric.name for metric in problem.metrics],
        "front_rows": len(walked.designs),
        "walked_designs": counts["designs"],
        "exact_seconds": exact_s,
        "walk_seconds": time.perf_counter() - started,
        "equal": rows(found.front) == rows(walked),
    }


def main() -> None:
    """Compare so many spaces, and print the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--designs", type=int, default=1_000_000)
    parser.add_argument("--spaces", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    found = [compared(rng, arguments.designs) for _ in range(arguments.spaces)]
    print_document(
        {"spaces": len(found), "equal": sum(bool(one["equal"]) for one in found), "rows": found}
    )


if __name__ == "__main__":
    main()
