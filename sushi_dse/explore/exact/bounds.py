"""Lower bounds on the costs of all designs of a box, for each SubNet and metric.

With the SubGraph fixed, latency falls with bandwidth, clock, buffers and their number of tiles, and
rises with launch, fill and drain; so the best design of a box, if it may cache whatever the largest
Persistent Buffer of the box has room for, is a bound.  Which SubGraph a design caches
depends on all of its fields, so what caching saves is bounded over all SubGraphs: layers in part
(the fractional knapsack), and for the one layer that is cached in part what it may save beyond its
share.  Energy is bounded cause by cause, each at the corner that is best for it.  The sides of the
array are no range: their blocks cut a layer's kernels and channels into other lengths, and a
larger side may be slower, and wider buffers may waste fewer of their words.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sushi_dse.errors import UserError
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.explore.exact.boxes import Boxes
from sushi_dse.hardware.designs import Designs
from sushi_dse.hardware.resources import resources
from sushi_dse.model.cost import FIELDS, Array, LayerCost, bytes_of
from sushi_dse.model.energy import (
    SRAM_READ_PJ_PER_BYTE,
    energy,
    sram_pj_per_byte,
)
from sushi_dse.model.jit import compiled
from sushi_dse.model.network import Network
from sushi_dse.model.steady_cost import by_counts, layers_of
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
    Weights,
    add_cold,
    bytes_before,
    comes_before,
    fixed_bytes,
    last_kept,
    saved_per_byte,
)
from sushi_dse.model.weight_stationary import blocks
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
    "clock_energy_mj_per_query",
    "static_energy_mj_per_query",
    "dsp",
    "lut",
    "ff",
    "bram36",
    "uram288",
    "device_share",
)
# What makes a design slower the more there is of it.
OVERHEADS = ("launch_us", "fill_cycles", "drain_cycles", "pixel_fill_cycles",
             "weight_delay_cycles", "tile_read_cycles")  # fmt: skip
ROUNDING = 1e-9  # share that bounds are lowered by: more than the rounding error of the sums


@compiled
def beyond_share(
    layers: Layers,
    i: int,
    common: Array,
    loads_per_byte: float,
    per_byte: float,
    resident: float,
    exposed: float,
    worth: float,
) -> float:
    """Cycles that part of a layer may save on chip, beyond its share of what the whole saves.

    exposed: with nothing on chip; worth: saved per byte by the whole layer.  No byte saves more
    than its own loads, at most `loads_per_byte`.  On a weight-stationary array whose output map
    stays on chip tiles wait one by one, and rows of whole tiles save their share; beyond it lie the
    loads of the first row and two rows more: the one in which the part ends, and the shorter one at
    the end.
    """
    saved = worth * layers.weight_bytes[i]
    by_bytes = saved * max(1 - worth / (per_byte * loads_per_byte), 0.0)
    shape = layers.shapes[layers.shape_of[i]]
    if common.is_output_stationary or shape.output_holds > resident or shape.groups > 1:
        return float(by_bytes)
    block = blocks(shape, common)[0]
    pairs = min(block, shape.kernels) * shape.channels_per_group
    first_row = bytes_of(pairs, shape.pair_bits) * per_byte
    return float(min(by_bytes, first_row + 2 * exposed / max(shape.kernels // block, 1)))


@compiled
def most_within(
    per_byte: np.ndarray, weight_bytes: np.ndarray, order: np.ndarray, room: float
) -> float:
    """The most that `room` bytes of the layers can be worth: layers by worth, the last in part.

    per_byte: [layer], the worth of a byte; order: [layer], by falling worth.
    """
    amount, left = 0.0, room
    for i in order:
        part = min(left, weight_bytes[i])
        amount += per_byte[i] * part
        left -= part
    return amount


@compiled
def least_costs(layers: Layers, common: Array, arrays: Arrays, capacity: np.ndarray) -> np.ndarray:
    """Lower bound on the cost of each SubNet with any SubGraph that fits: [field, subnet, box].

    `exposed_load_cycles` holds all waits together, and `persistent_buffer_read_bytes` the most that
    may be read there.  layers, common and arrays are as in `steady_costs`, of the fastest design of
    each box; capacity: [box] bytes for weights.
    """
    tiles = tiles_of(layers.shapes, common)
    fixed, use = fixed_bytes(layers, common)
    least = np.empty((FIELDS, len(fixed), len(capacity)))
    cycles = np.empty((CAUSES, len(layers.shapes), CHUNK))
    sums, worth = np.empty((FIELDS, CHUNK)), np.empty((len(layers.shapes), CHUNK))
    for start in range(0, len(capacity), CHUNK):
        chunk = chunk_of(arrays, start)
        per_byte, resident = chunk.cycles_per_byte, chunk.resident_map_bytes
        layer_cycles(layers.shapes, tiles, common, chunk, cycles)
        saved_per_byte(layers.shapes, cycles, worth)
        for s in range(len(fixed)):
            for field in range(FIELDS):
                sums[field] = fixed[s, field]
            add_cold(layers, s, common, chunk, cycles, sums)
            first, count = layers.starts[s], layers.starts[s + 1] - layers.starts[s]
            own = slice(first, first + count)
            weight_bytes = layers.weight_bytes[own]
            shape_of, key, last = layers.shape_of[own], np.arange(count), 0
            weights, before = Weights(worth, shape_of, key, weight_bytes), np.empty(len(per_byte))
            # Reads of a layer without weights of its own count for no byte in `most_within`.
            reads_per_byte = use.reads[shape_of] / np.where(weight_bytes > 0, weight_bytes, 1.0)
            is_loaded_once = use.loads[shape_of] == weight_bytes
            loads_per_byte = np.where(is_loaded_once, 1.0, reads_per_byte)
            by_loads, by_reads = np.argsort(-loads_per_byte), np.argsort(-reads_per_byte)
            for b in range(len(per_byte)):
                room, saved, beyond = capacity[start + b], 0.0, 0.0
                all_fit = weight_bytes.sum() <= room
                if not all_fit:
                    bytes_before(weights, last, b, b + 1, before)
                    last, kept_bytes = last_kept(weights, room, b, last, before[b])
                    saved = worth[shape_of[last], b] * (room - kept_bytes)
                last_worth = worth[shape_of[last], b]
                for i in range(count):
                    own_worth = worth[shape_of[i], b]
                    if all_fit or comes_before(own_worth, key[i], last_worth, key[last]):
                        saved += own_worth * weight_bytes[i]
                    if room > 0 and weight_bytes[i] > 0:
                        exposed = cycles[EXPOSED, shape_of[i], b]
                        beyond = max(beyond, beyond_share(
                            layers, first + i, common, loads_per_byte[i], per_byte[b], resident[b],
                            exposed, own_worth,
                        ))  # fmt: skip
                waits = sums[FIELD.exposed_load_cycles, b] + sums[FIELD.output_stall_cycles, b]
                sums[FIELD.exposed_load_cycles, b] = max(waits - saved - beyond, 0.0)
                sums[FIELD.output_stall_cycles, b] = 0.0
                sums[FIELD.cached_weight_bytes, b] = min(room, weight_bytes.sum())
                loads = most_within(loads_per_byte, weight_bytes, by_loads, room)
                sums[FIELD.weight_bytes, b] = max(sums[FIELD.weight_bytes, b] - loads, 0.0)
                reads = most_within(reads_per_byte, weight_bytes, by_reads, room)
                reads = min(reads, sums[FIELD.dynamic_buffer_read_bytes, b])
                sums[FIELD.persistent_buffer_read_bytes, b] = reads
                sums[FIELD.dynamic_buffer_read_bytes, b] -= reads
            least[:, s, start : start + len(per_byte)] = sums[:, : len(per_byte)]
    return least


def corners(boxes: Boxes) -> tuple[Designs, Designs]:
    """The fastest design of each box, and the one of least energy and blocks: [box] each.

    With the same SubGraph no design of the box is faster than the first; none has a smaller buffer
    than the second.
    """
    low, high = boxes.corners()
    return high.changed(**{name: getattr(low, name) for name in OVERHEADS}), low


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
    for own, common, arrays, capacity in by_counts(fastest):
        totals[..., own] = least_costs(layers_of(network), common, arrays, capacity)
    cost = LayerCost(*totals)
    # Loads that are prefetched hide behind other layers and their launches.
    waits = np.where(fastest.column("prefetches"), 0.0, cost.exposed_load_cycles)
    busy = cost.compute_cycles + cost.input_cycles + waits
    launches_us = np.diff(network.starts)[:, None] * fastest.column("launch_us")
    latency_us = launches_us + busy / fastest.clock_mhz
    bus_us = cost.offchip_bytes / (fastest.bytes_per_cycle * fastest.clock_mhz)
    latency_us = np.maximum(latency_us, bus_us) * (1 - ROUNDING)
    macs = network.macs[:, None]
    used = energy(frugal, cheapest_reads(cost, frugal), macs, latency_us)
    blocks = resources(frugal)
    values = {
        "mean_latency_ms": latency_us * 1e-3,
        "mean_accuracy_percent": network.accuracy_percent[:, None],
        "throughput_queries_per_s": fastest.device.accelerators * 1e6 / latency_us,
        "offchip_bytes_per_query": cost.offchip_bytes,
        "energy_mj_per_query": used.total_mj * (1 - ROUNDING),
        "offchip_energy_mj_per_query": used.offchip_mj * (1 - ROUNDING),
        "mac_energy_mj_per_query": used.mac_mj * (1 - ROUNDING),
        "clock_energy_mj_per_query": used.clock_mj * (1 - ROUNDING),
        "static_energy_mj_per_query": used.static_mj * (1 - ROUNDING),
        **blocks.by_name,
    }
    return np.stack(
        [metric.sign * np.broadcast_to(values[metric.name], latency_us.shape) for metric in metrics]
    )


def cheapest_reads(cost: LayerCost, frugal: Designs) -> LayerCost:
    """`cost` with its reads of weights from the buffer that takes the least energy for them."""
    dynamic_pj, persistent_pj = (
        sram_pj_per_byte(frugal.column(capacity), SRAM_READ_PJ_PER_BYTE)
        for capacity in ("dynamic_buffer_bytes", "persistent_buffer_bytes")
    )
    moved: Any = np.where(dynamic_pj < persistent_pj, cost.persistent_buffer_read_bytes, 0.0)
    return cost._replace(
        dynamic_buffer_read_bytes=cost.dynamic_buffer_read_bytes + moved,
        persistent_buffer_read_bytes=cost.persistent_buffer_read_bytes - moved,
    )


def refuse_unbounded(metrics: Sequence[Metric]) -> None:
    """Raise `UserError` where a metric has no bound."""
    for metric in metrics:
        if metric.name not in BOUNDED:
            raise UserError(
                f"--exact: {metric.name} has no bound over a box of designs; choose objectives "
                f"from {', '.join(BOUNDED)}, or sweep without --exact"
            )
