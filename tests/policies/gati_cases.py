"""ResNet-18, designs and streams for the laws of GATI."""

from dataclasses import asdict
from typing import Any

import numpy as np
from hypothesis import strategies as st

from docs.build.speedups import expected_exits
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.network import Network
from sushi_dse.policies.gati.parameters import Gati
from sushi_dse.policies.gati.system import GatiTable, gati_system
from sushi_dse.traces.trace import Trace
from sushi_dse.workload.layers import Layer, PlainLayer
from tests.strategies import ZCU104, zcu104, zcu104_measured

RESNET18 = Network.of(load_workload("resnet18_cifar10").supernet)
WHOLE = RESNET18.supernet.subnets[0]
BLOCKS = range(1, 9)
ALL_CONVOLUTIONS = {block: "Conv(3,1)" for block in BLOCKS}
SLOW = zcu104(dram_gb_per_s=0.5)  # caching is worth more here
shares = st.floats(0, 1)
streams = st.builds(
    Gati,
    selector_recall=shares,
    selector_precision=st.floats(0.01, 1),
    locality=st.floats(0, 0.99),
    mean_queries_between_shifts=st.floats(1, 30) | st.just(float("inf")),
    shift_loss=st.floats(0, 0.99),
    retrain_every_queries=st.integers(1, 10),
    recovery=shares,
)

designs = st.sampled_from([ZCU104, SLOW, zcu104_measured(), zcu104(persistent_buffer_kib=64.0)])


def as_layer(layer: PlainLayer) -> Layer:
    """A layer of a cache as one of a SubNet."""
    return layer if isinstance(layer, Layer) else Layer(**asdict(layer), supernet_layer=0)


def system(accelerator: Accelerator = ZCU104, **changes: Any) -> GatiTable:
    return gati_system(RESNET18, accelerator, parameters=Gati(**changes))[0]


def closed_loop(queries: int, *, accuracy: float = 0.0, latency_ms: float = 1e9) -> Trace:
    return Trace(
        arrived_ms=np.zeros(queries),
        min_accuracy_percent=np.full(queries, accuracy),
        max_latency_ms=np.full(queries, latency_ms),
    )


def expected_ms(table: GatiTable) -> float:
    return float(expected_exits(table)[0] @ table.latency_ms[:, -1])
