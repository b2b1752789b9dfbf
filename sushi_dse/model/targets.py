"""The targets of candidate SubGraphs: sets of weights that a Persistent Buffer is filled from."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.network import Network

ORDERS = {  # orders in which a target of each combination is cut
    Combination.ONE: (Order.LAYERS, Order.VALUE),
    Combination.PAIR: (Order.LAYERS,),
    Combination.SHARED: (Order.LAYERS, Order.VALUE),
    Combination.UNION: (Order.VALUE,),
}


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The targets of candidates, as rectangles of weights by SuperNet layer."""

    targets: tuple[Target, ...]
    cuts: tuple[tuple[int, Order], ...]  # pairs of a target's number and an order of its cut
    candidates: tuple[Candidate, ...]  # the empty candidate, and the candidate of each cut
    kernels: np.ndarray  # [target, supernet_layer]
    channels: np.ndarray  # [target, supernet_layer], per group

    def __post_init__(self) -> None:
        self.kernels.setflags(write=False)
        self.channels.setflags(write=False)


@lru_cache(maxsize=8)
def targets(network: Network) -> Targets:
    """The targets of a network: each SubNet, all shared, each pair's intersection, the union.

    Where of every two SubNets one holds the other whole, that is the intersection of the pair, and
    pairs have no target: candidates grow with the SubNets and not with their pairs.
    """
    names = tuple(subnet.name for subnet in network.supernet.subnets)
    found = _targets_of(names)
    if are_nested(network):
        found = [target for target in found if target.combination is not Combination.PAIR]
    cuts = [(t, order) for t, target in enumerate(found) for order in ORDERS[target.combination]]
    kernels, channels = (
        np.array([_combined(sizes, names, target) for target in found])
        for sizes in (network.kernels, network.channels)
    )
    return Targets(
        targets=tuple(found),
        cuts=tuple(cuts),
        candidates=(NOTHING, *(Candidate(found[t], order) for t, order in cuts)),
        kernels=kernels,
        channels=channels,
    )


def are_nested(network: Network) -> bool:
    """Whether of every two SubNets one holds the other whole, as in a slimmable network."""
    sizes = np.hstack([network.kernels, network.channels])
    by_size = sizes[np.lexsort(sizes.T[::-1])]  # A SubNet that holds another stands behind it.
    return bool((by_size[:-1] <= by_size[1:]).all())


def _targets_of(names: tuple[str, ...]) -> list[Target]:
    """The targets of SubNets of those names, of which no two are always equal."""
    found = [Target(Combination.ONE, (name,)) for name in names]
    if len(names) > 1:
        found.append(Target(Combination.SHARED, names))
    if len(names) > 2:  # The intersection of a single pair is what all share.
        found += [Target(Combination.PAIR, pair) for pair in combinations(names, 2)]
    if len(names) > 1:
        found.append(Target(Combination.UNION, names))
    return found


def _combined(sizes: np.ndarray, names: tuple[str, ...], target: Target) -> np.ndarray:
    """The sizes of a target, [layer], combined from those of its SubNets: [subnet, layer]."""
    rows = sizes[[names.index(name) for name in target.subnets]]
    is_union = target.combination is Combination.UNION
    return np.asarray(rows.max(axis=0) if is_union else rows.min(axis=0))
