"""Batches: queries that a SubNet serves at once, with one pass over its weights.

The maps of the queries pass a tile one after the other while its weights stay, so a batch is a
network whose maps are as many times as high (`network.stacked`), and its cost comes from the
equations of one query.  A layer is launched once for all of them.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.cost import LayerCost
from sushi_dse.model.latency_table import LatencyTable, latency_rows
from sushi_dse.model.network import Network

TABLES = 4  # that are kept: policies that batch share one


@lru_cache(maxsize=64)
def in_batches(network: Network, queries: int) -> Network:
    """The SubNets of `network` serving so many queries at once; `network` itself for one."""
    return network if queries == network.batch else Network.of(network.supernet, queries)


@lru_cache(maxsize=TABLES)
def batch_table(
    network: Network, accelerator: Accelerator, table: LatencyTable, limit: int
) -> LatencyTable:
    """The table of batches of 1 to `limit` queries, under the SubGraphs of `table`.

    table: that of single queries, whose rows are the first ones.  `ValueError` where the limit is
    not above 0.
    """
    if limit < 1:
        raise ValueError(f"batch_limit >= 1 must hold, got {limit}")
    if limit == 1:
        return table
    sizes = range(1, limit + 1)
    each = [table, *(latency_rows(in_batches(network, b), accelerator, table) for b in sizes[1:])]

    def shares(arrays: Iterable[Any], axis: int = 0) -> Any:
        """A query's shares of an array of each batch size, one after the other."""
        of_query = [np.asarray(array) / b for b, array in zip(sizes, arrays, strict=True)]
        return np.concatenate(of_query, axis=axis)

    def again(array: np.ndarray, axis: int = 0) -> np.ndarray:
        """An array that is the same for each batch size."""
        return np.concatenate([array] * limit, axis=axis)

    costs = (own.cost for own in each)
    return replace(
        table,
        subnet_names=table.subnet_names * limit,
        accuracy_percent=again(table.accuracy_percent),
        macs=shares(own.macs for own in each),
        weight_bytes=shares(own.weight_bytes for own in each),
        latency_ms=shares(own.latency_ms for own in each),
        cost=LayerCost(*map(shares, zip(*costs, strict=True))),
        sums=shares((own.sums for own in each), axis=1),
        switch_bytes=again(table.switch_bytes, axis=2),
        switch_ms=again(table.switch_ms, axis=2),
        encoding_dot=again(table.encoding_dot),
        own_subgraph=again(table.own_subgraph),
        batch_limit=limit,
    )
