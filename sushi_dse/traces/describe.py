"""The figures of a trace: its rate, its demands and their autocorrelation."""

import numpy as np

from sushi_dse.traces.trace import (
    Trace,
    _autocorrelation,
    _optional_figures,
    _peak_rate_per_s,
    _ratio,
    _variation,
)


def describe_trace(trace: Trace) -> dict[str, int | float | bool | None]:
    """The figures of a trace by name; None where one is not defined.

    Rate and variation are those of the gaps between arrivals, so a closed loop has none.  The peak
    rate is that of the second with the most queries; a trace shorter than a second has none.  The
    autocorrelation is between one accuracy demand and the next: near 1 demands hardly move, at 0
    they are independent.  There are no figures of an optional column that the trace lacks.
    """
    arrived_ms, accuracy, latency = trace.columns
    duration_ms = float(arrived_ms[-1] - arrived_ms[0])
    rate_per_s = _ratio((len(trace) - 1) * 1e3, duration_ms)
    peak_rate_per_s = _peak_rate_per_s(arrived_ms)
    return {
        "queries": len(trace),
        "duration_ms": duration_ms,
        "closed_loop": trace.closed_loop,
        "rate_per_s": rate_per_s,
        "peak_rate_per_s": peak_rate_per_s,
        "peak_to_mean_rate": _ratio(peak_rate_per_s, rate_per_s),
        "interarrival_cv": _variation(np.diff(arrived_ms)),
        "min_accuracy_demand_percent": float(accuracy.min()),
        "mean_accuracy_demand_percent": float(accuracy.mean()),
        "max_accuracy_demand_percent": float(accuracy.max()),
        "min_latency_demand_ms": float(latency.min()),
        "mean_latency_demand_ms": float(latency.mean()),
        "max_latency_demand_ms": float(latency.max()),
        "accuracy_demand_autocorrelation": _autocorrelation(accuracy),
        **_optional_figures(trace),
    }
