"""Whether keeping a SubGraph on chip is worth its blocks, against other uses of the same blocks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from sushi_dse.analysis.baseline import metrics_by_policy
from sushi_dse.analysis.compare import compare_policies
from sushi_dse.analysis.gain_map import RATE_FACTORS, at_rate
from sushi_dse.analysis.published import saved_percent
from sushi_dse.analysis.repeats import RELEVANT_PERCENT, mean_interval
from sushi_dse.analysis.split import PARTS, capacities
from sushi_dse.errors import UserError
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.traced import REFERENCE_POLICY
from sushi_dse.hardware.accelerator import RESOURCE_KINDS, Accelerator
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.model.standing import other_drain
from sushi_dse.policies.equal_area import equal_area, with_larger_maps
from sushi_dse.policies.names import (
    BATCHING,
    EQUAL_AREA,
    LATENCY_AWARE,
    NO_SGS,
    SGS_BATCHING,
    STATIC_SUBGRAPH,
    SUSHI,
)

SEEDS = 5  # of a synthetic stream, where a user asks for no other number
MOST_SHOWN = 4  # readings that are told one by one
MOST_TIMES_WIDER = 16  # times that an array is made wider at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of the blocks of a Persistent Buffer: a policy on a design of as many blocks."""

    name: str
    policy: str
    design: Callable[[Accelerator], Accelerator]


def larger_array(accelerator: Accelerator) -> Accelerator:
    """The design without a Persistent Buffer, its array as many kernels wide as fit the device."""
    best = replace(accelerator, persistent_buffer_kib=0.0)
    step = max(accelerator.pe_kernels // 4, 1)
    while not infeasible_reason(wider := replace(best, pe_kernels=best.pe_kernels + step)):
        best = wider
        if best.pe_kernels >= MOST_TIMES_WIDER * accelerator.pe_kernels:
            break
    return best


SGS_USES = (
    Use(name="SGS, static", policy=STATIC_SUBGRAPH, design=lambda d: d),
    Use(name="SGS, SushiSched", policy=SUSHI, design=lambda d: d),
    Use(name="SGS, latency-aware", policy=LATENCY_AWARE, design=lambda d: d),
)
PREFETCHING = Use(name="prefetching", policy=EQUAL_AREA, design=lambda d: d)
MAPS = Use(name="larger maps", policy=NO_SGS, design=with_larger_maps)
HALF = Use(name="half SGS, half prefetching", policy=STATIC_SUBGRAPH,
           design=lambda d: equal_area(d, share=0.5))  # fmt: skip
WIDER = Use(name="larger array", policy=NO_SGS, design=larger_array)
# What takes no blocks, so that it is no rival for them but may go with each use or without.
BATCHED = Use(name="batching, no SGS", policy=BATCHING, design=lambda d: d)
BOTH = Use(name="batching, with SGS", policy=SGS_BATCHING, design=lambda d: d)
JUDGED = (*SGS_USES, HALF, PREFETCHING, MAPS)  # uses that the verdict turns on
USES = (*JUDGED, WIDER, BATCHED, BOTH)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Gains:
    """What each use of the blocks changes against a design without them: rows over the seeds."""

    rows: Sequence[Mapping[str, object]]
    latency: Mapping[str, np.ndarray]  # [seed] by name of the use, in percent saved


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Worth:
    """The verdict on a design, and what it stands on."""

    verdict: str  # yes, no or partly
    served: str  # the mode: under strict accuracy the same SubNets are served, and time is saved
    accuracy_of: str  # metric of the accuracies
    because: str  # the sentence, without its period
    gain_percent: Mapping[str, float]  # latency that the best SGS saves: mean, low, high
    rows: Sequence[Mapping[str, object]]  # a use of the blocks each
    beside_batching: str  # the sentence on batching and SGS beside each other, without its period
    readings: Sequence[Mapping[str, object]]  # a reading of the unmeasured settings each
    caveats: Sequence[str]  # sentences on what was presumed, left out or not known of the SubNets


def judged_design(experiment: Experiment) -> Accelerator:
    """The one design of an experiment; `UserError` where it has no Persistent Buffer to judge."""
    design = experiment.design
    if not design.persistent_buffer_bytes:
        raise UserError(f"{design.name}: has no Persistent Buffer to judge; name one that has")
    return design


def worth(experiments: Sequence[Experiment], parts: int = PARTS) -> Worth:
    """Whether SGS is worth its blocks on the design of experiments that differ by seed.

    Each use has its capacity, and that of so many small designs, `parts` of its one.  `UserError`
    where there are less than two, or the design has no Persistent Buffer.
    """
    first, design = experiments[0], judged_design(experiments[0])
    found = gains_of(experiments, design, USES)
    carried = capacities(
        experiments, design, [(use.policy, use.design(design)) for use in USES], parts
    )
    verdict, because = judged(found)
    best = found.latency[best_of(found, SGS_USES)]
    low, high = mean_interval(best.tolist())
    return Worth(
        verdict=verdict,
        served=first.served,
        accuracy_of=first.network.supernet.accuracy_of,
        because=because,
        gain_percent={"mean": float(best.mean()), "low": low, "high": high},
        rows=[{**row, **carries} for row, carries in zip(found.rows, carried, strict=True)],
        beside_batching=beside_batching(found, closed_loop=first.traced.closed_loop),
        readings=[
            {**setting, "prefetching": prefetches, "verdict": judged(read, prefetches)[0]}
            for setting, other in readings(first, design)
            for read in [found if other == design else gains_of(experiments, other, JUDGED)]
            for prefetches in (True, False)
        ],
        caveats=first.caveats,
    )


def gains_of(experiments: Sequence[Experiment], design: Accelerator, uses: Sequence[Use]) -> Gains:
    """The gains of each use of the blocks of `design` over the design without them."""
    policies: dict[Accelerator, list[str]] = {design: [REFERENCE_POLICY]}
    designs = [use.design(design) for use in uses]
    for use, own_design in zip(uses, designs, strict=True):
        policies.setdefault(own_design, []).append(use.policy)
    metrics = {
        own_design: [_metrics(each, own_design, named) for each in experiments]
        for own_design, named in policies.items()
    }
    reference = [of_seed[REFERENCE_POLICY] for of_seed in metrics[design]]
    rows, latency = [], {}
    for use, own_design in zip(uses, designs, strict=True):
        own = [of_seed[use.policy] for of_seed in metrics[own_design]]
        changed = {
            name: (_over(own, name), _over(reference, name))
            for name in ("mean_latency_ms", "energy_mj_per_query", "mean_accuracy_percent")
        }
        saved = saved_percent(*changed["mean_latency_ms"])
        energy = saved_percent(*changed["energy_mj_per_query"])
        low, high = mean_interval(saved.tolist())
        latency[use.name] = saved
        rows.append(
            {
                "use": use.name,
                "latency_saved_percent": float(saved.mean()),
                "latency_saved_percent_low": low,
                "latency_saved_percent_high": high,
                "energy_saved_percent": float(energy.mean()),
                "accuracy_gained_points": float(
                    np.mean(np.subtract(*changed["mean_accuracy_percent"]))
                ),
                "mean_power_w": float(_over(own, "mean_power_w").mean()),
                **{f"more_{kind}": own[0][kind] - reference[0][kind] for kind in RESOURCE_KINDS},
            }
        )
    return Gains(rows=rows, latency=latency)


def _metrics(
    experiment: Experiment, design: Accelerator, policies: Sequence[str]
) -> dict[str, dict[str, float]]:
    """The metrics of each policy on a design in place of that of the experiment."""
    space = replace(experiment.space, base=design)
    one = replace(experiment, policies=tuple(dict.fromkeys(policies)), space=space)
    return metrics_by_policy(compare_policies(one))


def _over(of_seeds: Sequence[Mapping[str, float]], name: str) -> np.ndarray:
    """A metric over the seeds: [seed]."""
    return np.array([metrics[name] for metrics in of_seeds])


def best_of(found: Gains, uses: Sequence[Use]) -> str:
    """The name of the use of those that saves most on average."""
    return max((use.name for use in uses), key=lambda name: float(found.latency[name].mean()))


def judged(found: Gains, prefetches: bool = True) -> tuple[str, str]:
    """The verdict on those gains, and the sentence for it, without its period.

    SGS is worth its blocks where it saves a relevant part of the latency, and more than another use
    of the same blocks, by the intervals over the seeds: all of them, or partly where half each with
    prefetching saves more still.  Prefetching, which nobody measured, is one where `prefetches`
    says so.
    """
    rivals = (PREFETCHING, MAPS) if prefetches else (MAPS,)
    sgs, rival = best_of(found, SGS_USES), best_of(found, rivals)
    own, other, half = (found.latency[name] for name in (sgs, rival, HALF.name))
    said = f"{sgs} saves {_interval(own)} of the latency"
    against = f"the same blocks save {_interval(other)} as {rival}"
    wins = _is_more(own, 0.0) and _is_more(own, other)
    half_wins = prefetches and _is_more(half, 0.0) and _is_more(half, other)
    if half_wins and (not wins or _is_more(half, own)):
        return "partly", f"{said}; {against}; half of them each save {_interval(half)}"
    if wins:
        return "yes", f"{said}; {against}"
    if not _is_more(own, 0.0):
        return "no", f"{said}, and {RELEVANT_PERCENT:g} % is the least that counts"
    return "no", f"{said}; {against}"


def beside_batching(found: Gains, *, closed_loop: bool) -> str:
    """What batching saves without a block, and what SGS saves where queries are batched anyway."""
    if closed_loop:
        return "in a closed loop no two queries wait, so batching saves nothing; see --arrivals"
    alone, both = (found.latency[use.name] for use in (BATCHED, BOTH))
    more = saved_percent(100 - both, 100 - alone)
    return (
        f"batching takes no blocks and saves {_interval(alone)} of the latency; beside it "
        f"{SGS_USES[1].name} saves {_interval(more)} of what is left"
    )


def _is_more(own: np.ndarray, other: np.ndarray | float) -> bool:
    """Whether a gain lies above another by a relevant difference, by its interval."""
    return mean_interval((own - other).tolist())[0] >= RELEVANT_PERCENT


def _interval(values: np.ndarray) -> str:
    low, high = mean_interval(values.tolist())
    mean = f"{values.mean():.3g} %"
    return mean if f"{low:.3g}" == f"{high:.3g}" else f"{mean} ({low:.3g} to {high:.3g})"


def readings(
    experiment: Experiment, design: Accelerator
) -> Iterator[tuple[dict[str, object], Accelerator]]:
    """The readings of settings that were not measured, each with the design under it.

    They are whether 1x1 tiles drain, where some do, and factors of the off-chip rate, unless it is
    that of the board that was measured.  Whether anything prefetches is a reading besides.
    """
    calibration = experiment.space.calibration
    is_rate_measured = calibration is not None and not calibration.changed(design)
    other = other_drain(experiment.network, design)
    drains = [design] if other is None else [design, other]
    factors = (1.0,) if is_rate_measured else RATE_FACTORS
    for drained, factor in product(drains, factors):
        read = at_rate(drained, factor)
        setting: dict[str, object] = {"offchip_gb_per_s": read.offchip_gb_per_s}
        if len(drains) > 1:
            setting["pointwise_drain"] = drained.pointwise_drain
        yield setting, read


def holds(found: Worth) -> str:
    """In how many readings the verdict is which, and the readings of the rarer ones."""
    groups: dict[str, list[str]] = {}
    for row in found.readings:
        groups.setdefault(str(row["verdict"]), []).append(_setting(row))
    told = [f"The verdict is {found.verdict} in {len(groups.get(found.verdict, []))} of "
            f"{len(found.readings)} readings of what was not measured"]  # fmt: skip
    for verdict, settings in groups.items():
        if verdict != found.verdict:
            more = len(settings) - MOST_SHOWN
            shown = settings[:MOST_SHOWN] + ([f"and {more} more"] if more > 0 else [])
            told.append(f"{verdict} in {len(settings)}: {'; '.join(shown)}")
    return ".\n".join(told)


def _setting(row: Mapping[str, object]) -> str:
    words = [f"{float(str(row['offchip_gb_per_s'])):.3g} GB/s"]
    if "pointwise_drain" in row:
        words.append("1x1 tiles drain" if row["pointwise_drain"] else "1x1 tiles do not drain")
    words.append("weights are prefetched" if row["prefetching"] else "nothing is prefetched")
    return ", ".join(words)
