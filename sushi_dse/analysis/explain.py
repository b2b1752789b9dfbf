"""What bounds a design, what each axis would change, and what more blocks would buy."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from sushi_dse.analysis.mean_metrics import (
    at_table_level,
    mean_metrics,
    metric_changes,
    sampled_experiment,
)
from sushi_dse.analysis.sensitivity import axes_without_effect, in_blocks, index_rows, sobol_indices
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.metrics import AREA, LEVEL, Metric
from sushi_dse.evaluation.traced import Row
from sushi_dse.hardware.accelerator import (
    FIELDS_OF,
    KIB,
    RESOURCE_KINDS,
    WORD_BYTES,
    Accelerator,
)
from sushi_dse.hardware.banks import BRAM36_WORDS, URAM288_WORDS, widths
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import infeasible_reason, resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.breakdown import subnet_breakdown
from sushi_dse.model.candidate import NOTHING, own_by_value
from sushi_dse.model.network import Network
from sushi_dse.policies.catalogue import as_served, has_persistent_buffer, named_policy
from sushi_dse.policies.names import STATIC_SUBGRAPH

# A function that hands through blocks of designs, with their total, and may show a progress bar.
Bar = Callable[[Iterable[np.ndarray], int], Iterable[np.ndarray]]
GROWTH_SHARE = 1 / 8  # growth of a field that no axis gives a next larger value for (assumption)


@dataclass(frozen=True, slots=True)
class Growth:
    """Fields that take blocks of one kind and grow together.

    A buffer in KiB grows by whole rows of blocks, as wide as the buffer; other fields by one.
    """

    kind: str  # one of RESOURCE_KINDS
    fields: tuple[str, ...]


GROWTHS = (
    Growth("dsp", ("pe_kernels",)),
    Growth("dsp", ("pe_channels",)),
    Growth("dsp", ("pe_pixels",)),
    Growth("bram36", ("dynamic_buffer_kib",)),
    Growth("uram288", ("dynamic_buffer_tiles",)),
    Growth("uram288", ("prefetch_buffer_kib",)),
    # A feature map must fit both of its buffers, so they grow together.
    Growth("bram36", ("streaming_buffer_kib", "output_buffer_kib")),
    Growth("uram288", ("persistent_buffer_kib",)),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explanation:
    """Why a design has the metrics that it has, as the rows of several tables."""

    design: int  # number of the design in its space
    policy: str
    facts: Row  # values of the design on the axes, whether it fits, its blocks and its metrics
    bounds: list[Row]  # one row for each SubNet: what bounds its latency
    moves: list[Row]  # one row for each neighbour on an axis: the change of each metric
    indices: list[dict[str, object]]  # one row for each Sobol index
    next_blocks: list[Row]  # one row for each of GROWTHS: what more blocks would buy
    idle_axes: list[str]  # axes that changed no objective in any sample
    remarks: list[str]  # sentences that a reader of the tables should know

    @property
    def tables(self) -> dict[str, Sequence[Mapping[str, object]]]:
        """The rows of each table, by the table's name."""
        return {
            "design": [{"fact": name, "value": value} for name, value in self.facts.items()],
            "bounds": self.bounds,
            "moves": self.moves,
            "indices": self.indices,
            "next_blocks": self.next_blocks,
        }


def explain(
    experiment: Experiment,
    number: int,
    metrics: Sequence[Metric],
    *,
    samples: int,
    seed: int,
    on_trace: bool = False,
    bar: Bar = lambda blocks, _: blocks,
) -> Explanation:
    """The explanation of design `number` under the one policy of `experiment`.

    Sobol indices are estimated from `samples`, a power of two (`UserError` otherwise), on the trace
    or at table level.  `bar` hands through the blocks of designs that are evaluated for them.
    """
    (policy,) = experiment.policies
    names = [metric.name for metric in metrics]
    sampled, known = sampled_experiment(experiment, names, on_trace=on_trace)
    found, remarks = [], []
    if named_policy(policy).system is not None:
        remarks.append(
            f"{policy} brings tables of its own; what is at table level here is {STATIC_SUBGRAPH}'s"
        )
    if samples & (samples - 1):
        raise UserError(f"--samples: must be a power of two, such as 1024, got {samples}")
    if sampled.space.axes:
        values = partial(_sampled_metrics, sampled, known, bar)
        found = sobol_indices(sampled.space, values, samples=samples, seed=seed)
        on = "on the trace" if on_trace else "at table level, mean over the SubNets"
        remarks.append(
            f"Sobol indices: policy {sampled.policies[0]}, {on}; designs that do not fit are "
            f"evaluated too; objectives: {', '.join(known) or 'none'}"
        )
    idle = axes_without_effect(found)
    if idle:
        remarks.append(f"axes that changed no objective in any sample: {', '.join(idle)}")
    return Explanation(
        design=number,
        policy=policy,
        facts=describe_design(experiment, number, metrics),
        bounds=what_bounds(experiment.network, experiment.space.design(number), policy),
        moves=moves(experiment, number, metrics),
        indices=index_rows(found),
        next_blocks=next_blocks(experiment, number),
        idle_axes=idle,
        remarks=remarks,
    )


def _sampled_metrics(
    experiment: Experiment, names: Sequence[str], bar: Bar, numbers: np.ndarray
) -> dict[str, np.ndarray]:
    """The metrics `names` of the designs `numbers`, evaluated block by block: each [design]."""
    blocks = bar(in_blocks(numbers), len(numbers))
    found = [mean_metrics(experiment, experiment.space.designs(block)) for block in blocks]
    return {name: np.concatenate([block[name] for block in found]) for name in names}


def describe_design(experiment: Experiment, number: int, metrics: Sequence[Metric]) -> Row:
    """The facts of a design: values on the axes, whether it fits, its blocks and its metrics."""
    space = experiment.space
    accelerator = space.design(number)
    lacks = infeasible_reason(accelerator)
    found = mean_metrics(experiment, Designs.of([accelerator]))
    return {
        "design": number,
        **space.values(number),
        **({} if experiment.trace is None else {LEVEL: experiment.service_levels[0]}),
        "fits": f"no: {lacks}" if lacks else "yes",
        **{f"takes {kind}": int(found[kind].item()) for kind in RESOURCE_KINDS},
        AREA: found[AREA].item(),
        **{metric.name: found[metric.name].item() for metric in metrics},
    }


def what_bounds(network: Network, accelerator: Accelerator, policy: str) -> list[Row]:
    """A row for each SubNet: shares of its latency by cause, and layers by what bounds them.

    Each SubNet is in its steady state: its own SubGraph is on chip, or nothing where the policy
    has no Persistent Buffer.
    """
    caches = named_policy(policy).has_persistent_buffer
    rows: list[Row] = []
    for subnet in network.supernet.subnets:
        subgraph = own_by_value(subnet.name) if caches else NOTHING
        found = subnet_breakdown(network, accelerator, subnet.name, subgraph)
        cost, percent = found.cost, 0.1 / found.latency_ms  # percent of the latency in one us
        in_cycles = percent / accelerator.clock_mhz
        bound = [line.cost.bound_by for line in found.lines]
        rows.append(
            {
                "subnet": subnet.name,
                "cached": str(subgraph),
                "latency_ms": found.latency_ms,
                "energy_mj": float(found.energy.total_mj),
                "compute_percent": in_cycles * cost.compute_cycles,
                "weights_percent": in_cycles * cost.exposed_load_cycles,
                "activations_percent": in_cycles * (cost.input_cycles + cost.output_stall_cycles),
                "launch_percent": percent * found.launch_us * len(found.lines),
                "layers": len(bound),
                "compute_bound": bound.count("compute"),
                "weights_bound": bound.count("weights"),
                "activations_bound": bound.count("activations"),
            }
        )
    return rows


def moves(experiment: Experiment, number: int, metrics: Sequence[Metric]) -> list[Row]:
    """A row for each neighbour of the design, which is one value down or up on one axis.

    It holds the change of each metric in percent, and what the neighbour lacks on its device; a
    neighbour that does not fit is evaluated anyway.
    """
    space, steps = experiment.space, list[tuple[str, float, float]]()
    here = space.values(number)
    for axis in space.axes:
        values = sorted(axis.values)
        place = values.index(here[axis.name])
        steps += [
            (axis.name, here[axis.name], values[to])
            for to in (place - 1, place + 1)
            if 0 <= to < len(values)
        ]
    numbers = [space.index_of_values({**here, name: to}) for name, _, to in steps]
    changed = metric_changes(experiment, space.design(number), [space.design(n) for n in numbers])
    rows: list[Row] = []
    for i, (name, start, to) in enumerate(steps):
        row: Row = {"axis": name, "from": start, "to": to, "design": numbers[i]}
        row |= {f"{m.name}_change_percent": changed[m.name][i] for m in metrics}
        rows.append({**row, "lacks": infeasible_reason(space.design(numbers[i]))})
    return rows


def next_blocks(experiment: Experiment, number: int) -> list[Row]:
    """A row for each of `GROWTHS` of the dataflow: the blocks it takes and leaves, what it buys.

    A field grows to the next larger value on its axis, or by `GROWTH_SHARE` in whole units.
    Changes of latency and energy are in percent, the mean over the SubNets at table level; of an
    experiment with a trace, those on the trace stand beside them.  A policy without a Persistent
    Buffer has none to grow.
    """
    space, (policy,) = experiment.space, experiment.policies
    here = as_served(policy, space.design(number))
    device, used = here.device, resources(here)
    growing = set(FIELDS_OF[here.dataflow])
    if not has_persistent_buffer(policy):
        growing.remove("persistent_buffer_kib")
    larger = [
        (growth.kind, _larger(space, here, growth))
        for growth in GROWTHS
        if set(growth.fields) <= growing
    ]
    designs = [replace(here, **fields) for _, fields in larger]
    steady = metric_changes(at_table_level(experiment), here, designs)
    traced = None if experiment.trace is None else metric_changes(experiment, here, designs)
    rows: list[Row] = []
    for i, (kind, fields) in enumerate(larger):
        takes = resources(designs[i])
        row: Row = {
            "resource": "bram36" if kind == "uram288" and not device.uram288 else kind,
            "step": ", ".join(f"{n} {getattr(here, n):g} to {to:g}" for n, to in fields.items()),
            "latency_change_percent": steady["mean_latency_ms"][i],
            "energy_change_percent": steady["energy_mj_per_query"][i],
        }
        if traced is not None:
            row["trace_latency_change_percent"] = traced["mean_latency_ms"][i]
            row["trace_energy_change_percent"] = traced["energy_mj_per_query"][i]
        row |= {
            f"more_{kind}": getattr(takes, kind) - getattr(used, kind) for kind in RESOURCE_KINDS
        }
        row |= {f"{kind}_left": device.left(kind) - getattr(takes, kind) for kind in RESOURCE_KINDS}
        rows.append({**row, "lacks": infeasible_reason(designs[i])})
    return rows


def _larger(space: SearchSpace, here: Accelerator, growth: Growth) -> dict[str, Any]:
    """The next larger value of each field that grows, by field."""
    on_axes: Mapping[str, tuple[float, ...]] = {axis.name: axis.values for axis in space.axes}
    found = {}
    for name in growth.fields:
        value = getattr(here, name)
        unit = _row_kib(here, name, growth.kind) if name.endswith("_kib") else 1
        held = ceil(value / unit)  # whole units, the last of them perhaps not full
        off_axis = (held + max(ceil(held * GROWTH_SHARE), 1)) * unit
        found[name] = min((v for v in on_axes.get(name, ()) if v > value), default=off_axis)
    return found


def _row_kib(design: Accelerator, name: str, kind: str) -> float:
    """What a row of blocks of that kind holds of the buffer of that name."""
    wide = widths(design)
    of_a_word = {
        "streaming_buffer_kib": wide.inputs * wide.input_bytes,
        "output_buffer_kib": wide.outputs * WORD_BYTES,
    }.get(name, wide.weights * wide.weight_bytes)
    words = BRAM36_WORDS if kind == "bram36" else URAM288_WORDS
    return float(of_a_word * words / KIB)
