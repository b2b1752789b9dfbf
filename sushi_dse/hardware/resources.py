"""The blocks of its device that a design takes, and the blocks that it lacks if it does not fit."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import (
    BRAM36_BYTES,
    KIB,
    MACS_PER_DSP,
    RESOURCE_KINDS,
    URAM288_BYTES,
    Accelerator,
    Device,
    _whole,
)
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.space import AXIS_ORDER, SearchSpace

# The axes that decide which blocks a design takes.
BLOCK_AXES = AXIS_ORDER[: AXIS_ORDER.index("output_buffer_kib") + 1]
# Fitted on AMD's DPU in eight sizes (PG338 v1.2, table 9) within 18 %: another design's RTL, so an
# assumption.
FF_OF_A_DESIGN, FF_PER_MAC = 26_000, 33.9  # MAC: of those in a cycle
COUNTED_AT_ONCE = 2**18  # designs whose blocks are counted at a time, so that memory stays flat


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The blocks that a design takes, and the largest share of one kind on its device, 1 for all.

    Of `Designs` each field is an array, [design], or one value.
    """

    dsp: int
    bram36: int
    uram288: int
    device_share: float


def resources(accelerator: Accelerator | Designs) -> Resources:
    """The blocks that a design, or each of many, takes of its device.

    The Persistent Buffer takes URAM first, and so does, after it, what of the Dynamic Buffer is
    there to prefetch; the rest of that and the other buffers take BRAM first (assumption).  A
    buffer that one kind cannot hold spills into the other (assumption).  The two rows of the line
    buffer lie in LUT RAM (assumption).
    """
    device = accelerator.device
    dsp = np.ceil(accelerator.macs_per_cycle / MACS_PER_DSP)
    bram = (
        np.ceil((accelerator.dynamic_buffer_bytes - accelerator.prefetch_bytes) / BRAM36_BYTES)
        + np.ceil(accelerator.streaming_buffer_kib * KIB / BRAM36_BYTES)
        + np.ceil(accelerator.output_buffer_kib * KIB / BRAM36_BYTES)
    )
    uram = 0
    for stored_bytes in (accelerator.persistent_buffer_bytes, accelerator.prefetch_bytes):
        own = np.minimum(np.ceil(stored_bytes / URAM288_BYTES), device.uram288 - uram)
        bram = bram + np.ceil(np.maximum(stored_bytes - own * URAM288_BYTES, 0) / BRAM36_BYTES)
        uram = uram + own
    spare = np.maximum(bram - device.bram36, 0)  # block RAMs that the device lacks
    spilled = np.minimum(np.ceil(spare * BRAM36_BYTES / URAM288_BYTES), device.uram288 - uram)
    bram = bram - np.minimum(spilled * (URAM288_BYTES // BRAM36_BYTES), spare)
    uram = uram + spilled
    shares = [
        used / available if available else np.where(used > 0, 1e9, 0.0)
        for used, available in (
            (dsp, device.dsp),
            (bram, device.bram36),
            (uram, device.uram288),
        )
    ]
    share: Any = np.maximum(np.maximum(shares[0], shares[1]), shares[2])
    return Resources(
        dsp=_whole(dsp),
        bram36=_whole(bram),
        uram288=_whole(uram),
        device_share=share if share.ndim else float(share),
    )


def flip_flops(accelerator: Accelerator | Designs) -> Any:
    """The flip-flops that a design, or each of many, takes."""
    return FF_OF_A_DESIGN + FF_PER_MAC * accelerator.macs_per_cycle


def infeasible_reason(accelerator: Accelerator) -> str:
    """The reason why a design does not fit its device, in words; empty where it fits."""
    used = resources(accelerator)
    return shortage(accelerator.device, used.dsp, used.bram36, used.uram288)


def infeasible_reasons(designs: Designs) -> list[str]:
    """The reason why each design does not fit its device, in words; empty where it fits."""
    used, device = resources(designs), designs.device
    dsp, bram36, uram288 = (
        np.broadcast_to(blocks, len(designs)) for blocks in (used.dsp, used.bram36, used.uram288)
    )
    reasons = [""] * len(designs)
    for d in np.flatnonzero(~fits(designs)).tolist():
        reasons[d] = shortage(device, int(dsp[d]), int(bram36[d]), int(uram288[d]))
    return reasons


def shortage(device: Device, dsp: int, bram36: int, uram288: int) -> str:
    """The kinds of which a device has fewer blocks than needed, in words; empty without one."""
    return "; ".join(
        f"{kind}: needs {need}, {device.name} has {have}"
        for kind, need, have in (
            ("dsp", dsp, device.dsp),
            ("bram36", bram36, device.bram36),
            ("uram288", uram288, device.uram288),
        )
        if need > have
    )


def shortages(designs: Designs) -> dict[str, np.ndarray]:
    """Whether each design takes more blocks of a kind than its device has: [design], by kind."""
    used, device = resources(designs), designs.device
    return {
        kind: np.broadcast_to(getattr(used, kind) > getattr(device, kind), len(designs))
        for kind in RESOURCE_KINDS
    }


def fits(designs: Designs) -> np.ndarray:
    """Whether each design fits its device: [design]."""
    lacking = np.stack(list(shortages(designs).values()))
    return np.asarray(~lacking.any(axis=0))


def infeasible_designs(space: SearchSpace) -> tuple[int, dict[str, int]]:
    """The number of designs of `space` that do not fit, and of those that lack each kind of blocks.

    Only the axes in `BLOCK_AXES` are walked; the lengths of the other axes multiply the counts.
    """
    deciding = {axis.name: axis.values for axis in space.axes if axis.name in BLOCK_AXES}
    small = SearchSpace.of(space.base, deciding)
    infeasible, lacking = 0, Counter[str]()
    for block in small.blocks(COUNTED_AT_ONCE):
        lacks = shortages(small.designs(block))
        infeasible += int(np.stack(list(lacks.values())).any(axis=0).sum())
        lacking.update({kind: int(some.sum()) for kind, some in lacks.items()})
    times = space.size // small.size
    return infeasible * times, {kind: n * times for kind, n in sorted(lacking.items()) if n}
