"""What SubGraphs have in common, and what changing one for another moves.

Two rectangles of a layer overlap in the first min(k) kernels x min(c) channels.
"""

import numpy as np

from sushi_dse.model.jit import compiled


@compiled
def overlap_bits(
    kernels: np.ndarray,
    channels: np.ndarray,
    other_kernels: np.ndarray,
    other_channels: np.ndarray,
    pair_bits: np.ndarray,
) -> np.ndarray:
    """The bits of weights that two SubGraphs have in common: [subgraph, other subgraph]."""
    shared = np.zeros((len(kernels), len(other_kernels)), dtype=np.int64)
    for a in range(len(kernels)):
        for b in range(len(other_kernels)):
            for layer in range(len(pair_bits)):
                shared[a, b] += (
                    min(kernels[a, layer], other_kernels[b, layer])
                    * min(channels[a, layer], other_channels[b, layer])
                    * pair_bits[layer]
                )
    return shared


@compiled
def unserved_bits(
    kernels: np.ndarray,
    channels: np.ndarray,
    subnet_kernels: np.ndarray,
    subnet_channels: np.ndarray,
    pair_bits: np.ndarray,
) -> np.ndarray:
    """The bits of a new SubGraph that neither the old one nor the next SubNet brings on chip.

    The result is [old subgraph, new subgraph, subnet].  All are rectangles from the origin, so
    |new - (old + subnet)| = |new| - |new, old| - |new, subnet| + |new, old, subnet|.
    """
    subgraphs, subnets = len(kernels), len(subnet_kernels)
    own = overlap_bits(kernels, channels, kernels, channels, pair_bits)
    of_subnet = overlap_bits(kernels, channels, subnet_kernels, subnet_channels, pair_bits)
    # Floats hold bits exactly up to 2^53, and vector code takes their minimum in one step; the
    # innermost loop runs over new SubGraphs, which lie side by side.
    new_k, new_c = kernels.T.astype(np.float64).copy(), channels.T.astype(np.float64).copy()
    shared = np.zeros((subgraphs, subnets, subgraphs))  # of all three: [old, subnet, new]
    for layer in range(len(pair_bits)):
        for old in range(subgraphs):
            for s in range(subnets):
                least_k = min(new_k[layer, old], float(subnet_kernels[s, layer]))
                least_c = min(new_c[layer, old], float(subnet_channels[s, layer]))
                if least_k * least_c > 0:
                    weights = float(pair_bits[layer])
                    for new in range(subgraphs):
                        shared[old, s, new] += (
                            weights
                            * (least_k if least_k < new_k[layer, new] else new_k[layer, new])
                            * (least_c if least_c < new_c[layer, new] else new_c[layer, new])
                        )
    extra = np.empty((subgraphs, subgraphs, subnets), dtype=np.int64)
    for old in range(subgraphs):
        for new in range(subgraphs):
            for s in range(subnets):
                brought = own[new, old] + of_subnet[new, s] - np.int64(shared[old, s, new])
                extra[old, new, s] = own[new, new] - brought
    return extra
