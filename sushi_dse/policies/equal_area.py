"""The equal-area rival of SGS: the blocks of the Persistent Buffer given to the Dynamic Buffer."""

from bisect import bisect_left
from dataclasses import replace

from sushi_dse.hardware.accelerator import (
    KIB,
    TAPS_PER_ENGINE,
    Accelerator,
    Dataflow,
)
from sushi_dse.hardware.banks import BRAM36_WORDS, URAM288_WORDS
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
    is_weight_stationary = accelerator.dataflow == Dataflow.WEIGHT_STATIONARY

    def deeper(units: int) -> Accelerator:
        if is_weight_stationary:
            return replace(without, dynamic_buffer_tiles=without.dynamic_buffer_tiles + units)
        return replace(without, prefetch_buffer_kib=without.prefetch_buffer_kib + units / KIB)

    unit_bytes = accelerator.macs_per_cycle if is_weight_stationary else 1  # a tile, or a byte

    def takes_more(units: int) -> bool:
        rival = resources(deeper(units))
        return rival.bram36 > blocks.bram36 or rival.uram288 > blocks.uram288

    blocks, most = resources(accelerator), _block_bytes(accelerator) // unit_bytes
    return deeper(bisect_left(range(1, most + 1), True, key=takes_more))


def with_larger_maps(accelerator: Accelerator) -> Accelerator:
    """`accelerator` with the memory of its Persistent Buffer given to its map buffers, in halves.

    Its blocks hold no more bytes than those of `accelerator`; block RAM is filled first.
    """
    without = replace(accelerator, persistent_buffer_kib=0.0)

    def larger(units: int) -> Accelerator:
        return replace(
            without,
            streaming_buffer_kib=without.streaming_buffer_kib + units,
            output_buffer_kib=without.output_buffer_kib + units,
        )

    def takes_more(units: int) -> bool:
        return _block_bytes(larger(units)) > room_bytes

    room_bytes = _block_bytes(accelerator)
    return larger(bisect_left(range(1, room_bytes // (2 * KIB) + 1), True, key=takes_more))


def _block_bytes(accelerator: Accelerator) -> int:
    """The most that the blocks of a design hold: nine bytes in each of their words."""
    blocks = resources(accelerator)
    words = blocks.bram36 * BRAM36_WORDS + blocks.uram288 * URAM288_WORDS
    return words * TAPS_PER_ENGINE


def equal_area_system(
    network: Network, accelerator: Accelerator
) -> tuple[LatencyTable, Accelerator]:
    """The latency table of the equal-area design, in which nothing is cached, and that design."""
    rival = equal_area(accelerator)
    return latency_table(network, rival, no_subgraph(network)), rival
