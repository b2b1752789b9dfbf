"""The cost of all layers of a network at once."""

import numpy as np

from sushi_dse.model.cost import FIELDS, Array, cached_part
from sushi_dse.model.jit import compiled
from sushi_dse.model.layer import layer_cost_of


@compiled
def subnet_costs(
    shapes: np.ndarray,
    supernet_layer: np.ndarray,
    starts: np.ndarray,
    array: Array,
    kernels: np.ndarray,
    channels: np.ndarray,
) -> np.ndarray:
    """Cost of each SubNet under each SubGraph: [field of LayerCost, subnet, subgraph].

    The first three are of a `Network`; kernels, channels: [subgraph, supernet_layer].
    """
    totals = np.zeros((FIELDS, len(starts) - 1, len(kernels)))
    costs = np.empty((FIELDS, len(kernels)))
    cached = np.empty((2, len(kernels)), dtype=np.int64)
    for s in range(len(starts) - 1):
        for i in range(starts[s], starts[s + 1]):
            shape, layer = shapes[i], supernet_layer[i]
            for g in range(len(kernels)):
                part = cached_part(shape, kernels[g, layer], channels[g, layer])
                cached[0, g], cached[1, g] = part
                costed = 0  # the first SubGraph that keeps as much of this layer
                while cached[0, costed] != part[0] or cached[1, costed] != part[1]:
                    costed += 1
                if costed == g:
                    cost = layer_cost_of(shape, array, part[0], part[1])
                    for field in range(FIELDS):
                        costs[field, g] = cost[field]
                for field in range(FIELDS):
                    totals[field, s, g] += costs[field, costed]
    return totals


@compiled
def layer_costs(shapes: np.ndarray, array: Array, all_cached: bool) -> np.ndarray:
    """Cost of each layer, all of its weights on chip or none: [field of LayerCost, layer]."""
    costs = np.empty((FIELDS, len(shapes)))
    for i in range(len(shapes)):
        shape = shapes[i]
        kernels = shape.kernels if all_cached else 0
        cost = layer_cost_of(shape, array, kernels, shape.channels_per_group)
        for field in range(FIELDS):
            costs[field, i] = cost[field]
    return costs


@compiled
def cycles_by_kernels(shapes: np.ndarray, array: Array, first: np.ndarray) -> np.ndarray:
    """Cycles of each layer with its first kernels on chip, without its launch.

    first: [layer + 1], where the layer's numbers of kernels begin in the result, that of none
    ahead: [first[layer] + kernels].
    """
    cycles = np.empty(first[-1])
    for i in range(len(shapes)):
        shape = shapes[i]
        for kernels in range(first[i + 1] - first[i]):
            cost = layer_cost_of(shape, array, kernels, shape.channels_per_group)
            busy = cost.compute_cycles + cost.exposed_load_cycles
            cycles[first[i] + kernels] = busy + cost.input_cycles + cost.output_stall_cycles
    return cycles
