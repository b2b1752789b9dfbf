"""The speed of the kernels beside the same arithmetic in C, and beside the machine's limits."""

import ctypes
import os
import platform
import subprocess
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np

from benchmarks.beside_c import (
    GCC,
    Figures,
    Libraries,
    Work,
    agreement,
    compiled,
    integers,
    pointers,
    rates,
    seconds_of,
)
from benchmarks.serving import WORKLOAD, policy_figures, trace_figures
from benchmarks.sweep import sweep_figures
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model import latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import by_counts, layers_of, steady_cost
from sushi_dse.model.steady_layers import CAUSES, CHUNK, Arrays, chunk_of, layer_cycles, tiles_of

TRIAD_DOUBLES = 16_000_000  # length of an array of 128 MB, which no cache holds
# Fields of `Arrays` that a weight-stationary array needs: the first ones.
OF_WEIGHTS = Arrays._fields.index("pointwise_drain_cycles") + 1
CACHE_LINE_BYTES = 64  # of x86-64 and of most ARM cores
DEPTHS = (3, 8, 32)  # tiles of Dynamic Buffers that prefetch
DIVIDED_DOUBLES, DIVIDE_TIMES = 1024, 1000  # length of an array of 8 KiB, in the first-level cache


# --- The cost of layers ---------------------------------------------------------------------------


def cost_space(base: Accelerator) -> SearchSpace:
    """Sixteen arrays with 144 designs each, as a search space has them: 2,304."""
    return SearchSpace.of(
        base,
        {
            "pe_kernels": (8, 16, 24, 32),
            "pe_channels": (6, 9, 12, 18),
            "persistent_buffer_kib": (512, 1024, 1728, 3072),
            "streaming_buffer_kib": (64, 128, 256),
            "clock_mhz": (100.0, 150.0, 200.0, 250.0),
            "port_bytes_per_cycle": (5.0, 10.0, 20.0),
        },
    )


@numba.njit
def block_cycles(shapes, tiles, common, arrays, cycles):  # type: ignore[no-untyped-def]
    """Run `layer_cycles` on designs with equal counts of tiles, a chunk at a time."""
    for start in range(0, len(arrays.cycles_per_byte), CHUNK):
        layer_cycles(shapes, tiles, common, chunk_of(arrays, start), cycles)


@numba.njit
def empty_cycles(shapes):  # type: ignore[no-untyped-def]
    """Room for the cycles of a chunk, which begins where it does in the kernels that need it."""
    return np.empty((CAUSES, len(shapes), CHUNK))


def cost_figures(libraries: Libraries | None) -> Figures:
    """The rates of the hot kernel in layers, and of a sweep without a trace in designs."""
    network = Network.of(load_workload(WORKLOAD).supernet)
    space = cost_space(load_hardware("zcu104").space.base)
    designs, shapes = space.designs(range(len(space))), layers_of(network).shapes
    cycles = empty_cycles(shapes)
    blocks = [
        (tiles_of(shapes, common), common, Arrays(*map(np.ascontiguousarray, arrays)))
        for _, common, arrays, _ in by_counts(designs)
    ]
    ours: list[Work] = [
        lambda given=given: block_cycles(shapes, *given, cycles)  # type: ignore[misc]
        for given in blocks
    ]

    def c(library: ctypes.CDLL) -> list[Work]:
        calls = [
            [*integers(len(shapes)), *pointers(shapes, *tiles),
             *integers(len(arrays.cycles_per_byte)), *pointers(*arrays[:OF_WEIGHTS]),
             *integers(CHUNK), *pointers(cycles)]
            for tiles, _, arrays in blocks
        ]  # fmt: skip
        return [lambda given=given: library.block_cycles(*given) for given in calls]  # type: ignore[misc]

    def last_chunks(works: list[Work]) -> list[np.ndarray]:
        left = []
        for work in works:
            cycles.fill(-1.0)
            work()
            left.append(cycles.copy())
        return left

    figures = rates(
        "layer_evaluations",
        len(network.shapes) * len(space),
        in_turn(ours),
        in_turn(c(libraries.fast)) if libraries else None,
    )
    works = (ours, *map(c, libraries or ()))
    per_s = float(len(space) / seconds_of(lambda: steady_cost(network, designs)).min())
    return {
        "workload": WORKLOAD,
        "designs": len(space),
        "layers": len(network.shapes),
        "distinct_layers": len(shapes),  # Equal layers are computed once.
        **figures,
        **agreement(*map(last_chunks, works)),
        "line_offset_bytes": cycles.ctypes.data % CACHE_LINE_BYTES,
        "steady_designs_per_s": per_s,
        # Every layer counts twice: with nothing on chip, and with its SubNet's own SubGraph.
        "steady_layer_evaluations_per_s": 2 * len(network.shapes) * per_s,
    }


def prefetching_figures() -> list[Figures]:
    """The rates of designs that prefetch, by depth: without a trace, and of latency tables."""
    network = Network.of(load_workload(WORKLOAD).supernet)
    found: list[Figures] = []
    for tiles in DEPTHS:
        base = replace(load_hardware("zcu104").space.base, dynamic_buffer_tiles=tiles)
        sides = {
            "pe_kernels": (16, 32),
            "pe_channels": (9, 18),
            "persistent_buffer_kib": (512, 1728),
        }
        space = SearchSpace.of(base, sides)
        designs = space.designs(range(len(space)))
        each = [designs.design(d) for d in range(len(space))]

        def tables(each: list[Accelerator] = each) -> None:
            latency_table._candidate_counts.cache_clear()
            for design in each:
                latency_table.candidate_table(network, design)

        def steady(designs: Designs = designs) -> None:
            steady_cost(network, designs)

        seconds = seconds_of(steady, tables).min(axis=0)
        found.append(
            {
                "dynamic_buffer_tiles": tiles,
                "steady_designs_per_s": len(space) / seconds[0],
                "tables_per_s": len(space) / seconds[1],
            }
        )
    return found


def in_turn(works: list[Work]) -> Work:
    """One piece of work that does all of them in turn."""

    def work() -> None:
        for each in works:
            each()

    return work


# --- The machine ----------------------------------------------------------------------------------


def machine_figures(libraries: Libraries | None) -> Figures:
    """The limits of the machine: memory bandwidth and divisions of one core; nulls without C."""
    figures: Figures = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "compiler": None,
        "triad_gb_per_s": None,
        "divisions_per_s": None,
    }
    if libraries is None:
        return figures
    a, b, total = (np.full(TRIAD_DOUBLES, value) for value in (1.0, 2.0, 0.0))
    quotient, dividend = np.full(DIVIDED_DOUBLES, 1.25), np.full(DIVIDED_DOUBLES, 1.5)
    triad = [*integers(TRIAD_DOUBLES), *pointers(total, a, b)]
    divide = [*integers(DIVIDED_DOUBLES, DIVIDE_TIMES), *pointers(quotient, dividend)]
    seconds = seconds_of(
        lambda: libraries.fast.triad(*triad), lambda: libraries.fast.divide(*divide)
    ).min(axis=0)
    version = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True)
    return figures | {
        "compiler": f"{' '.join(GCC)} ({version.stdout.strip()})",
        "triad_gb_per_s": 1e-9 * 3 * total.nbytes / seconds[0],
        "divisions_per_s": DIVIDED_DOUBLES * DIVIDE_TIMES / seconds[1],
    }


def processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def figures() -> Figures:
    """Print all rates as one JSON document."""
    with compiled() as libraries:
        return {
            "machine": machine_figures(libraries),
            "cost_kernel": cost_figures(libraries),
            "prefetching": prefetching_figures(),
            "trace_kernel": list(trace_figures(libraries)),
            "policies": list(policy_figures()),
            "sweep": sweep_figures(),
        }
