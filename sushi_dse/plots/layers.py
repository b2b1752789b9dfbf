"""A SubNet layer by layer: its roofline, and its cycles by cause.

Roofline: Williams, Waterman and Patterson, CACM 2009, doi:10.1145/1498765.1498785.
"""

from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.plots.panels import FloatArray, Panel, Series, floats

if TYPE_CHECKING:  # their kernels take a second to import
    from sushi_dse.hardware.accelerator import Accelerator
    from sushi_dse.model.breakdown import Breakdown

BOUNDS = ("compute", "weights", "activations")  # what `LayerCost.bound_by` says
CAUSES = {  # fields of a `LayerCost` in words
    "compute_cycles": "compute",
    "exposed_load_cycles": "waiting for weights",
    "input_cycles": "reading the input",
    "output_stall_cycles": "waiting for the output to leave",
}
MARGIN = 2.0  # the roofs go on that many times beyond the outermost layer


def layer_panels(breakdown: "Breakdown", accelerator: "Accelerator") -> tuple[Panel, Panel]:
    """The roofline of a SubNet's layers, and their cycles by cause."""
    return roofline_panel(breakdown, accelerator), cycles_panel(breakdown, accelerator)


def roofline_panel(breakdown: "Breakdown", accelerator: "Accelerator") -> Panel:
    """A layer's GMACs a second, launch included, against its MACs per off-chip byte, and the roofs.

    The roofs are of the array, and of what the accelerator's port gets of the memory.  A layer
    without off-chip traffic is drawn at the right edge.  No layer lies above the array's roof.
    Above the memory's lies one whose weights came while layers before it computed, which takes a
    buffer to prefetch into.
    """
    peak = accelerator.macs_per_cycle * accelerator.clock_mhz * 1e-3  # GMAC/s
    bandwidth = accelerator.bytes_per_cycle * accelerator.clock_mhz * 1e-3  # GB/s
    lines = breakdown.lines
    macs = floats([line.layer.macs for line in lines])
    offchip = floats([line.cost.offchip_bytes for line in lines])
    rate = macs / floats([line.latency_us for line in lines]) * 1e-3
    reached = offchip > 0
    intensity = np.divide(macs, offchip, where=reached, out=np.full_like(macs, np.nan))
    ridge = peak / bandwidth
    ends = np.append(intensity[reached], ridge)
    low, high = ends.min() / MARGIN, ends.max() * MARGIN
    intensity[~reached] = high
    names = tuple(f"{line.layer.name}: {line.latency_us:.4g} us, bound by {line.cost.bound_by}"
                  for line in lines)  # fmt: skip
    bound = np.array([line.cost.bound_by for line in lines])
    total = breakdown.macs / breakdown.cost.offchip_bytes if breakdown.cost.offchip_bytes else high
    points = [
        Series(
            name=f"bound by {cause}",
            kind="points",
            x=intensity[bound == cause],
            y=rate[bound == cause],
            look=i,
            hover=tuple(name for name, own in zip(names, bound, strict=True) if own == cause),
        )
        for i, cause in enumerate(BOUNDS)
        if (bound == cause).any()
    ]
    return Panel(
        title="Roofline" if reached.all() else "Roofline; right edge: no off-chip traffic",
        x_label="MACs per off-chip byte",
        y_label="GMAC/s, launch included",
        log_x=True,
        log_y=True,
        height_inches=4.0,
        series=(
            Series(name=f"array: {peak:.4g} GMAC/s", kind="line", look=-1,
                   x=floats([ridge, high]), y=floats([peak, peak])),
            Series(name=f"memory: {bandwidth:.4g} GB/s", kind="line", look=-2,
                   x=floats([low, ridge]), y=floats([low * bandwidth, peak])),
            *points,
            Series(name="the whole SubNet", kind="points", look=len(BOUNDS) + 3,
                   x=floats([total]), y=floats([breakdown.macs / breakdown.latency_ms * 1e-6]),
                   hover=(f"SubNet {breakdown.subnet}: {breakdown.latency_ms:.4g} ms",)),
        ),
    )  # fmt: skip


def cycles_panel(breakdown: "Breakdown", accelerator: "Accelerator") -> Panel:
    """The cycles of each layer, stacked by what they go to; the launch counts in cycles too."""
    lines = breakdown.lines
    cycles: dict[str, FloatArray] = {
        words: floats([getattr(line.cost, field) for line in lines])
        for field, words in CAUSES.items()
    }
    cycles["launch"] = np.full(len(lines), accelerator.launch_us * accelerator.clock_mhz)
    tops = np.cumsum(list(cycles.values()), axis=0)
    return Panel(
        title=f"Cycles by cause, at {accelerator.clock_mhz:g} MHz",
        x_label="",
        y_label="cycles",
        x_names=tuple(line.layer.name for line in lines),
        height_inches=4.2,
        series=tuple(
            Series(
                name=words,
                kind="bars",
                x=np.arange(len(lines), dtype=float),
                y=own,
                base=top - own,
                look=i,
                hover=tuple(
                    f"{line.layer.name}: {count:,.0f} cycles, {words}"
                    for line, count in zip(lines, own, strict=True)
                ),
            )
            for i, ((words, own), top) in enumerate(zip(cycles.items(), tops, strict=True))
            if own.any()
        ),
    )
