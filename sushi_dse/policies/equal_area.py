"""The equal-area rival of SGS: the blocks of the Persistent Buffer given to the Dynamic Buffer."""

from bisect import bisect_left
from dataclasses import replace

from sushi_dse.hardware.accelerator import (
    BRAM36_WORDS,
    KIB,
    TAPS_PER_ENGINE,
    URAM288_WORDS,
    Accelerator,
    Dataflow,
)
from sushi_dse.hardware.resources import resources
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import no_subgraph


def equal_area(accelerator: Accelerator, *, share: float = 1.0) -> Accelerator:
    """`accelerator` without that share of its Persistent Buffer, which is there to prefetch.

    The Dynamic Buffer is the largest with which the design takes no more block RAMs and no more
    UltraRAMs than `accelerator` does.  A share between 0 and 1 combines prefetching and SGS.
    ValueError where share is not 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"0 <= share <= 1 must hold, got {share}")
    given_bytes = int(share * accelerator.persistent_buffer_bytes)
    kept_kib = (accelerator.persistent_buffer_bytes - given_bytes) / KIB
    without = replace(accelerator, persistent_buffer_kib=kept_kib)
    blocks = resources(accelerator)

    def deeper(units: int) -> Accelerator:
        if is_weight_stationary:
            return replace(without, dynamic_buffer_tiles=without.dynamic_buffer_tiles + units)
        return replace(without, prefetch_buffer_kib=without.prefetch_buffer_kib + units / KIB)

    def takes_more(units: int) -> bool:
        rival = resources(deeper(units))
        return rival.bram36 > blocks.bram36 or rival.uram288 > blocks.uram288

    is_weight_stationary = accelerator.dataflow == Dataflow.WEIGHT_STATIONARY
    unit_bytes = accelerator.macs_per_cycle if is_weight_stationary else 1  # a tile, or a byte
    room_words = blocks.bram36 * BRAM36_WORDS + blocks.uram288 * URAM288_WORDS
    room_bytes = room_words * TAPS_PER_ENGINE  # of one word the most bytes
    return deeper(bisect_left(range(1, room_bytes // unit_bytes + 1), True, key=takes_more))


def equal_area_system(
    network: Network, accelerator: Accelerator
) -> tuple[LatencyTable, Accelerator]:
    """The latency table of the equal-area design, in which nothing is cached, and that design."""
    rival = equal_area(accelerator)
    return latency_table(network, rival, no_subgraph(network)), rival
