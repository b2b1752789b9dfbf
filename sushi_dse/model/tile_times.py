"""When the tiles of a layer are loaded and computed, by the recurrence of `prefetch`.

Tile by tile is the definition.  Where no tile of a layer waits for its load any more, the end of
the layer is found at once, and so is the end of equal rows of blocks that add equal times.  The
figures are the same bits.
"""

import math

import numpy as np

from sushi_dse.model.jit import kernel_part

ROUNDING = 2.0**-50  # more than what rounding adds to a sum, for each term and unit of the sum


@kernel_part
def after_pauses(start: float, load: float, pauses: np.ndarray, pause: int) -> tuple[float, int]:
    """The time at which a load from `start` on ends, and the number of the next pause then.

    pauses: [pause, start and end] of the loads on the bus, disjoint and in order.
    """
    while start + load > pauses[pause, 0]:
        load = min(load, start + load - pauses[pause, 0])
        start = max(start, pauses[pause, 1])
        pause += 1
    return start + load, pause


@kernel_part
def next_power_of_two(time: float) -> float:
    """The least power of two above a time."""
    return math.ldexp(1.0, math.frexp(time)[1])


@kernel_part
def add_steps(
    time: float, step: float, steps: int, times: np.ndarray, end: int, kept: int
) -> float:
    """The time after so many steps, added one by one; the last `kept` sums go before times[end].

    A step adds the same to each float between two powers of two.  One that ends in the middle
    between two floats does so from the second step on, as the first one leads to an even float.
    """
    left = steps
    while left > 0:
        before = time
        time += step
        left -= 1
        if left < kept:
            times[end - 1 - left] = time
        added = (time + step) - time
        limit = next_power_of_two(time)
        jump = left if before >= limit / 2 else 0
        while time + jump * added >= limit:
            jump //= 2
        for i in range(max(left - kept, 0), jump):
            times[end - left + i] = time + (i + 1) * added
        time += jump * added
        left -= jump
    return time


@kernel_part
def is_punctual(
    layer: np.record,
    stream: float,
    computed: float,
    bus: float,
    freed: np.ndarray,
    depth: int,
    load: int,
    pause_start: float,
) -> bool:
    """Whether the layer's last tile loads as soon as it has a slot, if no tile waits for its load.

    It does where a loader at work without a break from `computed` on is ready for it by then, or
    where each of the next loads starts as soon as it has a slot and ends before the pause.
    """
    tiles = layer.load + layer.loading_tiles - load
    rounding = (load + tiles) * ROUNDING
    if tiles > depth + 1:
        ready = (computed + (tiles - 1) * layer.longest_load) * (1 + rounding)
        if ready <= (computed + (tiles - depth) * stream) * (1 - rounding):
            return True
    if tiles == depth + 1 or stream < rounding * computed or bus > freed[load]:
        return False
    last = load + min(tiles, depth) - 1
    if freed[last] + layer.longest_load > pause_start:
        return False
    is_punctual = True
    for slot in range(load, last):
        is_punctual &= freed[slot] + layer.longest_load <= freed[slot + 1]
    return is_punctual


@kernel_part
def skip_rows(
    computed: float,
    gain: float,
    rows: int,
    load: int,
    row_loads: int,
    freed: np.ndarray,
    depth: int,
) -> tuple[int, int]:
    """The number of rows, of the next `rows`, that add `gain` to all times; it moves `freed`.

    The second result is the last slot whose time the rows before did not move by as much, or -1.

    gain: what each of the last two rows, of `row_loads` loads, added to the times of array and bus.
    If it moved all times by which slots are freed, too, the next rows add the same while all times
    lie between two powers of two: by `add_steps`, or by the same in every other row.
    """
    limit, oldest = next_power_of_two(computed), load - 2 * row_loads
    if row_loads == 0 or freed[oldest] < limit / 2:
        return 0, -1
    is_moved = True
    for slot in range(oldest + row_loads, load + depth):
        is_moved &= freed[slot] - freed[slot - row_loads] == gain
    if not is_moved:
        slot = load + depth - 1
        while freed[slot] - freed[slot - row_loads] == gain:
            slot -= 1
        return 0, slot
    while computed + rows * gain >= limit:
        rows //= 2
    for slot in range(load + depth - 1, load - 1, -1):
        freed[slot + rows * row_loads] = freed[slot] + rows * gain
    return rows, -1


@kernel_part
def run_tiles(
    layer: np.record,
    lengths: np.ndarray,
    loads: np.ndarray,
    stream: float,
    ready: float,
    freed: np.ndarray,
    depth: int,
    pauses: np.ndarray,
    writes: bool,
) -> tuple[float, float, float, int, int]:
    """The timing of the tiles of a layer that is ready at `ready`.

    layer: of `WALKED`; lengths, loads: of `write_runs`; freed: [load], time at which the slot of a
    load is free, written `depth` loads ahead; writes: whether an output map leaves.  It returns the
    times at which the tiles are computed and loaded, the cycles of loading after `ready` (valid
    only if a load passed the layer's own pause), and the numbers of the next load and of the next
    pause.

    Once a tile has been loaded when the one before it is computed, and no load takes longer than a
    tile computes, no later one is waited for.  If the loader catches up, too, their times are sums
    of steps, and the cycles of loading are less than those that pass: they are left out where no
    map leaves, for nothing depends on them.
    """
    bus, load, pause = layer.bus, layer.load, layer.pause
    computed, late, pause_start = ready, 0.0, pauses[pause, 0]
    end = load + layer.loading_tiles
    run, rows = layer.first_run, 0 if layer.longest_load > stream else layer.rows
    gain, row_computed, row_bus, row_load = 0.0, computed, bus, load
    unmoved, unmoved_gain = -1, 0.0  # of `skip_rows`: no row is skipped while it is in sight
    while run < layer.end_run:
        if rows < layer.rows and run == layer.first_row + rows * layer.row_runs:
            before, gain = gain, computed - row_computed
            if bus - row_bus != gain:
                gain = 0.0
            left, row_loads = layer.rows - 1 - rows, load - row_load
            in_sight = unmoved >= load - row_loads and unmoved_gain == gain
            if rows > 1 and gain > 0 and gain == before and pause_start == np.inf and not in_sight:
                skipped, unmoved = skip_rows(computed, gain, left, load, row_loads, freed, depth)
                unmoved_gain = gain
                for _ in range(skipped * layer.row_runs):
                    late += lengths[run] * loads[run]
                    run += 1
                computed += skipped * gain
                bus += skipped * gain
                load += skipped * row_loads
                rows += skipped
                gain = gain if skipped == 0 else 0.0
            row_computed, row_bus, row_load = computed, bus, load
            rows += 1
        cycles, tiles = loads[run], lengths[run]
        run += 1
        if cycles == 0:
            computed += tiles * stream
            continue
        if (
            layer.longest_load <= stream
            and run > layer.tail
            and max(bus, freed[load]) + cycles <= min(computed, pause_start)
            and (pause_start == np.inf or not writes or end - load <= depth)
            and is_punctual(layer, stream, computed, bus, freed, depth, load, pause_start)
        ):
            left = end - load
            computed = add_steps(computed, stream, left, freed, end + depth, min(left, depth + 1))
            bus, load = freed[end - 1] + loads[layer.end_run - 1], end
            if pause_start == np.inf:
                for hidden in range(run - 1, layer.end_run):
                    late += lengths[hidden] * loads[hidden]
            while left > depth and pauses[pause, 0] < np.inf:
                pause += 1
            break
        for tile in range(load, load + tiles):
            start = max(bus, freed[tile])
            bus = start + cycles
            if bus > pause_start:
                bus, pause = after_pauses(start, cycles, pauses, pause)
                pause_start = pauses[pause, 0]
                late = min(cycles, bus - ready) - (tile + 1 - load) * cycles
            computed = max(computed, bus) + stream
            freed[tile + depth] = computed
        late += tiles * cycles
        load += tiles
    return computed, bus, late, load, pause
