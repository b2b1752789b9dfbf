"""The candidate rows for a recommendation, from the folder of a sweep or from a whole space."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sushi_dse.analysis.other_device import borrowed, device_named, kept_rates, on_device
from sushi_dse.errors import UserError, naming, near_names
from sushi_dse.evaluation.cheapest import RUNNING_COST
from sushi_dse.evaluation.experiment import NO_TRACE, Experiment
from sushi_dse.evaluation.loading import load_experiment
from sushi_dse.evaluation.metrics import (
    ACCURACY,
    AREA,
    ENERGY,
    LATENCY,
    LEVEL,
    Metric,
    find_metric,
)
from sushi_dse.evaluation.steady import steady_metrics
from sushi_dse.explore.exact.bounds import refuse_unbounded
from sushi_dse.explore.exact.branch import exact_front
from sushi_dse.explore.exact.problem import Problem
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Device
from sushi_dse.hardware.resources import fits, resources
from sushi_dse.hardware.space import SearchSpace
from sushi_dse.model.steady_cost import STEADY_METRICS
from sushi_dse.policies.catalogue import POLICIES, has_persistent_buffer, own_buffers
from sushi_dse.store.run import Run
from sushi_dse.store.seeds import mean_parts

MOST_WALKED = 1_000_000  # largest space that is walked; a larger one is searched by its front
MOST_COUNTED = 10**8  # largest space in which designs that fit only another device are counted
WALKED_AT_ONCE = 16384  # designs that are evaluated at a time, so that memory stays flat


@dataclass(frozen=True, slots=True, eq=False)
class CandidateBlock:
    """A block of designs that was examined, with its feasible rows."""

    designs: int  # number of designs in the block
    rows: pd.DataFrame | None  # None where the block has no rows, or they come with a later block

    def __len__(self) -> int:
        return self.designs


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Source:
    """A source of candidate rows."""

    steps: Iterator[CandidateBlock]
    accuracy_of: str  # metric of the accuracies
    unknown_accuracy: Sequence[str]  # SubNets whose accuracy is not known
    designs: int  # number of designs in all blocks together
    device: Device  # which must hold the designs
    remarks: tuple[str, ...]  # sentences that the reader of the advice should know
    caveats: tuple[str, ...]  # sentences on how the workload was made


def source_of(
    results: Path | None,
    by: Metric,
    *,
    hw: str | None,
    workload: str | None,
    policies: Sequence[str] | None,
    device: str | None,
) -> Source:
    """The source of the rows in the folder `results`, or of the designs of `hw` without a trace.

    `UserError` where a folder is given and hardware or workload besides, or a name is unknown.
    """
    board = device_named(device) if device else None
    if results is not None:
        if hw or workload:
            said = "has its own hardware and workload; leave --hw, --workload out"
            raise UserError(f"{results}: {said}")
        return folder_source(results, by, board, policies=policies)
    experiment = load_experiment(
        hw or "zcu104_space", workload or "ofa_resnet50", NO_TRACE, policies=policies
    )
    return space_source(experiment, by, board)


def folder_source(
    folder: Path, by: Metric, device: Device | None, *, policies: Sequence[str] | None
) -> Source:
    """The source of the feasible rows of a sweep, part by part, of all its policies or those named.

    On another `device` the resources of each design are counted again, and designs that do not fit
    it are left out; so are policies with a system of their own, whose resources the rows do not
    tell.  `UserError` where the folder is no sweep's, or has no such policy or column.
    """
    run = Run.read(folder)
    space, stored = run.space(folder), run.names("policies", folder)
    for policy in policies or ():
        if policy not in stored:
            hint = near_names(policy, stored)
            raise UserError(f"{folder}: has no rows of policy {policy!r}; {hint}")
    chosen = list(policies or stored)
    remarks = [*kept_rates(space, device), *borrowed(on_device(space, device))]
    kept = run.names("kept_front", folder) or run.names("exact", folder)
    if kept:
        remarks.append(
            f"{folder} keeps only the front of {', '.join(kept)}: the cheapest row of that is named"
        )
    if device is not None:
        chosen = [name for name in chosen if not _has_system(name)]
        if len(chosen) < len(policies or stored):
            remarks.append("policies with a system of their own are left out with --device")
        few = space.size <= MOST_COUNTED
        hidden = _unseen(space, on_device(space, device)) if few else 0
        if not few:
            remarks.append(f"designs that fit the {device.name} alone are too many to count")
        if hidden:
            remarks.append(
                f"{hidden} designs fit the {device.name} and not the {space.base.device.name}, so "
                f"{folder} has no metrics of them; sweep on the {device.name} to see them"
            )
    unknown = run.names("unknown_accuracy", folder)
    return Source(
        steps=_stored(folder, space, by, device, chosen, is_known=not unknown),
        accuracy_of=run.accuracy_of(folder),
        unknown_accuracy=unknown,
        designs=space.size,
        device=device or space.base.device,
        remarks=tuple(remarks),
        caveats=run.names("caveats", folder),
    )


def bufferless(policies: Iterable[str]) -> list[str]:
    """The remarks on those of the policies that have no Persistent Buffer."""
    return [
        f"under {name} a design has no Persistent Buffer, and its blocks are not counted"
        for name in sorted(set(policies))
        if not has_persistent_buffer(name)
    ]


def _has_system(policy: str) -> bool:
    return policy in POLICIES and POLICIES[policy].system is not None


def _stored(
    folder: Path,
    space: SearchSpace,
    by: Metric,
    device: Device | None,
    policies: Sequence[str],
    *,
    is_known: bool,
) -> Iterator[CandidateBlock]:
    """The feasible rows; `is_known` says whether the accuracy of every SubNet is."""
    parts = mean_parts(folder)
    columns = parts[0].columns
    axes = [axis.name for axis in space.axes]
    who = ["policy", *(name for name in columns if name in (LEVEL, "subnet"))]
    for part in parts:
        frame = part.read(["design", *axes, *who, *_shown(by), "infeasible_reason"]).to_pandas()
        asked = [name for name in _shown(by) if name != ACCURACY or is_known]
        known = frame[asked].notna().all(axis="columns")
        wanted = known & (frame["infeasible_reason"] == "") & frame["policy"].isin(policies)
        rows = frame[wanted].drop(columns="infeasible_reason")
        if device is not None:
            with naming(folder):
                rows = _moved(rows, on_device(space, device))
        yield CandidateBlock(frame["design"].nunique(), own_buffers(rows))


def _shown(by: Metric) -> list[str]:
    """The names of the metrics of a row that are compared or shown."""
    return list(
        dict.fromkeys([by.name, AREA, RUNNING_COST, ENERGY, LATENCY, ACCURACY, *RESOURCE_KINDS])
    )


def _moved(rows: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """The rows that fit the device of `space`, with the resources that they take there.

    `UserError` where a design is not in the space.
    """
    try:
        designs = space.designs(rows["design"].to_numpy())
    except IndexError as error:
        raise UserError(f"has a design that its space lacks: {error}; sweep again") from None
    unused = [name for name, policy in POLICIES.items() if not policy.has_persistent_buffer]
    held = np.where(rows["policy"].isin(unused), 0.0, designs.column("persistent_buffer_kib"))
    used = resources(designs.changed(persistent_buffer_kib=held))
    blocks = {
        name: np.broadcast_to(getattr(used, name), len(rows)) for name in (*RESOURCE_KINDS, AREA)
    }
    return rows.assign(**blocks)[fits(designs)]


def _unseen(space: SearchSpace, there: SearchSpace) -> int:
    """The number of designs that fit the device of `there` and not that of `space`."""
    count = 0
    for block in space.blocks(WALKED_AT_ONCE):
        count += int((fits(there.designs(block)) & ~fits(space.designs(block))).sum())
    return count


def space_source(experiment: Experiment, by: Metric, device: Device | None) -> Source:
    """The source of the rows of each policy, SubNet and feasible design, at table level.

    In a space of more than `MOST_WALKED` designs only those on the exact front over latency,
    accuracy, energy and `by` have rows: whatever the demands, one of them is as good in `by` as any
    design.  Of designs that are equal in `by`, only those of the front are compared.
    `UserError` where a metric needs a trace or, in a large space, has no bound.
    """
    if by.name not in STEADY_METRICS:
        raise UserError(
            f"--cheapest-by {by.name}: needs a trace; sweep with one and give the folder, or "
            f"choose from {', '.join(STEADY_METRICS)}"
        )
    there = replace(experiment, space=on_device(experiment.space, device))
    large = there.space.size > MOST_WALKED
    remarks = ["each SubNet is served again and again; for a trace, sweep and give the folder"]
    remarks += kept_rates(experiment.space, device)
    remarks += borrowed(there.space)
    if large:
        remarks.append(
            f"{there.space.size} designs are searched by their exact front: no design has less "
            f"{by.name}, and ties of it are broken among the front's"
        )
    return Source(
        steps=_front(there, by) if large else _walked(there, by),
        accuracy_of=experiment.network.supernet.accuracy_of,
        unknown_accuracy=experiment.unknown_accuracy,
        designs=there.space.size,
        device=there.space.base.device,
        remarks=tuple(remarks),
        caveats=experiment.caveats,
    )


def _walked(experiment: Experiment, by: Metric) -> Iterator[CandidateBlock]:
    for block in experiment.space.blocks(WALKED_AT_ONCE):
        feasible = fits(experiment.space.designs(block))
        numbers = np.asarray(block)[feasible]
        yield CandidateBlock(
            len(block), _table_rows(experiment, numbers, by) if len(numbers) else None
        )


def _front(experiment: Experiment, by: Metric) -> Iterator[CandidateBlock]:
    # Energy has a bound, power has none.
    names = dict.fromkeys([LATENCY, ACCURACY, by.name, ENERGY])
    if experiment.unknown_accuracy:
        del names[ACCURACY]
    metrics = tuple(map(find_metric, names))
    refuse_unbounded(metrics)
    search = exact_front(Problem(experiment=experiment, metrics=metrics))
    while True:
        try:
            yield CandidateBlock(len(next(search)), None)
        except StopIteration as end:
            numbers = np.unique(end.value.front.designs)
            break
    if len(numbers):
        yield CandidateBlock(0, _table_rows(experiment, numbers, by))


def _table_rows(experiment: Experiment, numbers: np.ndarray, by: Metric) -> pd.DataFrame:
    """The rows of the designs of those numbers: one for each policy, SubNet and design."""
    designs = experiment.space.designs(numbers)
    subnets = [subnet.name for subnet in experiment.network.supernet.subnets]
    tables = []
    for policy in experiment.policies:
        metrics = steady_metrics(experiment.network, designs, policy)
        axes = {axis.name: designs.column(axis.name) for axis in experiment.space.axes}
        tables.append(
            pd.DataFrame(
                {
                    "design": np.tile(numbers, len(subnets)),
                    **{name: np.tile(values, len(subnets)) for name, values in axes.items()},
                    "policy": policy,
                    "subnet": np.repeat(subnets, len(numbers)),
                    **{name: metrics[name].ravel() for name in _shown(by)},
                }
            )
        )
    return pd.concat(tables)
