"""Latency tables and traces of small integers, in which ties are common, and real ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from sushi_dse.evaluation.traced import Row
from sushi_dse.model.candidate import NOTHING, own_by_value
from sushi_dse.model.cost import FIELDS, LayerCost
from sushi_dse.model.latency_table import SUMS, LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import SubGraphs, candidates
from sushi_dse.store.parts import Part
from sushi_dse.traces.trace import Trace
from tests.strategies import accelerators, supernets


@dataclass(frozen=True)
class Rows(Part):
    """A part in memory."""

    table: pa.Table

    @property
    def columns(self) -> list[str]:
        return list(self.table.column_names)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        return self.table.select(columns or self.columns)


def part_of(table: pa.Table) -> Part:
    """A part that holds those rows, and lies in no file."""
    return Rows(path=Path(), run="", table=table)


def number(row: Row, name: str) -> float:
    """The value of a metric that has one."""
    value = row[name]
    assert isinstance(value, int | float)
    return value


def cell(field: float | np.ndarray, *place: int) -> float:
    """One entry of a field of a `LayerCost`, which holds arrays where it is of many layers."""
    return float(np.asarray(field)[place])


def integers(low: int, high: int, *shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays of integers, as floats; drawn as bytes, which takes a fifth of the time."""
    return st.binary(min_size=prod(shape), max_size=prod(shape)).map(
        lambda drawn: low + np.frombuffer(drawn, np.uint8).reshape(shape) % (high - low + 1.0)
    )


def table_of(
    latency_ms: np.ndarray,
    switch_ms: np.ndarray,
    accuracy_percent: np.ndarray | None = None,
    of_subnets: np.ndarray | None = None,
    encodings: np.ndarray | None = None,
) -> LatencyTable:
    """A table with those times, [subnet, subgraph] and [old, new, subnet], and nothing else.

    Accuracies are equal, and encodings [.., K1, C1, ..] zero, where none are given.
    """
    subnets, subgraphs = latency_ms.shape
    accuracy_percent = np.full(subnets, 75.0) if accuracy_percent is None else accuracy_percent
    accuracy_percent.setflags(write=False)  # as a Network's
    of_subnets = np.zeros((subnets, 2)) if of_subnets is None else of_subnets
    encodings = np.zeros((subgraphs, 2)) if encodings is None else encodings
    of_subnets, encodings = of_subnets.astype(np.int64), encodings.astype(np.int64)
    nothing = np.zeros((subnets, subgraphs))
    return LatencyTable(
        subnet_names=tuple("ABCD"[:subnets]),
        subgraphs=SubGraphs(
            candidates=(NOTHING, *(own_by_value(str(number)) for number in range(1, subgraphs))),
            kernels=encodings[:, ::2].copy(),
            channels=encodings[:, 1::2].copy(),
        ),
        accuracy_percent=accuracy_percent,
        macs=np.ones(subnets),
        weight_bytes=np.ones(subnets),
        latency_ms=latency_ms,
        cost=LayerCost(*cast(list[float], [nothing] * FIELDS)),
        sums=np.zeros((len(SUMS), subnets, subgraphs)),
        switch_bytes=np.zeros((subgraphs, subgraphs, subnets), dtype=np.int64),
        switch_ms=switch_ms,
        fetched_bytes=np.zeros((subgraphs, subgraphs), dtype=np.int64),
        encoding_dot=(of_subnets @ encodings.T).astype(float),
        encoding_norm=(encodings**2).sum(axis=1).astype(float),
        own_subgraph=np.zeros(subnets, dtype=np.int64),
    )


@st.composite
def tables(draw: st.DrawFn, max_subnets: int = 3, max_subgraphs: int = 3) -> LatencyTable:
    """Tables that no accelerator gave: a switch may cost anything, but for staying, which is free.

    Energy and traffic are zero.
    """
    subnets, subgraphs = draw(st.integers(1, max_subnets)), draw(st.integers(1, max_subgraphs))
    switch_ms = draw(integers(0, 4, subgraphs, subgraphs, subnets))
    switch_ms[np.arange(subgraphs), np.arange(subgraphs)] = 0
    encodings = draw(integers(0, 3, subgraphs, 4))
    encodings[0] = 0
    return table_of(
        latency_ms=draw(integers(1, 5, subnets, subgraphs)),
        switch_ms=switch_ms,
        accuracy_percent=draw(integers(70, 73, subnets)),
        of_subnets=draw(integers(0, 3, subnets, 4)),
        encodings=encodings,
    )


@st.composite
def accelerator_tables(draw: st.DrawFn) -> LatencyTable:
    """Tables of small designs over small SuperNets."""
    network, accelerator = Network.of(draw(supernets())), draw(accelerators())
    return latency_table(network, accelerator, candidates(network, accelerator))


@st.composite
def traces(draw: st.DrawFn, max_queries: int = 8) -> Trace:
    """A closed loop, or arrivals that now and then come together."""
    queries = draw(st.integers(1, max_queries))
    gaps = draw(integers(0, 6, queries)) * draw(st.sampled_from([0, 1]))
    return Trace(
        arrived_ms=gaps.cumsum(),
        min_accuracy_percent=draw(integers(69, 74, queries)),
        max_latency_ms=draw(integers(1, 9, queries)),
    )


def scaled(trace: Trace, table: LatencyTable) -> Trace:
    """The trace with its times in thirds of the mean latency of the table."""
    unit_ms = float(table.latency_ms.mean()) / 3
    return Trace(
        arrived_ms=trace.arrived_ms * unit_ms,
        min_accuracy_percent=trace.min_accuracy_percent,
        max_latency_ms=trace.max_latency_ms * unit_ms,
    )


def accelerator_cases(max_queries: int = 20) -> st.SearchStrategy[tuple[Trace, LatencyTable]]:
    """A trace and a table of a design; some demands can be met, some cannot."""
    return st.tuples(traces(max_queries), accelerator_tables()).map(
        lambda case: (scaled(*case), case[1])
    )


def cases(max_queries: int = 20) -> st.SearchStrategy[tuple[Trace, LatencyTable]]:
    """A trace and a table, of a design or of none."""
    return st.tuples(traces(max_queries), tables()) | accelerator_cases(max_queries)
