"""What a design takes of its device, and what it lacks if it does not fit."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sushi_dse.hardware.accelerator import (
    RESOURCE_KINDS,
    Accelerator,
    Dataflow,
    Device,
    whole_number,
)
from sushi_dse.hardware.banks import buffer_blocks
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.space import AXIS_ORDER, SearchSpace
from sushi_dse.hardware.timing import (
    LOGIC_KINDS,
    array_mhz,
    attainable_logic_mhz,
    is_too_fast,
    overclocking,
)

# The bits of the products that share a DSP48E2: four of int4 weights and int4 activations (AMD
# WP521), two of int8 with a common operand (AMD WP486), one of 16 bits.
DSP_BITS = 16
# Least squares over the eight cores of AMD's DPU with high use of DSPs (PG338 v1.2, table 9), from
# B512 to B4096, whose 4096 operations a cycle are 2048 MACs: LUTs within -8 and +18 %, flip-flops
# within -6 and +13 %.  That other arrays take as many is an assumption; plausible half to twice.
LUT_OF_A_DESIGN, LUT_PER_MAC = 19_700, 11.5
FF_OF_A_DESIGN, FF_PER_MAC = 26_000, 33.9
# The axes that decide which blocks a design takes, and those of the clocks that it must attain.
BLOCK_AXES = AXIS_ORDER[: AXIS_ORDER.index("output_buffer_kib") + 1]
CLOCK_AXES = ("clock_mhz", "port_clock_mhz")
CLOCK = "clock"  # beside the kinds of blocks, a reason not to fit
NONE_THERE = 1e9  # share of a kind that the device lacks altogether
COUNTED_AT_ONCE = 2**18  # designs whose blocks are counted at a time, so that memory stays flat


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a design takes of its device, and the largest share of one kind, 1 for all of it.

    Of accelerators that share the device it is what all of them take.  The shares are of what the
    platform's shell leaves.  Of `Designs` each field is an array, [design], or one value.
    """

    dsp: int
    lut: int
    ff: int
    bram36: int
    uram288: int
    device_share: float

    @property
    def by_name(self) -> dict[str, Any]:
        """The fields by their names, which are those of the metrics."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def resources(accelerator: Accelerator | Designs) -> Resources:
    """What a design, or each of many, takes of its device: `buffer_blocks`, and the array's parts.

    The two rows of the line buffer lie in LUT RAM, which is not counted, and a multiplier of any
    bits takes the LUTs and flip-flops of one of int8 (assumptions).
    """
    device, macs = accelerator.device, accelerator.macs_per_cycle
    times = device.accelerators
    memories = (device.left(kind) // times for kind in ("bram36", "uram288"))
    bram, uram = buffer_blocks(accelerator, *memories)
    used: dict[str, Any] = {
        "dsp": np.ceil(macs * accelerator.multiplier_bits / DSP_BITS),
        "lut": np.ceil(LUT_OF_A_DESIGN + LUT_PER_MAC * macs),
        "ff": np.ceil(flip_flops(macs)),
        "bram36": bram,
        "uram288": uram,
    }
    share: Any = np.float64(0)
    for kind in RESOURCE_KINDS:
        used[kind] = times * used[kind]
        share = np.maximum(share, _share(used[kind], device, kind))
    return Resources(
        **{kind: whole_number(np.asarray(blocks)[()]) for kind, blocks in used.items()},
        device_share=share if share.ndim else float(share),
    )


def _share(used: Any, device: Device, kind: str) -> Any:
    """The share of what the shell leaves of a kind."""
    left = device.left(kind)
    return used / left if left else np.where(used > 0, NONE_THERE, 0.0)


def logic_share(used: Resources, device: Device) -> Any:
    """The largest share of the whole device, its shell's part included, of what crowds it."""
    shares = [getattr(used, kind) / max(getattr(device, kind), 1) for kind in LOGIC_KINDS]
    return np.maximum.reduce(np.broadcast_arrays(*shares))


def flip_flops(macs_per_cycle: Any) -> Any:
    """The flip-flops that an array of so many MACs a cycle takes, or each of many."""
    return FF_OF_A_DESIGN + FF_PER_MAC * macs_per_cycle


def infeasible_reason(accelerator: Accelerator) -> str:
    """The reason why a design does not fit its device, in words; empty where it fits."""
    return infeasible_reasons(Designs(accelerator, {}, 1))[0]


def infeasible_reasons(designs: Designs) -> list[str]:
    """The reason why each design does not fit its device, in words; empty where it fits."""
    used, device, count = resources(designs), designs.device, len(designs)
    reasons: dict[int, list[str]] = {}  # of the designs that do not fit
    for kind, lacks in block_shortages(designs, used).items():
        has = f"has {device.left(kind)}"
        if device.shell_share:
            has = f"leaves {device.left(kind)} beside its shell"
        of_all = f" for {device.accelerators} accelerators" if device.accelerators > 1 else ""
        needs = np.broadcast_to(getattr(used, kind), count)
        for d in np.flatnonzero(lacks).tolist():
            words = f"{kind}: needs {needs[d]}{of_all}, {device.name} {has}"
            reasons.setdefault(d, []).append(words)
    too_fast = np.broadcast_to(is_too_fast(designs, logic_share(used, device)), count)
    if too_fast.any():
        places = np.flatnonzero(too_fast).tolist()
        for d, words in zip(places, _clocks(designs, used, too_fast), strict=True):
            reasons.setdefault(d, []).append(words)
    found = [""] * count
    for d, several in reasons.items():
        found[d] = "; ".join(several)
    return found


def _clocks(designs: Designs, used: Resources, chosen: np.ndarray) -> Iterator[str]:
    """The clock that each of the designs of a mask wants, and the one that it attains, in words."""
    count, device = len(designs), designs.device
    shares = np.stack(
        [
            np.broadcast_to(getattr(used, kind) / max(getattr(device, kind), 1), count)
            for kind in LOGIC_KINDS
        ]
    )[:, chosen]
    scarcest, share = shares.argmax(axis=0), shares.max(axis=0)
    attainable = attainable_logic_mhz(designs, share).tolist()
    array, wanted = designs.column("clock_mhz")[chosen], designs.column("clock_mhz")[chosen]
    if designs.dataflow == Dataflow.OUTPUT_STATIONARY:
        wanted = designs.column("port_clock_mhz")[chosen]
    for d, mhz in enumerate(attainable):
        if designs.dataflow == Dataflow.OUTPUT_STATIONARY and array[d] > array_mhz(designs):
            most = f"{array_mhz(designs):g} MHz is attainable by a DSP of {device.name}"
            yield f"{CLOCK}: needs {array[d]:g} MHz, {most}"
        else:
            at = f"{100 * min(share[d], 1):.0f} % of {LOGIC_KINDS[scarcest[d]]}"
            yield f"{CLOCK}: needs {wanted[d]:g} MHz, {int(mhz)} MHz is attainable at {at}"


def block_shortages(designs: Designs, used: Resources) -> dict[str, np.ndarray]:
    """Whether each design takes more blocks of a kind than the shell leaves: [design], by kind."""
    return {
        kind: np.broadcast_to(getattr(used, kind) > designs.device.left(kind), len(designs))
        for kind in RESOURCE_KINDS
    }


def shortages(designs: Designs) -> dict[str, np.ndarray]:
    """Whether each design lacks blocks of a kind, or does not attain its clock: [design], by kind.

    The kinds are `RESOURCE_KINDS` and `CLOCK`.
    """
    used = resources(designs)
    too_fast = is_too_fast(designs, logic_share(used, designs.device))
    return {**block_shortages(designs, used), CLOCK: np.broadcast_to(too_fast, len(designs))}


def fits(designs: Designs) -> np.ndarray:
    """Whether each design fits its device, and attains its clock there: [design]."""
    lacking = np.stack(list(shortages(designs).values()))
    return np.asarray(~lacking.any(axis=0))


def overrun(accelerator: Accelerator) -> float:
    """By what share a design exceeds its device or its clock: above 0 where it does not fit."""
    used = resources(accelerator)
    over = overclocking(accelerator, logic_share(used, accelerator.device))
    return max(used.device_share, float(over)) - 1


def infeasible_designs(space: SearchSpace) -> tuple[int, dict[str, int]]:
    """The number of designs of `space` that do not fit, and of those that lack each kind.

    Only the axes in `BLOCK_AXES` are walked: for each of their designs the clocks that it attains
    are looked up, and the lengths of the other axes multiply the counts.
    """
    axes = {axis.name: axis.values for axis in space.axes}
    small = SearchSpace.of(space.base, {name: axes[name] for name in BLOCK_AXES if name in axes})
    clocks = {name: np.sort(axes.get(name, (getattr(space.base, name),))) for name in CLOCK_AXES}
    each: int = len(clocks["clock_mhz"]) * len(clocks["port_clock_mhz"])
    infeasible, lacking = 0, Counter[str]()
    for block in small.blocks(COUNTED_AT_ONCE):
        designs = small.designs(block)
        used = resources(designs)
        lacks = block_shortages(designs, used)
        unattained = each - np.broadcast_to(_attained(designs, used, clocks), len(designs))
        any_lack = np.stack(list(lacks.values())).any(axis=0)
        infeasible += int(np.where(any_lack, each, unattained).sum())
        lacking.update({kind: each * int(some.sum()) for kind, some in lacks.items()})
        lacking[CLOCK] += int(unattained.sum())
    times = space.size // (small.size * each)
    return infeasible * times, {kind: n * times for kind, n in sorted(lacking.items()) if n}


def _attained(designs: Designs, used: Resources, clocks: Mapping[str, np.ndarray]) -> Any:
    """How many of the pairs of both clocks each design attains; clocks: rising, by field."""
    attainable = attainable_logic_mhz(designs, logic_share(used, designs.device))
    if designs.dataflow == Dataflow.WEIGHT_STATIONARY:
        return np.searchsorted(clocks["clock_mhz"], attainable, side="right")
    of_array = np.searchsorted(clocks["clock_mhz"], array_mhz(designs), side="right")
    return of_array * np.searchsorted(clocks["port_clock_mhz"], attainable, side="right")
