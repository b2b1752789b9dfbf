from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.hardware.accelerator import (
    WORD_BYTES,
    Accelerator,
    Dataflow,
    Device,
)
from sushi_dse.hardware.banks import URAM288_WORDS
from sushi_dse.hardware.resources import resources
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.equal_area import equal_area, equal_area_system
from sushi_dse.workload.layers import SuperNet
from tests.strategies import accelerators, amounts, supernets, vcu118, zcu104


def test_the_zcu104_holds_1536_tiles_more_in_place_of_its_persistent_buffer() -> None:
    rival = equal_area(zcu104())  # 54 UltraRAMs are 24,576 words of nine, 16 of them a tile
    assert rival == zcu104(persistent_buffer_kib=0.0, dynamic_buffer_tiles=1538)
    assert resources(rival) == resources(zcu104())


def test_the_vcu118_prefetches_into_the_ultrarams_of_its_persistent_buffer() -> None:
    rival = equal_area(vcu118())  # 640 UltraRAMs
    assert rival == vcu118(persistent_buffer_kib=0.0, prefetch_buffer_kib=20480.0)
    assert resources(rival) == resources(vcu118())


def test_half_the_buffer_each_is_both_together() -> None:
    assert equal_area(zcu104(), share=0.5) == zcu104(
        persistent_buffer_kib=864.0, dynamic_buffer_tiles=770
    )
    assert equal_area(zcu104(), share=0.0) == zcu104()
    # Five rows of 128 UltraRAMs, 4 MiB each: half the buffer takes three, and leaves two.
    assert equal_area(vcu118(), share=0.5) == vcu118(
        persistent_buffer_kib=10240.0, prefetch_buffer_kib=8192.0
    )


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(ValueError, match=rf"^0 <= share <= 1 must hold, got {share}$"):
        equal_area(zcu104(), share=share)


def deeper(design: Accelerator) -> Accelerator:
    """The design with a tile more, or a byte more, to prefetch into."""
    if design.dataflow == Dataflow.WEIGHT_STATIONARY:
        return replace(design, dynamic_buffer_tiles=design.dynamic_buffer_tiles + 1)
    return replace(design, prefetch_buffer_kib=design.prefetch_buffer_kib + 1 / 1024)


@given(
    accelerators(), amounts(0.0, 200.0), amounts(0.0, 1.0), st.integers(0, 40), st.integers(0, 8)
)
def test_the_rival_has_the_most_memory_that_the_blocks_of_the_design_hold(
    accelerator: Accelerator, kib: float, share: float, bram36: int, uram288: int
) -> None:
    board = Device(name="board", lut=10**6, ff=10**6, bram36=bram36, uram288=uram288, dsp=2000)
    design = replace(accelerator, device=board, persistent_buffer_kib=kib)
    rival = equal_area(design, share=share)
    used, of_rival, of_more = resources(design), resources(rival), resources(deeper(rival))
    assert of_rival.bram36 <= used.bram36
    assert of_rival.uram288 <= used.uram288
    assert of_more.bram36 > used.bram36 or of_more.uram288 > used.uram288
    given_bytes = design.persistent_buffer_bytes - rival.persistent_buffer_bytes
    assert given_bytes == int(share * design.persistent_buffer_bytes)
    assert rival.prefetch_bytes >= design.prefetch_bytes


@given(accelerators(), st.integers(0, 6), st.integers(0, 40), st.integers(0, 8))
def test_whole_blocks_are_given_without_a_loss(
    accelerator: Accelerator, blocks: int, bram36: int, uram288: int
) -> None:
    board = Device(name="board", lut=10**6, ff=10**6, bram36=bram36, uram288=uram288, dsp=2000)
    given_bytes = blocks * URAM288_WORDS * WORD_BYTES
    design = replace(accelerator, device=board, persistent_buffer_kib=given_bytes / 1024)
    more_bytes = equal_area(design).dynamic_buffer_bytes - design.dynamic_buffer_bytes
    assert more_bytes > given_bytes - design.macs_per_cycle


@given(supernets(), accelerators())
def test_the_rival_keeps_nothing_and_is_never_slower_than_no_sgs(
    supernet: SuperNet, accelerator: Accelerator
) -> None:
    network = Network.of(supernet)
    table, rival = equal_area_system(network, accelerator)
    sgs = latency_table(network, accelerator, candidates(network, accelerator))
    assert rival == equal_area(accelerator)
    assert table.latency_ms.shape == (len(supernet.subnets), 1)
    assert not table.subgraphs.kernels.any()
    assert not np.asarray(table.cost.cached_weight_bytes).any()
    assert np.all(table.latency_ms[:, 0] <= sgs.latency_ms[:, 0] * (1 + 1e-9))
    assert np.array_equal(table.cost.offchip_bytes, np.asarray(sgs.cost.offchip_bytes)[:, :1])
