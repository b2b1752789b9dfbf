"""The metrics of runs of a trace, made of the sums over their queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sushi_dse.evaluation.metrics import ACCURACY, ACCURACY_GAIN, CAPACITY, GAIN, LATENCY
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import resources
from sushi_dse.model.energy import Power, offchip_mj, power, switch_buffer_mj
from sushi_dse.model.latency_table import SUMS, LatencyTable
from sushi_dse.policies.policy import PolicyRun
from sushi_dse.serving.percentiles import PERCENTILES
from sushi_dse.serving.served import Tally, tally
from sushi_dse.serving.streams import Streams
from sushi_dse.traces.trace import Trace


@dataclass(frozen=True, slots=True, eq=False)
class Tallied:
    """The sums over streams that a policy served on a design."""

    tally: Tally  # a run for each stream
    totals: np.ndarray  # [stream, quantity of SUMS]: the sums over all queries
    capacity_per_s: np.ndarray | None = None  # [stream], where it is asked for

    @classmethod
    def of(
        cls, tally: Tally, table: LatencyTable, capacity_per_s: np.ndarray | None = None
    ) -> "Tallied":
        """The sums of the runs of `tally` on `table`."""
        return cls(tally, (table.sums * tally.served[:, None]).sum(axis=(2, 3)), capacity_per_s)


def serving_metrics(run: PolicyRun, trace: Trace) -> dict[str, float]:
    """The metrics of a run by name, without resources and gain; `METRICS` defines them."""
    tallied = Tallied.of(tally(run.served, trace, run.table), run.table)
    found = metrics_of([tallied], Streams([trace]), Designs(run.accelerator, {}, 1))
    return {name: float(values[0, 0]) for name, values in found.items()}


def metrics_of(
    tallied: Sequence[Tallied], streams: Streams, designs: Designs
) -> dict[str, np.ndarray]:
    """The metrics of runs by name, [stream, design] each, without resources and gain.

    tallied: of each of the `designs`, as they were served.
    """

    def over(of_design: Iterable[np.ndarray]) -> Any:  # [stream, design]
        return np.array(list(of_design)).T

    def summed(name: str) -> Any:
        return over(getattr(one.tally, name) for one in tallied)

    queries = len(streams.traces[0])
    total = {name: over(one.totals[:, i] for one in tallied) for i, name in enumerate(SUMS)}
    service_ms, switch_bytes = summed("service_ms"), summed("switch_bytes")
    drawn, fetched_bytes = power(designs), summed("fetched_bytes")
    causes_mj = causes_of(total, service_ms, switch_bytes, fetched_bytes, designs, drawn)
    served_mj = sum(causes_mj.values())
    arrivals = [(trace.closed_loop, trace.arrived_ms[[0, -1]]) for trace in streams.traces]
    span_ms, late_ms = service_ms.copy(), summed("last_ms")
    for stream, (closed_loop, (first_ms, last_ms)) in enumerate(arrivals):
        if not closed_loop:
            span_ms[stream] = last_ms - first_ms + late_ms[stream]
    idle_ms = designs.device.accelerators * span_ms - service_ms
    whole_mj = served_mj + np.maximum(idle_ms, 0.0) * drawn.idle_w
    accuracy = summed("accuracy_percent")
    # Whether a demand is met is as unknown as the accuracy.
    demanded = [bool(trace.min_accuracy_percent.any()) for trace in streams.traces]
    unknown = np.isnan(accuracy) & np.array(demanded)[:, None]
    capacities = [one.capacity_per_s for one in tallied if one.capacity_per_s is not None]
    macs_per_ms = designs.macs_per_cycle * designs.clock_mhz * 1e3
    return {
        "mean_latency_ms": summed("response_ms") / queries,
        **{
            f"p{percent}_latency_ms": over(one.tally.percentile_ms[:, i] for one in tallied)
            for i, percent in enumerate(PERCENTILES)
        },
        "mean_accuracy_percent": accuracy / queries,
        "accuracy_attainment": np.where(unknown, np.nan, summed("accurate") / queries),
        "latency_attainment": summed("in_time") / queries,
        "slo_attainment": np.where(unknown, np.nan, summed("both") / queries),
        "offchip_bytes_per_query": (total["offchip_bytes"] + switch_bytes) / queries,
        "energy_mj_per_query": served_mj / queries,
        **{f"{cause}_energy_mj_per_query": mj / queries for cause, mj in causes_mj.items()},
        "energy_with_idle_mj_per_query": whole_mj / queries,
        "mean_power_w": whole_mj / span_ms,
        "queries_per_joule": 1e3 * queries / whole_mj,
        "persistent_buffer_hit_share": total["cached_weight_bytes"] / total["weight_bytes"],
        "subgraph_switches": summed("switches").astype(float),
        "throughput_queries_per_s": 1e3 * queries / span_ms,
        **({CAPACITY: over(capacities)} if capacities else {}),
        "array_utilisation": total["macs"] / (macs_per_ms * service_ms),
    }


def causes_of(
    sums: Mapping[str, Any],
    service_ms: Any,
    switch_bytes: Any,
    fetched_bytes: Any,
    designs: Accelerator | Designs,
    drawn: Power,
) -> dict[str, Any]:
    """The energy of queries while they are served by cause, in mJ.

    sums: quantities of SUMS by name; drawn: the power of the designs.  All arrays are of one shape,
    whose last axis with `Designs` is the design.
    """
    return {
        "offchip": sums["offchip_mj"] + offchip_mj(designs, switch_bytes),
        "buffer": sums["buffer_mj"] + switch_buffer_mj(designs, fetched_bytes),
        "mac": sums["mac_mj"],
        "clock": service_ms * drawn.clock_w,
        "static": service_ms * drawn.static_w,
    }


def resource_metrics(designs: Accelerator | Designs) -> dict[str, Any]:
    """What a design takes of its device by kind, and its device share; of `Designs` each [design].

    Where all designs agree it is one number.
    """
    return resources(designs).by_name


def with_resources(metrics: Mapping[str, np.ndarray], designs: Designs) -> dict[str, np.ndarray]:
    """Metrics of `metrics_of`, and beside them what the designs take of their device."""
    shape = metrics[LATENCY].shape
    blocks = {
        name: np.broadcast_to(np.asarray(value, dtype=float), shape)
        for name, value in resource_metrics(designs).items()
    }
    return {**metrics, **blocks}


def gains_over(metrics: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """What metrics gain on those of the reference policy; numbers, or arrays of one shape."""
    return {
        GAIN: 100 * (1 - metrics[LATENCY] / reference[LATENCY]),
        ACCURACY_GAIN: metrics[ACCURACY] - reference[ACCURACY],
    }
