"""The demands that SubNets can meet, and what is said of a trace that asks for none of them."""

from dataclasses import dataclass
from functools import lru_cache

from sushi_dse.errors import UserError
from sushi_dse.evaluation.accuracy import unknown_accuracy
from sushi_dse.hardware.accelerator import Accelerator
from sushi_dse.model.latency_table import cold_latency_ms
from sushi_dse.model.network import Network
from sushi_dse.traces.trace import FloatArray, Trace

MOST_LOAD = 1000  # of what the hardware serves back to back
MOST_WAITED = 100  # times the slowest SubNet that a query may be meant to wait
OFFERS = 8  # that are kept: an experiment asks for that of its reference more than once


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The demands that the SubNets of a workload can meet on an accelerator with nothing cached."""

    accuracy_percent: tuple[float, float]  # accuracy of the least and of the most accurate SubNet
    latency_ms: tuple[float, float]  # latency of the fastest and of the slowest SubNet
    capacity_per_s: float  # queries served back to back, with an equal share for each SubNet

    def rate_per_s(self, load: float | None, rate_per_s: float | None) -> float | None:
        """The rate that is given itself, or as a load, the share of the capacity; None for neither.

        `UserError` where both are given, or the load is out of range.
        """
        if load is None:
            return rate_per_s
        if rate_per_s is not None:
            raise UserError(f"trace: load {load:g} and rate_per_s {rate_per_s:g}; give one of them")
        if not 0 < load <= MOST_LOAD:
            raise UserError(f"trace: 0 < load <= {MOST_LOAD} must hold, got {load}")
        return load * self.capacity_per_s


@lru_cache(maxsize=OFFERS)
def cold_offer(network: Network, accelerator: Accelerator) -> Offer:
    """The offer of the SubNets of `network` on `accelerator` with nothing cached.

    SubNets whose accuracy is not known offer none.
    """
    cold_ms, accuracy_percent = cold_latency_ms(network, accelerator), network.accuracy_percent
    known = (
        (0.0, 0.0)
        if unknown_accuracy(network)
        else (accuracy_percent.min(), accuracy_percent.max())
    )
    return Offer(
        accuracy_percent=(float(known[0]), float(known[1])),
        latency_ms=(float(cold_ms.min()), float(cold_ms.max())),
        capacity_per_s=1e3 / float(cold_ms.mean()),
    )


def outside(trace: Trace, offer: Offer) -> list[str]:
    """The sentences, without their periods, on demands of which the SubNets offer none.

    Deadlines beyond the slowest SubNet may be meant for queries that wait.
    """
    found = []
    asked, given = trace.min_accuracy_percent, offer.accuracy_percent
    if asked.max() > 0 and any(given):
        shares = "; a share of 0.75 is 75 %" if asked.max() <= 1 else ""
        found += _beyond("demands an accuracy of", asked, given, given[1], "%", shares)
    asked, given = trace.max_latency_ms, offer.latency_ms
    most = given[1] if trace.closed_loop else MOST_WAITED * given[1]
    if asked.max() < given[0]:
        unit = "; a second is 1000 ms" if 1e3 * asked.max() >= given[0] else ""
    else:
        unit = "; a microsecond is 0.001 ms" if 1e-3 * asked.min() <= given[1] else ""
    found += _beyond("may take", asked, given, most, "ms", unit)
    return found


def _beyond(
    what: str, asked: FloatArray, given: tuple[float, float], most: float, unit: str, mend: str
) -> list[str]:
    """The sentence on demands that all lie below `given`, or all above `most`; none elsewhere."""
    if given[0] <= asked.max() and asked.min() <= most:
        return []
    side = "less" if asked.max() < given[0] else "more"
    ends, offered = (_range(float(low), float(high)) for low, high in (
        (asked.min(), asked.max()), given))  # fmt: skip
    return [
        f"every query {what} {ends} {unit}, {side} than the {offered} {unit} of the SubNets{mend}"
    ]


def _range(low: float, high: float) -> str:
    texts = [f"{low:.4g}", f"{high:.4g}"]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)
