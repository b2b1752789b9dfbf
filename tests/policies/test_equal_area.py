from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import rivals
from sushi_dse.config.hardware_file import load_hardware
from sushi_dse.config.workload_file import load_workload
from sushi_dse.hardware.accelerator import Accelerator, Device
from sushi_dse.hardware.resources import infeasible_reason
from sushi_dse.model.latency_table import latency_table
from sushi_dse.model.network import Network
from sushi_dse.model.subgraphs import candidates
from sushi_dse.policies.equal_area import equal_area, equal_area_system
from sushi_dse.workload.layers import SuperNet
from tests import paths
from tests.strategies import accelerators, supernets, zcu104


def test_the_zcu104_holds_1365_tiles_more_in_place_of_its_persistent_buffer() -> None:
    rival = equal_area(zcu104())  # 1.6875 MiB in tiles of 1296 bytes
    assert rival == zcu104(persistent_buffer_kib=0.0, dynamic_buffer_tiles=1367)
    assert infeasible_reason(rival) == ""


def test_half_the_buffer_each_is_both_together() -> None:
    assert equal_area(zcu104(), share=0.5) == zcu104(
        persistent_buffer_kib=864.0, dynamic_buffer_tiles=684
    )
    assert equal_area(zcu104(), share=0.0) == zcu104()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(ValueError, match=rf"^0 <= share <= 1 must hold, got {share}$"):
        equal_area(zcu104(), share=share)


@given(
    accelerators(),
    st.floats(0.0, 1.0),
    st.integers(0, 12),
    st.integers(0, 3),
)
def test_memory_is_given_and_none_is_made(
    accelerator: Accelerator, share: float, bram36: int, uram288: int
) -> None:
    board = Device(name="board", lut=1, bram36=bram36, uram288=uram288, dsp=2000)
    design = replace(accelerator, device=board)
    rival = equal_area(design, share=share)
    before = design.persistent_buffer_bytes + design.dynamic_buffer_bytes
    after = rival.persistent_buffer_bytes + rival.dynamic_buffer_bytes
    assert before - design.macs_per_cycle < after <= before
    if not infeasible_reason(design) and share == 1:
        assert not infeasible_reason(rival)


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


def documented_rows() -> list[str]:
    text = (paths.ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    section = text.split("## A deeper Dynamic Buffer")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ofa_")]


def test_there_are_documented_rivals() -> None:
    assert len(documented_rows()) > 5


@pytest.mark.parametrize("row", documented_rows())
def test_a_documented_rival_is_that_of_the_walk(row: str) -> None:
    workload, pe_kernels, mib, dram_gb_per_s = row.strip("| ").split(" | ")[:4]
    (buffer_mib,) = [known for known in rivals.BUFFER_MIB if f"{known:.4g}" == mib]
    base = load_hardware(rivals.BASE).space.base
    design = rivals.around(base, int(pe_kernels), buffer_mib, float(dram_gb_per_s))
    network = Network.of(load_workload(workload).supernet)
    assert rivals.markdown_row(rivals.outcome(workload, network, design)) == row
