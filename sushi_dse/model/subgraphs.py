"""Which weights the Persistent Buffer may keep: the candidate SubGraphs of a design.

A SubGraph is, for each SuperNet layer, the first k kernels x first c channels; two of them overlap
in the first min(k) x min(c), so its encoding [K1, C1, K2, C2, ...] says all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from sushi_dse.errors import UserError, near_names
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.kernel_cache import compiled
from sushi_dse.model.kernels import layer_costs
from sushi_dse.model.layer import LayerCost, array_of
from sushi_dse.model.network import Network

NOTHING = "nothing"  # the column of the latency table in which no weight is cached


@dataclass(frozen=True, slots=True, eq=False)
class SubGraphs:
    """Rectangles of weights by SuperNet layer; the first one is empty."""

    names: tuple[str, ...]
    kernels: np.ndarray  # [subgraph, supernet_layer]
    channels: np.ndarray  # [subgraph, supernet_layer], per group

    def __post_init__(self) -> None:
        self.kernels.setflags(write=False)
        self.channels.setflags(write=False)

    def index(self, name: str) -> int:
        """The column of the SubGraph of that name."""
        if name not in self.names:
            raise UserError(f"unknown SubGraph {name!r}; {near_names(name, self.names)}")
        return self.names.index(name)

    def only(self, columns: Sequence[int]) -> "SubGraphs":
        """Those of the columns named."""
        names = tuple(self.names[column] for column in columns)
        return SubGraphs(names, self.kernels[columns], self.channels[columns])


@lru_cache(maxsize=8)
def targets(network: Network) -> SubGraphs:
    """What candidates are cut from: each SubNet, all shared, pairs' intersections, the union."""
    kernels, channels = network.kernels, network.channels
    subnets = [subnet.name for subnet in network.supernet.subnets]
    names, rows = list(subnets), [(kernels[s], channels[s]) for s in range(len(subnets))]
    if len(subnets) > 1:
        names.append("shared")
        rows.append((kernels.min(axis=0), channels.min(axis=0)))
    if len(subnets) > 2:
        for a, b in combinations(range(len(subnets)), 2):
            names.append(f"{subnets[a]}&{subnets[b]}")
            pair = [a, b]
            rows.append((kernels[pair].min(axis=0), channels[pair].min(axis=0)))
    if len(subnets) > 1:
        names.append("union")
        rows.append((kernels.max(axis=0), channels.max(axis=0)))
    return SubGraphs(
        names=tuple(names),
        kernels=np.array([row[0] for row in rows]),
        channels=np.array([row[1] for row in rows]),
    )


@compiled
def cut(
    kernels: np.ndarray, channels: np.ndarray, taps: np.ndarray, order: np.ndarray, capacity: int
) -> np.ndarray:
    """Kernels to keep of each layer so that the layers, taken in that order, fill `capacity` bytes.

    The layer that does not fit keeps as many whole kernels as do, and the ones after it none.
    """
    kept = np.zeros_like(kernels)
    left = capacity
    for layer in order:
        kernel_bytes = channels[layer] * taps[layer]
        if kernel_bytes == 0:
            continue
        if kernels[layer] * kernel_bytes > left:
            kept[layer] = left // kernel_bytes
            break
        kept[layer] = kernels[layer]
        left -= kernels[layer] * kernel_bytes
    return kept


@lru_cache(maxsize=8)
def served_shares(network: Network) -> np.ndarray:
    """What of a SubNet's layer lies in a target's, of its bytes: [target, subnet, supernet_layer].

    Of a SubNet's own target that SubNet alone counts.
    """
    goal, subnets = targets(network), len(network.kernels)
    kernels = np.minimum(network.kernels, goal.kernels[:, None])
    channels = np.minimum(network.channels, goal.channels[:, None])
    subnet_bytes = np.maximum(network.kernels * network.channels * network.taps, 1)
    shares = kernels * channels * network.taps / subnet_bytes
    own = np.arange(subnets)
    shares[:subnets] = np.where(own[:, None, None] == own[:, None], shares[:subnets], 0.0)
    shares.setflags(write=False)
    return np.asarray(shares)


def saved_cycles_per_byte(network: Network, accelerator: Accelerator) -> np.ndarray:
    """What a byte of each target layer is worth to the SubNets it serves: [target, supernet_layer].

    A SubNet's own target counts that SubNet alone; the shared, pair and union ones count them all.
    """
    goal = targets(network)
    subnets = len(network.starts) - 1
    saved = np.zeros(network.kernels.shape)
    array = array_of(accelerator)
    cold = LayerCost(*layer_costs(network.shapes, array, False))
    warm = LayerCost(*layer_costs(network.shapes, array, True))
    waits_cold = cold.exposed_load_cycles + cold.output_stall_cycles
    waits_warm = warm.exposed_load_cycles + warm.output_stall_cycles
    layer_saved = np.asarray(waits_cold - waits_warm)
    for s in range(subnets):
        own = slice(network.starts[s], network.starts[s + 1])
        saved[s, network.supernet_layer[own]] = layer_saved[own]
    value = (saved * served_shares(network)).sum(axis=1)
    return np.asarray(value / np.maximum(goal.kernels * goal.channels * network.taps, 1))


def candidates(network: Network, accelerator: Accelerator) -> SubGraphs:
    """The SubGraphs that fit the Persistent Buffer of `accelerator`, the empty one first.

    Each SubNet, all shared weights and each pair's intersection are cut in layer order; each
    SubNet, the shared weights and the union also by value: most saved cycles per byte first.
    """
    goal = targets(network)
    capacity = accelerator.persistent_buffer_bytes
    value = saved_cycles_per_byte(network, accelerator)
    in_layer_order = np.arange(len(network.taps))
    names, rows = [NOTHING], [np.zeros_like(goal.kernels[0])]
    channels = [np.zeros_like(goal.channels[0])]
    for t, name in enumerate(goal.names):
        orders = {}
        if name != "union":
            orders[f"{name}/layers"] = in_layer_order
        if "&" not in name:
            orders[f"{name}/value"] = np.argsort(-value[t], kind="stable")
        for label, order in orders.items():
            names.append(label)
            rows.append(cut(goal.kernels[t], goal.channels[t], network.taps, order, capacity))
            channels.append(goal.channels[t])
    kernels = np.array(rows)
    return SubGraphs(
        names=tuple(names),
        kernels=kernels,
        channels=np.where(kernels > 0, np.array(channels), 0),
    )


@compiled
def overlap_bytes(
    kernels: np.ndarray,
    channels: np.ndarray,
    other_kernels: np.ndarray,
    other_channels: np.ndarray,
    taps: np.ndarray,
) -> np.ndarray:
    """Bytes that rectangles have in common: [rectangle, other rectangle]."""
    shared = np.zeros((len(kernels), len(other_kernels)), dtype=np.int64)
    for a in range(len(kernels)):
        for b in range(len(other_kernels)):
            for layer in range(len(taps)):
                shared[a, b] += (
                    min(kernels[a, layer], other_kernels[b, layer])
                    * min(channels[a, layer], other_channels[b, layer])
                    * taps[layer]
                )
    return shared


@compiled
def unserved_bytes(
    kernels: np.ndarray,
    channels: np.ndarray,
    subnet_kernels: np.ndarray,
    subnet_channels: np.ndarray,
    taps: np.ndarray,
) -> np.ndarray:
    """Bytes of a new SubGraph that neither the old one nor the next SubNet brings on chip.

    [old subgraph, new subgraph, subnet].  All three are rectangles from the origin, so
    |new - (old + subnet)| = |new| - |new, old| - |new, subnet| + |new, old, subnet|.
    """
    subgraphs, subnets = len(kernels), len(subnet_kernels)
    extra = np.zeros((subgraphs, subgraphs, subnets), dtype=np.int64)
    for old in range(subgraphs):
        for new in range(subgraphs):
            for layer in range(len(taps)):
                k, c = kernels[new, layer], channels[new, layer]
                if old == new or k == 0:
                    continue
                old_k, old_c = min(k, kernels[old, layer]), min(c, channels[old, layer])
                missing = k * c - old_k * old_c
                for s in range(subnets):
                    sub_k, sub_c = subnet_kernels[s, layer], subnet_channels[s, layer]
                    brought = min(k, sub_k) * min(c, sub_c) - min(old_k, sub_k) * min(old_c, sub_c)
                    extra[old, new, s] += (missing - brought) * taps[layer]
    return extra
