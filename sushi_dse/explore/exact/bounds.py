"""Lower bounds on the costs of all designs of a box, for each SubNet and metric.

With the SubGraph fixed, latency falls with bandwidth, clock, buffers and their number of tiles, and
rises with launch, fill and row cycles; so the best design of a box, if it may cache whatever the
largest Persistent Buffer of the box has room for, is a bound.  Which SubGraph a design caches
depends on all of its fields, so what caching saves is bounded over all SubGraphs: layers in part
(the fractional knapsack), and for the one layer that is cached in part what it may save beyond its
share.  Energy is bounded cause by cause, each at the corner that is best for it.  The sides of the
array are no range: their blocks cut a layer's kernels and channels into other lengths, and a
larger side may be slower.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.explore.exact.boxes import Boxes
from sushi_dse.hardware.accelerator import TAPS_PER_ENGINE
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import resources
from sushi_dse.model.energy import (
    SRAM_READ_PJ_PER_BYTE,
    SRAM_WRITE_PJ_PER_BYTE,
    energy,
    sram_pj_per_byte,
)
from sushi_dse.model.kernel_cache import compiled
from sushi_dse.model.layer import FIELDS, LayerCost, map_bytes
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import by_sides, layers_of
from sushi_dse.model.steady_layers import (
    CAUSES,
    CHUNK,
    EXPOSED,
    Arrays,
    Layers,
    chunk_of,
    layer_cycles,
    tiles_of,
)
from sushi_dse.model.steady_subnets import (
    FIELD,
    add_cold,
    comes_before,
    fixed_bytes,
    last_kept,
    saved_per_byte,
)
from sushi_dse.policies.names import STATIC_SUBGRAPH

# The metrics with a bound.  The others are ratios of these, which rise and fall along an axis.
BOUNDED = (
    "mean_latency_ms",
    "mean_accuracy_percent",
    "throughput_queries_per_s",
    "offchip_bytes_per_query",
    "energy_mj_per_query",
    "offchip_energy_mj_per_query",
    "mac_energy_mj_per_query",
    "static_energy_mj_per_query",
    "dsp",
    "bram36",
    "uram288",
    "device_share",
)
ROUNDING = 1e-9  # share that bounds are lowered by: more than the rounding error of the sums


@compiled
def beyond_share(
    layers: Layers,
    i: int,
    sides: tuple[int, int],
    per_byte: float,
    resident: float,
    exposed: float,
    worth: float,
) -> float:
    """Cycles that part of a layer may save on chip, beyond its share of what the whole saves.

    exposed: with nothing on chip; worth: saved per byte by the whole layer.  No byte saves more
    than its own load.  Where the output map stays on chip tiles wait one by one, and rows of whole
    tiles save their share; beyond it lie the first load and two rows: the one in which the part
    ends, and the shorter one at the end.
    """
    saved = worth * (layers.kernels[i] * layers.channels[i] * layers.taps[i])
    by_bytes = saved * max(1 - worth / per_byte, 0.0)
    shape = layers.shapes[layers.shape_of[i]]
    if map_bytes(shape, resident)[1] > 0 or shape.groups > 1:
        return float(by_bytes)
    first_load = sides[0] * sides[1] * TAPS_PER_ENGINE * per_byte  # largest first load
    return float(min(by_bytes, first_load + 2 * exposed / max(shape.kernels // sides[0], 1)))


@compiled
def least_costs(
    layers: Layers, sides: tuple[int, int], arrays: Arrays, capacity: np.ndarray
) -> np.ndarray:
    """Lower bound on the cost of each SubNet with any SubGraph that fits: [field, subnet, box].

    `exposed_load_cycles` holds all waits together.  layers, sides and arrays are as in
    `steady_costs`, of the fastest design of each box; capacity: [box] bytes for weights.
    """
    tiles, fixed = tiles_of(layers.shapes, sides), fixed_bytes(layers, sides)
    least = np.empty((FIELDS, len(fixed), len(capacity)))
    cycles = np.empty((CAUSES, len(layers.shapes), CHUNK))
    sums = np.empty((FIELDS, CHUNK))
    for start in range(0, len(capacity), CHUNK):
        chunk = chunk_of(arrays, start)
        per_byte, resident = chunk.cycles_per_byte, chunk.resident_map_bytes
        layer_cycles(layers.shapes, tiles, chunk, cycles)
        for s in range(len(fixed)):
            for field in range(FIELDS):
                sums[field] = fixed[s, field]
            add_cold(layers, s, chunk, cycles, sums)
            first, count = layers.starts[s], layers.starts[s + 1] - layers.starts[s]
            own = slice(first, first + count)
            weight_bytes = layers.kernels[own] * layers.channels[own] * layers.taps[own]
            worth, key, last = np.empty((count, len(per_byte))), np.arange(count), 0
            saved_per_byte(layers, s, cycles, worth)
            for b in range(len(per_byte)):
                room, saved, beyond = capacity[start + b], 0.0, 0.0
                all_fit = weight_bytes.sum() <= room
                if not all_fit:
                    last, before = last_kept(worth, key, weight_bytes, room, b, last)
                    saved = worth[last, b] * (room - before)
                for i in range(count):
                    if all_fit or comes_before(worth[i, b], key[i], worth[last, b], key[last]):
                        saved += worth[i, b] * weight_bytes[i]
                    if room > 0:
                        exposed = cycles[EXPOSED, layers.shape_of[first + i], b]
                        beyond = max(beyond, beyond_share(
                            layers, first + i, sides, per_byte[b], resident[b], exposed, worth[i, b]
                        ))  # fmt: skip
                waits = sums[FIELD.exposed_load_cycles, b] + sums[FIELD.output_stall_cycles, b]
                sums[FIELD.exposed_load_cycles, b] = max(waits - saved - beyond, 0.0)
                sums[FIELD.output_stall_cycles, b] = 0.0
                cached_bytes = min(float(room), sums[FIELD.weight_bytes, b])
                sums[FIELD.cached_weight_bytes, b] = cached_bytes
                sums[FIELD.weight_bytes, b] -= cached_bytes
            least[:, s, start : start + len(per_byte)] = sums[:, : len(per_byte)]
    return least


def corners(boxes: Boxes) -> tuple[Designs, Designs]:
    """The fastest design of each box, and the one of least energy and blocks: [box] each.

    With the same SubGraph no design of the box is faster than the first; none has a smaller buffer
    than the second.
    """
    low, high = boxes.corners()
    overheads = {name: getattr(low, name) for name in ("launch_us", "fill_cycles", "row_cycles")}
    return high.changed(**overheads), low


def bounds(network: Network, boxes: Boxes, policy: str, metrics: Sequence[Metric]) -> np.ndarray:
    """Lower bounds on the costs of the designs of a box under `policy`: [objective, subnet, box].

    All designs of a box must have the same sides of the array.  Costs are those of `Metric.cost`:
    smaller is better.
    """
    fastest, frugal = corners(boxes)
    if policy != STATIC_SUBGRAPH:
        fastest = fastest.changed(persistent_buffer_kib=0.0)
        frugal = frugal.changed(persistent_buffer_kib=0.0)
    totals = np.empty((FIELDS, len(network.starts) - 1, len(boxes)))
    for own, sides, arrays, capacity in by_sides(fastest):
        totals[..., own] = least_costs(layers_of(network), sides, arrays, capacity)
    cost = LayerCost(*totals)
    # Behind more than two tiles, loads hide behind other layers and their launches.
    deep = fastest.column("dynamic_buffer_tiles") > 2
    waits = np.where(deep, 0.0, cost.exposed_load_cycles)
    busy = cost.compute_cycles + cost.input_cycles + waits
    launches_us = np.diff(network.starts)[:, None] * fastest.column("launch_us")
    latency_us = launches_us + busy / fastest.clock_mhz
    bus_us = cost.offchip_bytes / (fastest.bytes_per_cycle * fastest.clock_mhz)
    latency_us = np.maximum(latency_us, bus_us) * (1 - ROUNDING)
    macs = network.macs[:, None]
    used = energy(frugal, cheapest_weights(cost, frugal), macs, latency_us)
    offchip_mj = energy(frugal, cost, macs, latency_us).offchip_mj  # of as few bytes as can be
    blocks = resources(frugal)
    values = {
        "mean_latency_ms": latency_us * 1e-3,
        "mean_accuracy_percent": network.top1_percent[:, None],
        "throughput_queries_per_s": 1e6 / latency_us,
        "offchip_bytes_per_query": cost.offchip_bytes,
        "energy_mj_per_query": used.total_mj * (1 - ROUNDING),
        "offchip_energy_mj_per_query": offchip_mj * (1 - ROUNDING),
        "mac_energy_mj_per_query": used.mac_mj * (1 - ROUNDING),
        "static_energy_mj_per_query": used.static_mj,
        "dsp": blocks.dsp,
        "bram36": blocks.bram36,
        "uram288": blocks.uram288,
        "device_share": blocks.device_share,
    }
    return np.stack(
        [metric.sign * np.broadcast_to(values[metric.name], latency_us.shape) for metric in metrics]
    )


def cheapest_weights(cost: LayerCost, frugal: Designs) -> LayerCost:
    """`cost` with its cached bytes where they take the least energy: on chip or fetched."""
    fetched_pj = frugal.dram_pj_per_bit * 8 + sum(
        sram_pj_per_byte(frugal.column("dynamic_buffer_bytes"), table)
        for table in (SRAM_READ_PJ_PER_BYTE, SRAM_WRITE_PJ_PER_BYTE)
    )
    cached_pj = sram_pj_per_byte(frugal.column("persistent_buffer_bytes"), SRAM_READ_PJ_PER_BYTE)
    moved: Any = np.where(fetched_pj < cached_pj, cost.cached_weight_bytes, 0.0)
    return cost._replace(
        weight_bytes=cost.weight_bytes + moved,
        cached_weight_bytes=cost.cached_weight_bytes - moved,
    )


def refuse_unbounded(metrics: Sequence[Metric]) -> None:
    """Raise `UserError` where a metric has no bound."""
    for metric in metrics:
        if metric.name not in BOUNDED:
            raise UserError(
                f"--exact: {metric.name} has no bound over a box of designs; choose objectives "
                f"from {', '.join(BOUNDED)}, or sweep without --exact"
            )
