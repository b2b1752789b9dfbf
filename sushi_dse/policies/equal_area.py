"""The fair rival of SGS: the Persistent Buffer's memory given to the Dynamic Buffer."""

from dataclasses import replace

from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import no_subgraph


def equal_area(accelerator: Accelerator, *, share: float = 1.0) -> Accelerator:
    """`accelerator` with that share of its Persistent Buffer in tiles of its Dynamic Buffer.

    Half a buffer each is prefetching and SGS together.  ValueError where share is not 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"0 <= share <= 1 must hold, got {share}")
    given_bytes = int(share * accelerator.persistent_buffer_bytes)
    return replace(
        accelerator,
        persistent_buffer_kib=(accelerator.persistent_buffer_bytes - given_bytes) / KIB,
        dynamic_buffer_tiles=accelerator.dynamic_buffer_tiles
        + given_bytes // accelerator.macs_per_cycle,
    )


def equal_area_system(
    network: Network, accelerator: Accelerator
) -> tuple[LatencyTable, Accelerator]:
    """The equal-area design and its latency table, in which nothing is cached."""
    rival = equal_area(accelerator)
    return latency_table(network, rival, no_subgraph(network)), rival
