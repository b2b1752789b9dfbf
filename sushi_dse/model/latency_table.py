"""SushiAbs: the tables over SubNets and SubGraphs that a scheduler knows of the hardware."""

from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.cost import Array, LayerCost
from sushi_dse.model.energy import Energy, buffer_pj, power, work_mj
from sushi_dse.model.kernels import subnet_costs
from sushi_dse.model.layer import array_of
from sushi_dse.model.network import Network
from sushi_dse.model.overlaps import overlap_bits, unserved_bits
from sushi_dse.model.prefetch import prefetched
from sushi_dse.model.subgraphs import (
    SubGraphs,
    candidates,
    no_subgraph,
)

NEIGHBOURS = 64  # designs whose counts are kept: neighbours in a space often differ in time alone

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

    SubGraph 0 is the empty one.  `latency_ms` is [subnet, subgraph], `accuracy_percent`, `macs` and
    `weight_bytes` [subnet].  The table is the SushiAbs of SUSHI (MLSys 2023).

    Of a table of batches the rows are pairs of a batch size, from 1 to `batch_limit`, and a SubNet:
    row (b - 1) * subnets + s is SubNet s serving b queries at once.  What a row holds is a query's
    even share of the batch, but for the change of the SubGraph, which is that of the whole batch.
    """

    subnet_names: tuple[str, ...]
    subgraphs: SubGraphs
    accuracy_percent: np.ndarray  # [subnet]
    macs: np.ndarray  # [subnet]
    weight_bytes: np.ndarray  # [subnet]
    latency_ms: np.ndarray  # [subnet, subgraph]
    cost: LayerCost  # each field [subnet, subgraph]: the sum over the layers
    sums: np.ndarray  # [quantity of SUMS, subnet, subgraph]
    switch_bytes: np.ndarray  # [old, new, next subnet]: bytes loaded for the new SubGraph alone
    switch_ms: np.ndarray  # [old, new, next subnet]: time of loading those bytes
    fetched_bytes: np.ndarray  # [old, new]: bytes written into the Persistent Buffer
    encoding_dot: np.ndarray  # [subnet, subgraph]: products of the encodings
    encoding_norm: np.ndarray  # [subgraph]: squared lengths of the encodings
    own_subgraph: np.ndarray  # [subnet]: the SubGraph cut from the SubNet by value, 0 without one
    batch_limit: int = 1  # the most queries that a row serves at once

    @property
    def subnets(self) -> int:
        """The number of SubNets, each of which has a row for each batch size."""
        return len(self.accuracy_percent) // self.batch_limit

    def energy_on(self, accelerator: Accelerator) -> Energy:
        """The energy of a query by cause on the design of the table: [subnet, subgraph] each."""
        drawn, of = power(accelerator), dict(zip(SUMS, self.sums, strict=True))
        return Energy(
            offchip_mj=of["offchip_mj"],
            buffer_mj=of["buffer_mj"],
            mac_mj=of["mac_mj"],
            clock_mj=self.latency_ms * drawn.clock_w,
            static_mj=self.latency_ms * drawn.static_w,
        )

    def __post_init__(self) -> None:
        for name in ("latency_ms", "switch_bytes", "switch_ms", "encoding_dot", "encoding_norm",
                     "own_subgraph"):  # fmt: skip
            getattr(self, name).setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """What of a table is counted in cycles and bytes: all but its times and its energy."""

    subgraphs: SubGraphs
    cost: LayerCost  # each field [subnet, subgraph]
    switch_bytes: np.ndarray  # [old, new, next subnet]
    fetched_bytes: np.ndarray  # [old, new]
    encoding_dot: np.ndarray  # [subnet, subgraph]
    encoding_norm: np.ndarray  # [subgraph]
    own_subgraph: np.ndarray  # [subnet]


@dataclass(frozen=True, slots=True)
class _InCycles:
    """A design as far as cycles and candidates depend on it: equal for designs of other clocks."""

    array: Array
    persistent_buffer_bytes: int
    dynamic_buffer_tiles: int
    prefetch_buffer_kib: float
    launch_cycles: float  # 0 where nothing is prefetched meanwhile
    accelerator: Accelerator = field(compare=False)

    @classmethod
    def of(cls, accelerator: Accelerator) -> "_InCycles":
        launch_cycles = accelerator.launch_us * accelerator.clock_mhz
        return cls(
            array=array_of(accelerator),
            persistent_buffer_bytes=accelerator.persistent_buffer_bytes,
            dynamic_buffer_tiles=accelerator.dynamic_buffer_tiles,
            prefetch_buffer_kib=accelerator.prefetch_buffer_kib,
            launch_cycles=launch_cycles if accelerator.prefetches else 0.0,
            accelerator=accelerator,
        )


@lru_cache(maxsize=NEIGHBOURS)
def _candidate_counts(network: Network, design: _InCycles) -> _Counts:
    """The counts over all candidate SubGraphs, shared by designs that differ in time alone."""
    return _counts(network, design.accelerator, candidates(network, design.accelerator))


def _counts(network: Network, accelerator: Accelerator, subgraphs: SubGraphs) -> _Counts:
    """The counts of `accelerator` over the SubNets of `network` and the columns `subgraphs`."""
    kernels, channels = subgraphs.kernels, subgraphs.channels
    shared = overlap_bits(kernels, channels, kernels, channels, network.pair_bits)
    unserved = unserved_bits(
        kernels, channels, network.kernels, network.channels, network.pair_bits
    )
    return _Counts(
        subgraphs=subgraphs,
        cost=_cost(network, accelerator, subgraphs),
        switch_bytes=_whole_bytes(unserved),
        fetched_bytes=_whole_bytes(np.diag(shared)[None, :] - shared),
        encoding_dot=(network.kernels @ kernels.T + network.channels @ channels.T).astype(float),
        encoding_norm=((kernels**2).sum(axis=1) + (channels**2).sum(axis=1)).astype(float),
        own_subgraph=np.array([subgraphs.own(name) for name in _names(network)]),
    )


def _whole_bytes(bits: np.ndarray) -> np.ndarray:
    """The bytes that hold so many bits each."""
    return -(-bits // BYTE_BITS)


def _cost(network: Network, accelerator: Accelerator, subgraphs: SubGraphs) -> LayerCost:
    """The cost of each SubNet, for the whole batch, under each SubGraph: [subnet, subgraph]."""
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
    return cost


def _names(network: Network) -> tuple[str, ...]:
    return tuple(subnet.name for subnet in network.supernet.subnets)


def latency_table(network: Network, accelerator: Accelerator, subgraphs: SubGraphs) -> LatencyTable:
    """The table of `accelerator` over the SubNets of `network` and the columns `subgraphs`."""
    return _timed(network, accelerator, _counts(network, accelerator, subgraphs))


def latency_rows(network: Network, accelerator: Accelerator, table: LatencyTable) -> LatencyTable:
    """The table of `network`, of the SubNets of `table` in a batch, under the same SubGraphs."""
    named = {each.name: getattr(table, each.name) for each in fields(_Counts)}
    cost = _cost(network, accelerator, table.subgraphs)
    return _timed(network, accelerator, _Counts(**{**named, "cost": cost}))


def candidate_table(network: Network, accelerator: Accelerator) -> LatencyTable:
    """The table of `accelerator` over all the SubGraphs that its Persistent Buffer may keep.

    Times are in ms, by the equations of `docs/model.md`; whether the design fits its device is not
    asked (`infeasible_reason` says it).
    """
    counts = _candidate_counts(network, _InCycles.of(accelerator))
    return _timed(network, accelerator, counts)


def cold_latency_ms(network: Network, accelerator: Accelerator) -> np.ndarray:
    """Latency of each SubNet with nothing cached: [subnet], the first column of the table."""
    if accelerator.prefetches:
        return candidate_table(network, accelerator).latency_ms[:, 0]
    nothing = no_subgraph(network)
    shapes = network.shapes.view(np.recarray)
    layers = (network.supernet_layer, network.starts, array_of(accelerator))
    found = subnet_costs.for_few(shapes, *layers, nothing.kernels, nothing.channels)
    launches_us = np.diff(network.starts) * accelerator.launch_us
    cycles = np.asarray(LayerCost(*found).cycles)[:, 0]
    return np.asarray((launches_us + cycles / accelerator.clock_mhz) * 1e-3)


def _timed(network: Network, accelerator: Accelerator, counts: _Counts) -> LatencyTable:
    """The table of those counts, with the times and the energy of `accelerator`."""
    cost = counts.cost
    macs = np.broadcast_to(
        network.macs[:, None], (len(network.macs), len(counts.subgraphs.kernels))
    )
    launches_us = np.diff(network.starts)[:, None] * accelerator.launch_us
    latency_us = launches_us + cost.cycles / accelerator.clock_mhz
    sums = np.empty((len(SUMS), *macs.shape))
    sums[0], sums[1] = cost.offchip_bytes, network.weight_bytes[:, None]
    sums[2], sums[3] = cost.cached_weight_bytes, macs
    sums[4], sums[5], sums[6] = work_mj(
        accelerator,
        offchip_bytes=cost.offchip_bytes,
        buffer_pj=buffer_pj(accelerator, cost),
        macs=macs,
    )
    bytes_per_ms = accelerator.bytes_per_cycle * accelerator.clock_mhz * 1e3
    return LatencyTable(
        subnet_names=_names(network),
        subgraphs=counts.subgraphs,
        accuracy_percent=network.accuracy_percent,
        macs=network.macs,
        weight_bytes=network.weight_bytes,
        latency_ms=latency_us * 1e-3,
        cost=cost,
        sums=sums,
        switch_bytes=counts.switch_bytes,
        switch_ms=counts.switch_bytes / bytes_per_ms,
        fetched_bytes=counts.fetched_bytes,
        encoding_dot=counts.encoding_dot,
        encoding_norm=counts.encoding_norm,
        own_subgraph=counts.own_subgraph,
    )
