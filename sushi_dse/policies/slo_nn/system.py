"""SLO-NN on an accelerator: a latency table whose rows are node fractions."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import ceil

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.candidate import NOTHING, Candidate, Combination, Order, Target
from sushi_dse.model.cost import FIELDS, LayerCost
from sushi_dse.model.energy import energy
from sushi_dse.model.kernels import subnet_costs
from sushi_dse.model.latency_table import SUMS, LatencyTable, latency_table
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import SubGraphs, by_bytes, cut
from sushi_dse.policies.slo_nn.parameters import Activator, SloNn
from sushi_dse.workload.layers import Layer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet
from sushi_dse.workload.rated import known_accuracy_percent

DEFAULTS = SloNn()
DIFFICULTIES = 4096  # difficulties over which the accuracy of a fraction is averaged

# The activator hashes the input by signed sums of a few of its values; in the bucket that each
# table then gives lies a ranking of all nodes.  All four are assumptions.
HASH_TABLES = 4
BITS_PER_HASH = 16
INPUTS_PER_BIT = 64
BYTES_PER_RANKED_NODE = 2


def hashing_activator(layers: Sequence[Layer]) -> Activator:
    """The activator of a network: it hashes the input, and adds up the rankings of the tables."""
    nodes = sum(layer.kernels for layer in layers[:-1])
    hashed = HASH_TABLES * BITS_PER_HASH * INPUTS_PER_BIT  # signs of a byte each
    ranked = HASH_TABLES * nodes
    return Activator(read_bytes=hashed + ranked * BYTES_PER_RANKED_NODE, macs=hashed + ranked)


def kept_sizes(layers: Sequence[Layer], share: float) -> list[tuple[int, int, int]]:
    """The (kernels per group, channels per group, groups) of each layer when a share is kept.

    Of K kernels ceil(share * K) stay, and the channels that they make; all channels of the first
    layer and all kernels of the last one stay.  A grouped layer between them keeps whole groups.
    """

    def kept(count: int) -> int:
        return ceil(round(share * count, 9))  # In floats, 0.55 * 100 is a little more than 55.

    sizes, before = [], 0
    for i, layer in enumerate(layers):
        kernels, channels = layer.kernels // layer.groups, layer.channels_per_group
        groups, is_first, is_last = layer.groups, i == 0, i == len(layers) - 1
        if groups > 1 and not (is_first or is_last):
            groups = kept(groups)
        else:
            if not is_first:  # A flattened map has a channel for each pixel of each kernel.
                flat = layer.fully_connected and channels % before == 0
                pixels = channels // before if flat else 1
                channels = kept(channels // pixels) * pixels
            if not is_last:
                kernels = kept(kernels)
        sizes.append((kernels, channels, groups))
        before = layer.kernels
    return sizes


def scaled_layers(layers: Sequence[Layer], fraction: float) -> tuple[Layer, ...]:
    """The layers of a network when a fraction of its nodes, above 0, is computed."""
    sizes = kept_sizes(layers, fraction)
    return tuple(
        replace(layer, kernels=kernels * groups, channels=channels * groups, groups=groups)
        for layer, (kernels, channels, groups) in zip(layers, sizes, strict=True)
    )


@lru_cache(maxsize=8)
def fraction_network(network: Network, parameters: SloNn) -> Network:
    """The most accurate SubNet of `network` at each node fraction, as if it were a SubNet.

    The accuracy of a fraction is its mean over inputs of every difficulty in equal measure.
    """
    whole = network.supernet.subnets[int(network.accuracy_percent.argmax())]
    accuracy_percent = known_accuracy_percent(whole)
    difficulty = (np.arange(DIFFICULTIES) + 0.5) / DIFFICULTIES
    rows = [
        PlainSubNet(
            name=str(fraction),
            accuracy_percent=accuracy_percent * parameters.agreement(fraction, difficulty).mean(),
            layers=scaled_layers(whole.layers, fraction),
        )
        for fraction in parameters.fractions
    ]
    supernet = network.supernet
    return Network.of(
        plain_supernet(f"{supernet.name}-{whole.name}", rows, accuracy_of=supernet.accuracy_of)
    )


def common_part(network: Network, accelerator: Accelerator, share: float) -> SubGraphs:
    """The empty SubGraph, and that of the nodes that all queries use, cut at the Persistent Buffer.

    network: a `fraction_network`; share: that of the common nodes.  Layers are taken in the order
    of their saved cycles per byte, summed over the fractions.
    """
    sizes = np.array(kept_sizes(network.supernet.subnets[-1].layers, share))
    has_weights = network.kernels[-1] > 0
    kernels, channels = sizes[:, 0] * sizes[:, 2] * has_weights, sizes[:, 1] * has_weights
    nothing = np.zeros_like(kernels)
    alone = [np.vstack([nothing, np.diag(sides)]) for sides in (kernels, channels)]
    for sides in alone:
        sides.setflags(write=False)  # Kernels are compiled for read-only arrays.
    costs = subnet_costs(
        network.shapes,
        network.supernet_layer,
        network.starts,
        array_of(accelerator),
        *alone,
    )
    cycles = np.asarray(LayerCost(*costs).cycles)
    saved = (cycles[:, :1] - cycles[:, 1:]).sum(axis=0)
    value = by_bytes(saved, kernels, channels, network)
    order = np.argsort(-value, kind="stable")
    capacity_bits = accelerator.persistent_buffer_bytes * BYTE_BITS
    kept = cut(kernels, channels, network.pair_bits, order, capacity_bits)
    fractions = tuple(subnet.name for subnet in network.supernet.subnets)
    common = Candidate(Target(Combination.SHARED, fractions), Order.VALUE)
    return SubGraphs(
        candidates=(NOTHING, common),
        kernels=np.stack([nothing, kept]),
        channels=np.stack([nothing, np.where(kept > 0, channels, 0)]),
    )


def with_activator(
    table: LatencyTable, activator: Activator, accelerator: Accelerator
) -> LatencyTable:
    """`table` with the time, traffic and energy of the activator added to every inference."""
    read_bytes, macs = float(activator.read_bytes), float(activator.macs)
    cost = LayerCost(*[0.0] * FIELDS)._replace(
        compute_cycles=macs / accelerator.macs_per_cycle,
        exposed_load_cycles=read_bytes / accelerator.bytes_per_cycle,
        weight_bytes=read_bytes,
        dynamic_buffer_read_bytes=read_bytes,
    )
    latency_us = activator.launches * accelerator.launch_us + cost.cycles / accelerator.clock_mhz
    used = energy(accelerator, cost, macs, latency_us)
    added = {
        "offchip_bytes": read_bytes,
        "weight_bytes": read_bytes,
        "cached_weight_bytes": 0.0,
        "macs": macs,
        "offchip_mj": used.offchip_mj,
        "buffer_mj": used.buffer_mj,
        "mac_mj": used.mac_mj,
    }
    return replace(
        table,
        macs=table.macs + macs,
        weight_bytes=table.weight_bytes + read_bytes,
        latency_ms=table.latency_ms + latency_us * 1e-3,
        cost=LayerCost(*(a + b for a, b in zip(table.cost, cost, strict=True))),
        sums=table.sums + np.array([added[name] for name in SUMS])[:, None, None],
    )


def slo_nn_system(
    network: Network, accelerator: Accelerator, *, parameters: SloNn = DEFAULTS
) -> tuple[LatencyTable, Accelerator]:
    """The latency table over the node fractions of the most accurate SubNet, and `accelerator`.

    The columns are nothing cached, and the part that is common to all node sets.
    """
    fractions = fraction_network(network, parameters)
    common = common_part(fractions, accelerator, parameters.common)
    activator = parameters.activator
    if activator is None:
        activator = hashing_activator(fractions.supernet.subnets[-1].layers)
    table = latency_table(fractions, accelerator, common)
    return with_activator(table, activator, accelerator), accelerator
