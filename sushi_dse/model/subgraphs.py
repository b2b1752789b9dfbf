"""The candidate SubGraphs of a design: weights that the Persistent Buffer may keep.

A SubGraph holds the first k kernels x first c channels of each SuperNet layer; two of them overlap
in the first min(k) x min(c), so the encoding [K1, C1, K2, C2, ...] determines a SubGraph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.errors import UserError, near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Order, own_by_value
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.jit import compiled
from sushi_dse.model.kernels import layer_costs
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import Network
from sushi_dse.model.prefetch import prefetch_waits
from sushi_dse.model.targets import targets


@dataclass(frozen=True, slots=True, eq=False)
class SubGraphs:
    """SubGraphs as rectangles of weights by SuperNet layer; the first one is empty."""

    candidates: tuple[Candidate, ...]  # [subgraph]
    kernels: np.ndarray  # [subgraph, supernet_layer]
    channels: np.ndarray  # [subgraph, supernet_layer], per group

    def __post_init__(self) -> None:
        self.kernels.setflags(write=False)
        self.channels.setflags(write=False)

    def index(self, candidate: Candidate) -> int:
        """The column of a candidate; `ValueError` where there is none."""
        return self.candidates.index(candidate)

    def own(self, subnet: str) -> int:
        """The column cut by value from the SubNet of that name; 0, the empty one, without it."""
        own = own_by_value(subnet)
        return next((i for i, candidate in enumerate(self.candidates) if candidate == own), 0)

    def find(self, text: str) -> Candidate:
        """The candidate that prints as `text`; `UserError` unless there is exactly one."""
        found = [candidate for candidate in self.candidates if str(candidate) == text]
        if not found:
            known = map(str, self.candidates)
            raise UserError(f"unknown SubGraph {text!r}; {near_names(text, known)}")
        if len(found) > 1:
            raise UserError(
                f"SubGraph {text!r}: {len(found)} candidates are printed so, for a SubNet is named "
                "like a combination of SubNets; rename it in the workload"
            )
        return found[0]

    def only(self, columns: Sequence[int]) -> "SubGraphs":
        """The SubGraphs of those columns."""
        kept = tuple(self.candidates[column] for column in columns)
        return SubGraphs(kept, self.kernels[columns], self.channels[columns])


def no_subgraph(network: Network) -> SubGraphs:
    """The empty SubGraph alone."""
    empty = np.zeros((1, len(network.pair_bits)), dtype=np.int64)
    return SubGraphs((NOTHING,), kernels=empty, channels=empty.copy())


@compiled
def cut(
    kernels: np.ndarray,
    channels: np.ndarray,
    pair_bits: np.ndarray,
    order: np.ndarray,
    capacity_bits: int,
) -> np.ndarray:
    """The kernels of each layer to keep, so that layers in that order fill `capacity_bits`.

    The first layer that does not fit keeps as many whole kernels as do, later layers keep none.
    """
    kept = np.zeros_like(kernels)
    left = capacity_bits
    for layer in order:
        kernel_bits = channels[layer] * pair_bits[layer]
        if kernel_bits == 0:
            continue
        if kernels[layer] * kernel_bits > left:
            kept[layer] = left // kernel_bits
            break
        kept[layer] = kernels[layer]
        left -= kernels[layer] * kernel_bits
    return kept


@compiled
def cut_each(
    kernels: np.ndarray,
    channels: np.ndarray,
    pair_bits: np.ndarray,
    orders: np.ndarray,
    capacity_bits: int,
) -> np.ndarray:
    """The `cut` of each row of kernels, channels and orders: [row, layer]."""
    kept = np.empty_like(kernels)
    for row in range(len(kernels)):
        own = cut(kernels[row], channels[row], pair_bits, orders[row], capacity_bits)
        for layer in range(len(own)):  # Numba takes long to compile the copy of a row.
            kept[row, layer] = own[layer]
    return kept


@lru_cache(maxsize=8)
def served_shares(network: Network) -> np.ndarray:
    """The share of a SubNet's layer that a target holds: [target, subnet, supernet_layer].

    It is 0 for the target of another single SubNet.
    """
    goal, subnets = targets(network), len(network.kernels)
    kernels = np.minimum(network.kernels, goal.kernels[:, None])
    channels = np.minimum(network.channels, goal.channels[:, None])
    shares = kernels * channels / np.maximum(network.kernels * network.channels, 1)
    own = np.arange(subnets)
    shares[:subnets] = np.where(own[:, None, None] == own[:, None], shares[:subnets], 0.0)
    shares.setflags(write=False)
    return np.asarray(shares)


def saved_alone(network: Network, accelerator: Accelerator) -> np.ndarray:
    """Cycles that each layer of each SubNet saves by itself on chip: [subnet, supernet_layer].

    They are those of layers that wait for their own loads, as without prefetching.
    """
    saved = np.zeros(network.kernels.shape)
    array = array_of(accelerator)
    cold = LayerCost(*layer_costs(network.shapes, array, False))
    warm = LayerCost(*layer_costs(network.shapes, array, True))
    waits_cold = cold.exposed_load_cycles + cold.output_stall_cycles
    waits_warm = warm.exposed_load_cycles + warm.output_stall_cycles
    layer_saved = np.asarray(waits_cold - waits_warm)
    for s in range(len(saved)):
        own = slice(network.starts[s], network.starts[s + 1])
        saved[s, network.supernet_layer[own]] = layer_saved[own]
    return saved


def saved_with_prefetching(network: Network, accelerator: Accelerator) -> np.ndarray:
    """Cycles that each SubNet saves by one layer alone on chip: [subnet, supernet_layer].

    What a layer waits for depends on the loads of the layers before it, so a layer that is kept
    saves waits of others, too.
    """
    layers = len(network.pair_bits)
    kernels, channels = (
        np.vstack([np.zeros((1, layers), dtype=np.int64), np.diag(sizes.max(axis=0))[::-1]])
        for sizes in (network.kernels, network.channels)
    )  # The last layer comes first, in the order in which SubGraphs are walked.
    waits = prefetch_waits(network, accelerator, kernels, channels).sum(axis=0)
    of_subnet = np.add.reduceat(waits, network.starts[:-1], axis=0)  # [subnet, kept layer]
    return np.asarray(of_subnet[:, :1] - of_subnet[:, :0:-1])


def by_bytes(
    saved: np.ndarray, kernels: np.ndarray, channels: np.ndarray, network: Network
) -> np.ndarray:
    """What each byte of rectangles saves that save so much: [..., supernet_layer].

    An empty rectangle counts as a byte.
    """
    sizes = kernels * channels * network.pair_bits / BYTE_BITS
    return np.asarray(saved / np.where(sizes > 0, sizes, 1.0))


def value_of(saved: np.ndarray, network: Network) -> np.ndarray:
    """The cycles that a cached byte of each target saves: [target, supernet_layer].

    saved: [subnet, supernet_layer].  For the target of a single SubNet those of that SubNet count,
    for other targets those of all.
    """
    goal = targets(network)
    value = (saved * served_shares(network)).sum(axis=1)
    return by_bytes(value, goal.kernels, goal.channels, network)


def candidates(network: Network, accelerator: Accelerator) -> SubGraphs:
    """The SubGraphs that fit the Persistent Buffer of `accelerator`, the empty one first.

    Each SubNet, all shared weights and each pair's intersection are cut in layer order; each
    SubNet, the shared weights and the union also by value: most saved cycles per byte first.
    Where weights are prefetched, a layer saves less than it waits for by itself, and other layers
    wait less: of the orders by either value a target is cut by the one that saves its SubNets more.
    """
    goal = targets(network)
    kernels = _cut_by(value_of(saved_alone(network, accelerator), network), network, accelerator)
    if accelerator.prefetches and accelerator.persistent_buffer_bytes > 0:
        value = value_of(saved_with_prefetching(network, accelerator), network)
        kernels = _faster(kernels, _cut_by(value, network, accelerator), network, accelerator)
    of_target = [t for t, _ in goal.cuts]
    kernels = np.vstack([np.zeros_like(goal.kernels[:1]), kernels])
    channels = np.vstack([np.zeros_like(goal.channels[:1]), goal.channels[of_target]])
    return SubGraphs(
        candidates=goal.candidates,
        kernels=kernels,
        channels=np.where(kernels > 0, channels, 0),
    )


def find_candidate(text: str, network: Network, accelerator: Accelerator) -> Candidate:
    """The candidate that prints as `text`; `UserError` unless there is exactly one."""
    return NOTHING if text == str(NOTHING) else candidates(network, accelerator).find(text)


def _cut_by(value: np.ndarray, network: Network, accelerator: Accelerator) -> np.ndarray:
    """The kernels that each cut keeps, value being that of a byte: [cut, supernet_layer]."""
    goal = targets(network)
    by_value = np.argsort(-value, axis=1, kind="stable")
    of_target = np.array([t for t, _ in goal.cuts])
    is_by_value = np.array([order is Order.VALUE for _, order in goal.cuts])
    orders = np.where(is_by_value[:, None], by_value[of_target], np.arange(len(network.pair_bits)))
    sides = goal.kernels[of_target], goal.channels[of_target]
    capacity_bits = accelerator.persistent_buffer_bytes * BYTE_BITS
    return np.asarray(cut_each(*sides, network.pair_bits, orders, capacity_bits))


def _faster(
    one: np.ndarray, other: np.ndarray, network: Network, accelerator: Accelerator
) -> np.ndarray:
    """Of two cuts of each target the one with which its SubNets wait less, or the first.

    one, other: of `_cut_by`; so is the result.
    """
    goal = targets(network)
    differ = np.flatnonzero((one != other).any(axis=1))
    of_target = np.array([t for t, _ in goal.cuts])[differ]
    kernels = np.vstack([one[differ], other[differ]])
    channels = np.where(kernels > 0, np.tile(goal.channels[of_target], (2, 1)), 0)
    of_layer = prefetch_waits(network, accelerator, kernels, channels).sum(axis=0)
    of_subnet = np.add.reduceat(of_layer, network.starts[:-1], axis=0)
    of_subnet = of_subnet.reshape(len(of_subnet), 2, len(differ))  # [subnet, one or other, cut]
    waits = of_subnet.sum(axis=0)
    own = np.flatnonzero(of_target < len(network.kernels))  # targets that are a single SubNet
    waits[:, own] = of_subnet[of_target[own], :, own].T
    kernels = one.copy()
    better = differ[waits[1] < waits[0]]
    kernels[better] = other[better]
    return kernels
