"""The cost of a layer by simulation, written from the documentation, as an oracle."""

from sushi_dse.hardware.accelerator import Accelerator, Dataflow
from sushi_dse.model.cost import LayerCost
from sushi_dse.workload.layers import Layer


def bytes_per_cycle_of(accelerator: Accelerator) -> float:
    """Off-chip bytes in a cycle of the array: the lesser of what port and memory have."""
    is_weight_stationary = accelerator.dataflow == Dataflow.WEIGHT_STATIONARY
    port_mhz = accelerator.clock_mhz if is_weight_stationary else accelerator.port_clock_mhz
    port_bytes_per_us = accelerator.port_bytes_per_cycle * port_mhz
    memory_bytes_per_us = accelerator.dram_gb_per_s * 1e3 * accelerator.dram_efficiency
    return min(port_bytes_per_us, memory_bytes_per_us) / accelerator.clock_mhz


def maps_over_the_bus(
    layer: Layer,
    accelerator: Accelerator,
    word_channels: int,
    is_first: bool,
    is_last: bool,
    maps: int,
) -> tuple[int, int]:
    """Bytes of the input maps from DRAM and of the output maps to it, of a layer by itself."""
    on_chip = min(accelerator.streaming_buffer_kib, accelerator.output_buffer_kib) * 1024
    if accelerator.layer_by_layer:
        on_chip = 0
    input_bytes = output_bytes = 0
    if is_first or maps * layer.channels * layer.height * layer.width > on_chip:
        words = (layer.channels + word_channels - 1) // word_channels
        input_bytes = maps * words * word_channels * layer.height * layer.width
    made_bytes = maps * layer.kernels * layer.output_height * layer.output_width
    if is_last or made_bytes > on_chip:
        output_bytes = made_bytes
    return input_bytes, output_bytes


def simulated_weight_stationary(
    layer: Layer,
    accelerator: Accelerator,
    cached_kernels: int,
    cached_channels: int,
    is_first: bool,
    is_last: bool,
    maps: int = 1,
) -> LayerCost:
    """The cost of a layer by making every tile of it, in order, and waiting for every load.

    Each tile serves the `maps` of a batch, strip by strip.
    Written from the documentation; for layers of one group and for depthwise ones.
    """
    bytes_per_cycle = bytes_per_cycle_of(accelerator)
    taps = layer.kernel_height * layer.kernel_width
    outputs = maps * layer.output_height * layer.output_width
    depthwise = layer.groups > 1
    channels_of_a_kernel = 1 if depthwise else layer.channels

    tile_kernels = accelerator.pe_kernels
    if depthwise:  # each kernel of a tile takes a column with its own channel
        tile_kernels = min(tile_kernels, accelerator.pe_channels)
    tile_channels = accelerator.pe_channels * (9 if taps == 1 else 1)
    windows = [
        (top, left)
        for top in range(0, layer.kernel_height, 3)
        for left in range(0, layer.kernel_width, 3)
    ]

    # Of each strip the rows of a map, or of each of several; and into how many columns it is cut.
    row_strips, column_strips = [[layer.output_height] * maps], 1
    if channels_of_a_kernel > tile_channels or len(windows) > 1:
        sums = int(accelerator.output_buffer_kib * 1024) // (4 * min(tile_kernels, layer.kernels))
        row_strips = []
        for _ in range(maps):
            left = layer.output_height
            if row_strips and sum(row_strips[-1] + [left]) * layer.output_width <= sums:
                row_strips[-1].append(left)  # beside the maps before it
                continue
            while left:
                rows = min(left, max(sums // layer.output_width, 1))
                row_strips.append([rows])
                left -= rows
        if layer.output_width > sums:
            column_strips = -(-layer.output_width // max(sums, 1))
    count = len(row_strips) * column_strips
    if taps == 1:
        pixels = outputs
    else:
        seams = [
            max(size - stride, 0)  # what two strips both read
            for size, stride in zip(
                (layer.kernel_height, layer.kernel_width), layer.stride, strict=True
            )
        ]
        inside = sum(map(len, row_strips)) - maps  # seams that lie within a map
        pixels = (maps * layer.padded_height + inside * seams[0]) * (
            layer.padded_width + (column_strips - 1) * seams[1]
        )
    drain = accelerator.drain_cycles if taps > 1 or accelerator.pointwise_drain else 0.0
    stream = max(pixels / count + accelerator.fill_cycles, outputs / count + drain)

    loads, cached_bytes, read_bytes, partial_sum_bytes, of_first_kernels = [], 0.0, 0, 0, 0
    for first_kernel in range(0, layer.kernels, tile_kernels):
        kernels = range(first_kernel, min(first_kernel + tile_kernels, layer.kernels))
        for first_channel in range(0, channels_of_a_kernel, tile_channels):
            channels = range(
                first_channel, min(first_channel + tile_channels, channels_of_a_kernel)
            )
            cached = sum(
                k < cached_kernels and c < cached_channels for k in kernels for c in channels
            )
            uncached = len(kernels) * len(channels) - cached
            for _ in windows:
                loads.append(uncached * taps * layer.weight_bits / 8 / len(windows))
                of_first_kernels += first_kernel == 0
                cached_bytes += cached * taps * layer.weight_bits / 8 / len(windows)
                read_bytes += pixels * len(kernels if depthwise else channels)
                partial_sum_bytes += len(kernels) * outputs * 4

    # The first kernels' weights load while nothing computes; then each tile computes while the one
    # loads that stands as far behind it as the first kernels have tiles.
    every = loads * count
    now = sum(every[:of_first_kernels]) / bytes_per_cycle
    compute = len(every) * stream
    for later in [*every[of_first_kernels:], *[0.0] * of_first_kernels]:
        now += max(stream, later / bytes_per_cycle)

    input_bytes, output_bytes = maps_over_the_bus(
        layer, accelerator, accelerator.pe_channels, is_first, is_last, maps
    )
    return LayerCost(
        compute_cycles=compute,
        exposed_load_cycles=now - compute,
        input_cycles=input_bytes / bytes_per_cycle,
        output_stall_cycles=max(0.0, (sum(every) + output_bytes) / bytes_per_cycle - now)
        if output_bytes
        else 0.0,
        weight_bytes=sum(every),
        cached_weight_bytes=cached_bytes,
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        dynamic_buffer_read_bytes=sum(every),
        persistent_buffer_read_bytes=cached_bytes * count,
        streaming_buffer_read_bytes=read_bytes,
        streaming_buffer_write_bytes=maps * layer.channels * layer.height * layer.width,
        output_buffer_bytes=partial_sum_bytes,
    )


def simulated_output_stationary(
    layer: Layer,
    accelerator: Accelerator,
    cached_kernels: int,
    cached_channels: int,
    is_first: bool,
    is_last: bool,
    maps: int = 1,
) -> LayerCost:
    """The cost of a layer group by group, pass by pass and tile by tile.

    The `maps` of a batch lie one below the other, and a tile may begin in one and end in the next.
    Written from the documentation.  Times are cycles of the port until the last lines.
    """
    slower = accelerator.clock_mhz / accelerator.port_clock_mhz  # array cycles in one of the port
    bytes_per_cycle = bytes_per_cycle_of(accelerator) * slower
    pixels, q = accelerator.pe_pixels, layer.output_width
    outputs = maps * layer.output_height * q
    taps = layer.kernel_height * layer.kernel_width
    kernels, channels = layer.kernels // layer.groups, layer.channels_per_group
    words = (channels + 7) // 8  # of eight channels
    in_a_pass = 2 * accelerator.pe_kernels
    compute = 2 * 8 * words * taps / slower
    one_pass = max(compute, in_a_pass * max(0.5, pixels / 128))
    passes = list(range(0, kernels, in_a_pass))
    tiles = [range(first, min(first + pixels, outputs)) for first in range(0, outputs, pixels)]

    def last_pixel(output: int) -> tuple[int, int]:
        """Row and column of the last pixel, without padding, that an output reads."""
        return (
            output // q * layer.stride[0] + layer.kernel_height - 1 - layer.padding[0],
            output % q * layer.stride[1] + layer.kernel_width - 1 - layer.padding[2],
        )

    def span(column: int, count: int) -> int:
        """Pixels from the first to the last one of outputs that begin in a column."""
        rows, last = divmod(column + count - 1, q)
        if rows == 0 and column > 0:
            last = count - 1  # as if it began at the left
        else:
            last -= column
        return (
            (rows * layer.stride[0] + layer.kernel_height - 1) * layer.width
            + last * layer.stride[1]
            + layer.kernel_width
        )

    power = 1  # tiles begin at multiples of it in a row
    while pixels % (2 * power) == 0 and q % (2 * power) == 0:
        power *= 2
    aligned = 16
    if taps == 1 and layer.stride == (1, 1):
        while pixels % aligned:
            aligned //= 2
        slack = 16 - aligned
    elif taps == 1:
        while (layer.stride[1] * power) % aligned or (layer.stride[0] * layer.width) % aligned:
            aligned //= 2
        slack = 15 + layer.stride[1] - aligned
    else:
        slack = 15

    def read(pixel_count: float) -> float:
        return words * pixel_count / 16 + accelerator.tile_read_cycles

    spans = [span(column, pixels) for column in range(0, q, power)]
    middle = sum(spans) / len(spans) + slack
    last = span(0, len(tiles[-1])) + slack
    row, column = last_pixel(tiles[0][-1])
    row, column = min(row, maps * layer.height - 1), min(column, layer.width - 1)
    first_words = max(-(-(row * layer.width + column + 1) // 16), 0)
    first = max(compute, read(16 * first_words) - accelerator.read_ahead_cycles)
    first += (len(passes) - 1) * one_pass
    others = [max(len(passes) * one_pass, read(middle))] * (len(tiles) - 2)
    if len(tiles) > 1:
        others.append(max(len(passes) * one_pass, read(last)))

    resident, loaded, reads, cached_reads, total = 0.0, 0.0, 0.0, 0.0, 0.0
    for group in range(layer.groups):
        kept = min(max(cached_kernels - group * kernels, 0), kernels)
        kept_channels = min(cached_channels, channels) if kept else 0
        if kept_channels == 0:
            kept = 0
        missing = [  # bytes that each pass of the first tile wants from DRAM
            sum(
                channels - (kept_channels if kernel < kept else 0)
                for kernel in range(of_pass, min(of_pass + in_a_pass, kernels))
            )
            * taps
            * layer.weight_bits
            / 8
            for of_pass in passes
        ]
        reads += sum(missing) * len(tiles)
        cached_reads += kept * kept_channels * taps * len(tiles) * layer.weight_bits / 8
        again = max(sum(missing) - int(accelerator.dynamic_buffer_kib * 1024), 0)
        reload = again * (len(tiles) - 1) / bytes_per_cycle
        resident += first + sum(others)
        in_time = first + max(sum(others), reload)
        if sum(missing):
            lead = pixels - accelerator.weight_delay_cycles
            arrives = [sum(missing[: p + 1]) / bytes_per_cycle - lead for p in range(len(passes))]
            done = max(at + (len(passes) - 1 - p) * one_pass for p, at in enumerate(arrives))
            passes_left = (len(tiles) - 1) * len(passes) * one_pass
            in_time = max(in_time, done + max(passes_left, reload))
        total += in_time
        loaded += sum(missing) + again * (len(tiles) - 1)

    fill = accelerator.pixel_fill_cycles * pixels + in_a_pass / slower
    cycles, exposed = slower * (fill + resident), slower * (total - resident)
    input_bytes, output_bytes = maps_over_the_bus(layer, accelerator, 8, is_first, is_last, maps)
    bus = (loaded + output_bytes) / bytes_per_cycle * slower
    return LayerCost(
        compute_cycles=cycles,
        exposed_load_cycles=exposed,
        input_cycles=input_bytes / bytes_per_cycle * slower,
        output_stall_cycles=max(0.0, bus - cycles - exposed) if output_bytes else 0.0,
        weight_bytes=loaded,
        cached_weight_bytes=cached_reads / len(tiles),
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        dynamic_buffer_read_bytes=reads,
        persistent_buffer_read_bytes=cached_reads,
        streaming_buffer_read_bytes=layer.groups * len(tiles) * words * middle * 8,
        streaming_buffer_write_bytes=maps * layer.channels * layer.height * layer.width,
        output_buffer_bytes=layer.kernels * outputs,
    )


SIMULATED = {
    Dataflow.WEIGHT_STATIONARY: simulated_weight_stationary,
    Dataflow.OUTPUT_STATIONARY: simulated_output_stationary,
}
