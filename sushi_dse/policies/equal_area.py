"""The equal-area rival of SGS: the memory of the Persistent Buffer given to the Dynamic Buffer."""

from dataclasses import replace

from sushi_dse.hardware.accelerator import KIB, Accelerator
from sushi_dse.model.latency_table import LatencyTable, latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import no_subgraph


def equal_area(accelerator: Accelerator, *, share: float = 1.0) -> Accelerator:
    """`accelerator` with that share of its Persistent Buffer in tiles of its Dynamic Buffer.

    A share between 0 and 1 combines prefetching and SGS.  ValueError where share is not 0 to 1.
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
    """The latency table of the equal-area design, in which nothing is cached, and that design."""
    rival = equal_area(accelerator)
    return latency_table(network, rival, no_subgraph(network)), rival
