"""The equal-area rival of SGS: the blocks of the Persistent Buffer given to the Dynamic Buffer."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

from sushi_dse.hardware.accelerator import (
    KIB,
    Accelerator,
    Dataflow,
)
from sushi_dse.hardware.banks import BLOCK_WORD_BYTES, BRAM36_WORDS, URAM288_WORDS
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

    unit_bytes = accelerator.tile_bytes if is_weight_stationary else 1  # a tile, or a byte

    most = _block_bytes(accelerator) // unit_bytes
    return deeper(_most_that_fit(deeper, accelerator, most))


def with_larger_maps(accelerator: Accelerator) -> Accelerator:
    """`accelerator` with the blocks of its Persistent Buffer given to its map buffers, in halves.

    They are the largest on a device that has the block RAMs and UltraRAMs that `accelerator` takes
    and no others, which is the device of the result: there maps lie in the blocks that it gives up.
    """
    blocks = resources(accelerator)
    own = replace(accelerator.device, bram36=blocks.bram36, uram288=blocks.uram288, shell_share=0.0)
    without = replace(accelerator, persistent_buffer_kib=0.0, device=own)

    def larger(units: int) -> Accelerator:
        return replace(
            without,
            streaming_buffer_kib=without.streaming_buffer_kib + units,
            output_buffer_kib=without.output_buffer_kib + units,
        )

    most = _block_bytes(accelerator) // (2 * KIB)
    return larger(_most_that_fit(larger, accelerator, most))


def _most_that_fit(sized: Callable[[int], Accelerator], accelerator: Accelerator, most: int) -> int:
    """The greatest number of units, up to `most`, with no more blocks than `accelerator` takes."""
    blocks = resources(accelerator)

    def takes_more(units: int) -> bool:
        rival = resources(sized(units))
        return rival.bram36 > blocks.bram36 or rival.uram288 > blocks.uram288

    return bisect_left(range(1, most + 1), True, key=takes_more)


def _block_bytes(accelerator: Accelerator) -> int:
    """The most that the blocks of a design hold: nine bytes in each of their words."""
    blocks = resources(accelerator)
    words = blocks.bram36 * BRAM36_WORDS + blocks.uram288 * URAM288_WORDS
    return words * BLOCK_WORD_BYTES


def equal_area_system(
    network: Network, accelerator: Accelerator
) -> tuple[LatencyTable, Accelerator]:
    """The latency table of the equal-area design, in which nothing is cached, and that design."""
    rival = equal_area(accelerator)
    return latency_table(network, rival, no_subgraph(network)), rival
