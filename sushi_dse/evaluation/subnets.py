"""The choice of SubNets to serve on an accelerator, by predicted accuracy and cold latency.

Both add up over the stages of a MobileNetV3, so nothing need be sampled: a non-dominated SubNet is
made of non-dominated choices for its stages, and the front over all SubNets is merged stage by
stage.  Its members are then costed as whole networks.  Where the loads of one layer hide behind
another, latency adds up only nearly, and a SubNet of the front may be missed; the members are still
non-dominated among each other.  Those are served that together dominate the largest hypervolume.
No random number is drawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from sushi_dse.config.workload_file import WorkloadFile
from sushi_dse.errors import UserError
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import no_subgraph
from sushi_dse.workload.accuracy import AccuracyModel
from sushi_dse.workload.layers import SuperNet
from sushi_dse.workload.mobilenet_v3 import MobileNetV3Choice, mobilenet_v3_supernet
from sushi_dse.workload.rated import known_accuracy_percent
from sushi_dse.workload.weights import with_weight_bits

Stages = tuple[tuple[float, ...], ...]
"""The expand ratios of a SubNet: [stage][block]."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SubNetFront:
    """Non-dominated SubNets by rising latency and rising predicted accuracy."""

    choices: tuple[MobileNetV3Choice, ...]  # [subnet]
    latency_ms: np.ndarray  # [subnet]: latency with nothing cached

    def __post_init__(self) -> None:
        self.latency_ms.setflags(write=False)

    @property
    def costs(self) -> np.ndarray:
        """Latency in ms and negative accuracy in percent, both to minimise: [subnet, objective]."""
        lost = [-known_accuracy_percent(choice) for choice in self.choices]
        return np.column_stack([self.latency_ms, lost])

    @property
    def reference(self) -> np.ndarray:
        """The reference point for hypervolumes of its SubNets: [objective].

        It lies a whole range beyond the worst, so that the fastest and the most accurate SubNet
        count as much as those in the middle.
        """
        return np.asarray(2 * self.costs.max(axis=0) - self.costs.min(axis=0))


def served_workload(workload: WorkloadFile, accelerator: Accelerator, count: int) -> WorkloadFile:
    """`workload` with `count` SubNets chosen for `accelerator`.

    They are named s0, s1, ... by rising latency, and their accuracy is predicted.  `UserError`
    where the workload has no accuracy model, or the front has fewer SubNets.
    """
    if workload.accuracy_model is None:
        raise UserError(
            f"{workload.path}: has no accuracy_model, by which SubNets could be chosen; "
            "take another workload, or serve the SubNets that the file lists"
        )
    front = subnet_front(workload.accuracy_model, accelerator)
    if not 1 <= count <= len(front.choices):
        raise UserError(
            f"{workload.path}: the front on {accelerator.name} has {len(front.choices)} SubNets, "
            f"{count} are asked for; ask for as many at most, and for one at least"
        )
    chosen = chosen_supernet(workload.accuracy_model, front, count)
    return replace(workload, supernet=replace(chosen, caveats=workload.supernet.caveats))


def chosen_supernet(model: AccuracyModel, front: SubNetFront, count: int) -> SuperNet:
    """The SuperNet whose SubNets are the `count` of `front` with the largest hypervolume."""
    chosen = largest_hypervolume(front.costs, front.reference, count)
    served = [replace(front.choices[row], name=f"s{i}") for i, row in enumerate(chosen)]
    return _supernet(model, served)


def largest_hypervolume(costs: np.ndarray, reference: np.ndarray, count: int) -> list[int]:
    """The `count` rows of a front that together dominate the largest hypervolume, exactly.

    costs: [row, 2 objectives], the first rising and the second falling, none beyond `reference`.
    Dynamic programming: a row adds the strip between its own second cost and that of the row before
    it.  `ValueError` unless 1 <= count <= rows.

    >>> largest_hypervolume(np.array([[1, 9], [2, 3], [3, 2], [8, 1]]), np.array([10, 10]), 2)
    [1, 2]
    """
    if not 1 <= count <= len(costs):
        raise ValueError(f"1 <= count <= {len(costs)} must hold, got {count}")
    reach = reference[0] - costs[:, 0]
    is_before = np.tri(len(costs), k=-1, dtype=bool).T  # [row before, row]
    strip = np.where(is_before, reach * (costs[:, 1, None] - costs[:, 1]), -np.inf)
    volume = reach * (reference[1] - costs[:, 1])
    return best_chain(volume, strip, count)


def best_chain(start: np.ndarray, gain: np.ndarray, count: int) -> list[int]:
    """The `count` rising rows of the greatest start and gains, exactly.

    start: [row], of the first one; gain: [row before, row], minus infinity unless it is before.
    """
    total, rows_before = start, []
    for _ in range(count - 1):
        with_before = total[:, None] + gain
        rows_before.append(with_before.argmax(axis=0))
        total = with_before.max(axis=0)
    chosen = [int(total.argmax())]
    for row_before in reversed(rows_before):
        chosen.append(int(row_before[chosen[-1]]))
    return chosen[::-1]


def subnet_front(model: AccuracyModel, accelerator: Accelerator) -> SubNetFront:
    """The SubNets of the family on the front of cold latency and predicted accuracy.

    Only those count whose prediction lies within the measured accuracy, as the model is not
    validated beyond it.  `UserError` where there is none.
    """
    least, greatest = model.measured_accuracy_percent
    choices = [_choice(model, stages) for stages in _unbeaten_stages(model, accelerator)]
    choices = [choice for choice in choices if least <= known_accuracy_percent(choice) <= greatest]
    if not choices:
        raise UserError(
            f"{model.family.name}: no SubNet's predicted accuracy lies within its accuracy_model's "
            f"measured_accuracy_percent, {least:g} to {greatest:g}"
        )
    latency_ms = cold_latency_ms(_network(model, choices), accelerator)
    kept = unbeaten(latency_ms, np.array([known_accuracy_percent(choice) for choice in choices]))
    return SubNetFront(choices=tuple(choices[row] for row in kept), latency_ms=latency_ms[kept])


def cold_latency_ms(network: Network, accelerator: Accelerator) -> np.ndarray:
    """The latency of each SubNet with nothing cached, in ms: [subnet]."""
    return latency_table(network, accelerator, no_subgraph(network)).latency_ms[:, 0]


def unbeaten(latency_ms: np.ndarray, accuracy_percent: np.ndarray) -> np.ndarray:
    """The numbers of the non-dominated rows by rising latency; of equal rows, the first.

    >>> unbeaten(np.array([3, 1, 2, 3, 1]), np.array([7, 5, 5, 8, 5])).tolist()
    [1, 3]
    """
    order = np.lexsort((-accuracy_percent, latency_ms))
    best = np.maximum.accumulate(accuracy_percent[order])
    return np.asarray(order[np.append(True, best[1:] > best[:-1])])


def _unbeaten_stages(model: AccuracyModel, accelerator: Accelerator) -> list[Stages]:
    """The front over all SubNets, as if latency and accuracy added up over stages."""
    options, network = _stage_options(model), _stage_networks(model)
    latency_ms, accuracy_percent = cold_latency_ms(network, accelerator), network.accuracy_percent
    merged: list[Stages] = [()]
    merged_ms, merged_percent = np.zeros(1), np.zeros(1)
    first = 0
    for of_stage in options:
        own = slice(first, first + len(of_stage))
        sums_ms = np.add.outer(merged_ms, latency_ms[own] - latency_ms[first]).ravel()
        sums_percent = np.add.outer(
            merged_percent, accuracy_percent[own] - accuracy_percent[first]
        ).ravel()
        kept = unbeaten(sums_ms, sums_percent)
        merged_ms, merged_percent = sums_ms[kept], sums_percent[kept]
        merged = [
            (*merged[before], of_stage[option])
            for before, option in zip(*divmod(kept, len(of_stage)), strict=True)
        ]
        first += len(of_stage)
    return merged


def _stage_options(model: AccuracyModel) -> list[list[tuple[float, ...]]]:
    """The options of each stage, which are expand ratios of its blocks, the smallest first."""
    family = model.family
    ratios = sorted(family.expand_ratios)
    depths = zip(family.min_blocks_per_stage, family.max_blocks_per_stage, strict=True)
    return [
        [option for blocks in range(least, most + 1) for option in product(ratios, repeat=blocks)]
        for least, most in depths
    ]


@lru_cache(maxsize=4)
def _stage_networks(model: AccuracyModel) -> Network:
    """The SubNets with all but one stage the smallest, for each stage and each of its options."""
    options = _stage_options(model)
    smallest = [of_stage[0] for of_stage in options]
    variants = [
        (*smallest[:stage], option, *smallest[stage + 1 :])
        for stage, of_stage in enumerate(options)
        for option in of_stage
    ]
    return _network(model, [_choice(model, stages) for stages in variants])


def _choice(model: AccuracyModel, stages: Iterable[Sequence[float]]) -> MobileNetV3Choice:
    """The SubNet of those expand ratios by stage and block, with its predicted accuracy."""
    stages = list(stages)
    choice = MobileNetV3Choice(
        name="",
        accuracy_percent=None,
        resolution=model.resolution,
        blocks_per_stage=tuple(len(ratios) for ratios in stages),
        block_expand_ratios=tuple(ratio for ratios in stages for ratio in ratios),
    )
    return replace(choice, accuracy_percent=model.accuracy_percent(choice))


def _network(model: AccuracyModel, choices: Sequence[MobileNetV3Choice]) -> Network:
    named = [replace(choice, name=str(i)) for i, choice in enumerate(choices)]
    return Network.of(_supernet(model, named))


def _supernet(model: AccuracyModel, choices: Sequence[MobileNetV3Choice]) -> SuperNet:
    return with_weight_bits(mobilenet_v3_supernet(model.family, choices), model.weight_bits)
