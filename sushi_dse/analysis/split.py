"""Whether several small designs carry more load than a large one on the blocks of one device."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import CAPACITY
from sushi_dse.evaluation.traced import policy_rows
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.hardware.space import MOST_ACCELERATORS
from sushi_dse.model.latency_table import candidate_table, cold_latency_ms
from sushi_dse.policies.catalogue import named_policy

PARTS = 2  # designs that one is split into, where a user asks for no other number
TARGET = 0.99  # of the queries answered in time (assumption)
# Deadline of every query, in times that the slowest SubNet takes with nothing cached: assumption;
# plausible 2 to 10.
PATIENCE = 4.0
SPLIT = (
    "persistent_buffer_kib",
    "dynamic_buffer_kib",
    "prefetch_buffer_kib",
    "streaming_buffer_kib",
    "output_buffer_kib",
)


def split(design: Accelerator, parts: int) -> Accelerator:
    """So many designs on the device of one, each with its part of the kernels and of each buffer.

    They share the rate of the off-chip memory as well.  Kernels that cannot be parted are left out;
    `ValueError` where there are fewer than parts.
    """
    return replace(
        design,
        pe_kernels=design.pe_kernels // parts,
        **{name: getattr(design, name) / parts for name in SPLIT},
        device=replace(design.device, accelerators=parts),
    )


def pressed(experiment: Experiment, design: Accelerator, seed: int) -> Experiment:
    """The experiment on a stream that has a capacity, at 99 % of its queries.

    Arrivals and deadlines of a user's own stay; other queries arrive by Poisson, and all have one
    deadline, which leaves time to wait on `design`.
    """
    trace = experiment.traced
    if trace.arrived_ms[-1] > trace.arrived_ms[0] and not experiment.is_trace_made:
        return replace(experiment, capacity_target=TARGET)
    deadline_ms = PATIENCE * float(cold_latency_ms(experiment.network, design).max())
    gaps = np.random.default_rng(seed).exponential(deadline_ms, len(trace))
    stream = replace(
        trace, arrived_ms=gaps.cumsum(), max_latency_ms=np.full(len(trace), deadline_ms)
    )
    return replace(experiment, trace=stream, capacity_target=TARGET, is_trace_made=False)


def capacity_per_s(
    experiments: Sequence[Experiment], design: Accelerator, policy: str
) -> float | None:
    """The mean capacity of a policy on a design over the experiments; None where it does not fit.

    The experiments are `pressed`.
    """
    if infeasible_reason(design):
        return None
    space = replace(experiments[0].space, base=design)
    table = candidate_table(experiments[0].network, design)
    found = []
    for each in experiments:
        own = replace(each, space=space, policies=(policy,))
        (row,) = policy_rows(own, design, table)
        found.append(float(row[CAPACITY] or 0))
    return float(np.mean(found))


def capacities(
    experiments: Sequence[Experiment],
    design: Accelerator,
    uses: Sequence[tuple[str, Accelerator]],
    parts: int,
) -> list[dict[str, float | None]]:
    """The capacity of each use, a policy on a design, and that of so many parts of its design.

    `design` is the one whose slowest SubNet decides the deadline.  Nothing is known of a single
    query, which has no rate, and of parts under a policy of one accelerator.  `UserError` where
    there are less than two parts.
    """
    if not PARTS <= parts <= MOST_ACCELERATORS:
        raise UserError(
            f"--accelerators: {PARTS} to {MOST_ACCELERATORS} small designs must be given, got "
            f"{parts}"
        )
    names = CAPACITY, "capacity_of_parts_queries_per_s"
    if len(experiments[0].traced) < 2:
        return [dict.fromkeys(names)] * len(uses)
    streams = [pressed(each, design, seed) for seed, each in enumerate(experiments)]
    found = []
    for policy, own in uses:
        parted = own.pe_kernels >= parts and named_policy(policy).serves_many
        small = split(own, parts) if parted else None
        found.append(
            {
                names[0]: capacity_per_s(streams, own, policy),
                names[1]: None if small is None else capacity_per_s(streams, small, policy),
            }
        )
    return found
