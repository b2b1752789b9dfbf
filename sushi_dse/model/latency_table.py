"""SushiAbs: the tables over SubNets and SubGraphs that a scheduler knows of the hardware."""

from dataclasses import dataclass

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.energy import Energy, energy
from sushi_dse.model.kernels import subnet_costs
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import Network
from sushi_dse.model.prefetch import prefetched
from sushi_dse.model.subgraphs import SubGraphs, candidates, overlap_bytes, unserved_bytes

# The quantities of a query that add up over a trace.
SUMS = (
    "offchip_bytes",
    "weight_bytes",
    "cached_weight_bytes",
    "macs",
    "offchip_mj",
    "buffer_mj",
    "mac_mj",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LatencyTable:
    """Time, traffic and energy of each SubNet given each cached SubGraph, and of changing it.

    SubGraph 0 is the empty one.  `latency_ms` and `energy` (in mJ) are [subnet, subgraph],
    `top1_percent`, `macs` and `weight_bytes` [subnet].  The table is the SushiAbs of SUSHI (MLSys
    2023).
    """

    subnet_names: tuple[str, ...]
    subgraphs: SubGraphs
    top1_percent: np.ndarray  # [subnet]
    macs: np.ndarray  # [subnet]
    weight_bytes: np.ndarray  # [subnet]
    latency_ms: np.ndarray  # [subnet, subgraph]
    cost: LayerCost  # each field [subnet, subgraph]: the sum over the layers
    energy: Energy  # each field [subnet, subgraph]
    sums: np.ndarray  # [quantity of SUMS, subnet, subgraph]
    switch_bytes: np.ndarray  # [old, new, next subnet]: bytes loaded for the new SubGraph alone
    switch_ms: np.ndarray  # [old, new, next subnet]: time of loading those bytes
    fetched_bytes: np.ndarray  # [old, new]: bytes written into the Persistent Buffer
    encoding_dot: np.ndarray  # [subnet, subgraph]: products of the encodings
    encoding_norm: np.ndarray  # [subgraph]: squared lengths of the encodings
    own_subgraph: np.ndarray  # [subnet]: the SubGraph cut from the SubNet by value, 0 without one

    def __post_init__(self) -> None:
        for name in ("latency_ms", "switch_bytes", "switch_ms", "encoding_dot", "encoding_norm",
                     "own_subgraph"):  # fmt: skip
            getattr(self, name).setflags(write=False)


def latency_table(network: Network, accelerator: Accelerator, subgraphs: SubGraphs) -> LatencyTable:
    """The table of `accelerator` over the SubNets of `network` and the columns `subgraphs`."""
    kernels, channels = subgraphs.kernels, subgraphs.channels
    cost = LayerCost(
        *subnet_costs(
            network.shapes,
            network.supernet_layer,
            network.starts,
            array_of(accelerator),
            kernels,
            channels,
        )
    )
    if accelerator.prefetches:
        cost = prefetched(cost, network, accelerator, kernels, channels)
    macs = np.broadcast_to(network.macs[:, None], (len(network.macs), len(kernels)))
    launches_us = np.diff(network.starts)[:, None] * accelerator.launch_us
    latency_us = launches_us + cost.cycles / accelerator.clock_mhz
    switch_bytes = unserved_bytes(
        kernels, channels, network.kernels, network.channels, network.taps
    )
    shared = overlap_bytes(kernels, channels, kernels, channels, network.taps)
    used = energy(accelerator, cost, macs, latency_us)
    sums = (
        cost.offchip_bytes,
        network.weight_bytes[:, None],
        cost.cached_weight_bytes,
        macs,
        used.offchip_mj,
        used.buffer_mj,
        used.mac_mj,
    )
    names = tuple(subnet.name for subnet in network.supernet.subnets)
    bytes_per_ms = accelerator.bytes_per_cycle * accelerator.clock_mhz * 1e3
    return LatencyTable(
        subnet_names=names,
        subgraphs=subgraphs,
        top1_percent=network.top1_percent,
        macs=network.macs,
        weight_bytes=network.weight_bytes,
        latency_ms=latency_us * 1e-3,
        cost=cost,
        energy=used,
        sums=np.stack([np.broadcast_to(quantity, macs.shape) for quantity in sums]),
        switch_bytes=switch_bytes,
        switch_ms=switch_bytes / bytes_per_ms,
        fetched_bytes=np.diag(shared)[None, :] - shared,
        encoding_dot=(network.kernels @ kernels.T + network.channels @ channels.T).astype(float),
        encoding_norm=((kernels**2).sum(axis=1) + (channels**2).sum(axis=1)).astype(float),
        own_subgraph=np.array([subgraphs.own(name) for name in names]),
    )


def candidate_table(network: Network, accelerator: Accelerator) -> LatencyTable:
    """The table of `accelerator` over all the SubGraphs that its Persistent Buffer may keep.

    Times are in ms, by the equations of `docs/model.md`; whether the design fits its device is not
    asked (`infeasible_reason` says it).
    """
    return latency_table(network, accelerator, candidates(network, accelerator))
