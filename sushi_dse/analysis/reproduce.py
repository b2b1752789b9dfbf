"""What residency saves as measured, what was published of SGS, and what the model says of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sushi_dse.analysis.gain_map import REMARKS as MAP_REMARKS
from sushi_dse.analysis.gain_map import gain_maps
from sushi_dse.analysis.published import (
    ACCURACY,
    BOARDS,
    ENERGY,
    HEADLINES,
    LATENCY,
    WORKLOADS,
    Setting,
    headlines,
    own_subgraph,
    settings,
    without_overlap,
)
from sushi_dse.analysis.published import REMARKS as HEADLINE_REMARKS
from sushi_dse.analysis.residency import measured_residency, remarks
from sushi_dse.evaluation.subnets import cold_latency_ms, unbeaten
from sushi_dse.hardware.accelerator import KIB
from sushi_dse.workload.rated import common_metric

Row = dict[str, object]
PUBLISHED = {headline.name: headline.published[0].up_to for headline in HEADLINES}
REACHED_PERCENT = PUBLISHED[LATENCY]  # the gain that the map looks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """The rows of each part; a row is a dict whose names end in their units."""

    measured: Sequence[Row]  # of `measured_residency`
    headlines: Sequence[Row]
    without_overlap: Sequence[Row]
    gain_map: Sequence[Row]
    reasons: Sequence[Row]  # why published and modelled figures differ, each from figures of these
    remarks: Mapping[str, Sequence[str]]  # what the rows are of, by part


def reproduce() -> Reproduction:
    """The measurements, the published figures beside the model's, and why these differ."""
    found = settings()
    published, overlap = headlines(found), without_overlap(found)
    mapped = gain_maps(BOARDS, WORKLOADS, REACHED_PERCENT)
    return Reproduction(
        measured=measured_residency(),
        headlines=published,
        without_overlap=overlap,
        gain_map=mapped,
        reasons=[
            *_rows(LATENCY, [*why_latency(published, overlap), *where_reached(mapped, found)]),
            *_rows(ACCURACY, [why_accuracy(published, found)]),
            *_rows(ENERGY, [best_beside_published(published, ENERGY), *map(what_is_held, found)]),
        ],
        remarks={"measured": remarks(), "headlines": HEADLINE_REMARKS, "map": MAP_REMARKS},
    )


def _rows(headline: str, sentences: Sequence[str]) -> list[Row]:
    return [{"headline": headline, "meaning": sentence} for sentence in sentences]


def _value(row: Row, name: str) -> float:
    return float(str(row[name]))


def _largest(rows: Sequence[Row], name: str) -> Row:
    return max(rows, key=lambda row: _value(row, name))


def best_beside_published(published: Sequence[Row], headline: str) -> str:
    """The best of a single SubNet, and of the mean over the stream, beside the published figure."""
    own = [row for row in published if row["headline"] == headline]
    best, mean = _largest(own, "best"), _largest(own, "stream_mean")
    up_to = PUBLISHED[headline]
    side = "no less" if _value(best, "best") >= up_to else "less"
    return (
        f"A single SubNet saves up to {_value(best, 'best'):.3g} % ({best['best_subnet']} of "
        f"{best['workload']} on {best['hw']}), {side} than the published {up_to:g} %; the mean "
        f"over the stream is up to {_value(mean, 'stream_mean'):.3g} % ({mean['workload']} on "
        f"{mean['hw']})."
    )


def why_latency(published: Sequence[Row], overlap: Sequence[Row]) -> Iterator[str]:
    """What bounds the latency that any Persistent Buffer saves, and what overlap hides of it."""
    yield best_beside_published(published, LATENCY)
    for board in BOARDS:
        own = [row for row in published if row["headline"] == LATENCY and row["hw"] == board]
        row = _largest(own, "all_on_chip")
        yield (
            f"With all weights on chip {board} saves at most {_value(row, 'all_on_chip'):.3g} % of "
            f"a SubNet's latency ({row['workload']}): what is left is no wait for weights."
        )
    row = _largest(overlap, "best_without_overlap_percent")
    yield (
        "If nothing moved over the bus while a layer computes, a single SubNet would save up to "
        f"{_value(row, 'best_without_overlap_percent'):.3g} % "
        f"({row['best_subnet_without_overlap']} of {row['workload']} on {row['hw']}), where "
        f"{_value(row, 'best_percent'):.3g} % is the most with overlap."
    )


def where_reached(mapped: Sequence[Row], found: Sequence[Setting]) -> Iterator[str]:
    """From which capacity on the map reaches the published latency gain, for each setting."""
    for setting in found:
        own = [
            row for row in mapped if (row["hw"], row["workload"]) == (setting.hw, setting.workload)
        ]
        short = [row for row in own if not row["is_reached"]]
        said = [f"{setting.workload} on {setting.hw}:"]
        if len(short) < len(own):
            least = next(row for row in own if row["is_reached"])
            said.append(
                f"the least capacity of the map that reaches {REACHED_PERCENT:g} % is "
                f"{_value(least, 'persistent_buffer_mib'):g} MiB, at up to "
                f"{_value(least, 'reached_gb_per_s'):.3g} GB/s;"
            )
        if short:
            last = short[-1]
            said.append(
                f"with {_value(last, 'persistent_buffer_mib'):g} MiB no array and no off-chip rate "
                f"of the map takes a SubNet over {_value(last, 'best_percent'):.3g} %;"
            )
        board = setting.accelerator
        said.append(
            f"the board has {board.persistent_buffer_kib / KIB:g} MiB and "
            f"{board.offchip_gb_per_s:.3g} GB/s."
        )
        yield " ".join(said)


def why_accuracy(published: Sequence[Row], found: Sequence[Setting]) -> str:
    """The latency saved beside the distances between SubNets, where most accuracy is gained."""
    common_metric({each.workload: each.network.supernet.accuracy_of for each in found})
    own = [row for row in published if row["headline"] == ACCURACY]
    row = _largest(own, "stream_mean")
    (setting,) = (s for s in found if (s.hw, s.workload) == (row["hw"], row["workload"]))
    (latency,) = (
        other
        for other in published
        if (other["headline"], other["hw"], other["workload"])
        == (LATENCY, setting.hw, setting.workload)
    )
    cold_ms = cold_latency_ms(setting.network, setting.accelerator)
    front_ms = cold_ms[unbeaten(cold_ms, setting.network.accuracy_percent)]
    steps = 100 * (front_ms[1:] / front_ms[:-1] - 1)
    return (
        "A query is served more accurately only where a more accurate SubNet then meets its "
        f"deadline. Most is gained with {setting.workload} on {setting.hw}: SGS saves up to "
        f"{_value(latency, 'best'):.3g} % of a SubNet's latency there, and the next more accurate "
        f"SubNet takes {steps.min():.3g} to {steps.max():.3g} % longer."
    )


def what_is_held(setting: Setting) -> str:
    """How much of a SubNet's weights the Persistent Buffer of a setting holds."""
    _, share = own_subgraph(setting.network, setting.accelerator, "persistent_buffer_hit_share")
    if np.all(share == 1):
        return (
            f"The Persistent Buffer of {setting.hw} holds all weights of each SubNet of "
            f"{setting.workload}, so that only maps cross the bus."
        )
    return (
        f"The Persistent Buffer of {setting.hw} holds {100 * share.min():.3g} to "
        f"{100 * share.max():.3g} % of the weights of a SubNet of {setting.workload}."
    )
