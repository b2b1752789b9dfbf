"""Networks, parameters and streams for the laws of SLO-NN."""

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from sushi_dse.policies.slo_nn.parameters import FREE, Activator, SloNn
from sushi_dse.serving.selection import MODES
from sushi_dse.traces.trace import MAX_MS, Trace
from tests.strategies import amounts

WORKLOADS = ("ofa_resnet50", "ofa_mbv3")
few = settings(max_examples=30)  # a table takes a while to make
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@st.composite
def parameter_sets(draw: st.DrawFn, /, **changes: Any) -> SloNn:
    """Grids of a few tenths, with as much in common as may be, or less."""
    fractions = (*sorted(draw(st.sets(st.integers(1, 9), max_size=5))), 10)
    drawn: dict[str, Any] = {
        "fractions": tuple(tenths / 10 for tenths in fractions),
        "common_share": draw(st.sampled_from([None, 0.0, 0.05, 0.1])),
        "activator": draw(st.sampled_from([None, FREE, Activator(read_bytes=500, macs=7)])),
        "easiest_fraction": draw(amounts(0.01, 1.0)),
        "difficulty_exponent": draw(amounts(0.1, 8.0)),
        "ranking_exponent": draw(amounts(0.1, 4.0)),
    }
    return SloNn(**drawn | changes)


def demanding(demand: str, value: float, queries: int = 200) -> Trace:
    """A closed loop in which every query makes the one demand."""
    demands = {"min_accuracy_percent": 0.0, "max_latency_ms": MAX_MS} | {demand: value}
    columns = {name: np.full(queries, number) for name, number in demands.items()}
    return Trace(arrived_ms=np.zeros(queries), **columns)
