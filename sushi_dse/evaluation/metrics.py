"""The metrics of a design under a policy on a trace, each defined once.

A metric is a column of the results, an axis of a plot and an objective of a front; the table in the
README is generated from this module.  Latency is response time: waiting time plus service time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sushi_dse.errors import UserError, near_names

if TYPE_CHECKING:
    import numpy as np


class Columns(Protocol):
    """Results by column, such as a DataFrame or a mapping of arrays."""

    def __getitem__(self, name: Any, /) -> Any:
        """The column of that name."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of the results with a direction of improvement."""

    name: str  # name of the column, which ends in its unit
    meaning: str  # definition in one sentence, for the README and `describe`
    maximise: bool = False  # whether more is better

    def cost(self, results: Columns) -> "np.ndarray":
        """The cost of each row, of which less is better: [row], NaN where the metric is null."""
        import numpy as np  # NumPy would delay the completion of names in a shell.

        return self.sign * np.asarray(results[self.name], dtype=float)

    @property
    def sign(self) -> int:
        """The factor that turns a value into a cost: -1 for a metric to maximise, else 1."""
        return -1 if self.maximise else 1

    @property
    def better(self) -> str:
        """The direction in a word: `higher` or `lower`."""
        return "higher" if self.maximise else "lower"


INTERVAL = "recache_every_queries"  # column that is null where a policy never changes the SubGraph
LEVEL = "service_level"  # column of rows on a trace; `evaluation.levels` says what a level is
SEED = "seed"  # column that rows have where the trace is repeated over seeds
SERVED = ("policy", INTERVAL, LEVEL, SEED, "subnet")  # columns that tell rows of a design apart
# The metrics that are traded or compared wherever designs are named.
LATENCY, ACCURACY, ENERGY = "mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query"
CAPACITY = "capacity_queries_per_s"  # metric of rows of an experiment with a `capacity_target`
AREA = "device_share"  # how much of its device a design takes
GAIN, ACCURACY_GAIN = "gain_over_no_sgs_percent", "accuracy_over_no_sgs_points"
LIKE_ACCURACY_POINTS = 0.1  # more than that from no-sgs, a gain is at another accuracy: assumption

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mean_latency_ms", "Mean response time of a query: wait and service."),
        Metric("p50_latency_ms", "Response time that half of the queries stay within."),
        Metric("p95_latency_ms", "Response time that 95 % of the queries stay within."),
        Metric("p99_latency_ms", "Response time that 99 % of the queries stay within."),
        Metric("mean_accuracy_percent", "Mean accuracy of the SubNets served.", maximise=True),
        Metric(
            "accuracy_attainment",
            "Share of the queries whose accuracy demand was met.",
            maximise=True,
        ),
        Metric(
            "latency_attainment",
            "Share of the queries answered within their latency demand, counted from arrival.",
            maximise=True,
        ),
        Metric(
            "slo_attainment",
            "Share of the queries whose accuracy and latency demands were both met.",
            maximise=True,
        ),
        Metric(
            "offchip_bytes_per_query",
            "Bytes over the off-chip bus, those that change the SubGraph included.",
        ),
        Metric(
            "energy_mj_per_query",
            "Energy of a query while it is served: the sum of the five below.",
        ),
        Metric("offchip_energy_mj_per_query", "Energy of the off-chip memory."),
        Metric("buffer_energy_mj_per_query", "Energy of the buffers on chip."),
        Metric("mac_energy_mj_per_query", "Energy of multiplying and adding."),
        Metric("clock_energy_mj_per_query", "Power of the clock times the time of service."),
        Metric("static_energy_mj_per_query", "Static power times the time of service."),
        Metric(
            "energy_with_idle_mj_per_query",
            "Energy of a query, and its share of what is drawn between queries.",
        ),
        Metric(
            "mean_power_w",
            "Mean power from the first arrival to the last answer, over that of the board alone.",
        ),
        Metric(
            "persistent_buffer_hit_share",
            "Share of the weight bytes that came from the Persistent Buffer.",
            maximise=True,
        ),
        Metric("subgraph_switches", "Times that the cached SubGraph changed over the trace."),
        Metric("throughput_queries_per_s", "Queries finished in a second.", maximise=True),
        Metric(
            "array_utilisation",
            "MACs done, as a share of what the array could do in the time it was busy.",
            maximise=True,
        ),
        Metric("dsp", "DSP blocks that the design takes."),
        Metric("lut", "Look-up tables that the design takes."),
        Metric("ff", "Flip-flops that the design takes."),
        Metric("bram36", "Block RAMs of 36 Kib that the design takes."),
        Metric("uram288", "UltraRAMs of 288 Kib that the design takes."),
        Metric(
            "device_share",
            "The largest of the design's shares of the DSP, LUT, FF, BRAM36 and URAM288 that the "
            "platform's shell leaves.",
        ),
        Metric(
            "gain_over_no_sgs_percent",
            "Mean latency saved against policy no-sgs on the same design and trace.",
            maximise=True,
        ),
        Metric(
            "accuracy_over_no_sgs_points",
            "Mean accuracy less that of policy no-sgs on the same design and trace.",
            maximise=True,
        ),
        Metric(
            "queries_per_joule",
            "Queries served with a joule, what is drawn between queries included.",
            maximise=True,
        ),
        Metric(
            "capacity_queries_per_s",
            "Highest rate of the stream's arrivals, within 1 %, up to which the target of "
            "`slo_attainment` is met; 0 where it is met at none. Rows have it where it is asked "
            "for.",
            maximise=True,
        ),
    )
}


def other_accuracy(row: Mapping[str, Any]) -> bool:
    """Whether a row's gain over no-sgs is at another accuracy; not where that is unknown."""
    points = row.get(ACCURACY_GAIN)
    return isinstance(points, int | float) and abs(points) > LIKE_ACCURACY_POINTS


def traced_metric_names(*, capacity: bool) -> list[str]:
    """The names of the metrics that rows on a trace have, with or without the capacity."""
    return [name for name in METRICS if capacity or name != CAPACITY]


def find_metric(name: str) -> Metric:
    """The metric with that name; `UserError` with the near ones where there is none."""
    if name not in METRICS:
        raise UserError(f"unknown metric {name!r}; {near_names(name, METRICS)}")
    return METRICS[name]


def metrics_table_markdown() -> str:
    """The table of all metrics for the README, one line a metric."""
    lines = ["| metric | meaning | better |", "|---|---|---|"]
    lines += [f"| `{m.name}` | {m.meaning} | {m.better} |" for m in METRICS.values()]
    return "\n".join(lines) + "\n"
